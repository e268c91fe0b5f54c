/* webhook/signature.c
 *
 * X-Hub-Signature-256: "sha256=" and the HMAC-SHA-256 of the raw body under the app secret's text, in hex (Meta:
 * webhooks, "Validating payloads").
 */
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "webhook/receiver.h"

#include <string.h>

bool webhook_signature_ok(
	const char *header, const void *body, size_t length, const char *const *secrets, size_t secret_count)
{
	static const char scheme[] = "sha256=";
	uint8_t claimed[32], mac[32];
	bool ok = false;

	if (!header || !str_starts(header, scheme) || strlen(header) != sizeof(scheme) - 1 + 2 * sizeof(claimed))
		return false;
	if (str_unhex(header + sizeof(scheme) - 1, claimed, sizeof(claimed)) != (int)sizeof(claimed))
		return false;
	/* All secrets are tried, so that the time does not tell which one fits. */
	for (size_t i = 0; i < secret_count; i++) {
		crypto_hmac_sha256(secrets[i], strlen(secrets[i]), body, length, mac);
		ok |= crypto_equal(mac, claimed, sizeof(mac));
	}
	return ok;
}
