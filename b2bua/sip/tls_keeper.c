/* b2bua/sip/tls_keeper.c
 *
 * The contexts: one for connections that come in and for hosts of which nothing is said, and one for each policy. A
 * connection keeps the context that it began with.
 */
#include "b2bua/sip/tls.h"

#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct policy {
	SSL_CTX *ctx;
	struct sip_tls conf; /* texts of its own */
};

struct tls_keeper {
	SSL_CTX *ctx;
	bool verify;
	struct policy *policies;
	size_t policy_count;
	void (*on_failure)(const struct tls_failure *f, void *arg);
	void *arg;
};

/* ---- policies ---- */

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same(const struct sip_tls *a, const struct sip_tls *b)
{
	return same_text(a->certificate, b->certificate) && same_text(a->key, b->key) && same_text(a->ca, b->ca) &&
	       same_text(a->server_name, b->server_name) && a->verify == b->verify &&
	       a->min_version_13 == b->min_version_13;
}

unsigned tls_policy_find(const struct tls_keeper *t, const struct sip_tls *conf)
{
	for (size_t i = 0; t && i < t->policy_count; i++)
		if (same(&t->policies[i].conf, conf))
			return (unsigned)i + 1;
	return 0;
}

static void policy_done(struct policy *p)
{
	SSL_CTX_free(p->ctx);
	free((char *)p->conf.certificate);
	free((char *)p->conf.key);
	free((char *)p->conf.ca);
	free((char *)p->conf.server_name);
	*p = (struct policy){0};
}

static int policy_init(struct policy *p, const struct sip_tls *conf)
{
	int r;

	*p = (struct policy){.conf = {.verify = conf->verify, .min_version_13 = conf->min_version_13}};
	p->conf.certificate = strdup(conf->certificate);
	p->conf.key = strdup(conf->key);
	p->conf.ca = strdup(conf->ca);
	p->conf.server_name = strdup(conf->server_name ? conf->server_name : "");
	if (!p->conf.certificate || !p->conf.key || !p->conf.ca || !p->conf.server_name)
		r = -ENOMEM;
	else
		r = tls_context_new(conf, &p->ctx);
	if (r)
		policy_done(p);
	return r;
}

/* The context changes hands, or the whole. There is room. */
static void take(struct tls_keeper *t, struct policy *fresh)
{
	unsigned known = tls_policy_find(t, &fresh->conf);

	if (!known) {
		t->policies[t->policy_count++] = *fresh;
		return;
	}
	SSL_CTX_free(t->policies[known - 1].ctx); /* living connections hold it */
	t->policies[known - 1].ctx = fresh->ctx;
	fresh->ctx = NULL;
	policy_done(fresh);
}

static bool stands_before(const struct sip_tls *confs, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same(&confs[k], &confs[i]))
			return true;
	return false;
}

int tls_keeper_set_policies(struct tls_keeper *t, const struct sip_tls *confs, size_t count)
{
	struct policy *fresh = calloc(count + 1, sizeof(*fresh));
	struct policy *room = realloc(t->policies, (t->policy_count + count + 1) * sizeof(*room));
	size_t n = 0;
	int r = fresh && room ? 0 : -ENOMEM;

	if (room)
		t->policies = room;
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (stands_before(confs, i))
			continue;
		r = policy_init(&fresh[n], &confs[i]);
		n += r == 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			take(t, &fresh[i]);
		else
			policy_done(&fresh[i]);
	}
	free(fresh);
	return r;
}

int tls_policy_mark(char *dst, size_t cap, unsigned policy, const char *host)
{
	int n = snprintf(dst, cap, "%u/%s", policy, host);

	return n < 0 || (size_t)n >= cap ? -EINVAL : 0;
}

unsigned tls_policy_unmark(const char **host)
{
	size_t digits = strspn(*host, "0123456789");
	unsigned long n;

	if (digits == 0 || digits > 9 || (*host)[digits] != '/')
		return 0;
	n = strtoul(*host, NULL, 10);
	*host += digits + 1;
	return (unsigned)n;
}

/* ---- for connections ---- */

SSL_CTX *tls_keeper_context(const struct tls_keeper *t)
{
	return t->ctx;
}

int tls_keeper_prepare(const struct tls_keeper *t, SSL *ssl, unsigned policy, const char *host)
{
	const struct policy *p;

	if (!policy)
		return tls_expect(ssl, host, t->verify);
	if (policy > t->policy_count)
		return -EINVAL;
	p = &t->policies[policy - 1];
	/* Certificate and authorities are the context's; versions stay those of the one it was made with. */
	if (!SSL_set_SSL_CTX(ssl, p->ctx) ||
		SSL_set_min_proto_version(ssl, p->conf.min_version_13 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1)
		return -EINVAL;
	return tls_expect(ssl, *p->conf.server_name ? p->conf.server_name : host, p->conf.verify);
}

void tls_keeper_tell(const struct tls_keeper *t, const struct tls_failure *f)
{
	if (t->on_failure)
		t->on_failure(f, t->arg);
}

/* ---- life ---- */

int tls_keeper_new(const struct sip_tls *conf, void (*on_failure)(const struct tls_failure *f, void *arg), void *arg,
	struct tls_keeper **ret_tls)
{
	struct tls_keeper *t = calloc(1, sizeof(*t));
	int r = -ENOMEM;

	if (t && tls_hooks_ready()) {
		t->on_failure = on_failure;
		t->arg = arg;
		r = tls_keeper_renew(t, conf);
	}
	if (r) {
		free(t);
		return r;
	}
	*ret_tls = t;
	return 0;
}

int tls_keeper_renew(struct tls_keeper *t, const struct sip_tls *conf)
{
	SSL_CTX *fresh;
	int r = tls_context_new(conf, &fresh);

	if (r)
		return r;
	SSL_CTX_free(t->ctx); /* living connections hold it */
	t->ctx = fresh;
	t->verify = conf->verify;
	return 0;
}

struct tls_keeper *tls_keeper_free(struct tls_keeper *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i < t->policy_count; i++)
		policy_done(&t->policies[i]);
	free(t->policies);
	SSL_CTX_free(t->ctx);
	free(t);
	return NULL;
}
