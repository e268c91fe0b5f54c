#include "tests/unit/store/store_rig.h"

#include "lib/base/clock.h"
#include "lib/loop/loop.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 60000 };

void store_rig_open(struct store_rig *rig)
{
	int r = store_open(rig->loop, rig->dir.url, &rig->store, rig->why, sizeof(rig->why));

	if (r < 0)
		fail_msg("store_open: %d %s", r, rig->why);
}

int store_rig_set_up(void **state)
{
	struct store_rig *rig = calloc(1, sizeof(*rig));

	temp_dir_make(&rig->dir);
	assert_int_equal(loop_new(&rig->loop), 0);
	store_rig_open(rig);
	*state = rig;
	return 0;
}

int store_rig_tear_down(void **state)
{
	struct store_rig *rig = *state;

	store_close(rig->store);
	loop_free(rig->loop);
	temp_dir_remove(&rig->dir);
	free(rig);
	return 0;
}

void store_rig_reopen(struct store_rig *rig)
{
	rig->store = store_close(rig->store);
	store_rig_open(rig);
}

void store_rig_await(struct store_rig *rig, const int *flag, int wanted)
{
	uint64_t deadline = clock_mono_us() + DEADLINE_MS * 1000ull;

	while (*flag < wanted) {
		assert_true(clock_mono_us() < deadline);
		loop_step(rig->loop, 20);
	}
}

static void on_flushed(void *arg)
{
	++*(int *)arg;
}

void store_rig_flush(struct store_rig *rig)
{
	int done = 0;

	assert_int_equal(store_flush(rig->store, on_flushed, &done), 0);
	store_rig_await(rig, &done, 1);
}

static sqlite3 *connect_other(struct store_rig *rig)
{
	sqlite3 *other = NULL;

	assert_int_equal(sqlite3_open(rig->dir.file, &other), SQLITE_OK);
	sqlite3_busy_timeout(other, DEADLINE_MS);
	return other;
}

void store_rig_sql(struct store_rig *rig, const char *sql)
{
	sqlite3 *other = connect_other(rig);
	int rc = sqlite3_exec(other, sql, NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(other));
	sqlite3_close(other);
}

int64_t store_rig_number(struct store_rig *rig, const char *sql)
{
	sqlite3 *other = connect_other(rig);
	sqlite3_stmt *st = NULL;
	int64_t number = INT64_MIN;

	if (sqlite3_prepare_v2(other, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(other));
	if (sqlite3_step(st) == SQLITE_ROW)
		number = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(other);
	return number;
}

sqlite3 *store_rig_lock(struct store_rig *rig)
{
	sqlite3 *other = connect_other(rig);

	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return other;
}

void store_rig_die(void)
{
	kill(getpid(), SIGKILL);
	_exit(1); /* not reached */
}

void store_rig_killed(struct store_rig *rig, void (*fn)(struct store_rig *rig))
{
	int status;
	pid_t child;

	rig->store = store_close(rig->store);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct store_rig mine = {.dir = rig->dir};

		if (loop_new(&mine.loop) == 0 &&
			store_open(mine.loop, mine.dir.url, &mine.store, mine.why, sizeof(mine.why)) == 0)
			fn(&mine);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	store_rig_open(rig);
}
