/* b2bua/app/on_api.c
 *
 * What the HTTP API asks of the shell: calls to make, live calls to steer, permissions, messages. Each operation
 * completes its reply once, at once or when Meta has answered.
 */
#include "b2bua/app/dial.h"

#include "admin/admin.h"
#include "b2bua/app/job.h"
#include "b2bua/app/listeners.h"
#include "b2bua/sip/uri.h"
#include "graph/messages.h"
#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

static void refuse(struct api_reply *reply, enum api_problem problem, const char *detail)
{
	const struct api_fault fault = {.problem = problem, .detail = detail};
	api_refuse(reply, &fault);
}

/* Of a failed request to Meta. */
static void refuse_meta(struct api_reply *reply, int code, const char *text)
{
	const struct api_fault fault = {.problem = code ? API_META_REFUSED : API_META_TIMEOUT,
		.detail = text,
		.meta_code = code,
		.meta_text = text};
	api_refuse(reply, &fault);
}

/* NULL: the reply is completed. */
static const struct config_number *number_of(struct app *app, const struct api_party *party, struct api_reply *reply)
{
	const struct config *c = app->config;
	const char *tenant = api_tenant(reply);
	const struct config_number *n = NULL;

	if (*tenant)
		n = *party->number ? config_number_of_tenant(c, tenant, party->number) : config_only_number(c, tenant);
	else if (*party->number)
		n = config_number_by_number(c, party->number);
	else if (c->number_count == 1)
		n = &c->numbers[0];
	if (n)
		return n;
	refuse(reply, API_UNKNOWN_NUMBER,
		*party->number ? "The configuration has no such number" : "Say which number: there are several");
	return NULL;
}

static const char *user_of(const struct api_party *party)
{
	return *party->user_number ? party->user_number : party->user_id;
}

/* ---- targets ---- */

/* NULL gateway: refused, and the reply completed. tenant: whose call it is, also when the operator asks. */
static const struct call_gateway *target_of(const struct app *app, const struct config *config, const char *tenant,
	const struct call_gateway *of_call, const struct api_target *t, char *uri, struct api_reply *reply)
{
	const struct call_gateway *gateway =
		*t->gateway ? config_gateway_of_tenant(config, tenant, t->gateway) : of_call;
	int r = -EINVAL;

	if (*t->gateway && !gateway) {
		refuse(reply, API_TARGET_REFUSED, "There is no gateway of this name");
		return NULL;
	}
	if (*t->uri)
		r = target_resolve(config, app->sip, tenant, gateway, t->uri, uri, &gateway);
	else if (gateway)
		r = target_at_gateway(gateway, t->user, uri);
	if (r == 0 && sip_target_allowed(uri))
		return gateway;
	refuse(reply, API_TARGET_REFUSED,
		r == -EPERM ? "Neither a gateway's host nor one of transfer.domains"
			    : "Not a place that can be called");
	return NULL;
}

/* ---- originate ---- */

static void fill_template(struct route_template *t, const struct api_template *from)
{
	t->name = from->name;
	t->language = from->language;
	for (; t->parameter_count < from->parameter_count && t->parameter_count < ROUTE_PARAMETERS_MAX;
		t->parameter_count++)
		t->parameters[t->parameter_count] = from->parameters[t->parameter_count];
}

static int fill_dial(struct dial *d, const struct api_originate *o, const struct config_number *number,
	const struct call_gateway *gateway, const char *uri)
{
	struct route_header headers[ROUTE_HEADERS_MAX];
	struct route_permission permission = {
		.request = o->request_permission, .park_s = o->park_s, .text = o->request_text};
	size_t count = 0;

	for (; count < o->header_count && count < ROUTE_HEADERS_MAX; count++)
		headers[count] = (struct route_header){o->headers[count].name, o->headers[count].value};
	fill_template(&permission.template, &o->request_template);
	d->user_number = dial_text(d, o->party.user_number);
	d->user_id = dial_text(d, o->party.user_id);
	d->payload = dial_text(d, o->payload);
	d->rule = "api";
	d->order = o->user_first ? DIAL_USER_FIRST : DIAL_AGENT_FIRST;
	d->ring_s = o->ring_s;
	d->agent_ring_s = o->agent_ring_s;
	d->gateway = dial_text(d, gateway->name);
	d->uri = dial_text(d, uri);
	d->from_user = dial_text(d, o->caller_id);
	d->from_display = dial_text(d, o->display_name);
	if (dial_take_number(d, number) || !d->user_number || !d->user_id || !d->payload || !d->gateway || !d->uri ||
		!d->from_user || !d->from_display)
		return -ENOMEM;
	return dial_take_headers(d, headers, count) || dial_take_permission(d, &permission) ? -ENOMEM : 0;
}

/* What is already known forbids it: said at once, instead of by a call that fails. False: the reply is completed. */
static bool may_call(struct app *app, const struct dial *d, struct api_reply *reply)
{
	struct permission *p = permissions_get(app, d->number_id, dial_user(d));
	struct api_fault fault = {.problem = API_NO_PERMISSION};
	enum permission_verdict v = PERMISSION_CALL;

	if (p)
		v = permission_may_call(
			p, &app->config->permission, loop_wall_ms(app->loop), &fault.detail, &fault.until_ms);
	if (v == PERMISSION_LIMIT)
		fault.problem = API_LIMIT;
	else if (v != PERMISSION_MISSING || d->permission.request)
		return true;
	api_refuse(reply, &fault);
	return false;
}

static bool header_names_fit(const struct api_originate *o, struct api_reply *reply)
{
	for (size_t i = 0; i < o->header_count; i++) {
		if (!sip_header_allowed(o->headers[i].name)) {
			refuse(reply, API_BAD_REQUEST, "A header that the SIP stack writes itself");
			return false;
		}
	}
	return true;
}

static const char *refusal_text(enum cause cause)
{
	return cause_info(cause)->text;
}

static enum api_problem refusal_problem(enum cause cause)
{
	switch (cause) {
	case CAUSE_CONGESTION:
	case CAUSE_SHUTDOWN: return API_BUSY;
	case CAUSE_TENANT_LIMIT: return API_LIMIT;
	case CAUSE_USER_BUSY: return API_CONFLICT;
	case CAUSE_NOT_ALLOWED: return API_UNKNOWN_NUMBER;
	default: return API_INTERNAL;
	}
}

static void originate(const struct api_originate *o, struct api_reply *reply, void *arg)
{
	struct app *app = arg;
	const struct config_number *number = number_of(app, &o->party, reply);
	const struct call_gateway *gateway;
	char uri[TARGET_URI_MAX], id[CALL_ID_TEXT];
	enum cause refused;
	struct dial *d;

	if (!number || !header_names_fit(o, reply))
		return;
	gateway = target_of(app, app->config, number->tenant, config_only_gateway(app->config, number->tenant),
		&o->target, uri, reply);
	if (!gateway)
		return;
	d = dial_new(app);
	if (!d || fill_dial(d, o, number, gateway, uri)) {
		dial_free(d);
		refuse(reply, API_BUSY, "Out of memory");
		return;
	}
	if (!may_call(app, d, reply)) {
		dial_free(d);
		return;
	}
	str_copy(id, sizeof(id), d->id);
	refused = dial_start(app, d);
	if (refused == CAUSE_COUNT)
		api_done_originate(reply, id, "opening", 0);
	else
		refuse(reply, refusal_problem(refused), refusal_text(refused));
}

/* ---- live calls ---- */

static bool may_see(const struct api_reply *reply, const char *tenant)
{
	return !*api_tenant(reply) || str_equal(api_tenant(reply), tenant);
}

/* NULL: the reply is completed. */
static struct app_call *live_call(struct app *app, const char *id, bool must_be_up, struct api_reply *reply)
{
	struct app_call *ac = registry_by_id(app, id);
	struct call_report rep;

	if (!ac || !may_see(reply, ac->number->tenant)) {
		refuse(reply, API_NOT_FOUND, "No live call has this id");
		return NULL;
	}
	call_report(ac->call, &rep);
	if (must_be_up && rep.state != CALL_UP) {
		refuse(reply, API_CONFLICT, "The call is not up");
		return NULL;
	}
	return ac;
}

static void transfer(const char *id, const struct api_target *target, struct api_reply *reply, void *arg)
{
	struct app *app = arg;
	struct app_call *ac = live_call(app, id, true, reply);
	struct call_event ev = {.kind = CALL_EV_TRANSFER, .u.refer.allowed = true};
	char uri[TARGET_URI_MAX];
	struct call_report rep;
	uint64_t key;

	if (!ac)
		return;
	call_report(ac->call, &rep);
	if (rep.transferring) {
		refuse(reply, API_CONFLICT, "A transfer of this call is under way");
		return;
	}
	ev.u.refer.target.gateway = target_of(ac->app, ac->config, ac->number->tenant,
		rep.gateway ? config_gateway_by_name(ac->config, rep.gateway) : NULL, target, uri, reply);
	if (!ev.u.refer.target.gateway)
		return;
	ev.u.refer.target.uri = uri;
	log_info("api_transfer", "call=%s", ac->id);
	key = ac->key;
	app_step(ac, &ev);
	ac = registry_by_key(app, key);
	if (ac)
		call_report(ac->call, &rep);
	if (ac && rep.transferring)
		api_done(reply);
	else
		refuse(reply, API_CONFLICT, "The transfer could not begin");
}

static void hold(const char *id, bool on, struct api_reply *reply, void *arg)
{
	struct app_call *ac = live_call(arg, id, true, reply);
	struct call_event ev = {.kind = CALL_EV_HOLD, .u.on = on};

	if (!ac)
		return;
	log_info("api_hold", "call=%s on=%d", ac->id, on);
	app_step(ac, &ev);
	api_done(reply);
}

static enum media_side side_of(enum api_side side)
{
	return side == API_SIDE_USER ? SIDE_WA : SIDE_SIP;
}

static void mute(const char *id, enum api_side side, bool on, struct api_reply *reply, void *arg)
{
	struct app_call *ac = live_call(arg, id, true, reply);
	struct call_event ev = {.kind = CALL_EV_MUTE, .u.mute = {side_of(side), on}};

	if (!ac)
		return;
	app_step(ac, &ev);
	api_done(reply);
}

static void dtmf(const char *id, const char *digits, enum api_side to, struct api_reply *reply, void *arg)
{
	struct app_call *ac = live_call(arg, id, true, reply);
	struct call_event ev = {.kind = CALL_EV_SEND_DTMF, .u.dtmf = {.side = side_of(to)}};

	if (!ac)
		return;
	str_copy(ev.u.dtmf.digits, sizeof(ev.u.dtmf.digits), digits);
	app_step(ac, &ev);
	api_done(reply);
}

/* ---- permissions ---- */

struct each {
	struct app *app;
	void (*permission)(const struct permission *p, const char *number, const char *tenant, void *fn_arg);
	void (*parked)(const struct api_parked *p, void *fn_arg);
	void *fn_arg;
};

static void one_permission(const struct permission *p, void *arg)
{
	const struct each *e = arg;
	const struct config_number *n = config_number_by_id(e->app->config, p->number_id);

	e->permission(p, n ? n->number : "", n ? n->tenant : "", e->fn_arg);
}

static void each_permission(
	void (*fn)(const struct permission *p, const char *number, const char *tenant, void *fn_arg), void *fn_arg,
	void *arg)
{
	struct each e = {.app = arg, .permission = fn, .fn_arg = fn_arg};
	permissions_each(arg, one_permission, &e);
}

struct reply_job {
	struct job job;
	struct api_reply *reply;
	const struct config_number *number;
	char user[PERMISSION_USER_MAX];
};

static struct reply_job *reply_job(
	struct app *app, const struct config_number *number, const struct api_party *party, struct api_reply *reply)
{
	struct reply_job *j = job_new(app, sizeof(*j), 0);

	if (!j) {
		refuse(reply, API_BUSY, "Out of memory");
		return NULL;
	}
	j->reply = reply;
	j->number = number;
	str_copy(j->user, sizeof(j->user), user_of(party));
	return j;
}

static void on_permission_answer(const struct graph_permission_result *result, void *arg)
{
	struct reply_job *j = arg;
	struct app *app = j->job.app;
	struct permission *p = permissions_get(app, j->number->phone_number_id, j->user);

	if (p && result->outcome == GRAPH_OK)
		permissions_take_answer(app, p, result);
	if (p && (result->outcome == GRAPH_OK || p->status != PERMISSION_UNKNOWN))
		api_done_permission(j->reply, p, j->number->number);
	else
		refuse_meta(j->reply, result->code, *result->details ? result->details : result->message);
	job_free(&j->job);
	shutdown_check(app);
}

static void get_permission(const struct api_party *party, bool refresh, struct api_reply *reply, void *arg)
{
	struct app *app = arg;
	const struct config_number *number = number_of(app, party, reply);
	struct permission *p = number ? permissions_get(app, number->phone_number_id, user_of(party)) : NULL;
	struct reply_job *j;
	uint64_t id;

	if (!number)
		return;
	if (!p) {
		refuse(reply, API_BUSY, "Too many users are known");
		return;
	}
	if (!refresh) {
		api_done_permission(reply, p, number->number);
		return;
	}
	const struct graph_number graph_number = graph_number_of(number);
	j = reply_job(app, number, party, reply);
	if (j && graph_ask_permission(
			 app->graph, &graph_number, party->user_number, party->user_id, on_permission_answer, j, &id)) {
		job_free(&j->job);
		refuse(reply, API_BUSY, "Meta could not be asked");
	}
}

static void on_permission_requested(struct app *app, int code, const char *text, bool ok, void *arg)
{
	struct reply_job *j = arg;
	struct permission *p = permissions_get(app, j->number->phone_number_id, j->user);

	if (ok && p)
		api_done_permission(j->reply, p, j->number->number);
	else
		refuse_meta(j->reply, code, text);
	job_free(&j->job);
}

static void request_permission(const struct api_permission_request *r, struct api_reply *reply, void *arg)
{
	struct app *app = arg;
	const struct config_number *number = number_of(app, &r->party, reply);
	struct reply_job *j = number ? reply_job(app, number, &r->party, reply) : NULL;
	struct api_fault fault = {.problem = API_LIMIT};
	struct route_template template = {0};
	int e;

	if (!j)
		return;
	fill_template(&template, &r->template);
	const struct permission_ask ask = {number, r->party.user_number, r->party.user_id, r->text, &template};
	e = permissions_request(app, &ask, on_permission_requested, j, &fault.detail, &fault.until_ms);
	if (e == 0)
		return;
	job_free(&j->job);
	if (e == -EPERM)
		api_refuse(reply, &fault);
	else
		refuse(reply, e == -EINVAL ? API_BAD_REQUEST : API_BUSY, "The request could not be sent");
}

/* ---- parked dials ---- */

static void one_parked(const struct dial *d, void *arg)
{
	const struct each *e = arg;
	const struct config_number *n = config_number_by_id(e->app->config, d->number_id);
	const struct api_parked p = {d->id, d->tenant, n ? n->number : "", dial_user(d), d->gateway, d->uri, d->rule,
		d->created_ms, d->expires_ms};

	e->parked(&p, e->fn_arg);
}

static void each_parked(void (*fn)(const struct api_parked *p, void *fn_arg), void *fn_arg, void *arg)
{
	struct each e = {.app = arg, .parked = fn, .fn_arg = fn_arg};
	parking_each(arg, one_parked, &e);
}

struct wanted {
	const char *id;
	const struct api_reply *reply;
	bool found;
};

static void is_wanted(const struct dial *d, void *arg)
{
	struct wanted *w = arg;

	w->found |= str_equal(d->id, w->id) && may_see(w->reply, d->tenant);
}

static bool may_cancel(struct app *app, const char *id, const struct api_reply *reply)
{
	struct wanted w = {.id = id, .reply = reply};

	parking_each(app, is_wanted, &w);
	return w.found;
}

static void cancel_parked(const char *id, struct api_reply *reply, void *arg)
{
	if (may_cancel(arg, id, reply) && parking_cancel(arg, id))
		api_done(reply);
	else
		refuse(reply, API_NOT_FOUND, "Nothing is parked under this id");
}

/* ---- messages ---- */

static void on_message_sent(const struct graph_message_result *result, void *arg)
{
	struct reply_job *j = arg;
	struct app *app = j->job.app;

	if (result->outcome == GRAPH_OK)
		api_done_message(j->reply, result->wamid);
	else
		refuse_meta(j->reply, result->code, *result->details ? result->details : result->message);
	job_free(&j->job);
	shutdown_check(app);
}

static void send_message(const struct api_message *m, struct api_reply *reply, void *arg)
{
	struct app *app = arg;
	const struct config_number *number = number_of(app, &m->party, reply);
	struct reply_job *j = number ? reply_job(app, number, &m->party, reply) : NULL;
	uint64_t id;

	if (!j)
		return;
	const struct graph_number graph_number = graph_number_of(number);
	struct graph_message out = {
		.kind = m->kind == API_MSG_CALL_BUTTON ? GRAPH_MSG_CALL_BUTTON : GRAPH_MSG_TEXT,
		.to = m->party.user_number,
		.recipient = m->party.user_id,
		.text = m->text,
		.button_text = m->button_text,
		.payload = m->payload,
		.ttl_minutes = m->ttl_minutes,
	};
	struct route_template template = {0};

	if (m->kind == API_MSG_TEMPLATE) {
		fill_template(&template, &m->template);
		message_set_template(&out, &template);
	}
	if (graph_send_message(app->graph, &graph_number, &out, on_message_sent, j, &id)) {
		job_free(&j->job);
		refuse(reply, API_BAD_REQUEST, "Meta would not take this message: a text is missing or too long");
	}
}

static void reload(struct api_reply *reply, void *arg)
{
	reload_ask(arg, reply);
}

void on_api_ops(struct app *app, struct api_ops *ret_ops)
{
	*ret_ops = (struct api_ops){
		.originate = originate,
		.transfer = transfer,
		.hold = hold,
		.mute = mute,
		.dtmf = dtmf,
		.each_permission = each_permission,
		.get_permission = get_permission,
		.request_permission = request_permission,
		.each_parked = each_parked,
		.cancel_parked = cancel_parked,
		.send_message = send_message,
		.reload = reload,
		.arg = app,
	};
	on_registration_ops(ret_ops);
	on_listener_ops(ret_ops);
	ret_ops->each_gateway = gateways_each;
}
