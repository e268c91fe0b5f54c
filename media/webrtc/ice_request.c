/* media/webrtc/ice_request.c
 *
 * The peer's checks (RFC 8445 s7.3): authenticate, settle a conflict of roles, answer, and learn a peer-reflexive
 * candidate or a nomination.
 */
#include "lib/base/counter.h"
#include "media/webrtc/ice_inner.h"

#include <string.h>

/* USERNAME is "<ours>:<theirs>"; before ice_start() theirs is not known yet. */
static bool username_fits(const struct ice *ice, const struct stun_msg *m)
{
	size_t ours = strlen(ice->conf.ufrag), theirs;

	if (!m->username || m->username_length < ours + 1 || memcmp(m->username, ice->conf.ufrag, ours) != 0 ||
		m->username[ours] != ':')
		return false;
	if (!ice->remote_ufrag)
		return true;
	theirs = strlen(ice->remote_ufrag);
	return m->username_length == ours + 1 + theirs &&
	       memcmp(m->username + ours + 1, ice->remote_ufrag, theirs) == 0;
}

static void answer(struct ice *ice, struct wr *w, const struct addr *to)
{
	int n = stun_finish(w, ice->conf.pwd, strlen(ice->conf.pwd));

	if (n > 0)
		ice->conf.send(ice->conf.arg, w->start, (size_t)n, to);
}

static void answer_error(struct ice *ice, const struct stun_msg *m, enum stun_error_code code, const struct addr *to)
{
	uint8_t bytes[STUN_MESSAGE_MAX];
	struct wr w = wr_init(bytes, sizeof(bytes));

	stun_begin(&w, STUN_ERROR, m->txid);
	stun_put_error(&w, code);
	if (code == STUN_UNKNOWN_ATTRIBUTE)
		stun_put_unknown(&w, m->unknown, m->unknown_count);
	answer(ice, &w, to);
}

static void answer_success(struct ice *ice, const struct stun_msg *m, const struct addr *to)
{
	uint8_t bytes[STUN_MESSAGE_MAX];
	struct wr w = wr_init(bytes, sizeof(bytes));

	stun_begin(&w, STUN_SUCCESS, m->txid);
	stun_put_mapped(&w, to);
	answer(ice, &w, to);
}

/* RFC 8445 s7.3.1.1. True: answered with 487, the request has no further effect. */
static bool role_conflict(struct ice *ice, const struct stun_msg *m, const struct addr *from, uint64_t now_us)
{
	bool both_controlling = ice->controlling && m->has_controlling;
	bool both_controlled = !ice->controlling && m->has_controlled;
	bool ours_wins = ice->tie_breaker >= m->tie_breaker;

	if (!both_controlling && !both_controlled)
		return false;
	/* Beside a lite end, the full one controls (RFC 8445 s6.1.1): roles are settled whatever the numbers say. */
	if (ice->conf.lite || ice->remote_lite || ours_wins == both_controlling || ice->state == ICE_NOMINATED) {
		answer_error(ice, m, STUN_ROLE_CONFLICT, from);
		return true;
	}
	ice_switch_role(ice, now_us);
	return false;
}

static void learn(struct ice *ice, const struct stun_msg *m, const struct addr *from, uint64_t now_us)
{
	struct ice_pair *p = ice_pair_of(ice, from);

	if (!p)
		p = ice_pair_add(ice, from, m->has_priority ? m->priority : ICE_PRIORITY_PRFLX, now_us);
	if (!p)
		return;
	p->authenticated = true;
	if (m->use_candidate && !ice->controlling)
		p->peer_nominated = true;
	if (ice->state != ICE_CHECKING)
		return;
	if (ice->conf.lite) { /* a lite end needs no check of its own: RFC 8445 s7.3.2 */
		if (p->peer_nominated)
			ice_nominate(ice, p, now_us);
		return;
	}
	if (p->state == PAIR_CHECKING && p->next_send_us > now_us + ICE_TA_MS * 1000)
		p->next_send_us = now_us; /* triggered check, RFC 8445 s7.3.1.4: the peer is there, ask now */
	else if (p->state == PAIR_VALID && p->peer_nominated)
		ice_nominate(ice, p, now_us);
}

void ice_on_request(
	struct ice *ice, const struct stun_msg *m, const void *bytes, const struct addr *from, uint64_t now_us)
{
	if (!username_fits(ice, m) || !stun_check_integrity(m, bytes, ice->conf.pwd, strlen(ice->conf.pwd))) {
		counter_inc(CNT_MEDIA_STUN_BAD);
		return;
	}
	if (ice->state == ICE_NOMINATED && !addr_equal(from, &ice->nominated))
		return; /* the pair stands; a path that we do not use needs no answer */
	if (m->unknown_count) {
		answer_error(ice, m, STUN_UNKNOWN_ATTRIBUTE, from);
		return;
	}
	if (role_conflict(ice, m, from, now_us))
		return;
	answer_success(ice, m, from);
	learn(ice, m, from, now_us);
}
