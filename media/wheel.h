/* media/wheel.h
 *
 * Timing wheel of one media worker: which sessions are due in which slot. One slot a millisecond, 1024 of them; a later
 * deadline waits in the last slot and is asked again there. Insert, move and remove cost the same whatever the number
 * of sessions. One thread.
 */
#ifndef MEDIA_WHEEL_H
#define MEDIA_WHEEL_H

#include <stdint.h>

enum { WHEEL_SLOTS = 1024, WHEEL_SLOT_US = 1000 };

/* Embedded in whatever has a deadline. Zero: not in the wheel. */
struct wheel_entry {
	struct wheel_entry *next, **link; /* link: what points to us */
	uint64_t slot;                    /* absolute slot number */
};

struct wheel {
	uint64_t next_slot; /* first slot not yet served */
	uint64_t floor;     /* nothing is put before this slot: what was just served cannot come round again at once */
	struct wheel_entry *slots[WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now_us);
/* Put, or move, an entry. UINT64_MAX takes it out. */
void wheel_set(struct wheel *w, struct wheel_entry *e, uint64_t deadline_us);
void wheel_remove(struct wheel_entry *e);
/* Take out and return one entry whose slot began at or before now_us, or NULL. The caller asks its owner for the next
 * deadline and sets it again: a deadline that lies in a slot already served becomes due with the next slot. */
struct wheel_entry *wheel_next_due(struct wheel *w, uint64_t now_us);
/* Time of the first occupied slot, at most WHEEL_SLOTS ahead; UINT64_MAX when empty. */
uint64_t wheel_deadline(const struct wheel *w);

#endif
