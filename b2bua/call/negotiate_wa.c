/* b2bua/call/negotiate_wa.c
 *
 * Meta's offer and our answer, our offer and Meta's answer. There is no renegotiation on this leg: pre_accept and
 * accept carry one and the same text.
 */
#include "b2bua/call/negotiate.h"

#include "b2bua/call/negotiate_opus.h"
#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

enum {
	PTIME_MS = 20,
	OPUS_PT = 111, /* Meta's own numbers */
	EVENT_PT = 126,
	HOST_PRIORITY = 2130706431, /* RFC 8445 s5.1.2.1: type 126, local preference 65535, component 1 */
	DISCARD_PORT = 9,
};

static const char opus_fmtp[] =
	"maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1";

static int refuse(struct sdp_error *ret_error, const char *what)
{
	ret_error->line = 0;
	str_copy(ret_error->what, sizeof(ret_error->what), what);
	return -EBADMSG;
}

static void take_candidates(const struct sdp_audio *sdp, struct media_wa_remote *r)
{
	for (size_t i = 0; i < sdp->candidate_count && r->candidate_count < MEDIA_CANDIDATES_MAX; i++) {
		const struct sdp_candidate *cand = &sdp->candidates[i];
		if (cand->component != 1 || !addr_is_set(&cand->addr) || addr_is_any(&cand->addr) ||
			!addr_port(&cand->addr))
			continue;
		r->candidates[r->candidate_count].addr = cand->addr;
		r->candidates[r->candidate_count].priority = cand->priority;
		r->candidate_count++;
	}
	/* RFC 8839 s4.2.5: the default destination is a candidate too, though it should have been listed. */
	if (r->candidate_count == 0 && addr_is_set(&sdp->rtp) && !addr_is_any(&sdp->rtp) &&
		addr_port(&sdp->rtp) != DISCARD_PORT) {
		r->candidates[0].addr = sdp->rtp;
		r->candidates[0].priority = HOST_PRIORITY;
		r->candidate_count = 1;
	}
}

static void take_codecs(const struct sdp_audio *sdp, const struct sdp_codec *opus, struct media_wa_remote *r)
{
	const struct sdp_codec *event = sdp_find_codec(sdp, "telephone-event", 8000);

	r->opus_pt = opus->pt;
	r->event_pt = event ? event->pt : 0;
	r->max_bitrate = negotiate_opus_bitrate(opus);
	r->opus = negotiate_opus_receiver(opus);
}

/* What Meta's offer and its answer have in common. */
static int read_remote(const char *text, size_t length, struct sdp_audio *sdp, struct media_wa_remote *ret_remote,
	struct sdp_error *ret_error)
{
	struct media_wa_remote r = {0};
	const struct sdp_codec *opus;

	ret_error->line = 0;
	ret_error->what[0] = '\0';
	if (sdp_audio_parse(text, length, sdp, ret_error) < 0)
		return -EBADMSG;
	opus = sdp_find_codec(sdp, "opus", 48000);
	if (sdp->proto != SDP_UDP_TLS_RTP_SAVPF && sdp->proto != SDP_UDP_TLS_RTP_SAVP)
		return refuse(ret_error, "not DTLS-SRTP");
	if (sdp_is_refused(sdp))
		return refuse(ret_error, "audio stream has port 0");
	if (!opus)
		return refuse(ret_error, "no opus/48000");
	if (!sdp->has_fingerprint)
		return refuse(ret_error, "no sha-256 fingerprint");
	if (!sdp->ice_ufrag[0] || !sdp->ice_pwd[0])
		return refuse(ret_error, "no ICE credentials");
	take_candidates(sdp, &r);
	if (r.candidate_count == 0)
		return refuse(ret_error, "no usable candidate");
	take_codecs(sdp, opus, &r);
	str_copy(r.ufrag, sizeof(r.ufrag), sdp->ice_ufrag);
	str_copy(r.pwd, sizeof(r.pwd), sdp->ice_pwd);
	memcpy(r.fingerprint, sdp->fingerprint, MEDIA_FINGERPRINT_BYTES);
	r.ice_lite = sdp->ice_lite;
	*ret_remote = r;
	return 0;
}

int negotiate_wa_offer(const char *sdp_text, size_t length, struct wa_offer *ret_offer, struct sdp_error *ret_error)
{
	struct sdp_audio sdp;
	struct wa_offer o = {0};

	if (read_remote(sdp_text, length, &sdp, &o.remote, ret_error) < 0)
		return -EBADMSG;
	/* Meta offers actpass and never starts DTLS itself: we are the client. Only an offer that claims that role is
	 * given it. */
	o.remote.we_are_dtls_client = sdp.setup != SDP_SETUP_ACTIVE;
	str_copy(o.mid, sizeof(o.mid), sdp.mid);
	o.proto = sdp.proto;
	o.direction = sdp_answer_direction(&sdp, SDP_SENDRECV);
	negotiate_keep_places(&o.places, &sdp);
	*ret_offer = o;
	return 0;
}

int negotiate_wa_read_answer(
	const char *sdp_text, size_t length, bool active, struct wa_offer *ret_answer, struct sdp_error *ret_error)
{
	struct sdp_audio sdp;
	struct wa_offer o = {0};

	if (read_remote(sdp_text, length, &sdp, &o.remote, ret_error) < 0)
		return -EBADMSG;
	/* Who offered active is the client. Otherwise Meta says; where it says what an answer cannot (actpass was seen,
	 * RFC 5763 s5), or nothing, we are: somebody must begin. */
	o.remote.we_are_dtls_client = active || sdp.setup != SDP_SETUP_ACTIVE;
	/* Meta sends DTMF as 126 whatever was agreed (Meta: business-initiated calls). */
	if (!o.remote.event_pt)
		o.remote.event_pt = EVENT_PT;
	*ret_answer = o;
	return 0;
}

/* ---- writing ---- */

/* Everything of ours that offer and answer have in common. */
static void describe_us(const struct media_wa_local *local, struct sdp_audio *ret_sdp)
{
	struct sdp_audio a = {0};

	a.origin_id = UINT64_C(4000000000) + local->ssrc; /* any number that is our own; the SSRC is random already */
	a.origin_version = 1;
	a.origin = local->addr;
	a.proto = SDP_UDP_TLS_RTP_SAVPF;
	a.rtp = local->addr;
	a.rtcp_mux = true;
	a.direction = SDP_SENDRECV;
	a.ptime_ms = PTIME_MS; /* implementers: answers without it were refused */
	a.maxptime_ms = PTIME_MS;
	str_copy(a.ice_ufrag, sizeof(a.ice_ufrag), local->ufrag);
	str_copy(a.ice_pwd, sizeof(a.ice_pwd), local->pwd);
	a.candidate_count = 1;
	str_copy(a.candidates[0].foundation, sizeof(a.candidates[0].foundation), "1");
	a.candidates[0].component = 1;
	a.candidates[0].priority = HOST_PRIORITY;
	a.candidates[0].addr = local->addr;
	a.candidates[0].type = SDP_CAND_HOST;
	/* Meta: exactly one fingerprint, sha-256; else error 100 (subcode 2494010). */
	a.has_fingerprint = true;
	a.fingerprint_lines = 1;
	memcpy(a.fingerprint, local->fingerprint, SDP_FINGERPRINT_BYTES);
	str_copy(a.mid, sizeof(a.mid), "audio");
	str_copy(a.msid, sizeof(a.msid), "watrunk audio0");
	a.ssrc = local->ssrc;
	str_copy(a.cname, sizeof(a.cname), local->cname);
	*ret_sdp = a;
}

int negotiate_wa_answer(const struct wa_offer *offer, const struct media_wa_local *local, char *text, size_t cap)
{
	struct sdp_audio a;

	describe_us(local, &a);
	a.proto = offer->proto;
	a.direction = offer->direction;
	sdp_add_codec(&a, offer->remote.opus_pt, "opus", 48000, 2, opus_fmtp);
	if (offer->remote.event_pt)
		sdp_add_codec(&a, offer->remote.event_pt, "telephone-event", 8000, 1, "0-15");
	a.setup = offer->remote.we_are_dtls_client ? SDP_SETUP_ACTIVE : SDP_SETUP_PASSIVE;
	str_copy(a.mid, sizeof(a.mid), offer->mid);
	negotiate_put_places(&offer->places, &a);
	return sdp_write(&a, text, cap);
}

int negotiate_wa_make_offer(const struct media_wa_local *local, bool active, char *text, size_t cap)
{
	struct sdp_audio a;

	describe_us(local, &a);
	sdp_add_codec(&a, OPUS_PT, "opus", 48000, 2, opus_fmtp);
	sdp_add_codec(&a, EVENT_PT, "telephone-event", 8000, 1, "0-15");
	a.setup = active ? SDP_SETUP_ACTIVE : SDP_SETUP_ACTPASS;
	return sdp_write(&a, text, cap);
}
