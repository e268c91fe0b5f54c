/* b2bua/cli/admin_request.c -- ask the running program over its admin listener, and wait for the answer */
#include "b2bua/cli/cli.h"

#include "lib/http/http_client.h"
#include "lib/loop/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 30000 }; /* watrunk may have to ask Meta first */

struct exchange {
	struct loop *loop;
	unsigned status;
	char *body;
	char error[200];
};

static void on_done(const struct http_result *result, void *arg)
{
	struct exchange *x = arg;

	x->status = result->status;
	if (result->error)
		snprintf(x->error, sizeof(x->error), "%s", result->error_text);
	else
		x->body = strndup(result->body, result->body_length);
	loop_stop(x->loop);
}

static int exchange(
	struct exchange *x, const struct config *config, const char *method, const char *path, const char *body)
{
	char where[ADDR_TEXT_MAX], url[5120], bearer[1024];
	const char *const headers[] = {bearer, body ? "Content-Type: application/json" : NULL, NULL};
	const struct http_client_conf conf = {0};
	const struct http_send send = {.method = method,
		.url = url,
		.headers = headers,
		.body = body,
		.body_length = body ? strlen(body) : 0,
		.timeout_ms = TIMEOUT_MS,
		.on_done = on_done,
		.arg = x};
	struct http_client *client = NULL;
	uint64_t id;
	int r = loop_new(&x->loop);

	snprintf(url, sizeof(url), "http://%s%s", addr_format(&config->admin.listen, where, sizeof(where)), path);
	snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", config->admin.token);
	if (r == 0)
		r = http_client_new(x->loop, &conf, &client);
	if (r == 0)
		r = http_send(client, &send, &id);
	if (r == 0)
		loop_run(x->loop);
	http_client_free(client);
	loop_free(x->loop);
	if (r)
		snprintf(x->error, sizeof(x->error), "%s", strerror(-r));
	return r;
}

int cli_admin_request(
	const struct config *config, const char *method, const char *path, unsigned *ret_status, char **ret_body)
{
	return cli_admin_send(config, method, path, NULL, ret_status, ret_body);
}

int cli_admin_send(const struct config *config, const char *method, const char *path, const char *body,
	unsigned *ret_status, char **ret_body)
{
	struct exchange x = {0};
	char where[ADDR_TEXT_MAX];

	exchange(&x, config, method, path, body);
	if (!x.body) {
		fprintf(stderr,
			"watrunk: no answer from %s (admin.listen): %s. Is watrunk running with this configuration?\n",
			addr_format(&config->admin.listen, where, sizeof(where)), *x.error ? x.error : "out of memory");
		return EXIT_FAILED;
	}
	*ret_status = x.status;
	*ret_body = x.body;
	if (x.status == 401) {
		fprintf(stderr, "watrunk: the running watrunk refused our token: admin.token differs from its own\n");
		free(x.body);
		return EXIT_FAILED;
	}
	return EXIT_OK;
}
