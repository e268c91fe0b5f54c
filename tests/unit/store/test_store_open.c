/* Opening: what is wrong with the file is said in words that name it; versions of the schema; reading for the command
 * line. */
#include "lib/base/str.h"
#include "lib/loop/loop.h"
#include "store/schema.h"
#include "store/store.h"
#include "store/store_dial.h"
#include "tests/unit/store/schema_v1.h"
#include "tests/unit/store/temp_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct temp_dir dir;
	struct loop *loop;
	char why[300];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	temp_dir_make(&f->dir);
	assert_int_equal(loop_new(&f->loop), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	loop_free(f->loop);
	temp_dir_remove(&f->dir);
	free(f);
	return 0;
}

static int try_open(struct fixture *f, const char *url)
{
	struct store *s = NULL;
	int r = store_open(f->loop, url, &s, f->why, sizeof(f->why));

	if (r < 0)
		assert_null(s);
	store_close(s);
	return r;
}

static void write_file(const char *path, const char *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	fclose(file);
}

static void run_sql(struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->dir.file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void new_file_is_private(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-lock"};
	struct fixture *f = *state;
	struct store *s = NULL;
	mode_t mask = umask(0);

	assert_int_equal(store_open(f->loop, f->dir.url, &s, f->why, sizeof(f->why)), 0);
	umask(mask);
	for (size_t i = 0; i < 3; i++) {
		char name[128];
		struct stat st;

		snprintf(name, sizeof(name), "%s%s", f->dir.file, suffixes[i]);
		assert_int_equal(stat(name, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	store_close(s);
}

static void bad_urls(void **state)
{
	struct fixture *f = *state;
	char url[160];

	assert_int_equal(try_open(f, "postgresql://localhost/calls"), -EPROTONOSUPPORT);
	assert_non_null(strstr(f->why, "sqlite:PATH"));
	assert_int_equal(try_open(f, ""), -EPROTONOSUPPORT);
	assert_int_equal(try_open(f, "sqlite:"), -EINVAL);
	snprintf(url, sizeof(url), "sqlite:%s/no/such/calls.db", f->dir.path);
	assert_int_equal(try_open(f, url), -ENOENT);
	assert_non_null(strstr(f->why, "/no/such does not exist"));
	snprintf(url, sizeof(url), "sqlite:%s", f->dir.path);
	assert_int_equal(try_open(f, url), -EISDIR);
	assert_int_equal(try_open(f, "sqlite:/dev/null"), -EISDIR);
	assert_non_null(strstr(f->why, "/dev/null: is not a file"));
	assert_int_equal(try_open(f, "sqlite::memory:"), 0);
}

/* Damage of each kind: refused, named, and the file left as it was. */
static void damaged_files(void **state)
{
	struct fixture *f = *state;
	char garbage[8192];

	memset(garbage, 'g', sizeof(garbage));
	write_file(f->dir.file, garbage, sizeof(garbage));
	assert_int_equal(try_open(f, f->dir.url), -EBADMSG);
	assert_non_null(strstr(f->why, f->dir.file));
	assert_non_null(strstr(f->why, "not a database"));

	memcpy(garbage, "SQLite format 3", 16); /* a header and then nonsense */
	write_file(f->dir.file, garbage, sizeof(garbage));
	assert_int_equal(try_open(f, f->dir.url), -EBADMSG);

	write_file(f->dir.file, "", 0); /* an empty file is an empty database */
	assert_int_equal(try_open(f, f->dir.url), 0);
	assert_int_equal(try_open(f, f->dir.url), 0);
}

static void other_versions(void **state)
{
	struct fixture *f = *state;
	char sql[64];

	run_sql(f, "CREATE TABLE cookies (name TEXT)");
	assert_int_equal(try_open(f, f->dir.url), -EBADMSG);
	assert_non_null(strstr(f->why, "not a watrunk call log"));
	unlink(f->dir.file);

	assert_int_equal(try_open(f, f->dir.url), 0);
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", SCHEMA_VERSION + 1);
	run_sql(f, sql);
	assert_int_equal(try_open(f, f->dir.url), -EPROTO);
	assert_non_null(strstr(f->why, "newer watrunk"));
	assert_int_equal(store_read(f->dir.url, &(struct store_query){0}, NULL, NULL, f->why, sizeof(f->why)), -EPROTO);
}

static void count_old_record(const struct call_record *r, void *arg)
{
	assert_string_equal(r->id, "c-old");
	assert_string_equal(r->user_name, "Zoe");
	assert_int_equal(r->started_ms, 1700000000000);
	assert_string_equal(r->tenant, "");
	assert_true(r->wa_rx.mos == 4.25);
	assert_int_equal(r->answered_ms, 0);
	++*(int *)arg;
}

static void count_old_live(const struct live_call *live, void *arg)
{
	assert_string_equal(live->id, "c-live");
	assert_string_equal(live->wacid, "wacid.B");
	assert_int_equal(live->started_ms, 1700000001000);
	assert_false(live->outbound);
	assert_string_equal(live->tenant, "");
	++*(int *)arg;
}

static void version_1_is_brought_up_to_date(void **state)
{
	const struct store_query all = {.gateway = "pbx"};
	const struct permission p = {.number_id = "n", .user = "u"};
	struct fixture *f = *state;
	struct store *s = NULL;
	int records = 0, live = 0;

	run_sql(f, schema_v1);
	run_sql(f, rows_v1);
	assert_int_equal(store_read(f->dir.url, &all, count_old_record, &records, f->why, sizeof(f->why)), -EPROTO);
	assert_non_null(strstr(f->why, "start watrunk on it once"));
	assert_int_equal(store_open(f->loop, f->dir.url, &s, f->why, sizeof(f->why)), 0);
	assert_int_equal(store_take_leftovers(s, count_old_live, &live), 0);
	assert_int_equal(store_put_permission(s, &p), 0); /* the new tables are there */
	store_close(s);
	assert_int_equal(live, 1);
	assert_int_equal(store_read(f->dir.url, &all, count_old_record, &records, f->why, sizeof(f->why)), 0);
	assert_int_equal(records, 1);
	assert_int_equal(try_open(f, f->dir.url), 0); /* and not a second time */
}

static void failed_migration_changes_nothing(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db = NULL;

	run_sql(f, schema_v1);
	run_sql(f, rows_v1);
	run_sql(f, "CREATE TABLE outbox (x)"); /* in the way of the second step */
	assert_int_equal(try_open(f, f->dir.url), -EIO);
	assert_non_null(strstr(f->why, "outbox"));
	assert_int_equal(sqlite3_open(f->dir.file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "SELECT outbound FROM live_calls", NULL, NULL, NULL), SQLITE_ERROR);
	assert_int_equal(sqlite3_exec(db, "SELECT 1 FROM permissions", NULL, NULL, NULL), SQLITE_ERROR);
	sqlite3_close(db);
	run_sql(f, "DROP TABLE outbox");
	assert_int_equal(try_open(f, f->dir.url), 0);
}

static void locked_file(void **state)
{
	struct fixture *f = *state;
	sqlite3 *other = NULL;

	assert_int_equal(sqlite3_open(f->dir.file, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE; CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(try_open(f, f->dir.url), -EBUSY);
	assert_non_null(strstr(f->why, f->dir.file));
	assert_non_null(strstr(f->why, "locked"));
	sqlite3_close(other);
	assert_int_equal(try_open(f, f->dir.url), 0);
}

static void second_store_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *first = NULL;

	assert_int_equal(store_open(f->loop, f->dir.url, &first, f->why, sizeof(f->why)), 0);
	assert_int_equal(try_open(f, f->dir.url), -EBUSY);
	assert_non_null(strstr(f->why, "in use by another watrunk"));
	store_close(first);
	assert_int_equal(try_open(f, f->dir.url), 0);
}

/* Root may write anywhere: the child is somebody else. */
static int open_as_nobody(struct fixture *f)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(1);
		_exit(-try_open(f, f->dir.url));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void no_permission(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chmod(f->dir.path, 0555), 0); /* a directory where nothing can be made */
	assert_int_equal(open_as_nobody(f), -EACCES);
	assert_int_equal(chmod(f->dir.path, 0755), 0);
	assert_int_equal(try_open(f, f->dir.url), 0);
	assert_int_equal(chmod(f->dir.file, 0444), 0);
	assert_int_equal(open_as_nobody(f), -EACCES);
}

static void count_record(const struct call_record *r, void *arg)
{
	assert_string_equal(r->id, "c-1");
	++*(int *)arg;
}

static void reading_without_a_store(void **state)
{
	struct fixture *f = *state;
	const struct store_query all = {0};
	struct store *s = NULL;
	struct call_record *r;
	int count = 0;

	assert_int_equal(store_read(f->dir.url, &all, count_record, &count, f->why, sizeof(f->why)), -ENOENT);
	assert_non_null(strstr(f->why, f->dir.file));
	assert_true(access(f->dir.file, F_OK) < 0); /* asking creates nothing */
	assert_int_equal(store_open(f->loop, f->dir.url, &s, f->why, sizeof(f->why)), 0);
	r = call_record_new();
	assert_non_null(r);
	str_copy(r->id, sizeof(r->id), "c-1");
	assert_int_equal(store_give_record(s, r), 0);
	s = store_close(s);
	assert_int_equal(store_read(f->dir.url, &all, count_record, &count, f->why, sizeof(f->why)), 0);
	assert_int_equal(count, 1);
	assert_int_equal(
		store_open(f->loop, f->dir.url, &s, f->why, sizeof(f->why)), 0); /* and beside a running store */
	assert_int_equal(store_read(f->dir.url, &all, count_record, &count, f->why, sizeof(f->why)), 0);
	assert_int_equal(count, 2);
	store_close(s);
	assert_int_equal(store_read(f->dir.url, &(struct store_query){.status = "?"}, count_record, &count, f->why,
				 sizeof(f->why)),
		-EINVAL);
	assert_int_equal(store_read("mysql:x", &all, count_record, &count, f->why, sizeof(f->why)), -EPROTONOSUPPORT);
}

static void names_of_status(void **state)
{
	enum call_status status = CALL_STATUS_FAILED;

	(void)state;
	for (int i = CALL_STATUS_COMPLETED; i <= CALL_STATUS_CANCELLED; i++) {
		assert_int_equal(call_status_parse(call_status_name((enum call_status)i), &status), 0);
		assert_int_equal(status, i);
	}
	assert_int_equal(call_status_parse("Completed", &status), -EINVAL);
	assert_int_equal(call_status_parse(NULL, &status), -EINVAL);
	assert_string_equal(call_status_name((enum call_status)99), "unknown");
	assert_null(call_record_free(NULL));
	assert_null(store_close(NULL));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(new_file_is_private),
		TEST(bad_urls),
		TEST(damaged_files),
		TEST(other_versions),
		TEST(version_1_is_brought_up_to_date),
		TEST(failed_migration_changes_nothing),
		TEST(locked_file),
		TEST(second_store_is_refused),
		TEST(no_permission),
		TEST(reading_without_a_store),
		cmocka_unit_test(names_of_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
