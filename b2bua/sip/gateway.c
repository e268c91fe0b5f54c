/* b2bua/sip/gateway.c
 *
 * What we do about a gateway beside calls: register with it, and ask it with OPTIONS whether it lives. Each request has
 * a handle of its own, known by nothing but its place here, with CSeq and Authorization of ours:
 *
 *   registration  REGISTER -> 200: again before it runs out
 *                          -> 401, 407: proved once -> 423: asked for longer, once
 *                          -> anything else: again after 2, 4, 8 ... 300 s
 *   watch         up --three in a row unanswered--> down --two in a row answered--> up
 *
 * Any answer but 408 and 503 shows that somebody lives there, also "405 Method Not Allowed".
 */
#include "b2bua/sip/leg.h"

#include "b2bua/sip/authorize.h"
#include "b2bua/sip/names.h"
#include "lib/base/assert.h"
#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <sofia-sip/sip_header.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	DOWN_AFTER = 3,
	UP_AFTER = 2,
	RETRY_FIRST_S = 2,
	RETRY_MAX_S = 300,
	EXPIRES_MAX_S = 86400,
	CALL_ID_BYTES = 16,
	NAME_WAIT_S = 1,     /* until the DNS has said for the first time where it is */
	JITTER_PERCENT = 10, /* of every wait: gateways and watrunks started together do not stay together */
};

struct gateway {
	struct gateway *next;
	struct sip_stack *stack;
	struct sip_listener *listener;
	char *name, *uri, *proxy, *user, *password, *realm;
	char *contact_user;     /* NULL: it does not register */
	bool kept;              /* by sip_gateways_set() */
	bool gone;              /* known to nobody; stays until its registration is taken back */
	unsigned places_failed; /* of a name that stands for several: which one is asked next */
	struct sip_credentials credentials;
	char to[SIP_URI_MAX], contact[SIP_URI_MAX], place[SIP_URI_MAX];
	struct {
		unsigned every_s, failed, answered;
		bool down;
		int code;
		uint64_t at_ms, down_since_ms;
		char *why, call_id[2 * CALL_ID_BYTES + 1];
		struct way way;
		nua_handle_t *nh;
		struct loop_timer timer;
	} ping;
	struct {
		bool wanted, registered, told_failed, proved, asked_longer, leaving;
		unsigned wished_s, expires_s, retry_s; /* wished: before the registrar asked for longer */
		int code;
		char *why, call_id[2 * CALL_ID_BYTES + 1];
		struct way way;
		uint32_t cseq;
		struct authorize proof;
		nua_handle_t *nh;
		struct loop_timer timer;
	} reg;
};

static void tell(struct gateway *g, enum sip_gateway_change change, int code, const char *why)
{
	const struct sip_gateway_event ev = {change, g->name, code, why ? why : ""};

	if (g->stack->conf.on_gateway && !g->stack->closing)
		g->stack->conf.on_gateway(&ev, g->stack->conf.arg);
}

static uint64_t in_about_s(const struct gateway *g, unsigned seconds)
{
	uint64_t us = seconds * 1000000ull, spread = us * JITTER_PERCENT / 100;

	return loop_now_us(g->stack->loop) + us - spread + crypto_random_u64() % (2 * spread + 1);
}

static void handle_done(nua_handle_t **nh)
{
	if (*nh)
		nua_handle_destroy(*nh);
	*nh = NULL;
}

/* What is known of the last request: why it came to nothing. */
static void take_why(char **why, struct way *w, bool failed)
{
	free(*why);
	*why = failed ? w->why : NULL;
	if (failed)
		w->why = NULL;
	way_done(w);
}

static void new_call_id(char dst[2 * CALL_ID_BYTES + 1])
{
	uint8_t random[CALL_ID_BYTES];

	crypto_random(random, sizeof(random));
	str_hex(dst, random, sizeof(random));
}

/* From the listener that its transport asks for, and with a Contact that names it. */
static int aim(struct gateway *g, const struct sip_uri *first)
{
	struct addr local = {0};
	struct sip_listener *l = stack_listener_for(g->stack, first, &local);

	if (!l)
		return -EINVAL;
	g->listener = l;
	if (!g->contact_user)
		return 0;
	return contact_build(g->contact, sizeof(g->contact), g->stack, l, &local, first->transport, g->contact_user);
}

/* Where its requests go: by its URI and its proxy; "" : the library finds that out. What the DNS chose may have another
 * transport than the URI. */
static void find_place(struct gateway *g)
{
	struct sip_uri uri = {0};
	struct place place;
	char host[ADDR_TEXT_MAX];

	g->place[0] = '\0';
	if (!names_place_url(g->stack, g->proxy ? g->proxy : g->uri, g->places_failed, &place, g->place))
		return;
	uri.host = addr_host(&place.addr, host, sizeof(host));
	uri.host_length = strlen(host);
	uri.port = addr_port(&place.addr);
	uri.transport = place.transport;
	if (aim(g, &uri))
		g->place[0] = '\0';
}

static bool is_early(const struct gateway *g)
{
	return names_awaited(g->stack, g->proxy ? g->proxy : g->uri);
}

static const char *route_of(const struct gateway *g, char dst[SIP_URI_MAX + 2])
{
	dst[0] = '\0';
	if (g->proxy)
		(void)snprintf(dst, SIP_URI_MAX + 2, "<%s>", g->proxy);
	return dst;
}

/* ---- registration ---- */

static void on_register_due(void *arg);

static void register_at(struct gateway *g, unsigned seconds)
{
	struct loop *loop = g->stack->loop;

	ASSERT(loop_timer_set(loop, &g->reg.timer, in_about_s(g, seconds), on_register_due, g) == 0);
}

static int register_send(struct gateway *g)
{
	char lines[AUTHORIZE_LINE_MAX] = "", cseq[32], expires[16], route[SIP_URI_MAX + 2];
	struct strbuf sb;

	strbuf_init(&sb, lines, sizeof(lines));
	if (g->reg.proof.set)
		authorize_put(&g->reg.proof, &g->credentials, "REGISTER", g->uri, &sb);
	(void)snprintf(cseq, sizeof(cseq), "%u REGISTER", (unsigned)++g->reg.cseq);
	(void)snprintf(expires, sizeof(expires), "%u", g->reg.leaving ? 0 : g->reg.expires_s);
	handle_done(&g->reg.nh);
	find_place(g);
	g->reg.nh = nua_handle(g->listener->nua, NULL, NUTAG_URL((const url_string_t *)g->uri), SIPTAG_TO_STR(g->to),
		SIPTAG_FROM_STR(g->to), SIPTAG_CALL_ID_STR(g->reg.call_id),
		TAG_IF(*route_of(g, route), NUTAG_INITIAL_ROUTE_STR(route)), TAG_END());
	if (!g->reg.nh)
		return -ENOMEM;
	nua_method(g->reg.nh, NUTAG_METHOD("REGISTER"), SIPTAG_CSEQ_STR(cseq), SIPTAG_CONTACT_STR(g->contact),
		SIPTAG_EXPIRES_STR(expires), TAG_IF(lines[0] && !sb.truncated, SIPTAG_HEADER_STR(lines)), TAG_END());
	return 0;
}

static void register_failed(struct gateway *g, int code)
{
	counter_inc(CNT_SIP_REGISTER_FAILED);
	g->places_failed += code == 408 || code == 503;
	g->reg.registered = false;
	g->reg.proof.set = false;
	g->reg.retry_s = !g->reg.retry_s                    ? RETRY_FIRST_S
			 : g->reg.retry_s * 2 > RETRY_MAX_S ? RETRY_MAX_S
							    : g->reg.retry_s * 2;
	register_at(g, g->reg.retry_s);
	if (!g->reg.told_failed)
		tell(g, SIP_GATEWAY_REGISTER_FAILED, code, g->reg.why);
	g->reg.told_failed = true;
}

static void on_register_due(void *arg)
{
	struct gateway *g = arg;

	if (is_early(g)) {
		register_at(g, NAME_WAIT_S);
		return;
	}
	g->reg.proved = false;
	g->reg.asked_longer = false;
	if (register_send(g))
		register_failed(g, 500);
}

/* How long the registrar keeps our Contact (RFC 3261 s10.2.4): its own parameter, or Expires. */
static unsigned granted_s(const struct gateway *g, const sip_t *sip)
{
	unsigned long s = g->reg.expires_s;
	char own[SIP_URI_MAX];

	if (sip->sip_expires)
		s = sip->sip_expires->ex_delta;
	for (const sip_contact_t *m = sip->sip_contact; m; m = m->m_next) {
		issize_t n = url_e(own, sizeof(own), m->m_url);
		if (n > 0 && (size_t)n < sizeof(own) && strncmp(g->contact + 1, own, (size_t)n) == 0 && m->m_expires)
			s = strtoul(m->m_expires, NULL, 10);
	}
	return s < 2 ? 2 : s > EXPIRES_MAX_S ? EXPIRES_MAX_S : (unsigned)s;
}

static void registered(struct gateway *g, const sip_t *sip)
{
	bool news = !g->reg.registered;

	g->reg.registered = true;
	g->reg.told_failed = false;
	g->reg.retry_s = 0;
	register_at(g, granted_s(g, sip) * 3 / 4);
	if (news)
		tell(g, SIP_GATEWAY_REGISTERED, 200, NULL);
}

/* A challenge that can be answered: it has been. */
static bool register_proved(struct gateway *g, int status, const sip_t *sip)
{
	bool before = g->reg.proved;
	struct authorize a;

	if (!g->credentials.user || !sip || authorize_read(sip, status, g->credentials.realm, &a))
		return false;
	if (before && (!a.stale || g->reg.proof.stale))
		return false; /* the password is wrong; or no nonce is ever fresh */
	g->reg.proved = true;
	g->reg.proof = a;
	return register_send(g) == 0;
}

static bool register_longer(struct gateway *g, const sip_t *sip)
{
	if (g->reg.asked_longer || !sip || !sip->sip_min_expires || sip->sip_min_expires->me_delta > EXPIRES_MAX_S ||
		sip->sip_min_expires->me_delta <= g->reg.expires_s)
		return false;
	g->reg.asked_longer = true;
	g->reg.expires_s = (unsigned)sip->sip_min_expires->me_delta;
	return register_send(g) == 0;
}

static void register_answered(struct gateway *g, int status, const sip_t *sip, bool local)
{
	g->reg.code = status;
	take_why(&g->reg.why, &g->reg.way, local);
	if ((status == 401 || status == 407) && register_proved(g, status, sip))
		return;
	if (status == 423 && register_longer(g, sip))
		return;
	handle_done(&g->reg.nh);
	if (g->reg.leaving)
		g->reg.registered = false;
	else if (status < 300 && sip)
		registered(g, sip);
	else
		register_failed(g, status);
}

/* ---- watch ---- */

static void on_ping_due(void *arg);

static void ping_at(struct gateway *g, unsigned seconds)
{
	ASSERT(loop_timer_set(g->stack->loop, &g->ping.timer, in_about_s(g, seconds), on_ping_due, g) == 0);
}

static void pinged(struct gateway *g, int status, bool local)
{
	bool alive = status != 408 && status != 503 && status < 700;

	handle_done(&g->ping.nh);
	take_why(&g->ping.why, &g->ping.way, local);
	g->places_failed += !alive;
	g->ping.failed = alive ? 0 : g->ping.failed + 1;
	g->ping.answered = alive ? g->ping.answered + 1 : 0;
	g->ping.code = status;
	g->ping.at_ms = loop_wall_ms(g->stack->loop);
	ping_at(g, g->ping.every_s);
	if (!g->ping.down && g->ping.failed >= DOWN_AFTER) {
		g->ping.down = true;
		g->ping.down_since_ms = g->ping.at_ms;
		counter_inc(CNT_SIP_GATEWAY_DOWN);
		tell(g, SIP_GATEWAY_DOWN, status, g->ping.why);
	} else if (g->ping.down && g->ping.answered >= UP_AFTER) {
		g->ping.down = false;
		tell(g, SIP_GATEWAY_UP, status, NULL);
	}
}

static void on_ping_due(void *arg)
{
	struct gateway *g = arg;
	char from[SIP_NAME_ADDR_MAX], route[SIP_URI_MAX + 2];

	if (is_early(g)) {
		ping_at(g, NAME_WAIT_S);
		return;
	}
	new_call_id(g->ping.call_id);
	find_place(g);
	if (sip_from_build(from, sizeof(from), "", CONTACT_USER, g->stack->domain) == 0)
		g->ping.nh = nua_handle(g->listener->nua, NULL, NUTAG_URL((const url_string_t *)g->uri),
			SIPTAG_TO_STR(g->to), SIPTAG_FROM_STR(from), SIPTAG_CALL_ID_STR(g->ping.call_id),
			TAG_IF(*route_of(g, route), NUTAG_INITIAL_ROUTE_STR(route)), TAG_END());
	if (g->ping.nh)
		nua_method(g->ping.nh, NUTAG_METHOD("OPTIONS"), SIPTAG_ACCEPT_STR("application/sdp"), TAG_END());
	else
		ping_at(g, g->ping.every_s);
}

/* ---- life ---- */

static void gateway_free(struct gateway *g)
{
	handle_done(&g->reg.nh);
	handle_done(&g->ping.nh);
	loop_timer_cancel(&g->reg.timer);
	loop_timer_cancel(&g->ping.timer);
	way_done(&g->ping.way);
	way_done(&g->reg.way);
	free(g->ping.why);
	free(g->reg.why);
	if (g->password)
		crypto_wipe(g->password, strlen(g->password));
	free(g->name);
	free(g->uri);
	free(g->proxy);
	free(g->user);
	free(g->password);
	free(g->realm);
	free(g->contact_user);
	free(g);
}

static void drop(struct gateway *g)
{
	LL_DELETE(g->stack->gateways, g);
	gateway_free(g);
}

void gateway_response(struct sip_stack *s, nua_handle_t *nh, int status, const sip_t *sip, bool local)
{
	struct gateway *g;

	if (status < 200)
		return;
	LL_FOREACH (s->gateways, g) {
		if (g->reg.nh == nh) {
			register_answered(g, status, sip, local);
			if (g->gone && !g->reg.nh)
				drop(g);
			return;
		}
		if (g->ping.nh == nh) {
			pinged(g, status, local);
			return;
		}
	}
}

struct way *gateways_way_of(struct sip_stack *s, const char *call_id)
{
	struct gateway *g;

	LL_FOREACH (s->gateways, g) {
		if (strcmp(g->reg.call_id, call_id) == 0)
			return &g->reg.way;
		if (strcmp(g->ping.call_id, call_id) == 0)
			return &g->ping.way;
	}
	return NULL;
}

void gateways_each_way(struct sip_stack *s, void (*fn)(struct way *w, void *arg), void *arg)
{
	struct gateway *g;

	LL_FOREACH (s->gateways, g) {
		fn(&g->reg.way, arg);
		fn(&g->ping.way, arg);
	}
}

/* Nothing of it goes on. True: its registration is being taken back; one under way may yet succeed, so that, too. */
static bool leave(struct gateway *g)
{
	loop_timer_cancel(&g->reg.timer);
	loop_timer_cancel(&g->ping.timer);
	handle_done(&g->ping.nh);
	if (!g->reg.registered && !g->reg.nh)
		return false;
	g->reg.leaving = true;
	g->reg.proved = false;
	return register_send(g) == 0;
}

void gateways_leave(struct sip_stack *s)
{
	struct gateway *g;

	LL_FOREACH (s->gateways, g)
		if (!g->gone)
			(void)leave(g);
}

bool gateways_leaving(const struct sip_stack *s)
{
	const struct gateway *g;

	LL_FOREACH (s->gateways, g)
		if (g->reg.leaving && g->reg.nh)
			return true;
	return false;
}

void gateways_free(struct sip_stack *s)
{
	struct gateway *g, *next;

	LL_FOREACH_SAFE(s->gateways, g, next)
	gateway_free(g);
	s->gateways = NULL;
}

static int copy_texts(struct gateway *g, const struct sip_gateway *gw)
{
	g->name = strdup(gw->name);
	g->uri = strdup(gw->uri);
	g->proxy = gw->proxy_uri ? strdup(gw->proxy_uri) : NULL;
	if (!g->name || !g->uri || (gw->proxy_uri && !g->proxy))
		return -ENOMEM;
	g->contact_user = gw->do_register ? strdup(gw->contact_user) : NULL;
	if (gw->do_register && !g->contact_user)
		return -ENOMEM;
	if (!gw->credentials)
		return 0;
	g->user = strdup(gw->credentials->user);
	g->password = strdup(gw->credentials->password);
	g->realm = strdup(gw->credentials->realm ? gw->credentials->realm : "");
	g->credentials = (struct sip_credentials){g->user, g->password, g->realm};
	return g->user && g->password && g->realm ? 0 : -ENOMEM;
}

static int place(struct gateway *g, const struct sip_gateway *gw)
{
	struct sip_uri uri, first;
	char host[256];
	int r;

	if (sip_uri_parse(g->uri, &uri) || str_copy_n(host, sizeof(host), uri.host, uri.host_length))
		return -EINVAL;
	if (g->proxy && sip_uri_parse(g->proxy, &first))
		return -EINVAL;
	r = aim(g, g->proxy ? &first : &uri);
	if (r)
		return r;
	if (!gw->do_register)
		return sip_to_build(g->to, sizeof(g->to), &uri);
	return snprintf(g->to, sizeof(g->to), "<sip:%s@%s>", gw->register_user, host) >= (int)sizeof(g->to) ? -EINVAL
													    : 0;
}

static int gateway_new(struct sip_stack *s, const struct sip_gateway *gw, struct gateway **ret_gateway)
{
	struct gateway *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	g->stack = s;
	g->ping.way.to = g->reg.way.to = g->place;
	r = copy_texts(g, gw);
	if (r == 0)
		r = place(g, gw);
	if (r == 0)
		r = way_init(&g->ping.way, s, gw->tls);
	if (r == 0)
		r = way_init(&g->reg.way, s, gw->tls);
	if (r) {
		gateway_free(g);
		return r;
	}
	new_call_id(g->reg.call_id);
	g->reg.wanted = gw->do_register;
	g->reg.wished_s = g->reg.expires_s = gw->expires_s;
	g->ping.every_s = gw->ping_s;
	*ret_gateway = g;
	return 0;
}

/* ---- others than before ---- */

static struct gateway *find(const struct sip_stack *s, const char *name)
{
	struct gateway *g;

	LL_FOREACH (s->gateways, g)
		if (!g->gone && strcmp(g->name, name) == 0)
			return g;
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_place(const struct gateway *a, const struct gateway *b)
{
	return same_text(a->uri, b->uri) && same_text(a->proxy, b->proxy);
}

/* To one registrar the two are one binding (RFC 3261 s10.2: address of record and Contact). */
static bool same_binding(const struct gateway *a, const struct gateway *b)
{
	return a->reg.wanted && b->reg.wanted && same_text(a->uri, b->uri) && same_text(a->to, b->to) &&
	       same_text(a->contact_user, b->contact_user);
}

static bool same(const struct gateway *a, const struct gateway *b)
{
	return same_place(a, b) && same_text(a->to, b->to) && same_text(a->contact_user, b->contact_user) &&
	       same_text(a->user, b->user) && same_text(a->password, b->password) && same_text(a->realm, b->realm) &&
	       a->reg.wanted == b->reg.wanted && a->reg.wished_s == b->reg.wished_s &&
	       a->ping.every_s == b->ping.every_s && a->ping.way.policy == b->ping.way.policy;
}

static char *move_text(char **from)
{
	char *text = *from;

	*from = NULL;
	return text;
}

/* Up or down, registered or not: what was learned of the old one holds for the new one. */
static void inherit(struct gateway *g, struct gateway *old)
{
	if (same_place(g, old) && g->ping.every_s && old->ping.every_s) {
		g->places_failed = old->places_failed;
		g->ping.failed = old->ping.failed;
		g->ping.answered = old->ping.answered;
		g->ping.down = old->ping.down;
		g->ping.code = old->ping.code;
		g->ping.at_ms = old->ping.at_ms;
		g->ping.down_since_ms = old->ping.down_since_ms;
		g->ping.why = move_text(&old->ping.why);
	}
	if (!same_binding(g, old))
		return;
	memcpy(g->reg.call_id, old->reg.call_id, sizeof(g->reg.call_id)); /* CSeq goes on: RFC 3261 s10.2.4 */
	g->reg.cseq = old->reg.cseq;
	g->reg.registered = old->reg.registered;
	g->reg.proof = old->reg.proof; /* nonce and count: none is used twice */
	g->reg.code = old->reg.code;
	g->reg.why = move_text(&old->reg.why);
}

static void begin(struct gateway *g, struct gateway *old)
{
	bool leaves = false;

	if (old) {
		inherit(g, old);
		leaves = !same_binding(g, old) && leave(old);
		old->gone = leaves;
		if (!leaves)
			drop(old);
	}
	LL_PREPEND(g->stack->gateways, g);
	g->kept = true;
	/* Where old and new are one registrar's, taking back must not come second. */
	if (g->reg.wanted)
		register_at(g, leaves ? RETRY_FIRST_S : 0);
	if (g->ping.every_s)
		ping_at(g, 0);
}

int sip_gateways_set(struct sip_stack *s, const struct sip_gateway *gws, size_t count, size_t *ret_which)
{
	struct gateway **fresh = calloc(count + 1, sizeof(struct gateway *)), *g, *next;
	int r = fresh ? 0 : -ENOMEM;

	*ret_which = 0;
	for (size_t i = 0; r == 0 && i < count; i++) {
		*ret_which = i;
		r = gateway_new(s, &gws[i], &fresh[i]);
	}
	for (size_t i = 0; fresh && i < count && fresh[i]; i++) {
		struct gateway *old = find(s, fresh[i]->name);
		if (r == 0 && !(old && same(old, fresh[i]))) {
			begin(fresh[i], old);
			continue;
		}
		if (r == 0)
			old->kept = true;
		gateway_free(fresh[i]);
	}
	free(fresh);
	LL_FOREACH_SAFE(s->gateways, g, next)
	{
		if (r == 0 && !g->kept && !g->gone) {
			g->gone = leave(g);
			if (!g->gone)
				drop(g);
		} else {
			g->kept = false;
		}
	}
	return r;
}

int sip_gateway_status(const struct sip_stack *s, const char *name, struct sip_gateway_status *ret_status)
{
	const struct gateway *g = find(s, name);

	if (!g)
		return -ENOENT;
	*ret_status = (struct sip_gateway_status){
		.up = !g->ping.down,
		.watched = g->ping.every_s > 0,
		.ping_code = g->ping.code,
		.ping_ms = g->ping.at_ms,
		.down_since_ms = g->ping.down ? g->ping.down_since_ms : 0,
		.registers = g->reg.wanted,
		.registered = g->reg.registered,
		.register_code = g->reg.code,
		.ping_why = g->ping.why ? g->ping.why : "",
		.register_why = g->reg.why ? g->reg.why : "",
	};
	return 0;
}
