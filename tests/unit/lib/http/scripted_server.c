#include "tests/unit/lib/http/scripted_server.h"

#include "lib/base/assert.h"
#include "lib/loop/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static void connection_close(struct scripted_connection *c)
{
	if (c->fd < 0)
		return;
	c->watch = loop_unwatch(c->watch);
	close(c->fd);
	c->fd = -1;
}

static void answer_head(struct scripted_connection *c)
{
	static const char text[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
	(void)!send(c->fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
}

static void act(struct scripted_connection *c)
{
	struct scripted_server *s = c->server;
	const struct scripted_step *step = &s->steps[s->step];
	struct linger reset = {1, 0};

	if (s->step + 1 < s->step_count)
		s->step++;
	s->requests++;
	if (step->text)
		(void)!send(c->fd, step->text, strlen(step->text), MSG_NOSIGNAL);
	if (step->act == SCRIPT_RESET)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (step->act == SCRIPT_CLOSE || step->act == SCRIPT_RESET)
		connection_close(c);
}

/* Length of the first whole request in the buffer, or 0. */
static size_t whole_request(const struct scripted_connection *c)
{
	const char *end = strstr(c->heard, "\r\n\r\n");
	const char *length = strcasestr(c->heard, "content-length:");
	size_t n;

	if (!end)
		return 0;
	n = (size_t)(end + 4 - c->heard);
	if (length && length < end)
		n += strtoul(length + 15, NULL, 10);
	return n <= c->length ? n : 0;
}

static void on_bytes(void *arg, int ready)
{
	struct scripted_connection *c = arg;
	size_t room = sizeof(c->heard) - 1 - c->length, n;
	ssize_t got = recv(c->fd, c->heard + c->length, room, MSG_DONTWAIT);

	(void)ready;
	if (got <= 0) {
		connection_close(c);
		return;
	}
	c->length += (size_t)got;
	c->heard[c->length] = '\0';
	while (c->fd >= 0 && (n = whole_request(c))) {
		bool free_head = c->server->heads_are_free && strncmp(c->heard, "HEAD ", 5) == 0;
		if (!free_head) {
			memcpy(c->server->last_request, c->heard, n);
			c->server->last_request[n] = '\0';
		}
		memmove(c->heard, c->heard + n, c->length - n + 1);
		c->length -= n;
		if (free_head)
			answer_head(c);
		else
			act(c);
	}
}

static void on_accept(void *arg, int ready)
{
	struct scripted_server *s = arg;
	struct scripted_connection *c = s->connections;

	(void)ready;
	while (c->fd >= 0)
		ASSERT(++c < s->connections + SCRIPTED_CONNECTIONS);
	c->fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
	ASSERT(c->fd >= 0);
	s->accepted++;
	c->server = s;
	c->length = 0;
	ASSERT(loop_watch(s->loop, c->fd, LOOP_READ, on_bytes, c, &c->watch) == 0);
}

void scripted_open(struct scripted_server *s, struct loop *l, const struct scripted_step *steps, size_t count)
{
	socklen_t length = sizeof(s->addr.u);

	memset(s, 0, sizeof(*s));
	s->loop = l;
	s->steps = steps;
	s->step_count = count;
	for (size_t i = 0; i < SCRIPTED_CONNECTIONS; i++)
		s->connections[i].fd = -1;
	ASSERT(addr_set(&s->addr, "127.0.0.1", 0) == 0);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT(s->fd >= 0 && bind(s->fd, &s->addr.u.sa, addr_len(&s->addr)) == 0 && listen(s->fd, 16) == 0);
	ASSERT(getsockname(s->fd, &s->addr.u.sa, &length) == 0);
	ASSERT(loop_watch(l, s->fd, LOOP_READ, on_accept, s, &s->watch) == 0);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", addr_port(&s->addr));
}

void scripted_hang_up(struct scripted_server *s)
{
	for (size_t i = 0; i < SCRIPTED_CONNECTIONS; i++)
		connection_close(&s->connections[i]);
}

unsigned scripted_connected(const struct scripted_server *s)
{
	unsigned n = 0;
	for (size_t i = 0; i < SCRIPTED_CONNECTIONS; i++)
		n += s->connections[i].fd >= 0;
	return n;
}

void scripted_close(struct scripted_server *s)
{
	scripted_hang_up(s);
	s->watch = loop_unwatch(s->watch);
	close(s->fd);
}
