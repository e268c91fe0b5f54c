#include "media/tap/place.h"

int64_t place_put(struct place *p, uint64_t start_us, uint64_t at_us, uint32_t rate_hz, size_t samples)
{
	int64_t since_us = (int64_t)(at_us - start_us);
	int64_t at = since_us * (int64_t)rate_hz / 1000000, off = at - p->next;
	int64_t slack = (int64_t)rate_hz * PLACE_SLACK_MS / 1000;

	if (p->begun && off >= -slack && off <= slack)
		at = p->next;
	p->begun = true;
	p->next = at + (int64_t)samples;
	return at;
}
