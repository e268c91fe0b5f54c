/* tests/unit/events/fake_outbox.h
 *
 * store/outbox.h in memory, for the tests of events/: answers come from the loop's next round, or wait until the test
 * says so.
 */
#ifndef TESTS_UNIT_EVENTS_FAKE_OUTBOX_H
#define TESTS_UNIT_EVENTS_FAKE_OUTBOX_H

#include "store/outbox.h"

struct loop;

enum { FAKE_OUTBOX_MAX = 2000 };
enum fake_row_state { ROW_WAITING, ROW_DELIVERED, ROW_DEAD };

struct fake_row {
	struct outbox_event e;
	char *body;
	enum fake_row_state state;
};

struct fake_outbox {
	struct loop *loop;
	struct fake_row rows[FAKE_OUTBOX_MAX];
	size_t count;
	int refuse_asks, refuse_tells; /* what the functions return */
	int fail_asks;                 /* what the callback gets */
	bool hold;                     /* answers wait for fake_outbox_answer() */
	unsigned asked, told;
};
extern struct fake_outbox fake_outbox;

void fake_outbox_reset(struct loop *l);
void fake_outbox_done(void);
/* Answer the question that waits. */
void fake_outbox_answer(void);
size_t fake_outbox_count(enum fake_row_state state);

#endif
