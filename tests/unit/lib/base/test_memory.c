/* tests/unit/lib/base/test_memory.c: arena, packet pool, slot map */
#include "lib/base/arena.h"
#include "lib/base/counter.h"
#include "lib/base/id.h"
#include "lib/base/pktbuf.h"

#include "tests/support/oom.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- arena ---- */

static void arena_gives_zeroed_aligned_memory(void **state)
{
	static const size_t sizes[] = {1, 0, 3, 16, 17, 1000, 5000, 100000, 8};
	struct arena a;
	void *last = NULL;

	(void)state;
	arena_init(&a, 0);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			unsigned char *at = arena_alloc(&a, sizes[i]);
			assert_non_null(at);
			assert_ptr_not_equal(at, last);
			assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(at[k], 0);
			memset(at, 0xff, sizes[i]);
			last = at;
		}
		arena_done(&a);
		assert_int_equal(a.used_bytes, 0);
	}
}

static void arena_keeps_its_limit(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 64);
	assert_non_null(arena_alloc(&a, 32));
	assert_null(arena_alloc(&a, 33));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX / 2));
	assert_non_null(arena_alloc(&a, 32));
	assert_null(arena_alloc(&a, 1));
	assert_null(arena_strdup(&a, "x"));
	assert_null(arena_printf(&a, "x"));
	arena_done(&a);
	assert_non_null(arena_alloc(&a, 64));
	arena_done(&a);
	assert_null(arena_alloc(&(struct arena){0}, SIZE_MAX));
}

static void arena_copies_text(void **state)
{
	struct arena a;
	char unterminated[3] = {'a', 'b', 'c'};

	(void)state;
	arena_init(&a, 0);
	assert_string_equal(arena_strdup(&a, "hello"), "hello");
	assert_string_equal(arena_strdup(&a, ""), "");
	assert_null(arena_strdup(&a, NULL));
	assert_string_equal(arena_strndup(&a, unterminated, 3), "abc");
	assert_string_equal(arena_strndup(&a, "ab", 10), "ab");
	assert_null(arena_strndup(&a, NULL, 1));
	assert_string_equal(arena_printf(&a, "%s-%d", "n", 7), "n-7");
	arena_done(&a);
	for (unsigned n = 1; oom_next(n); n++) {
		char *text = arena_printf(&a, "%01000d", 1);
		char *copy = arena_strdup(&a, "text");
		void *big = arena_alloc(&a, 20000);
		assert_true(oom_off() == !(text && copy && big));
		arena_done(&a);
	}
}

/* A call's struct is large; what it holds beside is not. It had cost 16 KiB a call, then 4. */
static void arena_blocks_follow_what_there_is(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_non_null(arena_alloc(&a, 6400));
	assert_int_equal(a.block_bytes, 6400);
	assert_non_null(arena_alloc(&a, 16));
	assert_int_equal(a.block_bytes, 1600);
	assert_non_null(arena_alloc(&a, 1584));
	assert_int_equal(a.block_bytes, 1600);
	assert_non_null(arena_alloc(&a, 16));
	assert_int_equal(a.block_bytes, 2000);
	arena_done(&a);
	assert_non_null(arena_alloc(&a, 16));
	assert_int_equal(a.block_bytes, 1024);
	assert_non_null(arena_alloc(&a, 1000000));
	assert_non_null(arena_alloc(&a, 16));
	assert_int_equal(a.block_bytes, 16 * 1024);
	arena_done(&a);
	assert_int_equal(a.block_bytes, 0);
}

/* ---- packet pool ---- */

static void pool_lends_and_takes_back(void **state)
{
	struct pktpool *pool;
	struct pkt *p[3];
	uint64_t empty = counter_sum(CNT_MEDIA_POOL_EMPTY);

	(void)state;
	assert_int_equal(pktpool_new(2, &pool), 0);
	for (int i = 0; i < 2; i++) {
		p[i] = pkt_get(pool);
		assert_non_null(p[i]);
		assert_int_equal(p[i]->offset, PKT_HEADROOM);
		assert_int_equal(p[i]->length, 0);
		memset(p[i]->data, i + 1, sizeof(p[i]->data));
	}
	assert_null(pkt_get(pool));
	assert_int_equal(counter_sum(CNT_MEDIA_POOL_EMPTY), empty + 1);
	assert_int_equal(pktpool_in_use(pool), 2);
	assert_int_equal(p[0]->data[PKT_DATA_BYTES - 1], 1);

	assert_int_equal(pktpool_reserve(pool, 3), 0);
	assert_int_equal(pktpool_reserve(pool, 1), 0);
	p[2] = pkt_get(pool);
	assert_non_null(p[2]);
	assert_null(pkt_get(pool));
	p[2]->offset = 7;
	p[2]->length = 9;
	assert_null(pkt_put(pool, p[2]));
	assert_null(pkt_put(pool, NULL));
	assert_ptr_equal(pkt_get(pool), p[2]); /* the warmest first, as new */
	assert_int_equal(p[2]->offset, PKT_HEADROOM);
	assert_int_equal(p[2]->length, 0);
	for (int i = 0; i < 3; i++)
		pkt_put(pool, p[i]);
	assert_int_equal(pktpool_in_use(pool), 0);
	assert_null(pktpool_free(pool));
	assert_null(pktpool_free(NULL));
}

/* Small ones for what fits; when they are out, large ones; each goes back to where it came from. */
static void pool_of_two_sizes(void **state)
{
	struct pktpool *pool;
	struct pkt *p[5];
	uint64_t empty = counter_sum(CNT_MEDIA_POOL_EMPTY);

	(void)state;
	assert_int_equal(pktpool_new(2, &pool), 0);
	for (int i = 0; i < 4; i++) {
		p[i] = pkt_get_for(pool, PKT_SMALL_BYTES - PKT_HEADROOM);
		assert_non_null(p[i]);
		assert_int_equal(p[i]->room, i < 2 ? PKT_SMALL_BYTES : PKT_DATA_BYTES);
		memset(p[i]->data, i + 1, p[i]->room);
	}
	assert_null(pkt_get_for(pool, 1));
	assert_int_equal(counter_sum(CNT_MEDIA_POOL_EMPTY), empty + 1);
	assert_int_equal(pktpool_in_use(pool), 4);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(p[i]->data[0], i + 1);
		assert_int_equal(p[i]->data[p[i]->room - 1], i + 1);
		pkt_put(pool, p[i]);
	}
	p[4] = pkt_get_for(pool, PKT_SMALL_BYTES - PKT_HEADROOM + 1);
	assert_ptr_equal(p[4], p[3]);
	assert_ptr_equal(pkt_get_for(pool, 0), p[1]);
	assert_null(pkt_get_for(pool, PKT_DATA_BYTES - PKT_HEADROOM + 1));
	assert_int_equal(counter_sum(CNT_MEDIA_POOL_EMPTY), empty + 1);
	pktpool_free(pool);
}

/* Room for the worst moment must not be resident memory of every moment. */
static void pool_touches_only_what_was_used(void **state)
{
	enum { MANY = 4000 };
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	struct pktpool *pool;
	unsigned char resident = 0;

	(void)state;
	assert_int_equal(pktpool_new(MANY, &pool), 0);
	struct pkt *p = pkt_get(pool);
	pkt_put(pool, p);
	for (int i = 0; i < 1000; i++) {
		assert_ptr_equal(pkt_get(pool), p);
		pkt_put(pool, p);
	}
	assert_int_equal(mincore((void *)((uintptr_t)(p + MANY / 2) & ~(page - 1)), 1, &resident), 0);
	assert_int_equal(resident & 1, 0);
	pktpool_free(pool);
}

static void pool_out_of_memory(void **state)
{
	(void)state;
	for (unsigned n = 1; oom_next(n); n++) {
		struct pktpool *pool = NULL;
		int r = pktpool_new(4, &pool);
		if (r == 0)
			r = pktpool_reserve(pool, 8);
		assert_int_equal(r, oom_off() ? -ENOMEM : 0);
		pktpool_free(pool);
	}
	struct pktpool *pool;
	assert_int_equal(pktpool_new(0, &pool), 0);
	assert_null(pkt_get(pool));
	assert_int_equal(pktpool_reserve(pool, SIZE_MAX / 2), -ENOMEM);
	pktpool_free(pool);
}

/* ---- slot map ---- */

static void ids_die_with_their_object(void **state)
{
	struct slotmap *m;
	int a, b;
	uint64_t id_a, id_b;

	(void)state;
	assert_int_equal(slotmap_new(255, 3, &m), 0);
	id_a = slotmap_add(m, &a);
	id_b = slotmap_add(m, &b);
	assert_true(id_a && id_b && id_a != id_b);
	assert_int_equal(id_owner(id_a), 255);
	assert_ptr_equal(slotmap_get(m, id_a), &a);
	assert_ptr_equal(slotmap_get(m, id_b), &b);
	assert_int_equal(slotmap_count(m), 2);
	assert_null(slotmap_get(m, 0));
	assert_null(slotmap_get(m, id_a ^ UINT64_C(1) << 60)); /* another owner's */
	assert_null(slotmap_get(m, id_a | 0xffffff));          /* no such slot */
	assert_ptr_equal(slotmap_remove(m, id_a), &a);
	assert_null(slotmap_remove(m, id_a));
	assert_null(slotmap_get(m, id_a));
	/* However often the slot is let again, the old name finds nothing. */
	for (int i = 0; i < 1000; i++) {
		uint64_t id = slotmap_add(m, &a);
		assert_true(id != id_a);
		assert_null(slotmap_get(m, id_a));
		assert_ptr_equal(slotmap_remove(m, id), &a);
	}
	assert_ptr_equal(slotmap_get(m, id_b), &b);
	assert_null(slotmap_free(m));
	assert_null(slotmap_free(NULL));
}

static void slots_rest_before_reuse(void **state)
{
	struct slotmap *m;
	uint64_t seen[10];
	int object;

	(void)state;
	assert_int_equal(slotmap_new(0, 10, &m), 0);
	for (int i = 0; i < 10; i++) {
		seen[i] = slotmap_add(m, &object) & 0xffffff;
		for (int k = 0; k < i; k++)
			assert_true(seen[k] != seen[i]);
		slotmap_remove(m, seen[i] | 1 << 24);
	}
	assert_int_equal(slotmap_count(m), 0);
	assert_true((slotmap_add(m, &object) & 0xffffff) == seen[0]);
	slotmap_free(m);
}

static void map_is_bounded_and_iterates(void **state)
{
	enum { MANY = 1000 };
	static int objects[MANY];
	static uint64_t ids[MANY];
	struct slotmap *m;
	size_t cursor = 0, seen = 0;
	int *o;

	(void)state;
	assert_int_equal(slotmap_new(1, MANY, &m), 0);
	for (int i = 0; i < MANY; i++)
		assert_true((ids[i] = slotmap_add(m, &objects[i])) != 0);
	assert_true(slotmap_add(m, &objects[0]) == 0);
	while ((o = slotmap_next(m, &cursor))) {
		seen++;
		assert_ptr_equal(slotmap_remove(m, ids[o - objects]), o);
	}
	assert_int_equal(seen, MANY);
	assert_int_equal(slotmap_count(m), 0);
	cursor = 0;
	assert_null(slotmap_next(m, &cursor));
	slotmap_free(m);
	assert_int_equal(slotmap_new(0, 0, &m), -EINVAL);
	assert_int_equal(slotmap_new(0, (size_t)1 << 24, &m), -EINVAL);
}

static void map_out_of_memory(void **state)
{
	static int objects[200];

	(void)state;
	for (unsigned n = 1; oom_next(n); n++) {
		struct slotmap *m = NULL;
		int r = slotmap_new(0, 200, &m);
		size_t added = 0;
		for (size_t i = 0; r == 0 && i < 200; i++)
			added += slotmap_add(m, &objects[i]) != 0;
		assert_true(oom_off() == (r == -ENOMEM || added < 200));
		if (r == 0) {
			assert_int_equal(slotmap_count(m), added);
			assert_int_equal(slotmap_add(m, &objects[0]) != 0, added < 200); /* works again */
		}
		slotmap_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(arena_keeps_its_limit),
		cmocka_unit_test(arena_copies_text),
		cmocka_unit_test(arena_blocks_follow_what_there_is),
		cmocka_unit_test(pool_of_two_sizes),
		cmocka_unit_test(pool_touches_only_what_was_used),
		cmocka_unit_test(pool_lends_and_takes_back),
		cmocka_unit_test(pool_out_of_memory),
		cmocka_unit_test(ids_die_with_their_object),
		cmocka_unit_test(slots_rest_before_reuse),
		cmocka_unit_test(map_is_bounded_and_iterates),
		cmocka_unit_test(map_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
