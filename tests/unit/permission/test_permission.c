/* Stories of one user's permission, the clock in the first column. Limits are Meta's unless a story says otherwise. */
#include "permission/permission.h"
#include "tests/unit/permission/test_random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define T0      1790000000000ULL
#define S(n)    ((n)*1000ULL)
#define M(n)    S((n)*60ULL)
#define H(n)    M((n)*60ULL)
#define D(n)    H((n)*24ULL)
#define AT(n)   (T0 + (n))
#define NOTHING 0

enum op {
	QUERY,      /* a: status, b: expires, c: call limit until, d: request limit until */
	ACCEPTED,   /* a: permanent, b: expires, c: automatic */
	REFUSED,    /* c: automatic */
	REQUESTED,  /* */
	NO_REQUEST, /* a: Meta's code */
	CONNECTED,  /* a: how often */
	UNANSWERED, /* a: how often, the last of them counts for `change` */
	NO_CALL,    /* a: Meta's code, b: until */
	MESSAGE,
	CLOCK,
	LOOK, /* nothing happens */
};

struct step {
	uint64_t at;
	enum op op;
	uint64_t a, b, c, d;
	enum permission_change change;
	enum permission_status status;
	enum permission_verdict call, request;
	uint64_t call_until, request_until;
};

#define OK      PERMISSION_CALL
#define ASK     PERMISSION_ASK_META
#define NO      PERMISSION_MISSING
#define LIMIT   PERMISSION_LIMIT
#define SAME    PERMISSION_UNCHANGED
#define GRANTED PERMISSION_GRANTED
#define DENIED  PERMISSION_DENIED
#define EXPIRED PERMISSION_EXPIRED
#define REVOKED PERMISSION_REVOKED
#define UNKNOWN PERMISSION_UNKNOWN
#define NONE    PERMISSION_NONE
#define TEMP    PERMISSION_TEMPORARY
#define PERM    PERMISSION_PERMANENT

static const struct step unknown_is_asked[] = {
	{AT(0), LOOK, 0, 0, 0, 0, SAME, UNKNOWN, ASK, OK, 0, 0},
	{AT(0), QUERY, NONE, 0, 0, 0, SAME, NONE, NO, OK, 0, 0},
	{AT(S(59)), LOOK, 0, 0, 0, 0, SAME, NONE, NO, OK, 0, 0},
	{AT(S(60)), LOOK, 0, 0, 0, 0, SAME, NONE, ASK, OK, 0, 0},       /* fresh_ms */
	{AT(S(60)), QUERY, UNKNOWN, 0, 0, 0, SAME, NONE, NO, OK, 0, 0}, /* in vain: what we knew */
	{AT(S(120)), QUERY, PERM, 0, 0, 0, GRANTED, PERM, OK, NO, 0, 0},
	{AT(D(300)), LOOK, 0, 0, 0, 0, SAME, PERM, OK, NO, 0, 0}, /* a yes is believed */
};

static const struct step asked_in_vain[] = {
	{AT(0), QUERY, UNKNOWN, 0, 0, 0, SAME, UNKNOWN, OK, OK, 0, 0}, /* Meta will refuse the call */
	{AT(S(60)), LOOK, 0, 0, 0, 0, SAME, UNKNOWN, ASK, OK, 0, 0},
};

static const struct step first_look_is_no_news[] = {
	{AT(0), QUERY, TEMP, AT(D(3)), 0, 0, SAME, TEMP, OK, NO, 0, 0},
	{AT(D(1)), QUERY, TEMP, AT(D(3)), 0, 0, SAME, TEMP, OK, NO, 0, 0},
	{AT(D(2)), QUERY, NONE, 0, 0, 0, REVOKED, NONE, NO, OK, 0, 0},
	{AT(D(2)), QUERY, NONE, 0, 0, 0, SAME, NONE, NO, OK, 0, 0},
};

static const struct step seven_days[] = {
	{AT(0), REQUESTED, 0, 0, 0, 0, SAME, UNKNOWN, ASK, NO, 0, 0},
	{AT(M(5)), ACCEPTED, false, AT(M(5) + D(7)), false, 0, GRANTED, TEMP, OK, NO, 0, 0},
	{AT(M(5) + D(7) - 1), CLOCK, 0, 0, 0, 0, SAME, TEMP, OK, NO, 0, 0},
	{AT(M(5) + D(7)), LOOK, 0, 0, 0, 0, SAME, TEMP, ASK, OK, 0, 0},
	{AT(M(5) + D(7)), CLOCK, 0, 0, 0, 0, EXPIRED, NONE, ASK, OK, 0, 0},
	{AT(M(5) + D(7)), CLOCK, 0, 0, 0, 0, SAME, NONE, ASK, OK, 0, 0}, /* once */
	{AT(M(6) + D(7)), QUERY, NONE, 0, 0, 0, SAME, NONE, NO, OK, 0, 0},
};

static const struct step expiry_not_given[] = {
	{AT(0), ACCEPTED, false, 0, false, 0, GRANTED, TEMP, OK, NO, 0, 0},
	{AT(D(7) - 1), QUERY, TEMP, 0, 0, 0, SAME, TEMP, OK, NO, 0, 0}, /* what we knew of its end stays */
	{AT(D(7)), QUERY, NONE, 0, 0, 0, EXPIRED, NONE, NO, OK, 0, 0},  /* the query was first to notice */
	{AT(D(7)), CLOCK, 0, 0, 0, 0, SAME, NONE, NO, OK, 0, 0},
	{AT(D(8)), QUERY, TEMP, 0, 0, 0, GRANTED, TEMP, OK, NO, 0, 0},
	{AT(D(15)), CLOCK, 0, 0, 0, 0, EXPIRED, NONE, ASK, OK, 0, 0},
};

static const struct step expired_when_told[] = {
	{AT(D(8)), ACCEPTED, false, AT(D(7)), false, 0, SAME, UNKNOWN, ASK, OK, 0, 0}, /* a reply a week late */
	{AT(D(8)), QUERY, TEMP, AT(D(7)), 0, 0, SAME, NONE, NO, OK, 0, 0},
	{AT(D(8)), CLOCK, 0, 0, 0, 0, SAME, NONE, NO, OK, 0, 0},
	{AT(D(8)), ACCEPTED, true, AT(D(7)), false, 0, GRANTED, PERM, OK, NO, 0, 0},
	{AT(D(9)), ACCEPTED, false, AT(D(7)), false, 0, SAME, PERM, OK, NO, 0, 0},
};

static const struct step permanent[] = {
	{AT(0), ACCEPTED, true, 0, false, 0, GRANTED, PERM, OK, NO, 0, 0},
	{AT(0), ACCEPTED, true, 0, false, 0, SAME, PERM, OK, NO, 0, 0},
	{AT(D(1)), ACCEPTED, false, AT(D(8)), true, 0, SAME, PERM, OK, NO, 0, 0},     /* his call takes nothing away */
	{AT(D(2)), ACCEPTED, false, AT(D(9)), false, 0, GRANTED, TEMP, OK, NO, 0, 0}, /* his choice does */
	{AT(D(3)), ACCEPTED, false, AT(D(10)), true, 0, GRANTED, TEMP, OK, NO, 0, 0}, /* and his call adds */
	{AT(D(3)), ACCEPTED, false, AT(D(8)), true, 0, SAME, TEMP, OK, NO, 0, 0},
	{AT(D(10) - 1), CLOCK, 0, 0, 0, 0, SAME, TEMP, OK, NO, 0, 0},
	{AT(D(10)), CLOCK, 0, 0, 0, 0, EXPIRED, NONE, ASK, OK, 0, 0},
};

static const struct step refusals[] = {
	{AT(0), REQUESTED, 0, 0, 0, 0, SAME, UNKNOWN, ASK, NO, 0, 0},
	{AT(M(1)), REFUSED, 0, 0, false, 0, DENIED, NONE, NO, LIMIT, 0, AT(D(1))},
	{AT(D(1)), LOOK, 0, 0, 0, 0, SAME, NONE, ASK, OK, 0, 0},
	{AT(D(1)), ACCEPTED, true, 0, false, 0, GRANTED, PERM, OK, NO, 0, 0},
	{AT(D(2)), REFUSED, 0, 0, false, 0, REVOKED, NONE, NO, OK, 0, 0}, /* taken back in his profile */
};

static const struct step one_a_day_two_a_week[] = {
	{AT(0), REQUESTED, 0, 0, 0, 0, SAME, UNKNOWN, ASK, NO, 0, 0},
	{AT(0), REFUSED, 0, 0, false, 0, DENIED, NONE, NO, LIMIT, 0, AT(D(1))},
	{AT(D(1) - 1), LOOK, 0, 0, 0, 0, SAME, NONE, ASK, LIMIT, 0, AT(D(1))},
	{AT(D(2)), REQUESTED, 0, 0, 0, 0, SAME, NONE, ASK, NO, 0, 0},
	{AT(D(2)), REFUSED, 0, 0, false, 0, DENIED, NONE, NO, LIMIT, 0, AT(D(7))},
	{AT(D(7) - 1), LOOK, 0, 0, 0, 0, SAME, NONE, ASK, LIMIT, 0, AT(D(7))},
	{AT(D(7)), LOOK, 0, 0, 0, 0, SAME, NONE, ASK, OK, 0, 0},
	{AT(D(7)), REQUESTED, 0, 0, 0, 0, SAME, NONE, ASK, NO, 0, 0},
	{AT(D(7)), REFUSED, 0, 0, false, 0, DENIED, NONE, NO, LIMIT, 0, AT(D(9))},
};

static const struct step request_nobody_answers[] = {
	{AT(0), REQUESTED, 0, 0, 0, 0, SAME, UNKNOWN, ASK, NO, 0, 0},
	{AT(D(7) - 1), LOOK, 0, 0, 0, 0, SAME, UNKNOWN, ASK, NO, 0, 0},
	{AT(D(7)), LOOK, 0, 0, 0, 0, SAME, UNKNOWN, ASK, OK, 0, 0},
	{AT(D(7)), REQUESTED, 0, 0, 0, 0, SAME, UNKNOWN, ASK, NO, 0, 0},
	{AT(D(7)), QUERY, NONE, 0, 0, 0, SAME, NONE, NO, NO, 0, 0},
	{AT(D(8)), QUERY, PERM, 0, 0, 0, GRANTED, PERM, OK, NO, 0, 0}, /* his reply was lost */
};

static const struct step connected_call_forgets_requests[] = {
	{AT(0), REQUESTED, 0, 0, 0, 0, SAME, UNKNOWN, ASK, NO, 0, 0},
	{AT(0), REFUSED, 0, 0, false, 0, DENIED, NONE, NO, LIMIT, 0, AT(D(1))},
	{AT(0), NO_REQUEST, 138009, 0, 0, 0, SAME, NONE, NO, LIMIT, 0, AT(D(1))},
	{AT(H(1)), CONNECTED, 1, 0, 0, 0, SAME, UNKNOWN, ASK, OK, 0, 0}, /* "none" was wrong then */
};

static const struct step meta_refuses_requests[] = {
	{AT(0), NO_REQUEST, 138009, 0, 0, 0, SAME, UNKNOWN, ASK, LIMIT, 0, AT(D(1))},
	{AT(D(1)), LOOK, 0, 0, 0, 0, SAME, UNKNOWN, ASK, OK, 0, 0},
	{AT(D(1)), NO_REQUEST, 131047, 0, 0, 0, SAME, UNKNOWN, ASK, OK, 0, 0},
	{AT(D(1)), NO_REQUEST, 138017, 0, 0, 0, GRANTED, PERM, OK, NO, 0, 0},
	{AT(D(1)), NO_REQUEST, 138017, 0, 0, 0, SAME, PERM, OK, NO, 0, 0},
};

/* Both passed our own limits, as neither had been answered yet. */
static const struct step two_requests_at_once[] = {
	{AT(0), REQUESTED, 0, 0, 0, 0, SAME, UNKNOWN, ASK, NO, 0, 0},
	{AT(0), NO_REQUEST, 138009, 0, 0, 0, SAME, UNKNOWN, ASK, NO, 0, 0},
	{AT(H(1)), ACCEPTED, true, 0, false, 0, GRANTED, PERM, OK, NO, 0, 0},
};

static const struct step query_tells_limits[] = {
	{AT(0), QUERY, NONE, 0, 0, AT(H(5)), SAME, NONE, NO, LIMIT, 0, AT(H(5))},
	{AT(H(1)), QUERY, TEMP, AT(D(2)), AT(H(3)), AT(H(5)), GRANTED, TEMP, LIMIT, NO, AT(H(3)), 0},
	{AT(H(3)), LOOK, 0, 0, 0, 0, SAME, TEMP, OK, NO, 0, 0},
	{AT(H(3)), QUERY, TEMP, AT(D(2)), AT(D(5000)), 0, SAME, TEMP, LIMIT, NO, AT(H(3) + D(7)), 0},
	{AT(H(4)), QUERY, TEMP, AT(D(2)), 0, 0, SAME, TEMP, OK, NO, 0, 0},
};

static const struct step hundred_connected[] = {
	{AT(0), ACCEPTED, true, 0, false, 0, GRANTED, PERM, OK, NO, 0, 0},
	{AT(H(1)), CONNECTED, 99, 0, 0, 0, SAME, PERM, OK, NO, 0, 0},
	{AT(H(2)), CONNECTED, 1, 0, 0, 0, SAME, PERM, LIMIT, NO, AT(H(25)), 0},
	{AT(H(25) - 1), LOOK, 0, 0, 0, 0, SAME, PERM, LIMIT, NO, AT(H(25)), 0},
	{AT(H(25)), LOOK, 0, 0, 0, 0, SAME, PERM, OK, NO, 0, 0},
	{AT(H(25)), CONNECTED, 99, 0, 0, 0, SAME, PERM, OK, NO, 0, 0},
	{AT(H(26)), CONNECTED, 1, 0, 0, 0, SAME, PERM, LIMIT, NO, AT(H(49)), 0},
};

static const struct step meta_refuses_calls[] = {
	{AT(0), ACCEPTED, true, 0, false, 0, GRANTED, PERM, OK, NO, 0, 0},
	{AT(0), NO_CALL, 138012, AT(H(6)), 0, 0, SAME, PERM, LIMIT, NO, AT(H(6)), 0},
	{AT(H(6)), LOOK, 0, 0, 0, 0, SAME, PERM, OK, NO, 0, 0},
	{AT(H(6)), NO_CALL, 138012, 0, 0, 0, SAME, PERM, LIMIT, NO, AT(H(7)), 0}, /* it did not say until when */
	{AT(H(7)), CONNECTED, 1, 0, 0, 0, SAME, PERM, OK, NO, 0, 0},
	{AT(H(7) + M(1410)), NO_CALL, 138012, 0, 0, 0, SAME, PERM, LIMIT, NO, AT(H(31)), 0},
	{AT(D(2)), NO_CALL, 138012, AT(D(1)), 0, 0, SAME, PERM, LIMIT, NO, AT(D(2) + H(1)), 0}, /* past: no use */
	{AT(D(3)), NO_CALL, 138013, 0, 0, 0, SAME, PERM, OK, NO, 0, 0}, /* not about this user */
	{AT(D(3)), NO_CALL, 138006, 0, 0, 0, REVOKED, NONE, NO, OK, 0, 0},
	{AT(D(3)), NO_CALL, 138006, 0, 0, 0, SAME, NONE, NO, OK, 0, 0},
};

static const struct step refused_after_expiry[] = {
	{AT(0), ACCEPTED, false, AT(D(1)), false, 0, GRANTED, TEMP, OK, NO, 0, 0},
	{AT(D(1)), NO_CALL, 138006, 0, 0, 0, EXPIRED, NONE, NO, OK, 0, 0},
};

static const struct step unknown_and_refused[] = {
	{AT(0), QUERY, UNKNOWN, 0, 0, 0, SAME, UNKNOWN, OK, OK, 0, 0},
	{AT(S(1)), NO_CALL, 138012, AT(H(1)), 0, 0, SAME, UNKNOWN, LIMIT, OK, AT(H(1)), 0},
	{AT(S(2)), NO_CALL, 138006, 0, 0, 0, SAME, NONE, NO, OK, 0, 0},
};

static const struct step four_unanswered[] = {
	{AT(0), ACCEPTED, true, 0, false, 0, GRANTED, PERM, OK, NO, 0, 0},
	{AT(H(1)), UNANSWERED, 3, 0, 0, 0, SAME, PERM, OK, NO, 0, 0},
	{AT(H(2)), CONNECTED, 1, 0, 0, 0, SAME, PERM, OK, NO, 0, 0}, /* not in a row */
	{AT(H(3)), UNANSWERED, 3, 0, 0, 0, SAME, PERM, OK, NO, 0, 0},
	{AT(H(4)), UNANSWERED, 1, 0, 0, 0, REVOKED, NONE, NO, OK, 0, 0},
	{AT(H(4)), REFUSED, 0, 0, true, 0, SAME, NONE, NO, OK, 0, 0}, /* Meta's word of the same */
	{AT(H(5)), REQUESTED, 0, 0, 0, 0, SAME, NONE, ASK, NO, 0, 0},
	{AT(H(5)), ACCEPTED, false, AT(D(7)), false, 0, GRANTED, TEMP, OK, NO, 0, 0},
	{AT(H(6)), UNANSWERED, 3, 0, 0, 0, SAME, TEMP, OK, NO, 0, 0}, /* counted anew */
	{AT(H(7)), REFUSED, 0, 0, true, 0, REVOKED, NONE, NO, LIMIT, 0, AT(H(29))},
	{AT(H(8)), QUERY, PERM, 0, 0, 0, GRANTED, PERM, OK, NO, 0, 0},
	{AT(H(8)), UNANSWERED, 3, 0, 0, 0, SAME, PERM, OK, NO, 0, 0},
};

static const struct step four_unanswered_unknown[] = {
	{AT(0), UNANSWERED, 4, 0, 0, 0, REVOKED, NONE, NO, OK, 0, 0},
	{AT(0), UNANSWERED, 1, 0, 0, 0, SAME, NONE, NO, OK, 0, 0},
};

/* ---- telling them ---- */

static enum permission_change happen(struct permission *p, const struct step *s, const struct permission_limits *l)
{
	enum permission_change change = PERMISSION_UNCHANGED;
	switch (s->op) {
	case QUERY: return permission_on_query(p, (enum permission_status)s->a, s->b, s->c, s->d, s->at);
	case ACCEPTED: return permission_on_reply(p, true, s->a, s->b, s->c, s->at);
	case REFUSED: return permission_on_reply(p, false, false, 0, s->c, s->at);
	case NO_REQUEST: return permission_on_request_refused(p, (int)s->a, s->at);
	case NO_CALL: return permission_on_call(p, PERMISSION_CALL_REFUSED_BY_META, (int)s->a, s->b, l, s->at);
	case CLOCK: return permission_on_time(p, s->at);
	case CONNECTED:
	case UNANSWERED:
		for (uint64_t i = 0; i < s->a; i++) {
			assert_int_equal(change, PERMISSION_UNCHANGED);
			change = permission_on_call(p,
				s->op == CONNECTED ? PERMISSION_CALL_CONNECTED : PERMISSION_CALL_UNANSWERED, 0, 0, l,
				s->at);
		}
		break;
	case REQUESTED: permission_on_requested(p, s->at); break;
	case MESSAGE: permission_on_message(p, s->at); break;
	case LOOK: break;
	}
	return change;
}

static void tell(const char *name, const struct step *steps, size_t count)
{
	struct permission p;
	permission_init(&p, "310000000000002", "+447700900123");
	for (size_t i = 0; i < count; i++) {
		const struct step *s = &steps[i];
		const char *call_why = NULL, *request_why = NULL;
		uint64_t call_until = 1, request_until = 1;
		enum permission_change change = happen(&p, s, &permission_limits_meta);
		enum permission_verdict call =
			permission_may_call(&p, &permission_limits_meta, s->at, &call_why, &call_until);
		enum permission_verdict request =
			permission_may_request(&p, &permission_limits_meta, s->at, &request_why, &request_until);
		if (change != s->change || p.status != s->status || call != s->call || request != s->request ||
			call_until != s->call_until || request_until != s->request_until) {
			print_error("%s, step %zu: %s, %s; call %d until %lld, request %d until %lld\n", name, i,
				permission_change_name(change), permission_status_name(p.status), call,
				(long long)(call_until ? call_until - T0 : 0), request,
				(long long)(request_until ? request_until - T0 : 0));
			fail();
		}
		assert_true(call_why && *call_why && request_why && *request_why);
		assert_true(p.status == PERMISSION_TEMPORARY || p.expires_ms == 0);
	}
}

static void stories(void **state)
{
	(void)state;
#define TELL(story) tell(#story, story, sizeof(story) / sizeof((story)[0]))
	TELL(unknown_is_asked);
	TELL(asked_in_vain);
	TELL(first_look_is_no_news);
	TELL(seven_days);
	TELL(expiry_not_given);
	TELL(expired_when_told);
	TELL(permanent);
	TELL(refusals);
	TELL(one_a_day_two_a_week);
	TELL(request_nobody_answers);
	TELL(connected_call_forgets_requests);
	TELL(meta_refuses_requests);
	TELL(two_requests_at_once);
	TELL(query_tells_limits);
	TELL(hundred_connected);
	TELL(meta_refuses_calls);
	TELL(refused_after_expiry);
	TELL(unknown_and_refused);
	TELL(four_unanswered);
	TELL(four_unanswered_unknown);
}

static void the_window_is_open_for_a_day(void **state)
{
	struct permission p;
	(void)state;
	permission_init(&p, "310000000000002", "GB.1000200030004000500");
	assert_false(permission_window_open(&p, AT(0)));
	permission_on_message(&p, AT(0));
	assert_true(permission_window_open(&p, AT(0)));
	assert_true(permission_window_open(&p, AT(D(1) - 1)));
	assert_false(permission_window_open(&p, AT(D(1))));
	permission_on_message(&p, AT(D(2)));
	permission_on_message(&p, AT(D(1))); /* told late */
	assert_true(permission_window_open(&p, AT(D(3) - 1)));
	assert_false(permission_window_open(&p, AT(D(3))));
}

/* His answer may overtake Meta's to our request: then nobody is asked any more. */
static void request_told_after_its_answer(void **state)
{
	struct permission p;
	(void)state;
	permission_init(&p, "1", "+1");
	assert_int_equal(permission_on_reply(&p, true, false, AT(D(7)), false, AT(0)), PERMISSION_GRANTED);
	permission_on_requested(&p, AT(1));
	assert_false(p.request_pending);
	permission_on_requested(&p, AT(D(8)));
	assert_true(p.request_pending);
}

static void limits_can_be_other_ones(void **state)
{
	static const struct permission_limits tight = {2, 2, 1, 1, 0}, off = {0, 0, 0, 0, 60000},
					      test_number = {25, 100, 100, 10, 1};
	struct permission p;
	const char *why;
	uint64_t until;
	(void)state;
	permission_init(&p, "1", "+1");
	permission_on_requested(&p, AT(0));
	assert_int_equal(permission_on_reply(&p, false, false, 0, false, AT(0)), PERMISSION_DENIED);
	assert_int_equal(permission_may_call(&p, &tight, AT(0), &why, &until), PERMISSION_ASK_META); /* fresh_ms 0 */
	assert_int_equal(permission_may_request(&p, &tight, AT(0), &why, &until), PERMISSION_CALL);
	permission_on_requested(&p, AT(H(1)));
	assert_int_equal(permission_on_reply(&p, false, false, 0, false, AT(H(1))), PERMISSION_DENIED);
	assert_int_equal(permission_may_request(&p, &tight, AT(H(2)), &why, &until), PERMISSION_LIMIT);
	assert_true(until == AT(D(7)));
	assert_int_equal(permission_may_request(&p, &off, AT(H(2)), &why, &until), PERMISSION_CALL);
	assert_int_equal(permission_may_request(&p, &test_number, AT(H(2)), &why, &until), PERMISSION_CALL);

	permission_on_reply(&p, true, true, 0, false, AT(H(3)));
	for (int i = 0; i < 300; i++)
		permission_on_call(&p, PERMISSION_CALL_CONNECTED, 0, 0, &off, AT(H(3)));
	assert_int_equal(permission_may_call(&p, &off, AT(H(3)), &why, &until), PERMISSION_CALL);
	assert_int_equal(permission_may_call(&p, &tight, AT(H(3)), &why, &until), PERMISSION_LIMIT);
	for (int i = 0; i < 20; i++)
		assert_int_equal(permission_on_call(&p, PERMISSION_CALL_UNANSWERED, 0, 0, &off, AT(H(3))), SAME);
	assert_int_equal(permission_on_call(&p, PERMISSION_CALL_UNANSWERED, 0, 0, &tight, AT(H(3))), REVOKED);
}

static void where_it_was_learned(void **state)
{
	struct permission p;
	(void)state;
	permission_init(&p, "1", "+1");
	assert_int_equal(p.source, PERMISSION_FROM_NOTHING);
	permission_on_query(&p, NONE, 0, 0, 0, AT(0));
	assert_int_equal(p.source, PERMISSION_FROM_QUERY);
	permission_on_reply(&p, true, false, AT(D(7)), true, AT(0));
	assert_int_equal(p.source, PERMISSION_FROM_CALL);
	permission_on_query(&p, TEMP, AT(D(7)), 0, 0, AT(0)); /* confirmed: still from his call */
	assert_int_equal(p.source, PERMISSION_FROM_CALL);
	permission_on_query(&p, PERM, 0, 0, 0, AT(0));
	assert_int_equal(p.source, PERMISSION_FROM_QUERY);
	permission_on_call(&p, PERMISSION_CALL_REFUSED_BY_META, 138006, 0, &permission_limits_meta, AT(0));
	assert_int_equal(p.source, PERMISSION_FROM_OUTCOME);
	permission_on_query(&p, NONE, 0, 0, 0, AT(0));
	assert_int_equal(p.source, PERMISSION_FROM_OUTCOME);
	permission_on_reply(&p, false, false, 0, false, AT(0));
	assert_int_equal(p.source, PERMISSION_FROM_USER);
}

static void names_are_read_back(void **state)
{
	(void)state;
	for (enum permission_status s = PERMISSION_UNKNOWN; s <= PERMISSION_PERMANENT; s++) {
		enum permission_status back = (enum permission_status)99;
		assert_int_equal(permission_status_parse(permission_status_name(s), &back), 0);
		assert_int_equal(back, s);
	}
	for (enum permission_source s = PERMISSION_FROM_NOTHING; s <= PERMISSION_FROM_OUTCOME; s++) {
		enum permission_source back = (enum permission_source)99;
		assert_int_equal(permission_source_parse(permission_source_name(s), &back), 0);
		assert_int_equal(back, s);
	}
	for (const char *const *bad = (const char *const[]){"", "Unknown", "permanent ", "no_permission", NULL}; *bad;
		bad++) {
		enum permission_status status = PERMISSION_NONE;
		enum permission_source source = PERMISSION_FROM_CALL;
		assert_int_equal(permission_status_parse(*bad, &status), -EINVAL);
		assert_int_equal(permission_source_parse(*bad, &source), -EINVAL);
		assert_int_equal(status, PERMISSION_NONE);
		assert_int_equal(source, PERMISSION_FROM_CALL);
	}
	assert_int_equal(permission_status_parse(NULL, &(enum permission_status){0}), -EINVAL);
	assert_string_equal(permission_change_name(PERMISSION_REVOKED), "revoked");
	assert_string_equal(permission_change_name(PERMISSION_UNCHANGED), "unchanged");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stories),
		cmocka_unit_test(the_window_is_open_for_a_day),
		cmocka_unit_test(request_told_after_its_answer),
		cmocka_unit_test(limits_can_be_other_ones),
		cmocka_unit_test(where_it_was_learned),
		cmocka_unit_test(names_are_read_back),
		cmocka_unit_test(random_histories_keep_the_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
