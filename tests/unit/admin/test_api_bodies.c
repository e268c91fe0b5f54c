/* tests/unit/admin/test_api_bodies.c -- see test_api_bodies.h */
#include "tests/unit/admin/test_api_bodies.h"

#include "tests/unit/admin/admin_rig.h"
#include "tests/unit/admin/api_shell.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CALL     "/v1/calls"
#define TRANSFER "/v1/calls/c-1/transfer"
#define MUTE     "/v1/calls/c-1/mute"
#define DTMF     "/v1/calls/c-1/dtmf"
#define ASK      "/v1/permissions/+447700900123/request"
#define MESSAGE  "/v1/messages"
#define TO       "\"to\":\"+447700900123\""
#define PBX      "\"gateway\":\"pbx\""

void test_bodies_reach_the_shell(void **state)
{
	static const struct permission p = {.number_id = "1", .user = "+447700900123"};
	static const struct {
		const char *target, *body;
		unsigned status;
		const char *asked;
	} rows[] = {
		{CALL, "{\"to\":\"44 7700-900123\"," PBX "}", 202,
			"originate user_number=+447700900123 gateway=pbx agent_first ring=0/0 park=0"},
		{CALL,
			"{\"number\":\"12025550123\",\"user_id\":\"US.1\",\"uri\":\"sip:a@b.example;x=y\","
			"\"order\":\"user_first\",\"ring_s\":30,\"agent_ring_s\":300,\"park_s\":3600,"
			"\"on_no_permission\":\"request\",\"caller_id\":\"200\",\"display_name\":\"Caf\\u00e9\","
			"\"payload\":\"order-7\",\"request_text\":\"May we\\ncall?\",\"headers\":["
			"{\"name\":\"X-Ticket\",\"value\":\"4711\"},{\"name\":\"x-a\",\"value\":\"\"}],"
			"\"request_template\":{\"name\":\"ask\",\"language\":\"en_US\",\"parameters\":[\"Ann\",\"B\"]}"
			"}",
			202,
			"originate number=+12025550123 user_id=US.1 uri=sip:a@b.example;x=y user_first ring=30/300 "
			"park=3600 request caller_id=200 display_name=Caf\xc3\xa9 payload=order-7 request_text=May "
			"we\ncall? template=ask language=en_US parameter=Ann parameter=B X-Ticket: 4711 x-a: "},
		{CALL, "{" TO "," PBX ",\"user\":\"200\",\"order\":null,\"ring_s\":null}", 202,
			"originate user_number=+447700900123 gateway=pbx user=200 agent_first ring=0/0 park=0"},
		{TRANSFER, "{" PBX ",\"user\":\"300\"}", 202, "transfer id=c-1 gateway=pbx user=300"},
		{TRANSFER, "{\"uri\":\"tel:+12025550199\"}", 202, "transfer id=c-1 uri=tel:+12025550199"},
		{"/v1/calls/c-1/hold", "{\"on\":true}", 200, "hold id=c-1 on=yes"},
		{"/v1/calls/c-1/hold", "{\"on\":false}", 200, "hold id=c-1 on=no"},
		{"/v1/calls/c-1/recording", "{\"action\":\"resume\"}", 202, "recording id=c-1 action=resume"},
		{"/v1/calls/c-1/fork",
			"{\"action\":\"start\",\"to\":\"10.0.0.1:9000\",\"directions\":\"user\",\"format\":\"l16\"}",
			202, "fork id=c-1 action=start to=10.0.0.1:9000 side=user format=l16"},
		{MUTE, "{\"side\":\"user\",\"on\":true}", 200, "mute id=c-1 side=user on=yes"},
		{MUTE, "{\"side\":\"sip\",\"on\":false}", 200, "mute id=c-1 side=sip on=no"},
		{DTMF, "{\"digits\":\"0123456789*#ABCD\",\"to\":\"sip\"}", 202,
			"dtmf id=c-1 digits=0123456789*#ABCD to=sip"},
		{ASK, "", 202, "request user_number=+447700900123"},
		{"/v1/permissions/US.13491208655302741918/request", "{\"number\":\"+12025550123\"}", 202,
			"request number=+12025550123 user_id=US.13491208655302741918"},
		{"/v1/permissions/%2B447700900123/request", "{\"text\":\"Please\"}", 202,
			"request user_number=+447700900123 text=Please"},
		{MESSAGE, "{\"type\":\"text\"," TO ",\"text\":\"Hi\\n\\tthere\"}", 201,
			"message kind=text user_number=+447700900123 text=Hi\n\tthere"},
		{MESSAGE,
			"{\"type\":\"call_button\"," TO
			",\"text\":\"Call us\",\"button_text\":\"Now\",\"payload\":\"p\","
			"\"ttl_minutes\":43200}",
			201,
			"message kind=call_button user_number=+447700900123 text=Call us button=Now payload=p "
			"ttl=43200"},
		{MESSAGE, "{\"type\":\"template\"," TO ",\"template\":{\"name\":\"n\",\"language\":\"de\"}}", 201,
			"message kind=template user_number=+447700900123 template=n language=de"},
	};

	(void)state;
	shell.permissions = &p;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *body;
		assert_int_equal(rig_post(rows[i].target, rows[i].body, &body), rows[i].status);
		assert_string_equal(shell.asked, rows[i].asked);
		assert_int_equal(shell.count, i + 1);
		json_decref(body);
	}
}

void test_bad_bodies_name_the_key(void **state)
{
	static const struct {
		const char *target, *body, *detail; /* what the detail begins with */
	} rows[] = {
		{CALL, "", "to: "},
		{CALL, "{}", "to: "},
		{CALL, "{", "not JSON: line 1"},
		{CALL, "nonsense", "not JSON"},
		{CALL, "[]", "the body must be a JSON object"},
		{CALL, "{} {}", "not JSON"},
		{CALL, "{" TO "," TO "," PBX "}", "not JSON"}, /* a key twice */
		{CALL, "{" TO "," PBX ",\"colour\":1}", "colour: no such key"},
		{CALL, "{" TO "," PBX ",\"To\":\"1\"}", "To: no such key"},
		{CALL, "{" TO "," PBX ",\"\":1}", "no such key"},
		{CALL, "{" PBX "}", "to: "},
		{CALL, "{\"to\":\"not a number\"," PBX "}", "to: not a phone number"},
		{CALL, "{\"to\":447700900123," PBX "}", "to: must be a string"},
		{CALL, "{\"to\":\"\"," PBX "}", "to: must not be empty"},
		{CALL, "{\"to\":\"+4477009001231234567890123456\"," PBX "}", "to: not a phone number"},
		{CALL, "{\"number\":\"x\"," TO "," PBX "}", "number: not a phone number"},
		{CALL, "{\"to\":\"07700 900123\"," PBX "}", "to: not a phone number with its country code"},
		{CALL, "{\"to\":\"00447700900123\"," PBX "}", "to: not a phone number with its country code"},
		{CALL, "{" TO "}", "gateway: either"},
		{CALL, "{" TO "," PBX ",\"uri\":\"sip:a@b\"}", "gateway: either"},
		{CALL, "{" TO ",\"uri\":\"sip:a@b\",\"user\":\"200\"}", "user: only with gateway"},
		{CALL, "{" TO ",\"uri\":\"http://a/b\"}", "uri: must be a sip: or tel: URI"},
		{CALL, "{" TO ",\"uri\":\"sip:a@b\\r\\nX: y\"}", "uri: has control characters"},
		{CALL, "{" TO ",\"uri\":\"sip:a@b>;x\"}", "uri: must be"},
		{CALL, "{" TO ",\"uri\":\"sip:a b@c\"}", "uri: must be"},
		{CALL, "{" TO "," PBX ",\"order\":\"both\"}", "order: must be one of: agent_first, user_first"},
		{CALL, "{" TO "," PBX ",\"order\":1}", "order: must be one of"},
		{CALL, "{" TO "," PBX ",\"ring_s\":0}", "ring_s: must be a whole number from 1 to 300"},
		{CALL, "{" TO "," PBX ",\"ring_s\":301}", "ring_s: "},
		{CALL, "{" TO "," PBX ",\"ring_s\":-1}", "ring_s: "},
		{CALL, "{" TO "," PBX ",\"ring_s\":1.5}", "ring_s: "},
		{CALL, "{" TO "," PBX ",\"ring_s\":\"30\"}", "ring_s: "},
		{CALL, "{" TO "," PBX ",\"ring_s\":99999999999999999999}", "not JSON"},
		{CALL, "{" TO "," PBX ",\"park_s\":604801}", "park_s: "},
		{CALL, "{" TO "," PBX ",\"display_name\":\"a\\u0000b\"}", "not JSON"},
		{CALL, "{" TO "," PBX ",\"display_name\":\"a\\u007fb\"}", "display_name: has control"},
		{CALL, "{" TO "," PBX ",\"display_name\":\"a\\nb\"}", "display_name: has control"},
		{CALL, "{" TO "," PBX ",\"display_name\":\"\xff\"}", "not JSON"},
		{CALL, "{" TO "," PBX ",\"headers\":{}}", "headers: must be a list"},
		{CALL, "{" TO "," PBX ",\"headers\":[1]}", "headers: each is"},
		{CALL, "{" TO "," PBX ",\"headers\":[{\"name\":\"X-A\"}]}", "headers: each is"},
		{CALL, "{" TO "," PBX ",\"headers\":[{\"name\":\"X-A\",\"value\":\"1\",\"x\":1}]}", "headers: each is"},
		{CALL, "{" TO "," PBX ",\"headers\":[{\"name\":\"Via\",\"value\":\"1\"}]}", "headers.name: must begin"},
		{CALL, "{" TO "," PBX ",\"headers\":[{\"name\":\"X-\",\"value\":\"1\"}]}", "headers.name: must begin"},
		{CALL, "{" TO "," PBX ",\"headers\":[{\"name\":\"X-A:\",\"value\":\"1\"}]}",
			"headers.name: must begin"},
		{CALL, "{" TO "," PBX ",\"headers\":[{\"name\":\"X-A\",\"value\":\"1\\r\\nVia: x\"}]}",
			"headers.value: has control"},
		{CALL, "{" TO "," PBX ",\"request_template\":\"ask\"}", "request_template: must be an object"},
		{CALL, "{" TO "," PBX ",\"request_template\":{\"name\":\"ask\"}}", "request_template: needs"},
		{CALL, "{" TO "," PBX ",\"request_template\":{\"nam\":\"ask\"}}", "nam: no such key"},
		{TRANSFER, "{}", "gateway: either"},
		{TRANSFER, "{" TO "}", "to: no such key"},
		{"/v1/calls/c-1/hold", "{}", "on: is needed"},
		{"/v1/calls/c-1/hold", "{\"on\":null}", "on: is needed"},
		{"/v1/calls/c-1/recording", "{}", "action: is needed"},
		{"/v1/calls/c-1/fork", "{\"action\":\"start\"}", "to: is needed: ADDRESS:PORT"},
		{"/v1/calls/c-1/fork", "{\"action\":\"stop\",\"to\":\"10.0.0.1:9\"}", "to: only with start"},
		{"/v1/calls/c-1/fork", "{\"action\":\"start\",\"to\":\"10.0.0.1:9\",\"directions\":\"up\"}",
			"directions: must be one of: both, user, agent"},
		{"/v1/calls/c-1/fork", "{\"action\":\"start\",\"to\":\"10.0.0.1:9\",\"format\":\"mp3\"}",
			"format: must be one of: pcmu, l16"},
		{"/v1/calls/c-1/hold", "{\"on\":1}", "on: must be true or false"},
		{MUTE, "{\"on\":true}", "side: is needed"},
		{MUTE, "{\"on\":true,\"side\":\"wa\"}", "side: must be one of: user, sip"},
		{DTMF, "{\"to\":\"user\"}", "digits: is needed"},
		{DTMF, "{\"to\":\"user\",\"digits\":\"\"}", "digits: must not be empty"},
		{DTMF, "{\"to\":\"user\",\"digits\":\"12x\"}", "digits: only"},
		{DTMF, "{\"to\":\"user\",\"digits\":\"123456789012345678901234567890123\"}", "digits: longer"},
		{ASK, "{\"to\":\"+447700900123\"}", "to: no such key"},
		{"/v1/permissions/caf%C3%A9/request", "{}", "neither a phone number nor"},
		{MESSAGE, "{" TO ",\"text\":\"x\"}", "type: is needed"},
		{MESSAGE, "{" TO ",\"type\":\"text\"}", "text: needed"},
		{MESSAGE, "{\"text\":\"x\",\"type\":\"text\"}", "to: "},
		{MESSAGE, "{" TO ",\"type\":\"text\",\"text\":\"x\",\"payload\":\"y\"}", "type: button_text"},
		{MESSAGE, "{" TO ",\"type\":\"template\",\"text\":\"x\"}", "template: needed"},
		{MESSAGE, "{" TO ",\"type\":\"text\",\"text\":\"x\",\"template\":{\"name\":\"n\",\"language\":\"de\"}}",
			"template: needed"},
		{MESSAGE,
			"{" TO
			",\"type\":\"template\",\"template\":{\"name\":\"n\",\"language\":\"de\",\"parameters\":["
			"\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}}",
			"template.parameters: must be a list of at most 8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *body;
		assert_int_equal(rig_post(rows[i].target, rows[i].body, &body), 400);
		assert_string_equal(rig_text(body, "type"), "/problems/bad-request");
		if (strncmp(rig_text(body, "detail"), rows[i].detail, strlen(rows[i].detail)) != 0)
			fail_msg("%s: detail is \"%s\"", rows[i].body, rig_text(body, "detail"));
		json_decref(body);
	}
	assert_int_equal(shell.count, 0);
}
