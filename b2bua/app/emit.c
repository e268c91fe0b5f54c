/* b2bua/app/emit.c
 *
 * What happened, told to the world (docs/events.md lists types and fields).
 */
#include "b2bua/app/dial.h"

#include "events/events.h"
#include "lib/base/assert.h"
#include "lib/base/str.h"

#include <string.h>

enum { FIELDS_MAX = 48 };

#define TEXT(n, t)       ((struct event_field){.name = (n), .kind = FIELD_TEXT, .text = (t)})
#define TIME(n, t)       ((struct event_field){.name = (n), .kind = FIELD_TIME_MS, .number = (int64_t)(t)})
#define INT(n, i)        ((struct event_field){.name = (n), .kind = FIELD_INT, .number = (int64_t)(i)})
#define HUNDREDTHS(n, r) ((struct event_field){.name = (n), .kind = FIELD_HUNDREDTHS, .number = hundredths(r)})
#define BOOL(n, b)       ((struct event_field){.name = (n), .kind = FIELD_BOOL, .number = (b)})

/* tenant "": nobody's but the operator's. */
static void tell(struct app *app, const char *tenant, const char *type, const char *subject,
	const struct event_field *fields, size_t count)
{
	struct event_field all[FIELDS_MAX + 1] = {TEXT("tenant", tenant)};
	bool is_call = str_starts(subject, "c-");
	char masked[24];
	int r;

	if (!app->events)
		return;
	ASSERT(count <= FIELDS_MAX);
	memcpy(all + 1, fields, count * sizeof(*fields));
	r = events_emit(app->events, tenant, type, subject, all, count + 1);
	if (r)
		log_error("event_lost", "type=%s subject=%.40s error=\"%s\"", type,
			is_call ? subject : str_mask_number(masked, sizeof(masked), subject), strerror(-r));
}

static size_t parties(const struct call_report *r, struct event_field *f)
{
	size_t n = 0;

	f[n++] = TEXT("call", r->call_id);
	f[n++] = TEXT("direction", r->outbound ? "outbound" : "inbound");
	f[n++] = TEXT("number", r->number);
	f[n++] = TEXT("number_id", r->phone_number_id);
	f[n++] = TEXT("user", r->user_number);
	f[n++] = TEXT("user_id", r->user_id);
	f[n++] = TEXT("user_name", r->profile_name);
	f[n++] = TEXT("payload", r->payload);
	f[n++] = TEXT("wacid", r->wacid);
	f[n++] = TEXT("rule", r->rule);
	f[n++] = TEXT("gateway", r->gateway);
	f[n++] = TEXT("sip_call_id", r->sip_call_id);
	return n;
}

static void tell_call(struct app_call *ac, const char *type, const struct call_report *r, struct event_field extra)
{
	struct event_field f[FIELDS_MAX];
	size_t n = parties(r, f);

	if (extra.name)
		f[n++] = extra;
	tell(ac->app, ac->number->tenant, type, r->call_id, f, n);
}

void emit_call_begins(struct app_call *ac)
{
	struct call_report r;

	call_report(ac->call, &r);
	tell_call(ac, r.outbound ? "call.dialled" : "call.received", &r, (struct event_field){0});
}

void emit_call_changes(struct app_call *ac, const struct call_report *before, const struct call_report *after)
{
	if (!before->rang_ms && after->rang_ms)
		tell_call(ac, "call.ringing", after, TIME("rang", after->rang_ms));
	if (!before->answered_ms && after->answered_ms)
		tell_call(ac, "call.answered", after, TIME("answered", after->answered_ms));
	if (after->transfers > before->transfers)
		tell_call(ac, "call.transferred", after, TEXT("target", after->transfer_target));
	else if (before->transferring && !after->transferring && !after->ended)
		tell_call(ac, "call.transfer_failed", after, INT("sip_code", after->transfer_code));
	if (before->on_hold != after->on_hold && !after->ended)
		tell_call(ac, after->on_hold ? "call.held" : "call.resumed", after, (struct event_field){0});
}

/* answered: it ended. Else it was missed (nobody answered, or the caller gave up), or failed. */
static const char *ended_type(const struct call_record *r)
{
	if (r->answered_ms)
		return "call.ended";
	if (r->status == CALL_STATUS_MISSED || r->status == CALL_STATUS_CANCELLED)
		return "call.missed";
	return "call.failed";
}

static int64_t hundredths(double v)
{
	return v >= 0 && v < 1e12 ? (int64_t)(v * 100 + 0.5) : -1;
}

void emit_call_ended(struct app *app, const struct call_record *r)
{
	const struct event_field f[] = {
		TEXT("call", r->id),
		TEXT("direction", r->direction),
		TEXT("number", r->number),
		TEXT("number_id", r->number_id),
		TEXT("user", r->user_number),
		TEXT("user_id", r->user_id),
		TEXT("user_name", r->user_name),
		TEXT("payload", r->payload),
		TEXT("wacid", r->wacid),
		TEXT("rule", r->rule),
		TEXT("gateway", r->gateway),
		TEXT("sip_call_id", r->sip_call_id),
		TEXT("status", call_status_name(r->status)),
		TEXT("cause", r->cause),
		TEXT("ended_by", r->ended_by),
		INT("sip_code", r->sip_code),
		INT("q850", r->q850),
		INT("meta_code", r->meta_code),
		TEXT("meta_text", r->meta_text),
		TIME("started", r->started_ms),
		TIME("rang", r->rang_ms),
		TIME("answered", r->answered_ms),
		TIME("ended", r->ended_ms),
		INT("duration_ms", r->duration_ms),
		HUNDREDTHS("wa_mos", r->wa_rx.mos),
		HUNDREDTHS("wa_loss_percent", r->wa_rx.loss_percent),
		HUNDREDTHS("wa_discard_percent", r->wa_rx.discard_percent),
		HUNDREDTHS("wa_concealed_percent", r->wa_rx.concealed_percent),
		HUNDREDTHS("wa_jitter_ms", r->wa_rx.jitter_ms),
		HUNDREDTHS("wa_rtt_ms", r->wa_rx.rtt_ms),
		HUNDREDTHS("wa_playout_delay_ms", r->wa_rx.playout_delay_ms),
		HUNDREDTHS("sip_mos", r->sip_rx.mos),
		HUNDREDTHS("sip_loss_percent", r->sip_rx.loss_percent),
		HUNDREDTHS("sip_discard_percent", r->sip_rx.discard_percent),
		HUNDREDTHS("sip_jitter_ms", r->sip_rx.jitter_ms),
		HUNDREDTHS("sip_rtt_ms", r->sip_rx.rtt_ms),
	};

	tell(app, r->tenant, ended_type(r), r->id, f, sizeof(f) / sizeof(f[0]));
}

void emit_dtmf(struct app_call *ac, enum media_end end, char digit, unsigned duration_ms)
{
	const char text[2] = {digit, '\0'};
	const struct event_field f[] = {
		TEXT("call", ac->id),
		TEXT("from", end == END_WA ? "user" : "sip"),
		TEXT("digit", text),
		INT("duration_ms", duration_ms),
	};

	tell(ac->app, ac->number->tenant, "call.dtmf", ac->id, f, sizeof(f) / sizeof(f[0]));
}

void emit_recording(struct app_call *ac, const char *type, const char *path, const char *reason, int64_t length_ms)
{
	struct event_field f[] = {TEXT("call", ac->id), TEXT("path", path), TEXT("reason", reason ? reason : ""),
		INT("length_ms", length_ms)};

	tell(ac->app, ac->number->tenant, type, ac->id, f, length_ms < 0 ? 3 : 4);
}

void emit_permission(struct app *app, const char *change, const struct permission *p)
{
	const struct config_number *number = config_number_by_id(app->config, p->number_id);
	char type[48] = "permission.";
	const struct event_field f[] = {
		TEXT("number", number ? number->number : ""),
		TEXT("number_id", p->number_id),
		TEXT("user", p->user),
		TEXT("status", permission_status_name(p->status)),
		TEXT("source", permission_source_name(p->source)),
		TIME("expires", p->expires_ms),
		INT("unanswered", p->unanswered),
	};

	(void)str_copy(type + strlen(type), sizeof(type) - strlen(type), change);
	tell(app, number ? number->tenant : "", type, p->user, f, sizeof(f) / sizeof(f[0]));
}

void emit_message_matched(
	struct app *app, const struct config_number *number, const char *user, const char *rule, const char *message_id)
{
	/* Not the text: who wants it reads Meta's own webhook. */
	const struct event_field f[] = {
		TEXT("number", number->number),
		TEXT("number_id", number->phone_number_id),
		TEXT("user", user),
		TEXT("rule", rule),
		TEXT("message", message_id),
	};

	tell(app, number->tenant, "message.matched", user, f, sizeof(f) / sizeof(f[0]));
}

void emit_gateway(struct app *app, const char *gateway, bool up, int code)
{
	const struct event_field f[] = {TEXT("gateway", gateway), INT("sip_code", code)};
	const char *tenant = config_tenant_of_gateway(app->config, config_gateway_by_name(app->config, gateway));

	tell(app, tenant, up ? "gateway.up" : "gateway.down", gateway, f, sizeof(f) / sizeof(f[0]));
}

void emit_parked(struct app *app, const struct dial *d, const char *what)
{
	const struct config_number *number = config_number_by_id(app->config, d->number_id);
	char type[48] = "dial.";
	const struct event_field f[] = {
		TEXT("call", d->id),
		TEXT("parked_by", d->parked_by),
		TEXT("number", number ? number->number : ""),
		TEXT("number_id", d->number_id),
		TEXT("user", dial_user(d)),
		TEXT("rule", d->rule),
		TEXT("gateway", d->gateway),
		TIME("expires", d->expires_ms),
	};

	(void)str_copy(type + strlen(type), sizeof(type) - strlen(type), what);
	tell(app, d->tenant, type, d->id, f, sizeof(f) / sizeof(f[0]));
}
