/* tests/unit/admin/fake_store.h
 *
 * The store for the tests of the admin interface: questions are kept, answers given when the test says so.
 */
#ifndef TESTS_UNIT_ADMIN_FAKE_STORE_H
#define TESTS_UNIT_ADMIN_FAKE_STORE_H

#include "store/outbox.h"
#include "store/store.h"
#include "store/store_dial.h"

enum { FAKE_STORE_MAX = 8 };
struct fake_store {
	int refuse; /* what store_find() returns */
	struct store_query asked[FAKE_STORE_MAX];
	unsigned asked_count, answered_count;
	/* Idempotency keys: kept as the real one does. */
	struct {
		struct idempotent_answer a;
		char body[4096];
	} keys[FAKE_STORE_MAX];
	unsigned key_count, claims_waiting;
	int fail_claims; /* what the callback gets */
	/* The outbox's dead ones. */
	const struct outbox_event *dead;
	size_t dead_count;
	char receiver[64];
	unsigned limit;
	int64_t revived_seq;
	int fail_dead;
};
extern struct fake_store fake_store;

void fake_store_reset(void);
/* Answer the oldest question; the oldest claim; the question about dead events. */
void fake_store_answer(int status, const struct call_record *const *records, size_t count);
void fake_store_answer_claim(void);
void fake_store_answer_dead(void);

#endif
