/* b2bua/cli/doctor_graph.c -- Meta's Graph API: reachable, each token good, its clock and ours */
#include "b2bua/cli/doctor.h"

#include "lib/base/clock.h"
#include "lib/http/http_client.h"
#include "lib/loop/loop.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOCK_WARN_S = 30, CLOCK_FAIL_S = 300, TOKEN_EXPIRED = 190 /* Meta: error codes, OAuthException */ };

struct asking {
	struct doctor *doctor;
	struct loop *loop;
	size_t waiting;
	bool running, clock_told;
	struct question {
		struct asking *asking;
		const struct config_number *number; /* NULL: is watrunk there? */
	} all[];
};

static void tell_clock(struct asking *a, int64_t theirs)
{
	int64_t off = (int64_t)(clock_wall_ms() / 1000) - theirs, far = off < 0 ? -off : off;

	if (!theirs || a->clock_told)
		return;
	a->clock_told = true;
	if (far < CLOCK_WARN_S)
		doctor_find(a->doctor, DOCTOR_OK, "clock", "", "", "within %d s of the Graph API's", CLOCK_WARN_S);
	else
		doctor_find(a->doctor, far < CLOCK_FAIL_S ? DOCTOR_WARNING : DOCTOR_FAILED, "clock", "",
			"Let chrony or systemd-timesyncd set it.", "%lld s %s the Graph API's", (long long)far,
			off < 0 ? "behind" : "before");
}

static void tell_refusal(struct doctor *d, const char *subject, const struct http_result *r)
{
	json_t *top = json_loads(r->body, 0, NULL), *error = json_object_get(top, "error");
	json_int_t code = json_integer_value(json_object_get(error, "code"));
	const char *text = json_string_value(json_object_get(error, "message"));

	if (r->status == 401 || code == TOKEN_EXPIRED)
		doctor_find(d, DOCTOR_FAILED, "token", subject,
			"Make a system user's access token, and put it into numbers[].token.",
			"the Graph API does not take the token: %.200s", text ? text : "401");
	else
		doctor_find(d, DOCTOR_FAILED, "token", subject,
			"Check phone_number_id, the token's permissions (whatsapp_business_messaging) and "
			"graph.version.",
			"the Graph API answered %u: %.200s", r->status, text ? text : "no reason given");
	json_decref(top);
}

static void answered(const struct http_result *r, void *arg)
{
	const struct question *q = arg;
	struct asking *a = q->asking;
	char subject[96];

	if (!q->number) {
		a->running = !r->error && r->status;
	} else {
		(void)snprintf(subject, sizeof(subject), "number %s", q->number->phone_number_id);
		tell_clock(a, r->date_s);
		if (r->error)
			doctor_find(a->doctor, DOCTOR_FAILED, "graph", subject,
				"Check the way out to the internet: name server, firewall, proxy, graph.base_url.",
				"%s: %s", a->doctor->config->graph.base_url, r->error_text);
		else if (r->status == 200)
			doctor_find(a->doctor, DOCTOR_OK, "token", subject, "", "the Graph API takes the token");
		else
			tell_refusal(a->doctor, subject, r);
	}
	if (--a->waiting == 0)
		loop_stop(a->loop);
}

static int ask(struct asking *a, struct http_client *client, struct question *q)
{
	const struct config *c = a->doctor->config;
	char url[1024], bearer[2048] = "Accept: application/json", where[ADDR_TEXT_MAX];
	const char *const headers[] = {bearer, NULL};
	const struct http_send send = {.method = "GET",
		.url = url,
		.headers = headers,
		.timeout_ms = DOCTOR_TIMEOUT_MS,
		.on_done = answered,
		.arg = q};
	uint64_t id;
	int r;

	if (q->number) {
		(void)snprintf(url, sizeof(url), "%s/%s/%s?fields=id", c->graph.base_url, c->graph.version,
			q->number->phone_number_id);
		(void)snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", q->number->token);
	} else {
		(void)snprintf(
			url, sizeof(url), "http://%s/healthz", addr_format(&c->admin.listen, where, sizeof(where)));
	}
	r = http_send(client, &send, &id);
	if (r == 0)
		a->waiting++;
	return r;
}

static int ask_all(struct asking *a, struct http_client *client)
{
	const struct config *c = a->doctor->config;
	int r = 0;

	for (size_t i = 0; r == 0 && i <= c->number_count; i++) {
		a->all[i] = (struct question){a, i < c->number_count ? &c->numbers[i] : NULL};
		r = ask(a, client, &a->all[i]);
	}
	return r;
}

void doctor_check_graph(struct doctor *d, bool *ret_running)
{
	const struct http_client_conf conf = {.connect_timeout_ms = DOCTOR_TIMEOUT_MS};
	struct asking *a = calloc(1, sizeof(*a) + (d->config->number_count + 1) * sizeof(a->all[0]));
	struct http_client *client = NULL;
	int r = a ? loop_new(&a->loop) : -ENOMEM;

	*ret_running = false;
	if (a)
		a->doctor = d;
	if (r == 0)
		r = http_client_new(a->loop, &conf, &client);
	if (r == 0)
		r = ask_all(a, client);
	if (r == 0 && a->waiting)
		loop_run(a->loop);
	if (r)
		doctor_find(
			d, DOCTOR_FAILED, "graph", "", "Check graph.base_url.", "cannot be asked: %s", strerror(-r));
	else
		*ret_running = a->running;
	http_client_free(client);
	if (a)
		loop_free(a->loop);
	free(a);
}
