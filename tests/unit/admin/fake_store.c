/* tests/unit/admin/fake_store.c -- see fake_store.h */
#include "tests/unit/admin/fake_store.h"

#include "lib/base/assert.h"

struct fake_store fake_store;
static struct {
	void (*fn)(int status, const struct call_record *const *records, size_t count, void *arg);
	void *arg;
} waiting[FAKE_STORE_MAX];

void fake_store_reset(void)
{
	ASSERT(fake_store.asked_count == fake_store.answered_count);
	fake_store = (struct fake_store){0};
}

int store_find(struct store *s, const struct store_query *query,
	void (*fn)(int status, const struct call_record *const *records, size_t count, void *arg), void *arg)
{
	(void)s;
	if (fake_store.refuse)
		return fake_store.refuse;
	ASSERT(fake_store.asked_count < FAKE_STORE_MAX);
	waiting[fake_store.asked_count].fn = fn;
	waiting[fake_store.asked_count].arg = arg;
	fake_store.asked[fake_store.asked_count++] = *query;
	return 0;
}

void fake_store_answer(int status, const struct call_record *const *records, size_t count)
{
	unsigned n = fake_store.answered_count++;

	ASSERT(n < fake_store.asked_count);
	waiting[n].fn(status, records, count, waiting[n].arg);
}
