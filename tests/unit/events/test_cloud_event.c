/* The words of an event, and its signature. */
#include "tests/unit/events/test_cloud_event.h"

#include "events/cloud_event.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct event_field fields[] = {
	{"number", FIELD_TEXT, "+12025550123", 0},
	{"cause", FIELD_TEXT, "", 0},
	{"name", FIELD_TEXT, NULL, 0},
	{"duration_ms", FIELD_INT, NULL, -5},
	{"answered", FIELD_BOOL, NULL, 1},
	{"held", FIELD_BOOL, NULL, 0},
	{"mos", FIELD_HUNDREDTHS, NULL, 409},
	{"rtt_ms", FIELD_HUNDREDTHS, NULL, -1},
	{"expires", FIELD_TIME_MS, NULL, 1763708751123},
	{"never", FIELD_TIME_MS, NULL, 0},
};

static struct cloud_event event(void)
{
	return (struct cloud_event){.source = "watrunk/pbx.example.com",
		.id = "ev-1",
		.type = "call.answered",
		.subject = "c-1",
		.time_ms = 1763708751007,
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0])};
}

void test_event_is_cloud_events_json(void **state)
{
	struct cloud_event e = event();
	char text[1024];

	(void)state;
	assert_int_equal(cloud_event_write(&e, text, sizeof(text)), 0);
	assert_string_equal(text,
		"{\"specversion\":\"1.0\",\"id\":\"ev-1\",\"source\":\"watrunk/pbx.example.com\","
		"\"type\":\"com.watrunk.call.answered\",\"subject\":\"c-1\",\"time\":\"2025-11-21T07:05:51.007Z\","
		"\"datacontenttype\":\"application/json\",\"data\":{\"number\":\"+12025550123\",\"duration_ms\":-5,"
		"\"answered\":true,\"held\":false,\"mos\":4.09,\"expires\":\"2025-11-21T07:05:51.123Z\"}}");
	e.subject = "";
	e.field_count = 0;
	assert_int_equal(cloud_event_write(&e, text, sizeof(text)), 0);
	assert_null(strstr(text, "subject"));
	assert_non_null(strstr(text, "\"data\":{}}"));
}

void test_hostile_text_stays_json(void **state)
{
	static const char hostile[] = "\"}\\ \n\r\t\x01\x7f \xff\xc3 \xf0\x9f\x98\x80 \xed\xa0\x80 </script>";
	static const struct event_field f[] = {{"text", FIELD_TEXT, hostile, 0}};
	struct cloud_event e = event();
	char text[1024];
	json_t *top;

	(void)state;
	e.fields = f;
	e.field_count = 1;
	e.subject = hostile;
	assert_int_equal(cloud_event_write(&e, text, sizeof(text)), 0);
	top = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(top);
	assert_non_null(strstr(json_string_value(json_object_get(json_object_get(top, "data"), "text")),
		"\"}\\ \n\r\t\x01\x7f \xef\xbf\xbd\xef\xbf\xbd \xf0\x9f\x98\x80"));
	json_decref(top);
}

void test_what_does_not_fit_is_refused(void **state)
{
	struct cloud_event e = event();
	char text[1024];
	size_t needed;

	(void)state;
	assert_int_equal(cloud_event_write(&e, text, sizeof(text)), 0);
	needed = strlen(text) + 1;
	assert_int_equal(cloud_event_write(&e, text, needed), 0);
	for (size_t cap = 1; cap < needed; cap++)
		assert_int_equal(cloud_event_write(&e, text, cap), -EINVAL);
}

void test_times(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{1, "1970-01-01T00:00:00.001Z"},
		{951782400999, "2000-02-29T00:00:00.999Z"},
		{4102444800000, "2100-01-01T00:00:00.000Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
	};
	char text[CLOUD_EVENT_TIME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(cloud_event_time(rows[i].ms, text), rows[i].text);
	(void)cloud_event_time(UINT64_MAX, text); /* whatever it says, within its bounds */
}

void test_signature_is_hmac_over_time_and_body(void **state)
{
	char header[CLOUD_EVENT_SIGNATURE_MAX], expected[CLOUD_EVENT_SIGNATURE_MAX], hex[65];
	static const char signed_text[] = "1763708751.{\"a\":1}";
	uint8_t mac[32];

	(void)state;
	crypto_hmac_sha256("s3cret", 6, signed_text, strlen(signed_text), mac);
	str_hex(hex, mac, sizeof(mac));
	snprintf(expected, sizeof(expected), "t=1763708751,v1=%s", hex);
	cloud_event_sign("s3cret", 1763708751, "{\"a\":1}", 7, header);
	assert_string_equal(header, expected);
}

void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *type;
		bool matches;
	} rows[] = {
		{"*", "call.answered", true},
		{"call.*", "call.answered", true},
		{"call.*", "call.", true},
		{"call.*", "call", false},
		{"call.*", "callx.answered", false},
		{"call.*", "permission.granted", false},
		{"call.answered", "call.answered", true},
		{"call.answered", "call.answered2", false},
		{"call", "call.answered", false},
		{"", "call.answered", false},
		{".*", "call.answered", false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(events_type_matches(rows[i].pattern, rows[i].type), rows[i].matches);
}
