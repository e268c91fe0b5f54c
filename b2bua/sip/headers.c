/* b2bua/sip/headers.c
 *
 * Headers that carry call data (X-...). Those that route, frame or authenticate a message stay the stack's: a rule of
 * the dialplan cannot name them, and no value can start another line.
 */
#include "b2bua/sip/headers.h"

#include "b2bua/sip/text.h"
#include "b2bua/sip/uri.h"
#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

enum { VALUE_MAX = 1024 };

bool sip_header_allowed(const char *name)
{
	/* One-letter names are the compact forms (RFC 3261 s7.3.3). */
	static const char *const reserved[] = {"Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards",
		"Route", "Record-Route", "Content-Length", "Content-Type", "Content-Encoding", "Content-Disposition",
		"Content-Language", "Require", "Proxy-Require", "Supported", "Unsupported", "Allow", "Accept",
		"Accept-Encoding", "MIME-Version", "Authorization", "Proxy-Authorization", "WWW-Authenticate",
		"Proxy-Authenticate", "Authentication-Info", "Session-Expires", "Min-SE", "RSeq", "RAck", "Replaces",
		"Join", "Refer-To", "Event", "Subscription-State", "Reason", "P-Asserted-Identity",
		"Request-Disposition", "Timestamp", "User-Agent", "Path", "Service-Route"};

	if (!text_is_token(name, strlen(name)) || strlen(name) < 2 || strlen(name) > 64)
		return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (str_equal_nocase(name, reserved[i]))
			return false;
	return true;
}

static bool is_tel(const char *uri)
{
	return str_starts(uri, "tel:") && uri[4] && strspn(uri + 4, "+0123456789-.()") == strlen(uri + 4);
}

static int put_pai(struct strbuf *sb, const char *pai_uri)
{
	struct sip_uri uri;

	if (!is_tel(pai_uri) && sip_uri_parse(pai_uri, &uri))
		return -EINVAL;
	strbuf_printf(sb, "P-Asserted-Identity: <%s>\r\n", pai_uri);
	return 0;
}

int headers_build(char *dst, size_t cap, const char *pai_uri, const struct sip_header *headers, size_t count)
{
	struct strbuf sb;

	strbuf_init(&sb, dst, cap);
	if (pai_uri && *pai_uri && put_pai(&sb, pai_uri))
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (!sip_header_allowed(headers[i].name))
			return -EINVAL;
		if (!headers[i].value || !headers[i].value[strspn(headers[i].value, " \t\r\n")])
			continue;
		strbuf_printf(&sb, "%s: ", headers[i].name);
		text_put_line(&sb, headers[i].value, VALUE_MAX);
		strbuf_put(&sb, "\r\n");
	}
	return sb.truncated ? -ENAMETOOLONG : 0;
}
