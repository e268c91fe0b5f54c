/* media/dtmf_queue.h
 *
 * Digits that we were told to send, one after another: each begins when the one before has ended and a pause has
 * passed. What a digit looks like on the wire is the bridge's. Pure; embedded in the session.
 */
#ifndef MEDIA_DTMF_QUEUE_H
#define MEDIA_DTMF_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	DTMF_QUEUE_MAX = 64,
	DTMF_DIGIT_MS = 100, /* ITU-T Q.24 asks for 40 at least; slow menus want more */
	DTMF_PAUSE_MS = 60,
};

struct dtmf_queue {
	char digits[DTMF_QUEUE_MAX];
	unsigned count;
	bool sending;     /* one of ours, or one that a party pressed, is on the wire */
	uint64_t next_us; /* when the next may begin */
};

/* Those that are no digits are skipped, those beyond DTMF_QUEUE_MAX are lost. */
void dtmf_queue_add(struct dtmf_queue *q, const char *digits);
/* busy: a digit is on the wire. Returns the digit to begin now, or 0. */
char dtmf_queue_step(struct dtmf_queue *q, bool busy, uint64_t now_us);
/* When to step; UINT64_MAX: nothing waits, or only for the digit on the wire, after whose packets one steps anyway. */
uint64_t dtmf_queue_deadline(const struct dtmf_queue *q);
void dtmf_queue_drop(struct dtmf_queue *q);

#endif
