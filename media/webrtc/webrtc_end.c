/* media/webrtc/webrtc_end.c
 *
 * Puts the parts together:
 *
 *   input -> demux -+- STUN -> ice  -- nominated --> dtls starts
 *                   +- DTLS -> dtls -- up --------> srtp has keys
 *                   +- SRTP -> srtp ---------------> io->media
 *
 *   END_NEW -> END_ICE -> END_DTLS -> END_UP
 *                 +---------+----------+---> END_FAILED
 */
#include "media/webrtc/webrtc_end.h"
#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "media/webrtc/demux.h"
#include "media/webrtc/dtls.h"
#include "media/webrtc/ice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	UFRAG_MIN = 4, /* RFC 8445 s5.3 */
	PWD_MIN = 22,
	HELD_MAX = 2, /* a ClientHello, in two parts should it carry a post-quantum key */
	HELD_BYTES = 1500,
};

enum end_state { END_NEW, END_ICE, END_DTLS, END_UP, END_FAILED };

/* DTLS that came from an authenticated address before the pair was nominated here: the answer to our last check may be
 * lost or late. */
struct held {
	size_t count;
	size_t length[HELD_MAX];
	uint8_t bytes[HELD_MAX][HELD_BYTES];
};

struct webrtc_end {
	struct webrtc_end_conf conf;
	enum end_state state;
	struct media_wa_remote remote;
	struct rng rng;
	struct ice ice;
	struct held *held; /* NULL: nothing */
	struct dtls *dtls;
	struct srtp_session *srtp; /* set in END_UP */
};

static void send_to(void *arg, const void *bytes, size_t length, const struct addr *to)
{
	struct webrtc_end *e = arg;

	e->conf.io->send(e->conf.io_arg, bytes, length, e->state >= END_DTLS ? NULL : to);
}

static void send_dtls(void *arg, const void *bytes, size_t length)
{
	send_to(arg, bytes, length, NULL);
}

static void tell(struct webrtc_end *e, enum webrtc_end_event ev, enum media_failure failure, uint64_t now_us)
{
	const struct addr *remote = addr_is_set(&e->ice.nominated) ? &e->ice.nominated : NULL;

	e->conf.io->event(e->conf.io_arg, ev, failure, remote, now_us);
}

static void fail(struct webrtc_end *e, enum media_failure failure, uint64_t now_us)
{
	if (e->state == END_FAILED)
		return;
	e->state = END_FAILED;
	e->dtls = dtls_free(e->dtls);
	e->srtp = srtp_session_free(e->srtp);
	tell(e, WEBRTC_FAILED, failure, now_us);
}

/* Act on what the handshake has come to. */
static void after_dtls(struct webrtc_end *e, uint64_t now_us)
{
	struct srtp_conf conf = {.backend = e->conf.srtp_backend};
	int r;

	if (e->state != END_DTLS)
		return;
	if (dtls_state(e->dtls) == DTLS_FAILED) {
		fail(e, MEDIA_FAIL_DTLS, now_us);
	} else if (dtls_state(e->dtls) == DTLS_UP) {
		dtls_take_keys(e->dtls, &conf);
		r = srtp_session_new(&conf, &e->srtp);
		crypto_wipe(&conf, sizeof(conf));
		if (r < 0) {
			fail(e, MEDIA_FAIL_RESOURCES, now_us);
			return;
		}
		e->state = END_UP;
		tell(e, WEBRTC_DTLS_UP, MEDIA_FAIL_NONE, now_us);
	}
}

static void start_dtls(struct webrtc_end *e, uint64_t now_us)
{
	struct dtls_conf conf = {
		.ctx = e->conf.dtls, .client = e->remote.we_are_dtls_client, .send = send_dtls, .arg = e};
	struct held *held = e->held;

	memcpy(conf.peer_fingerprint, e->remote.fingerprint, sizeof(conf.peer_fingerprint));
	if (dtls_new(&conf, now_us, &e->dtls) < 0) {
		fail(e, MEDIA_FAIL_RESOURCES, now_us);
		return;
	}
	e->held = NULL;
	for (size_t i = 0; held && i < held->count; i++)
		dtls_input(e->dtls, held->bytes[i], held->length[i], now_us);
	free(held);
	after_dtls(e, now_us);
}

/* Act on what ICE has come to. */
static void after_ice(struct webrtc_end *e, uint64_t now_us)
{
	if (e->ice.state == ICE_FAILED) {
		fail(e, e->ice.failure, now_us);
	} else if (e->ice.state == ICE_NOMINATED && e->state == END_ICE) {
		e->state = END_DTLS;
		tell(e, WEBRTC_NOMINATED, MEDIA_FAIL_NONE, now_us);
		start_dtls(e, now_us);
	}
}

static void hold(struct webrtc_end *e, const uint8_t *bytes, size_t length)
{
	if (length > HELD_BYTES)
		return;
	if (!e->held)
		e->held = calloc(1, sizeof(*e->held));
	if (!e->held || e->held->count == HELD_MAX)
		return;
	memcpy(e->held->bytes[e->held->count], bytes, length);
	e->held->length[e->held->count++] = length;
}

static bool from_pair(const struct webrtc_end *e, const struct addr *from)
{
	return !from || addr_equal(from, &e->ice.nominated);
}

static void input_dtls(
	struct webrtc_end *e, const uint8_t *bytes, size_t length, const struct addr *from, uint64_t now_us)
{
	if (e->state < END_DTLS) {
		if (from && ice_knows(&e->ice, from))
			hold(e, bytes, length);
		return;
	}
	if (!from_pair(e, from)) {
		counter_inc(CNT_MEDIA_RX_WRONG_SOURCE);
		return;
	}
	dtls_input(e->dtls, bytes, length, now_us);
	after_dtls(e, now_us);
}

static void count_refusal(int error)
{
	switch (error) {
	case -EBADMSG: counter_inc(CNT_MEDIA_SRTP_AUTH_FAILED); break;
	case -EALREADY:
	case -ESTALE: counter_inc(CNT_MEDIA_SRTP_REPLAYED); break;
	default: counter_inc(CNT_MEDIA_RX_BAD_RTP); break;
	}
}

static void input_media(
	struct webrtc_end *e, uint8_t *bytes, size_t length, bool is_rtcp, const struct addr *from, uint64_t now_us)
{
	size_t n;
	int r;

	if (e->state != END_UP)
		return; /* its keys are not there yet */
	if (!from_pair(e, from)) {
		counter_inc(CNT_MEDIA_RX_WRONG_SOURCE);
		return;
	}
	r = is_rtcp ? srtp_session_unprotect_rtcp(e->srtp, bytes, length, &n)
		    : srtp_session_unprotect_rtp(e->srtp, bytes, length, &n);
	if (r < 0) {
		count_refusal(r);
		return;
	}
	dtls_peer_is_up(e->dtls);
	ice_heard_media(&e->ice, now_us);
	e->conf.io->media(e->conf.io_arg, bytes, n, is_rtcp, now_us);
}

void webrtc_end_input(struct webrtc_end *e, uint8_t *bytes, size_t length, const struct addr *from, uint64_t now_us)
{
	enum demux_kind kind = demux(bytes, length);

	if (e->state == END_FAILED)
		return;
	switch (kind) {
	case DEMUX_STUN:
		if (!from && e->state < END_DTLS)
			return;
		ice_input(&e->ice, bytes, length, from ? from : &e->ice.nominated, now_us);
		after_ice(e, now_us);
		break;
	case DEMUX_DTLS: input_dtls(e, bytes, length, from, now_us); break;
	case DEMUX_RTP:
	case DEMUX_RTCP: input_media(e, bytes, length, kind == DEMUX_RTCP, from, now_us); break;
	case DEMUX_UNKNOWN: counter_inc(CNT_MEDIA_RX_UNKNOWN); break;
	}
}

void webrtc_end_tick(struct webrtc_end *e, uint64_t now_us)
{
	if (e->state == END_NEW || e->state == END_FAILED)
		return;
	ice_tick(&e->ice, now_us);
	after_ice(e, now_us);
	if (e->dtls) {
		dtls_tick(e->dtls, now_us);
		after_dtls(e, now_us);
	}
}

uint64_t webrtc_end_deadline(const struct webrtc_end *e)
{
	uint64_t ice_us, dtls_us;

	if (e->state == END_NEW || e->state == END_FAILED)
		return UINT64_MAX;
	ice_us = ice_deadline(&e->ice);
	dtls_us = e->dtls ? dtls_deadline(e->dtls) : UINT64_MAX;
	return ice_us < dtls_us ? ice_us : dtls_us;
}

int webrtc_end_send_rtp(struct webrtc_end *e, uint8_t *bytes, size_t length, size_t cap)
{
	size_t n;
	int r;

	if (e->state != END_UP)
		return -ENOTCONN;
	r = srtp_session_protect_rtp(e->srtp, bytes, length, cap, &n);
	if (r == 0)
		send_to(e, bytes, n, NULL);
	return r;
}

int webrtc_end_send_rtcp(struct webrtc_end *e, uint8_t *bytes, size_t length, size_t cap)
{
	size_t n;
	int r;

	if (e->state != END_UP)
		return -ENOTCONN;
	r = srtp_session_protect_rtcp(e->srtp, bytes, length, cap, &n);
	if (r == 0)
		send_to(e, bytes, n, NULL);
	return r;
}

bool webrtc_end_is_up(const struct webrtc_end *e)
{
	return e->state == END_UP;
}

double webrtc_end_rtt_ms(const struct webrtc_end *e)
{
	return ice_rtt_ms(&e->ice);
}

int webrtc_end_start(struct webrtc_end *e, const struct media_wa_remote *remote, uint64_t now_us)
{
	int r;

	if (e->state != END_NEW)
		return -EALREADY;
	e->remote = *remote;
	e->remote.ufrag[MEDIA_UFRAG_MAX - 1] = e->remote.pwd[MEDIA_PWD_MAX - 1] = 0;
	e->state = END_ICE;
	r = ice_start(&e->ice, &e->remote, now_us);
	if (r < 0) {
		e->state = END_NEW;
		return r;
	}
	after_ice(e, now_us); /* a lite end may have been nominated before */
	return 0;
}

int webrtc_end_new(const struct webrtc_end_conf *conf, struct webrtc_end **ret_end)
{
	struct webrtc_end *e;
	struct ice_conf ice;

	if (!conf->dtls || strnlen(conf->ufrag, sizeof(conf->ufrag)) < UFRAG_MIN ||
		!memchr(conf->ufrag, 0, sizeof(conf->ufrag)) || strnlen(conf->pwd, sizeof(conf->pwd)) < PWD_MIN ||
		!memchr(conf->pwd, 0, sizeof(conf->pwd)))
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->conf = *conf;
	rng_init(&e->rng, conf->random_seed);
	ice = (struct ice_conf){
		.ufrag = e->conf.ufrag,
		.pwd = e->conf.pwd,
		.lite = conf->ice_lite,
		.ipv6 = conf->ipv6,
		.timeout_ms = conf->ice_timeout_ms,
		.rng = &e->rng,
		.send = send_to,
		.arg = e,
	};
	ice_init(&e->ice, &ice);
	*ret_end = e;
	return 0;
}

struct webrtc_end *webrtc_end_free(struct webrtc_end *e)
{
	if (!e)
		return NULL;
	if (e->state == END_UP)
		dtls_close(e->dtls);
	dtls_free(e->dtls);
	srtp_session_free(e->srtp);
	free(e->held);
	crypto_wipe(e, sizeof(*e)); /* passwords */
	free(e);
	return NULL;
}
