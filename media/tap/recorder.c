/* media/tap/recorder.c
 *
 *   control thread -- mailbox of recordings --> this thread: steps each of them every TURN_MS, until it is over
 *                  <-- mailbox of events -----
 */
#include "media/tap/recorder.h"

#include "lib/base/clock.h"
#include "lib/base/mailbox.h"
#include "lib/base/thread.h"
#include "lib/loop/loop.h"
#include "media/tap/record_ring.h"
#include "media/tap/recording.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum {
	TURN_MS = 200, /* a ring holds two seconds */
	BEGIN_MAX = 1024,
	EVENTS_CAPACITY = 256,
};

/* One recording on its way and in the thread's list. */
struct entry {
	struct recording *recording;
	struct recorder_event owed; /* that the full mailbox refused */
	bool owes;
	struct entry *next;
};

struct command {
	struct entry *begin; /* NULL: stop */
};

struct recorder {
	/* fixed */
	struct recorder_conf conf;
	struct mailbox *commands, *events;
	struct thread *thread;
	/* control thread: */
	struct loop *loop;
	struct loop_watch *watch;
	/* the recorder's thread: */
	struct entry *list;
	bool stopping;
};

/* ---- the thread ---- */

static bool tell(struct recorder *r, struct entry *e)
{
	if (e->owes)
		e->owes = mailbox_put(r->events, &e->owed) != 0;
	return !e->owes;
}

static struct entry *entry_free(struct entry *e)
{
	recording_free(e->recording);
	free(e);
	return NULL;
}

static void step_all(struct recorder *r)
{
	for (struct entry **at = &r->list; *at;) {
		struct entry *e = *at;
		/* one event after another, none lost */
		while (tell(r, e) && recording_step(e->recording, clock_mono_us(), &e->owed))
			e->owes = true;
		if (!e->owes && recording_is_over(e->recording)) {
			*at = e->next;
			entry_free(e);
		} else {
			at = &e->next;
		}
	}
}

static void read_commands(struct recorder *r)
{
	struct command c;

	mailbox_clear(r->commands);
	while (mailbox_get(r->commands, &c)) {
		if (!c.begin) {
			r->stopping = true;
			continue;
		}
		c.begin->next = r->list;
		r->list = c.begin;
	}
}

/* Nobody reads events any more, and nobody puts into rings. */
static void finish_all(struct recorder *r)
{
	while (r->list) {
		struct entry *e = r->list;
		r->list = e->next;
		recording_close(e->recording, clock_mono_us());
		while (recording_step(e->recording, clock_mono_us(), &e->owed)) {
		}
		entry_free(e);
	}
}

static void recorder_main(void *arg)
{
	struct recorder *r = arg;

	while (!r->stopping) {
		struct pollfd p = {.fd = mailbox_fd(r->commands), .events = POLLIN};
		if (poll(&p, 1, r->list ? TURN_MS : -1) > 0)
			read_commands(r);
		step_all(r);
	}
	finish_all(r);
}

/* ---- the control thread ---- */

static void on_events(void *arg, int ready)
{
	struct recorder *r = arg;
	struct recorder_event ev;

	(void)ready;
	mailbox_clear(r->events);
	while (mailbox_get(r->events, &ev))
		r->conf.on_event(&ev, r->conf.arg);
}

int recorder_new(struct loop *l, const struct recorder_conf *conf, struct recorder **ret_recorder)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->conf = *conf;
	r->loop = l;
	e = mailbox_new(sizeof(struct command), BEGIN_MAX, &r->commands);
	if (e == 0)
		e = mailbox_new(sizeof(struct recorder_event), EVENTS_CAPACITY, &r->events);
	if (e == 0)
		e = loop_watch(l, mailbox_fd(r->events), LOOP_READ, on_events, r, &r->watch);
	if (e == 0)
		e = thread_start("recorder", recorder_main, r, &r->thread);
	if (e) {
		recorder_free(r);
		return e;
	}
	*ret_recorder = r;
	return 0;
}

int recorder_start(struct recorder *r, const struct recording_conf *conf, struct record_ring **ret_ring)
{
	struct command c = {.begin = calloc(1, sizeof(*c.begin))};
	struct record_ring *ring;
	int e;

	if (!c.begin)
		return -ENOMEM;
	if (!mailbox_has_room(r->commands, 2)) { /* the last place is kept for the end */
		free(c.begin);
		return -EAGAIN;
	}
	e = recording_new(conf, &c.begin->recording, &ring);
	if (e == 0)
		e = mailbox_put(r->commands, &c);
	if (e) {
		entry_free(c.begin);
		return e;
	}
	*ret_ring = ring;
	return 0;
}

struct recorder *recorder_free(struct recorder *r)
{
	struct command c = {0};

	if (!r)
		return NULL;
	if (r->thread) {
		(void)mailbox_put(r->commands, &c);
		r->thread = thread_join(r->thread);
	}
	loop_unwatch(r->watch);
	while (r->commands && mailbox_get(r->commands, &c))
		if (c.begin)
			entry_free(c.begin);
	mailbox_free(r->commands);
	mailbox_free(r->events);
	free(r);
	return NULL;
}
