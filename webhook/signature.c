/* webhook/signature.c
 *
 * X-Hub-Signature-256: "sha256=" and the HMAC-SHA-256 of the raw body under the app secret's text, in hex (Meta:
 * webhooks, "Validating payloads").
 */
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "webhook/receiver.h"

#include <string.h>

bool webhook_signature_find(const char *header, const void *body, size_t length, const char *const *secrets,
	size_t secret_count, size_t *ret_index)
{
	static const char scheme[] = "sha256=";
	uint8_t claimed[32], mac[32];
	size_t found = secret_count;

	if (!header || !str_starts(header, scheme) || strlen(header) != sizeof(scheme) - 1 + 2 * sizeof(claimed))
		return false;
	if (str_unhex(header + sizeof(scheme) - 1, claimed, sizeof(claimed)) != (int)sizeof(claimed))
		return false;
	/* All secrets are tried, so that the time does not tell which one fits. */
	for (size_t i = secret_count; i-- > 0;) {
		crypto_hmac_sha256(secrets[i], strlen(secrets[i]), body, length, mac);
		found = crypto_equal(mac, claimed, sizeof(mac)) ? i : found;
	}
	if (found == secret_count)
		return false;
	*ret_index = found;
	return true;
}

bool webhook_signature_ok(
	const char *header, const void *body, size_t length, const char *const *secrets, size_t secret_count)
{
	size_t index;
	return webhook_signature_find(header, body, length, secrets, secret_count, &index);
}
