/* Bindings of users who registered: every field comes back, after the end of the process too. */
#include "lib/base/str.h"
#include "store/store_bindings.h"
#include "tests/unit/store/store_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct kept_binding full(const char *id, uint64_t refreshed_ms)
{
	struct kept_binding b = {
		.user = "desk1",
		.contact = "sip:10@192.168.1.5:5060;rinstance=aa%20BB;x",
		.path = "<sip:edge.example;lr>",
		.call_id = "call",
		.agent = "it's \"a\" phone",
		.source = "[2001:db8::1]:5060",
		.local = "127.0.0.1:5060",
		.transport = "tcp",
		.cseq = UINT32_MAX,
		.q = 500,
		.registered_ms = 1700000000000,
		.expires_ms = 1700000060000,
	};

	str_copy(b.id, sizeof(b.id), id);
	b.refreshed_ms = refreshed_ms;
	return b;
}

struct found {
	struct kept_binding all[4];
	size_t count;
};

static void take(const struct kept_binding *b, void *arg)
{
	struct found *f = arg;

	assert_true(f->count < 4);
	f->all[f->count++] = *b;
}

static struct found load(struct store_rig *rig)
{
	struct found f = {0};

	assert_int_equal(store_load_bindings(rig->store, take, &f), 0);
	return f;
}

static void kept_replaced_dropped(void **state)
{
	struct store_rig *rig = *state;
	const struct kept_binding a = full("b-1", 1700000000002), b = full("b-2", 1700000000001);
	struct kept_binding newer = a;
	struct found f;

	assert_int_equal(store_put_binding(rig->store, &a), 0);
	assert_int_equal(store_put_binding(rig->store, &b), 0);
	store_rig_reopen(rig);
	f = load(rig);
	assert_int_equal(f.count, 2);
	assert_memory_equal(&f.all[0], &b, sizeof(b)); /* refreshed first */
	assert_memory_equal(&f.all[1], &a, sizeof(a));

	newer.expires_ms++;
	newer.cseq = 7;
	assert_int_equal(store_put_binding(rig->store, &newer), 0);
	assert_int_equal(store_drop_binding(rig->store, "b-2"), 0);
	assert_int_equal(store_drop_binding(rig->store, "b-2"), 0);
	store_rig_reopen(rig);
	f = load(rig);
	assert_int_equal(f.count, 1);
	assert_memory_equal(&f.all[0], &newer, sizeof(newer));
}

static void register_and_die(struct store_rig *rig)
{
	const struct kept_binding a = full("b-1", 1);

	store_put_binding(rig->store, &a);
	store_rig_flush(rig);
	store_rig_die();
}

static void survives_kill(void **state)
{
	struct store_rig *rig = *state;

	store_rig_killed(rig, register_and_die);
	assert_int_equal(load(rig).count, 1);
}

/* What somebody edited into the table comes as far as it fits. */
static void edited_rows(void **state)
{
	struct store_rig *rig = *state;
	const struct kept_binding a = full("b-1", 1);
	struct found f;

	assert_int_equal(store_put_binding(rig->store, &a), 0);
	store_rig_flush(rig);
	store_rig_sql(rig, "UPDATE bindings SET contact = hex(zeroblob(4000)), expires_ms = -5, transport = 'x'");
	f = load(rig);
	assert_int_equal(f.count, 1);
	assert_int_equal(strlen(f.all[0].contact), sizeof(f.all[0].contact) - 1);
	assert_int_equal(f.all[0].expires_ms, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kept_replaced_dropped, store_rig_set_up, store_rig_tear_down),
		cmocka_unit_test_setup_teardown(survives_kill, store_rig_set_up, store_rig_tear_down),
		cmocka_unit_test_setup_teardown(edited_rows, store_rig_set_up, store_rig_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
