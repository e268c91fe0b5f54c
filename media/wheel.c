/* media/wheel.c -- see wheel.h */
#include "media/wheel.h"

#include <stddef.h>
#include <string.h>

void wheel_init(struct wheel *w, uint64_t now_us)
{
	memset(w, 0, sizeof(*w));
	w->next_slot = w->floor = now_us / WHEEL_SLOT_US;
}

void wheel_remove(struct wheel_entry *e)
{
	if (!e->link)
		return;
	*e->link = e->next;
	if (e->next)
		e->next->link = e->link;
	e->link = NULL;
	e->next = NULL;
}

void wheel_set(struct wheel *w, struct wheel_entry *e, uint64_t deadline_us)
{
	/* Rounded up: an entry is never served before its deadline. */
	uint64_t slot = deadline_us / WHEEL_SLOT_US + (deadline_us % WHEEL_SLOT_US != 0);

	if (deadline_us == UINT64_MAX) {
		wheel_remove(e);
		return;
	}
	if (slot < w->floor)
		slot = w->floor;
	if (slot >= w->floor + WHEEL_SLOTS)
		slot = w->floor + WHEEL_SLOTS - 1;
	if (e->link && e->slot == slot)
		return;
	wheel_remove(e);
	struct wheel_entry **head = &w->slots[slot % WHEEL_SLOTS];
	e->slot = slot;
	e->next = *head;
	e->link = head;
	if (e->next)
		e->next->link = &e->next;
	*head = e;
}

/* While slots that were slept through are being served, a list may also hold entries of its next turn. */
static struct wheel_entry *first_due(struct wheel_entry *e, uint64_t now_slot)
{
	while (e && e->slot > now_slot)
		e = e->next;
	return e;
}

struct wheel_entry *wheel_next_due(struct wheel *w, uint64_t now_us)
{
	uint64_t now_slot = now_us / WHEEL_SLOT_US;

	if (w->floor <= now_slot)
		w->floor = now_slot + 1;
	/* After a long sleep one turn of the wheel meets every entry. */
	if (now_slot >= w->next_slot + WHEEL_SLOTS)
		w->next_slot = now_slot - WHEEL_SLOTS + 1;
	for (; w->next_slot <= now_slot; w->next_slot++) {
		struct wheel_entry *e = first_due(w->slots[w->next_slot % WHEEL_SLOTS], now_slot);
		if (e) {
			wheel_remove(e);
			return e;
		}
	}
	return NULL;
}

uint64_t wheel_deadline(const struct wheel *w)
{
	for (uint64_t slot = w->next_slot; slot < w->next_slot + WHEEL_SLOTS; slot++) {
		if (w->slots[slot % WHEEL_SLOTS])
			return slot * WHEEL_SLOT_US;
	}
	return UINT64_MAX;
}
