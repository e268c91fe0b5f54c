/* b2bua/call/negotiate_sip.c
 *
 * Offer and answer with the SIP peer: where, how, and which way; codecs are negotiate_codec.c's, keys
 * negotiate_srtp.c's. Re-offers never reach WhatsApp: Meta has no renegotiation.
 */
#include "b2bua/call/negotiate_codec.h"
#include "b2bua/call/negotiate_srtp.h"

#include <errno.h>
#include <string.h>

enum {
	PTIME_DEFAULT_MS = 20,
	PTIME_MIN_MS = 10,
	PTIME_MAX_MS = 60,
};

/* Packet times are sent in whole 10 ms. */
static uint16_t usable_ptime(unsigned ms)
{
	ms -= ms % 10;
	if (ms < PTIME_MIN_MS)
		return PTIME_MIN_MS;
	return (uint16_t)(ms > PTIME_MAX_MS ? PTIME_MAX_MS : ms);
}

void negotiate_sip_init(struct sip_negotiation *n, const enum audio_codec codecs[4], uint16_t ptime_ms,
	const struct addr *local, uint64_t origin_id, struct arena *arena)
{
	size_t count = 0;

	memset(n, 0, sizeof(*n));
	for (size_t i = 0; i < 4 && codecs[i] != AUDIO_NONE; i++)
		if (negotiate_codec_known(codecs[i]))
			n->codecs[count++] = codecs[i];
	if (count == 0) { /* accepted everywhere */
		n->codecs[0] = AUDIO_PCMU;
		n->codecs[1] = AUDIO_PCMA;
	}
	n->ptime_ms = usable_ptime(ptime_ms ? ptime_ms : PTIME_DEFAULT_MS);
	n->local = *local;
	n->origin_id = origin_id;
	n->arena = arena;
	n->proto = SDP_RTP_AVP;
	negotiate_codec_init(n);
	n->places.count = 1;
}

void negotiate_keep_places(struct media_places *places, const struct sdp_audio *offer)
{
	places->count = offer->media_count;
	places->index = offer->media_index;
	memcpy(places->others, offer->others, sizeof(places->others));
}

void negotiate_put_places(const struct media_places *places, struct sdp_audio *sdp)
{
	sdp->media_count = places->count;
	sdp->media_index = places->index;
	memcpy(sdp->others, places->others, sizeof(sdp->others));
}

/* ---- writing ---- */

static void describe_us(const struct sip_negotiation *n, struct sdp_audio *ret_sdp)
{
	struct sdp_audio s = {0};

	s.origin_id = n->origin_id;
	s.origin = n->local;
	s.proto = SDP_RTP_AVP;
	s.rtp = n->local;
	s.rtcp = n->local;
	addr_set_port(&s.rtcp, (uint16_t)(addr_port(&n->local) + 1));
	s.direction = SDP_SENDRECV;
	s.ptime_ms = n->ptime_ms;
	negotiate_put_places(&n->places, &s);
	*ret_sdp = s;
}

static int keep_as_next(struct sip_negotiation *n, const char *text)
{
	unsigned next = !n->current;

	if (kept_text_set(&n->text[next], n->arena, text, strlen(text)) < 0)
		return -ENOMEM;
	n->version++;
	n->current = next;
	return 0;
}

/* Make s the text that is sent now: under the old version when nothing else changed, else under the next. */
static int publish(struct sip_negotiation *n, struct sdp_audio *s, const char **ret_text)
{
	char text[LIMIT_SIP_SDP_BYTES];
	int r = 0;

	s->origin_version = n->version;
	if (n->version > 0) {
		r = sdp_write(s, text, sizeof(text));
		if (r >= 0 && strcmp(text, n->text[n->current].at) == 0) {
			*ret_text = n->text[n->current].at;
			sdp_wipe(text, sizeof(text));
			return 0;
		}
	}
	s->origin_version = n->version + 1;
	if (r >= 0)
		r = sdp_write(s, text, sizeof(text));
	r = r < 0 ? -ENOBUFS : keep_as_next(n, text);
	sdp_wipe(text, sizeof(text));
	if (r == 0)
		*ret_text = n->text[n->current].at;
	return r;
}

int negotiate_sip_offer(struct sip_negotiation *n, const char **ret_text)
{
	struct sdp_audio s;
	int r;

	describe_us(n, &s);
	negotiate_srtp_offer(n, &s);
	negotiate_codec_offer(n, &s);
	r = publish(n, &s, ret_text);
	sdp_wipe(s.crypto, sizeof(s.crypto));
	if (r == 0)
		n->offered = true;
	return r;
}

const char *negotiate_sip_text(const struct sip_negotiation *n)
{
	return n->version > 0 ? n->text[n->current].at : NULL;
}

/* ---- reading ---- */

static uint16_t peer_ptime(const struct sip_negotiation *n, const struct sdp_audio *sdp)
{
	unsigned ms = sdp->ptime_ms ? sdp->ptime_ms : n->ptime_ms;
	if (sdp->maxptime_ms && ms > sdp->maxptime_ms)
		ms = sdp->maxptime_ms;
	return usable_ptime(ms);
}

static void take_addresses(const struct sdp_audio *sdp, struct media_sip_remote *r)
{
	r->rtp = sdp->rtp;
	r->rtcp = sdp->rtcp;
	if (!addr_is_set(&r->rtcp) || !addr_port(&r->rtcp)) {
		r->rtcp = sdp->rtp;
		addr_set_port(&r->rtcp, (uint16_t)(addr_port(&sdp->rtp) + 1));
	}
}

/* What the peer's description means for our media. 0, -EBADMSG, -ENOENT (no common codec). Port 0 is the caller's
 * business. */
static int read_peer(const struct sip_negotiation *n, const struct sdp_audio *sdp, bool is_answer,
	struct media_sip_remote *ret_remote, uint16_t *ret_crypto_tag)
{
	struct media_sip_remote r = n->remote; /* keeps the old addresses where the peer gives none (hold) */
	bool nowhere = sdp->hold_address || !addr_is_set(&sdp->rtp) || addr_is_any(&sdp->rtp);

	if (sdp->proto == SDP_UDP_TLS_RTP_SAVP || sdp->proto == SDP_UDP_TLS_RTP_SAVPF)
		return -ENOENT;
	if (nowhere && !sdp->hold_address)
		return -EBADMSG;
	if (negotiate_codec_read(n, sdp, is_answer, &r) < 0 ||
		negotiate_srtp_read(n, sdp, is_answer, &r.srtp, ret_crypto_tag) < 0)
		return -ENOENT;
	r.ptime_ms = peer_ptime(n, sdp);
	r.send = !nowhere && (sdp->direction == SDP_SENDRECV || sdp->direction == SDP_RECVONLY);
	r.receive = sdp->direction == SDP_SENDRECV || sdp->direction == SDP_SENDONLY;
	/* We do not offer it (RFC 5761 s5.1.1), but what we have answered once we repeat. */
	r.xr_voip = sdp->xr_voip;
	r.rtcp_mux = sdp->rtcp_mux && (!is_answer || n->remote.rtcp_mux);
	if (!nowhere)
		take_addresses(sdp, &r);
	*ret_remote = r;
	return 0;
}

static bool remote_equal(const struct media_sip_remote *a, const struct media_sip_remote *b)
{
	return addr_equal(&a->rtp, &b->rtp) && addr_equal(&a->rtcp, &b->rtcp) && negotiate_codec_equal(a, b) &&
	       a->ptime_ms == b->ptime_ms && a->send == b->send && a->receive == b->receive &&
	       a->rtcp_mux == b->rtcp_mux && a->xr_voip == b->xr_voip && negotiate_srtp_equal(&a->srtp, &b->srtp);
}

/* 1 when it is news. */
static int adopt(struct sip_negotiation *n, const struct media_sip_remote *r)
{
	if (n->has_remote && remote_equal(&n->remote, r))
		return 0;
	n->remote = *r;
	n->has_remote = true;
	return 1;
}

int negotiate_sip_answer(struct sip_negotiation *n, const char *text, size_t length)
{
	struct sdp_audio sdp;
	struct media_sip_remote r;
	uint16_t tag;
	int status = sdp_audio_parse(text, length, &sdp, NULL);

	n->offered = false;
	if (status < 0)
		return status == -ENOENT ? -ENOENT : -EBADMSG;
	if (sdp_is_refused(&sdp))
		return -ENOENT;
	status = read_peer(n, &sdp, true, &r, &tag);
	sdp_wipe(sdp.crypto, sizeof(sdp.crypto));
	if (status < 0)
		return status;
	n->nowhere = sdp.hold_address;
	n->proto = sdp.proto;
	return adopt(n, &r);
}

/* The peer has taken its stream back (RFC 3264 s8.2) without ending the call: nothing flows until it offers one again.
 */
static int answer_without_stream(struct sip_negotiation *n, struct sdp_audio *answer, const char **ret_text)
{
	struct media_sip_remote r = n->remote;
	int status;

	addr_set_port(&answer->rtp, 0);
	if (n->has_remote) {
		struct media_sip_remote without_events = r;
		without_events.event_pt = 0;
		negotiate_codec_answer(n, &without_events, answer);
	} else {
		sdp_add_codec(answer, 0, "PCMU", 8000, 1, "");
	}
	answer->direction = SDP_INACTIVE;
	status = publish(n, answer, ret_text);
	if (status < 0)
		return status;
	r.send = r.receive = false;
	return adopt(n, &r);
}

/* The first of the offer's audio lines that will do: some offer SRTP and plain RTP, or DTLS and SDES, each on a line of
 * its own (RFC 5939 s1 tells of them). Returns 0, -EBADMSG or -ENOENT; *ret_remote is not written when the stream is
 * refused. */
static int choose_stream(const struct sip_negotiation *n, const char *text, size_t length, struct sdp_audio *ret_sdp,
	struct media_sip_remote *ret_remote, uint16_t *ret_tag)
{
	int status = sdp_audio_parse(text, length, ret_sdp, NULL);

	if (status < 0)
		return status == -ENOENT ? -ENOENT : -EBADMSG;
	if (sdp_is_refused(ret_sdp))
		return 0;
	for (;;) {
		status = read_peer(n, ret_sdp, false, ret_remote, ret_tag);
		sdp_wipe(ret_sdp->crypto, sizeof(ret_sdp->crypto));
		if (status != -ENOENT ||
			sdp_audio_parse_from(text, length, ret_sdp->media_index + 1, ret_sdp, NULL) < 0 ||
			sdp_is_refused(ret_sdp))
			return status;
	}
}

int negotiate_sip_reoffer(struct sip_negotiation *n, const char *text, size_t length, const char **ret_text)
{
	struct sdp_audio sdp, answer;
	struct media_sip_remote r;
	uint16_t tag = 0;
	int status = choose_stream(n, text, length, &sdp, &r, &tag);

	if (status < 0)
		return status;
	describe_us(n, &answer);
	answer.proto = sdp.proto; /* RFC 3264 s6.1 */
	sdp_answer_media(&answer, &sdp);
	if (sdp_is_refused(&sdp)) {
		status = answer_without_stream(n, &answer, ret_text);
	} else {
		negotiate_srtp_answer(&r.srtp, tag, &answer);
		negotiate_codec_answer(n, &r, &answer);
		answer.ptime_ms = r.ptime_ms;
		answer.rtcp_mux = r.rtcp_mux;
		answer.xr_voip = r.xr_voip; /* likewise, please */
		answer.direction = sdp_answer_direction(&sdp, SDP_SENDRECV);
		status = publish(n, &answer, ret_text);
		if (status == 0)
			status = adopt(n, &r);
		if (status >= 0)
			negotiate_codec_keep(n, &r);
	}
	if (status >= 0) {
		n->nowhere = sdp.hold_address || sdp_is_refused(&sdp);
		if (!sdp_is_refused(&sdp))
			n->proto = sdp.proto;
		negotiate_keep_places(&n->places, &sdp);
		n->offered = false;
	}
	return status;
}
