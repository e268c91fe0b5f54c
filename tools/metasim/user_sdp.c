/* tools/metasim/user_sdp.c -- see user_sdp.h */
#include "tools/metasim/user_sdp.h"

#include <errno.h>
#include <stdio.h>

static void fingerprint_text(const struct user_sdp *s, char text[97])
{
	for (int i = 0; i < 32; i++)
		snprintf(text + i * 3, 4, "%02X%s", s->fingerprint[i], i < 31 ? ":" : "");
}

int user_sdp_offer(const struct user_sdp *s, char *text, size_t cap)
{
	char fp[97];
	int n;

	fingerprint_text(s, fp);
	n = snprintf(text, cap,
		"v=0\r\no=- 1790000000123 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE audio\r\n"
		"a=msid-semantic: WMS 11111111-2222-4333-8444-555555555555\r\na=ice-lite\r\n"
		"m=audio %u UDP/TLS/RTP/SAVPF 111 126\r\nc=IN IP4 127.0.0.1\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
		"a=candidate:1111111111 1 udp 2122260223 127.0.0.1 %u typ host generation 0 network-cost 50\r\n"
		"a=candidate:2222222222 1 udp 2122262783 2001:db8:20::1 %u typ host generation 0 network-cost 50\r\n"
		"a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:actpass\r\na=mid:audio\r\n"
		"a=sendrecv\r\na=msid:11111111-2222-4333-8444-555555555555 WhatsAppTrack1\r\na=rtcp-mux\r\n"
		"a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n"
		"a=fmtp:111 maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;"
		"sprop-maxcapturerate=16000;useinbandfec=1\r\n"
		"a=rtpmap:126 telephone-event/8000\r\na=maxptime:20\r\na=ptime:20\r\n"
		"a=ssrc:%u cname:WhatsAppAudioStream1\r\n",
		s->port, s->port, s->port, s->ufrag, s->pwd, fp, (unsigned)s->ssrc);
	return n < 0 || (size_t)n >= cap ? -ENOBUFS : n;
}

/* Meta: calls webhook, "connect" of a business-initiated call: ice-lite, the offer's mid and payload types. */
int user_sdp_answer(const struct user_sdp *s, const char *mid, const char *setup, char *text, size_t cap)
{
	char fp[97];
	int n;

	fingerprint_text(s, fp);
	n = snprintf(text, cap,
		"v=0\r\no=- 1790000000456 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE %s\r\n"
		"a=msid-semantic: WMS 11111111-2222-4333-8444-555555555556\r\na=ice-lite\r\n"
		"m=audio %u UDP/TLS/RTP/SAVPF 111 126\r\nc=IN IP4 127.0.0.1\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
		"a=candidate:1111111111 1 udp 2122260223 127.0.0.1 %u typ host generation 0 network-cost 50\r\n"
		"a=candidate:2222222222 1 udp 2122262783 2001:db8:20::1 %u typ host generation 0 network-cost 50\r\n"
		"a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:trickle\r\na=fingerprint:sha-256 %s\r\n"
		"a=setup:%s\r\na=mid:%s\r\na=sendrecv\r\n"
		"a=msid:11111111-2222-4333-8444-555555555556 WhatsAppTrack1\r\na=rtcp-mux\r\n"
		"a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 "
		"minptime=10;useinbandfec=1\r\n"
		"a=rtpmap:126 telephone-event/8000\r\na=ssrc:%u cname:WhatsAppAudioStream1\r\n",
		mid, s->port, s->port, s->port, s->ufrag, s->pwd, fp, setup, mid, (unsigned)s->ssrc);
	return n < 0 || (size_t)n >= cap ? -ENOBUFS : n;
}
