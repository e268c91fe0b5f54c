/* b2bua/app/on_webhook.c
 *
 * What Meta tells us -> call events. Here duplicates, stale offers, calls that are over and numbers that are not ours
 * are sorted out: the call logic sees each fact once.
 */
#include "b2bua/app/dial.h"

#include "lib/base/counter.h"
#include "lib/base/str.h"

#include <string.h>

enum { STALE_OFFER_S = 60 }; /* Meta: a connect may be retried long after the call died */

static const char *masked(char buffer[24], const char *number)
{
	return str_mask_number(buffer, 24, *number ? number : "-");
}

static bool is_stale(struct app *app, const struct wa_event *ev)
{
	uint64_t now_s = loop_wall_ms(app->loop) / 1000;
	return ev->timestamp_s && ev->timestamp_s + STALE_OFFER_S < now_s;
}

/* Why this number may not take the call now; CAUSE_COUNT: it may. */
static enum cause refusal(struct app *app, const struct config_number *number)
{
	if (app->stopping)
		return CAUSE_SHUTDOWN;
	if (!number->enabled || !number->inbound)
		return CAUSE_NOT_ALLOWED;
	if (registry_count_number(app, number) > number->max_calls)
		return CAUSE_CONGESTION;
	if (registry_tenant_full(app, number->tenant, 1))
		return CAUSE_TENANT_LIMIT;
	return CAUSE_COUNT;
}

/* A call opens the 24 h customer-service window, as a message does. */
static void note_window(struct app_call *ac)
{
	struct call_report rep;
	struct permission *p;

	call_report(ac->call, &rep);
	p = permissions_get(ac->app, ac->number->phone_number_id, *rep.user_number ? rep.user_number : rep.user_id);
	if (!p)
		return;
	permission_on_message(p, loop_wall_ms(ac->app->loop));
	permissions_changed(ac->app, p, PERMISSION_UNCHANGED);
}

static void start_call(struct app *app, const struct wa_event *ev, const struct config_number *number)
{
	struct app_call *ac = registry_add(app, ev, number);
	struct call_event offer = {.kind = CALL_EV_OFFER};
	enum cause refused;
	char ours[24], user[24];

	if (!ac) {
		counter_inc(CNT_CALLS_REFUSED_LIMIT);
		log_error("call_refused", "number=%s error=\"out of memory, or too many calls\"",
			masked(ours, number->number));
		return;
	}
	ac->webhook_us = loop_now_us(app->loop);
	log_info("webhook_connect", "call=%s tenant=%s number=%s user=%s t_us=%llu", ac->id,
		tenant_word(number->tenant), masked(ours, number->number), masked(user, ev->user_number),
		(unsigned long long)ac->webhook_us);
	emit_call_begins(ac);
	note_window(ac);
	refused = refusal(app, number);
	if (refused == CAUSE_COUNT) {
		app_step(ac, &offer);
		return;
	}
	if (refused == CAUSE_CONGESTION || refused == CAUSE_TENANT_LIMIT)
		counter_inc(CNT_CALLS_REFUSED_LIMIT);
	app_step_hangup(ac, refused, ENDED_BY_US);
}

static void on_offer(struct app *app, const struct wa_event *ev, const struct config_number *number)
{
	uint64_t wall_ms = loop_wall_ms(app->loop);
	char ours[24];

	if (registry_by_wacid(app, ev->call_id)) { /* also under another number: one WhatsApp call is one call */
		counter_inc(CNT_WEBHOOK_DUPLICATE);
		return;
	}
	if (tombstones_has(app->tombstones, ev->call_id, wall_ms)) {
		counter_inc(CNT_WEBHOOK_AFTER_END);
		log_info("webhook_ignored", "number=%s reason=\"connect after the call's end\"",
			masked(ours, number->number));
		return;
	}
	if (is_stale(app, ev)) {
		counter_inc(CNT_WEBHOOK_STALE);
		tombstones_add(app->tombstones, ev->call_id, wall_ms);
		log_warn("webhook_ignored", "number=%s reason=\"offer is %llu s old\"", masked(ours, number->number),
			(unsigned long long)(wall_ms / 1000 - ev->timestamp_s));
		return;
	}
	start_call(app, ev, number);
}

/* ---- calls of ours ---- */

/* Ours by Meta's id, or, while that is not known yet, by the id we gave it ourselves. */
static struct app_call *dialled_call(struct app *app, const struct wa_event *ev, const struct config_number *number)
{
	struct app_call *ac = registry_by_wacid(app, ev->call_id);

	if (!ac && *ev->opaque) {
		ac = registry_by_id(app, ev->opaque);
		if (ac && (!ac->dial || (*ac->wacid && strcmp(ac->wacid, ev->call_id) != 0)))
			ac = NULL;
	}
	return ac && ac->dial && config_same_number(ac->number, number) ? ac : NULL;
}

static bool is_our_id(const char *opaque)
{
	return str_starts(opaque, "c-") && strlen(opaque) == 14 && !opaque[2 + strspn(opaque + 2, "0123456789abcdef")];
}

/* A call that Meta makes in our name and that we do not have: we died, or gave up, before Meta's id was known. */
static void on_unknown_dial(struct app *app, const struct wa_event *ev, const struct config_number *number)
{
	if (tombstones_has(app->tombstones, ev->call_id, loop_wall_ms(app->loop))) {
		counter_inc(CNT_WEBHOOK_AFTER_END);
		return;
	}
	if (is_our_id(ev->opaque) && !is_stale(app, ev))
		end_orphan(app, number, ev->call_id);
	else
		counter_inc(CNT_WEBHOOK_UNKNOWN_EVENT); /* of another program at the same number */
}

static struct app_call *learn_wacid(struct app_call *ac, const struct wa_event *ev)
{
	if (*ac->wacid)
		return ac;
	if (registry_set_wacid(ac, ev->call_id))
		return NULL;
	leftovers_note(ac);
	return ac;
}

static void on_answer(struct app *app, const struct wa_event *ev, const struct config_number *number)
{
	struct app_call *ac = dialled_call(app, ev, number);
	struct call_event ce = {.kind = CALL_EV_WA_ANSWER, .u.wa_answer = {ev->call_id, ev->sdp, ev->sdp_length}};

	if (!ac) {
		on_unknown_dial(app, ev, number);
		return;
	}
	if (!learn_wacid(ac, ev))
		return;
	log_info("webhook_answer", "call=%s t_us=%llu", ac->id, (unsigned long long)loop_now_us(app->loop));
	app_step(ac, &ce);
}

static void on_status(struct app *app, const struct wa_event *ev, const struct config_number *number)
{
	static const struct {
		const char *name;
		enum call_wa_status status;
	} known[] = {{"RINGING", WA_RINGING}, {"ACCEPTED", WA_ACCEPTED}, {"REJECTED", WA_REJECTED}};
	struct app_call *ac = dialled_call(app, ev, number);
	struct call_event ce = {.kind = CALL_EV_WA_STATUS, .u.wa_status = {.wacid = ev->call_id}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!str_equal_nocase(ev->name, known[i].name))
			continue;
		ce.u.wa_status.status = known[i].status;
		if (!ac) {
			on_unknown_dial(app, ev, number);
			return;
		}
		if (!learn_wacid(ac, ev))
			return;
		log_info("webhook_status", "call=%s status=%s t_us=%llu", ac->id, known[i].name,
			(unsigned long long)loop_now_us(app->loop));
		app_step(ac, &ce);
		return;
	}
	counter_inc(CNT_WEBHOOK_UNKNOWN_EVENT);
}

static void on_terminate(struct app *app, const struct wa_event *ev, const struct config_number *number)
{
	struct app_call *ac = registry_by_wacid(app, ev->call_id);
	uint64_t wall_ms = loop_wall_ms(app->loop);
	char ours[24];

	if (!ac) {
		ac = dialled_call(app, ev, number);
		if (ac && !learn_wacid(ac, ev))
			return;
	}
	if (ac && !config_same_number(ac->number,
			  number)) { /* another number of ours, perhaps of another app: not its call to end */
		counter_inc(CNT_WEBHOOK_UNKNOWN_EVENT);
		log_warn("webhook_ignored", "call=%s number=%s reason=\"terminate for a call of another number\"",
			ac->id, masked(ours, number->number));
		return;
	}
	if (ac) {
		struct call_event ce = {.kind = CALL_EV_WA_TERMINATE,
			.u.wa_terminate = {ev->failed, ev->error_code,
				*ev->error_details ? ev->error_details : ev->error_title, ev->start_time_s != 0}};
		log_info("webhook_terminate", "call=%s failed=%d code=%d t_us=%llu", ac->id, ev->failed, ev->error_code,
			(unsigned long long)loop_now_us(app->loop));
		app_step(ac, &ce);
		return;
	}
	if (tombstones_has(app->tombstones, ev->call_id, wall_ms)) {
		counter_inc(CNT_WEBHOOK_DUPLICATE);
		return;
	}
	if (ev->direction == WA_BUSINESS_INITIATED) { /* its record was written when it was given up, or is another's */
		tombstones_add(app->tombstones, ev->call_id, wall_ms);
		counter_inc(CNT_WEBHOOK_AFTER_END);
		return;
	}
	/* The caller gave up before `connect` reached us, or it overtook it: there was a call, so there is a record. */
	tombstones_add(app->tombstones, ev->call_id, wall_ms);
	log_info("webhook_terminate", "number=%s code=%d note=\"before connect\"", masked(ours, number->number),
		ev->error_code);
	record_unopened(app, ev, number);
}

static const struct config_number *number_of(struct app *app, const struct wa_event *ev)
{
	const struct config_number *number = config_number_by_id(app->config, ev->phone_number_id);

	if (!number) {
		counter_inc(CNT_WEBHOOK_UNKNOWN_NUMBER);
		log_warn("webhook_unknown_number",
			"phone_number_id=\"%.40s\" event=\"%.40s\" advice=\"add it under numbers:\"",
			ev->phone_number_id, ev->name);
		return NULL;
	}
	if (ev->secret_index != number->secret_index) {
		counter_inc(CNT_WEBHOOK_WRONG_APP);
		log_warn("webhook_wrong_app",
			"phone_number_id=\"%.40s\" event=\"%.40s\" advice=\"it was signed with the secret "
			"of another app than the number's: see numbers[].app_secret\"",
			ev->phone_number_id, ev->name);
		return NULL;
	}
	return number;
}

void on_webhook_event(const struct wa_event *ev, void *arg)
{
	struct app *app = arg;
	const struct config_number *number;

	switch (ev->kind) {
	case WA_EVENT_CONNECT:
		if ((number = number_of(app, ev)))
			(ev->direction == WA_BUSINESS_INITIATED ? on_answer : on_offer)(app, ev, number);
		break;
	case WA_EVENT_TERMINATE:
		if ((number = number_of(app, ev)))
			on_terminate(app, ev, number);
		break;
	case WA_EVENT_ERROR:
		log_warn("webhook_error", "phone_number_id=\"%.40s\" code=%d title=\"%.120s\" details=\"%.200s\"",
			ev->phone_number_id, ev->error_code, ev->error_title, ev->error_details);
		break;
	case WA_EVENT_STATUS:
		if ((number = number_of(app, ev)))
			on_status(app, ev, number);
		break;
	case WA_EVENT_MESSAGE: /* come by on_webhook_keep() */
	case WA_EVENT_PERMISSION_REPLY:
	case WA_EVENT_OTHER: counter_inc(CNT_WEBHOOK_UNKNOWN_EVENT); break;
	}
}

void on_webhook_fault(const char *what, const struct addr *peer, void *arg)
{
	char text[ADDR_TEXT_MAX];

	(void)arg;
	log_warn("webhook_fault", "from=%s what=\"%.160s\"", addr_format(peer, text, sizeof(text)), what);
}
