/* tools/metasim/users.c
 *
 * Meta's books about each user of the plan: permission to call, requests, connected calls, the customer-service window.
 * Source: Meta, "User call permissions", "Business-initiated calls", limits of Nov 2025.
 */
#include "tools/metasim/meta_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 24 * 3600, WEEK_S = 7 * DAY_S };

/* What an expired permission still says in the error, and what the documentation names 138006 and so on. */
enum { CODE_NO_PERMISSION = 138006, CODE_CALL_LIMIT = 138012, CODE_REQUEST_LIMIT = 138009, CODE_PERMANENT = 138017 };

static uint64_t now_ms(const struct meta_user *u)
{
	return loop_wall_ms(u->meta->loop);
}

static int add_user(struct meta *m, const struct plan_user *plan)
{
	struct meta_user *u = calloc(1, sizeof(*u)), **at = &m->users;

	if (!u)
		return -ENOMEM;
	u->meta = m;
	u->plan = plan;
	u->fired = calloc(plan->step_count + 1, sizeof(*u->fired));
	if (!u->fired) {
		free(u);
		return -ENOMEM;
	}
	u->permission = (enum plan_permission)plan->permission;
	if (u->permission == PLAN_TEMPORARY)
		u->expires_s = now_ms(u) / 1000 + m->plan->limits.permission_s;
	if (plan->window_open)
		u->window_until_ms = now_ms(u) + DAY_S * 1000ULL;
	while (*at)
		at = &(*at)->next;
	*at = u;
	return 0;
}

/* The user of the plan's top level stands in the list too, unless the list has his number. */
int meta_users_new(struct meta *m)
{
	const struct plan *p = m->plan;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->user_count; i++)
		r = add_user(m, &p->users[i]);
	if (r || meta_user_find(m, p->user, NULL))
		return r;
	plan_user_init(&m->usual);
	memcpy(m->usual.number, p->user, sizeof(m->usual.number));
	return add_user(m, &m->usual);
}

void meta_users_free(struct meta *m)
{
	while (m->users) {
		struct meta_user *u = m->users;
		m->users = u->next;
		free(u->fired);
		free(u);
	}
}

/* number wins over user_id (Meta: "Calling API reference", connect). */
struct meta_user *meta_user_find(struct meta *m, const char *number, const char *user_id)
{
	for (struct meta_user *u = m->users; u; u = u->next) {
		if (number ? *number && strcmp(u->plan->number, number) == 0
			   : user_id && strcmp(meta_user_id(u), user_id) == 0)
			return u;
	}
	return NULL;
}

const char *meta_user_id(const struct meta_user *u)
{
	const struct plan *p = u->meta->plan;
	return *u->plan->user_id || strcmp(u->plan->number, p->user) != 0 ? u->plan->user_id : p->user_id;
}

const char *meta_user_name(const struct meta_user *u)
{
	return *u->plan->name ? u->plan->name : u->meta->plan->name;
}

bool meta_user_is_busy(const struct meta_user *u)
{
	for (const struct meta_call *c = u->meta->calls; c; c = c->next) {
		if (c->who == u && c->state != META_ENDED)
			return true;
	}
	return false;
}

/* ---- permission ---- */

enum plan_permission meta_user_permission(const struct meta_user *u)
{
	bool expired = u->permission == PLAN_TEMPORARY && now_ms(u) / 1000 >= u->expires_s;
	return expired ? PLAN_NO_PERMISSION : u->permission;
}

static unsigned count_since(const uint64_t *times_ms, size_t count, uint64_t since_ms, uint64_t *ret_first_ms)
{
	size_t i = 0;

	while (i < count && times_ms[i] <= since_ms)
		i++;
	*ret_first_ms = i < count ? times_ms[i] : 0;
	return (unsigned)(count - i);
}

static uint64_t ago(const struct meta_user *u, uint64_t seconds)
{
	return now_ms(u) - seconds * 1000;
}

unsigned meta_user_requests(const struct meta_user *u, uint64_t window_s, uint64_t *ret_first_ms)
{
	return count_since(u->requests_ms, u->request_count, ago(u, window_s), ret_first_ms);
}

unsigned meta_user_calls(const struct meta_user *u, uint64_t *ret_first_ms)
{
	return count_since(u->connected_ms, u->connected_count, ago(u, DAY_S), ret_first_ms);
}

int meta_user_may_call(struct meta_user *u, char *why, size_t why_cap)
{
	uint64_t first_ms;

	if (meta_user_permission(u) == PLAN_NO_PERMISSION) {
		snprintf(why, why_cap, "No approved call permission from the recipient");
		return CODE_NO_PERMISSION;
	}
	if (meta_user_calls(u, &first_ms) >= u->meta->plan->limits.calls_per_day) {
		snprintf(why, why_cap, "Limit of connected calls reached. Next call allowed at %llu",
			(unsigned long long)(first_ms / 1000 + DAY_S));
		return CODE_CALL_LIMIT;
	}
	return 0;
}

int meta_user_may_be_asked(struct meta_user *u)
{
	uint64_t first_ms;

	if (meta_user_permission(u) == PLAN_PERMANENT)
		return CODE_PERMANENT;
	if (meta_user_requests(u, DAY_S, &first_ms) >= u->meta->plan->limits.requests_per_day ||
		meta_user_requests(u, WEEK_S, &first_ms) >= u->meta->plan->limits.requests_per_week)
		return CODE_REQUEST_LIMIT;
	return 0;
}

static void grant(struct meta_user *u, enum plan_permission permission)
{
	u->permission = permission;
	u->expires_s = permission == PLAN_TEMPORARY ? now_ms(u) / 1000 + u->meta->plan->limits.permission_s : 0;
}

void meta_user_decides(struct meta_user *u, unsigned answer)
{
	switch (answer) {
	case PLAN_ACCEPT_FOR_A_WHILE: grant(u, PLAN_TEMPORARY); break;
	case PLAN_ACCEPT_FOR_GOOD: grant(u, PLAN_PERMANENT); break;
	case PLAN_REFUSE: grant(u, PLAN_NO_PERMISSION); break;
	default: break;
	}
}

void meta_user_was_asked(struct meta_user *u, const char *wamid)
{
	if (u->request_count == META_REQUESTS_MAX) {
		memmove(u->requests_ms, u->requests_ms + 1, sizeof(u->requests_ms) - sizeof(u->requests_ms[0]));
		u->request_count--;
	}
	u->requests_ms[u->request_count++] = now_ms(u);
	snprintf(u->request_wamid, sizeof(u->request_wamid), "%s", wamid);
}

/* ---- calls ---- */

void meta_user_connected(struct meta_user *u)
{
	if (u->connected_count == PLAN_CALLS_PER_DAY_MAX) {
		memmove(u->connected_ms, u->connected_ms + 1, sizeof(u->connected_ms) - sizeof(u->connected_ms[0]));
		u->connected_count--;
	}
	u->connected_ms[u->connected_count++] = now_ms(u);
	u->unanswered = 0;
	u->request_count = 0; /* Meta: a connected call resets the limits of requests */
	u->window_until_ms = now_ms(u) + DAY_S * 1000ULL;
}

void meta_user_unanswered(struct meta_user *u)
{
	if (++u->unanswered < u->meta->plan->limits.unanswered || meta_user_permission(u) == PLAN_NO_PERMISSION)
		return;
	u->unanswered = 0;
	grant(u, PLAN_NO_PERMISSION);
	meta_timeline_user(u->meta, u, "permission_revoked", "unanswered");
	webhook_permission_reply(u, NULL, true);
}

void meta_user_called_us(struct meta_user *u, const char *wacid)
{
	meta_user_wrote(u);
	if (!u->plan->callback_permission || meta_user_permission(u) == PLAN_PERMANENT)
		return;
	grant(u, PLAN_TEMPORARY);
	meta_timeline_user(u->meta, u, "permission_granted", "callback");
	webhook_permission_reply(u, wacid, true);
}

bool meta_user_window_open(const struct meta_user *u)
{
	return now_ms(u) < u->window_until_ms;
}

void meta_user_wrote(struct meta_user *u)
{
	u->window_until_ms = now_ms(u) + DAY_S * 1000ULL;
}
