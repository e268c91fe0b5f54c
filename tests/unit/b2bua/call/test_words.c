/* tests/unit/b2bua/call/test_words.c
 *
 * Causes, names, and text made safe for SIP.
 */
#include "b2bua/call/headers.h"
#include "tests/support/call/play.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void causes_have_unique_names_and_faces(void **state)
{
	(void)state;
	for (int i = 0; i < CAUSE_COUNT; i++) {
		const struct cause_info *info = cause_info((enum cause)i);
		enum cause found;
		assert_int_equal(cause_parse(info->name, &found), 0);
		assert_int_equal(found, i);
		assert_in_range(info->sip_code, 200, 699);
		assert_in_range(info->q850, 1, 127);
		assert_true(info->text[0] != '\0');
	}
	assert_int_equal(cause_parse("tuesday", &(enum cause){0}), -ENOENT);
	assert_int_equal(cause_parse("", &(enum cause){0}), -ENOENT);
	assert_int_equal(cause_parse(NULL, &(enum cause){0}), -ENOENT);
}

static void sip_codes_have_causes(void **state)
{
	static const struct {
		int code, q850;
		enum cause cause;
	} rows[] = {
		{486, 0, CAUSE_BUSY},
		{600, 0, CAUSE_BUSY},
		{603, 0, CAUSE_DECLINED},
		{408, 0, CAUSE_NO_ANSWER},
		{480, 0, CAUSE_NO_ANSWER},
		{404, 0, CAUSE_NOT_FOUND},
		{410, 0, CAUSE_NOT_FOUND},
		{484, 0, CAUSE_NOT_FOUND},
		{604, 0, CAUSE_NOT_FOUND},
		{488, 0, CAUSE_NO_CODEC},
		{606, 0, CAUSE_NO_CODEC},
		{403, 0, CAUSE_NOT_ALLOWED},
		{503, 0, CAUSE_GATEWAY_DOWN},
		{500, 0, CAUSE_GATEWAY_FAILED},
		{401, 0, CAUSE_GATEWAY_FAILED},
		{302, 0, CAUSE_GATEWAY_FAILED},
		{487, 0, CAUSE_NO_ANSWER},
		{699, 0, CAUSE_GATEWAY_FAILED},
		/* Q.850 is more exact */
		{480, 17, CAUSE_BUSY},
		{480, 21, CAUSE_DECLINED},
		{503, 34, CAUSE_CONGESTION},
		{500, 1, CAUSE_NOT_FOUND},
		{603, 19, CAUSE_NO_ANSWER},
		{503, 42, CAUSE_CONGESTION},
		/* or not */
		{486, 19, CAUSE_BUSY},
		{404, 17, CAUSE_NOT_FOUND},
		{480, 16, CAUSE_NO_ANSWER},
		{503, 127, CAUSE_GATEWAY_DOWN},
		{500, 41, CAUSE_GATEWAY_FAILED},
		{0, -5, CAUSE_GATEWAY_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (cause_from_sip(rows[i].code, rows[i].q850) != rows[i].cause)
			fail_msg("%d/%d", rows[i].code, rows[i].q850);
}

static void meta_codes_have_causes(void **state)
{
	static const struct {
		int code;
		enum cause cause;
		int sip_code;
	} rows[] = {
		{138006, CAUSE_NO_PERMISSION, 403},
		{138012, CAUSE_USER_CALL_LIMIT, 403},
		{138000, CAUSE_CALLING_OFF, 403},
		{138013, CAUSE_CALLING_OFF, 403},
		{138014, CAUSE_CALLING_OFF, 403},
		{131044, CAUSE_CALLING_OFF, 403},
		{131055, CAUSE_CALLING_OFF, 403},
		{0, CAUSE_CALLING_OFF, 403},
		{3, CAUSE_CALLING_OFF, 403},
		{10, CAUSE_CALLING_OFF, 403},
		{190, CAUSE_CALLING_OFF, 403},
		{200, CAUSE_CALLING_OFF, 403},
		{299, CAUSE_CALLING_OFF, 403},
		{138001, CAUSE_UNREACHABLE, 480},
		{131026, CAUSE_UNREACHABLE, 480},
		{131030, CAUSE_UNREACHABLE, 480},
		{138003, CAUSE_USER_BUSY, 486},
		{138002, CAUSE_META_LIMIT, 503},
		{138005, CAUSE_META_LIMIT, 503},
		{4, CAUSE_META_LIMIT, 503},
		{80007, CAUSE_META_LIMIT, 503},
		{130429, CAUSE_META_LIMIT, 503},
		{138004, CAUSE_META_FAILED, 500},
		{138007, CAUSE_META_FAILED, 500},
		{100, CAUSE_META_REFUSED, 500},
		{138008, CAUSE_META_REFUSED, 500},
		{138021, CAUSE_MEDIA_TIMEOUT, 408},
		{138022, CAUSE_MEDIA_TIMEOUT, 408},
		{138023, CAUSE_MEDIA_FAILED, 500},
		{999999, CAUSE_META_FAILED, 500},
		{-1, CAUSE_META_FAILED, 500},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum cause cause = cause_from_meta(rows[i].code);
		if (cause != rows[i].cause || cause_info(cause)->sip_code != rows[i].sip_code)
			fail_msg("%d: %s", rows[i].code, cause_info(cause)->name);
	}
}

static void everything_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < CALL_STATE_COUNT; i++)
		assert_non_null(call_state_name((enum call_state)i));
	for (int i = 0; i < CALL_EV_KIND_COUNT; i++)
		assert_non_null(call_event_name((enum call_event_kind)i));
	for (int i = 0; i < CALL_ACTION_KIND_COUNT; i++)
		assert_non_null(call_action_name((enum call_action_kind)i));
}

static void header_text_is_safe(void **state)
{
	static const struct {
		const char *in;
		size_t max;
		const char *out;
	} rows[] = {
		{"Ana Example", 64, "Ana Example"},
		{"  Ana\tB  ", 64, "Ana B"},
		{"Ana\r\nVia: x", 64, "AnaVia: x"},
		{"a\x01\x1f\x7f"
		 "b",
			64, "ab"},
		{"\xc3\x85sa \xe6\x97\xa5\xf0\x9f\x98\x80", 64, "\xc3\x85sa \xe6\x97\xa5\xf0\x9f\x98\x80"},
		{"a\xc2\x85"
		 "b",
			64, "ab"},                /* U+0085, a control character */
		{"\xff\xc3", 64, "??"},           /* not UTF-8 */
		{"\xc0\x8d\xc0\x8a", 64, "????"}, /* CR and LF in overlong forms */
		{"\xed\xa0\x80", 64, "???"},      /* a surrogate */
		{"\xf4\x90\x80\x80", 64, "????"}, /* beyond Unicode */
		{"abcdef", 3, "abc"},
		{"ab\xe6\x97\xa5", 4, "ab"}, /* not cut inside a character */
		{"", 64, ""},
		{NULL, 64, ""},
		{"abc", 0, ""},
	};
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(header_text(&a, rows[i].in, rows[i].max), rows[i].out);
	arena_done(&a);
	arena_init(&a, 8);
	assert_null(header_text(&a, "a long text", 64));
	assert_null(header_uri_user(&a, "a long text", 64));
	assert_null(header_digits(&a, "1234567890123456789"));
	arena_done(&a);
}

static void uri_user_is_escaped(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_string_equal(header_uri_user(&a, "+447700900123", 64), "+447700900123");
	assert_string_equal(header_uri_user(&a, "a b@c:d<e>\r\n\"%", 64), "a%20b%40c%3Ad%3Ce%3E%0D%0A%22%25");
	assert_string_equal(header_uri_user(&a, "\xc3\xa9", 64), "%C3%A9");
	assert_string_equal(header_uri_user(&a, NULL, 64), "");
	assert_string_equal(header_digits(&a, "+1 (202) 555-0123"), "12025550123");
	assert_string_equal(header_digits(&a, NULL), "");
	arena_done(&a);
}

/* The INVITE of a call with these facts. */
static struct call_action invite_of(struct play *p)
{
	assert_int_equal(play_start(p), 0);
	play_named(p, "offer", 0);
	play_named(p, "media:opened", 0);
	assert_true(p->out.count > 1);
	assert_int_equal(p->out.actions[1].kind, CALL_DO_SIP_INVITE);
	return p->out.actions[1];
}

static const char *header_of(const struct call_action *a, const char *name)
{
	for (size_t i = 0; i < a->u.invite.header_count; i++)
		if (strcmp(a->u.invite.headers[i].name, name) == 0)
			return a->u.invite.headers[i].value;
	return NULL;
}

static void invite_says_who_calls(void **state)
{
	struct play p;
	struct call_action a;

	(void)state;
	play_init(&p);
	p.dialplan.route.headers[0] = (struct route_header){"X-Order", "77"};
	p.dialplan.route.headers[1] = (struct route_header){"x-wa-name", "VIP"};
	p.dialplan.route.header_count = 2;
	a = invite_of(&p);
	assert_string_equal(a.u.invite.gateway->name, "pbx");
	assert_string_equal(a.u.invite.user, "600");
	assert_string_equal(a.u.invite.target, "sip:600@127.0.0.1:5070;transport=udp");
	assert_string_equal(a.u.invite.from_user, "+447700900123");
	assert_string_equal(a.u.invite.pai_user, "+447700900123");
	assert_string_equal(a.u.invite.from_display, "Ana Example");
	assert_string_equal(header_of(&a, "X-WA-Call-Id"), "wacid.EXAMPLE+/==");
	assert_string_equal(header_of(&a, "X-WA-Number-Id"), "310000000000002");
	assert_string_equal(header_of(&a, "X-WA-User"), "+447700900123");
	assert_string_equal(header_of(&a, "X-WA-User-Id"), "GB.1000200030004000500");
	assert_string_equal(header_of(&a, "X-WA-Payload"), "order-77");
	assert_null(header_of(&a, "X-WA-Name")); /* the route has its own */
	assert_string_equal(header_of(&a, "x-wa-name"), "VIP");
	assert_string_equal(header_of(&a, "X-Order"), "77");
	play_done(&p);
}

static void invite_of_a_user_without_a_number(void **state)
{
	struct play p;
	struct call_action a;

	(void)state;
	play_init(&p);
	p.offer.user_number = "";
	p.offer.profile_name = "Eve\r\nX-Evil: 1";
	p.offer.payload = NULL;
	p.dialplan.route.user = "";
	a = invite_of(&p);
	assert_string_equal(a.u.invite.user, "12025550123"); /* the called number */
	assert_string_equal(a.u.invite.from_user, "");
	assert_string_equal(a.u.invite.pai_user, "");
	assert_string_equal(header_of(&a, "X-WA-User-Id"), "GB.1000200030004000500");
	assert_string_equal(header_of(&a, "X-WA-Name"), "EveX-Evil: 1");
	assert_null(header_of(&a, "X-WA-User"));
	assert_null(header_of(&a, "X-WA-Payload"));
	play_done(&p);
}

static void the_route_may_say_who_calls(void **state)
{
	struct play p;
	struct call_action a;

	(void)state;
	play_init(&p);
	p.dialplan.route.caller_id = "front desk";
	p.dialplan.route.display_name = "WhatsApp \n Ana";
	p.gateway.uri = "sip:trunk@pbx.example:5080;transport=tcp";
	a = invite_of(&p);
	assert_string_equal(
		a.u.invite.target, "sip:600@pbx.example:5080;transport=tcp"); /* not the gateway's own user */
	assert_string_equal(a.u.invite.from_user, "front%20desk");
	assert_string_equal(a.u.invite.from_display, "WhatsApp  Ana");
	assert_string_equal(a.u.invite.pai_user, "+447700900123");
	play_done(&p);
}

static void text_without_end_is_bounded(void **state)
{
	static char huge[600 * 1024];
	struct play p;
	struct call_report r;

	(void)state;
	memset(huge, 'a', sizeof(huge) - 1);
	play_init(&p);
	p.offer.profile_name = p.offer.payload = p.offer.user_id = p.offer.user_number = p.offer.number = huge;
	p.offer.sdp = huge;
	p.offer.sdp_length = sizeof(huge) - 1;
	assert_int_equal(play_start(&p), 0);
	play_named(&p, "offer", 0);
	call_report(p.call, &r);
	assert_int_equal(r.cause, CAUSE_BAD_OFFER);
	assert_true(r.meta_text[0] != '\0'); /* says what was wrong with the SDP */
	assert_int_equal(strlen(r.payload), 512);
	assert_null(p.fault);
	play_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(causes_have_unique_names_and_faces),
		cmocka_unit_test(sip_codes_have_causes),
		cmocka_unit_test(meta_codes_have_causes),
		cmocka_unit_test(everything_has_a_name),
		cmocka_unit_test(header_text_is_safe),
		cmocka_unit_test(uri_user_is_escaped),
		cmocka_unit_test(invite_says_who_calls),
		cmocka_unit_test(invite_of_a_user_without_a_number),
		cmocka_unit_test(the_route_may_say_who_calls),
		cmocka_unit_test(text_without_end_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
