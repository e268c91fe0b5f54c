/* tools/metasim/answer_check.h
 *
 * What Meta refuses in a business's SDP answer or offer, by the text itself. Sources: Meta, "User-initiated calls",
 * "Troubleshooting"; error 100 (subcode 2494010) and 138008.
 */
#ifndef TOOLS_METASIM_ANSWER_CHECK_H
#define TOOLS_METASIM_ANSWER_CHECK_H

struct sdp_audio;

/* NULL: fine, *ret_sdp filled in. Else why it is refused. */
const char *answer_check(const char *sdp_type, const char *sdp, struct sdp_audio *ret_sdp);
const char *offer_check(const char *sdp_type, const char *sdp, struct sdp_audio *ret_sdp);

#endif
