/* admin/registrations_api.c -- users who registered over SIP, and sources that are banned */
#include "admin/admin_internal.h"

#include "admin/admin_json.h"
#include "lib/base/str.h"

#include <string.h>

struct list {
	json_t *items;
	const char *user; /* wanted, "" any */
	bool out_of_memory;
};

static void list_registration(const struct api_registration *g, void *arg)
{
	struct list *l = arg;

	if (*l->user && strcmp(l->user, g->user) != 0)
		return;
	if (json_array_append_new(l->items, admin_json_registration(g)))
		l->out_of_memory = true;
}

void get_registrations(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	const char *user = reply_query(r, "user");
	struct list l = {.user = user ? user : ""};

	if (!ops->each_registration) {
		reply_problem(r, API_NOT_OFFERED, NULL);
		return;
	}
	l.items = json_array();
	ops->each_registration(list_registration, &l, ops->arg);
	reply_list(r, "registrations", l.items, l.out_of_memory);
}

void delete_registration(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;

	r->done = json_pack("{s:s, s:b}", "id", r->id, "removed", 1);
	if (ops->drop_registration)
		ops->drop_registration(r->id, r, ops->arg);
	else
		reply_problem(r, API_NOT_OFFERED, NULL);
}

static void list_ban(const struct api_ban *b, void *arg)
{
	struct list *l = arg;

	if (json_array_append_new(l->items, admin_json_ban(b)))
		l->out_of_memory = true;
}

void get_bans(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	struct list l = {0};

	if (!ops->each_ban) {
		reply_problem(r, API_NOT_OFFERED, NULL);
		return;
	}
	l.items = json_array();
	ops->each_ban(list_ban, &l, ops->arg);
	reply_list(r, "bans", l.items, l.out_of_memory);
}

void delete_ban(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;

	r->done = json_pack("{s:s, s:b}", "source", r->id, "lifted", 1);
	if (ops->lift_ban)
		ops->lift_ban(r->id, r, ops->arg);
	else
		reply_problem(r, API_NOT_OFFERED, NULL);
}
