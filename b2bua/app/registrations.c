/* b2bua/app/registrations.c
 *
 * Users who register with us: bindings on their way to the store and back; what the operator sees of them, and of
 * sources that are banned.
 */
#include "b2bua/app/dial.h"

#include "lib/base/str.h"
#include "store/store_bindings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const transports[] = {[SIP_UDP] = "udp", [SIP_TCP] = "tcp", [SIP_TLS] = "tls"};

/* ---- to the store ---- */

static void keep(struct app *app, const struct sip_binding *b)
{
	struct kept_binding k = {
		.cseq = b->cseq,
		.q = b->q,
		.registered_ms = b->registered_ms,
		.refreshed_ms = b->refreshed_ms,
		.expires_ms = b->expires_ms,
	};
	int r;

	str_copy(k.id, sizeof(k.id), b->id);
	str_copy(k.user, sizeof(k.user), b->user);
	str_copy(k.contact, sizeof(k.contact), b->contact);
	str_copy(k.path, sizeof(k.path), b->path);
	str_copy(k.call_id, sizeof(k.call_id), b->call_id);
	str_copy(k.agent, sizeof(k.agent), b->agent);
	str_copy(k.transport, sizeof(k.transport), transports[b->transport]);
	addr_format(&b->source, k.source, sizeof(k.source));
	addr_format(&b->local, k.local, sizeof(k.local));
	r = store_put_binding(app->store, &k);
	if (r)
		log_warn("binding_not_kept", "user=%s why=\"%s\" note=\"it is forgotten at a restart\"", b->user,
			strerror(-r));
}

void on_binding(const struct sip_binding_event *ev, void *arg)
{
	struct app *app = arg;
	const struct sip_binding *b = ev->binding;
	char source[ADDR_TEXT_MAX];

	if (ev->news)
		log_info(ev->removed ? "user_unregistered" : "user_registered", "user=%s id=%s source=%s transport=%s",
			b->user, b->id, addr_format(&b->source, source, sizeof(source)), transports[b->transport]);
	if (ev->removed)
		(void)store_drop_binding(app->store, b->id);
	else
		keep(app, b);
}

/* ---- from the store ---- */

static void restore(const struct kept_binding *k, void *arg)
{
	struct app *app = arg;
	struct sip_binding b = {
		.cseq = k->cseq,
		.q = k->q,
		.registered_ms = k->registered_ms,
		.refreshed_ms = k->refreshed_ms,
		.expires_ms = k->expires_ms,
	};
	int r = -EINVAL;

	str_copy(b.id, sizeof(b.id), k->id);
	str_copy(b.user, sizeof(b.user), k->user);
	str_copy(b.contact, sizeof(b.contact), k->contact);
	str_copy(b.path, sizeof(b.path), k->path);
	str_copy(b.call_id, sizeof(b.call_id), k->call_id);
	str_copy(b.agent, sizeof(b.agent), k->agent);
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		if (strcmp(k->transport, transports[i]) == 0) {
			b.transport = (enum sip_transport)i;
			r = 0;
		}
	}
	if (addr_parse(k->source, &b.source) || addr_parse(k->local, &b.local))
		r = -EINVAL;
	if (r == 0)
		r = sip_registrar_restore(app->sip, &b);
	if (r)
		(void)store_drop_binding(app->store, k->id); /* over, or its user has gone */
}

int registrations_start(struct app *app, char *why, size_t why_cap)
{
	int r = store_load_bindings(app->store, restore, app);

	if (r)
		snprintf(why, why_cap, "store: registrations could not be read: %s", strerror(-r));
	return r;
}

void registrations_take(struct app *app, const struct config *c)
{
	sip_registrar_set(app->sip, &c->sip.registrar);
	sip_bans_set(app->sip, &c->sip.bans);
}

/* ---- the operator's view ---- */

struct listing {
	void (*fn)(const struct api_registration *r, void *fn_arg);
	void *fn_arg;
};

static void list_binding(const struct sip_binding *b, void *arg)
{
	const struct listing *l = arg;
	char source[ADDR_TEXT_MAX];
	const struct api_registration r = {
		.id = b->id,
		.user = b->user,
		.contact = b->contact,
		.source = addr_format(&b->source, source, sizeof(source)),
		.transport = transports[b->transport],
		.agent = b->agent,
		.path = b->path,
		.q = b->q / 1000.0,
		.registered_ms = b->registered_ms,
		.refreshed_ms = b->refreshed_ms,
		.expires_ms = b->expires_ms,
	};

	l->fn(&r, l->fn_arg);
}

static void each_registration(void (*fn)(const struct api_registration *r, void *fn_arg), void *fn_arg, void *arg)
{
	const struct app *app = arg;
	struct listing l = {fn, fn_arg};

	sip_registrar_each(app->sip, list_binding, &l);
}

static void drop_registration(const char *id, struct api_reply *reply, void *arg)
{
	const struct api_fault unknown = {.problem = API_NOT_FOUND, .detail = "no registration has this id"};
	struct app *app = arg;

	if (sip_registrar_drop(app->sip, id)) {
		api_refuse(reply, &unknown);
		return;
	}
	log_info("admin_unregistered", "id=%.40s", id);
	api_done(reply);
}

/* ---- bans ---- */

void on_ban(const struct sip_ban *ban, void *app)
{
	(void)app;
	log_warn("source_banned", "source=%s reason=%s seconds=%u", ban->source, ban->reason, ban->left_s);
}

struct ban_listing {
	void (*fn)(const struct api_ban *ban, void *fn_arg);
	void *fn_arg;
};

static void list_ban(const struct sip_ban *ban, void *arg)
{
	const struct ban_listing *l = arg;
	const struct api_ban b = {ban->source, ban->reason, ban->left_s, ban->dropped};

	l->fn(&b, l->fn_arg);
}

static void each_ban(void (*fn)(const struct api_ban *ban, void *fn_arg), void *fn_arg, void *arg)
{
	const struct app *app = arg;
	struct ban_listing l = {fn, fn_arg};

	sip_bans_each(app->sip, list_ban, &l);
}

static void lift_ban(const char *source, struct api_reply *reply, void *arg)
{
	const struct api_fault unknown = {.problem = API_NOT_FOUND, .detail = "this source is not banned"};
	struct app *app = arg;

	if (sip_bans_lift(app->sip, source)) {
		api_refuse(reply, &unknown);
		return;
	}
	log_info("admin_ban_lifted", "source=%.60s", source);
	api_done(reply);
}

void on_registration_ops(struct api_ops *ops)
{
	ops->each_registration = each_registration;
	ops->drop_registration = drop_registration;
	ops->each_ban = each_ban;
	ops->lift_ban = lift_ban;
}
