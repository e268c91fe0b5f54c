/* media/webrtc/ice.c
 *
 * The agent: pairs, when which check goes out, what an answer means. The peer's own checks are in ice_request.c.
 */
#include "lib/base/assert.h"
#include "lib/base/counter.h"
#include "media/webrtc/ice_inner.h"

#include <errno.h>
#include <string.h>

static uint64_t us(uint64_t ms)
{
	return ms * 1000;
}

uint64_t ice_pair_priority(uint32_t controlling, uint32_t controlled)
{
	uint32_t low = controlling < controlled ? controlling : controlled;
	uint32_t high = controlling < controlled ? controlled : controlling;

	return ((uint64_t)low << 32) + 2 * (uint64_t)high + (controlling > controlled);
}

static uint64_t priority_of(const struct ice *ice, const struct ice_pair *p)
{
	return ice->controlling ? ice_pair_priority(ICE_PRIORITY_HOST, p->remote_priority)
				: ice_pair_priority(p->remote_priority, ICE_PRIORITY_HOST);
}

struct ice_pair *ice_pair_of(struct ice *ice, const struct addr *remote)
{
	for (size_t i = 0; i < ice->pair_count; i++)
		if (addr_equal(&ice->pairs[i].remote, remote))
			return &ice->pairs[i];
	return NULL;
}

static void new_transaction(struct ice *ice, struct ice_pair *p)
{
	rng_bytes(ice->conf.rng, p->txid, sizeof(p->txid));
	p->sends = 0;
}

struct ice_pair *ice_pair_add(struct ice *ice, const struct addr *remote, uint32_t priority, uint64_t now_us)
{
	struct ice_pair *p;

	if (ice->pair_count == ICE_PAIRS_MAX)
		return NULL;
	p = &ice->pairs[ice->pair_count++];
	memset(p, 0, sizeof(*p));
	p->remote = *remote;
	p->remote_priority = priority;
	p->state = PAIR_CHECKING;
	p->next_send_us = now_us;
	new_transaction(ice, p);
	return p;
}

static void send_binding_request(struct ice *ice, const uint8_t *txid, bool use_candidate, const struct addr *to)
{
	uint8_t bytes[STUN_MESSAGE_MAX];
	struct wr w = wr_init(bytes, sizeof(bytes));
	int n;

	stun_begin(&w, STUN_REQUEST, txid);
	stun_put_username(&w, ice->remote_ufrag, ice->conf.ufrag);
	stun_put_priority(&w, ICE_PRIORITY_PRFLX);
	stun_put_role(&w, ice->controlling, ice->tie_breaker);
	if (use_candidate)
		stun_put_use_candidate(&w);
	n = stun_finish(&w, ice->remote_pwd, strlen(ice->remote_pwd));
	ASSERT(n > 0); /* the longest names fit: RFC 8445 s5.3 limits them to 256 */
	ice->conf.send(ice->conf.arg, bytes, (size_t)n, to);
}

static void send_check(struct ice *ice, struct ice_pair *p, uint64_t now_us)
{
	if (p->sends++ == 0)
		p->first_sent_us = now_us;
	p->next_send_us = now_us + us(p->sends < ICE_RETRY_FAST_COUNT ? ICE_RETRY_FAST_MS : ICE_RETRY_SLOW_MS);
	send_binding_request(ice, p->txid, p->state == PAIR_NOMINATING, &p->remote);
}

void ice_pair_restart(struct ice *ice, struct ice_pair *p, uint64_t now_us)
{
	new_transaction(ice, p);
	send_check(ice, p, now_us);
}

void ice_nominate(struct ice *ice, const struct ice_pair *p, uint64_t now_us)
{
	if (ice->state != ICE_CHECKING)
		return;
	ice->state = ICE_NOMINATED;
	ice->nominated = p->remote;
	consent_start(&ice->consent, ice->conf.rng, now_us);
}

/* Controlling, nothing nominated yet: nominate the best valid pair, unless a better one may still answer. */
static void consider(struct ice *ice, uint64_t now_us)
{
	struct ice_pair *best = NULL;

	if (ice->state != ICE_CHECKING || !ice->controlling)
		return;
	for (size_t i = 0; i < ice->pair_count; i++) {
		struct ice_pair *p = &ice->pairs[i];
		if (p->state == PAIR_NOMINATING)
			return;
		if (p->state == PAIR_VALID && (!best || priority_of(ice, p) > priority_of(ice, best)))
			best = p;
	}
	if (!best)
		return;
	for (size_t i = 0; i < ice->pair_count; i++) {
		struct ice_pair *p = &ice->pairs[i];
		if (p->state == PAIR_CHECKING && priority_of(ice, p) > priority_of(ice, best) &&
			now_us < ice->settle_us)
			return;
	}
	best->state = PAIR_NOMINATING;
	ice_pair_restart(ice, best, now_us);
}

void ice_switch_role(struct ice *ice, uint64_t now_us)
{
	ice->controlling = !ice->controlling;
	ice->tie_breaker = rng_u64(ice->conf.rng);
	for (size_t i = 0; i < ice->pair_count; i++) {
		struct ice_pair *p = &ice->pairs[i];
		if (p->state == PAIR_NOMINATING)
			p->state = PAIR_VALID;
		if (p->state == PAIR_CHECKING && ice->state == ICE_CHECKING && !ice->conf.lite)
			ice_pair_restart(ice, p, now_us);
	}
	consider(ice, now_us);
}

static void on_success(struct ice *ice, struct ice_pair *p, uint64_t now_us)
{
	p->authenticated = true;
	if (p->sends == 1 && ice->rtt_ms < 0) /* repeated: cannot tell which one was answered (Karn) */
		ice->rtt_ms = (double)(now_us - p->first_sent_us) / 1000;
	if (p->state == PAIR_NOMINATING || (p->peer_nominated && !ice->controlling)) {
		ice_nominate(ice, p, now_us);
		return;
	}
	p->state = PAIR_VALID;
	if (ice->settle_us == 0)
		ice->settle_us = now_us + us(ICE_SETTLE_MS);
	consider(ice, now_us);
}

/* An error of the peer ends nothing: it may be of the moment, so the check goes on as a new transaction at its pace,
 * until the time is up. */
static void on_error(struct ice *ice, struct ice_pair *p, const struct stun_msg *m, uint64_t now_us)
{
	new_transaction(ice, p);
	if (m->error_code != STUN_ROLE_CONFLICT)
		return;
	if (ice->remote_lite) /* it cannot control; stay, with another number */
		ice->tie_breaker = rng_u64(ice->conf.rng);
	else
		ice_switch_role(ice, now_us);
}

static void on_response(
	struct ice *ice, const struct stun_msg *m, const void *bytes, const struct addr *from, uint64_t now_us)
{
	struct ice_pair *p = ice_pair_of(ice, from);

	if (!ice->remote_pwd || !stun_check_integrity(m, bytes, ice->remote_pwd, strlen(ice->remote_pwd))) {
		counter_inc(CNT_MEDIA_STUN_BAD);
		return;
	}
	if (ice->state == ICE_NOMINATED) {
		if (m->class == STUN_SUCCESS && addr_equal(from, &ice->nominated))
			consent_answered(&ice->consent, m->txid, now_us);
		return;
	}
	/* An answer from elsewhere than the request went: not symmetric, of no use (RFC 8445 s7.2.5.2.1). */
	if (ice->state != ICE_CHECKING || !p || p->sends == 0 || memcmp(p->txid, m->txid, sizeof(p->txid)) != 0 ||
		p->state == PAIR_VALID)
		return;
	if (m->class == STUN_SUCCESS)
		on_success(ice, p, now_us);
	else
		on_error(ice, p, m, now_us);
}

void ice_input(struct ice *ice, const void *bytes, size_t length, const struct addr *from, uint64_t now_us)
{
	struct stun_msg m;

	if (ice->state == ICE_FAILED)
		return;
	if (stun_decode(bytes, length, &m) < 0 || m.method != STUN_METHOD_BINDING) {
		counter_inc(CNT_MEDIA_STUN_BAD);
		return;
	}
	switch (m.class) {
	case STUN_REQUEST: ice_on_request(ice, &m, bytes, from, now_us); break;
	case STUN_SUCCESS:
	case STUN_ERROR: on_response(ice, &m, bytes, from, now_us); break;
	case STUN_INDICATION: break; /* keep-alive (RFC 8445 s11) */
	}
}

static void fail(struct ice *ice, enum media_failure failure)
{
	ice->state = ICE_FAILED;
	ice->failure = failure;
}

static void tick_checks(struct ice *ice, uint64_t now_us)
{
	if (now_us >= ice->timeout_us) {
		fail(ice, MEDIA_FAIL_ICE);
		return;
	}
	if (ice->conf.lite)
		return;
	for (size_t i = 0; i < ice->pair_count; i++) {
		struct ice_pair *p = &ice->pairs[i];
		if (p->state != PAIR_VALID && now_us >= p->next_send_us)
			send_check(ice, p, now_us);
	}
	consider(ice, now_us);
}

static void tick_consent(struct ice *ice, uint64_t now_us)
{
	uint8_t txid[STUN_TXID_BYTES];

	if (ice->conf.lite)
		return;
	if (consent_has_expired(&ice->consent, now_us)) {
		fail(ice, MEDIA_FAIL_CONSENT);
	} else if (consent_is_due(&ice->consent, now_us)) {
		consent_ask(&ice->consent, ice->conf.rng, now_us, txid);
		send_binding_request(ice, txid, false, &ice->nominated);
	}
}

void ice_tick(struct ice *ice, uint64_t now_us)
{
	if (ice->state == ICE_CHECKING)
		tick_checks(ice, now_us);
	else if (ice->state == ICE_NOMINATED)
		tick_consent(ice, now_us);
}

uint64_t ice_deadline(const struct ice *ice)
{
	bool valid = false, nominating = false;
	uint64_t at = UINT64_MAX;

	if (ice->state == ICE_NOMINATED)
		return ice->conf.lite ? at : consent_deadline(&ice->consent);
	if (ice->state != ICE_CHECKING)
		return at;
	at = ice->timeout_us;
	if (ice->conf.lite)
		return at;
	for (size_t i = 0; i < ice->pair_count; i++) {
		const struct ice_pair *p = &ice->pairs[i];
		if (p->state != PAIR_VALID && p->next_send_us < at)
			at = p->next_send_us;
		valid = valid || p->state == PAIR_VALID;
		nominating = nominating || p->state == PAIR_NOMINATING;
	}
	/* A valid pair waits for better ones; controlled, or with a nomination on its way, it waits for the peer. */
	if (valid && !nominating && ice->controlling && ice->settle_us < at)
		at = ice->settle_us;
	return at;
}

bool ice_knows(const struct ice *ice, const struct addr *from)
{
	for (size_t i = 0; i < ice->pair_count; i++)
		if (ice->pairs[i].authenticated && addr_equal(&ice->pairs[i].remote, from))
			return true;
	return false;
}

double ice_rtt_ms(const struct ice *ice)
{
	return ice->state == ICE_NOMINATED && ice->consent.rtt_ms >= 0 ? ice->consent.rtt_ms : ice->rtt_ms;
}

void ice_heard_media(struct ice *ice, uint64_t now_us)
{
	if (ice->state == ICE_NOMINATED)
		consent_heard(&ice->consent, now_us);
}

void ice_init(struct ice *ice, const struct ice_conf *conf)
{
	memset(ice, 0, sizeof(*ice));
	ice->conf = *conf;
	ice->controlling = !conf->lite;
	ice->tie_breaker = rng_u64(conf->rng);
	ice->rtt_ms = -1;
}

static void add_remote_candidates(struct ice *ice, const struct media_wa_remote *remote, uint64_t now_us)
{
	for (size_t i = 0; i < remote->candidate_count && i < MEDIA_CANDIDATES_MAX; i++) {
		const struct addr *a = &remote->candidates[i].addr;
		struct ice_pair *p;

		if (!addr_is_set(a) || addr_port(a) == 0 || (addr_is_v6(a) && !ice->conf.ipv6))
			continue;
		p = ice_pair_of(ice, a);
		if (!p)
			p = ice_pair_add(ice, a, 0, now_us);
		if (p)
			p->remote_priority = remote->candidates[i].priority;
	}
}

int ice_start(struct ice *ice, const struct media_wa_remote *remote, uint64_t now_us)
{
	uint32_t timeout_ms = ice->conf.timeout_ms ? ice->conf.timeout_ms : ICE_TIMEOUT_MS;

	if (ice->state != ICE_NEW)
		return -EALREADY;
	if (!remote->ufrag[0] || !remote->pwd[0])
		return -EINVAL;
	add_remote_candidates(ice, remote, now_us);
	if (ice->pair_count == 0 && !ice->conf.lite)
		return -EINVAL;
	ice->remote_ufrag = remote->ufrag;
	ice->remote_pwd = remote->pwd;
	ice->remote_lite = remote->ice_lite;
	ice->timeout_us = now_us + us(timeout_ms);
	ice->state = ICE_CHECKING;
	for (size_t i = 0; i < ice->pair_count; i++) {
		struct ice_pair *p = &ice->pairs[i];
		p->next_send_us = now_us + us(i * ICE_TA_MS);
		if (ice->conf.lite && p->peer_nominated)
			ice_nominate(ice, p, now_us);
	}
	ice_tick(ice, now_us);
	return 0;
}
