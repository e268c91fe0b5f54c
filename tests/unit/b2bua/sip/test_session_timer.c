/* The session timer by itself: what is agreed on (RFC 4028 s7 to s10), and a call of forty minutes with the real 90 s.
 */
#include "b2bua/sip/session_timer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define S 1000000ull

#define NONE SESSION_REFRESHER_NONE
#define UAC  SESSION_REFRESHER_UAC
#define UAS  SESSION_REFRESHER_UAS
#define AUTO SIP_REFRESHER_AUTO
#define US   SIP_REFRESHER_US
#define PEER SIP_REFRESHER_PEER

static struct session_timer new_timer(unsigned expires_s, unsigned min_se_s, enum sip_refresher refresher)
{
	const struct sip_dialog_policy policy = {
		.session_expires_s = expires_s, .min_se_s = min_se_s, .refresher = refresher};
	struct session_timer t;

	session_timer_init(&t, &policy, 0);
	return t;
}

static void what_our_invite_says(void **state)
{
	static const struct {
		unsigned expires_s, min_se_s;
		enum sip_refresher refresher;
		const char *lines;
	} rows[] = {
		{1800, 90, AUTO, "Session-Expires: 1800\r\nMin-SE: 90\r\n"},
		{1800, 0, US, "Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\n"},
		{90, 90, PEER, "Session-Expires: 90;refresher=uas\r\nMin-SE: 90\r\n"},
		{0, 90, US, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session_timer t = new_timer(rows[i].expires_s, rows[i].min_se_s, rows[i].refresher);
		struct session_words w;
		char lines[128];

		session_timer_ask(&t, &w);
		session_words_write(&w, lines, sizeof(lines));
		assert_string_equal(lines, rows[i].lines);
	}
}

/* Without any answer of ours between: when is what due? */
static void what_an_answer_means(void **state)
{
	static const struct {
		unsigned asks_s;
		enum sip_refresher refresher;
		struct session_words answer;
		unsigned refresh_s, end_s; /* 0: never */
	} rows[] = {
		{1800, AUTO, {1800, UAC, 0, true, true}, 900, 1768},
		{1800, AUTO, {1800, UAS, 0, true, true}, 0, 1768},
		{1800, AUTO, {1800, NONE, 0, true, true}, 900, 1768},
		{90, AUTO, {90, UAC, 0, true, true}, 45, 81},
		{90, AUTO, {90, UAS, 0, true, true}, 0, 60},
		{1800, AUTO, {120, UAS, 0, true, true}, 0, 88},
		{1800, AUTO, {1, UAC, 0, true, true}, 45, 81}, /* less than our Min-SE: as if it had said that */
		{1800, AUTO, {1, UAS, 0, true, true}, 0, 60},
		{0, AUTO, {1, UAC, 0, true, true}, 45, 81},
		{0, AUTO, {1800, UAS, 0, true, false}, 0, 1768}, /* we did not ask: kept all the same */
		{1800, AUTO, {0}, 900, 0},                       /* the peer has no timer: we look after it, */
		{1800, PEER, {0}, 0, 0},                         /* unless we are told not to */
		{0, AUTO, {0}, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session_timer t = new_timer(rows[i].asks_s, 90, rows[i].refresher);

		session_timer_answered(&t, &rows[i].answer, 1000 * S);
		assert_int_equal(t.refresh_us, rows[i].refresh_s ? (1000 + rows[i].refresh_s) * S : 0);
		assert_int_equal(t.expires_us, rows[i].end_s ? (1000 + rows[i].end_s) * S : 0);
	}
}

/* RFC 4028 s9, table 2. */
static void what_we_answer(void **state)
{
	static const struct {
		unsigned ours_s;
		enum sip_refresher refresher;
		struct session_words request;
		int code;
		const char *lines;
		unsigned refresh_s, end_s;
	} rows[] = {
		{1800, AUTO, {1800, NONE, 0, true, false}, 0,
			"Session-Expires: 1800;refresher=uac\r\nRequire: timer\r\n", 0, 1768},
		{1800, US, {1800, NONE, 0, true, false}, 0, "Session-Expires: 1800;refresher=uas\r\n", 900, 1768},
		{1800, US, {1800, UAC, 0, true, false}, 0, "Session-Expires: 1800;refresher=uac\r\nRequire: timer\r\n",
			0, 1768},
		{1800, PEER, {1800, UAS, 0, true, false}, 0, "Session-Expires: 1800;refresher=uas\r\n", 900, 1768},
		/* shorter is taken, longer is made shorter, but not below its Min-SE */
		{1800, AUTO, {90, UAC, 0, true, false}, 0, "Session-Expires: 90;refresher=uac\r\nRequire: timer\r\n", 0,
			60},
		{600, AUTO, {3600, UAC, 0, true, false}, 0, "Session-Expires: 600;refresher=uac\r\nRequire: timer\r\n",
			0, 568},
		{600, AUTO, {3600, UAC, 1200, true, false}, 0,
			"Session-Expires: 3600;refresher=uac\r\nRequire: timer\r\n", 0, 3568},
		{1800, AUTO, {60, UAC, 0, true, false}, 422, "", 0, 0},
		/* a proxy asked for a caller who has no timer: ours to refresh, and no 422 */
		{1800, AUTO, {120, NONE, 0, false, false}, 0, "Session-Expires: 120;refresher=uas\r\n", 60, 108},
		/* too short to be one: not agreed on, looked after at our own pace */
		{1800, AUTO, {60, NONE, 0, false, false}, 0, "", 45, 0},
		{0, AUTO, {1, UAS, 0, false, false}, 0, "", 45, 0},
		/* nobody asked */
		{1800, AUTO, {0, NONE, 0, true, false}, 0, "Session-Expires: 1800;refresher=uac\r\nRequire: timer\r\n",
			0, 1768},
		{1800, AUTO, {0, NONE, 2000, true, false}, 0,
			"Session-Expires: 2000;refresher=uac\r\nRequire: timer\r\n", 0, 1968},
		{1800, AUTO, {0}, 0, "", 900, 0},
		{1800, PEER, {0}, 0, "", 0, 0},
		{0, AUTO, {0, NONE, 0, true, false}, 0, "", 0, 0},
		{0, AUTO, {1800, NONE, 0, true, false}, 0, "Session-Expires: 1800;refresher=uac\r\nRequire: timer\r\n",
			0, 1768},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session_timer t = new_timer(rows[i].ours_s, 90, rows[i].refresher);
		struct session_words w;
		char lines[128];

		assert_int_equal(session_timer_check(&t, &rows[i].request), rows[i].code);
		if (rows[i].code)
			continue;
		session_timer_answer(&t, &rows[i].request, 1000 * S, &w);
		session_words_write(&w, lines, sizeof(lines));
		assert_string_equal(lines, rows[i].lines);
		assert_int_equal(t.refresh_us, rows[i].refresh_s ? (1000 + rows[i].refresh_s) * S : 0);
		assert_int_equal(t.expires_us, rows[i].end_s ? (1000 + rows[i].end_s) * S : 0);
	}
}

static void too_small(void **state)
{
	struct session_timer t = new_timer(90, 90, AUTO);
	struct session_words w;

	(void)state;
	assert_int_equal(session_timer_too_small(&t, 0), -EINVAL);
	assert_int_equal(session_timer_too_small(&t, 90), -EINVAL);
	assert_int_equal(session_timer_too_small(&t, 4000000000u), -EINVAL);
	assert_int_equal(session_timer_too_small(&t, 120), 0);
	session_timer_ask(&t, &w);
	assert_int_equal(w.expires_s, 120);
	assert_int_equal(w.min_se_s, 120);
	assert_int_equal(session_timer_too_small(&t, 120), -EINVAL);
	t = new_timer(0, 90, AUTO); /* we asked for nothing: some refuse all the same */
	assert_int_equal(session_timer_too_small(&t, 120), 0);
	session_timer_ask(&t, &w); /* but not twice what we asked before */
	assert_int_equal(w.expires_s, 120);
	assert_int_equal(w.min_se_s, 120);
	assert_int_equal(session_timer_too_small(&t, 120), -EINVAL);
}

/* A peer that wants one second more each time. */
static void never_large_enough(void **state)
{
	struct session_timer t = new_timer(90, 90, AUTO);
	const struct session_words none = {0};
	unsigned asked = 0;

	(void)state;
	while (session_timer_too_small(&t, 91 + asked) == 0)
		assert_true(++asked < 10);
	assert_int_equal(asked, 5);
	session_timer_answered(&t, &none, 0);
	assert_int_equal(session_timer_too_small(&t, 200), 0);
}

/* One second a step, as both ends would see it. */
static void forty_minutes_at_90_s(void **state)
{
	static const struct session_words refresh = {90, UAC, 0, true, false}, answer = {90, UAC, 0, true, false};

	(void)state;
	for (int ours = 0; ours < 2; ours++) {
		struct session_timer t = new_timer(90, 90, AUTO);
		const struct session_words first = {90, ours ? UAC : UAS, 0, true, true};
		unsigned refreshes = 0;
		uint64_t at_us;

		session_timer_answered(&t, &first, 0);
		for (uint64_t s = 1; s <= 2400; s++) {
			enum session_due due = session_timer_due(&t, s * S, &at_us);
			struct session_words w;

			assert_int_not_equal(due, SESSION_DUE_END);
			if (ours && due == SESSION_DUE_REFRESH) {
				assert_int_equal(s % 45, 0);
				session_timer_sent(&t);
				session_timer_ask(&t, &w);
				assert_int_equal(w.expires_s, 90);
				assert_int_equal(w.refresher, UAC);
				session_timer_answered(&t, &answer, s * S);
				refreshes++;
			} else if (!ours && s % 45 == 0) {
				assert_int_equal(session_timer_check(&t, &refresh), 0);
				session_timer_answer(&t, &refresh, s * S, &w);
				refreshes++;
			}
		}
		assert_int_equal(refreshes, 53);
		/* and then nobody refreshes any more */
		session_timer_sent(&t);
		assert_int_equal(session_timer_due(&t, 2400 * S, &at_us), SESSION_DUE_NOTHING);
		assert_int_equal(at_us, (2385 + (ours ? 81 : 60)) * S);
		assert_int_equal(session_timer_due(&t, at_us, &at_us), SESSION_DUE_END);
	}
}

static void an_offer_keeps_the_timer(void **state)
{
	struct session_timer t = new_timer(1800, 90, AUTO);
	const struct session_words agreed = {1800, UAC, 0, true, true}, hold = {0, NONE, 0, true, false};
	struct session_words w;

	(void)state;
	session_timer_answered(&t, &agreed, 0);
	session_timer_answer(&t, &hold, 100 * S, &w); /* a re-INVITE that says nothing of it: we go on refreshing */
	assert_int_equal(w.expires_s, 1800);
	assert_int_equal(w.refresher, UAS);
	assert_int_equal(t.refresh_us, 1000 * S);
	assert_int_equal(t.expires_us, 1868 * S);
}

static void failures(void **state)
{
	struct session_timer t = new_timer(90, 90, AUTO);
	const struct session_words agreed = {90, UAC, 0, true, true}, none = {0};
	uint64_t at_us;

	(void)state;
	session_timer_answered(&t, &agreed, 0);
	session_timer_sent(&t);
	assert_int_equal(session_timer_retry_ms(&t, 45 * S), 9000); /* a quarter of what is left until 81 s */
	assert_int_equal(session_timer_retry_ms(&t, 80 * S), 1000);
	session_timer_retry(&t, 54 * S);
	assert_int_equal(session_timer_due(&t, 50 * S, &at_us), SESSION_DUE_NOTHING);
	assert_int_equal(at_us, 54 * S);
	assert_int_equal(session_timer_due(&t, 54 * S, &at_us), SESSION_DUE_REFRESH);
	assert_int_equal(session_timer_due(&t, 81 * S, &at_us), SESSION_DUE_END);
	/* nobody depends on it */
	t = new_timer(90, 90, AUTO);
	session_timer_answered(&t, &none, 0);
	session_timer_sent(&t);
	assert_int_equal(session_timer_due(&t, 1000 * S, &at_us), SESSION_DUE_NOTHING);
	assert_int_equal(at_us, 0);
	session_timer_skip(&t, 77 * S);
	assert_int_equal(session_timer_due(&t, 77 * S, &at_us), SESSION_DUE_NOTHING);
	assert_int_equal(at_us, 122 * S);
	assert_int_equal(session_timer_retry_ms(&t, 77 * S), 22500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_our_invite_says),
		cmocka_unit_test(what_an_answer_means),
		cmocka_unit_test(what_we_answer),
		cmocka_unit_test(too_small),
		cmocka_unit_test(never_large_enough),
		cmocka_unit_test(forty_minutes_at_90_s),
		cmocka_unit_test(an_offer_keeps_the_timer),
		cmocka_unit_test(failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
