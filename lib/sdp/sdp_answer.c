/* lib/sdp/sdp_answer.c
 *
 * What an answer takes from its offer (RFC 3264 s6).
 */
#include "lib/sdp/sdp_audio.h"

#include <string.h>

/* A direction as its two halves, seen from whoever wrote it. */
static bool sends(enum sdp_direction d)
{
	return d == SDP_SENDRECV || d == SDP_SENDONLY;
}

static bool receives(enum sdp_direction d)
{
	return d == SDP_SENDRECV || d == SDP_RECVONLY;
}

enum sdp_direction sdp_answer_direction(const struct sdp_audio *offer, enum sdp_direction wanted)
{
	/* c=0.0.0.0: it has no place to receive at (RFC 3264 s8.4), whatever the attribute says. */
	bool send = sends(wanted) && receives(offer->direction) && !offer->hold_address;
	bool receive = receives(wanted) && sends(offer->direction);

	if (send)
		return receive ? SDP_SENDRECV : SDP_SENDONLY;
	return receive ? SDP_RECVONLY : SDP_INACTIVE;
}

void sdp_answer_media(struct sdp_audio *answer, const struct sdp_audio *offer)
{
	answer->media_count = offer->media_count;
	answer->media_index = offer->media_index;
	memcpy(answer->others, offer->others, sizeof(answer->others));
}

bool sdp_is_refused(const struct sdp_audio *sdp)
{
	return !addr_is_set(&sdp->rtp) || addr_port(&sdp->rtp) == 0;
}
