/* b2bua/app/leftovers.c
 *
 * Calls that a previous run left live (crash, kill -9, power): Meta may still hold them. They are ended there and
 * recorded as such.
 */
#include "b2bua/app/shell.h"

#include "lib/base/str.h"

#include <stdlib.h>

enum { LEFTOVERS_MAX = 10000 };

struct live_call leftovers_entry(const struct app_call *ac)
{
	struct live_call live = {.outbound = ac->dial != NULL};
	struct call_report rep;

	call_report(ac->call, &rep);
	/* Written before the first step of a call, too. */
	live.started_ms = rep.started_ms ? rep.started_ms : loop_wall_ms(ac->app->loop);
	str_copy(live.id, sizeof(live.id), ac->id);
	str_copy(live.wacid, sizeof(live.wacid), ac->wacid);
	str_copy(live.tenant, sizeof(live.tenant), ac->number->tenant);
	str_copy(live.number_id, sizeof(live.number_id), ac->number->phone_number_id);
	str_copy(live.user_number, sizeof(live.user_number), rep.user_number);
	return live;
}

void leftovers_note(const struct app_call *ac)
{
	const struct live_call live = leftovers_entry(ac);

	if (store_put_live(ac->app->store, &live))
		log_error("live_call_lost",
			"call=%s note=\"should watrunk die now, the next run would not know of it\"", ac->id);
}

struct leftovers {
	struct app *app;
	struct live_call *calls;
	size_t count, lost;
};

static void collect(const struct live_call *live, void *arg)
{
	struct leftovers *l = arg;
	struct live_call *grown;

	grown = l->count < LEFTOVERS_MAX ? realloc(l->calls, (l->count + 1) * sizeof(*grown)) : NULL;
	if (!grown) {
		l->lost++;
		return;
	}
	l->calls = grown;
	l->calls[l->count++] = *live;
}

static void end_one(struct app *app, const struct live_call *live)
{
	const struct config_number *number = config_number_by_id(app->config, live->number_id);

	record_leftover(app, live);
	if (!*live->wacid) { /* a dial intent: whether Meta took the call nobody knows */
		log_warn("leftover_dial", "call=%s note=\"it may have been made or not; it is not dialled again\"",
			live->id);
		return;
	}
	tombstones_add(app->tombstones, live->wacid, loop_wall_ms(app->loop));
	if (!number) {
		log_warn("leftover_call", "call=%s error=\"its number %s is not configured any more\"", live->id,
			live->number_id);
		return;
	}
	const struct graph_number graph_number = graph_number_of(number);
	const struct graph_request request = {.verb = GRAPH_TERMINATE, .number = &graph_number, .call_id = live->wacid};
	log_warn("leftover_call", "call=%s action=terminate", live->id);
	if (send_graph(app, 0, &request, number))
		log_error("leftover_call", "call=%s error=\"terminate could not be sent\"", live->id);
}

int end_leftovers(struct app *app)
{
	struct leftovers l = {.app = app};
	int r = store_take_leftovers(app->store, collect, &l);

	for (size_t i = 0; r == 0 && i < l.count; i++)
		end_one(app, &l.calls[i]);
	if (l.lost)
		log_error("leftover_call", "error=\"too many: %zu calls were neither ended nor recorded\"", l.lost);
	free(l.calls);
	return r;
}
