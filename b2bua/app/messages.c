/* b2bua/app/messages.c
 *
 * What users write and tap. On disk before Meta gets its 200 (store's inbox), then read: permission replies go to the
 * permission table, texts to the dialplan's rules for messages. A message is dealt with when what its rule asked for is
 * sent, or safely kept itself; a crash before that reads it again.
 */
#include "b2bua/app/dial.h"

#include "b2bua/app/job.h"
#include "lib/base/crypto.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"
#include "webhook/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROUTE_BYTES = 64 * 1024, STALE_MESSAGE_S = 3600 };

/* One message being dealt with: everything its route borrows. */
struct message {
	struct job job;
	struct arena arena;
	char id[WA_CALL_ID_MAX + 1];
	const struct config_number *number;
	char user_number[24];
	struct call_facts facts;
	struct ask *ask;
};

static void message_done(struct job *job)
{
	struct message *m = (struct message *)job;

	arena_done(&m->arena);
}

static void finished(void *arg)
{
	struct message *m = arg;
	struct app *app = m->job.app;

	(void)store_done_inbox(app->store, m->id);
	job_free(&m->job);
	shutdown_check(app);
}

/* ---- permission replies ---- */

static void on_reply(struct app *app, const struct wa_event *ev, const struct config_number *number, const char *user)
{
	struct permission *p = permissions_get(app, number->phone_number_id, user);
	uint64_t now_ms = loop_wall_ms(app->loop);

	if (!p)
		return;
	if (!ev->permission_automatic)
		permission_on_message(p, now_ms); /* a tap of his opens the window as a text does */
	permissions_changed(app, p,
		permission_on_reply(p, ev->permission_accepted, ev->permission_permanent,
			ev->permission_expires_s * 1000, ev->permission_automatic, now_ms));
}

/* ---- texts ---- */

static void on_route(const struct route *route, void *arg)
{
	struct message *m = arg;
	struct app *app = m->job.app;
	const struct action_facts who = {m->number, m->facts.from, m->facts.from_user_id, m->facts.name, m->id};

	m->ask = NULL;
	if (route->kind != ROUTE_ACTIONS) {
		finished(m);
		return;
	}
	counter_inc(CNT_MESSAGES_MATCHED);
	log_info("message_matched", "rule=%s number_id=%s", route->rule, m->number->phone_number_id);
	emit_message_matched(
		app, m->number, *m->facts.from ? m->facts.from : m->facts.from_user_id, route->rule, m->id);
	actions_run(app, route, &who, finished, m);
}

static int copy_facts(struct message *m, const struct wa_event *ev)
{
	struct arena *a = &m->arena;

	if (str_e164(ev->user_number, m->user_number, sizeof(m->user_number)))
		m->user_number[0] = '\0';
	m->facts = (struct call_facts){
		.direction = CALL_MESSAGE,
		.tenant = m->number->tenant,
		.to = m->number->number,
		.from = m->user_number,
		.from_user_id = arena_strdup(a, ev->user_id),
		.name = arena_strdup(a, ev->profile_name),
		.payload = arena_strdup(a, ev->reply_id),
		.phone_number_id = m->number->phone_number_id,
		.call_id = "",
		.text = arena_strdup(a, ev->text),
		.reply_id = arena_strdup(a, ev->reply_id),
		.random = crypto_random_u64(),
	};
	return m->facts.from_user_id && m->facts.name && m->facts.payload && m->facts.text && m->facts.reply_id
		       ? 0
		       : -ENOMEM;
}

/* The previous run died between keeping the call back and forgetting the message. */
static bool is_kept(const struct app *app, const struct wa_event *ev)
{
	char id[CALL_ID_TEXT];

	dial_id_of_message(id, ev->message_id);
	return parking_has(app, id);
}

static void on_text(struct app *app, const struct wa_event *ev, const struct config_number *number, const char *user)
{
	struct message *m = job_new(app, sizeof(*m), 0);
	struct permission *p = permissions_get(app, number->phone_number_id, user);
	struct route route = {0};

	if (p) {
		permission_on_message(p, loop_wall_ms(app->loop));
		permissions_changed(app, p, PERMISSION_UNCHANGED);
	}
	chat_add(app, number->phone_number_id, user, ev->text);
	if (!m)
		return; /* it stays in the inbox */
	m->job.done = message_done;
	m->number = number;
	arena_init(&m->arena, ROUTE_BYTES);
	str_copy(m->id, sizeof(m->id), ev->message_id);
	if (copy_facts(m, ev) ||
		dialplan_route(app->config->dialplan, &m->facts, loop_wall_ms(app->loop), &m->arena, &route)) {
		log_error("message_lost", "error=\"out of memory\"");
		job_free(&m->job);
		return;
	}
	if (route.kind == ROUTE_ASK) {
		m->ask = ask_route(app, &route, &m->facts, &m->arena, on_route, m);
		if (m->ask)
			return;
		memset(&route, 0, sizeof(route));
	}
	on_route(&route, m);
}

/* ---- one kept message ---- */

static void on_message(const struct wa_event *ev, void *arg)
{
	struct app *app = arg;
	const struct config_number *number = config_number_by_id(app->config, ev->phone_number_id);
	char user_number[24];
	const char *user;

	counter_inc(CNT_MESSAGES_RECEIVED);
	if (str_e164(ev->user_number, user_number, sizeof(user_number)))
		user_number[0] = '\0';
	user = *user_number ? user_number : ev->user_id;
	if (!number || !*user || (ev->kind != WA_EVENT_MESSAGE && ev->kind != WA_EVENT_PERMISSION_REPLY)) {
		(void)store_done_inbox(app->store, ev->message_id);
		return;
	}
	if (ev->kind == WA_EVENT_PERMISSION_REPLY) {
		on_reply(app, ev, number, user);
		(void)store_done_inbox(app->store, ev->message_id);
	} else if (ev->timestamp_s && ev->timestamp_s + STALE_MESSAGE_S < loop_wall_ms(app->loop) / 1000) {
		/* Nobody wants to be called for what he wrote hours ago: a delivery that Meta has kept repeating. */
		log_warn("message_stale", "number_id=%s", number->phone_number_id);
		(void)store_done_inbox(app->store, ev->message_id);
	} else if (is_kept(app, ev)) {
		(void)store_done_inbox(app->store, ev->message_id);
	} else {
		on_text(app, ev, number, user);
	}
}

static void read_item(struct app *app, const char *message_id, const char *json, size_t length)
{
	struct webhook_parse_report report;
	int r = webhook_parse(json, length, on_message, app, &report);

	if (r == 0 && report.events == 1)
		return;
	log_error("message_lost", "error=\"cannot be read: %.100s\"", report.what);
	(void)store_done_inbox(app->store, message_id);
}

/* ---- from the webhook ---- */

struct kept {
	struct job job;
	struct webhook_delivery *delivery;
	struct arena arena;
	size_t count;
	struct inbox_item *items;
};

static void kept_done(struct job *job)
{
	struct kept *k = (struct kept *)job;

	arena_done(&k->arena);
}

static void on_kept(int status, const bool *is_new, size_t count, void *arg)
{
	struct kept *k = arg;
	struct app *app = k->job.app;

	if (status)
		log_error("messages_not_kept", "count=%zu error=\"%s\" note=\"Meta will send them again\"", k->count,
			strerror(-status));
	if (app->webhook)
		webhook_delivery_done(k->delivery, status == 0);
	for (size_t i = 0; status == 0 && i < count && i < k->count; i++) {
		if (is_new[i])
			read_item(app, k->items[i].message_id, k->items[i].json, k->items[i].length);
		else
			counter_inc(CNT_WEBHOOK_DUPLICATE);
	}
	job_free(&k->job);
	shutdown_check(app);
}

/* Of a number of ours, and signed by the app that the number belongs to. Others are answered and forgotten. */
static bool ours(struct app *app, const struct webhook_item *item)
{
	const struct config_number *number = config_number_by_id(app->config, item->phone_number_id);

	if (number && item->secret_index == number->secret_index)
		return true;
	counter_inc(number ? CNT_WEBHOOK_WRONG_APP : CNT_WEBHOOK_UNKNOWN_NUMBER);
	log_warn(number ? "webhook_wrong_app" : "webhook_unknown_number", "phone_number_id=\"%.40s\" event=message",
		item->phone_number_id);
	return false;
}

static int copy_items(struct kept *k, const struct webhook_item *items, size_t count, uint64_t now_ms)
{
	k->items = arena_alloc(&k->arena, count * sizeof(*k->items));
	for (size_t i = 0; k->items && i < count; i++) {
		struct inbox_item *item = &k->items[k->count];
		if (!ours(k->job.app, &items[i]))
			continue;
		item->message_id = arena_strdup(&k->arena, items[i].message_id);
		item->json = arena_strndup(&k->arena, items[i].json, items[i].length);
		item->length = items[i].length;
		item->received_ms = now_ms;
		if (!item->message_id || !item->json)
			return -ENOMEM;
		k->count++;
	}
	return k->items ? 0 : -ENOMEM;
}

void on_webhook_keep(const struct webhook_item *items, size_t count, struct webhook_delivery *delivery, void *arg)
{
	struct app *app = arg;
	struct kept *k = job_new(app, sizeof(*k), 0);
	int r = -ENOMEM;

	if (k) {
		k->job.done = kept_done;
		k->delivery = delivery;
		arena_init(&k->arena, 0); /* bounded by the webhook's body */
		r = copy_items(k, items, count, loop_wall_ms(app->loop));
	}
	if (r == 0 && k->count == 0) {
		webhook_delivery_done(delivery, true);
		job_free(&k->job);
		return;
	}
	if (r == 0)
		r = store_put_inbox(app->store, k->items, k->count, on_kept, k);
	if (r == 0)
		return;
	log_error(
		"messages_not_kept", "count=%zu error=\"%s\" note=\"Meta will send them again\"", count, strerror(-r));
	webhook_delivery_done(delivery, false);
	if (k)
		job_free(&k->job);
}

/* ---- start ---- */

struct leftover {
	struct leftover *next;
	char *message_id, *json;
	size_t length;
};

static void collect(const struct inbox_item *item, void *arg)
{
	struct leftover ***tail = arg, *l = calloc(1, sizeof(*l));

	if (!l)
		return;
	l->message_id = strdup(item->message_id);
	l->json = strndup(item->json, item->length);
	l->length = item->length;
	**tail = l;
	*tail = &l->next;
}

int messages_start(struct app *app)
{
	struct leftover *list = NULL, **tail = &list;
	size_t count = 0;
	int r = store_load_inbox(app->store, collect, &tail);

	while (list) {
		struct leftover *l = list;
		list = l->next;
		if (r == 0 && l->message_id && l->json) {
			read_item(app, l->message_id, l->json, l->length);
			count++;
		}
		free(l->message_id);
		free(l->json);
		free(l);
	}
	if (count)
		log_info("messages_resumed", "count=%zu", count);
	return r;
}
