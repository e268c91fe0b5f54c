/* lib/base/counter.c
 *
 * Every thread writes its own block; blocks are pushed on one list and never taken off, so that a reader may walk it at
 * any time.
 */
#include "lib/base/counter.h"

#include "lib/base/assert.h"

#include <stdatomic.h>
#include <stdlib.h>

struct block {
	struct block *next; /* fixed once on the list */
	_Atomic uint64_t value[CNT_COUNT];
};

/* Written by threads that could not get a block of their own; the last of the list. */
static struct block shared;
static _Atomic(struct block *) blocks = &shared;
static _Thread_local struct block *mine;

static const struct {
	const char *name, *help;
} counters[CNT_COUNT] = {
#define COUNTER(id, name, help) [CNT_##id] = {name, help},
#include "lib/base/counter.def"
#undef COUNTER
};

static struct block *block_new(void)
{
	struct block *b = calloc(1, sizeof(*b));
	if (!b)
		return &shared;
	b->next = atomic_load_explicit(&blocks, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(
		&blocks, &b->next, b, memory_order_release, memory_order_relaxed)) {
	}
	return b;
}

void counter_add(enum counter c, uint64_t n)
{
	ASSERT((unsigned)c < CNT_COUNT);
	if (!mine)
		mine = block_new();
	if (mine == &shared) {
		atomic_fetch_add_explicit(&mine->value[c], n, memory_order_relaxed);
		return;
	}
	/* One writer: a plain addition will do, without the bus lock. */
	uint64_t old = atomic_load_explicit(&mine->value[c], memory_order_relaxed);
	atomic_store_explicit(&mine->value[c], old + n, memory_order_relaxed);
}

uint64_t counter_sum(enum counter c)
{
	uint64_t sum = 0;
	ASSERT((unsigned)c < CNT_COUNT);
	for (struct block *b = atomic_load_explicit(&blocks, memory_order_acquire); b; b = b->next)
		sum += atomic_load_explicit(&b->value[c], memory_order_relaxed);
	return sum;
}

const char *counter_name(enum counter c)
{
	ASSERT((unsigned)c < CNT_COUNT);
	return counters[c].name;
}

const char *counter_help(enum counter c)
{
	ASSERT((unsigned)c < CNT_COUNT);
	return counters[c].help;
}
