/* Out of memory at every place of a request's life: when it is made, when it runs on the database (here, instead of on
 * the store thread), when its answer is given. Nothing half-written is committed, and the next try gives the whole
 * answer. */
#include "lib/base/mailbox.h"
#include "lib/base/str.h"
#include "lib/loop/loop.h"
#include "store/outbox.h"
#include "store/request.h"
#include "store/sqlite.h"
#include "store/store_dial.h"
#include "store/store_private.h"
#include "tests/support/oom.h"
#include "tests/unit/store/sql_oom.h"
#include "tests/unit/store/temp_dir.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A store without a thread: what is sent is taken out and run by hand. */
struct bench {
	struct store store;
	struct db *db;
	int calls, status;
	size_t count;
	char text[100];
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	char why[200];

	assert_non_null(b);
	assert_int_equal(mailbox_new(sizeof(struct store_request *), 4096, &b->store.requests), 0);
	assert_int_equal(db_open(":memory:", DB_WRITE, &b->db, why, sizeof(why)), 0);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	db_close(b->db);
	mailbox_free(b->store.requests);
	free(b);
	return 0;
}

static int run_once(struct bench *b, struct store_request *q)
{
	int r = q->kind->lane == LANE_WRITE ? db_begin(b->db) : 0;

	if (r == 0)
		r = q->kind->run(b->db, q);
	if (r == 0 && q->kind->lane == LANE_WRITE)
		r = db_commit(b->db);
	if (r < 0)
		db_rollback(b->db);
	return r;
}

static struct store_request *taken(struct bench *b)
{
	struct store_request *q = NULL;

	b->store.questions = b->store.acks = b->store.acked_bytes = 0; /* answered by hand */
	return mailbox_get(b->store.requests, &q) ? q : NULL;
}

/* make: sends one request; 0 or negative errno. A write that failed is tried again, as the store thread does; a read is
 * answered with the error. */
static void every_allocation(struct bench *b, int (*make)(struct bench *b))
{
	bool failed = true;

	for (unsigned n = 1; oom_next(n); n++) {
		int r = make(b);

		oom_off();
		assert_true(r == 0 || r == -ENOMEM);
		store_request_free(taken(b));
	}
	for (unsigned n = 1; failed; n++) {
		struct store_request *q;

		assert_int_equal(make(b), 0);
		q = taken(b);
		assert_non_null(q);
		oom_fail_nth(n);
		q->status = run_once(b, q);
		failed = oom_off();
		assert_true(q->status == 0 || (failed && q->status == -ENOMEM));
		if (q->status < 0 && q->kind->lane == LANE_WRITE)
			q->status = run_once(b, q);
		if (q->kind->deliver)
			q->kind->deliver(q);
		store_request_free(q);
	}
}

/* ---- one of each kind ---- */

static void on_done(int status, void *arg)
{
	struct bench *b = arg;

	b->calls++;
	b->status = status;
}

static int make_permission(struct bench *b)
{
	const struct permission p = {.number_id = "n", .user = "u"};

	return store_put_permission(&b->store, &p);
}

static int make_parked(struct bench *b)
{
	const struct parked_dial p = {.id = "p", .json = "{}"};

	return store_put_parked(&b->store, &p, on_done, b);
}

static int make_live(struct bench *b)
{
	const struct live_call live = {.id = "x", .outbound = true};

	return store_put_live_then(&b->store, &live, "p", on_done, b);
}

static void on_received(int status, const bool *is_new, size_t count, void *arg)
{
	on_done(status, arg);
	assert_int_equal(status, 0); /* a write succeeds at the second try */
	assert_int_equal(count, 2);
	assert_false(is_new[1]);
}

static int make_inbox(struct bench *b)
{
	const struct inbox_item items[] = {{"m", "{}", 2, 5}, {"m", "{}", 2, 5}};

	return store_put_inbox(&b->store, items, 2, on_received, b);
}

static int make_done(struct bench *b)
{
	return store_done_inbox(&b->store, "m");
}

static void on_claim(int status, const struct idempotent_answer *existing, void *arg)
{
	struct bench *b = arg;

	on_done(status, arg);
	b->count += existing == NULL;
	if (existing)
		(void)str_copy(b->text, sizeof(b->text), existing->body);
}

static int make_claim(struct bench *b)
{
	return store_claim_key(&b->store, "key", "aa", 5, on_claim, b);
}

static int make_answer(struct bench *b)
{
	return store_answer_key(&b->store, "key", 202, "{\"id\":1}");
}

static int make_event(struct bench *b)
{
	const struct outbox_event e = {.receiver = "crm", .subject = "s", .body = "{\"e\":1}", .created_ms = 1};

	return store_put_event(&b->store, &e);
}

static int make_retry(struct bench *b)
{
	return store_event_retry(&b->store, 1, 2, "HTTP 503");
}

static int make_dead(struct bench *b)
{
	return store_event_dead(&b->store, 1, "HTTP 410");
}

static int make_delivered(struct bench *b)
{
	return store_event_delivered(&b->store, 1);
}

static void on_listed(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg)
{
	struct bench *b = arg;

	(void)next_due_ms;
	on_done(status, arg);
	assert_true(status == 0 ? count == 1 : count == 0);
	if (status == 0)
		(void)str_copy(b->text, sizeof(b->text), events[0].body);
}

static int make_due(struct bench *b)
{
	return store_due_events(&b->store, "crm", 10, 5, on_listed, b);
}

static int make_dead_list(struct bench *b)
{
	return store_dead_events(&b->store, "crm", 5, on_listed, b);
}

static void on_revived(int status, size_t count, void *arg)
{
	struct bench *b = arg;

	on_done(status, arg);
	b->count += count;
}

static int make_revive(struct bench *b)
{
	return store_revive_events(&b->store, "crm", 0, on_revived, b);
}

/* Keep what callbacks said apart, test by test. */
static void begin(struct bench *b)
{
	b->calls = b->status = 0;
	b->count = 0;
	b->text[0] = '\0';
}

static int number(struct bench *b, const char *sql)
{
	int n = -1;

	assert_int_equal(db_number(b->db, sql, &n), 0);
	return n;
}

static void dials(void **state)
{
	struct bench *b = *state;

	every_allocation(b, make_permission);
	assert_int_equal(number(b, "SELECT count(*) FROM permissions"), 1);
	every_allocation(b, make_parked);
	assert_true(b->calls > 0);
	assert_int_equal(b->status, 0);
	assert_int_equal(number(b, "SELECT count(*) FROM parked"), 1);
	every_allocation(b, make_live);
	assert_int_equal(number(b, "SELECT count(*) FROM parked"), 0);
	assert_int_equal(number(b, "SELECT outbound FROM live_calls"), 1);
}

static void messages(void **state)
{
	struct bench *b = *state;

	every_allocation(b, make_inbox);
	assert_true(b->calls > 0);
	assert_int_equal(number(b, "SELECT count(*) FROM inbox WHERE json = '{}'"), 1);
	every_allocation(b, make_done);
	assert_int_equal(number(b, "SELECT count(*) FROM inbox WHERE json IS NULL"), 1);
}

static void keys(void **state)
{
	struct bench *b = *state;

	every_allocation(b, make_claim);
	assert_int_equal(b->count, 1); /* only one was the first */
	every_allocation(b, make_answer);
	begin(b);
	every_allocation(b, make_claim);
	assert_int_equal(b->count, 0);
	assert_string_equal(b->text, "{\"id\":1}");
}

static void events(void **state)
{
	struct bench *b = *state;

	every_allocation(b, make_event);
	assert_int_equal(number(b, "SELECT count(*) FROM outbox WHERE state = 1"), 1); /* the others stand behind it */
	every_allocation(b, make_due);
	assert_string_equal(b->text, "{\"e\":1}");
	every_allocation(b, make_retry);
	every_allocation(b, make_dead);
	assert_int_equal(number(b, "SELECT count(*) FROM outbox WHERE state = 2"), 1);
	begin(b);
	every_allocation(b, make_dead_list);
	assert_string_equal(b->text, "{\"e\":1}");
	begin(b);
	every_allocation(b, make_revive);
	assert_int_equal(b->count, 1);
	assert_int_equal(number(b, "SELECT seq FROM outbox WHERE state = 1"), 1);
	every_allocation(b, make_delivered);
	assert_int_equal(number(b, "SELECT count(*) FROM outbox WHERE state = 1"), 1);
	assert_int_equal(number(b, "SELECT count(*) FROM outbox WHERE seq = 1"), 0);
}

/* ---- start-up ---- */

static void count_permission(const struct permission *p, void *arg)
{
	assert_string_equal(p->user, "u");
	++*(int *)arg;
}

static void count_parked(const struct parked_dial *p, void *arg)
{
	assert_string_equal(p->json, "{}");
	++*(int *)arg;
}

static void count_item(const struct inbox_item *item, void *arg)
{
	assert_string_equal(item->json, "{}");
	++*(int *)arg;
}

static void loading(void **state)
{
	struct bench *b = *state;
	struct temp_dir dir;
	char why[200];

	temp_dir_make(&dir);
	b->db = db_close(b->db);
	assert_int_equal(db_open(dir.file, DB_WRITE, &b->db, why, sizeof(why)), 0);
	every_allocation(b, make_permission);
	every_allocation(b, make_parked);
	every_allocation(b, make_inbox);
	b->store.path = dir.file;
	for (unsigned n = 1; oom_next(n); n++) {
		int permissions = 0, parked = 0, items = 0;
		int r = store_load_permissions(&b->store, count_permission, &permissions);

		assert_true(r == 0 ? permissions == 1 : r == -ENOMEM);
		r = store_load_parked(&b->store, count_parked, &parked);
		assert_true(r == 0 ? parked == 1 : r == -ENOMEM);
		r = store_load_inbox(&b->store, count_item, &items);
		assert_true(r == 0 ? items == 1 : r == -ENOMEM);
		oom_off();
	}
	temp_dir_remove(&dir);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(dials),
		TEST(messages),
		TEST(keys),
		TEST(events),
		TEST(loading),
	};

	return cmocka_run_group_tests(tests, sql_oom_set_up, NULL);
}
