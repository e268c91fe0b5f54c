/* tools/metasim/answer_check.c -- see answer_check.h */
#include "tools/metasim/answer_check.h"

#include "lib/sdp/sdp_audio.h"

#include <stdbool.h>
#include <string.h>

static bool every_line_ends_in_crlf(const char *sdp)
{
	size_t length = strlen(sdp);

	for (const char *p = strchr(sdp, '\n'); p; p = strchr(p + 1, '\n')) {
		if (p == sdp || p[-1] != '\r')
			return false;
	}
	return length > 2 && strcmp(sdp + length - 2, "\r\n") == 0 && !strstr(sdp, "\\r\\n");
}

static size_t count(const char *sdp, const char *what)
{
	size_t n = 0;

	for (const char *p = strstr(sdp, what); p; p = strstr(p + 1, what))
		n++;
	return n;
}

/* What holds for offers and answers. */
static const char *check_text(const char *sdp, struct sdp_audio *s)
{
	if (!every_line_ends_in_crlf(sdp))
		return "SDP lines must end in CRLF";
	if (sdp_audio_parse(sdp, strlen(sdp), s, NULL))
		return "SDP cannot be parsed";
	if (count(sdp, "\r\nm=") != 1 || !strstr(sdp, "\r\nm=audio "))
		return "exactly one m=audio line is allowed";
	if (count(sdp, "a=fingerprint:") != 1)
		return "exactly one fingerprint is allowed";
	if (!s->has_fingerprint)
		return "fingerprint algorithm is not SHA-256";
	if (strstr(sdp, "a=ice-lite"))
		return "the business must be a full ICE agent";
	if (s->proto != SDP_UDP_TLS_RTP_SAVPF)
		return "profile must be UDP/TLS/RTP/SAVPF";
	if (!*s->ice_ufrag || strlen(s->ice_pwd) < 22)
		return "ICE credentials are missing or too short";
	if (!s->rtcp_mux)
		return "rtcp-mux is missing";
	if (s->codec_count == 0 || s->codecs[0].pt != 111 || s->codecs[0].clock_hz != 48000)
		return "opus/48000/2 with payload type 111 is missing";
	if (s->ptime_ms != 20)
		return "ptime must be 20";
	if (count(sdp, "a=ssrc:") > 1)
		return "more than one SSRC";
	return NULL;
}

const char *answer_check(const char *sdp_type, const char *sdp, struct sdp_audio *s)
{
	const char *why;

	if (strcmp(sdp_type, "answer") != 0)
		return "sdp_type must be answer";
	why = check_text(sdp, s);
	if (why)
		return why;
	if (s->setup != SDP_SETUP_ACTIVE)
		return "setup must be active in an answer";
	if (strcmp(s->mid, "audio") != 0)
		return "mid differs from the offer's";
	return NULL;
}

const char *offer_check(const char *sdp_type, const char *sdp, struct sdp_audio *s)
{
	const char *why;

	if (strcmp(sdp_type, "offer") != 0)
		return "sdp_type must be offer";
	why = check_text(sdp, s);
	if (why)
		return why;
	if (s->setup != SDP_SETUP_ACTPASS && s->setup != SDP_SETUP_ACTIVE)
		return "setup must be actpass or active in an offer";
	if (!*s->mid)
		return "mid is missing";
	if (s->direction != SDP_SENDRECV)
		return "direction must be sendrecv";
	return NULL;
}
