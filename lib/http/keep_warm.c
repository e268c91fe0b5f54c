/* lib/http/keep_warm.c
 *
 * A curl pool looks at its idle connections only when it wants to use one, which is when a call is waiting. So an epoll
 * set of our own waits for the hang-up of each origin's idle connection (EPOLLRDHUP only: data, such as TLS session
 * tickets, is curl's to read), and the connection is replaced in the background.
 */
#include "lib/http/keep_warm.h"

#include "lib/loop/loop.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <utlist.h>

struct origin {
	struct keep_warm *kw;
	char *name, *url;
	int fd;             /* its idle connection; -1: none known */
	uint64_t opened_us; /* when open() was last called; 0: never */
	struct loop_timer timer;
	struct origin *next;
};

struct keep_warm {
	struct loop *loop;
	void (*open)(const char *url, void *arg);
	void *arg;
	int epoll;
	struct loop_watch *watch;
	struct origin *origins;
};

static void origin_due(void *arg)
{
	struct origin *o = arg;
	struct keep_warm *kw = o->kw;
	o->opened_us = loop_now_us(kw->loop);
	kw->open(o->url, kw->arg);
}

static void origin_schedule(struct origin *o)
{
	uint64_t now = loop_now_us(o->kw->loop);
	uint64_t at = o->opened_us + (uint64_t)KEEP_WARM_GAP_MS * 1000;
	if (!o->opened_us || at < now)
		at = now;
	(void)loop_timer_set(o->kw->loop, &o->timer, at, origin_due, o);
}

static void origin_forget_fd(struct origin *o)
{
	struct epoll_event none = {0};
	if (o->fd >= 0)
		(void)epoll_ctl(o->kw->epoll, EPOLL_CTL_DEL, o->fd, &none);
	o->fd = -1;
}

static void on_hangup(void *arg, int ready)
{
	struct keep_warm *kw = arg;
	struct epoll_event events[16];
	int n = epoll_wait(kw->epoll, events, 16, 0);

	(void)ready;
	for (int i = 0; i < n; i++) {
		struct origin *o = events[i].data.ptr;
		origin_forget_fd(o);
		origin_schedule(o);
	}
}

static struct origin *origin_free(struct origin *o)
{
	if (!o)
		return NULL;
	loop_timer_cancel(&o->timer);
	free(o->name);
	free(o->url);
	free(o);
	return NULL;
}

int keep_warm_new(struct loop *l, void (*open)(const char *url, void *arg), void *arg, struct keep_warm **ret_kw)
{
	struct keep_warm *kw = calloc(1, sizeof(*kw));
	int r;

	if (!kw)
		return -ENOMEM;
	*kw = (struct keep_warm){.loop = l, .open = open, .arg = arg};
	kw->epoll = epoll_create1(EPOLL_CLOEXEC);
	r = kw->epoll < 0 ? -errno : loop_watch(l, kw->epoll, LOOP_READ, on_hangup, kw, &kw->watch);
	if (r) {
		keep_warm_free(kw);
		return r;
	}
	*ret_kw = kw;
	return 0;
}

int keep_warm_add(struct keep_warm *kw, const char *name, const char *url)
{
	struct origin *o;

	LL_FOREACH (kw->origins, o) {
		if (strcmp(o->name, name) == 0)
			return 0;
	}
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->kw = kw;
	o->fd = -1;
	o->name = strdup(name);
	o->url = strdup(url);
	if (!o->name || !o->url || loop_timer_set(kw->loop, &o->timer, loop_now_us(kw->loop), origin_due, o)) {
		origin_free(o);
		return -ENOMEM;
	}
	LL_PREPEND(kw->origins, o);
	return 0;
}

void keep_warm_opened(struct keep_warm *kw, const char *name, int fd)
{
	struct origin *o;

	LL_FOREACH (kw->origins, o) {
		if (strcmp(o->name, name) == 0)
			break;
	}
	if (!o)
		return;
	if (fd >= 0 && fd != o->fd) {
		struct epoll_event ev = {.events = EPOLLRDHUP, .data = {.ptr = o}};
		origin_forget_fd(o);
		if (epoll_ctl(kw->epoll, EPOLL_CTL_ADD, fd, &ev) == 0)
			o->fd = fd;
	}
	if (o->fd < 0)
		origin_schedule(o);
	else
		loop_timer_cancel(&o->timer);
}

void keep_warm_closed(struct keep_warm *kw, int fd)
{
	struct origin *o;

	LL_FOREACH (kw->origins, o) {
		if (o->fd == fd) {
			origin_forget_fd(o);
			origin_schedule(o);
		}
	}
}

struct keep_warm *keep_warm_free(struct keep_warm *kw)
{
	if (!kw)
		return NULL;
	while (kw->origins) {
		struct origin *o = kw->origins;
		LL_DELETE(kw->origins, o);
		origin_free(o);
	}
	loop_unwatch(kw->watch);
	if (kw->epoll >= 0)
		close(kw->epoll);
	free(kw);
	return NULL;
}
