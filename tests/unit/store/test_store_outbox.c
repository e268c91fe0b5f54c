/* The outbox: order of each subject, what is due, retries, the dead and their return, bounds. Told as a story: one line
 * an act, and what is due afterwards. */
#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "store/outbox.h"
#include "store/outbox_rows.h"
#include "tests/unit/store/store_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- asking ---- */

struct listed {
	int done, status;
	size_t count;
	uint64_t next_due_ms;
	char text[1200]; /* the ids */
	int64_t seqs[100];
	struct outbox_event first;
	char body[200];
};

static void on_listed(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg)
{
	struct listed *l = arg;

	l->done++;
	l->status = status;
	l->count = count;
	l->next_due_ms = next_due_ms;
	assert_true(count <= 100);
	for (size_t i = 0; i < count; i++) {
		strcat(l->text, events[i].id);
		strcat(l->text, " ");
		l->seqs[i] = events[i].seq;
	}
	if (count > 0) {
		l->first = events[0];
		str_copy(l->body, sizeof(l->body), events[0].body);
	}
}

static struct listed due(struct store_rig *rig, const char *receiver, uint64_t now_ms, unsigned limit)
{
	struct listed l = {0};

	assert_int_equal(store_due_events(rig->store, receiver, now_ms, limit, on_listed, &l), 0);
	store_rig_await(rig, &l.done, 1);
	assert_int_equal(l.status, 0);
	return l;
}

static struct listed dead(struct store_rig *rig, const char *receiver, unsigned limit)
{
	struct listed l = {0};

	assert_int_equal(store_dead_events(rig->store, receiver, limit, on_listed, &l), 0);
	store_rig_await(rig, &l.done, 1);
	assert_int_equal(l.status, 0);
	assert_int_equal(l.next_due_ms, UINT64_MAX);
	return l;
}

static void put(struct store_rig *rig, const char *receiver, const char *id, const char *subject, uint64_t at_ms)
{
	struct outbox_event e = {.type = "call.ended", .body = "{}", .created_ms = at_ms};

	str_copy(e.receiver, sizeof(e.receiver), receiver);
	str_copy(e.id, sizeof(e.id), id);
	str_copy(e.subject, sizeof(e.subject), subject);
	assert_int_equal(store_put_event(rig->store, &e), 0);
}

struct revived {
	int done, status;
	size_t count;
};

static void on_revived(int status, size_t count, void *arg)
{
	struct revived *r = arg;

	r->done++;
	r->status = status;
	r->count = count;
}

static size_t revive(struct store_rig *rig, const char *receiver, int64_t seq)
{
	struct revived r = {0};

	assert_int_equal(store_revive_events(rig->store, receiver, seq, on_revived, &r), 0);
	store_rig_await(rig, &r.done, 1);
	assert_int_equal(r.status, 0);
	return r.count;
}

static int64_t seq_of(struct store_rig *rig, const char *id)
{
	char sql[100];

	snprintf(sql, sizeof(sql), "SELECT seq FROM outbox WHERE id = '%s'", id);
	return store_rig_number(rig, sql);
}

/* Whatever happened: of each receiver and subject exactly the first waiting row is at the front. */
static void check_order(struct store_rig *rig)
{
	assert_int_equal(
		store_rig_number(rig,
			"SELECT count(*) FROM outbox o WHERE state < 2 AND state <> (subject = '' OR NOT EXISTS"
			" (SELECT 1 FROM outbox e WHERE e.receiver = o.receiver AND e.subject = o.subject"
			" AND e.state < 2 AND e.seq < o.seq))"),
		0);
}

/* ---- the story ---- */

enum act { PUT, DELIVERED, RETRY, DEAD, REVIVE, REVIVE_ALL, LOOK, REOPEN };

static void order_of_each_subject(void **state)
{
	static const struct {
		enum act act;
		const char *id, *subject;
		uint64_t at_ms; /* created, or to be sent again */
		uint64_t now_ms;
		const char *due; /* afterwards, at now_ms */
		uint64_t next_due_ms;
	} story[] = {
		{LOOK, NULL, NULL, 0, 5, "", UINT64_MAX},
		{PUT, "a1", "call-a", 10, 5, "", 10},
		{PUT, "a2", "call-a", 11, 20, "a1 ", UINT64_MAX},
		{PUT, "b1", "call-b", 12, 20, "a1 b1 ", UINT64_MAX},
		{PUT, "a3", "call-a", 13, 20, "a1 b1 ", UINT64_MAX},
		{PUT, "n1", "", 14, 20, "a1 b1 n1 ", UINT64_MAX},
		{PUT, "n2", "", 15, 20, "a1 b1 n1 n2 ", UINT64_MAX},
		{RETRY, "a1", NULL, 100, 20, "b1 n1 n2 ", 100}, /* a2 must not overtake */
		{RETRY, "n1", NULL, 90, 20, "b1 n2 ", 90},
		{DELIVERED, "b1", NULL, 0, 20, "n2 ", 90},
		{LOOK, NULL, NULL, 0, 99, "n2 n1 ", 100},
		{REOPEN, NULL, NULL, 0, 100, "n2 n1 a1 ", UINT64_MAX},
		{DEAD, "a1", NULL, 0, 100, "a2 n2 n1 ", UINT64_MAX}, /* the rest of the subject goes on */
		{DEAD, "a1", NULL, 0, 100, "a2 n2 n1 ", UINT64_MAX}, /* told twice */
		{DELIVERED, "n2", NULL, 0, 100, "a2 n1 ", UINT64_MAX},
		{DELIVERED, "n1", NULL, 0, 100, "a2 ", UINT64_MAX},
		{REVIVE, "a1", NULL, 0, 100, "a1 ", UINT64_MAX},    /* back before the others */
		{DELIVERED, "a2", NULL, 0, 100, "a1 ", UINT64_MAX}, /* had been under way */
		{DELIVERED, "a1", NULL, 0, 100, "a3 ", UINT64_MAX},
		{DELIVERED, "a1", NULL, 0, 100, "a3 ", UINT64_MAX}, /* there is none such */
		{PUT, "a4", "call-a", 30, 100, "a3 ", UINT64_MAX},
		{PUT, "a5", "call-a", 31, 100, "a3 ", UINT64_MAX},
		{DEAD, "a3", NULL, 0, 100, "a4 ", UINT64_MAX},
		{DEAD, "a5", NULL, 0, 100, "a4 ", UINT64_MAX}, /* from behind */
		{REVIVE_ALL, NULL, NULL, 0, 100, "a3 ", UINT64_MAX},
		{DELIVERED, "a3", NULL, 0, 100, "a4 ", UINT64_MAX},
		{DELIVERED, "a4", NULL, 0, 100, "a5 ", UINT64_MAX},
		{DELIVERED, "a5", NULL, 0, 100, "", UINT64_MAX},
	};
	struct store_rig *rig = *state;

	put(rig, "other", "x", "call-a", 0); /* another receiver's order is its own */
	for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++) {
		int64_t seq = story[i].act == PUT || !story[i].id ? 0 : seq_of(rig, story[i].id);
		struct listed l;

		switch (story[i].act) {
		case PUT: put(rig, "crm", story[i].id, story[i].subject, story[i].at_ms); break;
		case DELIVERED: assert_int_equal(store_event_delivered(rig->store, seq), 0); break;
		case RETRY: assert_int_equal(store_event_retry(rig->store, seq, story[i].at_ms, "HTTP 503"), 0); break;
		case DEAD: assert_int_equal(store_event_dead(rig->store, seq, "HTTP 410"), 0); break;
		case REVIVE: assert_int_equal(revive(rig, "crm", seq), 1); break;
		case REVIVE_ALL: assert_int_equal(revive(rig, "crm", 0), 2); break;
		case LOOK: break;
		case REOPEN: store_rig_reopen(rig); break;
		}
		l = due(rig, "crm", story[i].now_ms, 100);
		if (strcmp(l.text, story[i].due) != 0 || l.next_due_ms != story[i].next_due_ms)
			fail_msg("line %zu: due \"%s\", next %llu", i, l.text, (unsigned long long)l.next_due_ms);
		check_order(rig);
	}
	assert_string_equal(due(rig, "other", 0, 1).text, "x ");
	assert_string_equal(due(rig, "nobody", UINT64_MAX, 100).text, "");
}

static void fields_of_an_event(void **state)
{
	struct store_rig *rig = *state;
	const struct outbox_event e = {.receiver = "crm",
		.id = "e-1",
		.subject = "c-1",
		.type = "permission.granted",
		.body = "{\"text\":\"'); DROP TABLE outbox; --\"}",
		.created_ms = 7};
	struct listed l;

	assert_int_equal(store_put_event(rig->store, &e), 0);
	l = due(rig, "crm", 7, 1);
	assert_string_equal(l.first.receiver, "crm");
	assert_string_equal(l.first.id, "e-1");
	assert_string_equal(l.first.subject, "c-1");
	assert_string_equal(l.first.type, "permission.granted");
	assert_string_equal(l.body, e.body);
	assert_int_equal(l.first.created_ms, 7);
	assert_int_equal(l.first.next_ms, 7);
	assert_int_equal(l.first.attempts, 0);
	assert_string_equal(l.first.error, "");
	assert_int_equal(store_event_retry(rig->store, l.first.seq, 9, "no route\xff"), 0);
	assert_int_equal(store_event_retry(rig->store, l.first.seq, 8, NULL), 0);
	assert_int_equal(store_event_retry(rig->store, l.first.seq, 9, "no route\xff"), 0);
	l = due(rig, "crm", 9, 1);
	assert_int_equal(l.first.next_ms, 9);
	assert_int_equal(l.first.attempts, 3);
	assert_string_equal(l.first.error, "no route?");
	assert_int_equal(store_event_dead(rig->store, l.first.seq, "gone"), 0);
	store_rig_flush(rig);
	l = dead(rig, "crm", 10);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.first.attempts, 4);
	assert_string_equal(l.first.error, "gone");
	assert_int_equal(revive(rig, "someone else", l.first.seq), 0); /* not theirs */
	assert_int_equal(revive(rig, "crm", l.first.seq), 1);
	assert_int_equal(revive(rig, "crm", l.first.seq), 0);
	l = due(rig, "crm", 9, 1);
	assert_int_equal(l.first.attempts, 0);
	assert_string_equal(l.first.error, "");
}

static void a_limit_leaves_the_rest_for_later(void **state)
{
	struct store_rig *rig = *state;
	struct listed l;
	char id[16];

	for (int i = 0; i < 150; i++) {
		snprintf(id, sizeof(id), "e%d", i);
		put(rig, "crm", id, i % 2 ? id : "", 1000 + (uint64_t)i);
	}
	l = due(rig, "crm", 5000, 2);
	assert_string_equal(l.text, "e0 e1 ");
	assert_int_equal(l.next_due_ms, 1002);
	l = due(rig, "crm", 5000, 4000000000u);
	assert_int_equal(l.count, 100); /* the bound */
	assert_int_equal(l.next_due_ms, 1100);
	assert_int_equal(due(rig, "crm", 5000, 0).next_due_ms, 1000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(store_event_dead(rig->store, l.seqs[i], "x"), 0);
	store_rig_flush(rig);
	assert_string_equal(dead(rig, "crm", 2).text, "e2 e1 "); /* newest first */
	assert_int_equal(dead(rig, "crm", 4000000000u).count, 3);
}

static void too_long_a_body_is_lost_and_counted(void **state)
{
	struct store_rig *rig = *state;
	uint64_t lost = counter_sum(CNT_EVENTS_LOST);
	struct outbox_event e = {.receiver = "crm"};
	char *body = calloc(1, OUTBOX_BODY_MAX + 2);

	memset(body, 'x', OUTBOX_BODY_MAX + 1);
	e.body = body;
	assert_int_equal(store_put_event(rig->store, &e), -EMSGSIZE);
	assert_int_equal(counter_sum(CNT_EVENTS_LOST) - lost, 1);
	body[OUTBOX_BODY_MAX] = '\0';
	assert_int_equal(store_put_event(rig->store, &e), 0);
	assert_int_equal(due(rig, "crm", 0, 1).count, 1);
	free(body);
}

/* ---- bounds ---- */

#define FILL(count, state, first_ms)                                                                                   \
	"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < " #count ")"                     \
	" INSERT INTO outbox (receiver, id, subject, type, body, created_ms, next_ms, attempts, error, state)"         \
	" SELECT 'crm', '" #state                                                                                      \
	"-' || i, CASE i % 4 WHEN 0 THEN '' ELSE 'call-' || (i / 4) END, 't', '{}', " #first_ms " + i, " #first_ms     \
	" + i, 0, '', " #state " FROM n;"
#define FIX_ORDER                                                                                                      \
	"UPDATE outbox SET state = 0 WHERE state = 1 AND subject <> '' AND seq > (SELECT min(e.seq) FROM outbox e"     \
	" WHERE e.receiver = outbox.receiver AND e.subject = outbox.subject AND e.state < 2);"

static void oldest_waiting_one_gives_way(void **state)
{
	struct store_rig *rig = *state;
	uint64_t deads = counter_sum(CNT_EVENTS_DEAD), losses = counter_sum(CNT_EVENTS_LOST);

	rig->store = store_close(rig->store);
	store_rig_sql(rig, FILL(100000, 1, 1000) FIX_ORDER);
	store_rig_open(rig);
	check_order(rig);
	put(rig, "crm", "new-1", "call-0", 2000000);
	put(rig, "crm", "new-2", "fresh", 2000001);
	store_rig_flush(rig);
	assert_int_equal(counter_sum(CNT_EVENTS_DEAD) - deads, 2);
	assert_int_equal(counter_sum(CNT_EVENTS_LOST) - losses, 0);
	assert_int_equal(store_rig_number(rig, "SELECT count(*) FROM outbox WHERE state < 2"), OUTBOX_MAX);
	assert_string_equal(dead(rig, "crm", 100).text, "1-1 1-0 ");
	assert_int_equal(revive(rig, "crm", 0), 0); /* there is no room */
	assert_int_equal(store_event_delivered(rig->store, seq_of(rig, "new-2")), 0);
	assert_int_equal(revive(rig, "crm", 0), 1); /* for one */
	check_order(rig);
	assert_int_equal(due(rig, "crm", 5000000, 100).count, 100);
}

static void oldest_dead_one_is_forgotten(void **state)
{
	struct store_rig *rig = *state;
	uint64_t deads = counter_sum(CNT_EVENTS_DEAD), losses = counter_sum(CNT_EVENTS_LOST);

	rig->store = store_close(rig->store);
	store_rig_sql(rig, FILL(10000, 2, 1000));
	store_rig_open(rig);
	put(rig, "crm", "new", "call-0", 2000000);
	store_rig_flush(rig);
	assert_int_equal(store_event_dead(rig->store, seq_of(rig, "new"), "no"), 0);
	store_rig_flush(rig);
	assert_int_equal(counter_sum(CNT_EVENTS_DEAD) - deads, 1);
	assert_int_equal(counter_sum(CNT_EVENTS_LOST) - losses, 1);
	assert_int_equal(store_rig_number(rig, "SELECT count(*) FROM outbox WHERE state = 2"), OUTBOX_DEAD_MAX);
	assert_int_equal(store_rig_number(rig, "SELECT count(*) FROM outbox WHERE id = '2-0'"), 0);
	assert_int_equal(revive(rig, "crm", 0), OUTBOX_DEAD_MAX);
	check_order(rig);
}

static void a_month_is_enough(void **state)
{
	const uint64_t month = OUTBOX_KEEP_DAYS * 24ull * 3600 * 1000;
	struct store_rig *rig = *state;
	uint64_t losses = counter_sum(CNT_EVENTS_LOST);

	put(rig, "gone", "a", "s", 10);
	put(rig, "gone", "b", "s", 20);
	put(rig, "crm", "c", "s", 20 + month);
	store_rig_flush(rig);
	assert_int_equal(counter_sum(CNT_EVENTS_LOST) - losses, 1);
	assert_string_equal(due(rig, "gone", 20, 10).text, "b ");
	check_order(rig);
}

/* ---- how SQLite goes about it ---- */

static void plan(struct store_rig *rig, const char *sql, const char *wanted)
{
	char explain[600], text[600] = "";
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;

	snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql);
	assert_int_equal(sqlite3_open(rig->dir.file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		strcat(text, (const char *)sqlite3_column_text(st, 3));
		strcat(text, "; ");
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	if (!strstr(text, wanted) || strstr(text, "SCAN") || strstr(text, "TEMP B-TREE"))
		fail_msg("%s: %s", sql, text);
}

static void indexes_are_used(void **state)
{
	struct store_rig *rig = *state;

	rig->store = store_close(rig->store);
	store_rig_sql(rig, FILL(1000, 1, 1000) FIX_ORDER FILL(100, 2, 1000) "ANALYZE");
	plan(rig, outbox_due_sql, "USING INDEX outbox_due (receiver=? AND state=?)");
	plan(rig, outbox_dead_sql, "USING INDEX outbox_by_state (state=?)");
	plan(rig, outbox_first_sql, "INDEX outbox_by_subject (receiver=? AND subject=?)");
	plan(rig, outbox_oldest_sql, "USING COVERING INDEX outbox_by_state (state=?)");
	store_rig_sql(rig, "DROP TABLE sqlite_stat1"); /* and without statistics, as watrunk has it */
	plan(rig, outbox_due_sql, "USING INDEX outbox_due (receiver=? AND state=?)");
	plan(rig, outbox_dead_sql, "USING INDEX outbox_by_state (state=?)");
	plan(rig, outbox_first_sql, "INDEX outbox_by_subject (receiver=? AND subject=?)");
	plan(rig, outbox_oldest_sql, "USING COVERING INDEX outbox_by_state (state=?)");
	store_rig_open(rig);
}

/* ---- a database that refuses ---- */

static void locked_database_gives_nothing_twice(void **state)
{
	struct store_rig *rig = *state;
	struct listed l = {0};
	sqlite3 *other;
	int64_t seq;

	put(rig, "crm", "e", "s", 1);
	store_rig_flush(rig);
	seq = seq_of(rig, "e");
	other = store_rig_lock(rig);
	assert_int_equal(store_event_delivered(rig->store, seq), 0);
	assert_int_equal(store_due_events(rig->store, "crm", 5, 10, on_listed, &l), 0);
	store_rig_await(rig, &l.done, 1);
	assert_int_equal(l.status, -EBUSY);
	assert_int_equal(l.count, 0);
	assert_int_equal(l.next_due_ms, UINT64_MAX);
	sqlite3_close(other);
	store_rig_flush(rig);
	assert_int_equal(due(rig, "crm", 5, 10).count, 0);
}

static void flood_leaves_room_for_records(void **state)
{
	struct store_rig *rig = *state;
	uint64_t lost = counter_sum(CNT_EVENTS_LOST), full = counter_sum(CNT_STORE_QUEUE_FULL);
	const struct outbox_event e = {.receiver = "crm", .body = "{}"};
	sqlite3 *other = store_rig_lock(rig);
	int refused = 0;

	for (int i = 0; i < 6000; i++) {
		int r = store_put_event(rig->store, &e);

		assert_true(r == 0 || r == -EAGAIN);
		refused += r < 0;
	}
	for (int i = 0; i < 1000; i++) {
		struct call_record *r = call_record_new();

		snprintf(r->id, sizeof(r->id), "r%d", i);
		assert_int_equal(store_give_record(rig->store, r), 0);
	}
	sqlite3_close(other);
	store_rig_flush(rig);
	assert_true(refused > 0);
	assert_int_equal(store_rig_number(rig, "SELECT count(*) FROM calls"), 1000);
	assert_int_equal(counter_sum(CNT_STORE_QUEUE_FULL), full);
	assert_int_equal(
		6000 - store_rig_number(rig, "SELECT count(*) FROM outbox"), counter_sum(CNT_EVENTS_LOST) - lost);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, store_rig_set_up, store_rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(order_of_each_subject),
		TEST(fields_of_an_event),
		TEST(a_limit_leaves_the_rest_for_later),
		TEST(too_long_a_body_is_lost_and_counted),
		TEST(oldest_waiting_one_gives_way),
		TEST(oldest_dead_one_is_forgotten),
		TEST(a_month_is_enough),
		TEST(indexes_are_used),
		TEST(locked_database_gives_nothing_twice),
		TEST(flood_leaves_room_for_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
