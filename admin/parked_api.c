/* admin/parked_api.c -- dials that wait for a user's permission */
#include "admin/admin_internal.h"

#include "admin/admin_json.h"
#include "lib/base/str.h"

#include <string.h>

struct parked_list {
	json_t *list;
	char number[24], user[PERMISSION_USER_MAX]; /* wanted, "" any */
	const struct api_reply *asker;
	bool out_of_memory;
};

static void list_parked(const struct api_parked *p, void *arg)
{
	struct parked_list *l = arg;

	if (!reply_may_see(l->asker, p->tenant))
		return;
	if ((*l->number && strcmp(l->number, p->number) != 0) || (*l->user && strcmp(l->user, p->user) != 0))
		return;
	if (json_array_append_new(l->list, admin_json_parked(p)))
		l->out_of_memory = true;
}

void get_parked(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	const char *user = reply_query(r, "user");
	struct parked_list l = {.asker = r};

	if (reply_query_phone(r, "number", l.number, sizeof(l.number))) {
		reply_problem(r, API_BAD_REQUEST, "number: not a phone number");
	} else if (user && *user && str_e164(user, l.user, sizeof(l.user)) && str_copy(l.user, sizeof(l.user), user)) {
		reply_problem(r, API_BAD_REQUEST, "user: neither a phone number nor a user id");
	} else if (!ops->each_parked) {
		reply_problem(r, API_NOT_OFFERED, NULL);
	} else {
		l.list = json_array();
		ops->each_parked(list_parked, &l, ops->arg);
		reply_list(r, "parked", l.list, l.out_of_memory);
	}
}

void delete_parked(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;

	r->done = json_pack("{s:s, s:b}", "id", r->id, "cancelled", 1);
	if (ops->cancel_parked)
		ops->cancel_parked(r->id, r, ops->arg);
	else
		reply_problem(r, API_NOT_OFFERED, NULL);
}
