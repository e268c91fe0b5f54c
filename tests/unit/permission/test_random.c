/* Random histories, with times from the edge: whatever happens, the entry stays
 * in order and no limit of Meta's is broken by somebody who does what the verdicts say. */
#include "tests/unit/permission/test_random.h"

#include "permission/permission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { HISTORIES = 400, EVENTS = 250, ASKED_MAX = 300 };

static const uint64_t day_ms = 24ULL * 3600 * 1000;

struct history {
	uint64_t seed, now_ms;
	struct permission p;
	uint64_t asked_ms[ASKED_MAX]; /* since the last connected call */
	unsigned asked;
};

static uint64_t next(struct history *h)
{
	h->seed ^= h->seed << 13;
	h->seed ^= h->seed >> 7;
	h->seed ^= h->seed << 17;
	return h->seed;
}

static uint64_t some_time(struct history *h)
{
	switch (next(h) % 5) {
	case 0: return 0;
	case 1: return h->now_ms - next(h) % day_ms;
	case 2: return h->now_ms + next(h) % (9 * day_ms);
	case 3: return UINT64_MAX - next(h) % 3;
	default: return next(h);
	}
}

static bool allowed(const struct history *h)
{
	return h->p.status == PERMISSION_PERMANENT ||
	       (h->p.status == PERMISSION_TEMPORARY && h->p.expires_ms > h->now_ms);
}

static void check_change(const struct history *h, enum permission_change change, bool was_allowed)
{
	switch (change) {
	case PERMISSION_GRANTED: assert_true(allowed(h)); break;
	case PERMISSION_REVOKED:
	case PERMISSION_EXPIRED:
	case PERMISSION_DENIED: assert_false(allowed(h)); break;
	case PERMISSION_UNCHANGED: break;
	}
	if (was_allowed && !allowed(h))
		assert_true(change == PERMISSION_REVOKED);
}

static void ask(struct history *h)
{
	unsigned in_a_week = 0;
	assert_true(h->asked < ASKED_MAX);
	for (unsigned i = 0; i < h->asked; i++) {
		assert_true(h->now_ms - h->asked_ms[i] >= day_ms);
		in_a_week += h->now_ms - h->asked_ms[i] < 7 * day_ms;
	}
	assert_true(in_a_week < 2);
	h->asked_ms[h->asked++] = h->now_ms;
	permission_on_requested(&h->p, h->now_ms);
}

static enum permission_change call(struct history *h)
{
	uint64_t outcome = next(h) % 4;
	if (outcome == 0) {
		h->asked = 0;
		return permission_on_call(&h->p, PERMISSION_CALL_CONNECTED, 0, 0, &permission_limits_meta, h->now_ms);
	}
	if (outcome < 3)
		return permission_on_call(&h->p, PERMISSION_CALL_UNANSWERED, 0, 0, &permission_limits_meta, h->now_ms);
	return permission_on_call(&h->p, PERMISSION_CALL_REFUSED_BY_META, 138000 + (int)(next(h) % 20), some_time(h),
		&permission_limits_meta, h->now_ms);
}

static enum permission_change happen(struct history *h)
{
	struct permission *p = &h->p;
	uint64_t until;
	const char *why;

	switch (next(h) % 8) {
	case 0:
		return permission_on_query(
			p, (enum permission_status)(next(h) % 4), some_time(h), some_time(h), some_time(h), h->now_ms);
	case 1: return permission_on_reply(p, next(h) % 2, next(h) % 4 == 0, some_time(h), next(h) % 3 == 0, h->now_ms);
	case 2: return permission_on_request_refused(p, 138000 + (int)(next(h) % 20), h->now_ms);
	case 3: permission_on_message(p, h->now_ms); return PERMISSION_UNCHANGED;
	case 4: return permission_on_time(p, h->now_ms);
	case 5:
	case 6:
		if (permission_may_request(p, &permission_limits_meta, h->now_ms, &why, &until) == PERMISSION_CALL)
			ask(h);
		return PERMISSION_UNCHANGED;
	default:
		return permission_may_call(p, &permission_limits_meta, h->now_ms, &why, &until) == PERMISSION_CALL
			       ? call(h)
			       : PERMISSION_UNCHANGED;
	}
}

static void check(const struct history *h)
{
	const struct permission *p = &h->p;
	uint64_t call_until, request_until;
	const char *why = NULL;
	enum permission_verdict call_verdict =
		permission_may_call(p, &permission_limits_meta, h->now_ms, &why, &call_until);
	assert_non_null(why);
	enum permission_verdict request_verdict =
		permission_may_request(p, &permission_limits_meta, h->now_ms, &why, &request_until);
	assert_non_null(why);

	assert_true(p->status <= PERMISSION_PERMANENT && p->source <= PERMISSION_FROM_OUTCOME);
	assert_true((p->status == PERMISSION_TEMPORARY) == (p->expires_ms != 0));
	assert_true(p->requested_ms[0] >= p->requested_ms[1]);
	assert_true(p->unanswered < permission_limits_meta.unanswered_max || !allowed(h));
	assert_true(allowed(h) ? call_verdict == PERMISSION_CALL || call_verdict == PERMISSION_LIMIT
			       : call_verdict != PERMISSION_CALL || p->status == PERMISSION_UNKNOWN);
	assert_true(!allowed(h) || request_verdict == PERMISSION_MISSING);
	assert_true(request_verdict != PERMISSION_ASK_META);
	/* a limit always ends, within a week */
	assert_true((call_verdict == PERMISSION_LIMIT) == (call_until != 0));
	assert_true((request_verdict == PERMISSION_LIMIT) == (request_until != 0));
	assert_true(!call_until || (call_until > h->now_ms && call_until <= h->now_ms + 7 * day_ms));
	assert_true(!request_until || (request_until > h->now_ms && request_until <= h->now_ms + 7 * day_ms));
}

void random_histories_keep_the_rules(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= HISTORIES; n++) {
		struct history h = {.seed = n * 0x9e3779b97f4a7c15ULL, .now_ms = 1790000000000ULL};
		permission_init(&h.p, "310000000000002", "+447700900123");
		for (unsigned i = 0; i < EVENTS; i++) {
			bool was_allowed;
			h.now_ms += next(&h) % 3 ? next(&h) % 90000 : next(&h) % (2 * day_ms);
			was_allowed = allowed(&h);
			check_change(&h, happen(&h), was_allowed);
			check(&h);
		}
	}
}
