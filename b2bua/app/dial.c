/* b2bua/app/dial.c
 *
 * From the wish to call a WhatsApp user to a call: is this number ours and free to call, is this user not on the line
 * already; then the call logic takes over. And what permission and parking learn when such a call is over.
 */
#include "b2bua/app/dial.h"

#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { DIAL_ARENA_BYTES = 64 * 1024 };

/* ---- the dial itself ---- */

struct dial *dial_new(struct app *app)
{
	struct arena arena;
	struct dial *d;

	arena_init(&arena, DIAL_ARENA_BYTES);
	d = arena_alloc(&arena, sizeof(*d));
	if (!d)
		return NULL;
	d->arena = arena;
	do {
		snprintf(d->id, sizeof(d->id), "c-%012llx",
			(unsigned long long)(crypto_random_u64() & 0xffffffffffffULL));
	} while (registry_by_id(app, d->id));
	d->tenant = d->number_id = d->user_number = d->user_id = d->profile_name = d->payload = d->rule = "";
	d->gateway = d->uri = d->from_user = d->from_display = d->sip_call_id = d->parked_by = "";
	d->permission.text = d->permission.template.name = d->permission.template.language = "";
	d->created_ms = loop_wall_ms(app->loop);
	return d;
}

void dial_id_of_message(char id[CALL_ID_TEXT], const char *message_id)
{
	uint8_t digest[32];

	crypto_sha256(message_id, strlen(message_id), digest);
	snprintf(id, CALL_ID_TEXT, "c-%02x%02x%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3], digest[4],
		digest[5]);
}

struct dial *dial_free(struct dial *d)
{
	if (d) {
		struct arena arena = d->arena;
		config_free(d->config);
		arena_done(&arena);
	}
	return NULL;
}

const char *dial_text(struct dial *d, const char *text)
{
	return text && *text ? arena_strdup(&d->arena, text) : "";
}

const char *dial_user(const struct dial *d)
{
	return *d->user_number ? d->user_number : d->user_id;
}

int dial_take_number(struct dial *d, const struct config_number *number)
{
	d->number_id = dial_text(d, number->phone_number_id);
	d->tenant = dial_text(d, number->tenant);
	return d->number_id && d->tenant ? 0 : -ENOMEM;
}

int dial_take_headers(struct dial *d, const struct route_header *headers, size_t count)
{
	if (count > ROUTE_HEADERS_MAX)
		count = ROUTE_HEADERS_MAX;
	d->headers = count ? arena_alloc(&d->arena, count * sizeof(*d->headers)) : NULL;
	if (count && !d->headers)
		return -ENOMEM;
	for (d->header_count = 0; d->header_count < count; d->header_count++) {
		struct route_header *h = &d->headers[d->header_count];
		h->name = dial_text(d, headers[d->header_count].name);
		h->value = dial_text(d, headers[d->header_count].value);
		if (!h->name || !h->value)
			return -ENOMEM;
	}
	return 0;
}

int dial_take_permission(struct dial *d, const struct route_permission *p)
{
	struct route_template *t = &d->permission.template;

	d->permission.request = p->request;
	d->permission.park_s = p->park_s;
	d->permission.text = dial_text(d, p->text);
	t->name = dial_text(d, p->template.name);
	t->language = dial_text(d, p->template.language);
	if (!d->permission.text || !t->name || !t->language)
		return -ENOMEM;
	for (size_t i = 0; i < p->template.parameter_count && i < ROUTE_PARAMETERS_MAX; i++) {
		t->parameters[i] = dial_text(d, p->template.parameters[i]);
		if (!t->parameters[i])
			return -ENOMEM;
		t->parameter_count = i + 1;
	}
	return 0;
}

/* ---- start ---- */

/* A number that has become another's dials nothing that was wanted before. One parked before there were tenants has
 * none; its gateway decides. */
static bool is_of_tenant(const struct app *app, const struct dial *d, const struct config_number *number)
{
	return !app->config->tenant_count || !*d->tenant || str_equal(d->tenant, number->tenant);
}

enum cause dial_refusal(struct app *app, const struct dial *d, const struct config_number **ret_number)
{
	const struct config_number *number = config_number_by_id(app->config, d->number_id);

	*ret_number = number;
	if (app->stopping)
		return CAUSE_SHUTDOWN;
	if (!number || !number->enabled || !number->outbound || !*dial_user(d) || !is_of_tenant(app, d, number))
		return CAUSE_NOT_ALLOWED;
	if (registry_tenant_full(app, number->tenant, 0))
		return CAUSE_TENANT_LIMIT;
	if (registry_count_number(app, number) >= number->max_calls)
		return CAUSE_CONGESTION;
	/* Meta: one call at a time between a number and a user (138003). */
	if (registry_by_user(app, number, dial_user(d)))
		return CAUSE_USER_BUSY;
	return CAUSE_COUNT;
}

static void refuse_caller(struct app *app, const struct dial *d, enum cause cause)
{
	const struct cause_info *info = cause_info(cause);

	if (d->order == DIAL_SIP_CALLS)
		sip_leg_reject(app->sip, d->sip_leg, info->sip_code, info->text, info->q850, NULL, 0);
}

static struct call_dial call_dial_of(const struct dial *d, const struct config_number *number)
{
	return (struct call_dial){
		.call_id = d->id,
		.phone_number_id = number->phone_number_id,
		.number = number->number,
		.user_number = d->user_number,
		.user_id = d->user_id,
		.profile_name = d->profile_name,
		.payload = d->payload,
		.order = d->order,
		.rule = d->rule,
		.ring_ms = d->ring_s * 1000,
		.early_ringback = d->ringback,
		.offer_active = number->offer_active,
		.gateway = d->caller,
		.sip_call_id = d->sip_call_id,
		.sip_offer = d->sdp,
		.sip_offer_length = d->sdp_length,
		.agent_ring_ms = d->agent_ring_s * 1000,
	};
}

/* A gateway that the configuration has no more is passed over. */
static void take_fallback(
	struct app *app, const struct dial *d, const struct config_number *number, struct call_fallback *to)
{
	for (size_t i = 0; i < d->fallback.count; i++) {
		struct call_place *place = &to->places[to->count];
		place->gateway = config_gateway_of_tenant(app->config, number->tenant, d->fallback.places[i].gateway);
		place->uri = d->fallback.places[i].uri;
		to->count += place->gateway != NULL;
	}
	to->parallel = d->fallback.parallel;
	to->causes.count = d->fallback.cause_count;
	memcpy(to->causes.causes, d->fallback.causes, sizeof(to->causes.causes));
}

static bool has_target(
	struct app *app, const struct dial *d, const struct config_number *number, struct call_dial *from)
{
	struct call_sip_target *t = &from->target;

	if (d->order == DIAL_SIP_CALLS)
		return true;
	t->gateway = config_gateway_of_tenant(app->config, number->tenant, d->gateway);
	t->uri = d->uri;
	t->from_user = d->from_user;
	t->from_display = d->from_display;
	t->headers = d->headers;
	t->header_count = d->header_count;
	take_fallback(app, d, number, &from->fallback);
	return t->gateway && *t->uri;
}

/* A parked dial is found by the next run should we die; one that lies nowhere is written down as begun, so that who was
 * told of it is told of its end. */
static void note_begun(const struct app_call *ac)
{
	if (!ac->dial->is_parked)
		leftovers_note(ac);
}

enum cause dial_start(struct app *app, struct dial *d)
{
	const struct config_number *number;
	struct call_event ev = {.kind = CALL_EV_DIAL};
	enum cause refused = dial_refusal(app, d, &number);
	char ours[24], user[24];
	struct call_dial from;
	struct app_call *ac = NULL;

	if (refused == CAUSE_COUNT) {
		from = call_dial_of(d, number);
		if (!has_target(app, d, number, &from))
			refused = CAUSE_NO_ROUTE; /* a gateway that the configuration, or this tenant, has no more */
	}
	if (refused == CAUSE_COUNT) {
		ac = registry_add_dial(app, d, number, &from);
		if (!ac)
			refused = CAUSE_CONGESTION;
	}
	if (!ac) {
		if (refused == CAUSE_CONGESTION || refused == CAUSE_TENANT_LIMIT)
			counter_inc(CNT_CALLS_REFUSED_LIMIT);
		log_warn("dial_refused", "call=%s tenant=%s user=%s cause=%s", d->id, tenant_word(d->tenant),
			str_mask_number(user, sizeof(user), *d->user_number ? d->user_number : "-"),
			cause_info(refused)->name);
		refuse_caller(app, d, refused);
		if (d->is_parked)
			parking_drop(app, d->id);
		dial_free(d);
		return refused;
	}
	ac->webhook_us = loop_now_us(app->loop);
	log_info("dial", "call=%s tenant=%s number=%s user=%s rule=%s t_us=%llu", ac->id, tenant_word(number->tenant),
		str_mask_number(ours, sizeof(ours), number->number),
		str_mask_number(user, sizeof(user), *d->user_number ? d->user_number : "-"), d->rule,
		(unsigned long long)ac->webhook_us);
	note_begun(ac);
	emit_call_begins(ac);
	app_step(ac, &ev);
	return CAUSE_COUNT;
}

/* ---- the end ---- */

void dial_ended(struct app_call *ac, const struct call_report *rep)
{
	struct app *app = ac->app;
	struct dial *d = ac->dial;
	struct permission *p = permissions_get(app, ac->number->phone_number_id, dial_user(d));
	enum permission_outcome outcome = PERMISSION_CALL_UNANSWERED;

	if (d->is_parked && (rep->cause == CAUSE_SHUTDOWN || !rep->ended))
		parking_keep(app, d); /* nobody was dialled yet: the next run does it */
	if (d->is_parked)
		parking_drop(app, d->id); /* carried out: whatever came of it, it is not dialled again */
	/* Nothing reached the user: nothing is learned about him. */
	if (!p || (!*rep->wacid && !rep->meta_code))
		return;
	if (rep->answered_ms)
		outcome = PERMISSION_CALL_CONNECTED;
	else if (!*rep->wacid)
		outcome = PERMISSION_CALL_REFUSED_BY_META;
	else if (!rep->rang_ms && rep->cause != CAUSE_USER_DECLINED)
		return; /* given up before his phone rang: Meta counts calls that he could have answered */
	permissions_changed(app, p,
		permission_on_call(p, outcome, rep->meta_code, 0, &app->config->permission, loop_wall_ms(app->loop)));
}
