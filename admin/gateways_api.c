/* admin/gateways_api.c -- the gateways, and how they are */
#include "admin/admin_internal.h"

#include "admin/admin_json.h"

struct list {
	json_t *items;
	bool out_of_memory;
};

static void list_gateway(const struct api_gateway *g, void *arg)
{
	struct list *l = arg;

	if (json_array_append_new(l->items, admin_json_gateway(g)))
		l->out_of_memory = true;
}

void get_gateways(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	struct list l = {0};

	if (!ops->each_gateway) {
		reply_problem(r, API_NOT_OFFERED, NULL);
		return;
	}
	l.items = json_array();
	ops->each_gateway(list_gateway, &l, ops->arg);
	reply_list(r, "gateways", l.items, l.out_of_memory);
}
