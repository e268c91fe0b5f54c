/* The inbox: each message is given once, whatever Meta repeats and whoever kills us; its text goes when it is dealt
 * with. */
#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "store/store_dial.h"
#include "tests/unit/store/store_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static const uint64_t now = 1700000000000;

struct received {
	int done, status;
	size_t count;
	char news[INBOX_ITEMS_MAX + 1]; /* one letter an item: n new, o old */
};

static void on_received(int status, const bool *is_new, size_t count, void *arg)
{
	struct received *r = arg;

	r->done++;
	r->status = status;
	r->count = count;
	assert_true(count <= INBOX_ITEMS_MAX);
	for (size_t i = 0; i < count; i++)
		r->news[i] = is_new[i] ? 'n' : 'o';
	r->news[count] = '\0';
}

static struct inbox_item item(const char *id, const char *json)
{
	return (struct inbox_item){.message_id = id, .json = json, .length = strlen(json), .received_ms = now};
}

static struct received receive(struct store_rig *rig, const struct inbox_item *items, size_t count)
{
	struct received r = {0};

	assert_int_equal(store_put_inbox(rig->store, items, count, on_received, &r), 0);
	store_rig_await(rig, &r.done, 1);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.count, count);
	return r;
}

static void collect(const struct inbox_item *i, void *arg)
{
	char line[200];

	assert_int_equal(strlen(i->json), i->length);
	snprintf(line, sizeof(line), "%s=%s ", i->message_id, i->json);
	strcat(arg, line);
}

static void each_message_is_new_once(void **state)
{
	struct store_rig *rig = *state;
	char one[] = "{\"m\":1}";
	struct inbox_item items[] = {item("wamid.1", one), item("wamid.2", "{}"), item("wamid.1", "{}")};
	struct received r = {0};
	char text[400] = "";

	assert_int_equal(store_put_inbox(rig->store, items, 3, on_received, &r), 0);
	memset(one, 'x', sizeof(one) - 1); /* texts were copied */
	store_rig_await(rig, &r.done, 1);
	assert_string_equal(r.news, "nno");
	items[0] = item("wamid.3", "{}");
	assert_string_equal(receive(rig, items, 2).news, "no");
	assert_int_equal(receive(rig, items, 0).count, 0);
	assert_int_equal(store_done_inbox(rig->store, "wamid.2"), 0);
	assert_int_equal(store_done_inbox(rig->store, "wamid.unknown"), 0);
	store_rig_reopen(rig);
	assert_int_equal(store_load_inbox(rig->store, collect, text), 0);
	assert_string_equal(text, "wamid.1={\"m\":1} wamid.3={} ");
	assert_int_equal(
		store_rig_number(rig, "SELECT count(*) FROM inbox WHERE message_id = 'wamid.2' AND json IS NULL"), 1);
	items[0] = item("wamid.2", "{}"); /* repeated by Meta after it was dealt with */
	assert_string_equal(receive(rig, items, 1).news, "o");
	assert_int_equal(
		store_rig_number(rig, "SELECT count(*) FROM inbox WHERE message_id = 'wamid.2' AND json IS NULL"), 1);
}

static void thousand_messages_in_one_transaction(void **state)
{
	static char ids[INBOX_ITEMS_MAX][32];
	static struct inbox_item items[INBOX_ITEMS_MAX + 1];
	struct store_rig *rig = *state;
	struct received r;

	for (int i = 0; i < INBOX_ITEMS_MAX; i++) {
		snprintf(ids[i], sizeof(ids[i]), "wamid.%d", i);
		items[i] = item(ids[i], "{\"text\":\"hello\"}");
	}
	assert_int_equal(store_put_inbox(rig->store, items, INBOX_ITEMS_MAX + 1, on_received, &r), -EINVAL);
	assert_int_equal(strspn(receive(rig, items, INBOX_ITEMS_MAX).news, "n"), INBOX_ITEMS_MAX);
	assert_int_equal(strspn(receive(rig, items, INBOX_ITEMS_MAX).news, "o"), INBOX_ITEMS_MAX);
	assert_int_equal(store_rig_number(rig, "SELECT count(*) FROM inbox"), INBOX_ITEMS_MAX);
}

static void hostile_texts(void **state)
{
	struct store_rig *rig = *state;
	char long_id[600];
	struct inbox_item items[] = {item("', NULL); DROP TABLE inbox; --", "\x01\xff not JSON"), item("", "")};
	struct received r = {0};
	char text[400] = "";

	memset(long_id, 'i', sizeof(long_id));
	long_id[513] = '\0';
	assert_string_equal(receive(rig, items, 2).news, "nn");
	items[0].message_id = long_id;
	assert_int_equal(store_put_inbox(rig->store, items, 1, on_received, &r), -EINVAL);
	long_id[512] = '\0';
	assert_string_equal(receive(rig, items, 1).news, "n");
	store_done_inbox(rig->store, long_id);
	store_rig_flush(rig);
	assert_int_equal(store_load_inbox(rig->store, collect, text), 0);
	assert_string_equal(text, "', NULL); DROP TABLE inbox; --=\x01\xff not JSON = ");
}

static void old_ids_are_forgotten(void **state)
{
	struct store_rig *rig = *state;
	struct inbox_item first[] = {item("old", "{}"), item("edge", "{}")}, later = item("new", "{}");

	first[1].received_ms = now + 1;
	receive(rig, first, 2);
	later.received_ms = now + INBOX_KEEP_MS + 1;
	assert_string_equal(receive(rig, &later, 1).news, "n");
	assert_int_equal(store_rig_number(rig, "SELECT count(*) FROM inbox WHERE message_id = 'old'"), 0);
	assert_int_equal(store_rig_number(rig, "SELECT count(*) FROM inbox"), 2);
}

/* ---- crashes ---- */

static void die(int status, const bool *is_new, size_t count, void *arg)
{
	(void)is_new;
	(void)arg;
	if (status == 0 && count == 2)
		store_rig_die();
}

static void receive_and_die(struct store_rig *rig)
{
	const struct inbox_item items[] = {item("wamid.1", "{\"a\":1}"), item("wamid.2", "{\"a\":2}")};
	const int never = 0;

	if (store_put_inbox(rig->store, items, 2, die, NULL) == 0)
		store_rig_await(rig, &never, 1);
}

static void messages_survive_kill(void **state)
{
	struct store_rig *rig = *state;
	const struct inbox_item again = item("wamid.2", "{}");
	char text[400] = "";

	store_rig_killed(rig, receive_and_die);
	assert_int_equal(store_load_inbox(rig->store, collect, text), 0);
	assert_string_equal(text, "wamid.1={\"a\":1} wamid.2={\"a\":2} ");
	assert_string_equal(receive(rig, &again, 1).news, "o");
}

/* ---- a database that refuses ---- */

static void locked_database_is_reported_and_nothing_is_kept(void **state)
{
	struct store_rig *rig = *state;
	const struct inbox_item one = item("wamid.1", "{}");
	struct received r = {0};
	sqlite3 *other = store_rig_lock(rig);

	assert_int_equal(store_put_inbox(rig->store, &one, 1, on_received, &r), 0);
	store_rig_await(rig, &r.done, 1);
	assert_int_equal(r.status, -EBUSY);
	assert_int_equal(r.count, 0);
	sqlite3_close(other);
	assert_string_equal(receive(rig, &one, 1).news, "n"); /* Meta repeats what was not answered 200 */
}

/* One row that can never be written: of its request nothing stays, the others do not suffer. */
static void poison_takes_nobody_with_it(void **state)
{
	struct store_rig *rig = *state;
	const struct inbox_item bad[] = {item("beside", "{}"), item("poison", "{}")}, good = item("good", "{}");
	uint64_t errors = counter_sum(CNT_STORE_ERRORS);
	struct received before = {0}, poisoned = {0}, after = {0};
	sqlite3 *other;

	store_rig_sql(rig, "CREATE TRIGGER no BEFORE INSERT ON inbox WHEN NEW.message_id = 'poison'"
			   " BEGIN SELECT RAISE(ABORT, 'no'); END");
	other = store_rig_lock(rig); /* so that they come into one transaction */
	assert_int_equal(store_put_inbox(rig->store, &good, 1, on_received, &before), 0);
	assert_int_equal(store_put_inbox(rig->store, bad, 2, on_received, &poisoned), 0);
	assert_int_equal(store_put_inbox(rig->store, bad, 1, on_received, &after), 0);
	sqlite3_close(other);
	store_rig_await(rig, &after.done, 1);
	assert_int_equal(before.status, 0);
	assert_string_equal(before.news, "n");
	assert_int_equal(poisoned.status, -EINVAL);
	assert_int_equal(poisoned.count, 0);
	assert_string_equal(after.news, "n"); /* "beside" had not been kept */
	assert_int_equal(counter_sum(CNT_STORE_ERRORS) - errors, 1);
}

/* A limit on the size of files stands for the full disk: in the child, which then dies. */
static void full_disk_and_die(struct store_rig *rig)
{
	static char json[200000];
	struct rlimit limit = {.rlim_cur = 300000, .rlim_max = RLIM_INFINITY};
	const struct inbox_item small = item("small", "{}");
	struct inbox_item large[2];
	struct received r = {0};

	signal(SIGXFSZ, SIG_IGN);
	memset(json, 'x', sizeof(json) - 1);
	large[0] = item("large.1", json);
	large[1] = item("large.2", json);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || store_put_inbox(rig->store, large, 2, on_received, &r) < 0)
		return;
	store_rig_await(rig, &r.done, 1);
	if (r.status != -ENOSPC && r.status != -EIO)
		return;
	limit.rlim_cur = RLIM_INFINITY; /* space again */
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || store_put_inbox(rig->store, &small, 1, on_received, &r) < 0)
		return;
	store_rig_await(rig, &r.done, 2);
	if (r.status == 0 && r.news[0] == 'n')
		store_rig_die();
}

static void full_disk_is_reported_and_left_behind(void **state)
{
	struct store_rig *rig = *state;
	char text[400] = "";

	store_rig_killed(rig, full_disk_and_die);
	assert_int_equal(store_load_inbox(rig->store, collect, text), 0);
	assert_string_equal(text, "small={} ");
}

static void memory_of_waiting_messages_is_bounded(void **state)
{
	enum { LARGE = 4 * 1048576 };
	struct store_rig *rig = *state;
	char *json = malloc(LARGE + 1);
	struct received r = {0};
	int asked = 0, status;
	struct inbox_item one;
	sqlite3 *other = store_rig_lock(rig);

	memset(json, 'x', LARGE);
	json[LARGE] = '\0';
	one = item("large", json);
	while ((status = store_put_inbox(rig->store, &one, 1, on_received, &r)) == 0)
		asked++;
	assert_int_equal(status, -EAGAIN);
	assert_true(asked >= 8 && asked <= 16);
	sqlite3_close(other);
	store_rig_await(rig, &r.done, asked);
	assert_int_equal(store_put_inbox(rig->store, &one, 1, on_received, &r), 0); /* room again */
	store_rig_await(rig, &r.done, asked + 1);
	free(json);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, store_rig_set_up, store_rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(each_message_is_new_once),
		TEST(thousand_messages_in_one_transaction),
		TEST(hostile_texts),
		TEST(old_ids_are_forgotten),
		TEST(messages_survive_kill),
		TEST(locked_database_is_reported_and_nothing_is_kept),
		TEST(poison_takes_nobody_with_it),
		TEST(full_disk_is_reported_and_left_behind),
		TEST(memory_of_waiting_messages_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
