/* What must survive a crash: permissions, parked dials, dial intents, answers to an Idempotency-Key. */
#include "lib/base/clock.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "store/store_dial.h"
#include "tests/unit/store/store_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* SQLite syncs through here: its calls go to the program's function first. */
static atomic_int syncs;

int fdatasync(int fd)
{
	atomic_fetch_add(&syncs, 1);
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	atomic_fetch_add(&syncs, 1);
	return (int)syscall(SYS_fsync, fd);
}

struct acks {
	int done, ok, status;
};

static void on_ack(int status, void *arg)
{
	struct acks *a = arg;

	a->done++;
	a->ok += status == 0;
	a->status = status;
}

static void die_on_ack(int status, void *arg)
{
	(void)arg;
	if (status == 0)
		store_rig_die();
}

/* ---- permissions ---- */

static struct permission full_permission(const char *user)
{
	struct permission p = {
		.number_id = "106540352242922",
		.status = PERMISSION_TEMPORARY,
		.source = PERMISSION_FROM_USER,
		.expires_ms = 1,
		.checked_ms = 2,
		.requested_ms = {4, 3},
		.request_pending = true,
		.unanswered = 5,
		.window_start_ms = 6,
		.connected = 7,
		.blocked_until_ms = 8,
		.request_blocked_until_ms = 9,
		.last_message_ms = 10,
	};

	str_copy(p.user, sizeof(p.user), user);
	return p;
}

struct permissions {
	size_t count;
	struct permission list[8];
};

static void collect_permission(const struct permission *p, void *arg)
{
	struct permissions *all = arg;

	assert_true(all->count < 8);
	all->list[all->count++] = *p;
}

static void permissions_survive(void **state)
{
	struct store_rig *rig = *state;
	struct permission one = full_permission("+447700900123"), two = full_permission("GB.1234");
	struct permissions all = {0};

	assert_int_equal(store_load_permissions(rig->store, collect_permission, &all), 0);
	assert_int_equal(all.count, 0);
	assert_int_equal(store_put_permission(rig->store, &one), 0);
	assert_int_equal(store_put_permission(rig->store, &two), 0);
	two.status = PERMISSION_PERMANENT; /* the later one counts */
	two.expires_ms = 0;
	assert_int_equal(store_put_permission(rig->store, &two), 0);
	store_rig_reopen(rig);
	assert_int_equal(store_load_permissions(rig->store, collect_permission, &all), 0);
	assert_int_equal(all.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct permission *p = &all.list[i], *expected = p->user[0] == '+' ? &one : &two;

		assert_string_equal(p->number_id, expected->number_id);
		assert_string_equal(p->user, expected->user);
		assert_int_equal(p->status, expected->status);
		assert_int_equal(p->source, expected->source);
		assert_int_equal(p->expires_ms, expected->expires_ms);
		assert_int_equal(p->checked_ms, 2);
		assert_int_equal(p->requested_ms[0], 4);
		assert_int_equal(p->requested_ms[1], 3);
		assert_true(p->request_pending);
		assert_int_equal(p->unanswered, 5);
		assert_int_equal(p->window_start_ms, 6);
		assert_int_equal(p->connected, 7);
		assert_int_equal(p->blocked_until_ms, 8);
		assert_int_equal(p->request_blocked_until_ms, 9);
		assert_int_equal(p->last_message_ms, 10);
	}
}

static void unknown_words_are_not_believed(void **state)
{
	struct store_rig *rig = *state;
	struct permission p = full_permission("+447700900123");
	struct permissions all = {0};

	assert_int_equal(store_put_permission(rig->store, &p), 0);
	store_rig_flush(rig);
	store_rig_sql(rig, "UPDATE permissions SET status = 'eternal', source = 'heaven', connected = -3");
	assert_int_equal(store_load_permissions(rig->store, collect_permission, &all), 0);
	assert_int_equal(all.list[0].status, PERMISSION_UNKNOWN);
	assert_int_equal(all.list[0].source, PERMISSION_FROM_NOTHING);
	assert_int_equal(all.list[0].connected, 0);
}

/* ---- parked dials ---- */

static void collect_parked(const struct parked_dial *p, void *arg)
{
	char line[300];

	snprintf(line, sizeof(line), "%s/%s/%s/%llu/%llu/%s ", p->id, p->number_id, p->user,
		(unsigned long long)p->created_ms, (unsigned long long)p->expires_ms, p->json);
	strcat(arg, line);
}

static void put_parked(struct store_rig *rig, const char *id, uint64_t created_ms, struct acks *a)
{
	struct parked_dial p = {.number_id = "n", .user = "u", .created_ms = created_ms, .expires_ms = 9};
	char json[32];

	str_copy(p.id, sizeof(p.id), id);
	snprintf(json, sizeof(json), "{\"dial\":\"%s\"}", id);
	p.json = json;
	assert_int_equal(store_put_parked(rig->store, &p, a ? on_ack : NULL, a), 0);
}

static void parked_dials(void **state)
{
	struct store_rig *rig = *state;
	struct acks a = {0};
	char text[600] = "";

	put_parked(rig, "c", 3, &a);
	put_parked(rig, "a", 1, &a);
	put_parked(rig, "b", 2, NULL);
	put_parked(rig, "b", 4, NULL); /* the same id replaces */
	assert_int_equal(store_drop_parked(rig->store, "a"), 0);
	assert_int_equal(store_drop_parked(rig->store, "no such"), 0);
	store_rig_await(rig, &a.done, 2);
	assert_int_equal(a.ok, 2);
	store_rig_reopen(rig);
	assert_int_equal(store_load_parked(rig->store, collect_parked, text), 0);
	assert_string_equal(text, "c/n/u/3/9/{\"dial\":\"c\"} b/n/u/4/9/{\"dial\":\"b\"} ");
}

static void too_long_a_dial_is_refused(void **state)
{
	struct store_rig *rig = *state;
	struct parked_dial p = {.id = "long"};
	char *json = calloc(1, PARKED_JSON_MAX + 2);

	memset(json, 'x', PARKED_JSON_MAX + 1);
	p.json = json;
	assert_int_equal(store_put_parked(rig->store, &p, NULL, NULL), -EMSGSIZE);
	json[PARKED_JSON_MAX] = '\0';
	assert_int_equal(store_put_parked(rig->store, &p, NULL, NULL), 0);
	free(json);
}

static void park_and_die(struct store_rig *rig)
{
	const struct parked_dial p = {.id = "kept", .json = "{}"};
	const int never = 0;

	if (store_put_parked(rig->store, &p, die_on_ack, NULL) == 0)
		store_rig_await(rig, &never, 1);
}

static void parked_dial_survives_kill(void **state)
{
	struct store_rig *rig = *state;
	char text[600] = "";

	store_rig_killed(rig, park_and_die);
	assert_int_equal(store_load_parked(rig->store, collect_parked, text), 0);
	assert_string_equal(text, "kept///0/0/{} ");
}

/* ---- dial intents ---- */

static void collect_live(const struct live_call *live, void *arg)
{
	char line[320];

	snprintf(line, sizeof(line), "%s/%s/%s ", live->id, live->wacid, live->outbound ? "out" : "in");
	strcat(arg, line);
}

static void intent_and_die(struct store_rig *rig)
{
	const struct live_call live = {
		.id = "out-1", .number_id = "n", .user_number = "+447700900123", .outbound = true};
	const int never = 0;

	put_parked(rig, "out-1", 1, NULL);
	put_parked(rig, "out-2", 2, NULL);
	if (store_put_live_then(rig->store, &live, "out-1", die_on_ack, NULL) == 0)
		store_rig_await(rig, &never, 1);
}

static void intent_survives_kill_and_takes_the_parked_dial_away(void **state)
{
	struct store_rig *rig = *state;
	char live[300] = "", parked[300] = "";

	store_rig_killed(rig, intent_and_die);
	assert_int_equal(store_take_leftovers(rig->store, collect_live, live), 0);
	assert_string_equal(live, "out-1//out ");
	assert_int_equal(store_load_parked(rig->store, collect_parked, parked), 0);
	assert_string_equal(parked, "out-2/n/u/2/9/{\"dial\":\"out-2\"} ");
}

static void intent_becomes_a_call_with_an_id(void **state)
{
	struct store_rig *rig = *state;
	struct live_call live = {.id = "out-1", .outbound = true};
	struct acks a = {0};
	char text[300] = "";

	assert_int_equal(store_put_live_then(rig->store, &live, NULL, on_ack, &a), 0);
	store_rig_await(rig, &a.done, 1);
	assert_int_equal(a.ok, 1);
	str_copy(live.wacid, sizeof(live.wacid), "wacid.X");
	assert_int_equal(store_put_live(rig->store, &live), 0);
	store_rig_reopen(rig);
	assert_int_equal(store_take_leftovers(rig->store, collect_live, text), 0);
	assert_string_equal(text, "out-1/wacid.X/out ");
}

/* ---- a database that refuses ---- */

static void asker_is_told_soon_when_nothing_can_be_written(void **state)
{
	struct store_rig *rig = *state;
	const struct live_call live = {.id = "never", .outbound = true};
	const struct live_call later = {.id = "later"};
	uint64_t errors = counter_sum(CNT_STORE_ERRORS);
	struct acks a = {0};
	char text[300] = "", parked[300] = "";
	sqlite3 *other;

	put_parked(rig, "stays", 1, NULL);
	store_rig_flush(rig);
	other = store_rig_lock(rig);
	assert_int_equal(store_put_live(rig->store, &later), 0); /* this one has patience */
	assert_int_equal(store_put_live_then(rig->store, &live, "stays", on_ack, &a), 0);
	store_rig_await(rig, &a.done, 1);
	assert_int_equal(a.ok, 0);
	assert_int_equal(a.status, -EBUSY);
	assert_int_equal(counter_sum(CNT_STORE_ERRORS) - errors, 1);
	sqlite3_close(other);
	store_rig_reopen(rig);
	assert_int_equal(store_take_leftovers(rig->store, collect_live, text), 0);
	assert_string_equal(text, "later//in ");
	assert_int_equal(store_load_parked(rig->store, collect_parked, parked), 0);
	assert_true(str_starts(parked, "stays/"));
}

static void short_lock_is_waited_for(void **state)
{
	struct store_rig *rig = *state;
	const struct live_call live = {.id = "x"};
	struct acks a = {0};
	sqlite3 *other = store_rig_lock(rig);

	assert_int_equal(store_put_live_then(rig->store, &live, NULL, on_ack, &a), 0);
	sqlite3_close(other);
	store_rig_await(rig, &a.done, 1);
	assert_int_equal(a.status, 0);
}

static void close_answers_everybody(void **state)
{
	struct store_rig *rig = *state;
	const struct live_call live = {.id = "x"};
	struct acks a = {0};
	int asked = 0, r;
	sqlite3 *other = store_rig_lock(rig);

	while ((r = store_put_live_then(rig->store, &live, NULL, on_ack, &a)) == 0)
		asked++;
	assert_int_equal(r, -EAGAIN); /* answers owed are bounded */
	assert_true(asked >= 1000);
	rig->store = store_close(rig->store);
	assert_int_equal(a.done, asked);
	assert_int_equal(a.ok, 0);
	sqlite3_close(other);
}

/* ---- power cuts ---- */

/* Not by a flush, which would sync too. */
static void await_live(struct store_rig *rig, int wanted)
{
	uint64_t deadline = clock_mono_us() + 60000000;

	while (store_rig_number(rig, "SELECT count(*) FROM live_calls") < wanted) {
		assert_true(clock_mono_us() < deadline);
		usleep(1000);
	}
}

static void promises_are_synced_before_they_are_given(void **state)
{
	struct store_rig *rig = *state;
	const struct live_call inbound = {.id = "in"}, outbound = {.id = "out", .outbound = true},
			       more = {.id = "more"};
	struct acks a = {0};
	int before;

	assert_int_equal(store_put_live(rig->store, &inbound), 0);
	await_live(rig, 1);
	before = atomic_load(&syncs);
	assert_int_equal(store_put_live_then(rig->store, &outbound, NULL, on_ack, &a), 0);
	store_rig_await(rig, &a.done, 1);
	assert_int_equal(a.status, 0);
	assert_true(atomic_load(&syncs) > before);
	before = atomic_load(&syncs);
	assert_int_equal(store_put_live(rig->store, &more), 0); /* nobody was promised anything: no wait for the disk */
	await_live(rig, 3);
	assert_int_equal(atomic_load(&syncs), before);
}

/* ---- idempotency ---- */

struct claims {
	int done, status;
	bool taken;
	struct idempotent_answer answer;
	char body[64];
};

static void on_claim(int status, const struct idempotent_answer *existing, void *arg)
{
	struct claims *c = arg;

	c->done++;
	c->status = status;
	c->taken = existing != NULL;
	if (existing) {
		c->answer = *existing;
		str_copy(c->body, sizeof(c->body), existing->body);
	}
}

static struct claims claim(struct store_rig *rig, const char *key, const char *hash, uint64_t now_ms)
{
	struct claims c = {0};

	assert_int_equal(store_claim_key(rig->store, key, hash, now_ms, on_claim, &c), 0);
	store_rig_await(rig, &c.done, 1);
	assert_int_equal(c.status, 0);
	return c;
}

static const uint64_t now = 1700000000000, day = 24 * 3600 * 1000;

static void first_claim_wins(void **state)
{
	struct store_rig *rig = *state;
	struct claims c = claim(rig, "key-1", "aa", now);

	assert_false(c.taken);
	c = claim(rig, "key-1", "bb", now + 1);
	assert_true(c.taken);
	assert_string_equal(c.answer.key, "key-1");
	assert_string_equal(c.answer.request_hash, "aa");
	assert_int_equal(c.answer.status, 0); /* under way */
	assert_int_equal(c.answer.created_ms, now);
	assert_string_equal(c.body, "");
	assert_false(claim(rig, "key-2", "aa", now).taken);
	assert_int_equal(store_answer_key(rig->store, "key-1", 202, "{\"id\":\"c-1\"}"), 0);
	store_rig_reopen(rig);
	c = claim(rig, "key-1", "aa", now + day);
	assert_true(c.taken);
	assert_int_equal(c.answer.status, 202);
	assert_string_equal(c.body, "{\"id\":\"c-1\"}");
}

static void keys_are_forgotten_after_a_day(void **state)
{
	struct store_rig *rig = *state;
	char key[16];

	for (int i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_false(claim(rig, key, "aa", now + (uint64_t)i).taken);
	}
	assert_true(claim(rig, "k39", "aa", now + 39 + day).taken);
	/* Its time is over, whatever else must go first. */
	assert_false(claim(rig, "k39", "bb", now + 40 + day).taken);
	assert_false(claim(rig, "new", "aa", now + 40 + day).taken);
	assert_int_equal(store_rig_number(rig, "SELECT count(*) FROM idempotency"), 2);
}

static void hostile_keys(void **state)
{
	struct store_rig *rig = *state;
	char key[200];
	struct claims c = {0};

	memset(key, 'k', sizeof(key));
	key[128] = '\0';
	assert_int_equal(store_claim_key(rig->store, key, "aa", now, on_claim, &c), -EINVAL);
	assert_int_equal(store_claim_key(rig->store, "k", key, now, on_claim, &c), -EINVAL);
	key[127] = '\0';
	assert_false(claim(rig, key, "aa", now).taken);
	assert_false(claim(rig, "'); DROP TABLE idempotency; --", "aa", 0).taken);
	assert_true(claim(rig, "'); DROP TABLE idempotency; --", "aa", UINT64_MAX / 4).taken == false);
	assert_int_equal(store_answer_key(rig->store, "no such key", 200, ""), 0);
}

static void claim_and_die(int status, const struct idempotent_answer *existing, void *arg)
{
	(void)arg;
	if (status == 0 && !existing)
		store_rig_die();
}

static void killed_after_claim(struct store_rig *rig)
{
	const int never = 0;

	if (store_claim_key(rig->store, "key", "aa", now, claim_and_die, NULL) == 0)
		store_rig_await(rig, &never, 1);
}

static void claim_survives_kill(void **state)
{
	struct store_rig *rig = *state;
	struct claims c;

	store_rig_killed(rig, killed_after_claim);
	c = claim(rig, "key", "aa", now + 5);
	assert_true(c.taken);
	assert_int_equal(c.answer.status, 0);
	assert_int_equal(c.answer.created_ms, now);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, store_rig_set_up, store_rig_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(permissions_survive),
		TEST(unknown_words_are_not_believed),
		TEST(parked_dials),
		TEST(too_long_a_dial_is_refused),
		TEST(parked_dial_survives_kill),
		TEST(intent_survives_kill_and_takes_the_parked_dial_away),
		TEST(intent_becomes_a_call_with_an_id),
		TEST(asker_is_told_soon_when_nothing_can_be_written),
		TEST(short_lock_is_waited_for),
		TEST(close_answers_everybody),
		TEST(promises_are_synced_before_they_are_given),
		TEST(first_claim_wins),
		TEST(keys_are_forgotten_after_a_day),
		TEST(hostile_keys),
		TEST(claim_survives_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
