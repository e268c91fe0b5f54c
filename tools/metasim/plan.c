/* tools/metasim/plan.c -- see plan.h */
#include "tools/metasim/plan.h"

#include "tools/metasim/plan_keys.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { ACCEPT_WINDOW_MS = 60000 };

#define KEY(name, type, member)                                                                                        \
	{                                                                                                              \
		name, type, offsetof(struct plan, member), sizeof(((struct plan *)0)->member), NULL                    \
	}
#define WORD_KEY(name, type, member, words)                                                                            \
	{                                                                                                              \
		name, type, offsetof(struct plan, member), sizeof(unsigned), words                                     \
	}
#define SECTION(name)                                                                                                  \
	{                                                                                                              \
		name, PART, 0, 0, NULL                                                                                 \
	}

static const char *const dtls_words[] = {"passive", "active", "actpass", NULL};
static const char *const lose_words[] = {"nothing", "connect", "ringing", "accepted", "terminate", NULL};

static const struct plan_key top_keys[] = {KEY("webhook_url", TEXT, webhook_url), KEY("app_secret", TEXT, app_secret),
	KEY("token", TEXT, token), KEY("number_id", TEXT, number_id), KEY("number", TEXT, number),
	KEY("user", TEXT, user), KEY("user_id", TEXT, user_id), KEY("name", TEXT, name), KEY("payload", TEXT, payload),
	KEY("say", TEXT, say), KEY("hear", TEXT, hear), KEY("calls", UINT, calls),
	KEY("interval_ms", UINT, interval_ms), KEY("at_once", UINT, at_once), KEY("talk_ms", UINT, talk_ms),
	KEY("give_up_ms", UINT, give_up_ms), KEY("no_media_ms", UINT, no_media_ms), KEY("loss", REAL, loss),
	KEY("dtmf", TEXT, dtmf), KEY("statuses", FLAG, statuses), KEY("serve", FLAG, serve),
	KEY("linger_ms", UINT, linger_ms), SECTION("webhook"), SECTION("graph"), SECTION("outbound"), SECTION("limits"),
	SECTION("templates"), SECTION("users"), {0}};

static const struct plan_key webhook_keys[] = {KEY("duplicates", UINT, webhook.duplicates),
	KEY("delay_ms", UINT, webhook.delay_ms), KEY("terminate_first", FLAG, webhook.terminate_first),
	KEY("terminate_only", FLAG, webhook.terminate_only), KEY("drop", REAL, webhook.drop),
	KEY("age_s", UINT, webhook.age_s), KEY("no_identity", FLAG, webhook.no_identity),
	KEY("bad_signature", FLAG, webhook.bad_signature), KEY("batched", FLAG, webhook.batched),
	KEY("reorder_ms", UINT, webhook.reorder_ms), KEY("retries", UINT, webhook.retries),
	KEY("retry_ms", UINT, webhook.retry_ms), {0}};

static const struct plan_key outbound_keys[] = {KEY("calls", UINT, outbound.calls),
	KEY("connect_before_response", FLAG, outbound.connect_before_response),
	KEY("connect_after_ms", UINT, outbound.connect_after_ms), WORD_KEY("dtls", WORD, outbound.dtls, dtls_words),
	KEY("ring_ms", UINT, outbound.ring_ms), WORD_KEY("lose", WORD, outbound.lose, lose_words), {0}};

static const struct plan_key limit_keys[] = {KEY("calls_per_day", UINT, limits.calls_per_day),
	KEY("concurrent", UINT, limits.concurrent), KEY("requests_per_day", UINT, limits.requests_per_day),
	KEY("requests_per_week", UINT, limits.requests_per_week), KEY("unanswered", UINT, limits.unanswered),
	KEY("permission_s", UINT, limits.permission_s), {0}};

static const struct plan_key graph_keys[] = {KEY("fail_code", UINT, graph[0].fail_code),
	KEY("fail_http", UINT, graph[0].fail_http), KEY("fail_times", UINT, graph[0].fail_times),
	KEY("delay_ms", UINT, graph[0].delay_ms), KEY("drop", FLAG, graph[0].drop),
	KEY("drop_times", UINT, graph[0].drop_times), {0}};

#undef KEY
#define KEY(name, type, member)                                                                                        \
	{                                                                                                              \
		name, type, offsetof(struct plan_template, member), sizeof(((struct plan_template *)0)->member), NULL  \
	}

static const struct plan_key template_keys[] = {KEY("name", TEXT, name), KEY("language", TEXT, language),
	KEY("parameters", UINT, parameters), KEY("permission_request", FLAG, permission_request), {0}};

static const char *const verb_names[PLAN_VERBS] = {
	"pre_accept", "accept", "reject", "terminate", "connect", "messages", "call_permissions"};

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
	p->statuses = true;
	p->webhook.retries = 20;
	p->webhook.retry_ms = 250;
	p->outbound.connect_after_ms = 50;
	p->outbound.ring_ms = 60000;
	/* Meta: "User call permissions" and "Business-initiated calls", limits of Nov 2025 */
	p->limits.calls_per_day = 100;
	p->limits.concurrent = 1000;
	p->limits.requests_per_day = 1;
	p->limits.requests_per_week = 2;
	p->limits.unanswered = 4;
	p->limits.permission_s = 7 * 24 * 3600;
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
			snprintf(why, why_cap, "graph: \"%s\" is not a request of the Graph API", name);
			return -EINVAL;
		}
		/* the table tells places in the first of them */
		int r = plan_keys_set((char *)p + verb * sizeof(p->graph[0]), graph_keys, v, why, why_cap);
		if (r)
			return r;
	}
	return 0;
}

static int set_templates(struct plan *p, const json_t *array, char *why, size_t why_cap)
{
	if (!array)
		return 0;
	if (!json_is_array(array) || json_array_size(array) > PLAN_TEMPLATES_MAX) {
		snprintf(why, why_cap, "\"templates\": an array of at most %d was expected", PLAN_TEMPLATES_MAX);
		return -EINVAL;
	}
	for (p->template_count = 0; p->template_count < json_array_size(array); p->template_count++) {
		struct plan_template *t = &p->templates[p->template_count];
		*t = (struct plan_template){.language = "en_US"};
		int r = plan_keys_set(t, template_keys, json_array_get(array, p->template_count), why, why_cap);
		if (r)
			return r;
	}
	return 0;
}

static int set_users(struct plan *p, const json_t *array, bool calls_given, char *why, size_t why_cap)
{
	if (!array)
		return 0;
	plan_done(p);
	if (!calls_given)
		p->calls = 0; /* these users have plans of their own */
	return plan_users_read(array, &p->users, &p->user_count, why, why_cap);
}

static int set_all(struct plan *p, const json_t *top, char *why, size_t why_cap)
{
	int r = plan_keys_set(p, top_keys, top, why, why_cap);

	if (r == 0)
		r = plan_keys_set(p, webhook_keys, json_object_get(top, "webhook"), why, why_cap);
	if (r == 0)
		r = plan_keys_set(p, outbound_keys, json_object_get(top, "outbound"), why, why_cap);
	if (r == 0)
		r = plan_keys_set(p, limit_keys, json_object_get(top, "limits"), why, why_cap);
	if (r == 0 && p->limits.calls_per_day > PLAN_CALLS_PER_DAY_MAX) {
		snprintf(why, why_cap, "\"calls_per_day\": at most %d", PLAN_CALLS_PER_DAY_MAX);
		r = -EINVAL;
	}
	if (r == 0)
		r = set_graph(p, json_object_get(top, "graph"), why, why_cap);
	if (r == 0)
		r = set_templates(p, json_object_get(top, "templates"), why, why_cap);
	if (r == 0)
		r = set_users(p, json_object_get(top, "users"), json_object_get(top, "calls"), why, why_cap);
	return r;
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
	r = set_all(p, top, why, why_cap);
	json_decref(top);
	return r;
}

void plan_done(struct plan *p)
{
	plan_users_free(p->users, p->user_count);
	p->users = NULL;
	p->user_count = 0;
}
