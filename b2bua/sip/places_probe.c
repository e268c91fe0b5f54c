/* b2bua/sip/places_probe.c -- for the doctor: the DNS is asked as by the running program, and waited for */
#include "b2bua/sip/probe.h"

#include "b2bua/sip/lookup.h"
#include "b2bua/sip/uri.h"
#include "lib/base/str.h"
#include "lib/loop/loop.h"

#include <errno.h>
#include <stdlib.h>

struct asked {
	struct asking *asking;
	struct sip_places_probe *probe;
	struct sip_uri uri;
	struct lookup *lookup;
};

struct asking {
	struct loop *loop;
	size_t waiting;
	struct loop_timer timer;
};

static void on_time(void *arg)
{
	struct asking *a = arg;

	loop_stop(a->loop);
}

static void on_answer(const struct lookup_answer *answer, void *arg)
{
	struct asked *q = arg;

	q->lookup = NULL;
	q->probe->count = answer->count;
	if (answer->count) {
		q->probe->first = answer->places[0].addr;
		q->probe->transport = answer->places[0].transport;
	} else {
		str_copy(q->probe->why, sizeof(q->probe->why), answer->why);
	}
	if (--q->asking->waiting == 0)
		loop_stop(q->asking->loop);
}

/* An address stands for itself. */
static bool is_address(const struct sip_uri *uri, struct sip_places_probe *probe)
{
	const bool v6 = *uri->host == '[';
	char host[256];

	if (str_copy_n(host, sizeof(host), uri->host + v6, uri->host_length - (v6 ? 2 : 0)) ||
		addr_set(&probe->first, host, 0))
		return false;
	addr_set_port(&probe->first, uri->port ? uri->port : uri->transport == SIP_TLS ? 5061 : 5060);
	probe->transport = uri->transport;
	probe->count = 1;
	return true;
}

static void ask(struct asking *a, struct resolver *resolver, unsigned have, struct asked *q)
{
	q->asking = a;
	q->probe->count = 0;
	if (sip_uri_parse(q->probe->uri, &q->uri)) {
		str_copy(q->probe->why, sizeof(q->probe->why), "not a SIP URI");
		return;
	}
	if (is_address(&q->uri, q->probe))
		return;
	str_copy(q->probe->why, sizeof(q->probe->why), "no answer");
	if (lookup_start(resolver, &q->uri, have, on_answer, q, &q->lookup) == 0)
		a->waiting++;
}

int sip_probe_places(struct sip_places_probe *all, size_t count, const char *server, unsigned have, unsigned timeout_ms)
{
	struct asked *asked = calloc(count + 1, sizeof(*asked));
	struct resolver *resolver = NULL;
	struct asking a = {0};
	int r = asked ? loop_new(&a.loop) : -ENOMEM;

	if (r == 0)
		r = resolver_new(a.loop, server, &resolver);
	for (size_t i = 0; r == 0 && i < count; i++) {
		asked[i].probe = &all[i];
		ask(&a, resolver, have, &asked[i]);
	}
	if (r == 0 && a.waiting)
		r = loop_timer_set(a.loop, &a.timer, loop_now_us(a.loop) + timeout_ms * 1000ull, on_time, &a);
	if (r == 0 && a.waiting)
		loop_run(a.loop);
	loop_timer_cancel(&a.timer);
	for (size_t i = 0; asked && i < count; i++)
		lookup_cancel(asked[i].lookup);
	resolver_free(resolver);
	loop_free(a.loop);
	free(asked);
	return r;
}
