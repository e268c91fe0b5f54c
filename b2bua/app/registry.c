/* b2bua/app/registry.c
 *
 * The live calls, found by whatever name a module knows them by.
 */
#define HASH_NONFATAL_OOM 1 /* an element that found no memory is left out, its table pointer NULL */
#include "b2bua/app/dial.h"
#include "b2bua/app/listeners.h"

#include "lib/base/assert.h"
#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/id.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUTE_ARENA_BYTES = 64 * 1024 };

/* Short enough to say over the telephone; unique among live calls by construction, among all by chance (2^48). */
static void make_id(struct app *app, char id[CALL_ID_TEXT])
{
	do {
		uint64_t r = crypto_random_u64();
		snprintf(id, CALL_ID_TEXT, "c-%012llx", (unsigned long long)(r & 0xffffffffffffULL));
	} while (registry_by_id(app, id));
}

static int make_call(struct app_call *ac, const struct wa_event *ev)
{
	char user_number[24] = "";
	struct call_offer offer = {
		.call_id = ac->id,
		.wacid = ac->wacid,
		.phone_number_id = ac->number->phone_number_id,
		.number = ac->number->number,
		.user_number = user_number,
		.user_id = ev->user_id,
		.profile_name = ev->profile_name,
		.payload = ev->payload,
		.sdp = ev->sdp,
		.sdp_length = ev->sdp_length,
		.random = crypto_random_u64(),
	};

	/* Not a number: the user shows a business-scoped id only. */
	if (str_e164(ev->user_number, user_number, sizeof(user_number)))
		user_number[0] = '\0';
	return call_new(&ac->number->call, &offer, &ac->call);
}

static int add_names(struct app_call *ac)
{
	struct app *app = ac->app;

	HASH_ADD(by_id, app->by_id, id[0], (unsigned)strlen(ac->id), ac);
	if (!ac->by_id.tbl)
		return -ENOMEM;
	if (!*ac->wacid) /* a dial: Meta has given none yet */
		return 0;
	HASH_ADD(by_wacid, app->by_wacid, wacid[0], (unsigned)strlen(ac->wacid), ac);
	return ac->by_wacid.tbl ? 0 : -ENOMEM;
}

int registry_set_wacid(struct app_call *ac, const char *wacid)
{
	struct app *app = ac->app;

	if (*ac->wacid || !*wacid || registry_by_wacid(app, wacid) || str_copy(ac->wacid, sizeof(ac->wacid), wacid))
		return *ac->wacid && str_equal(ac->wacid, wacid) ? 0 : -EEXIST;
	HASH_ADD(by_wacid, app->by_wacid, wacid[0], (unsigned)strlen(ac->wacid), ac);
	return ac->by_wacid.tbl ? 0 : -ENOMEM;
}

/* Also what was not yet named by everything. */
static void forget(struct app_call *ac)
{
	struct app *app = ac->app;

	if (ac->by_id.tbl)
		HASH_DELETE(by_id, app->by_id, ac);
	if (ac->by_wacid.tbl)
		HASH_DELETE(by_wacid, app->by_wacid, ac);
	if (ac->key)
		ASSERT(slotmap_remove(app->calls, ac->key) == ac);
	for (int i = 0; i < CALL_LEG_COUNT; i++)
		(void)registry_set_leg(ac, (enum call_leg)i, 0);
	ask_cancel(ac->ask);
	arena_done(&ac->route_arena);
	call_free(ac->call);
	dial_free(ac->dial);
	config_free(ac->config);
	free(ac);
}

static struct app_call *make(struct app *app, const struct config_number *number)
{
	struct app_call *ac = calloc(1, sizeof(*ac));

	if (!ac)
		return NULL;
	ac->app = app;
	ac->config = config_hold(number->config);
	ac->number = number;
	ac->graph_number = graph_number_of(number);
	ac->setup_invite_us = ac->setup_accept_us = ac->ice_ms = ac->dtls_ms = -1;
	ac->first_audio_ms[END_WA] = ac->first_audio_ms[END_SIP] = -1;
	arena_init(&ac->route_arena, ROUTE_ARENA_BYTES);
	for (int i = 0; i < CALL_TIMER_COUNT; i++)
		ac->timer_args[i] = (struct timer_arg){ac, (enum call_timer)i};
	return ac;
}

/* Of one that nothing knows yet. */
static struct app_call *unmake(struct app_call *ac)
{
	call_free(ac->call);
	config_free(ac->config);
	free(ac);
	return NULL;
}

static struct app_call *enter(struct app *app, struct app_call *ac)
{
	ac->key = slotmap_add(app->calls, ac);
	if (!ac->key || add_names(ac)) {
		forget(ac);
		return NULL;
	}
	counter_inc(CNT_CALLS_STARTED);
	return ac;
}

struct app_call *registry_add(struct app *app, const struct wa_event *ev, const struct config_number *number)
{
	struct app_call *ac = make(app, number);

	if (!ac)
		return NULL;
	make_id(app, ac->id);
	str_copy(ac->wacid, sizeof(ac->wacid), ev->call_id);
	if (make_call(ac, ev))
		return unmake(ac);
	return enter(app, ac);
}

struct app_call *registry_add_dial(
	struct app *app, struct dial *dial, const struct config_number *number, const struct call_dial *from)
{
	struct app_call *ac = make(app, number);

	if (!ac)
		return NULL;
	str_copy(ac->id, sizeof(ac->id), dial->id);
	if (registry_by_id(app, ac->id) || call_new_dial(&number->call, from, &ac->call))
		return unmake(ac);
	if (dial->order == DIAL_SIP_CALLS && registry_set_leg(ac, CALL_LEG_MAIN, dial->sip_leg))
		return unmake(ac);
	ac = enter(app, ac);
	if (ac)
		ac->dial = dial;
	return ac;
}

int registry_set_media(struct app_call *ac, uint64_t session)
{
	if (ac->media_session)
		HASH_DELETE(by_media, ac->app->by_media, ac);
	ac->media_session = session;
	if (!session)
		return 0;
	HASH_ADD(by_media, ac->app->by_media, media_session, sizeof(ac->media_session), ac);
	if (ac->by_media.tbl)
		return 0;
	ac->media_session = 0;
	return -ENOMEM;
}

int registry_set_leg(struct app_call *ac, enum call_leg which, uint64_t leg)
{
	struct leg_node *node = &ac->legs[which];

	if (node->id)
		HASH_DELETE(hh, ac->app->by_leg, node);
	node->id = leg;
	node->ac = ac;
	if (!leg)
		return 0;
	HASH_ADD(hh, ac->app->by_leg, id, sizeof(node->id), node);
	if (node->hh.tbl)
		return 0;
	node->id = 0;
	return -ENOMEM;
}

void registry_remove(struct app_call *ac)
{
	for (int i = 0; i < CALL_TIMER_COUNT; i++)
		loop_timer_cancel(&ac->timers[i]);
	(void)registry_set_media(ac, 0);
	listeners_done(ac);
	forget(ac);
	counter_inc(CNT_CALLS_ENDED);
}

struct app_call *registry_by_key(struct app *app, uint64_t key)
{
	return slotmap_get(app->calls, key);
}

struct app_call *registry_by_id(struct app *app, const char *id)
{
	struct app_call *ac;
	HASH_FIND(by_id, app->by_id, id, (unsigned)strlen(id), ac);
	return ac;
}

struct app_call *registry_by_wacid(struct app *app, const char *wacid)
{
	struct app_call *ac;
	HASH_FIND(by_wacid, app->by_wacid, wacid, (unsigned)strlen(wacid), ac);
	return ac;
}

struct app_call *registry_by_media(struct app *app, uint64_t session)
{
	struct app_call *ac;
	HASH_FIND(by_media, app->by_media, &session, sizeof(session), ac);
	return ac;
}

struct app_call *registry_by_leg(struct app *app, uint64_t leg, enum call_leg *ret_which)
{
	struct leg_node *node;

	HASH_FIND(hh, app->by_leg, &leg, sizeof(leg), node);
	if (!node)
		return NULL;
	*ret_which = (enum call_leg)(node - node->ac->legs);
	return node->ac;
}

static bool is_user(const struct app_call *ac, const char *user)
{
	struct call_report rep;

	call_report(ac->call, &rep);
	return str_equal(rep.user_number, user) || str_equal(rep.user_id, user);
}

struct app_call *registry_by_user(struct app *app, const struct config_number *number, const char *user)
{
	struct app_call *ac, *next;

	HASH_ITER (by_id, app->by_id, ac, next) {
		if (config_same_number(ac->number, number) && is_user(ac, user))
			return ac;
	}
	return NULL;
}

bool registry_tenant_full(const struct app *app, const char *tenant, size_t beginning)
{
	const struct config_tenant *t = config_tenant_by_name(app->config, tenant);
	const struct app_call *ac, *next;
	size_t n = 0;

	if (!t || !t->max_calls)
		return false;
	HASH_ITER (by_id, app->by_id, ac, next)
		n += str_equal(ac->number->tenant, tenant);
	return n - beginning >= t->max_calls;
}

size_t registry_count_number(const struct app *app, const struct config_number *number)
{
	const struct app_call *ac, *next;
	size_t n = 0;

	HASH_ITER (by_id, app->by_id, ac, next) {
		if (config_same_number(ac->number, number))
			n++;
	}
	return n;
}
