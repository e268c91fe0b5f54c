/* b2bua/app/on_webhook.c
 *
 * What Meta tells us -> call events. Here duplicates, stale offers, calls that are over and numbers that are not ours
 * are sorted out: the call logic sees each fact once.
 */
#include "b2bua/app/shell.h"

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
	return CAUSE_COUNT;
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
	log_info("webhook_connect", "call=%s number=%s user=%s t_us=%llu", ac->id, masked(ours, number->number),
		masked(user, ev->user_number), (unsigned long long)ac->webhook_us);
	refused = refusal(app, number);
	if (refused == CAUSE_COUNT) {
		app_step(ac, &offer);
		return;
	}
	if (refused == CAUSE_CONGESTION)
		counter_inc(CNT_CALLS_REFUSED_LIMIT);
	app_step_hangup(ac, refused, ENDED_BY_US);
}

static void on_connect(struct app *app, const struct wa_event *ev, const struct config_number *number)
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
	if (ev->direction == WA_BUSINESS_INITIATED) {
		/* The answer to a call of ours: none is made yet by this version, so it cannot be one we wait for. */
		counter_inc(CNT_WEBHOOK_UNKNOWN_EVENT);
		return;
	}
	start_call(app, ev, number);
}

static void on_terminate(struct app *app, const struct wa_event *ev, const struct config_number *number)
{
	struct app_call *ac = registry_by_wacid(app, ev->call_id);
	uint64_t wall_ms = loop_wall_ms(app->loop);
	char ours[24];

	if (ac && ac->number != number) { /* another number of ours, perhaps of another app: not its call to end */
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
			on_connect(app, ev, number);
		break;
	case WA_EVENT_TERMINATE:
		if ((number = number_of(app, ev)))
			on_terminate(app, ev, number);
		break;
	case WA_EVENT_ERROR:
		log_warn("webhook_error", "phone_number_id=\"%.40s\" code=%d title=\"%.120s\" details=\"%.200s\"",
			ev->phone_number_id, ev->error_code, ev->error_title, ev->error_details);
		break;
	case WA_EVENT_STATUS: /* of calls we make: a later capability */
	case WA_EVENT_MESSAGE:
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
