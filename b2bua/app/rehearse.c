/* b2bua/app/rehearse.c */
#include "b2bua/app/rehearse.h"

#include "lib/base/str.h"
#include "lib/loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COMPOSE_MS = 5000, STEP_MS = 1 }; /* nothing is waited for: a few rounds of the loop */

struct sip_stack_conf sip_conf_of(const struct config *c)
{
	struct sip_stack_conf conf = {
		.listen_count = c->sip.listen_count,
		.tls = c->sip.tls,
		.domain = c->sip.domain,
		.public_address = c->sip.public_address,
		.drop_strangers = c->sip.drop_strangers,
		.t1x64_ms = c->sip.t1x64_ms,
		.users = c->sip.users,
		.user_count = c->sip.user_count,
		.realm = c->sip.realm,
		.digest = c->sip.digest,
		.registrar = c->sip.registrar,
		.bans = c->sip.bans,
		.resolver = c->sip.resolver,
	};

	for (size_t i = 0; i < c->sip.listen_count; i++) {
		conf.listen[i].transport = c->sip.listen[i].transport;
		conf.listen[i].addr = c->sip.listen[i].addr;
	}
	return conf;
}

/* ---- what is random ---- */

static const char RANDOM[] = "RANDOM";

/* [from, to) of a line gives way to the word. */
static void put_replaced(struct strbuf *sb, const char *line, size_t length, size_t from, size_t to)
{
	strbuf_printf(sb, "%.*s%s%.*s", (int)from, line, RANDOM, (int)(length - to), line + to);
}

/* The value of this parameter: until the next one, or the end. The last of its name: a display name, which comes first,
 * may hold anything. False: it has none. */
static bool find_parameter(const char *line, size_t length, const char *name, size_t *ret_from, size_t *ret_to)
{
	size_t n = strlen(name);
	bool found = false;

	for (size_t i = 0; i + n <= length; i++) {
		if (strncmp(line + i, name, n) != 0)
			continue;
		*ret_from = i + n;
		*ret_to = *ret_from + strcspn(line + *ret_from, ";,\r\n");
		found = true;
	}
	return found;
}

static void put_line(struct strbuf *sb, const char *line, size_t length)
{
	size_t from, to;

	if (str_starts(line, "Via:") && find_parameter(line, length, ";branch=z9hG4bK", &from, &to))
		put_replaced(sb, line, length, from, to);
	else if (str_starts(line, "From:") && find_parameter(line, length, ";tag=", &from, &to))
		put_replaced(sb, line, length, from, to);
	else if (str_starts(line, "Call-ID:"))
		put_replaced(sb, line, length, sizeof("Call-ID:"), length);
	else if (str_starts(line, "CSeq:"))
		put_replaced(sb, line, length, sizeof("CSeq:"),
			sizeof("CSeq:") + strspn(line + sizeof("CSeq:"), "0123456789"));
	else
		strbuf_printf(sb, "%.*s", (int)length, line);
}

static char *without_random(const char *text, size_t length)
{
	size_t cap = length + 256;
	char *dst = malloc(cap);
	const char *line = text, *body = strstr(text, "\r\n\r\n");
	struct strbuf sb;

	if (!dst)
		return NULL;
	strbuf_init(&sb, dst, cap);
	for (const char *end; body && line < body + 2; line = end + 2) {
		end = strstr(line, "\r\n");
		put_line(&sb, line, (size_t)(end - line));
		strbuf_put(&sb, "\r\n");
	}
	strbuf_put(&sb, line);
	return dst;
}

/* ---- the rehearsal ---- */

struct rehearsal {
	char *text;
	bool over, no_memory;
};

static void on_rehearsed(const char *message, size_t length, void *arg)
{
	struct rehearsal *r = arg;

	if (r->text || !str_starts(message, "INVITE "))
		return;
	r->text = without_random(message, length);
	r->no_memory = !r->text;
}

/* Refused, for it was not sent. */
static void on_event(const struct sip_event *ev, void *arg)
{
	struct rehearsal *r = arg;

	(void)ev;
	r->over = true;
}

static int compose(struct loop *loop, const struct sip_stack_conf *conf, const struct sip_invite *invite)
{
	struct rehearsal *r = conf->arg;
	struct sip_stack *stack;
	uint64_t leg, until_us;
	int e = sip_stack_new(loop, conf, &stack);

	if (e)
		return e;
	e = sip_leg_invite(stack, invite, &leg);
	loop_refresh_now(loop);
	until_us = loop_now_us(loop) + COMPOSE_MS * 1000ull;
	while (!e && !r->text && !r->over && loop_now_us(loop) < until_us)
		loop_step(loop, STEP_MS);
	sip_stack_free(stack);
	return e;
}

int rehearse_invite(const struct config *c, const struct sip_invite *invite, char **ret_text)
{
	struct rehearsal rehearsal = {0};
	struct sip_stack_conf conf = sip_conf_of(c);
	struct sip_invite in = *invite;
	struct loop *loop;
	int r = loop_new(&loop);

	if (r)
		return r;
	in.registered_user = NULL;
	conf.on_rehearsed = on_rehearsed;
	conf.on_event = on_event;
	conf.arg = &rehearsal;
	r = compose(loop, &conf, &in);
	loop_free(loop);
	if (!r && !rehearsal.text)
		r = rehearsal.no_memory ? -ENOMEM : -EINVAL;
	if (r)
		free(rehearsal.text);
	else
		*ret_text = rehearsal.text;
	return r;
}
