/* tools/metasim/user_sdp.h
 *
 * Meta's session descriptions in the shapes that traces and official samples show. Written by hand, not by lib/sdp: the
 * writer must not be judged by itself.
 */
#ifndef TOOLS_METASIM_USER_SDP_H
#define TOOLS_METASIM_USER_SDP_H

#include <stddef.h>
#include <stdint.h>

struct user_sdp {
	unsigned port; /* on 127.0.0.1 */
	uint32_t ssrc;
	const char *ufrag, *pwd;
	uint8_t fingerprint[32];
};

/* The offer of a user-initiated call. Returns its length or -ENOBUFS. */
int user_sdp_offer(const struct user_sdp *s, char *text, size_t cap);
/* The answer to a business's offer, whose mid it repeats. Returns its length or -ENOBUFS. */
int user_sdp_answer(const struct user_sdp *s, const char *mid, const char *setup, char *text, size_t cap);

#endif
