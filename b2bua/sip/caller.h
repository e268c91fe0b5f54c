/* b2bua/sip/caller.h
 *
 * What an INVITE or a REFER says, taken out of the library's structures into bounded, clean text. Pure.
 */
#ifndef B2BUA_SIP_CALLER_H
#define B2BUA_SIP_CALLER_H

#include "b2bua/sip/digest.h"
#include "b2bua/sip/sip.h"
#include "b2bua/sip/uri.h"

#include <sofia-sip/sip.h>

enum {
	CALLER_USER_MAX = 128,
	CALLER_HOST_MAX = 256,
	CALLER_VALUES_MAX = 8192,
	REFER_VALUE_MAX = 512,
};

/* Storage for a struct sip_incoming. */
struct caller_text {
	char request_user[CALLER_USER_MAX], request_host[CALLER_HOST_MAX];
	char to_user[CALLER_USER_MAX], from_user[CALLER_USER_MAX], from_display[2 * CALLER_USER_MAX],
		from_host[CALLER_HOST_MAX], pai_user[CALLER_USER_MAX];
	char values[CALLER_VALUES_MAX];
};

/* All but source, auth_user and replaces_leg. Returns 0, or -ENAMETOOLONG when the number called is no number anybody
 * has: cut short it would be another's. Other texts are cut; headers over SIP_IN_HEADERS_MAX or the room are left out.
 */
int caller_read(const sip_t *sip, struct caller_text *t, struct sip_incoming *ret_in);

/* The first Digest credentials for realm; parameters are copied into store. false: none. */
struct credentials_text {
	char text[4096];
};
bool caller_credentials(
	const sip_t *sip, const char *realm, struct credentials_text *store, struct digest_credentials *ret_c);
/* Do the credentials speak of the number this request calls? Hosts and parameters may have been changed by proxies. */
bool caller_credentials_fit(const sip_t *sip, const struct digest_credentials *c);

struct refer_text {
	char to[SIP_URI_MAX], replaces[REFER_VALUE_MAX], referred_by[REFER_VALUE_MAX];
};
/* Returns 0 or -EINVAL (not to be understood, or neither sip: nor tel:). "" for what is not there. */
int caller_refer(const sip_t *sip, struct refer_text *ret_t);

/* %HH undone, control characters made spaces. Returns 0 or -ENAMETOOLONG with as much as fits. NULL src is "". */
int caller_unescape(char *dst, size_t cap, const char *src, size_t length);

#endif
