/* The call log as the control thread sees it: records in, questions answered, crashes survived, a database that refuses
 * writes. */
#include "lib/base/clock.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "lib/loop/loop.h"
#include "store/store.h"
#include "tests/unit/store/temp_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 60000, DAY_1 = 1700000000 };

struct fixture {
	struct temp_dir dir;
	struct loop *loop;
	struct store *store;
	char why[300];
};

static void open_store(struct fixture *f)
{
	int r = store_open(f->loop, f->dir.url, &f->store, f->why, sizeof(f->why));

	if (r < 0)
		fail_msg("store_open: %d %s", r, f->why);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	temp_dir_make(&f->dir);
	assert_int_equal(loop_new(&f->loop), 0);
	open_store(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	loop_free(f->loop);
	temp_dir_remove(&f->dir);
	free(f);
	return 0;
}

static void reopen(struct fixture *f)
{
	f->store = store_close(f->store);
	open_store(f);
}

static void await(struct fixture *f, const int *flag, int wanted)
{
	uint64_t deadline = clock_mono_us() + DEADLINE_MS * 1000ull;

	while (*flag < wanted) {
		assert_true(clock_mono_us() < deadline);
		loop_step(f->loop, 20);
	}
}

static void on_flushed(void *arg)
{
	++*(int *)arg;
}

static void flush(struct fixture *f)
{
	int done = 0;

	assert_int_equal(store_flush(f->store, on_flushed, &done), 0);
	await(f, &done, 1);
}

struct found {
	int done, status;
	size_t count;
	char ids[1000][40];
	struct call_record first; /* without its heap texts, but for copies of three of them below */
	char sdp_wa_remote[64], sdp_sip_local[64], attempts[64];
};

static void on_found(int status, const struct call_record *const *records, size_t count, void *arg)
{
	struct found *found = arg;

	found->done++;
	found->status = status;
	found->count = count;
	assert_true(count <= 1000);
	for (size_t i = 0; i < count; i++)
		str_copy(found->ids[i], sizeof(found->ids[i]), records[i]->id);
	if (count > 0) {
		found->first = *records[0];
		str_copy(found->sdp_wa_remote, sizeof(found->sdp_wa_remote), records[0]->sdp_wa_remote);
		str_copy(found->sdp_sip_local, sizeof(found->sdp_sip_local), records[0]->sdp_sip_local);
		str_copy(found->attempts, sizeof(found->attempts), records[0]->attempts ? records[0]->attempts : "");
	}
}

static struct found *find(struct fixture *f, const struct store_query *query)
{
	static struct found found;

	memset(&found, 0, sizeof(found));
	assert_int_equal(store_find(f->store, query, on_found, &found), 0);
	await(f, &found.done, 1);
	assert_int_equal(found.done, 1);
	return &found;
}

static struct call_record *record(const char *id, uint64_t started_s)
{
	struct call_record *r = call_record_new();

	assert_non_null(r);
	str_copy(r->id, sizeof(r->id), id);
	r->started_ms = started_s * 1000;
	return r;
}

/* ---- one record, every column ---- */

static struct call_record *full_record(void)
{
	struct call_record *r = record("c-full", DAY_1);

	str_copy(r->wacid, sizeof(r->wacid), "wacid.HBgLMTIxODU1NTI4MjgVAgARGCAyODRCMzNDM0YA");
	str_copy(r->direction, sizeof(r->direction), "inbound");
	str_copy(r->number_id, sizeof(r->number_id), "106540352242922");
	str_copy(r->number, sizeof(r->number), "+15550783881");
	str_copy(r->user_number, sizeof(r->user_number), "447700900123");
	str_copy(r->user_id, sizeof(r->user_id), "u'); DROP TABLE calls; --");
	str_copy(r->user_name, sizeof(r->user_name), "Zo\xc3\xab \xf0\x9f\x98\x80");
	str_copy(r->gateway, sizeof(r->gateway), "pbx");
	str_copy(r->sip_call_id, sizeof(r->sip_call_id), "a84b4c76e66710@example.net");
	str_copy(r->sip_target, sizeof(r->sip_target), "sip:100@127.0.0.1");
	str_copy(r->rule, sizeof(r->rule), "office hours");
	str_copy(r->payload, sizeof(r->payload), "order=17");
	r->status = CALL_STATUS_REJECTED;
	str_copy(r->cause, sizeof(r->cause), "sip_busy");
	r->sip_code = 486;
	r->q850 = 17;
	r->meta_code = 138000;
	str_copy(r->meta_text, sizeof(r->meta_text), "Calling not enabled");
	str_copy(r->ended_by, sizeof(r->ended_by), "sip");
	r->rang_ms = r->started_ms + 1;
	r->answered_ms = r->started_ms + 2;
	r->ended_ms = r->started_ms + 3;
	r->duration_ms = 1;
	str_copy(r->wa_codec, sizeof(r->wa_codec), "opus");
	str_copy(r->sip_codec, sizeof(r->sip_codec), "PCMU");
	r->wa_rx = (struct quality){1, 2, 3, 4, 5, 6, 7, 8.5, 9.5, 10.5, 11.5, 4.25};
	r->sip_rx = (struct quality){21, 22, 23, 24, 25, 26, 27, 28.5, 29.5, 30.5, 31.5, 3.25};
	r->wa_rx.fec_ms = 41;
	r->wa_rx.burst_ratio = 1.25;
	r->sip_rx.remote_mos = 3.75;
	r->sip_rx.mos_listening = 4.125;
	r->greeting_held_ms = 640;
	r->setup_invite_us = 31;
	r->setup_accept_us = 32;
	r->ice_ms = 33;
	r->dtls_ms = 34;
	r->first_audio_wa_ms = 0; /* zero is a measurement */
	r->first_audio_sip_ms = 36;
	r->sdp_wa_remote = strdup("v=0\r\no=- 1\r\n");
	r->sdp_sip_local = strdup("v=0\r\no=- 2\r\n");
	str_copy(r->accepted_on, sizeof(r->accepted_on), "early_media");
	str_copy(r->early_media, sizeof(r->early_media), "heard");
	r->attempts = strdup("[{\"gateway\": \"pbx\"}]");
	return r;
}

static void every_column_survives(void **state)
{
	struct fixture *f = *state;
	struct call_record *r = full_record();
	struct call_record expected = *r;
	struct found *found;

	assert_int_equal(store_give_record(f->store, r), 0);
	flush(f);
	reopen(f);
	found = find(f, &(struct store_query){.id = "c-full"});
	assert_int_equal(found->count, 1);
	assert_string_equal(found->sdp_wa_remote, "v=0\r\no=- 1\r\n");
	assert_string_equal(found->sdp_sip_local, "v=0\r\no=- 2\r\n");
	assert_string_equal(found->attempts, "[{\"gateway\": \"pbx\"}]");
	assert_null(found->first.sdp_wa_local);
	expected.sdp_wa_remote = found->first.sdp_wa_remote;
	expected.sdp_sip_local = found->first.sdp_sip_local;
	expected.attempts = found->first.attempts;
	assert_memory_equal(&found->first, &expected, sizeof(expected)); /* both from calloc: padding is zero */
}

static void not_measured_is_null(void **state)
{
	struct fixture *f = *state;
	struct call_record *r = record("c-none", DAY_1);
	struct found *found;

	r->wa_rx.mos = NAN;
	r->sip_rx.jitter_ms = HUGE_VAL;
	assert_int_equal(store_give_record(f->store, r), 0);
	found = find(f, &(struct store_query){.id = "c-none"});
	assert_int_equal(found->count, 1);
	assert_true(found->first.wa_rx.mos == -1.0);
	assert_true(found->first.sip_rx.jitter_ms == -1.0);
	assert_int_equal(found->first.wa_rx.packets, -1);
	assert_int_equal(found->first.ice_ms, -1);
	assert_int_equal(found->first.answered_ms, 0);
}

static void text_is_made_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"plain", "plain"},
		{"Zo\xc3\xab", "Zo\xc3\xab"},
		{"cut \xf0\x9f\x98", "cut ???"},
		{"latin1 \xe9t\xe9", "latin1 ?t?"},
		{"overlong \xc0\xaf", "overlong ??"},
		{"surrogate \xed\xa0\x80", "surrogate ???"},
		{"beyond \xf4\x90\x80\x80", "beyond ????"},
		{"\xe2\x82\xac\xff", "\xe2\x82\xac?"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_query query = {.limit = 1};
		struct call_record *r;

		snprintf(query.id, sizeof(query.id), "u-%zu", i);
		r = record(query.id, DAY_1);
		str_copy(r->user_name, sizeof(r->user_name), cases[i].in);
		r->sdp_wa_remote = strdup(cases[i].in);
		assert_int_equal(store_give_record(f->store, r), 0);
		assert_string_equal(find(f, &query)->first.user_name, cases[i].out);
		assert_string_equal(find(f, &query)->sdp_wa_remote, cases[i].out);
	}
}

static void same_id_twice_keeps_the_first(void **state)
{
	struct fixture *f = *state;
	struct call_record *one = record("c-1", DAY_1), *two = record("c-1", DAY_1 + 1);
	uint64_t writes = counter_sum(CNT_STORE_WRITES), errors = counter_sum(CNT_STORE_ERRORS);
	struct found *found;

	str_copy(one->cause, sizeof(one->cause), "first");
	str_copy(two->cause, sizeof(two->cause), "second");
	assert_int_equal(store_give_record(f->store, one), 0);
	assert_int_equal(store_give_record(f->store, two), 0);
	found = find(f, &(struct store_query){0});
	assert_int_equal(found->count, 1);
	assert_string_equal(found->first.cause, "first");
	assert_int_equal(counter_sum(CNT_STORE_WRITES) - writes, 1);
	assert_int_equal(counter_sum(CNT_STORE_ERRORS) - errors, 0);
}

/* ---- questions ---- */

static void put_ten(struct fixture *f)
{
	for (int i = 0; i < 10; i++) { /* started at DAY_1 + 0, 10, ... 90 s; written in another order */
		int n = (i * 7) % 10;
		char id[8];
		struct call_record *r;

		snprintf(id, sizeof(id), "q%d", n);
		r = record(id, DAY_1 + (uint64_t)n * 10);
		str_copy(r->user_number, sizeof(r->user_number), n % 2 ? "+447700900001" : "447700900002");
		str_copy(r->number, sizeof(r->number), n < 5 ? "+15550100" : "+15550199");
		str_copy(r->direction, sizeof(r->direction), n % 5 ? "inbound" : "outbound");
		str_copy(r->gateway, sizeof(r->gateway), n < 7 ? "pbx" : "ai");
		r->status = n % 3 ? CALL_STATUS_COMPLETED : CALL_STATUS_MISSED;
		assert_int_equal(store_give_record(f->store, r), 0);
	}
}

#define AT(n) ((DAY_1 + (n)*10ull) * 1000)

static void questions(void **state)
{
	static const struct {
		struct store_query query;
		const char *ids;
	} cases[] = {
		{{.limit = 0}, "q9 q8 q7 q6 q5 q4 q3 q2 q1 q0 "},
		{{.limit = 3}, "q9 q8 q7 "},
		{{.limit = 3, .offset = 2}, "q7 q6 q5 "},
		{{.limit = 3, .offset = 9}, "q0 "},
		{{.offset = 4000000000u}, ""},
		{{.limit = 4000000000u}, "q9 q8 q7 q6 q5 q4 q3 q2 q1 q0 "},
		{{.id = "q4"}, "q4 "},
		{{.id = "' OR 1=1 --"}, ""},
		{{.user_number = "+447700900001"}, "q9 q7 q5 q3 q1 "},
		{{.user_number = "447700900001"}, "q9 q7 q5 q3 q1 "},
		{{.user_number = "+447700900002"}, "q8 q6 q4 q2 q0 "},
		{{.number = "+15550100", .user_number = "447700900002"}, "q4 q2 q0 "},
		{{.status = "missed"}, "q9 q6 q3 q0 "},
		{{.status = "failed"}, ""},
		{{.direction = "outbound"}, "q5 q0 "},
		{{.gateway = "ai"}, "q9 q8 q7 "},
		{{.gateway = "pbx", .direction = "inbound", .limit = 2}, "q6 q4 "},
		{{.direction = "' OR 1"}, ""},
		{{.after_started_ms = AT(7), .after_id = "q7", .limit = 2}, "q6 q5 "},
		{{.after_started_ms = AT(7), .after_id = "", .limit = 2}, "q6 q5 "},
		{{.after_started_ms = AT(7), .after_id = "q8", .limit = 2}, "q7 q6 "},
		{{.after_started_ms = AT(7) + 1, .after_id = "gone", .limit = 1}, "q7 "},
		{{.after_started_ms = AT(7), .after_id = "q7", .status = "missed"}, "q6 q3 q0 "},
		{{.after_started_ms = AT(0), .after_id = "q0"}, ""},
		{{.after_started_ms = UINT64_MAX, .after_id = "x", .limit = 1}, "q9 "},
		{{.from_ms = AT(8)}, "q9 q8 "},
		{{.to_ms = AT(2)}, "q1 q0 "},
		{{.from_ms = AT(2), .to_ms = AT(4)}, "q3 q2 "},
		{{.from_ms = UINT64_MAX}, ""},
		{{.to_ms = UINT64_MAX, .status = "missed", .limit = 2}, "q9 q6 "},
	};
	struct fixture *f = *state;

	put_ten(f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct found *found = find(f, &cases[i].query);
		char text[64] = "";

		assert_int_equal(found->status, 0);
		for (size_t k = 0; k < found->count; k++) {
			strcat(text, found->ids[k]);
			strcat(text, " ");
		}
		assert_string_equal(text, cases[i].ids);
	}
	assert_int_equal(store_find(f->store, &(struct store_query){.status = "no such"}, on_found, NULL), -EINVAL);
}

/* Many calls start in the same millisecond; new ones come while somebody turns pages. */
static void pages_neither_miss_nor_repeat(void **state)
{
	enum { RECORDS = 100, PAGE = 7 };
	struct fixture *f = *state;
	struct store_query query = {.limit = PAGE};
	char seen[RECORDS] = {0};
	int count = 0;
	struct found *found;

	for (int i = 0; i < RECORDS; i++) {
		char id[16];

		snprintf(id, sizeof(id), "p%02d", (i * 37) % RECORDS);
		assert_int_equal(store_give_record(f->store, record(id, DAY_1 + (uint64_t)(i % 3))), 0);
	}
	while ((found = find(f, &query))->count > 0) {
		for (size_t i = 0; i < found->count; i++) {
			int n = atoi(found->ids[i] + 1);

			assert_int_equal(seen[n]++, 0);
			count++;
		}
		str_copy(query.after_id, sizeof(query.after_id), found->ids[found->count - 1]);
		found = find(f, &(struct store_query){.id = {query.after_id[0], query.after_id[1], query.after_id[2]}});
		query.after_started_ms = found->first.started_ms;
		snprintf(found->ids[0], sizeof(found->ids[0]), "new-%d", count);
		assert_int_equal(store_give_record(f->store, record(found->ids[0], DAY_1 + 10)), 0);
	}
	assert_int_equal(count, RECORDS);
}

static void too_many_questions_are_refused(void **state)
{
	static struct found found;
	struct fixture *f = *state;
	int asked = 0, r;

	memset(&found, 0, sizeof(found));
	while ((r = store_find(f->store, &(struct store_query){0}, on_found, &found)) == 0)
		asked++;
	assert_int_equal(r, -EAGAIN);
	assert_int_equal(store_flush(f->store, on_flushed, &asked), -EAGAIN);
	await(f, &found.done, asked);
	assert_int_equal(found.done, asked);
	assert_true(asked >= 16);
	assert_int_equal(store_find(f->store, &(struct store_query){0}, on_found, &found), 0);
	f->store = store_close(f->store); /* answers what is outstanding */
	assert_int_equal(found.done, asked + 1);
}

static void ten_thousand_records(void **state)
{
	enum { RECORDS = 10000 };
	struct fixture *f = *state;
	uint64_t writes = counter_sum(CNT_STORE_WRITES);
	struct found *found;

	for (int i = 0; i < RECORDS; i++) {
		struct call_record *r;
		char id[16];

		snprintf(id, sizeof(id), "n%05d", i);
		r = record(id, DAY_1 + (uint64_t)i);
		snprintf(r->user_number, sizeof(r->user_number), "+4477%08d", i % 50);
		assert_int_equal(store_give_record(f->store, r), 0);
		if (i % 1000 == 999)
			flush(f);
	}
	assert_int_equal(counter_sum(CNT_STORE_WRITES) - writes, RECORDS);
	found = find(f, &(struct store_query){.limit = 5000});
	assert_int_equal(found->count, 1000); /* the bound */
	assert_string_equal(found->ids[0], "n09999");
	assert_string_equal(found->ids[999], "n09000");
	reopen(f);
	found = find(f, &(struct store_query){.user_number = "+447700000007", .limit = 1000});
	assert_int_equal(found->count, RECORDS / 50);
}

static void full_queue_loses_and_counts(void **state)
{
	struct fixture *f = *state;
	uint64_t before = counter_sum(CNT_STORE_QUEUE_FULL), writes = counter_sum(CNT_STORE_WRITES);
	int accepted = 0, refused = 0;

	for (int i = 0; i < 20000; i++) {
		char id[16];
		int r;

		snprintf(id, sizeof(id), "b%d", i);
		r = store_give_record(f->store, record(id, DAY_1));
		assert_true(r == 0 || r == -EAGAIN);
		*(r == 0 ? &accepted : &refused) += 1;
	}
	f->store = store_close(f->store);
	assert_int_equal(counter_sum(CNT_STORE_WRITES) - writes, accepted);
	assert_int_equal(counter_sum(CNT_STORE_QUEUE_FULL) - before, refused);
}

/* ---- live calls ---- */

static void collect_live(const struct live_call *live, void *arg)
{
	char *text = arg;

	assert_string_equal(live->number_id, "106540352242922");
	strcat(text, live->id);
	strcat(text, "/");
	strcat(text, live->wacid);
	strcat(text, " ");
}

static void put_live(struct fixture *f, const char *id)
{
	struct live_call live = {.number_id = "106540352242922", .user_number = "+447700900123", .started_ms = 5};

	str_copy(live.id, sizeof(live.id), id);
	snprintf(live.wacid, sizeof(live.wacid), "wacid.%s", id);
	assert_int_equal(store_put_live(f->store, &live), 0);
}

static void record_forgets_live_call(void **state)
{
	struct fixture *f = *state;
	char left[256] = "";

	put_live(f, "a");
	put_live(f, "b");
	put_live(f, "b"); /* told twice */
	store_give_record(f->store, record("a", DAY_1));
	put_live(f, "a"); /* late: its record is there already */
	reopen(f);
	put_live(f, "new"); /* of this run: no leftover */
	assert_int_equal(store_take_leftovers(f->store, collect_live, left), 0);
	assert_string_equal(left, "b/wacid.b ");
	left[0] = '\0';
	assert_int_equal(store_take_leftovers(f->store, collect_live, left), 0);
	assert_string_equal(left, "");
	reopen(f);
	assert_int_equal(store_take_leftovers(f->store, collect_live, left), 0);
	assert_string_equal(left, "new/wacid.new ");
}

/* The child writes three live calls and a record, says when they are written, and is killed. */
static void killed_child(const struct temp_dir *dir, int ready_fd)
{
	struct fixture f = {.dir = *dir};
	int done = 0;

	if (loop_new(&f.loop) < 0 || store_open(f.loop, dir->url, &f.store, f.why, sizeof(f.why)) < 0)
		_exit(1);
	put_live(&f, "x");
	put_live(&f, "y");
	put_live(&f, "z");
	store_give_record(f.store, record("y", DAY_1));
	store_flush(f.store, on_flushed, &done);
	while (!done)
		loop_step(f.loop, 20);
	if (write(ready_fd, "!", 1) == 1)
		pause();
	_exit(1);
}

static void leftovers_after_kill(void **state)
{
	struct fixture *f = *state;
	char byte, left[256] = "";
	int ready[2];
	pid_t child;

	f->store = store_close(f->store);
	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		killed_child(&f->dir, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_int_equal(store_open(f->loop, f->dir.url, &f->store, f->why, sizeof(f->why)), -EBUSY);
	assert_non_null(strstr(f->why, "in use by another watrunk"));
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	open_store(f);
	assert_int_equal(store_take_leftovers(f->store, collect_live, left), 0);
	assert_string_equal(left, "x/wacid.x z/wacid.z ");
	assert_int_equal(find(f, &(struct store_query){0})->count, 1);
}

/* ---- a database that refuses ---- */

struct health {
	int ill, well;
	char why[300];
};

static void on_health(int status, const char *why, void *arg)
{
	struct health *h = arg;

	if (status < 0) {
		h->ill++;
		str_copy(h->why, sizeof(h->why), why);
	} else {
		h->well++;
	}
}

static sqlite3 *lock_database(struct fixture *f)
{
	sqlite3 *other = NULL;

	assert_int_equal(sqlite3_open(f->dir.file, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return other;
}

static void locked_database_is_waited_for(void **state)
{
	struct fixture *f = *state;
	uint64_t errors = counter_sum(CNT_STORE_ERRORS);
	struct health h = {0};
	sqlite3 *other = lock_database(f);
	int done = 0;

	store_on_health(f->store, on_health, &h);
	store_give_record(f->store, record("waits", DAY_1));
	store_flush(f->store, on_flushed, &done);
	await(f, &h.ill, 1);
	assert_non_null(strstr(h.why, f->dir.file));
	assert_non_null(strstr(h.why, "locked"));
	assert_int_equal(done, 0);
	assert_int_equal(find(f, &(struct store_query){0})->count, 0); /* questions are answered meanwhile */
	sqlite3_close(other);
	await(f, &done, 1);
	await(f, &h.well, 1);
	assert_int_equal(h.ill, 1);
	assert_int_equal(find(f, &(struct store_query){0})->count, 1);
	assert_int_equal(counter_sum(CNT_STORE_ERRORS), errors);
}

static void close_gives_up_on_a_locked_database(void **state)
{
	struct fixture *f = *state;
	uint64_t errors = counter_sum(CNT_STORE_ERRORS), start = clock_mono_us();
	sqlite3 *other = lock_database(f);
	int done = 0;

	store_give_record(f->store, record("lost", DAY_1));
	store_flush(f->store, on_flushed, &done);
	store_give_record(f->store, record("lost too", DAY_1));
	f->store = store_close(f->store);
	assert_int_equal(done, 1);
	assert_int_equal(counter_sum(CNT_STORE_ERRORS) - errors, 2);
	assert_true(clock_mono_us() - start < 20000000);
	sqlite3_close(other);
}

/* A limit on the size of files stands for the full disk; in a child, because it cannot be taken back. */
static void full_disk_child(struct temp_dir *dir)
{
	struct fixture f = {.dir = *dir};
	struct rlimit limit = {.rlim_cur = 400000, .rlim_max = RLIM_INFINITY};
	struct health h = {0};
	int flushed = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (loop_new(&f.loop) < 0 || store_open(f.loop, dir->url, &f.store, f.why, sizeof(f.why)) < 0)
		_exit(1);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		_exit(2);
	store_on_health(f.store, on_health, &h);
	for (int i = 0; i < 2000; i++) {
		struct call_record *r;
		char id[16];

		snprintf(id, sizeof(id), "d%d", i);
		r = record(id, DAY_1);
		memset(r->payload, 'x', sizeof(r->payload) - 1);
		store_give_record(f.store, r);
	}
	await(&f, &h.ill, 1);
	limit.rlim_cur = RLIM_INFINITY; /* space again */
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		_exit(3);
	store_flush(f.store, on_flushed, &flushed);
	await(&f, &flushed, 1);
	store_close(f.store);
	loop_free(f.loop);
	_exit(counter_sum(CNT_STORE_WRITES) == 2000 && h.well == 1 ? 0 : 4);
}

static void full_disk_loses_nothing(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t child;

	f->store = store_close(f->store);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		full_disk_child(&f->dir);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	open_store(f);
	assert_int_equal(find(f, &(struct store_query){.limit = 1000})->count, 1000);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(full_disk_loses_nothing), /* forks: first, while the counters are zero */
		TEST(leftovers_after_kill),
		TEST(every_column_survives),
		TEST(not_measured_is_null),
		TEST(text_is_made_utf8),
		TEST(same_id_twice_keeps_the_first),
		TEST(questions),
		TEST(pages_neither_miss_nor_repeat),
		TEST(too_many_questions_are_refused),
		TEST(ten_thousand_records),
		TEST(full_queue_loses_and_counts),
		TEST(record_forgets_live_call),
		TEST(locked_database_is_waited_for),
		TEST(close_gives_up_on_a_locked_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
