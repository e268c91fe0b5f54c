#include "media/dtmf_queue.h"

#include "media/rtp/telephone_event.h"

#include <string.h>

void dtmf_queue_add(struct dtmf_queue *q, const char *digits)
{
	for (; *digits && q->count < DTMF_QUEUE_MAX; digits++)
		if (tev_event(*digits) >= 0)
			q->digits[q->count++] = *digits;
}

char dtmf_queue_step(struct dtmf_queue *q, bool busy, uint64_t now_us)
{
	if (busy) {
		q->sending = true;
		return 0;
	}
	if (q->sending) {
		q->sending = false;
		q->next_us = now_us + DTMF_PAUSE_MS * 1000;
	}
	if (!q->count || now_us < q->next_us)
		return 0;
	char digit = q->digits[0];
	memmove(q->digits, q->digits + 1, --q->count);
	q->sending = true;
	return digit;
}

uint64_t dtmf_queue_deadline(const struct dtmf_queue *q)
{
	return q->count && !q->sending ? q->next_us : UINT64_MAX;
}

void dtmf_queue_drop(struct dtmf_queue *q)
{
	q->count = 0;
}
