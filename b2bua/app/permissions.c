/* b2bua/app/permissions.c
 *
 * Everything known about who may be called, in memory, written through to the store. Meta is asked where it is silent
 * or old; what is missing is asked of the user, when the dial says so.
 */
#define HASH_NONFATAL_OOM 1
#include "b2bua/app/dial.h"

#include "b2bua/app/job.h"
#include "graph/messages.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PERMISSIONS_MAX = 1000000, /* about 400 bytes each */
	REQUEST_LIMIT = 138009,    /* Meta: "Error codes" */
	SWEEP_MAX = 10000,         /* looked at in one go: about a millisecond */
};

static const char default_request[] = "May we call you on WhatsApp?";

struct entry {
	struct permission p;
	char key[USER_KEY_MAX];
	UT_hash_handle hh;
};

struct permissions {
	struct entry *by_key;
	struct entry *next_swept; /* entries are never taken out before the end */
	bool full_told;
};

void user_key(char key[USER_KEY_MAX], const char *number_id, const char *user)
{
	snprintf(key, USER_KEY_MAX, "%.39s/%.63s", number_id, user);
}

/* ---- the table ---- */

static struct entry *find(struct app *app, const char *number_id, const char *user)
{
	char key[USER_KEY_MAX];
	struct entry *e;

	user_key(key, number_id, user);
	HASH_FIND_STR(app->permissions->by_key, key, e);
	return e;
}

static struct entry *add(struct permissions *ps, const struct permission *p)
{
	struct entry *e;

	if (HASH_COUNT(ps->by_key) >= PERMISSIONS_MAX) {
		if (!ps->full_told)
			log_error("permissions_full",
				"count=%d note=\"users beyond them are asked about at every call\"", PERMISSIONS_MAX);
		ps->full_told = true;
		return NULL;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->p = *p;
	user_key(e->key, p->number_id, p->user);
	HASH_ADD_STR(ps->by_key, key, e);
	if (!e->hh.tbl) {
		free(e);
		return NULL;
	}
	return e;
}

struct permission *permissions_get(struct app *app, const char *number_id, const char *user)
{
	struct entry *e = find(app, number_id, user);
	struct permission p;

	if (!e && *user) {
		permission_init(&p, number_id, user);
		e = add(app->permissions, &p);
	}
	return e ? &e->p : NULL;
}

void permissions_each(struct app *app, void (*fn)(const struct permission *p, void *arg), void *arg)
{
	struct entry *e, *next;

	HASH_ITER (hh, app->permissions->by_key, e, next)
		fn(&e->p, arg);
}

static void load_one(const struct permission *p, void *arg)
{
	struct app *app = arg;

	if (!find(app, p->number_id, p->user))
		(void)add(app->permissions, p);
}

int permissions_start(struct app *app)
{
	app->permissions = calloc(1, sizeof(*app->permissions));
	return app->permissions ? store_load_permissions(app->store, load_one, app) : -ENOMEM;
}

void permissions_stop(struct app *app)
{
	struct entry *e, *next;

	if (!app->permissions)
		return;
	HASH_ITER (hh, app->permissions->by_key, e, next) {
		HASH_DEL(app->permissions->by_key, e);
		free(e);
	}
	free(app->permissions);
	app->permissions = NULL;
}

void permissions_changed(struct app *app, struct permission *p, enum permission_change change)
{
	if (store_put_permission(app->store, p))
		log_error("permission_lost", "reason=\"the store's queue is full\"");
	if (change == PERMISSION_UNCHANGED)
		return;
	log_info("permission", "number_id=%s change=%s status=%s", p->number_id, permission_change_name(change),
		permission_status_name(p->status));
	emit_permission(app, permission_change_name(change), p);
	if (change == PERMISSION_GRANTED)
		parking_granted(app, p);
}

static void expire(struct entry *e, struct app *app)
{
	enum permission_change change = permission_on_time(&e->p, loop_wall_ms(app->loop));

	if (change != PERMISSION_UNCHANGED)
		permissions_changed(app, &e->p, change);
}

void permissions_minute(struct app *app)
{
	struct permissions *ps = app->permissions;
	struct entry *e = ps->next_swept ? ps->next_swept : ps->by_key;

	/* Whether a call may be made does not depend on this sweep, only when the world is told. */
	for (size_t i = 0; e && i < SWEEP_MAX; i++, e = e->hh.next) {
		if (e->p.status == PERMISSION_TEMPORARY)
			expire(e, app);
	}
	ps->next_swept = e;
}

/* ---- asking the user ---- */

struct request_job {
	struct job job;
	char number_id[40], user[PERMISSION_USER_MAX];
	void (*fn)(struct app *app, int code, const char *text, bool ok, void *arg);
	void *arg;
};

static void on_requested(const struct graph_message_result *result, void *arg)
{
	struct request_job *j = arg;
	struct app *app = j->job.app;
	struct permission *p = permissions_get(app, j->number_id, j->user);
	uint64_t now_ms = loop_wall_ms(app->loop);
	bool ok = result->outcome == GRAPH_OK;
	const char *text = *result->details ? result->details : result->message;

	if (ok && p) {
		permission_on_requested(p, now_ms);
		permissions_changed(app, p, PERMISSION_UNCHANGED);
		emit_permission(app, "requested", p);
	} else if (p && result->outcome == GRAPH_REFUSED) {
		permissions_changed(app, p, permission_on_request_refused(p, result->code, now_ms));
	}
	if (ok)
		log_info("permission_requested", "number_id=%s", j->number_id);
	else
		log_warn("permission_request_failed", "number_id=%s code=%d message=\"%s\" trace=%s", j->number_id,
			result->code, text, result->trace_id);
	j->fn(app, result->code, text, ok, j->arg);
	job_free(&j->job);
	shutdown_check(app);
}

int permissions_request(struct app *app, const struct permission_ask *ask,
	void (*done)(struct app *app, int code, const char *text, bool ok, void *arg), void *arg, const char **ret_why,
	uint64_t *ret_until_ms)
{
	const struct graph_number number = graph_number_of(ask->number);
	const char *user = *ask->user_number ? ask->user_number : ask->user_id;
	struct permission *p = permissions_get(app, ask->number->phone_number_id, user);
	struct graph_message m = {.kind = GRAPH_MSG_PERMISSION_REQUEST,
		.to = ask->user_number,
		.recipient = ask->user_id,
		.text = ask->text && *ask->text ? ask->text : default_request};
	uint64_t now_ms = loop_wall_ms(app->loop), id;
	struct request_job *j;
	int r;

	*ret_why = "too many users are known";
	*ret_until_ms = 0;
	if (!p || permission_may_request(p, &app->config->permission, now_ms, ret_why, ret_until_ms) != PERMISSION_CALL)
		return -EPERM;
	if (ask->template && *ask->template->name && !permission_window_open(p, now_ms))
		message_set_template(&m, ask->template);
	j = job_new(app, sizeof(*j), 0);
	if (!j)
		return -ENOMEM;
	str_copy(j->number_id, sizeof(j->number_id), ask->number->phone_number_id);
	str_copy(j->user, sizeof(j->user), user);
	j->fn = done;
	j->arg = arg;
	r = graph_send_message(app->graph, &number, &m, on_requested, j, &id);
	if (r)
		job_free(&j->job);
	return r;
}

/* ---- a call asks ---- */

static void answer(struct app_call *ac, bool granted, enum cause cause, const char *text)
{
	struct call_event ev = {
		.kind = CALL_EV_PERMISSION, .u.permission = {.granted = granted, .cause = cause, .text = text}};

	log_info("permission_checked", "call=%s granted=%d cause=%s why=\"%s\" t_us=%llu", ac->id, granted,
		granted ? "-" : cause_info(cause)->name, text, (unsigned long long)loop_now_us(ac->app->loop));
	app_step(ac, &ev);
}

/* Later, because the call is being stepped now. */
struct answer_job {
	struct job job;
	bool granted;
	enum cause cause;
	char text[200];
};

static void on_answer_due(void *arg)
{
	struct answer_job *j = arg;
	struct app_call *ac = registry_by_key(j->job.app, j->job.key);

	if (ac)
		answer(ac, j->granted, j->cause, j->text);
	job_free(&j->job);
}

static void answer_soon(struct app_call *ac, bool granted, enum cause cause, const char *text)
{
	struct answer_job *j = job_new(ac->app, sizeof(*j), ac->key);

	if (!j)
		return; /* the call's own timer ends it */
	j->granted = granted;
	j->cause = cause;
	str_copy(j->text, sizeof(j->text), text);
	if (loop_defer(ac->app->loop, on_answer_due, j))
		job_free(&j->job);
}

/* ---- missing: ask him, and park the dial ---- */

struct park_job {
	struct job job;
	char id[CALL_ID_TEXT];
};

/* A copy to lie parked while the call itself ends: of a SIP caller, a call back to him. */
static struct dial *to_park(struct app *app, const struct dial *d)
{
	char *json = dial_to_json(d);
	struct dial *copy = NULL;

	if (json && d->order != DIAL_SIP_CALLS) {
		copy = dial_from_json(app, json);
	} else if (json && *d->gateway) {
		struct dial turned = *d;
		turned.order = DIAL_AGENT_FIRST;
		free(json);
		json = dial_to_json(&turned);
		copy = json ? dial_from_json(app, json) : NULL;
	}
	free(json);
	if (copy) { /* the call that ends now keeps its id, and its record */
		struct dial *fresh = dial_new(app);
		copy->parked_by = dial_text(copy, d->id);
		if (fresh && copy->parked_by)
			memcpy(copy->id, fresh->id, sizeof(copy->id));
		else
			copy = dial_free(copy);
		dial_free(fresh);
	}
	return copy;
}

static void park(struct app_call *ac, const char *text)
{
	struct app *app = ac->app;
	struct dial *copy = to_park(app, ac->dial);
	unsigned park_s = ac->dial->permission.park_s ? ac->dial->permission.park_s : 86400;

	if (!copy) {
		answer(ac, false, CAUSE_NO_PERMISSION,
			"the user has been asked; there is nobody to call back when he agrees");
		return;
	}
	copy->expires_ms = loop_wall_ms(app->loop) + park_s * 1000ull;
	parking_put(app, copy, true, NULL, NULL);
	answer(ac, false, CAUSE_PERMISSION_ASKED, text);
}

/* He agreed while Meta was being asked to ask him: nothing more comes that a parked dial could wait for. */
static bool agreed_meanwhile(struct app_call *ac)
{
	struct app *app = ac->app;
	const struct permission *p = permissions_get(app, ac->number->phone_number_id, dial_user(ac->dial));
	const char *why;
	uint64_t until_ms;

	return p && p->status >= PERMISSION_TEMPORARY &&
	       permission_may_call(p, &app->config->permission, loop_wall_ms(app->loop), &why, &until_ms) ==
		       PERMISSION_CALL;
}

/* The request that uses up the limit may be that of a run that died before it heard the answer to it: he may still
 * agree. */
static const char asked_by_last_run[] = "the user was asked before and may still answer";

static void on_user_asked(struct app *app, int code, const char *text, bool ok, void *arg)
{
	struct park_job *j = arg;
	struct app_call *ac = registry_by_key(app, j->job.key);
	char why[200];

	if (ac && agreed_meanwhile(ac)) {
		answer(ac, true, CAUSE_NO_PERMISSION, "the user has agreed");
	} else if (ac && ok) {
		park(ac, "the user has been asked");
	} else if (ac && code == REQUEST_LIMIT && ac->dial->is_parked) {
		park(ac, asked_by_last_run);
	} else if (ac) {
		snprintf(why, sizeof(why), "the user could not be asked: %d %.160s", code, text);
		answer(ac, false, CAUSE_NO_PERMISSION, why);
	}
	job_free(&j->job);
}

static void on_missing(struct app_call *ac, const struct permission *p, const char *why)
{
	struct app *app = ac->app;
	const struct dial *d = ac->dial;
	const struct permission_ask ask = {
		ac->number, d->user_number, d->user_id, d->permission.text, &d->permission.template};
	struct park_job *j;
	uint64_t until_ms, now_ms = loop_wall_ms(app->loop);
	const char *why_not;
	enum permission_verdict verdict;
	int r;

	if (!d->permission.request) {
		answer_soon(ac, false, CAUSE_NO_PERMISSION, why);
		return;
	}
	/* Asked already, and he may still answer: this one waits for the same answer. */
	verdict = permission_may_request(p, &app->config->permission, now_ms, &why_not, &until_ms);
	if (verdict == PERMISSION_MISSING) {
		park(ac, "the user was asked before and has not answered yet");
		return;
	}
	if (verdict == PERMISSION_LIMIT && d->from_last_run) {
		park(ac, asked_by_last_run);
		return;
	}
	j = job_new(app, sizeof(*j), ac->key);
	r = j ? permissions_request(app, &ask, on_user_asked, j, &why_not, &until_ms) : -ENOMEM;
	if (r == 0)
		return;
	if (j)
		job_free(&j->job);
	answer_soon(ac, false, CAUSE_NO_PERMISSION, r == -EPERM ? why_not : strerror(-r));
}

/* ---- Meta is asked ---- */

static void decide(struct app_call *ac, bool meta_asked);

static enum permission_status status_of(enum graph_permission_status s)
{
	switch (s) {
	case GRAPH_PERMISSION_TEMPORARY: return PERMISSION_TEMPORARY;
	case GRAPH_PERMISSION_PERMANENT: return PERMISSION_PERMANENT;
	case GRAPH_PERMISSION_NONE: break;
	}
	return PERMISSION_NONE;
}

void permissions_take_answer(struct app *app, struct permission *p, const struct graph_permission_result *result)
{
	permissions_changed(app, p,
		permission_on_query(p, status_of(result->status), result->expires_s * 1000,
			result->call_limit_expires_s * 1000, result->request_limit_expires_s * 1000,
			loop_wall_ms(app->loop)));
}

static void on_meta_answer(const struct graph_permission_result *result, void *arg)
{
	struct job *j = arg;
	struct app *app = j->app;
	struct app_call *ac = registry_by_key(app, j->key);
	struct permission *p = ac ? permissions_get(app, ac->number->phone_number_id, dial_user(ac->dial)) : NULL;

	if (result->outcome != GRAPH_OK)
		log_warn("permission_query_failed", "call=%s code=%d message=\"%s\"", ac ? ac->id : "-", result->code,
			*result->details ? result->details : result->message);
	if (p && result->outcome == GRAPH_OK)
		permissions_take_answer(app, p, result);
	job_free(j);
	ac = ac ? registry_by_key(app, ac->key) : NULL;
	if (ac)
		decide(ac, true);
	shutdown_check(app);
}

static void ask_meta(struct app_call *ac)
{
	struct job *j = job_new(ac->app, sizeof(*j), ac->key);
	uint64_t id;
	int r = -ENOMEM;

	if (j)
		r = graph_ask_permission(ac->app->graph, &ac->graph_number, ac->dial->user_number, ac->dial->user_id,
			on_meta_answer, j, &id);
	if (r == 0)
		return;
	if (j)
		job_free(j);
	answer_soon(ac, true, CAUSE_NO_PERMISSION, "Meta could not be asked: it decides when the call is made");
}

static void decide(struct app_call *ac, bool meta_asked)
{
	struct app *app = ac->app;
	struct permission *p = permissions_get(app, ac->number->phone_number_id, dial_user(ac->dial));
	const char *why = "";
	uint64_t until_ms = 0;
	enum permission_verdict verdict = PERMISSION_CALL;

	if (p)
		verdict = permission_may_call(p, &app->config->permission, loop_wall_ms(app->loop), &why, &until_ms);
	switch (verdict) {
	case PERMISSION_CALL: answer_soon(ac, true, CAUSE_NO_PERMISSION, why); break;
	case PERMISSION_ASK_META:
		if (meta_asked) /* and has not answered: let it decide on the call itself */
			answer_soon(ac, true, CAUSE_NO_PERMISSION, why);
		else
			ask_meta(ac);
		break;
	case PERMISSION_MISSING: on_missing(ac, p, why); break;
	case PERMISSION_LIMIT: answer_soon(ac, false, CAUSE_USER_CALL_LIMIT, why); break;
	}
}

/* Deferred, too: the call is in the middle of a step. */
static void on_ask_due(void *arg)
{
	struct job *j = arg;
	struct app_call *ac = registry_by_key(j->app, j->key);

	job_free(j);
	if (ac)
		decide(ac, false);
}

void permissions_ask(struct app_call *ac)
{
	struct job *j = job_new(ac->app, sizeof(*j), ac->key);

	if (j && loop_defer(ac->app->loop, on_ask_due, j))
		job_free(j);
}
