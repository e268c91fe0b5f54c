/* Out of memory at every place: our allocations, and SQLite's, which are sent through ours. The answer is -ENOMEM (or,
 * where SQLite can do without, success), nothing leaks, and the next try works. */
#include "lib/base/str.h"
#include "lib/loop/loop.h"
#include "store/sqlite.h"
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

/* ---- the database ---- */

static struct call_record *sample(void)
{
	struct call_record *r = call_record_new();

	assert_non_null(r);
	str_copy(r->id, sizeof(r->id), "c-1");
	r->sdp_wa_remote = strdup("v=0");
	assert_non_null(r->sdp_wa_remote);
	return r;
}

/* The library allocates tens of thousands of times for the steps of a new database's schema: every one of the first,
 * then one of every hundredth part. */
static unsigned next_of_many(unsigned n)
{
	return n + 1 + n / 100;
}

static void opening(void **state)
{
	struct temp_dir dir;
	struct db *db = NULL;
	char why[200];

	(void)state;
	temp_dir_make(&dir);
	for (unsigned n = 1; oom_next(n); n = next_of_many(n)) {
		int r = db_open(dir.file, DB_WRITE, &db, why, sizeof(why));

		oom_off();
		assert_true(r == 0 || r == -ENOMEM);
		if (r < 0)
			assert_non_null(strstr(why, dir.file));
		else
			db = db_close(db);
	}
	assert_int_equal(db_open(dir.file, DB_READ, &db, why, sizeof(why)), 0);
	db_close(db);
	temp_dir_remove(&dir);
}

static int write_all(struct db *db, const struct call_record *r, const struct live_call *live)
{
	bool is_new = false;
	int status = db_begin(db);

	if (status == 0)
		status = db_put_live(db, live);
	if (status == 0)
		status = db_put_record(db, r, &is_new);
	if (status == 0)
		status = db_commit(db);
	if (status < 0)
		db_rollback(db);
	return status;
}

static int count_live(const struct live_call *live, void *arg)
{
	(void)live;
	++*(int *)arg;
	return 0;
}

static int count_record(struct call_record *r, void *arg)
{
	call_record_free(r);
	++*(int *)arg;
	return 0;
}

static void writing_and_reading(void **state)
{
	const struct live_call live = {.id = "c-2"};
	struct call_record *r = sample();
	struct db *db = NULL;
	char why[200];
	int count;

	(void)state;
	assert_int_equal(db_open(":memory:", DB_WRITE, &db, why, sizeof(why)), 0);
	for (unsigned n = 1; oom_next(n); n++) {
		int status = write_all(db, r, &live);

		oom_off();
		assert_true(status == 0 || status == -ENOMEM);
	}
	assert_int_equal(write_all(db, r, &live), 0);
	for (unsigned n = 1; oom_next(n); n++) {
		int status;

		count = 0;
		status = db_find(db, &(struct store_query){.status = "completed"}, count_record, &count);
		oom_off();
		assert_true(status == 0 ? count == 1 : status == -ENOMEM);
	}
	for (unsigned n = 1; oom_next(n); n++) {
		int status;

		count = 0;
		status = db_each_live(db, count_live, &count);
		oom_off();
		assert_true(status == 0 ? count == 1 : status == -ENOMEM);
	}
	call_record_free(r);
	db_close(db);
}

/* ---- the handle ---- */

static void on_done(void *arg)
{
	++*(int *)arg;
}

static void on_found(int status, const struct call_record *const *records, size_t count, void *arg)
{
	(void)records;
	assert_true(status < 0 || count <= 1);
	++*(int *)arg;
}

static void opening_a_store(void **state)
{
	struct loop *l = NULL;
	struct store *s = NULL;
	char why[200];

	(void)state;
	assert_int_equal(loop_new(&l), 0);
	for (unsigned n = 1; oom_next(n); n = next_of_many(n)) {
		int r = store_open(l, "sqlite::memory:", &s, why, sizeof(why));

		oom_off();
		assert_true(r == 0 || r == -ENOMEM);
		if (r == 0)
			s = store_close(s);
	}
	loop_free(l);
}

static void asking_a_store(void **state)
{
	struct loop *l = NULL;
	struct store *s = NULL;
	char why[200];
	int expected = 0, done = 0;

	(void)state;
	assert_int_equal(loop_new(&l), 0);
	assert_int_equal(store_open(l, "sqlite::memory:", &s, why, sizeof(why)), 0);
	for (unsigned n = 1; oom_next(n); n++) {
		struct live_call live = {.id = "x"};
		int r = store_put_live(s, &live);

		assert_true(r == 0 || r == -ENOMEM);
		r = store_find(s, &(struct store_query){0}, on_found, &done);
		assert_true(r == 0 || r == -ENOMEM);
		expected += r == 0;
		r = store_flush(s, on_done, &done);
		assert_true(r == 0 || r == -ENOMEM);
		expected += r == 0;
		oom_off();
	}
	for (unsigned n = 1; oom_next(n); n++) {
		struct call_record *record = call_record_new();

		if (record) {
			int r = store_give_record(s, record);

			assert_true(r == 0 || r == -EAGAIN); /* the record is gone either way */
		}
		oom_off();
	}
	s = store_close(s);
	assert_int_equal(done, expected);
	loop_free(l);
}

static void ignore_live(const struct live_call *live, void *arg)
{
	(void)live;
	++*(int *)arg;
}

static void leftovers_are_kept_for_the_next_try(void **state)
{
	const struct live_call live = {.id = "x"};
	struct temp_dir dir;
	struct loop *l = NULL;
	struct store *s = NULL;
	char why[200];
	int seen = 0;

	(void)state;
	temp_dir_make(&dir);
	assert_int_equal(loop_new(&l), 0);
	assert_int_equal(store_open(l, dir.url, &s, why, sizeof(why)), 0);
	assert_int_equal(store_put_live(s, &live), 0);
	s = store_close(s);
	assert_int_equal(store_open(l, dir.url, &s, why, sizeof(why)), 0);
	for (unsigned n = 1; oom_next(n); n++) {
		int r = store_take_leftovers(s, ignore_live, &seen);

		oom_off();
		assert_true(r == 0 ? seen == 1 : r == -ENOMEM && seen == 0);
	}
	assert_int_equal(seen, 1);
	store_close(s);
	loop_free(l);
	temp_dir_remove(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening),
		cmocka_unit_test(writing_and_reading),
		cmocka_unit_test(opening_a_store),
		cmocka_unit_test(asking_a_store),
		cmocka_unit_test(leftovers_are_kept_for_the_next_try),
	};

	return cmocka_run_group_tests(tests, sql_oom_set_up, NULL);
}
