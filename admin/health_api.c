/* admin/health_api.c -- /healthz and /v1/counters */
#include "admin/admin_internal.h"

#include "lib/base/counter.h"

enum { GAUGES_MAX = 32, WORKERS_MAX = 64 };

static void count_call(const struct admin_call *call, void *arg)
{
	(void)call;
	(*(int *)arg)++;
}

void get_health(struct api_reply *r)
{
	int calls = 0;

	/* How busy others are is nobody's business. */
	if (r->admin->token_count && (*r->asker.tenant || !r->asker.known)) {
		reply_ok(r, json_pack("{s:s, s:s}", "status", "ok", "version", WATRUNK_VERSION));
		return;
	}
	r->admin->ops.each_call(count_call, &calls, r->admin->ops.arg);
	reply_ok(r, json_pack("{s:s, s:s, s:i}", "status", "ok", "version", WATRUNK_VERSION, "calls", calls));
}

static json_t *workers(const struct admin_ops *ops)
{
	struct admin_worker all[WORKERS_MAX];
	size_t n = ops->workers ? ops->workers(all, WORKERS_MAX, ops->arg) : 0;
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:i, s:i, s:i}", "calls", (int)all[i].calls, "busy_percent",
						    (int)all[i].busy_percent, "complexity", (int)all[i].complexity));
	return list;
}

void get_counters(struct api_reply *r)
{
	struct admin_gauge gauges[GAUGES_MAX];
	size_t n = r->admin->ops.gauges(gauges, GAUGES_MAX, r->admin->ops.arg);
	json_t *top = json_object(), *g = json_object();

	for (int c = 0; c < CNT_COUNT; c++)
		json_object_set_new(
			top, counter_name((enum counter)c), json_integer((json_int_t)counter_sum((enum counter)c)));
	for (size_t i = 0; i < n; i++)
		json_object_set_new(g, gauges[i].name, json_integer((json_int_t)gauges[i].value));
	json_object_set_new(top, "gauges", g);
	json_object_set_new(top, "media_workers", workers(&r->admin->ops));
	reply_ok(r, top);
}

void post_reload(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;

	if (ops->reload)
		ops->reload(r, ops->arg);
	else
		reply_problem(r, API_NOT_OFFERED, NULL);
}
