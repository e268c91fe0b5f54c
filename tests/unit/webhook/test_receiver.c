/* The endpoint: handshake, signatures, the order of answer and events. */
#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/loop/loop.h"
#include "tests/unit/lib/http/raw_client.h"
#include "tests/unit/lib/http/until.h"
#include "webhook/receiver.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#define TERMINATE                                                                                                      \
	"{\"entry\":[{\"changes\":[{\"field\":\"calls\",\"value\":{\"metadata\":{\"phone_number_id\":\"3\"},"          \
	"\"calls\":["                                                                                                  \
	"{\"id\":\"w\",\"event\":\"terminate\"},{\"id\":\"x\",\"event\":\"terminate\"}]}}]}]}"

struct rig {
	struct loop *loop;
	struct webhook_receiver *receiver;
	struct addr addr;
	struct raw_client *client;
	unsigned events, faults;
	bool answered_first;
	char last_id[64], last_fault[128];
};

static void on_event(const struct wa_event *ev, void *arg)
{
	struct rig *rig = arg;
	int waiting = 0;
	rig->events++;
	str_copy(rig->last_id, sizeof(rig->last_id), ev->call_id);
	(void)ioctl(rig->client->fd, FIONREAD, &waiting);
	rig->answered_first = waiting > 0; /* the 200 is in the client's socket already */
}

static void on_fault(const char *what, const struct addr *peer, void *arg)
{
	struct rig *rig = arg;
	char text[ADDR_TEXT_MAX];
	rig->faults++;
	str_copy(rig->last_fault, sizeof(rig->last_fault), what);
	assert_string_equal(addr_host(peer, text, sizeof(text)), "127.0.0.1");
}

static int setup(void **state)
{
	static const char *const secrets[] = {"first secret", "second secret"};
	static struct raw_client client;
	struct rig *rig = calloc(1, sizeof(*rig));
	struct webhook_receiver_conf conf = {.path = "/webhook",
		.verify_token = "our-token",
		.app_secrets = secrets,
		.app_secret_count = 2,
		.on_event = on_event,
		.on_fault = on_fault,
		.arg = rig};
	assert_int_equal(loop_new(&rig->loop), 0);
	assert_int_equal(addr_set(&conf.listen, "127.0.0.1", 0), 0);
	assert_int_equal(webhook_receiver_new(rig->loop, &conf, &rig->receiver), 0);
	webhook_receiver_addr(rig->receiver, &rig->addr);
	rig->client = &client;
	raw_open(rig->client, rig->loop, &rig->addr);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	webhook_receiver_free(rig->receiver);
	raw_close(rig->client);
	loop_free(rig->loop);
	free(rig);
	return 0;
}

static void post(struct rig *rig, const char *secret, const char *body)
{
	static char request[8192];
	uint8_t mac[32];
	char hex[65];
	crypto_hmac_sha256(secret, strlen(secret), body, strlen(body), mac);
	str_hex(hex, mac, sizeof(mac));
	snprintf(request, sizeof(request),
		"POST /webhook HTTP/1.1\r\nHost: h\r\nX-Hub-Signature-256: sha256=%s\r\nContent-Length: %zu\r\n\r\n%s",
		hex, strlen(body), body);
	raw_say(rig->client, request);
}

static void answer_first_then_events(void **state)
{
	struct rig *rig = *state;
	uint64_t posts = counter_sum(CNT_WEBHOOK_POSTS);
	post(rig, "second secret", TERMINATE);
	UNTIL(rig->loop, rig->events == 2);
	assert_true(rig->answered_first);
	assert_string_equal(rig->last_id, "x");
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 200"));
	assert_int_equal(counter_sum(CNT_WEBHOOK_POSTS), posts + 1);
	assert_int_equal(rig->faults, 0);
	/* the same connection goes on */
	post(rig, "first secret", TERMINATE);
	UNTIL(rig->loop, rig->events == 4);
}

static void wrong_signature_is_401_and_nothing_is_parsed(void **state)
{
	struct rig *rig = *state;
	uint64_t bad = counter_sum(CNT_WEBHOOK_BAD_SIGNATURE), json = counter_sum(CNT_WEBHOOK_BAD_JSON);
	post(rig, "some secret", TERMINATE);
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 401") == 1);
	assert_string_equal(rig->last_fault, "bad signature");
	post(rig, "some secret", "not json");
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 401") == 2);
	raw_say(rig->client, "POST /webhook HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}");
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 401") == 3);
	assert_string_equal(rig->last_fault, "no signature");
	assert_int_equal(counter_sum(CNT_WEBHOOK_BAD_SIGNATURE), bad + 3);
	assert_int_equal(counter_sum(CNT_WEBHOOK_BAD_JSON), json);
	assert_int_equal(rig->events, 0);
	assert_int_equal(rig->faults, 3);
}

static void signed_nonsense_is_400(void **state)
{
	struct rig *rig = *state;
	uint64_t json = counter_sum(CNT_WEBHOOK_BAD_JSON);
	post(rig, "first secret", "not json");
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 400") == 1);
	post(rig, "first secret", "{\"entry\":7}");
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 400") == 2);
	assert_string_equal(rig->last_fault, "entry: not an array");
	assert_int_equal(counter_sum(CNT_WEBHOOK_BAD_JSON), json + 2);
}

static void unknown_and_partly_understood_is_200(void **state)
{
	struct rig *rig = *state;
	post(rig, "first secret", "{\"entry\":[{\"changes\":[{\"field\":\"new_thing\",\"value\":{}}]}]}");
	UNTIL(rig->loop, rig->events == 1);
	post(rig, "first secret", "{\"entry\":[{\"changes\":[{\"field\":\"calls\",\"value\":{\"calls\":[{}]}}]}]}");
	UNTIL(rig->loop, rig->faults == 1);
	assert_string_equal(rig->last_fault, "entry[0].changes[0].value.calls[0].id: missing");
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 200") == 2);
}

static void handshake(void **state)
{
	static const struct {
		const char *target;
		unsigned status;
	} cases[] = {
		{"/webhook?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=our-token", 200},
		{"/webhook?hub.verify_token=our%2Dtoken&hub.challenge=1158201444&hub.mode=subscribe", 200},
		{"/webhook?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=our-tokem", 403},
		{"/webhook?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=", 403},
		{"/webhook?hub.mode=subscribe&hub.challenge=1158201444", 403},
		{"/webhook?hub.mode=unsubscribe&hub.challenge=1158201444&hub.verify_token=our-token", 403},
		{"/webhook?hub.mode=subscribe&hub.verify_token=our-token", 403},
		{"/webhook", 403},
		{"/", 404},
		{"/webhook/", 404},
	};
	struct rig *rig = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char request[256], status[32];
		raw_close(rig->client);
		raw_open(rig->client, rig->loop, &rig->addr);
		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
			cases[i].target);
		raw_say(rig->client, request);
		UNTIL(rig->loop, rig->client->closed);
		snprintf(status, sizeof(status), "HTTP/1.1 %u ", cases[i].status);
		assert_int_equal(raw_count(rig->client, status), 1);
		/* the challenge, exactly, is the whole body */
		assert_int_equal(raw_count(rig->client, "\r\n\r\n1158201444"), cases[i].status == 200);
		assert_int_equal(raw_count(rig->client, "our-token"), 0);
	}
}

static void other_methods_are_405(void **state)
{
	struct rig *rig = *state;
	raw_say(rig->client, "DELETE /webhook HTTP/1.1\r\nHost: h\r\n\r\n");
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 405") && raw_count(rig->client, "Allow: GET, POST\r\n"));
}

static void escaped_challenge_comes_back_decoded(void **state)
{
	struct rig *rig = *state;
	raw_say(rig->client, "GET /webhook?hub.mode=subscribe&hub.challenge=a%2Bb%20c&hub.verify_token=our-token "
			     "HTTP/1.1\r\nHost: h\r\n\r\n");
	UNTIL(rig->loop, raw_count(rig->client, "\r\n\r\na+b c"));
}

static void bad_configurations_are_refused(void **state)
{
	static const char *const empty[] = {""}, *const one[] = {"s"};
	struct rig *rig = *state;
	struct webhook_receiver *r = NULL;
	struct webhook_receiver_conf conf = {.listen = rig->addr,
		.path = "/w",
		.verify_token = "t",
		.app_secrets = empty,
		.app_secret_count = 1,
		.on_event = on_event};
	assert_int_equal(webhook_receiver_new(rig->loop, &conf, &r), -EINVAL);
	conf.app_secrets = one;
	assert_int_equal(webhook_receiver_new(rig->loop, &conf, &r), -EADDRINUSE);
	conf.app_secret_count = 0;
	assert_int_equal(webhook_receiver_new(rig->loop, &conf, &r), -EINVAL);
	conf.app_secret_count = 1;
	conf.path = "w";
	assert_int_equal(webhook_receiver_new(rig->loop, &conf, &r), -EINVAL);
	assert_null(r);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(answer_first_then_events),
		TEST(wrong_signature_is_401_and_nothing_is_parsed),
		TEST(signed_nonsense_is_400),
		TEST(unknown_and_partly_understood_is_200),
		TEST(handshake),
		TEST(other_methods_are_405),
		TEST(escaped_challenge_comes_back_decoded),
		TEST(bad_configurations_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
