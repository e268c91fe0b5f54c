/* dialplan/header_name.c */
#include "dialplan/header_name.h"

#include "lib/base/str.h"

#include <string.h>

enum { NAME_MAX_CHARS = 64 };

bool header_name_is_token(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > NAME_MAX_CHARS)
		return false;
	for (const char *p = name; *p; p++) {
		bool alnum = (*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z');
		if (!alnum && !strchr("-.!%*_+`'~", *p))
			return false;
	}
	return true;
}

/* Dialogue, routing, body, authentication, timers and transfer: a second one, or another value, breaks the call or its
 * security. */
static const char *const reserved[] = {
	"Accept",
	"Allow",
	"Allow-Events",
	"Authentication-Info",
	"Authorization",
	"Call-ID",
	"Contact",
	"Content-Disposition",
	"Content-Encoding",
	"Content-Language",
	"Content-Length",
	"Content-Type",
	"CSeq",
	"Date",
	"Event",
	"Expires",
	"From",
	"Max-Forwards",
	"MIME-Version",
	"Min-Expires",
	"Min-SE",
	"Path",
	"Proxy-Authenticate",
	"Proxy-Authorization",
	"Proxy-Require",
	"RAck",
	"Record-Route",
	"Refer-To",
	"Referred-By",
	"Replaces",
	"Require",
	"Retry-After",
	"Route",
	"RSeq",
	"Service-Route",
	"Session-Expires",
	"SIP-ETag",
	"SIP-If-Match",
	"Subscription-State",
	"Supported",
	"Target-Dialog",
	"Timestamp",
	"To",
	"Unsupported",
	"Via",
	"Warning",
	"WWW-Authenticate",
};

bool header_name_is_reserved(const char *name)
{
	/* Compact forms (RFC 3261 s7.3.3 and later) are single letters, and none is of use here but the subject. */
	if (strlen(name) == 1)
		return !str_equal_nocase(name, "s");
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (str_equal_nocase(name, reserved[i]))
			return true;
	return false;
}
