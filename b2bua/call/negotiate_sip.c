/* b2bua/call/negotiate_sip.c
 *
 * Offer and answer with the SIP peer. G.711 and G.722 with telephone-event; other codecs a gateway may name are not
 * offered here, because the media engine of this leg speaks none of them. Re-offers never reach WhatsApp: Meta has no
 * renegotiation.
 */
#include "b2bua/call/negotiate_srtp.h"

#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

enum {
	EVENT_PT = 101,
	PTIME_DEFAULT_MS = 20,
	PTIME_MIN_MS = 10,
	PTIME_MAX_MS = 60,
};

static const struct {
	enum audio_codec codec;
	const char *name;
	uint8_t pt; /* RFC 3551 s6 */
} known_codecs[] = {
	{AUDIO_PCMU, "PCMU", 0}, {AUDIO_PCMA, "PCMA", 8}, {AUDIO_G722, "G722", 9}, /* the clock is 8000, too: s4.5.2 */
};
enum { KNOWN_CODECS = sizeof(known_codecs) / sizeof(known_codecs[0]) };

/* Index into known_codecs, or KNOWN_CODECS. */
static size_t known_index(enum audio_codec codec)
{
	size_t i = 0;
	while (i < KNOWN_CODECS && known_codecs[i].codec != codec)
		i++;
	return i;
}

/* Packet times are sent in whole 10 ms. */
static uint16_t usable_ptime(unsigned ms)
{
	ms -= ms % 10;
	if (ms < PTIME_MIN_MS)
		return PTIME_MIN_MS;
	return (uint16_t)(ms > PTIME_MAX_MS ? PTIME_MAX_MS : ms);
}

void negotiate_sip_init(struct sip_negotiation *n, const enum audio_codec codecs[4], uint16_t ptime_ms,
	const struct addr *local, uint64_t origin_id)
{
	size_t count = 0;

	memset(n, 0, sizeof(*n));
	for (size_t i = 0; i < 4 && codecs[i] != AUDIO_NONE; i++)
		if (known_index(codecs[i]) < KNOWN_CODECS)
			n->codecs[count++] = codecs[i];
	if (count == 0) { /* accepted everywhere */
		n->codecs[0] = AUDIO_PCMU;
		n->codecs[1] = AUDIO_PCMA;
	}
	n->ptime_ms = usable_ptime(ptime_ms ? ptime_ms : PTIME_DEFAULT_MS);
	n->local = *local;
	n->origin_id = origin_id;
	n->proto = SDP_RTP_AVP;
	n->event_pt = EVENT_PT;
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

/* Make s the text that is sent now: under the old version when nothing else changed, else under the next. */
static int publish(struct sip_negotiation *n, struct sdp_audio *s, const char **ret_text)
{
	unsigned next = !n->current;
	int r;

	s->origin_version = n->version;
	if (n->version > 0) {
		r = sdp_write(s, n->text[next], sizeof(n->text[next]));
		if (r < 0)
			return -ENOBUFS;
		if (strcmp(n->text[next], n->text[n->current]) == 0) {
			*ret_text = n->text[n->current];
			return 0;
		}
	}
	s->origin_version = n->version + 1;
	r = sdp_write(s, n->text[next], sizeof(n->text[next]));
	if (r < 0)
		return -ENOBUFS;
	n->version++;
	n->current = next;
	*ret_text = n->text[next];
	return 0;
}

int negotiate_sip_offer(struct sip_negotiation *n, const char **ret_text)
{
	struct sdp_audio s;
	int r;

	describe_us(n, &s);
	negotiate_srtp_offer(n, &s);
	for (size_t i = 0; i < 4 && n->codecs[i] != AUDIO_NONE; i++) {
		size_t k = known_index(n->codecs[i]);
		sdp_add_codec(&s, known_codecs[k].pt, known_codecs[k].name, 8000, 1, "");
	}
	sdp_add_codec(&s, n->event_pt, "telephone-event", 8000, 1, "0-16");
	r = publish(n, &s, ret_text);
	sdp_wipe(s.crypto, sizeof(s.crypto));
	if (r == 0)
		n->offered = true;
	return r;
}

const char *negotiate_sip_text(const struct sip_negotiation *n)
{
	return n->version > 0 ? n->text[n->current] : NULL;
}

/* ---- reading ---- */

/* First codec of the peer's list that the gateway may use. */
static const struct sdp_codec *common_codec(
	const struct sip_negotiation *n, const struct sdp_audio *sdp, size_t *ret_known)
{
	for (size_t i = 0; i < sdp->codec_count; i++) {
		const struct sdp_codec *codec = &sdp->codecs[i];
		for (size_t j = 0; j < 4 && n->codecs[j] != AUDIO_NONE; j++) {
			size_t k = known_index(n->codecs[j]);
			if (codec->clock_hz == 8000 && codec->channels <= 1 &&
				str_equal_nocase(codec->name, known_codecs[k].name)) {
				*ret_known = k;
				return codec;
			}
		}
	}
	return NULL;
}

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
	const struct sdp_codec *codec, *event;
	size_t known = 0;

	if (sdp->proto == SDP_UDP_TLS_RTP_SAVP || sdp->proto == SDP_UDP_TLS_RTP_SAVPF)
		return -ENOENT;
	if (nowhere && !sdp->hold_address)
		return -EBADMSG;
	codec = common_codec(n, sdp, &known);
	if (!codec || negotiate_srtp_read(n, sdp, is_answer, &r.srtp, ret_crypto_tag) < 0)
		return -ENOENT;
	event = sdp_find_codec(sdp, "telephone-event", 8000);
	r.codec = known_codecs[known].codec;
	r.pt = codec->pt;
	r.event_pt = event ? event->pt : 0;
	r.ptime_ms = peer_ptime(n, sdp);
	r.send = !nowhere && (sdp->direction == SDP_SENDRECV || sdp->direction == SDP_RECVONLY);
	r.receive = sdp->direction == SDP_SENDRECV || sdp->direction == SDP_SENDONLY;
	r.rtcp_mux = sdp->rtcp_mux && !is_answer; /* we do not offer it (RFC 5761 s5.1.1) */
	if (!nowhere)
		take_addresses(sdp, &r);
	*ret_remote = r;
	return 0;
}

static bool remote_equal(const struct media_sip_remote *a, const struct media_sip_remote *b)
{
	return addr_equal(&a->rtp, &b->rtp) && addr_equal(&a->rtcp, &b->rtcp) && a->codec == b->codec &&
	       a->pt == b->pt && a->event_pt == b->event_pt && a->ptime_ms == b->ptime_ms && a->send == b->send &&
	       a->rtcp_mux == b->rtcp_mux && a->receive == b->receive && negotiate_srtp_equal(&a->srtp, &b->srtp);
}

/* 1 when it is news. */
static int adopt(struct sip_negotiation *n, const struct media_sip_remote *r)
{
	if (n->has_remote && remote_equal(&n->remote, r))
		return 0;
	n->remote = *r;
	n->has_remote = true;
	if (r->event_pt)
		n->event_pt = r->event_pt; /* RFC 3264 s8.3.2: a number stays with its format for the session */
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
	size_t k = known_index(r.codec);
	int status;

	addr_set_port(&answer->rtp, 0);
	k = k < KNOWN_CODECS ? k : 0;
	sdp_add_codec(answer, known_codecs[k].pt, known_codecs[k].name, 8000, 1, "");
	answer->direction = SDP_INACTIVE;
	status = publish(n, answer, ret_text);
	if (status < 0)
		return status;
	r.send = r.receive = false;
	return adopt(n, &r);
}

int negotiate_sip_reoffer(struct sip_negotiation *n, const char *text, size_t length, const char **ret_text)
{
	struct sdp_audio sdp, answer;
	struct media_sip_remote r;
	const struct sdp_codec *codec;
	size_t known = 0;
	uint16_t tag = 0;
	int status = sdp_audio_parse(text, length, &sdp, NULL);

	if (status < 0)
		return status == -ENOENT ? -ENOENT : -EBADMSG;
	describe_us(n, &answer);
	answer.proto = sdp.proto; /* RFC 3264 s6.1 */
	sdp_answer_media(&answer, &sdp);
	if (sdp_is_refused(&sdp)) {
		status = answer_without_stream(n, &answer, ret_text);
	} else {
		status = read_peer(n, &sdp, false, &r, &tag);
		sdp_wipe(sdp.crypto, sizeof(sdp.crypto));
		if (status < 0)
			return status;
		negotiate_srtp_answer(&r.srtp, tag, &answer);
		codec = common_codec(n, &sdp, &known);
		sdp_add_codec(&answer, codec->pt, known_codecs[known].name, 8000, 1, "");
		if (r.event_pt)
			sdp_add_codec(&answer, r.event_pt, "telephone-event", 8000, 1, "0-16");
		answer.ptime_ms = r.ptime_ms;
		answer.rtcp_mux = r.rtcp_mux;
		answer.direction = sdp_answer_direction(&sdp, SDP_SENDRECV);
		status = publish(n, &answer, ret_text);
		if (status == 0)
			status = adopt(n, &r);
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
