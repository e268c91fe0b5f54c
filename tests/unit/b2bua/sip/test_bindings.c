/* The registrar's table: each story is a list of REGISTERs with their times, and what the table holds afterwards. */
#include "b2bua/sip/bindings.h"
#include "lib/base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { NONE = -1, WISHES = 4 };

struct wish_text {
	const char *contact;
	int expires_s; /* NONE: not given */
	unsigned q;
};

struct step {
	unsigned at_s;
	const char *call_id;
	unsigned cseq;
	struct wish_text wishes[WISHES];
	bool all;
	int status;
	const char *then; /* contacts in the order they would be called, "|" between */
};

#define A "sip:10@192.0.2.1:5060;rinstance=aa01"
#define B "sip:10@192.0.2.2:5060;rinstance=bb02"
#define C "sip:10@192.0.2.3:5060"

/* min 60, max 600, 2 contacts */
static const struct step add_refresh_remove[] = {
	{0, "x", 1, {{A, 120, 1000}}, false, 200, A}, {1, "x", 2, {{NULL}}, false, 200, A}, /* a query */
	{100, "x", 3, {{A, 120, 1000}}, false, 200, A},                                     /* a refresh */
	{219, "x", 4, {{NULL}}, false, 200, A},          /* one second before its end */
	{220, "x", 5, {{NULL}}, false, 200, ""},         /* RFC 3261 s10.3: gone */
	{230, "x", 6, {{A, NONE, 1000}}, false, 200, A}, /* no expiry: the longest */
	{829, "x", 7, {{NULL}}, false, 200, A}, {829, "x", 8, {{A, 0, 1000}}, false, 200, ""},
	{829, "x", 9, {{A, 0, 1000}}, false, 200, ""}, /* gone already: no fault */
};
static const struct step order_of_requests[] = {
	{0, "x", 5, {{A, 120, 1000}}, false, 200, A},
	{1, "x", 5, {{A, 120, 1000}}, false, 500, A},                                    /* s10.3 step 7: not newer */
	{2, "x", 4, {{A, 0, 1000}}, false, 500, A}, {3, "x", 4, {{NULL}}, true, 500, A}, /* step 6 */
	{4, "y", 1, {{A, 0, 1000}}, false, 200, ""}, /* another Call-ID: the phone was started anew */
	{5, "y", 2, {{A, 120, 1000}}, false, 200, A},
	{6, "y", 2, {{B, 120, 1000}, {A, 0, 1000}}, false, 500, A},                         /* all or nothing */
	{7, "z", 1, {{NULL}}, true, 200, ""}, {8, "z", 2, {{A, 120, 1000}}, true, 400, ""}, /* "*" stands alone */
};
static const struct step bounds[] = {
	{0, "x", 1, {{A, 59, 1000}}, false, 423, ""},
	{0, "x", 2, {{B, 120, 1000}, {A, 59, 1000}}, false, 423, ""},
	{0, "x", 3, {{A, 100000, 1000}}, false, 200, A}, /* cut */
	{599, "x", 4, {{NULL}}, false, 200, A},
	{600, "x", 5, {{NULL}}, false, 200, ""},
	{600, "x", 6, {{A, 120, 1000}, {A, 120, 1000}}, false, 400, ""},
	{600, "x", 7, {{A, 120, 1000}, {B, 120, 1000}, {C, 120, 1000}}, false, 403, ""},
	{600, "x", 8, {{"tel:+442079460000", 120, 1000}}, false, 400, ""},
	{600, "x", 9, {{"sip:10@192.0.2.1?Route=x", 120, 1000}}, false, 400, ""},
	{600, "x", 10, {{"sip:10@192.0.2.1\r\nX: y", 120, 1000}}, false, 400, ""},
	{600, "x", 11, {{"", 120, 1000}}, false, 400, ""},
};
static const struct step which_first[] = {
	{0, "x", 1, {{A, 600, 1000}}, false, 200, A},
	{0, "y", 1, {{B, 600, 1000}}, false, 200, B "|" A}, /* same moment: the later */
	{2, "x", 2, {{A, 600, 1000}}, false, 200, A "|" B},
	{3, "y", 2, {{B, 600, 500}}, false, 200, A "|" B}, /* q */
	{4, "z", 1, {{C, 600, 100}}, false, 200, B "|" C}, /* A was refreshed longest ago: makes room */
	{5, "z", 2, {{A, 600, 1000}, {B, 600, 1000}}, false, 200, A "|" B},
};

/* "sip:10@h" is the address of both others (s19.1.4), which are two: the very same text is meant first. */
static const struct step equal_to_two[] = {
	{0, "x", 1, {{"sip:10@h;x=1", 600, 1000}}, false, 200, "sip:10@h;x=1"},
	{1, "x", 2, {{"sip:10@h;x=2", 600, 1000}}, false, 200, "sip:10@h;x=2|sip:10@h;x=1"},
	{2, "x", 3, {{"sip:10@h", 600, 1000}}, false, 200, "sip:10@h|sip:10@h;x=2"},
	{3, "x", 4, {{"sip:10@h;x=2", 600, 1000}}, false, 200, "sip:10@h;x=2|sip:10@h"}, /* not twice */
	{4, "x", 5, {{"sip:10@h;x=2", 0, 1000}}, false, 200, "sip:10@h"},
};

static unsigned told[3];

static void count_change(enum binding_change change, const struct sip_binding *b, void *arg)
{
	(void)arg;
	assert_true(*b->id && *b->contact);
	told[change]++;
}

static const struct sip_registrar limits = {60, 600, 2};

static int run(struct bindings *b, const char *user, const struct step *s)
{
	struct sip_binding common = {.cseq = s->cseq};
	struct binding_wish wishes[WISHES];
	struct binding_request r = {
		.common = &common, .wishes = wishes, .all = s->all, .now_ms = 1000000 + s->at_s * 1000ull};

	str_copy(common.user, sizeof(common.user), user);
	str_copy(common.call_id, sizeof(common.call_id), s->call_id);
	for (; r.wish_count < WISHES && s->wishes[r.wish_count].contact; r.wish_count++) {
		const struct wish_text *w = &s->wishes[r.wish_count];
		wishes[r.wish_count] = (struct binding_wish){
			w->contact, w->expires_s != NONE, w->expires_s != NONE ? (unsigned)w->expires_s : 0, w->q};
	}
	return bindings_register(b, &r);
}

static const char *listed(const struct bindings *b, const char *user, unsigned at_s)
{
	static char text[2048];
	const struct sip_binding *found[8];
	size_t n = bindings_of(b, user, 1000000 + at_s * 1000ull, found, 8);
	struct strbuf sb;

	strbuf_init(&sb, text, sizeof(text));
	for (size_t i = 0; i < n; i++)
		strbuf_printf(&sb, "%s%s", i ? "|" : "", found[i]->contact);
	return text;
}

static void play(const struct step *steps, size_t count)
{
	struct bindings *b;

	assert_int_equal(bindings_new(&limits, count_change, NULL, &b), 0);
	for (size_t i = 0; i < count; i++) {
		int status = run(b, "desk1", &steps[i]);
		const char *now = listed(b, "desk1", steps[i].at_s);
		if (status != steps[i].status || strcmp(now, steps[i].then) != 0)
			fail_msg("step %zu: %d, %s", i, status, now);
	}
	bindings_free(b);
}

#define STORY(name)                                                                                                    \
	static void test_##name(void **state)                                                                          \
	{                                                                                                              \
		(void)state;                                                                                           \
		play(name, sizeof(name) / sizeof(name[0]));                                                            \
	}
STORY(add_refresh_remove)
STORY(order_of_requests)
STORY(bounds)
STORY(which_first)
STORY(equal_to_two)

static const struct {
	const char *a, *b;
	bool same;
} uris[] = {
	/* RFC 3261 s19.1.4 */
	{"sip:alice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
	{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
	{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
	{"sip:biloxi.com;transport=tcp;method=REGISTER", "sip:biloxi.com;method=REGISTER;transport=tcp", true},
	{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
	{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
	{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
	{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
	{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
	{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
	{"sip:alice@atlanta.com", "sips:alice@atlanta.com", false},
	{A, A ";ob", true},
	{"sip:10@192.0.2.1:5060;rinstance=aa01", "sip:10@192.0.2.1:5060;rinstance=aa02", false},
	{"sip:a@b;x", "sip:a@b;x=", true},
	{"sip:@b", "sip:@b", false},
};

static void test_same_uri(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		if (bindings_same_uri(uris[i].a, uris[i].b) != uris[i].same ||
			bindings_same_uri(uris[i].b, uris[i].a) != uris[i].same)
			fail_msg("%s and %s", uris[i].a, uris[i].b);
	}
}

static bool is_of(const struct sip_binding *b, void *arg)
{
	return strcmp(b->user, arg) == 0;
}

static void test_kept_and_dropped(void **state)
{
	static const struct step first = {0, "x", 1, {{A, 120, 1000}}, false, 200, A};
	const struct sip_binding *found[1];
	struct sip_binding kept;
	struct bindings *b;

	(void)state;
	memset(told, 0, sizeof(told));
	assert_int_equal(bindings_new(&limits, count_change, NULL, &b), 0);
	assert_int_equal(run(b, "desk1", &first), 200);
	assert_int_equal(run(b, "desk2", &first), 200);
	assert_int_equal(bindings_count(b), 2);
	assert_int_equal(bindings_expire(b, 1000000), 1120000);
	assert_int_equal(bindings_of(b, "desk1", 1000000, found, 1), 1);
	kept = *found[0];
	assert_int_equal(bindings_remove_if(b, is_of, "desk1"), 1);
	assert_string_equal(listed(b, "desk1", 0), "");
	assert_string_equal(listed(b, "desk2", 0), A);
	assert_int_equal(told[BINDING_ADDED], 2);
	assert_int_equal(told[BINDING_REMOVED], 1);

	assert_int_equal(bindings_restore(b, &kept, kept.expires_ms), -ETIME);
	assert_int_equal(bindings_restore(b, &kept, kept.expires_ms - 1), 0);
	assert_int_equal(bindings_restore(b, &kept, kept.expires_ms - 1), -EEXIST);
	assert_string_equal(listed(b, "desk1", 0), A);
	/* What was kept knows its Call-ID and CSeq. */
	assert_int_equal(run(b, "desk1", &first), 500);
	str_copy(kept.contact, sizeof(kept.contact), "mailto:x");
	assert_int_equal(bindings_restore(b, &kept, 0), -EINVAL);
	assert_int_equal(told[BINDING_ADDED], 2);
	assert_int_equal(bindings_expire(b, 1120000), UINT64_MAX);
	assert_int_equal(bindings_count(b), 0);
	bindings_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_refresh_remove),
		cmocka_unit_test(test_order_of_requests),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_which_first),
		cmocka_unit_test(test_equal_to_two),
		cmocka_unit_test(test_same_uri),
		cmocka_unit_test(test_kept_and_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
