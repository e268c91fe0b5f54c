/* media/session_sip.c
 *
 * What comes from the SIP side: is it authentic, is it the peer's, and what is it.
 */
#include "media/session_inner.h"

#include "lib/base/counter.h"

#include <errno.h>

enum {
	PT_PCMU = 0, /* RFC 3551 s6: static types; some peers switch without asking */
	PT_PCMA = 8,
	PT_CN = 13,
};

static enum line_format format_of_codec(enum audio_codec codec)
{
	switch (codec) {
	case AUDIO_OPUS: return LINE_OPUS;
	case AUDIO_G722: return LINE_G722;
	case AUDIO_PCMA: return LINE_PCMA;
	case AUDIO_PCMU:
	case AUDIO_NONE: break;
	}
	return LINE_PCMU;
}

/* Audio by its payload type; false when it is none. */
static bool format_of(const struct media_sip_remote *r, uint8_t pt, enum line_format *ret_format)
{
	if (pt == r->pt) {
		*ret_format = format_of_codec(r->codec);
		return true;
	}
	for (unsigned i = 0; i < r->also_count; i++) {
		if (r->also[i].pt == pt) {
			*ret_format = format_of_codec(r->also[i].codec);
			return true;
		}
	}
	*ret_format = pt == PT_PCMA ? LINE_PCMA : LINE_PCMU;
	return pt == PT_PCMU || pt == PT_PCMA;
}

/* RFC 3264 s5.1: the numbers of our offer are for what we receive, those of the answer for what the peer does. Many
 * send by their own. */
static bool is_event(const struct media_sip_remote *r, uint8_t pt)
{
	return pt && (pt == r->event_pt || pt == r->event_pt_own);
}

/* RFC 3389: silence, and how it sounds. */
static bool is_comfort_noise(const struct media_sip_remote *r, uint8_t pt)
{
	return pt == PT_CN || (r->cn_pt && pt == r->cn_pt);
}

static enum rtp_end_trust trust_in(const struct session *s, uint8_t pt)
{
	const struct media_sip_remote *r = &s->sip_remote;
	enum line_format format;
	if (s->sip_srtp.rx)
		return RTP_END_AUTHENTIC; /* authentic() has seen to it */
	return is_event(r, pt) || is_comfort_noise(r, pt) || format_of(r, pt, &format) ? RTP_END_PLAIN
										       : RTP_END_STRANGE;
}

static void on_sip_payload(struct session *s, const struct rtp_hdr *h, const uint8_t *payload, uint64_t now_us)
{
	const struct media_sip_remote *remote = &s->sip_remote;
	enum line_format format;
	if (is_event(remote, h->pt)) {
		struct tev_report reports[TEV_REPORTS_MAX];
		session_sip_other(s, h, now_us);
		session_pass_digits(s, END_SIP, DIGIT_BY_EVENT, reports,
			tev_rx_packet(&s->sip_events, h->ts, payload, h->payload_length, now_us, reports), now_us);
	} else if (!format_of(remote, h->pt, &format)) {
		session_sip_other(s, h, now_us);
		if (!is_comfort_noise(remote, h->pt))
			s->discarded[END_SIP]++;
		else if (remote->receive && !s->greeting)
			opus_line_comfort_noise(&s->to_wa, payload, h->payload_length, now_us);
	} else if (!remote->receive) {
		s->discarded[END_SIP]++; /* music on hold of a peer that we told to be quiet */
	} else {
		session_note_first_audio(s, END_SIP, now_us);
		session_sip_audio(s, h, format, payload, now_us);
	}
}

void session_sip_stream_begins(struct session *s, uint64_t now_us)
{
	session_end_sip_digit(s, now_us);
	session_sip_new_source(s);
}

/* What is not authentic is nobody's: it neither latches nor counts as a sign of life. */
static bool authentic(struct session *s, bool rtcp, uint8_t *bytes, size_t *length, uint64_t now_us)
{
	int r = sip_srtp_unprotect(&s->sip_srtp, rtcp, bytes, *length, now_us, length);
	if (r == 0)
		return true;
	if (r == -EALREADY || r == -ESTALE)
		counter_inc(CNT_MEDIA_SRTP_REPLAYED);
	else
		counter_inc(r == -EBADMSG ? CNT_MEDIA_SRTP_AUTH_FAILED : CNT_MEDIA_RX_BAD_RTP);
	s->discarded[END_SIP]++;
	return false;
}

void session_pin(struct session *s, enum sip_pin_change change, uint64_t now_us)
{
	struct session_event ev = {.kind = SESSION_SIP_PINNED, .end = END_SIP};
	if (change == SIP_PIN_AS_BEFORE)
		return;
	if (change == SIP_PIN_CONNECT)
		ev.remote = s->pin.at;
	session_tell(s, ev, now_us);
}

/* To a stranger who came before the peer the socket is never connected: the peer's first packet has to reach us. */
static void heard(struct session *s, const struct addr *from, uint64_t now_us)
{
	bool sure = s->sip_srtp.rx || rtp_end_is_at_home(&s->sip);
	s->sip_heard_us = now_us;
	session_pin(s, sure ? sip_pin_heard(&s->pin, from, now_us) : sip_pin_reset(&s->pin), now_us);
}

void session_on_sip_rtp(struct session *s, uint8_t *bytes, size_t length, const struct addr *from, uint64_t now_us)
{
	struct rtp_hdr h;
	bool moved, new_source;
	if (!authentic(s, false, bytes, &length, now_us))
		return;
	if (rtp_parse(bytes, length, &h) < 0) {
		counter_inc(CNT_MEDIA_RX_BAD_RTP);
		s->discarded[END_SIP]++;
		return;
	}
	if (!rtp_end_accept(&s->sip, &h, from, trust_in(s, h.pt), now_us, &moved)) {
		counter_inc(CNT_MEDIA_RX_WRONG_SOURCE);
		return;
	}
	if (moved)
		session_tell(s, (struct session_event){.kind = SESSION_SIP_LATCHED, .end = END_SIP, .remote = *from},
			now_us);
	heard(s, from, now_us);
	bool timed = !is_event(&s->sip_remote, h.pt);
	enum seq_verdict v = rtp_stream_received(&s->sip.stream, &h, timed, now_us, &new_source);
	if (v == SEQ_DUPLICATE || v == SEQ_SUSPICIOUS)
		return;
	if (new_source)
		session_sip_stream_begins(s, now_us);
	on_sip_payload(s, &h, bytes + h.payload_offset, now_us);
}

void session_on_sip_rtcp(struct session *s, uint8_t *bytes, size_t length, const struct addr *from, uint64_t now_us)
{
	bool has_block;
	if (!authentic(s, true, bytes, &length, now_us))
		return;
	if (!rtp_end_accept_rtcp(&s->sip, from)) {
		counter_inc(CNT_MEDIA_RX_WRONG_SOURCE);
		return;
	}
	if (rtp_stream_rtcp(&s->sip.stream, bytes, length, now_us, &has_block) < 0)
		counter_inc(CNT_MEDIA_RX_BAD_RTP);
	else
		s->sip_heard_us = now_us;
}
