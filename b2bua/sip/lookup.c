/* b2bua/sip/lookup.c -- see lookup.h. One question after the other; each answer may add more. */
#include "b2bua/sip/lookup.h"

#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/loop/loop.h"
#include "lib/loop/loop_su.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct lookup;
#define SRES_CONTEXT_T struct lookup
#include <sofia-resolv/sres.h>
#include <sofia-resolv/sres_record.h>
#include <sofia-sip/sresolv.h>

enum {
	QUESTIONS_MAX = 24, /* of one lookup: what a zone can make us ask */
	NAME_MAX_BYTES = 256,
	TTL_MIN_S = 5, /* a zone with TTL 0 is not asked more often */
	TTL_MAX_S = 3600,
	SIP_PORT = 5060,
	SIPS_PORT = 5061,
};

struct resolver {
	struct loop *loop;
	sres_resolver_t *sres;
	char path[48];
};

struct question {
	uint16_t type;
	enum sip_transport transport;
	uint16_t port, priority, weight; /* A: of the place */
	char name[NAME_MAX_BYTES];
};

struct lookup {
	struct resolver *resolver;
	void (*done)(const struct lookup_answer *answer, void *arg);
	void *arg;
	char host[NAME_MAX_BYTES];
	unsigned have;
	bool transport_given;
	enum sip_transport transport;
	struct question questions[QUESTIONS_MAX];
	size_t asked, question_count;
	struct place places[PLACES_MAX];
	size_t place_count;
	unsigned ttl_s;
	int status;     /* the last failure */
	bool fell_back; /* addresses of the host itself are being asked for */
	sres_query_t *query;
	struct loop_timer timer;
};

static bool can(const struct lookup *l, enum sip_transport t)
{
	return l->have & 1u << t;
}

static struct question *add(struct lookup *l, uint16_t type, enum sip_transport transport, const char *name)
{
	struct question *q;
	size_t length = strlen(name);

	if (l->question_count == QUESTIONS_MAX || length == 0 || length >= sizeof(q->name) || strcmp(name, ".") == 0)
		return NULL;
	q = &l->questions[l->question_count++];
	*q = (struct question){.type = type, .transport = transport};
	str_copy(q->name, sizeof(q->name), name);
	return q;
}

static void add_address(struct lookup *l, const char *name, enum sip_transport transport, uint16_t port,
	uint16_t priority, uint16_t weight)
{
	struct question *q = add(l, sres_type_a, transport, name);

	if (!q)
		return;
	q->port = port ? port : transport == SIP_TLS ? SIPS_PORT : SIP_PORT;
	q->priority = priority;
	q->weight = weight;
}

static void add_service(struct lookup *l, enum sip_transport t)
{
	static const char *const prefix[] = {
		[SIP_UDP] = "_sip._udp.", [SIP_TCP] = "_sip._tcp.", [SIP_TLS] = "_sips._tcp."};
	char name[NAME_MAX_BYTES + 16];

	if (!can(l, t))
		return;
	(void)snprintf(name, sizeof(name), "%s%s", prefix[t], l->host);
	(void)add(l, sres_type_srv, t, name);
}

/* ---- answers ---- */

static void take_ttl(struct lookup *l, uint32_t ttl)
{
	unsigned s = ttl < TTL_MIN_S ? TTL_MIN_S : ttl > TTL_MAX_S ? TTL_MAX_S : ttl;

	if (!l->ttl_s || s < l->ttl_s)
		l->ttl_s = s;
}

static void take_address(struct lookup *l, const struct question *q, const sres_a_record_t *a)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = a->a_addr};
	struct place *place;

	if (l->place_count == PLACES_MAX)
		return;
	place = &l->places[l->place_count++];
	*place = (struct place){.transport = q->transport, .priority = q->priority, .weight = q->weight};
	addr_from_sockaddr(&place->addr, (struct sockaddr *)&in, sizeof(in));
	addr_set_port(&place->addr, q->port);
}

static int service_transport(const char *service)
{
	static const char *const names[] = {[SIP_UDP] = "SIP+D2U", [SIP_TCP] = "SIP+D2T", [SIP_TLS] = "SIPS+D2T"};

	for (int t = SIP_UDP; t <= SIP_TLS; t++)
		if (strcasecmp(service, names[t]) == 0)
			return t;
	return -1;
}

/* Sorted by the resolver: by order, then preference. Only those of the best order with a transport of ours count
 * (RFC 3263 s4.1). */
static void take_naptrs(struct lookup *l, sres_record_t **answers)
{
	int order = -1;

	for (size_t i = 0; answers && answers[i]; i++) {
		const sres_naptr_record_t *na = answers[i]->sr_naptr;
		int t;
		if (answers[i]->sr_record->r_status || answers[i]->sr_record->r_type != sres_type_naptr ||
			strcasecmp(na->na_flags, "s") != 0)
			continue;
		t = service_transport(na->na_services);
		if (t < 0 || !can(l, (enum sip_transport)t) || (order >= 0 && na->na_order != order))
			continue;
		order = na->na_order;
		take_ttl(l, answers[i]->sr_record->r_ttl);
		(void)add(l, sres_type_srv, (enum sip_transport)t, na->na_replace);
	}
	if (order < 0) {
		add_service(l, SIP_UDP);
		add_service(l, SIP_TCP);
	}
}

static void take_answers(struct lookup *l, const struct question *q, sres_record_t **answers)
{
	for (size_t i = 0; answers && answers[i]; i++) {
		const sres_record_t *a = answers[i];
		if (a->sr_record->r_status) {
			l->status = a->sr_record->r_status;
			continue;
		}
		if (a->sr_record->r_type != q->type)
			continue;
		take_ttl(l, a->sr_record->r_ttl);
		if (q->type == sres_type_srv)
			add_address(l, a->sr_srv->srv_target, q->transport, a->sr_srv->srv_port,
				a->sr_srv->srv_priority, a->sr_srv->srv_weight);
		else
			take_address(l, q, a->sr_a);
	}
}

/* ---- the sequence ---- */

static void next(struct lookup *l);

static void on_answer(struct lookup *l, sres_query_t *query, sres_record_t **answers)
{
	struct question q = l->questions[l->asked - 1];

	(void)query;
	l->query = NULL;
	if (!answers)
		l->status = SRES_TIMEOUT_ERR;
	sres_sort_answers(l->resolver->sres, answers);
	if (q.type == sres_type_naptr)
		take_naptrs(l, answers);
	else
		take_answers(l, &q, answers);
	sres_free_answers(l->resolver->sres, answers);
	next(l);
}

static const char *words(int status)
{
	switch (status) {
	case SRES_NAME_ERR: return "no such name";
	case SRES_TIMEOUT_ERR: return "the name server does not answer";
	case SRES_SERVER_ERR: return "the name server has a fault";
	case SRES_AUTH_ERR: return "the name server refuses to say";
	case SRES_NETWORK_ERR: return "no name server can be reached";
	default: return "the name has no address";
	}
}

static void finished(void *arg)
{
	struct lookup *l = arg;
	const struct lookup_answer answer = {
		.places = l->places,
		.count = l->place_count,
		.ttl_s = l->ttl_s,
		.why = l->place_count ? "" : words(l->status),
	};

	loop_timer_cancel(&l->timer);
	l->done(&answer, l->arg);
	free(l);
}

static void finish_soon(struct lookup *l)
{
	(void)loop_timer_set(l->resolver->loop, &l->timer, loop_now_us(l->resolver->loop), finished, l);
}

static void fall_back(struct lookup *l)
{
	l->fell_back = true;
	add_address(l, l->host, l->transport_given ? l->transport : can(l, SIP_UDP) ? SIP_UDP : SIP_TCP, 0, 0, 0);
}

/* "No such name" is kept for minutes: we ask again, we wait long enough between. */
static bool is_refusal(sres_record_t **answers)
{
	return answers[0] && answers[0]->sr_record->r_status;
}

static void next(struct lookup *l)
{
	if (l->asked == l->question_count && !l->place_count && !l->fell_back)
		fall_back(l);
	while (l->asked < l->question_count) {
		struct question *q = &l->questions[l->asked++];
		sres_record_t **known = sres_cached_answers(l->resolver->sres, q->type, q->name);
		if (known && !is_refusal(known)) {
			on_answer(l, NULL, known);
			return;
		}
		sres_free_answers(l->resolver->sres, known);
		l->query = sres_query(l->resolver->sres, on_answer, l, q->type, q->name);
		if (l->query)
			return;
		l->status = SRES_NETWORK_ERR;
		if (l->asked == l->question_count && !l->place_count && !l->fell_back)
			fall_back(l);
	}
	finish_soon(l);
}

static bool is_localhost(const char *host)
{
	size_t n = strlen(host), tail = sizeof(".localhost") - 1;

	return strcasecmp(host, "localhost") == 0 || (n > tail && strcasecmp(host + n - tail, ".localhost") == 0);
}

static void begin(struct lookup *l, const struct sip_uri *uri)
{
	struct question q = {.transport = uri->transport};

	if (is_localhost(l->host)) { /* RFC 6761 s6.3: never asked of the DNS */
		q.port = uri->port ? uri->port : uri->transport == SIP_TLS ? SIPS_PORT : SIP_PORT;
		take_address(l, &q, &(const sres_a_record_t){.a_addr = {htonl(INADDR_LOOPBACK)}});
		l->ttl_s = TTL_MAX_S;
	} else if (uri->port) {
		l->fell_back = true;
		add_address(l, l->host, uri->transport, uri->port, 0, 0);
	} else if (uri->transport_given) {
		add_service(l, uri->transport);
	} else {
		(void)add(l, sres_type_naptr, SIP_UDP, l->host);
	}
}

int lookup_start(struct resolver *r, const struct sip_uri *uri, unsigned have,
	void (*done)(const struct lookup_answer *answer, void *arg), void *arg, struct lookup **ret_lookup)
{
	struct lookup *l;

	if (!r->sres)
		r->sres = sres_resolver_create(loop_su_root(r->loop), resolver_conf_path(r), TAG_END());
	l = r->sres ? calloc(1, sizeof(*l)) : NULL;
	if (!l || str_copy_n(l->host, sizeof(l->host), uri->host, uri->host_length)) {
		free(l);
		return -ENOMEM;
	}
	l->resolver = r;
	l->done = done;
	l->arg = arg;
	l->have = have;
	l->transport_given = uri->transport_given;
	l->transport = uri->transport;
	begin(l, uri);
	*ret_lookup = l;
	if (l->place_count)
		finish_soon(l);
	else
		next(l);
	return 0;
}

struct lookup *lookup_cancel(struct lookup *l)
{
	if (!l)
		return NULL;
	if (l->query)
		sres_query_bind(l->query, NULL, NULL);
	loop_timer_cancel(&l->timer);
	free(l);
	return NULL;
}

/* ---- the resolver ---- */

static int write_conf(struct resolver *r, const char *server)
{
	struct addr a;
	char host[ADDR_TEXT_MAX];
	int fd, n;

	if (addr_parse(server, &a))
		return -EINVAL;
	addr_host(&a, host, sizeof(host));
	str_copy(r->path, sizeof(r->path), P_tmpdir "/watrunk-dns-XXXXXX");
	fd = mkostemp(r->path, O_CLOEXEC);
	if (fd < 0) {
		r->path[0] = '\0';
		return -errno;
	}
	n = dprintf(fd, "nameserver %s\nport %u\n", host, addr_port(&a) ? addr_port(&a) : 53);
	return close(fd) == 0 && n > 0 ? 0 : -EIO;
}

int resolver_new(struct loop *l, const char *server, struct resolver **ret_resolver)
{
	struct resolver *r = calloc(1, sizeof(*r));
	int e = 0;

	if (!r)
		return -ENOMEM;
	r->loop = l;
	if (*server)
		e = write_conf(r, server);
	if (e) {
		resolver_free(r);
		return e;
	}
	*ret_resolver = r;
	return 0;
}

struct resolver *resolver_free(struct resolver *r)
{
	if (!r)
		return NULL;
	if (r->sres)
		sres_resolver_destroy(r->sres);
	if (r->path[0])
		(void)unlink(r->path);
	free(r);
	return NULL;
}

const char *resolver_conf_path(const struct resolver *r)
{
	return r->path[0] ? r->path : NULL;
}
