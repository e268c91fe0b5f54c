/* tests/unit/events/event_rig.h
 *
 * A receiver of events: a real HTTP server that keeps what it gets and answers as the test says.
 */
#ifndef TESTS_UNIT_EVENTS_EVENT_RIG_H
#define TESTS_UNIT_EVENTS_EVENT_RIG_H

#include "events/events.h"
#include "lib/base/addr.h"
#include "lib/http/http_client.h"
#include "lib/http/http_server.h"
#include "lib/loop/loop.h"

enum { HOOK_GOT_MAX = 1000, HOOK_HELD_MAX = 32 };

struct got {
	char id[40], type[64], subject[64], signature[128], content_type[64];
	int64_t n; /* data.n */
	char *body;
};

struct hook {
	struct loop *loop;
	struct http_server *server; /* NULL: it is down */
	struct addr addr;
	char url[80];
	unsigned status;         /* what it answers; 0: nothing yet, see held */
	unsigned bad_n_status;   /* what an event with data.n == bad_n gets */
	int64_t bad_n;           /* -1: none */
	const char *retry_after; /* a header line, or NULL */
	struct got got[HOOK_GOT_MAX];
	size_t got_count; /* all requests, whatever they were answered */
	struct http_request *held[HOOK_HELD_MAX];
	size_t held_count, held_max;
};

void hook_up(struct hook *h, struct loop *l);
/* Nothing listens any more at the address. */
void hook_down(struct hook *h);
/* Listens again, at the same address. */
void hook_again(struct hook *h);
void hook_done(struct hook *h);
void hook_answer_held(struct hook *h, unsigned status);

#endif
