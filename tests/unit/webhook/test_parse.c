/* Deliveries -> events. Each case is a body and what must come out of it, one line an event. */
#include "lib/base/str.h"
#include "tests/support/oom.h"
#include "webhook/parse.h"
#include "webhook/receiver.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define META "\"metadata\":{\"display_phone_number\":\"12025550123\",\"phone_number_id\":\"310000000000002\"}"
#define CONTACTS                                                                                                       \
	"\"contacts\":[{\"profile\":{\"name\":\"Ana "                                                                  \
	"Example\",\"username\":\"ana.example\"},\"wa_id\":\"447700900123\",\"user_id\":\"GB.100\"}]"
#define CHANGE(field, rest) "{\"field\":\"" field "\",\"value\":{\"messaging_product\":\"whatsapp\"," META "," rest "}}"
#define POST(changes)                                                                                                  \
	"{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"210000000000001\",\"changes\":[" changes "]}]" \
	"}"
#define CALLS(rest) POST(CHANGE("calls", rest))

#define MESSAGE(rest)                                                                                                  \
	POST(CHANGE("messages",                                                                                        \
		"\"messages\":[{\"from\":\"447700900123\",\"id\":\"m\",\"timestamp\":\"1790000300\"," rest "}]"))
#define FROM_ANA(type) "message field=messages name=" type " from=447700900123 user=447700900123 t=1790000300"
#define REPLY(rest)                                                                                                    \
	MESSAGE("\"type\":\"interactive\",\"context\":{\"id\":\"wamid.REQUEST1\"},\"interactive\":{"                   \
		"\"type\":\"call_permission_reply\",\"call_permission_reply\":{" rest "}}")
#define REPLY_FROM_ANA                                                                                                 \
	" field=messages name=call_permission_reply from=447700900123 user=447700900123 t=1790000300 "                 \
	"type=interactive mid=m answers=wamid.REQUEST1"
#define REPLIED(rest) "permission" REPLY_FROM_ANA rest "\n"

static char seen[8192];
static size_t seen_sdp;

static void put(struct strbuf *sb, const char *name, const char *value)
{
	if (*value)
		strbuf_printf(sb, " %s=%s", name, value);
}

static void put_number(struct strbuf *sb, const char *name, uint64_t value)
{
	if (value)
		strbuf_printf(sb, " %s=%llu", name, (unsigned long long)value);
}

static void on_event(const struct wa_event *ev, void *arg)
{
	static const char *const kinds[] = {
		"connect", "terminate", "status", "error", "message", "permission", "other"};
	static const char *const directions[] = {"", "user", "business"};
	struct strbuf *sb = arg;

	strbuf_put(sb, kinds[ev->kind]);
	put(sb, "field", str_equal(ev->field, "calls") ? "" : ev->field);
	put(sb, "name", ev->kind == WA_EVENT_CONNECT || ev->kind == WA_EVENT_TERMINATE ? "" : ev->name);
	put(sb, "pnid", str_equal(ev->phone_number_id, "310000000000002") ? "" : ev->phone_number_id);
	put(sb, "id", ev->call_id);
	put(sb, "from", ev->from);
	put(sb, "to", ev->to);
	put(sb, "user", ev->user_number);
	put(sb, "uid", ev->user_id);
	put(sb, "profile", ev->profile_name);
	put(sb, "username", ev->username);
	put(sb, "payload", ev->payload);
	put(sb, "opaque", ev->opaque);
	put(sb, "dir", directions[ev->direction]);
	put_number(sb, "t", ev->timestamp_s);
	put(sb, "sdp_type", ev->sdp_type);
	put(sb, "sdp", ev->sdp);
	put(sb, "failed", ev->failed ? "1" : "");
	put_number(sb, "start", ev->start_time_s);
	put_number(sb, "end", ev->end_time_s);
	put_number(sb, "duration", ev->duration_s);
	put_number(sb, "code", (uint64_t)ev->error_code);
	put(sb, "title", ev->error_title);
	put(sb, "details", ev->error_details);
	put(sb, "type", str_equal(ev->message_type, ev->name) ? "" : ev->message_type);
	put(sb, "mid", ev->message_id);
	put(sb, "answers", ev->context_id);
	put(sb, "text", ev->text);
	put(sb, "reply", ev->reply_id);
	put(sb, "accepted", ev->permission_accepted ? "1" : "");
	put(sb, "permanent", ev->permission_permanent ? "1" : "");
	put_number(sb, "expires", ev->permission_expires_s);
	put(sb, "automatic", ev->permission_automatic ? "1" : "");
	assert_true(ev->secret_index == WA_SECRET_NONE);
	strbuf_put(sb, "\n");
	seen_sdp = ev->sdp_length;
	assert_int_equal(strlen(ev->sdp), ev->sdp_length);
}

static int parse(const char *body, size_t length, struct webhook_parse_report *report)
{
	struct strbuf sb;
	uint8_t *exact = malloc(length ? length : 1); /* a read beyond the end shows */
	int r;

	memcpy(exact, body, length);
	strbuf_init(&sb, seen, sizeof(seen));
	r = webhook_parse(exact, length, on_event, &sb, report);
	free(exact);
	return r;
}

static const struct {
	const char *body;
	const char *events;
	const char *what;
	unsigned skipped, unknown;
} cases[] = {
	/* user-initiated connect, everything in it */
	{CALLS(CONTACTS ",\"calls\":[{\"id\":\"wacid.A==\",\"from\":\"447700900123\",\"from_user_id\":\"GB.100\","
			"\"to\":\"12025550123\","
			"\"event\":\"connect\",\"timestamp\":\"1790000000\",\"direction\":\"USER_INITIATED\","
			"\"deeplink_payload\":\"order-77\","
			"\"session\":{\"sdp_type\":\"offer\",\"sdp\":\"v=0\"}}]"),
		"connect id=wacid.A== from=447700900123 to=12025550123 user=447700900123 uid=GB.100 profile=Ana "
		"Example username=ana.example "
		"payload=order-77 dir=user t=1790000000 sdp_type=offer sdp=v=0\n",
		"", 0, 0},
	/* no direction: the SDP type tells; cta_payload first; time as integer; '+' */
	{CALLS("\"calls\":[{\"id\":\"w\",\"from\":\"+447700900123\",\"to\":\"12025550123\",\"event\":\"connect\","
	       "\"timestamp\":1790000000,"
	       "\"deeplink_payload\":\"d\",\"cta_payload\":\"c\",\"session\":{\"sdp\":\"v=0\",\"sdp_type\":\"offer\"}}"
	       "]"),
		"connect id=w from=447700900123 to=12025550123 user=447700900123 payload=c dir=user t=1790000000 "
		"sdp_type=offer sdp=v=0\n",
		"", 0, 0},
	/* business-initiated: the answer; the legacy duplicate is ignored */
	{CALLS("\"calls\":[{\"id\":\"w\",\"from\":\"12025550123\",\"to\":\"447700900123\",\"to_user_id\":\"GB.100\","
	       "\"event\":\"connect\","
	       "\"timestamp\":\"1790000103\",\"biz_opaque_callback_data\":\"leg-000042\",\"session\":{\"sdp_type\":"
	       "\"answer\",\"sdp\":\"v=0\"},"
	       "\"connection\":{\"webrtc\":{\"sdp\":\"{}\"}}}]"),
		"connect id=w from=12025550123 to=447700900123 user=447700900123 uid=GB.100 opaque=leg-000042 "
		"dir=business t=1790000103 "
		"sdp_type=answer sdp=v=0\n",
		"", 0, 0},
	/* a user who shows no number: only the contact and the BSUID */
	{CALLS("\"contacts\":[{\"profile\":{\"name\":\"B\"},\"user_id\":\"GB.200\"}],\"calls\":[{\"id\":\"w\",\"to\":"
	       "\"12025550123\","
	       "\"event\":\"connect\",\"direction\":\"USER_INITIATED\",\"session\":{\"sdp_type\":\"offer\",\"sdp\":\"v="
	       "0\"}}]"),
		"connect id=w to=12025550123 uid=GB.200 profile=B dir=user sdp_type=offer sdp=v=0\n", "", 0, 0},
	/* two contacts: the one that fits; none that fits: none */
	{CALLS("\"contacts\":[{\"wa_id\":\"1\",\"profile\":{\"name\":\"no\"}},{\"wa_id\":\"2\",\"profile\":{\"name\":"
	       "\"yes\"}}],\"calls\":["
	       "{\"id\":\"w\",\"from\":\"2\",\"event\":\"terminate\",\"direction\":\"USER_INITIATED\"},"
	       "{\"id\":\"x\",\"from\":\"3\",\"event\":\"terminate\",\"direction\":\"USER_INITIATED\"}]"),
		"terminate id=w from=2 user=2 profile=yes dir=user\nterminate id=x from=3 user=3 dir=user\n", "", 0, 0},
	/* terminate, errors in both places, status without case, duration as integer */
	{CALLS(CONTACTS
		 ",\"calls\":[{\"id\":\"w\",\"from\":\"447700900123\",\"to\":\"12025550123\",\"event\":\"terminate\","
		 "\"direction\":\"USER_INITIATED\",\"timestamp\":\"1790000153\",\"status\":\"Failed\",\"start_time\":"
		 "\"1790000133\","
		 "\"end_time\":1790000153,\"duration\":20,\"errors\":[{\"code\":138021,\"title\":\"T\",\"error_data\":{"
		 "\"details\":\"D\"}}]}],"
		 "\"errors\":[{\"code\":1,\"title\":\"other\"}]"),
		"terminate id=w from=447700900123 to=12025550123 user=447700900123 uid=GB.100 profile=Ana Example "
		"username=ana.example dir=user "
		"t=1790000153 failed=1 start=1790000133 end=1790000153 duration=20 code=138021 title=T details=D\n",
		"", 0, 0},
	/* the error only beside the call; no title: the message stands for it; duration as text */
	{CALLS("\"calls\":[{\"id\":\"w\",\"event\":\"terminate\",\"status\":\"FAILED\",\"duration\":\"7\"}],"
	       "\"errors\":[{\"code\":\"138022\",\"message\":\"M\"}]"),
		"terminate id=w failed=1 duration=7 code=138022 title=M details=M\n", "", 0, 0},
	/* not picked up */
	{CALLS("\"calls\":[{\"id\":\"w\",\"event\":\"terminate\",\"status\":\"COMPLETED\",\"from\":\"12025550123\","
	       "\"to\":\"447700900123\"}]"),
		"terminate id=w from=12025550123 to=447700900123 user=447700900123 dir=business\n", "", 0, 0},
	/* statuses of calls, and of messages under the same name */
	{CALLS("\"statuses\":[{\"id\":\"w\",\"type\":\"call\",\"status\":\"RINGING\",\"timestamp\":\"1790000104\","
	       "\"recipient_id\":"
	       "\"447700900123\",\"recipient_user_id\":\"GB.100\",\"biz_opaque_callback_data\":\"leg\"},{\"id\":\"w\","
	       "\"status\":\"ACCEPTED\"},"
	       "{\"id\":\"m\",\"type\":\"message\",\"status\":\"read\"}]"),
		"status name=RINGING id=w to=447700900123 user=447700900123 uid=GB.100 opaque=leg dir=business "
		"t=1790000104\n"
		"status name=ACCEPTED id=w dir=business\nother name=read\n",
		"", 0, 1},
	{POST(CHANGE("messages", "\"statuses\":[{\"id\":\"wamid.1\",\"type\":\"call\",\"status\":\"RINGING\"}]")),
		"other field=messages name=RINGING\n", "", 0, 1},
	/* an error without a call: no payment method */
	{CALLS("\"errors\":[{\"code\":131044,\"title\":\"T\",\"error_data\":{\"details\":\"D\"}}]"),
		"error name=error code=131044 title=T details=D\n", "", 0, 0},
	{CALLS("\"calls\":[],\"statuses\":[],\"errors\":[]"), "other\n", "", 0, 1},
	/* messages */
	{POST(CHANGE("messages",
		 CONTACTS ",\"messages\":[{\"from\":\"447700900123\",\"id\":\"wamid.2\",\"timestamp\":\"1790000300\","
			  "\"type\":\"text\",\"text\":{\"body\":\"please call me\"}}]")),
		"message field=messages name=text from=447700900123 user=447700900123 uid=GB.100 profile=Ana Example "
		"username=ana.example "
		"t=1790000300 mid=wamid.2 text=please call me\n",
		"", 0, 0},
	/* buttons and lists */
	{MESSAGE("\"type\":\"button\",\"context\":{\"from\":\"12025550123\",\"id\":\"wamid.T\"},"
		 "\"button\":{\"payload\":\"p1\",\"text\":\"Call me\"}"),
		FROM_ANA("button") " mid=m answers=wamid.T text=Call me reply=p1\n", "", 0, 0},
	{MESSAGE("\"type\":\"interactive\",\"interactive\":{\"type\":\"list_reply\","
		 "\"list_reply\":{\"id\":\"row-1\",\"title\":\"Talk\",\"description\":\"to us\"}}"),
		FROM_ANA("interactive") " mid=m text=Talk reply=row-1\n", "", 0, 0},
	{MESSAGE("\"interactive\":{\"button_reply\":{\"title\":\"Yes\",\"id\":\"b\"},\"type\":\"button_reply\"},"
		 "\"type\":\"interactive\""),
		FROM_ANA("interactive") " mid=m text=Yes reply=b\n", "", 0, 0},
	/* messages without a text, and of types that are not what they should be */
	{MESSAGE("\"type\":\"image\",\"image\":{\"id\":\"7\",\"caption\":\"call me\"}"), FROM_ANA("image") " mid=m\n",
		"", 0, 0},
	{MESSAGE("\"type\":\"text\",\"text\":\"call me\""), FROM_ANA("text") " mid=m\n", "", 0, 0},
	{MESSAGE("\"type\":\"text\",\"text\":{\"body\":\"a\\u0000b\"}"), FROM_ANA("text") " mid=m\n", "", 0, 0},
	{MESSAGE("\"type\":\"interactive\",\"interactive\":{\"type\":\"nfm_reply\",\"nfm_reply\":{\"body\":\"x\"}}"),
		FROM_ANA("interactive") " mid=m\n", "", 0, 0},
	{MESSAGE("\"type\":\"interactive\",\"interactive\":[]"), FROM_ANA("interactive") " mid=m\n", "", 0, 0},
	{MESSAGE("\"type\":\"button\",\"context\":7,\"button\":{\"text\":7}"), FROM_ANA("button") " mid=m\n", "", 0, 0},
	{POST(CHANGE("messages", "\"messages\":[{\"type\":\"text\"},{\"id\":\"m\",\"from_user_id\":\"GB.200\"}]")),
		"message field=messages uid=GB.200 mid=m\n", "entry[0].changes[0].value.messages[0].id: missing", 1, 0},
	/* permission replies; Meta: "User call permissions" */
	{REPLY("\"response\":\"accept\",\"is_permanent\":false,\"expiration_timestamp\":1790604800,"
	       "\"response_source\":\"user_action\""),
		REPLIED(" accepted=1 expires=1790604800"), "", 0, 0},
	{REPLY("\"response\":\"accept\",\"is_permanent\":false,\"expiration_timestamp\":\"1790604800\","
	       "\"response_source\":\"automatic\""),
		REPLIED(" accepted=1 expires=1790604800 automatic=1"), "", 0, 0},
	{REPLY("\"response\":\"accept\",\"is_permanent\":true"), REPLIED(" accepted=1 permanent=1"), "", 0, 0},
	{REPLY("\"response\":\"ACCEPT\",\"is_permanent\":\"true\""), REPLIED(" accepted=1 permanent=1"), "", 0, 0},
	{REPLY("\"response\":\"reject\",\"response_source\":\"user_action\""), REPLIED(""), "", 0, 0},
	{REPLY("\"response\":\"reject\",\"is_permanent\":true,\"response_source\":\"automatic\""),
		REPLIED(" automatic=1"), "", 0, 0},
	{REPLY("\"response\":\"later\""), "other" REPLY_FROM_ANA "\n", "", 0, 1},
	{MESSAGE("\"type\":\"interactive\",\"interactive\":{\"type\":\"call_permission_reply\"}"),
		"other field=messages name=call_permission_reply from=447700900123 user=447700900123 t=1790000300 "
		"type=interactive mid=m\n",
		"", 0, 1},
	/* unknown events and fields, without metadata */
	{CALLS("\"calls\":[{\"id\":\"w\",\"event\":\"call_recording_available\",\"timestamp\":\"1\"}]"),
		"other name=call_recording_available id=w t=1\n", "", 0, 1},
	{"{\"entry\":[{\"id\":\"0\",\"time\":1,\"changes\":[{\"field\":\"account_update\",\"value\":{\"event\":"
	 "\"ACCOUNT_RESTRICTION\"}}]}]}",
		"other field=account_update name=ACCOUNT_RESTRICTION\n", "", 0, 1},
	/* several of everything */
	{"{\"object\":\"whatsapp_business_account\",\"entry\":[{\"changes\":[" CHANGE("calls",
		 "\"calls\":[{\"id\":\"a\",\"event\":\"terminate\"},{\"id\":\"b\",\"event\":"
		 "\"terminate\"}]") "," CHANGE("calls",
		 "\"calls\":[{\"id\":\"c\",\"event\":\"terminate\"}]") "]},{\"changes\":[" CHANGE("calls",
		 "\"calls\":[{\"id\":\"d\",\"event\":\"terminate\"}]") "]}]}",
		"terminate id=a\nterminate id=b\nterminate id=c\nterminate id=d\n", "", 0, 0},
	/* faults leave the neighbours alone */
	{CALLS("\"calls\":[{\"event\":\"connect\"},7,{\"id\":\"w\"},{\"id\":\"w\",\"event\":\"connect\"},{\"id\":\"x\","
	       "\"event\":\"terminate\"}]"),
		"connect id=w\nterminate id=x\n", "entry[0].changes[0].value.calls[0].id: missing", 3, 0},
	{CALLS("\"calls\":[{\"id\":\"w\",\"event\":\"connect\",\"session\":{}}]"), "connect id=w\n",
		"entry[0].changes[0].value.calls[0].session.sdp: missing", 0, 0},
	{CALLS("\"calls\":{\"id\":\"w\"}"), "", "entry[0].changes[0].value.calls: not an array", 1, 0},
	{CALLS("\"statuses\":[{\"id\":\"w\",\"type\":\"call\"}]"), "",
		"entry[0].changes[0].value.statuses[0].status: missing", 1, 0},
	{"{\"entry\":[3,{},{\"changes\":[{\"field\":\"calls\"},{\"field\":\"calls\",\"value\":[]}]}]}", "",
		"entry[0].changes: not an array", 4, 0},
	{"{\"entry\":[{\"changes\":[{\"field\":\"calls\",\"value\":{\"calls\":[{\"id\":\"w\",\"event\":\"terminate\"}]}"
	 "}]}]}",
		"terminate id=w\n", "entry[0].changes[0].value.calls[0]: value.metadata.phone_number_id missing", 0, 0},
	/* types that are not what they should be */
	{CALLS("\"contacts\":{},\"calls\":[{\"id\":\"w\",\"event\":\"terminate\",\"timestamp\":-5,\"start_time\":\"x\","
	       "\"end_time\":1e300,"
	       "\"duration\":2.0,\"status\":9,\"from\":{},\"errors\":\"x\",\"session\":\"x\",\"direction\":[]}]"),
		"terminate id=w duration=2\n", "", 0, 0},
	/* a NUL ends no text early */
	{CALLS("\"calls\":[{\"id\":\"w\\u0000x\",\"event\":\"terminate\"}]"), "",
		"entry[0].changes[0].value.calls[0].id: missing", 1, 0},
	{"{\"object\":\"whatsapp_business_account\",\"entry\":[]}", "", "", 0, 0},
};

static void deliveries_become_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct webhook_parse_report report;
		assert_int_equal(parse(cases[i].body, strlen(cases[i].body), &report), 0);
		assert_string_equal(seen, cases[i].events);
		assert_string_equal(report.what, cases[i].what);
		assert_int_equal(report.skipped, cases[i].skipped);
		assert_int_equal(report.unknown, cases[i].unknown);
	}
}

static void what_is_not_a_delivery_is_refused(void **state)
{
	static const struct {
		const char *body, *what;
	} bad[] = {
		{"", "not JSON: at byte 0"},
		{"{", "not JSON: at byte 1"},
		{"null", "not JSON: at byte 4"},
		{"[]", "not an object"},
		{"{}", "entry: not an array"},
		{"{\"entry\":{}}", "entry: not an array"},
		{"{\"object\":\"page\",\"entry\":[]}", "object: not \"whatsapp_business_account\""},
		{"{\"object\":7,\"entry\":[]}", "object: not \"whatsapp_business_account\""},
		{"{\"entry\":[]} x", NULL},
		{"{\"entry\":[\"\xff\"]}", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct webhook_parse_report report;
		assert_int_equal(parse(bad[i].body, strlen(bad[i].body), &report), -EBADMSG);
		assert_true(report.what[0] != '\0');
		if (bad[i].what && !str_starts(bad[i].what, "not JSON"))
			assert_string_equal(report.what, bad[i].what);
		assert_string_equal(seen, "");
	}
}

static void nesting_is_bounded(void **state)
{
	struct webhook_parse_report report;
	static char deep[200000];
	const char *quoted = "{\"x\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\",\"entry\":[]}";
	(void)state;
	memset(deep, '[', sizeof(deep));
	assert_int_equal(parse(deep, sizeof(deep), &report), -EBADMSG);
	assert_string_equal(report.what, "nested too deeply");
	assert_int_equal(parse(quoted, strlen(quoted), &report), 0);
}

static void call_ids_have_a_longest(void **state)
{
	struct webhook_parse_report report;
	char id[300], body[1024];
	(void)state;
	for (unsigned n = 255; n <= 257; n++) {
		memset(id, 'A', n);
		id[n] = '\0';
		snprintf(body, sizeof(body), CALLS("\"calls\":[{\"id\":\"%s\",\"event\":\"terminate\"}]"), id);
		assert_int_equal(parse(body, strlen(body), &report), 0);
		assert_int_equal(report.events, n <= 256 ? 1 : 0);
		assert_int_equal(report.skipped, n <= 256 ? 0 : 1);
	}
	assert_string_equal(report.what, "entry[0].changes[0].value.calls[0].id: longer than 256");
}

static void long_texts_are_cut_at_a_character(void **state)
{
	static const struct {
		const char *end; /* behind 4094 bytes */
		size_t length;   /* of what is left */
	} ends[] = {
		{"", 4094},
		{"ab", 4096},
		{"abc", 4096},
		{"\xc3\xa9", 4096},
		{"a\xc3\xa9", 4095},
		{"\xe2\x82\xac", 4094},
		{"\xf0\x9f\x93\x9e", 4094},
		{"ab\xf0\x9f\x93\x9e", 4096},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct webhook_parse_report report;
		char filler[4095], body[6000];
		const char *text;
		memset(filler, 'x', 4094);
		filler[4094] = '\0';
		snprintf(body, sizeof(body), MESSAGE("\"type\":\"text\",\"text\":{\"body\":\"%s%s\"}"), filler,
			ends[i].end);
		assert_int_equal(parse(body, strlen(body), &report), 0);
		assert_int_equal(report.events, 1);
		text = strstr(seen, " text=");
		assert_non_null(text);
		assert_int_equal(strlen(text + 6) - 1, ends[i].length);
	}
}

static void events_of_one_post_are_bounded(void **state)
{
	struct webhook_parse_report report;
	struct strbuf sb;
	static char body[200000];
	(void)state;
	strbuf_init(&sb, body, sizeof(body));
	strbuf_put(&sb, "{\"entry\":[{\"changes\":[{\"field\":\"calls\",\"value\":{" META ",\"calls\":[");
	for (unsigned i = 0; i < 1005; i++)
		strbuf_printf(&sb, "%s{\"id\":\"%u\",\"event\":\"terminate\"}", i ? "," : "", i);
	strbuf_put(&sb, "]}}]}]}");
	assert_false(sb.truncated);
	assert_int_equal(parse(body, sb.length, &report), 0);
	assert_int_equal(report.events, 1000);
	assert_int_equal(report.skipped, 5);
}

static void every_cut_of_a_delivery_is_survived(void **state)
{
	const char *body = cases[0].body;
	struct webhook_parse_report report;
	(void)state;
	for (size_t n = 0; n < strlen(body); n++)
		assert_int_equal(parse(body, n, &report), -EBADMSG);
}

static void *counted_malloc(size_t n)
{
	return malloc(n); /* the linker's --wrap sees this one, not those in the library */
}

static void counted_free(void *p)
{
	free(p);
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	json_set_alloc_funcs(counted_malloc, counted_free);
	for (unsigned n = 1; oom_next(n); n++) {
		struct webhook_parse_report report;
		struct strbuf sb;
		int r;
		strbuf_init(&sb, seen, sizeof(seen));
		r = webhook_parse(cases[0].body, strlen(cases[0].body), on_event, &sb, &report);
		oom_off();
		assert_true(r == 0 || r == -ENOMEM || r == -EBADMSG);
	}
	json_set_alloc_funcs(malloc, free);
}

/* Vectors computed with another implementation of HMAC-SHA-256. */
static void signatures(void **state)
{
	static const char *const key = "00112233445566778899aabbccddeeff", *const test_key = "test_app_secret";
	static const char a[] = "{\"object\":\"whatsapp_business_account\",\"entry\":[]}";
	static const char spaced[] = "{\"object\": \"whatsapp_business_account\", \"entry\": []}";
	static const char escaped[] = "{\"n\":\"\\u00e9\"}";
	static const struct {
		const char *const *key;
		const char *body, *header;
		bool ok;
	} vectors[] = {
		{&key, a, "sha256=2992021868e28e4328f593df5fdf04997a196aed5aeac63690a37f49f8701a74", true},
		{&key, escaped, "sha256=e867c68e9dc684fa2ecadbb03437cbc8121b6168106a8ee1bb25b7f39af5c5cb", true},
		{&test_key, a, "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756", true},
		{&test_key, spaced, "sha256=56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a", true},
		{&test_key, a, "sha256=56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a", false},
		{&key, a, "sha256=2992021868e28e4328f593df5fdf04997a196aed5aeac63690a37f49f8701a75", false},
		{&key, a, "sha256=2992021868e28e4328f593df5fdf04997a196aed5aeac63690a37f49f8701a7", false},
		{&key, a, "sha256=2992021868e28e4328f593df5fdf04997a196aed5aeac63690a37f49f8701a7400", false},
		{&key, a, "2992021868e28e4328f593df5fdf04997a196aed5aeac63690a37f49f8701a74", false},
		{&key, a, "sha1=2992021868e28e4328f593df5fdf04997a196aed5aeac63690a37f49f8701a74", false},
		{&key, a, "sha256=zz92021868e28e4328f593df5fdf04997a196aed5aeac63690a37f49f8701a74", false},
		{&key, a, "sha256=", false},
		{&key, a, "", false},
		{&key, a, NULL, false},
	};
	const char *both[] = {test_key, key}, *twice[] = {key, key};
	size_t index;
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_int_equal(webhook_signature_ok(vectors[i].header, vectors[i].body, strlen(vectors[i].body),
					 vectors[i].key, 1),
			vectors[i].ok);
	assert_true(webhook_signature_ok(vectors[0].header, a, strlen(a), both, 2));
	assert_true(webhook_signature_find(vectors[0].header, a, strlen(a), both, 2, &index));
	assert_int_equal(index, 1);
	assert_true(webhook_signature_find(vectors[2].header, a, strlen(a), both, 2, &index));
	assert_int_equal(index, 0);
	assert_true(webhook_signature_find(vectors[0].header, a, strlen(a), twice, 2, &index));
	assert_int_equal(index, 0);
	assert_false(webhook_signature_find(vectors[4].header, a, strlen(a), both, 2, &index));
	assert_false(webhook_signature_ok(vectors[0].header, a, strlen(a), both, 1));
	assert_false(webhook_signature_ok(vectors[0].header, a, strlen(a), both, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deliveries_become_events),
		cmocka_unit_test(what_is_not_a_delivery_is_refused),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(call_ids_have_a_longest),
		cmocka_unit_test(long_texts_are_cut_at_a_character),
		cmocka_unit_test(events_of_one_post_are_bounded),
		cmocka_unit_test(every_cut_of_a_delivery_is_survived),
		cmocka_unit_test(memory_may_run_out_anywhere),
		cmocka_unit_test(signatures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
