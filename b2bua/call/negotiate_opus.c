/* b2bua/call/negotiate_opus.c
 *
 * What a receiver of Opus says of itself: the parameters of RFC 7587 s6.1 that concern who sends to it. usedtx is left
 * out, because a pause without packets is no choice of ours (Meta ends calls without media); so are stereo, because we
 * send mono, and the sprop parameters, which are hints about what it sends.
 */
#include "b2bua/call/negotiate_opus.h"

enum {
	BITRATE_MIN = 6000, /* RFC 7587 s6.1 */
	BITRATE_MAX = 510000,
	PLAYBACK_MIN_HZ = 8000,
	PLAYBACK_MAX_HZ = 48000,
};

/* 0: not said, or not a number that could be meant. */
static uint32_t bounded(long value, long least, long most)
{
	if (value <= 0)
		return 0;
	return (uint32_t)(value < least ? least : value > most ? most : value);
}

uint32_t negotiate_opus_bitrate(const struct sdp_codec *opus)
{
	return bounded(sdp_fmtp_int(opus, "maxaveragebitrate", 0), BITRATE_MIN, BITRATE_MAX);
}

struct media_opus_receiver negotiate_opus_receiver(const struct sdp_codec *opus)
{
	return (struct media_opus_receiver){
		.max_playback_hz = bounded(sdp_fmtp_int(opus, "maxplaybackrate", 0), PLAYBACK_MIN_HZ, PLAYBACK_MAX_HZ),
		.cbr = sdp_fmtp_int(opus, "cbr", 0) == 1,
		.no_fec = sdp_fmtp_int(opus, "useinbandfec", 0) != 1};
}
