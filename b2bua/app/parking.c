/* b2bua/app/parking.c
 *
 * Dials that wait: for the user's permission, or (what a message rule asked for) just long enough to be on disk before
 * they are carried out. In memory and in the store alike; a row goes away in the same transaction that writes the
 * dial's intent, so that no crash loses one or carries it out twice.
 */
#include "b2bua/app/dial.h"

#include "b2bua/app/job.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { PARKED_MAX = 10000 }; /* the list is walked for each message and grant: well under a millisecond */

struct parked {
	struct dial *dial;
	bool unkept; /* whoever parked it waits until it is on disk: it is not dialled before, or a crash might lead to
			a second call for one message */
	struct parked *prev, *next;
};

struct parking {
	struct parked *list;
	size_t count;
	bool blocked; /* something is due and must wait */
};

static void forget(struct app *app, struct parked *p)
{
	DL_DELETE(app->parking->list, p);
	app->parking->count--;
	dial_free(p->dial);
	free(p);
}

static struct parked *find(const struct app *app, const char *id)
{
	struct parked *p;

	DL_FOREACH (app->parking->list, p) {
		if (strcmp(p->dial->id, id) == 0)
			return p;
	}
	return NULL;
}

static bool remember(struct app *app, struct dial *d, bool unkept)
{
	struct parked *p = app->parking->count < PARKED_MAX ? calloc(1, sizeof(*p)) : NULL;

	if (!p)
		return false;
	p->dial = d;
	p->unkept = unkept;
	d->is_parked = true;
	DL_APPEND(app->parking->list, p);
	app->parking->count++;
	return true;
}

/* The dial leaves the list, not the store: that is done with its intent, or when its call ends. */
static struct dial *take(struct app *app, struct parked *p)
{
	struct dial *d = p->dial;

	DL_DELETE(app->parking->list, p);
	app->parking->count--;
	free(p);
	return d;
}

/* ---- in ---- */

struct kept_job {
	struct job job;
	char id[CALL_ID_TEXT];
	void (*fn)(int status, void *arg);
	void *arg;
};

/* What could not be kept is not dialled: who asked for it is told so. */
static void settle(struct app *app, const char *id, int status)
{
	struct parked *p = app->parking ? find(app, id) : NULL;

	if (!p || !p->unkept)
		return;
	p->unkept = false;
	if (status)
		forget(app, p);
}

static void on_kept(int status, void *arg)
{
	struct kept_job *j = arg;

	settle(j->job.app, j->id, status);
	j->fn(status, j->arg);
	job_free(&j->job);
}

static bool same_pair(const struct dial *a, const struct dial *b)
{
	return strcmp(a->number_id, b->number_id) == 0 && strcmp(dial_user(a), dial_user(b)) == 0;
}

static void replace_older(struct app *app, const struct dial *d)
{
	struct parked *p, *next;

	DL_FOREACH_SAFE (app->parking->list, p, next) {
		if (p->dial == d || !same_pair(p->dial, d) || p->dial->waiting != d->waiting)
			continue;
		log_info("dial_replaced", "call=%s by=%s", p->dial->id, d->id);
		if (strcmp(p->dial->id, d->id) != 0)
			(void)store_drop_parked(app->store, p->dial->id);
		forget(app, p);
	}
}

void parking_put(struct app *app, struct dial *d, bool waiting, void (*fn)(int status, void *arg), void *arg)
{
	struct parked_dial row = {.created_ms = d->created_ms, .expires_ms = d->expires_ms};
	struct kept_job *j = fn ? job_new(app, sizeof(*j), 0) : NULL;
	int r = fn && !j ? -ENOMEM : 0;
	char *json;

	d->waiting = waiting;
	json = dial_to_json(d);
	row.json = json;
	str_copy(row.id, sizeof(row.id), d->id);
	str_copy(row.number_id, sizeof(row.number_id), d->number_id);
	str_copy(row.user, sizeof(row.user), dial_user(d));
	if (j) {
		str_copy(j->id, sizeof(j->id), d->id);
		j->fn = fn;
		j->arg = arg;
	}
	if (r == 0 && (!json || strlen(json) > PARKED_JSON_MAX))
		r = json ? -EMSGSIZE : -ENOMEM;
	if (r == 0 && !remember(app, d, fn != NULL))
		r = -ENOSPC;
	if (r) {
		dial_free(d);
	} else {
		replace_older(app, d);
		r = store_put_parked(app->store, &row, j ? on_kept : NULL, j);
		if (waiting)
			emit_parked(app, d, "parked");
		if (r)
			settle(app, row.id, r);
	}
	free(json);
	if (r == 0)
		return;
	log_error("dial_not_parked", "call=%s error=\"%s\"", row.id, strerror(-r));
	if (j)
		job_free(&j->job);
	if (fn)
		fn(r, arg);
}

/* ---- out ---- */

/* On the line with somebody, or all lines taken: until it expires. full: the number found so last, which spares
 * counting the lines for everybody who waits for one. */
static bool must_wait(struct app *app, const struct dial *d, const struct config_number **full)
{
	const struct config_number *number;
	enum cause cause;

	if (*full && strcmp((*full)->phone_number_id, d->number_id) == 0)
		return true;
	cause = dial_refusal(app, d, &number);
	if (cause == CAUSE_CONGESTION || cause == CAUSE_TENANT_LIMIT)
		*full = number;
	return cause == CAUSE_USER_BUSY || cause == CAUSE_CONGESTION || cause == CAUSE_TENANT_LIMIT;
}

/* Later: who says that the user agreed is in the middle of something. */
static void on_due(void *arg)
{
	struct job *j = arg;
	struct app *app = j->app;
	const struct config_number *full = NULL;
	struct parked *p, *next;

	job_free(j);
	app->parking->blocked = false;
	DL_FOREACH_SAFE (app->parking->list, p, next) {
		if (p->dial->waiting || p->unkept || app->stopping)
			continue;
		if (must_wait(app, p->dial, &full)) {
			app->parking->blocked = true;
			continue;
		}
		dial_start(app, take(app, p));
		next = app->parking->list; /* a call may have parked or dropped others meanwhile */
	}
}

static void dial_due_soon(struct app *app)
{
	struct job *j = job_new(app, sizeof(*j), 0);

	if (j && loop_defer(app->loop, on_due, j))
		job_free(j);
}

void parking_on_call_gone(struct app *app)
{
	if (app->parking && app->parking->blocked)
		dial_due_soon(app);
}

/* One that was due for him already is the same wish, written down before he was asked. */
static void make_due(struct app *app, struct parked *p)
{
	p->dial->waiting = false;
	log_info("dial_resumed", "call=%s", p->dial->id);
	replace_older(app, p->dial);
}

void parking_granted(struct app *app, const struct permission *granted)
{
	struct parked *p;

	DL_FOREACH (app->parking->list, p) {
		if (p->dial->waiting && strcmp(p->dial->number_id, granted->number_id) == 0 &&
			strcmp(dial_user(p->dial), granted->user) == 0)
			break; /* there is one at most: parking_put() */
	}
	if (p)
		make_due(app, p);
	dial_due_soon(app);
}

void parking_drop(struct app *app, const char *id)
{
	struct parked *p = find(app, id);

	(void)store_drop_parked(app->store, id);
	if (p)
		forget(app, p);
}

bool parking_has(const struct app *app, const char *id)
{
	return find(app, id) != NULL;
}

void parking_keep(struct app *app, const struct dial *d)
{
	char *json = dial_to_json(d);
	struct dial *copy = json ? dial_from_json(app, json) : NULL, *fresh = copy ? dial_new(app) : NULL;

	free(json);
	if (fresh) {
		memcpy(copy->id, fresh->id, sizeof(copy->id));
		copy->parked_by = dial_text(copy, d->id);
		dial_free(fresh);
	}
	if (fresh && copy->parked_by)
		parking_put(app, copy, false, NULL, NULL);
	else
		dial_free(copy);
}

bool parking_cancel(struct app *app, const char *id)
{
	struct parked *p = find(app, id);

	if (!p)
		return false;
	emit_parked(app, p->dial, "cancelled");
	parking_drop(app, id);
	return true;
}

void parking_each(struct app *app, void (*fn)(const struct dial *d, void *arg), void *arg)
{
	struct parked *p;

	DL_FOREACH (app->parking->list, p)
		fn(p->dial, arg);
}

void parking_minute(struct app *app)
{
	uint64_t now_ms = loop_wall_ms(app->loop);
	struct parked *p, *next;

	DL_FOREACH_SAFE (app->parking->list, p, next) {
		if (!p->dial->expires_ms || p->dial->expires_ms > now_ms)
			continue;
		log_info("dial_expired", "call=%s", p->dial->id);
		emit_parked(app, p->dial, "expired");
		(void)store_drop_parked(app->store, p->dial->id);
		forget(app, p);
	}
	dial_due_soon(app);
}

/* ---- start ---- */

static void load_one(const struct parked_dial *row, void *arg)
{
	struct app *app = arg;
	struct dial *d = dial_from_json(app, row->json);

	if (!d || !remember(app, d, false)) {
		log_error("dial_lost", "call=%.39s error=\"what lies parked in the store cannot be read\"", row->id);
		dial_free(d);
		return;
	}
	d->from_last_run = true;
}

/* What was granted before the last run ended, and not yet dialled, is due. */
static void find_granted(struct app *app)
{
	uint64_t now_ms = loop_wall_ms(app->loop), until_ms;
	struct parked *p;
	const char *why;

	for (p = app->parking->list; p; p = p->next) { /* make_due() takes others than p out */
		const struct permission *perm =
			p->dial->waiting ? permissions_get(app, p->dial->number_id, dial_user(p->dial)) : NULL;
		if (perm && perm->status >= PERMISSION_TEMPORARY && !perm->request_pending &&
			permission_may_call(perm, &app->config->permission, now_ms, &why, &until_ms) == PERMISSION_CALL)
			make_due(app, p);
	}
}

int parking_start(struct app *app)
{
	int r;

	app->parking = calloc(1, sizeof(*app->parking));
	if (!app->parking)
		return -ENOMEM;
	r = store_load_parked(app->store, load_one, app);
	if (r)
		return r;
	find_granted(app);
	if (app->parking->count)
		log_info("parked_dials", "count=%zu", app->parking->count);
	parking_minute(app);
	return 0;
}

void parking_stop(struct app *app)
{
	struct parked *p, *next;

	if (!app->parking)
		return;
	DL_FOREACH_SAFE (app->parking->list, p, next)
		forget(app, p);
	free(app->parking);
	app->parking = NULL;
}
