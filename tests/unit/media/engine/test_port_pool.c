/* Ports: order, pairs, rest, exhaustion. */
#include "media/port_pool.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_ranges(void **state)
{
	(void)state;
	static const struct {
		uint16_t min, max;
		bool pairs;
		int r;
		size_t size;
		uint16_t first;
	} rows[] = {
		{1000, 1009, false, 0, 10, 1000},
		{1000, 1000, false, 0, 1, 1000},
		{65535, 65535, false, 0, 1, 65535},
		{1, 65535, false, 0, 65535, 1},
		{1000, 1009, true, 0, 5, 1000},
		{1001, 1009, true, 0, 4, 1002}, /* odd beginning: 1002 to 1009 */
		{1000, 1008, true, 0, 4, 1000}, /* odd number of ports: 1008 has no partner */
		{65534, 65535, true, 0, 1, 65534},
		{1, 65535, true, 0, 32767, 2},
		{1000, 999, false, -EINVAL, 0, 0},
		{0, 10, false, -EINVAL, 0, 0},
		{1000, 1000, true, -EINVAL, 0, 0},
		{1001, 1002, true, -EINVAL, 0, 0}, /* two ports, but no pair */
		{65535, 65535, true, -EINVAL, 0, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct port_pool *pool = NULL;
		uint16_t port = 0;

		assert_int_equal(port_pool_new(rows[i].min, rows[i].max, rows[i].pairs, &pool), rows[i].r);
		if (rows[i].r) {
			assert_null(pool);
			continue;
		}
		assert_int_equal(port_pool_size(pool), rows[i].size);
		for (size_t n = 0; n < rows[i].size; n++) {
			assert_int_equal(port_pool_take(pool, 1, &port), 0);
			assert_int_equal(port, rows[i].first + n * (rows[i].pairs ? 2 : 1));
			assert_true(port <= rows[i].max - (rows[i].pairs ? 1 : 0));
		}
		assert_int_equal(port_pool_take(pool, 1, &port), -EADDRNOTAVAIL);
		assert_int_equal(port_pool_in_use(pool), rows[i].size);
		assert_null(port_pool_free(pool));
	}
	assert_null(port_pool_free(NULL));
}

enum { S = 1000000 };

static void test_rest_and_order(void **state)
{
	(void)state;
	enum { TAKE, REST, NO_REST };
	static const struct {
		uint64_t now_us;
		int what;
		uint16_t port; /* TAKE: 0 means none to be had */
	} steps[] = {
		{10 * S, TAKE, 2000}, /* three pairs */
		{10 * S, TAKE, 2002},
		{10 * S, REST, 2002},
		{10 * S, TAKE, 2004}, /* never used yet: goes first */
		{10 * S, TAKE, 0},
		{13 * S - 1, TAKE, 0},
		{13 * S, TAKE, 2002},
		{14 * S, REST, 2004},
		{15 * S, REST, 2000},
		{16 * S, TAKE, 0},
		{17 * S, TAKE, 2004},
		{17 * S, TAKE, 0},
		{18 * S, TAKE, 2000},
		{19 * S, NO_REST, 2000}, /* another program held it */
		{19 * S, TAKE, 2000},
		{19 * S, REST, 2004},
		{19 * S, NO_REST, 2000}, /* behind the one that rests: waits for its turn */
		{19 * S, TAKE, 0},
		{22 * S, TAKE, 2004},
		{22 * S, TAKE, 2000},
	};
	struct port_pool *pool;
	uint16_t port;

	assert_int_equal(port_pool_new(2000, 2005, true, &pool), 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].what != TAKE) {
			port_pool_give_back(pool, steps[i].port, steps[i].what == REST, steps[i].now_us);
			continue;
		}
		int r = port_pool_take(pool, steps[i].now_us, &port);
		assert_int_equal(r, steps[i].port ? 0 : -EADDRNOTAVAIL);
		if (r == 0)
			assert_int_equal(port, steps[i].port);
	}
	port_pool_free(pool);
}

static void test_begin_anywhere(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 12; n++) {
		struct port_pool *pool;
		bool seen[5] = {false};
		uint16_t port;

		assert_int_equal(port_pool_new(3000, 3004, false, &pool), 0);
		port_pool_begin_at(pool, n);
		for (int i = 0; i < 5; i++) {
			assert_int_equal(port_pool_take(pool, 0, &port), 0);
			assert_int_equal(port, 3000 + (n + (unsigned)i) % 5);
			assert_false(seen[port - 3000]);
			seen[port - 3000] = true;
		}
		port_pool_free(pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_rest_and_order),
		cmocka_unit_test(test_begin_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
