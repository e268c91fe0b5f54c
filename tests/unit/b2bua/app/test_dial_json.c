/* A dial as it lies parked: what is written is read again, and what is not ours is refused. */
#include "b2bua/app/config.h"
#include "b2bua/app/dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct config config;
static struct app app = {.config = &config};

static int setup(void **state)
{
	(void)state;
	return loop_new(&app.loop);
}

static int teardown(void **state)
{
	(void)state;
	app.loop = loop_free(app.loop);
	return 0;
}

static struct dial *full(void)
{
	static const struct route_header headers[] = {
		{"X-One", "1; \"quoted\" \\ "}, {"X-WA-Chat", "h\xc3\xa9 | \xf0\x9f\x98\x80"}};
	static const struct route_permission permission = {.request = true,
		.park_s = 600,
		.text = "May we?",
		.template = {.name = "ask", .language = "en_US", .parameters = {"Ana", ""}, .parameter_count = 2}};
	struct dial *d = dial_new(&app);

	assert_non_null(d);
	d->number_id = dial_text(d, "310000000000002");
	d->user_number = dial_text(d, "+447700900123");
	d->user_id = dial_text(d, "GB.1000200030004000500");
	d->profile_name = dial_text(d, "Ana \"E\" \xe2\x80\xa8");
	d->payload = dial_text(d, "p");
	d->rule = dial_text(d, "voice");
	d->order = DIAL_USER_FIRST;
	d->ring_s = 30;
	d->agent_ring_s = 20;
	d->gateway = dial_text(d, "pbx");
	d->uri = dial_text(d, "sip:600@10.0.0.1");
	d->from_user = dial_text(d, "+1");
	d->from_display = dial_text(d, "Ana");
	d->parked_by = dial_text(d, "c-000000000001");
	d->waiting = true;
	d->fallback.parallel = true;
	d->created_ms = 1763700000000ull;
	d->expires_ms = 1763700600000ull;
	assert_int_equal(dial_take_headers(d, headers, 2), 0);
	assert_int_equal(dial_take_permission(d, &permission), 0);
	return d;
}

static void there_and_back(void **state)
{
	struct dial *d = full(), *back;
	char *json = dial_to_json(d), *again;
	(void)state;
	assert_non_null(json);
	back = dial_from_json(&app, json);
	assert_non_null(back);
	assert_true(back->is_parked && back->waiting);
	assert_string_equal(back->id, d->id);
	assert_true(back->fallback.parallel);
	assert_string_equal(back->headers[1].value, d->headers[1].value);
	assert_int_equal(back->permission.template.parameter_count, 2);
	assert_string_equal(back->permission.template.parameters[1], "");
	again = dial_to_json(back);
	assert_string_equal(again, json);
	free(again);
	free(json);
	dial_free(back);
	dial_free(d);
}

/* Every text of a dial with nothing but an id is "". */
static void the_least(void **state)
{
	struct dial *d = dial_from_json(&app, "{\"id\":\"c-0123456789ab\",\"order\":1}");
	(void)state;
	assert_non_null(d);
	assert_string_equal(d->id, "c-0123456789ab");
	assert_string_equal(d->number_id, "");
	assert_string_equal(d->permission.template.language, "");
	assert_int_equal(d->header_count, 0);
	assert_false(d->waiting);
	dial_free(d);
}

static void bad_ones_are_refused(void **state)
{
	static const char *const bad[] = {"", "{", "[]", "null", "1", "\"c-1\"", "{}", "{\"id\":\"\",\"order\":1}",
		"{\"id\":1,\"order\":1}", "{\"id\":null}", "{\"id\":\"c-0123456789abcdefghijkl\",\"order\":1}",
		"{\"id\":\"c-1\",\"id\":\"c-2\"}", "{\"id\":\"c-1\",\"order\":3}", "{\"id\":\"c-1\",\"order\":-1}",
		"{\"id\":\"c-1\",\"order\":99999999999}", "{\"id\":\"c-1\",\"order\":\"0\"}",
		"{\"id\":\"c-1\",\"order\":1,\"ring_s\":-1}", "{\"id\":\"c-1\",\"order\":1,\"ring_s\":1.5}",
		"{\"id\":\"c-1\",\"order\":1,\"ring_s\":4294967295}", "{\"id\":\"c-1\",\"order\":1,\"uri\":null}",
		"{\"id\":\"c-1\",\"order\":1,\"uri\":{}}",
		"{\"id\":\"c-1\",\"order\":1,\"request_template\":{\"name\":7}}",
		"{\"id\":\"c-1\",\"order\":1,\"request_template\":{\"parameters\":[1]}}", "{\"id\":\"c-1\"}",
		"{\"id\":\"c-1\",\"order\":1} x", "{\"id\":\"c\xff\",\"order\":1}"};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct dial *d = dial_from_json(&app, bad[i]);
		if (d)
			fail_msg("taken: %s", bad[i]);
	}
}

/* More than fits is left out, and what is no pair of texts. */
static void strange_lists(void **state)
{
	static char json[65536];
	size_t n = (size_t)snprintf(
		json, sizeof(json), "{\"id\":\"c-1\",\"order\":1,\"headers\":[[],[1,2],{},\"x\",[\"a\"]");
	struct dial *d;
	(void)state;
	for (int i = 0; i < 500; i++)
		n += (size_t)snprintf(json + n, sizeof(json) - n, ",[\"X-%d\",\"v\"]", i);
	n += (size_t)snprintf(json + n, sizeof(json) - n, "],\"request_template\":{\"parameters\":[\"\"");
	for (int i = 0; i < 500; i++)
		n += (size_t)snprintf(json + n, sizeof(json) - n, ",\"p\"");
	snprintf(json + n, sizeof(json) - n, "]}}");
	d = dial_from_json(&app, json);
	assert_non_null(d);
	assert_int_equal(d->header_count, ROUTE_HEADERS_MAX);
	assert_string_equal(d->headers[0].name, "X-0");
	assert_int_equal(d->permission.template.parameter_count, ROUTE_PARAMETERS_MAX);
	dial_free(d);
}

/* Cut anywhere, or with any byte changed: read or refused, never worse. */
static void damaged_ones(void **state)
{
	struct dial *d = full();
	char *json = dial_to_json(d);
	size_t length = strlen(json);
	(void)state;
	for (size_t i = 0; i < length; i++) {
		char *copy = strdup(json);
		static const char odd[] = {'"', '{', '\\', '0', '\x80'};
		for (size_t k = 0; k < sizeof(odd); k++) {
			copy[i] = odd[k];
			dial_free(dial_from_json(&app, copy));
		}
		copy[i] = '\0';
		assert_null(dial_from_json(&app, copy));
		free(copy);
	}
	free(json);
	dial_free(d);
}

/* What a message leads to has the same id however often it is read; others have another. */
static void ids_of_messages(void **state)
{
	char a[CALL_ID_TEXT], b[CALL_ID_TEXT];
	(void)state;
	dial_id_of_message(a, "wamid.1");
	dial_id_of_message(b, "wamid.1");
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), 14);
	dial_id_of_message(b, "wamid.2");
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(the_least),
		cmocka_unit_test(bad_ones_are_refused),
		cmocka_unit_test(strange_lists),
		cmocka_unit_test(damaged_ones),
		cmocka_unit_test(ids_of_messages),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
