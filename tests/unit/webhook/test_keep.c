/* Messages wait until they are kept: what is given to on_keep, what is told at once, what Meta is answered when, and
 * who may go away meanwhile. */
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/loop/loop.h"
#include "tests/support/oom.h"
#include "tests/unit/lib/http/raw_client.h"
#include "tests/unit/lib/http/until.h"
#include "webhook/document.h"
#include "webhook/keep.h"
#include "webhook/receiver.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define META "\"metadata\":{\"display_phone_number\":\"12025550123\",\"phone_number_id\":\"31\"}"
#define CALL "{\"field\":\"calls\",\"value\":{" META ",\"calls\":[{\"id\":\"w\",\"event\":\"terminate\"}]}}"
#define MESSAGES                                                                                                       \
	"{\"field\":\"messages\",\"value\":{\"messaging_product\":\"whatsapp\"," META "," CONTACTS ",\"messages\":["
#define CONTACTS                                                                                                       \
	"\"contacts\":[{\"wa_id\":\"447700900123\",\"profile\":{\"name\":\"Ana\"}},"                                   \
	"{\"wa_id\":\"447700900456\",\"profile\":{\"name\":\"Bo\"}}]"
#define TEXT(id, from, text)                                                                                           \
	"{\"from\":\"" from "\",\"id\":\"" id "\",\"type\":\"text\",\"timestamp\":\"1790000300\",\"text\":{\"body\":"  \
	"\"" text "\"}}"
#define GRANT                                                                                                          \
	"{\"from\":\"447700900456\",\"id\":\"wamid.G\",\"type\":\"interactive\",\"interactive\":{\"type\":"            \
	"\"call_permission_reply\",\"call_permission_reply\":{\"response\":\"accept\",\"is_permanent\":true}}}"
#define POST(changes)                                                                                                  \
	"{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"21\",\"time\":1,\"changes\":[" changes "]}]}"
#define MIXED                                                                                                          \
	POST(MESSAGES TEXT("wamid.1", "447700900123", "call \\u00e9") "," GRANT "]}}," CALL                            \
								      ",{\"field\":\"other\",\"value\":{}}")

enum { OPEN_MAX = 8 };

struct rig {
	struct loop *loop;
	struct webhook_receiver *receiver;
	struct addr addr;
	struct raw_client *client;
	unsigned told, keeps, faults;
	size_t items;
	unsigned told_before_keep, answers_before_keep;
	char ids[256], json[2][1024];
	struct webhook_delivery *open[OPEN_MAX];
	bool at_once, kept;
	char last_fault[128];
};

static void on_event(const struct wa_event *ev, void *arg)
{
	struct rig *rig = arg;
	assert_true(ev->kind != WA_EVENT_MESSAGE && ev->kind != WA_EVENT_PERMISSION_REPLY);
	assert_int_equal(ev->secret_index, 1);
	rig->told++;
}

static void on_keep(const struct webhook_item *items, size_t count, struct webhook_delivery *delivery, void *arg)
{
	struct rig *rig = arg;
	rig->told_before_keep = rig->told;
	rig->answers_before_keep = raw_count(rig->client, "HTTP/1.1");
	rig->items += count;
	rig->ids[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(strlen(items[i].json), items[i].length);
		assert_int_equal(items[i].secret_index, 1);
		assert_string_equal(items[i].phone_number_id, "31");
		strncat(rig->ids, items[i].message_id, sizeof(rig->ids) - strlen(rig->ids) - 2);
		strcat(rig->ids, " ");
		if (i < 2)
			str_copy(rig->json[i], sizeof(rig->json[i]), items[i].json);
	}
	assert_true(rig->keeps < OPEN_MAX);
	if (rig->at_once)
		webhook_delivery_done(delivery, rig->kept);
	else
		rig->open[rig->keeps] = delivery;
	rig->keeps++;
}

static void on_fault(const char *what, const struct addr *peer, void *arg)
{
	struct rig *rig = arg;
	(void)peer;
	rig->faults++;
	str_copy(rig->last_fault, sizeof(rig->last_fault), what);
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
		.on_keep = on_keep,
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

static void post(struct rig *rig, const char *body)
{
	static char request[8192];
	static const char secret[] = "second secret";
	uint8_t mac[32];
	char hex[65];
	crypto_hmac_sha256(secret, strlen(secret), body, strlen(body), mac);
	str_hex(hex, mac, sizeof(mac));
	snprintf(request, sizeof(request),
		"POST /webhook HTTP/1.1\r\nHost: h\r\nX-Hub-Signature-256: sha256=%s\r\nContent-Length: %zu\r\n\r\n%s",
		hex, strlen(body), body);
	raw_say(rig->client, request);
}

static void answer_waits_until_kept(void **state)
{
	struct rig *rig = *state;
	post(rig, MIXED);
	UNTIL(rig->loop, rig->keeps == 1);
	assert_int_equal(rig->told_before_keep, 2); /* the call, and what nobody knows */
	assert_int_equal(rig->told, 2);
	assert_string_equal(rig->ids, "wamid.1 wamid.G ");
	for (int i = 0; i < 10; i++)
		loop_step(rig->loop, 2);
	assert_int_equal(raw_count(rig->client, "HTTP/1.1"), 0);
	webhook_delivery_done(rig->open[0], true);
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 200") == 1);
	assert_int_equal(rig->faults, 0);
	/* the same connection goes on; not kept: Meta shall send it again */
	post(rig, MIXED);
	UNTIL(rig->loop, rig->keeps == 2);
	webhook_delivery_done(rig->open[1], false);
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 503") == 1);
}

static void kept_from_within(void **state)
{
	struct rig *rig = *state;
	rig->at_once = rig->kept = true;
	post(rig, MIXED);
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 200") == 1);
	rig->kept = false;
	post(rig, MIXED);
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 503") == 1);
	assert_int_equal(rig->keeps, 2);
}

static void calls_alone_are_answered_first(void **state)
{
	struct rig *rig = *state;
	post(rig, POST(CALL));
	UNTIL(rig->loop, rig->told == 1 && raw_count(rig->client, "HTTP/1.1 200") == 1);
	post(rig, POST("{\"field\":\"messages\",\"value\":{\"statuses\":[{\"id\":\"m\",\"status\":\"read\"}]}}"));
	UNTIL(rig->loop, rig->told == 2 && raw_count(rig->client, "HTTP/1.1 200") == 2);
	assert_int_equal(rig->keeps, 0);
}

static void faulty_messages_leave_the_others_alone(void **state)
{
	struct rig *rig = *state;
	rig->at_once = rig->kept = true;
	post(rig, POST(MESSAGES "7,{\"type\":\"text\"}," TEXT("wamid.2", "1", "x") "]}}"));
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 200") == 1);
	assert_string_equal(rig->ids, "wamid.2 ");
	assert_int_equal(rig->faults, 1);
	assert_string_equal(rig->last_fault, "entry[0].changes[0].value.messages[0]: not an object");
	/* nothing left to keep: 200, and the fault is told */
	post(rig, POST(MESSAGES "{\"type\":\"text\"}]}}"));
	UNTIL(rig->loop, rig->faults == 2);
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 200") == 2);
	assert_int_equal(rig->keeps, 1);
}

static void meta_hangs_up_meanwhile(void **state)
{
	struct rig *rig = *state;
	post(rig, MIXED);
	UNTIL(rig->loop, rig->keeps == 1);
	raw_close(rig->client);
	raw_open(rig->client, rig->loop, &rig->addr);
	post(rig, MIXED); /* by then the server has seen the end of the other */
	UNTIL(rig->loop, rig->keeps == 2);
	webhook_delivery_done(rig->open[0], true);
	webhook_delivery_done(rig->open[1], true);
	UNTIL(rig->loop, raw_count(rig->client, "HTTP/1.1 200") == 1);
}

static void freed_with_open_deliveries(void **state)
{
	struct rig *rig = *state;
	for (unsigned i = 0; i < 3; i++) {
		raw_close(rig->client);
		raw_open(rig->client, rig->loop, &rig->addr);
		post(rig, MIXED);
		UNTIL(rig->loop, rig->keeps == i + 1);
	}
	rig->receiver = webhook_receiver_free(rig->receiver);
	UNTIL(rig->loop, rig->client->closed);
	assert_int_equal(raw_count(rig->client, "HTTP/1.1"), 0);
}

/* ---- items read back ---- */

static void put_event(const struct wa_event *ev, void *arg)
{
	strbuf_printf(arg, "%d|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%llu|%d%d%llu%d\n", ev->kind, ev->field, ev->name,
		ev->phone_number_id, ev->display_phone_number, ev->from, ev->user_number, ev->user_id, ev->profile_name,
		ev->message_type, ev->message_id, ev->context_id, ev->text, (unsigned long long)ev->timestamp_s,
		ev->permission_accepted, ev->permission_permanent, (unsigned long long)ev->permission_expires_s,
		ev->permission_automatic);
}

/* All events of body, and those of its items, one after the other. */
static void check_read_back(const char *body, size_t count)
{
	static char direct[8192], items[8192];
	struct webhook_parse_report report;
	struct webhook_document *doc;
	struct webhook_keep keep;
	struct strbuf sb;
	char what[128];

	strbuf_init(&sb, direct, sizeof(direct));
	assert_int_equal(webhook_parse(body, strlen(body), put_event, &sb, &report), 0);
	strbuf_init(&sb, items, sizeof(items));
	assert_int_equal(webhook_document_load(body, strlen(body), &doc, what), 0);
	assert_int_equal(webhook_keep_collect(doc, 0, &keep), 0);
	webhook_document_free(doc);
	assert_int_equal(keep.count, count);
	for (size_t i = 0; i < keep.count; i++) {
		assert_int_equal(webhook_parse(keep.items[i].json, keep.items[i].length, put_event, &sb, &report), 0);
		assert_int_equal(report.events, 1);
		assert_string_equal(report.what, "");
	}
	webhook_keep_done(&keep);
	assert_string_equal(items, direct);
}

static void items_are_deliveries_of_their_own(void **state)
{
	(void)state;
	check_read_back(POST(MESSAGES TEXT("1", "447700900123", "\\\"\\\\ \\ud83d\\udcde") "," GRANT "]}}"), 2);
	/* a user whom no contact names; one without number; two values */
	check_read_back(POST(MESSAGES TEXT("1", "44770", "x") "]}}," MESSAGES TEXT("2", "447700900456", "y") "]}}"), 2);
	check_read_back(
		POST("{\"field\":\"messages\",\"value\":{\"contacts\":[{\"user_id\":\"GB.1\",\"profile\":{\"name\":"
		     "\"C\"}}],\"messages\":[{\"id\":\"1\",\"type\":\"text\",\"text\":{\"body\":\"\"}}]}}"),
		1);
	/* nonsense around it */
	check_read_back(
		POST("{\"field\":\"messages\",\"value\":{\"metadata\":[],\"contacts\":[7],\"messages\":[{\"id\":"
		     "\"1\",\"x\":[null,1.5,{\"y\":\"\\u0000\"}],\"type\":{}}]}}"),
		1);
	check_read_back("{\"entry\":[{\"id\":{},\"changes\":[{\"field\":\"messages\",\"value\":{\"metadata\":{\"phone_"
			"number_id\":31},\"messages\":[{\"id\":\"1\"}]}}]}]}",
		1);
}

static void contacts_of_others_stay_out(void **state)
{
	struct rig *rig = *state;
	rig->at_once = rig->kept = true;
	post(rig, MIXED);
	UNTIL(rig->loop, rig->keeps == 1);
	assert_string_equal(rig->json[0],
		"{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"21\",\"changes\":[{\"field\":"
		"\"messages\",\"value\":{\"messaging_product\":\"whatsapp\"," META
		",\"contacts\":[{\"wa_id\":\"447700900123\",\"profile\":{\"name\":\"Ana\"}}],\"messages\":["
		"{\"from\":\"447700900123\",\"id\":\"wamid.1\",\"type\":\"text\",\"timestamp\":\"1790000300\",\"text\":"
		"{\"body\":\"call \xc3\xa9\"}}]}}]}]}");
	assert_null(strstr(rig->json[1], "Ana"));
}

static void *counted_malloc(size_t n)
{
	return malloc(n);
}

static void counted_free(void *p)
{
	free(p);
}

static void memory_may_run_out_anywhere(void **state)
{
	struct webhook_document *doc;
	struct webhook_keep keep;
	char what[128];
	unsigned failed = 0;
	(void)state;
	json_set_alloc_funcs(counted_malloc, counted_free);
	assert_int_equal(webhook_document_load(MIXED, strlen(MIXED), &doc, what), 0);
	for (unsigned n = 1; oom_next(n); n++) {
		int r = webhook_keep_collect(doc, 0, &keep);
		oom_off();
		assert_true(r == 0 || r == -ENOMEM);
		assert_true(r || keep.count == 2);
		failed += r != 0;
		webhook_keep_done(&keep);
	}
	assert_true(failed > 10);
	webhook_document_free(doc);
	json_set_alloc_funcs(malloc, free);
}

/* One huge contact, and a thousand messages that would each carry it. */
static void items_cannot_grow_without_bound(void **state)
{
	static char body[3 << 20];
	struct webhook_document *doc;
	struct webhook_keep keep;
	struct strbuf sb;
	char what[128];
	(void)state;
	strbuf_init(&sb, body, sizeof(body));
	strbuf_put(&sb, "{\"entry\":[{\"changes\":[{\"field\":\"messages\",\"value\":{\"contacts\":[{\"x\":\"");
	for (unsigned i = 0; i < 100000; i++)
		strbuf_put(&sb, "xxxxxxxxxx");
	strbuf_put(&sb, "\"}],\"messages\":[");
	for (unsigned i = 0; i < 1000; i++)
		strbuf_printf(&sb, "%s{\"id\":\"%u\"}", i ? "," : "", i);
	strbuf_put(&sb, "]}}]}]}");
	assert_false(sb.truncated);
	assert_int_equal(webhook_document_load(body, sb.length, &doc, what), 0);
	assert_int_equal(webhook_keep_collect(doc, 0, &keep), -EMSGSIZE);
	assert_true(keep.bytes < WEBHOOK_KEEP_MAX_BYTES + (2 << 20));
	webhook_keep_done(&keep);
	webhook_document_free(doc);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(answer_waits_until_kept),
		TEST(kept_from_within),
		TEST(calls_alone_are_answered_first),
		TEST(faulty_messages_leave_the_others_alone),
		TEST(meta_hangs_up_meanwhile),
		TEST(freed_with_open_deliveries),
		TEST(contacts_of_others_stay_out),
		cmocka_unit_test(items_are_deliveries_of_their_own),
		cmocka_unit_test(memory_may_run_out_anywhere),
		cmocka_unit_test(items_cannot_grow_without_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
