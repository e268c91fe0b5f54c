/* tests/unit/events/fake_outbox.c -- see fake_outbox.h */
#include "tests/unit/events/fake_outbox.h"

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fake_outbox fake_outbox;

struct ask {
	char receiver[64];
	uint64_t now_ms;
	unsigned limit;
	void (*fn)(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg);
	void *arg;
	struct outbox_event found[100];
	size_t count;
	uint64_t next_due_ms;
	struct ask *next;
};
static struct ask *asks;

void fake_outbox_reset(struct loop *l)
{
	memset(&fake_outbox, 0, sizeof(fake_outbox));
	fake_outbox.loop = l;
}

void fake_outbox_done(void)
{
	while (asks)
		fake_outbox_answer();
	for (size_t i = 0; i < fake_outbox.count; i++)
		free(fake_outbox.rows[i].body);
	fake_outbox.count = 0;
}

size_t fake_outbox_count(enum fake_row_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < fake_outbox.count; i++)
		n += fake_outbox.rows[i].state == state;
	return n;
}

int store_put_event(struct store *s, const struct outbox_event *e)
{
	struct fake_row *row = &fake_outbox.rows[fake_outbox.count];

	(void)s;
	ASSERT(fake_outbox.count < FAKE_OUTBOX_MAX);
	row->e = *e;
	row->body = strdup(e->body);
	if (!row->body)
		return -ENOMEM;
	row->e.body = row->body;
	row->e.seq = (int64_t)++fake_outbox.count;
	row->e.next_ms = e->created_ms;
	row->state = ROW_WAITING;
	return 0;
}

static bool has_earlier(const struct fake_row *row)
{
	for (const struct fake_row *r = fake_outbox.rows; r < row; r++) {
		if (r->state == ROW_WAITING && *row->e.subject && strcmp(r->e.subject, row->e.subject) == 0 &&
			strcmp(r->e.receiver, row->e.receiver) == 0)
			return true;
	}
	return false;
}

/* What the store's thread sees when the question reaches it. */
static void look(struct ask *a)
{
	a->next_due_ms = UINT64_MAX;
	for (size_t i = 0; i < fake_outbox.count; i++) {
		const struct fake_row *row = &fake_outbox.rows[i];
		if (row->state != ROW_WAITING || strcmp(row->e.receiver, a->receiver) != 0 || has_earlier(row))
			continue;
		if (row->e.next_ms <= a->now_ms && a->count < a->limit)
			a->found[a->count++] = row->e;
		else if (row->e.next_ms < a->next_due_ms)
			a->next_due_ms = row->e.next_ms;
	}
}

void fake_outbox_answer(void)
{
	struct ask *a = asks;

	ASSERT(a);
	asks = a->next;
	if (fake_outbox.fail_asks)
		a->fn(fake_outbox.fail_asks, NULL, 0, UINT64_MAX, a->arg);
	else
		a->fn(0, a->found, a->count, a->next_due_ms, a->arg);
	free(a);
}

static void answer_deferred(void *arg)
{
	(void)arg;
	if (asks && !fake_outbox.hold)
		fake_outbox_answer();
}

int store_due_events(struct store *s, const char *receiver, uint64_t now_ms, unsigned limit,
	void (*fn)(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg),
	void *arg)
{
	struct ask *a, **last = &asks;

	(void)s;
	ASSERT(limit <= 100);
	if (fake_outbox.refuse_asks)
		return fake_outbox.refuse_asks;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	str_copy(a->receiver, sizeof(a->receiver), receiver);
	a->now_ms = now_ms;
	a->limit = limit;
	a->fn = fn;
	a->arg = arg;
	look(a);
	if (loop_defer(fake_outbox.loop, answer_deferred, NULL)) {
		free(a);
		return -ENOMEM;
	}
	while (*last)
		last = &(*last)->next;
	*last = a;
	fake_outbox.asked++;
	return 0;
}

static int tell(int64_t seq, enum fake_row_state state)
{
	struct fake_row *row = &fake_outbox.rows[seq - 1];

	if (fake_outbox.refuse_tells)
		return fake_outbox.refuse_tells;
	ASSERT(seq > 0 && (size_t)seq <= fake_outbox.count && row->state == ROW_WAITING);
	row->state = state;
	fake_outbox.told++;
	return 0;
}

int store_event_delivered(struct store *s, int64_t seq)
{
	(void)s;
	return tell(seq, ROW_DELIVERED);
}

int store_event_retry(struct store *s, int64_t seq, uint64_t next_ms, const char *error)
{
	struct fake_row *row = &fake_outbox.rows[seq - 1];
	int r = tell(seq, ROW_WAITING);

	(void)s;
	if (r)
		return r;
	row->e.next_ms = next_ms;
	row->e.attempts++;
	str_copy(row->e.error, sizeof(row->e.error), error);
	return 0;
}

int store_event_dead(struct store *s, int64_t seq, const char *error)
{
	(void)s;
	str_copy(fake_outbox.rows[seq - 1].e.error, sizeof(fake_outbox.rows[0].e.error), error);
	return tell(seq, ROW_DEAD);
}
