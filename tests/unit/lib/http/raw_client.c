#include "tests/unit/lib/http/raw_client.h"

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/loop/loop.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void on_ready(void *arg, int ready)
{
	struct raw_client *c = arg;
	char bytes[65536];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)ready;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		c->closed = true;
		c->watch = loop_unwatch(c->watch);
		return;
	}
	ASSERT(c->length + (size_t)n < sizeof(c->heard));
	c->heard_us = clock_mono_us();
	memcpy(c->heard + c->length, bytes, (size_t)n);
	c->length += (size_t)n;
	c->heard[c->length] = '\0';
}

void raw_open(struct raw_client *c, struct loop *l, const struct addr *to)
{
	memset(c, 0, sizeof(*c));
	c->loop = l;
	c->fd = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT(c->fd >= 0);
	ASSERT(connect(c->fd, &to->u.sa, addr_len(to)) == 0); /* the kernel completes it: the backlog is enough */
	ASSERT(loop_watch(l, c->fd, LOOP_READ, on_ready, c, &c->watch) == 0);
}

void raw_try_say(struct raw_client *c, const void *bytes, size_t n)
{
	(void)!send(c->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void raw_say(struct raw_client *c, const char *text)
{
	size_t n = strlen(text);
	ASSERT(send(c->fd, text, n, MSG_NOSIGNAL) == (ssize_t)n);
}

unsigned raw_count(const struct raw_client *c, const char *text)
{
	unsigned n = 0;
	for (const char *p = c->heard; (p = strstr(p, text)); p += strlen(text))
		n++;
	return n;
}

void raw_close(struct raw_client *c)
{
	c->watch = loop_unwatch(c->watch);
	close(c->fd);
	c->fd = -1;
}
