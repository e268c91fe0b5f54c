/* tools/metasim/plan.c -- see plan.h */
#include "tools/metasim/plan.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { ACCEPT_WINDOW_MS = 60000 };

enum plan_type { TEXT, UINT, REAL, FLAG };

struct plan_key {
	const char *name;
	enum plan_type type;
	size_t offset, size;
};

#define KEY(name, type, member)                                                                                        \
	{                                                                                                              \
		name, type, offsetof(struct plan, member), sizeof(((struct plan *)0)->member)                          \
	}

static const struct plan_key top_keys[] = {KEY("webhook_url", TEXT, webhook_url), KEY("app_secret", TEXT, app_secret),
	KEY("token", TEXT, token), KEY("number_id", TEXT, number_id), KEY("number", TEXT, number),
	KEY("user", TEXT, user), KEY("user_id", TEXT, user_id), KEY("name", TEXT, name), KEY("payload", TEXT, payload),
	KEY("say", TEXT, say), KEY("hear", TEXT, hear), KEY("calls", UINT, calls),
	KEY("interval_ms", UINT, interval_ms), KEY("at_once", UINT, at_once), KEY("talk_ms", UINT, talk_ms),
	KEY("give_up_ms", UINT, give_up_ms), KEY("no_media_ms", UINT, no_media_ms), KEY("loss", REAL, loss),
	KEY("dtmf", TEXT, dtmf), {0}};

static const struct plan_key webhook_keys[] = {KEY("duplicates", UINT, webhook.duplicates),
	KEY("delay_ms", UINT, webhook.delay_ms), KEY("terminate_first", FLAG, webhook.terminate_first),
	KEY("terminate_only", FLAG, webhook.terminate_only), KEY("drop", REAL, webhook.drop),
	KEY("age_s", UINT, webhook.age_s), KEY("no_identity", FLAG, webhook.no_identity),
	KEY("bad_signature", FLAG, webhook.bad_signature), KEY("batched", FLAG, webhook.batched), {0}};

static const struct plan_key graph_keys[] = {KEY("fail_code", UINT, graph[0].fail_code),
	KEY("fail_http", UINT, graph[0].fail_http), KEY("fail_times", UINT, graph[0].fail_times),
	KEY("delay_ms", UINT, graph[0].delay_ms), KEY("drop", FLAG, graph[0].drop),
	KEY("drop_times", UINT, graph[0].drop_times), {0}};

static const char *const verb_names[PLAN_VERBS] = {"pre_accept", "accept", "reject", "terminate"};

void plan_init(struct plan *p)
{
	memset(p, 0, sizeof(*p));
	strcpy(p->number_id, "310000000000002");
	strcpy(p->number, "12025550123");
	strcpy(p->user, "447700900123");
	strcpy(p->user_id, "GB.1000200030004000500");
	strcpy(p->name, "Ana Example");
	p->calls = 1;
	p->at_once = 1;
	p->give_up_ms = ACCEPT_WINDOW_MS;
	p->no_media_ms = 20000;
}

static int set_key(struct plan *p, const struct plan_key *k, size_t shift, const json_t *v)
{
	char *at = (char *)p + k->offset + shift;
	double real;

	switch (k->type) {
	case TEXT:
		if (!json_is_string(v) || json_string_length(v) >= k->size)
			return -EINVAL;
		strcpy(at, json_string_value(v));
		return 0;
	case UINT:
		if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > 100000000)
			return -EINVAL;
		*(unsigned *)at = (unsigned)json_integer_value(v);
		return 0;
	case REAL:
		if (!json_is_number(v) || json_number_value(v) < 0 || json_number_value(v) > 1)
			return -EINVAL;
		real = json_number_value(v);
		memcpy(at, &real, sizeof(real));
		return 0;
	case FLAG:
		if (!json_is_boolean(v))
			return -EINVAL;
		*(bool *)at = json_is_true(v);
		return 0;
	}
	return -EINVAL;
}

static int set_keys(
	struct plan *p, const struct plan_key *keys, size_t shift, const json_t *object, char *why, size_t why_cap)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)object, name, v)
	{
		const struct plan_key *k = keys;
		if (keys == top_keys && (strcmp(name, "webhook") == 0 || strcmp(name, "graph") == 0))
			continue;
		while (k->name && strcmp(k->name, name) != 0)
			k++;
		if (!k->name || set_key(p, k, shift, v)) {
			snprintf(why, why_cap, "\"%s\": %s", name, k->name ? "wrong kind of value" : "no such key");
			return -EINVAL;
		}
	}
	return 0;
}

static int set_graph(struct plan *p, const json_t *graph, char *why, size_t why_cap)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)graph, name, v)
	{
		size_t verb = 0;
		while (verb < PLAN_VERBS && strcmp(verb_names[verb], name) != 0)
			verb++;
		if (verb == PLAN_VERBS) {
			snprintf(why, why_cap, "graph: \"%s\" is not a call action", name);
			return -EINVAL;
		}
		int r = set_keys(p, graph_keys, verb * sizeof(p->graph[0]), v, why, why_cap);
		if (r)
			return r;
	}
	return 0;
}

int plan_read(struct plan *p, const char *path, char *why, size_t why_cap)
{
	json_error_t error;
	json_t *top = json_load_file(path, 0, &error);
	int r;

	if (!top) {
		snprintf(why, why_cap, "%s:%d: %s", path, error.line, error.text);
		return -EINVAL;
	}
	r = set_keys(p, top_keys, 0, top, why, why_cap);
	if (r == 0)
		r = set_keys(p, webhook_keys, 0, json_object_get(top, "webhook"), why, why_cap);
	if (r == 0)
		r = set_graph(p, json_object_get(top, "graph"), why, why_cap);
	json_decref(top);
	return r;
}
