/* tests/unit/admin/fake_store.h
 *
 * store_find() for the tests of the admin interface: questions are kept, answers given when the test says so.
 */
#ifndef TESTS_UNIT_ADMIN_FAKE_STORE_H
#define TESTS_UNIT_ADMIN_FAKE_STORE_H

#include "store/store.h"

enum { FAKE_STORE_MAX = 8 };
struct fake_store {
	int refuse; /* what store_find() returns */
	struct store_query asked[FAKE_STORE_MAX];
	unsigned asked_count, answered_count;
};
extern struct fake_store fake_store;

void fake_store_reset(void);
/* Answer the oldest question. */
void fake_store_answer(int status, const struct call_record *const *records, size_t count);

#endif
