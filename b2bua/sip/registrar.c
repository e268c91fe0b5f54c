/* b2bua/sip/registrar.c
 *
 * Those who register with us: REGISTER of a user who has proved himself -> bindings (bindings.c) -> the answer; and the
 * time at which bindings end. RFC 3261 s10.3, step by step:
 *
 *   1, 2  one domain: whatever host the Request-URI names       5  To must name the user who proved himself (403)
 *   3     Require: the library answers 420                      6, 7  bindings.c
 *   4     digest (strangers.c)                                  8  200 with everything that is bound
 *
 * The URI of a Contact is kept as the library read it: byte for byte but for escapes, which it decodes where they are
 * not needed and writes in capitals. (It can keep every byte, MSG_DO_EXTRACT_COPY, but then loses what follows a
 * message in the same TCP segment.)
 */
#include "b2bua/sip/leg.h"

#include "b2bua/sip/bindings.h"
#include "b2bua/sip/caller.h"
#include "b2bua/sip/text.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"

#include <errno.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { EXPIRE_EARLIEST_US = 10000, MALFORMED_EXPIRES_S = 3600, EXPIRES_MAX_S = 0x7fffffff };

struct registering {
	char name[SIP_USER_NAME_MAX];
	UT_hash_handle hh;
};

struct registrar {
	struct sip_stack *stack;
	struct bindings *bindings;
	struct registering *users;
	struct loop_timer timer;
	struct sip_registrar limits;
};

/* ---- time ---- */

static void on_expiry(void *arg);

static void arm(struct registrar *g)
{
	struct loop *l = g->stack->loop;
	uint64_t now_ms = loop_wall_ms(l), next_ms = bindings_expire(g->bindings, now_ms);

	loop_timer_cancel(&g->timer);
	/* Without memory for the timer what has expired goes with the next REGISTER, and is not called meanwhile. */
	if (next_ms != UINT64_MAX)
		(void)loop_timer_set(
			l, &g->timer, loop_now_us(l) + (next_ms - now_ms) * 1000 + EXPIRE_EARLIEST_US, on_expiry, g);
}

static void on_expiry(void *arg)
{
	arm(arg);
}

static void on_change(enum binding_change change, const struct sip_binding *b, void *arg)
{
	const struct registrar *g = arg;
	const struct sip_binding_event ev = {change == BINDING_REMOVED, change != BINDING_REFRESHED, b};

	if (g->stack->conf.on_binding && !g->stack->closing)
		g->stack->conf.on_binding(&ev, g->stack->conf.arg);
}

/* ---- what a REGISTER says ---- */

struct reading {
	struct sip_binding common;
	char uris[BINDINGS_CONTACTS_MAX][SIP_CONTACT_MAX];
	struct binding_wish wishes[BINDINGS_CONTACTS_MAX];
	struct binding_request request;
};

/* What is no number counts as 3600 s (RFC 3261 s20.10). */
static unsigned expires_of(const char *value)
{
	size_t length = strlen(value);
	unsigned s = 0;

	for (size_t i = 0; i < length; i++) {
		if (value[i] < '0' || value[i] > '9')
			return MALFORMED_EXPIRES_S;
		s = s > EXPIRES_MAX_S / 10 - 1 ? EXPIRES_MAX_S : s * 10 + (unsigned)(value[i] - '0');
	}
	return length ? s : MALFORMED_EXPIRES_S;
}

/* "1", "0.5", "0.125" (RFC 3261 s25.1, qvalue) */
static unsigned q_of(const char *value)
{
	size_t length = value ? strlen(value) : 0;
	unsigned q = 0, weight = 100;

	if (length == 0 || length > 5 || (value[0] != '0' && value[0] != '1') || (length > 1 && value[1] != '.'))
		return BINDINGS_Q_MAX;
	q = value[0] == '1' ? BINDINGS_Q_MAX : 0;
	for (size_t i = 2; i < length; i++, weight /= 10) {
		if (value[i] < '0' || value[i] > '9')
			return BINDINGS_Q_MAX;
		q += (unsigned)(value[i] - '0') * weight;
	}
	return q > BINDINGS_Q_MAX ? BINDINGS_Q_MAX : q;
}

/* Appends one; the URI in the bytes of the library. */
static int read_contact(const struct sip_stack *s, const sip_t *sip, const sip_contact_t *m, struct reading *rd)
{
	size_t i = rd->request.wish_count;
	struct binding_wish *w = &rd->wishes[i];
	struct sip_uri uri;
	issize_t n;

	if (i == BINDINGS_CONTACTS_MAX)
		return 403;
	n = url_e(rd->uris[i], sizeof(rd->uris[i]), m->m_url);
	if (n <= 0 || (size_t)n >= sizeof(rd->uris[i]))
		return 400;
	*w = (struct binding_wish){.contact = rd->uris[i], .q = q_of(m->m_q)};
	w->expires_given = m->m_expires || sip->sip_expires;
	if (m->m_expires)
		w->expires_s = expires_of(m->m_expires);
	else if (sip->sip_expires)
		w->expires_s = (unsigned)sip->sip_expires->ex_delta;
	rd->request.wish_count++;
	if (w->expires_given && w->expires_s == 0)
		return 200;
	str_copy(rd->common.contact, sizeof(rd->common.contact), w->contact);
	return sip_uri_parse(w->contact, &uri) || hops_may(s, &rd->common) ? 200
									   : 403; /* unreadable: bindings.c's 400 */
}

static int read_contacts(const struct sip_stack *s, const sip_t *sip, struct reading *rd)
{
	const sip_contact_t *m = sip->sip_contact;
	int status = 200;

	rd->request.wishes = rd->wishes;
	if (m && m->m_url->url_type == url_any) {
		rd->request.all = true;
		return !m->m_next && sip->sip_expires && sip->sip_expires->ex_delta == 0 && !sip->sip_expires->ex_date
			       ? 200
			       : 400;
	}
	for (; m && status == 200; m = m->m_next)
		status = read_contact(s, sip, m, rd);
	return status;
}

/* RFC 3327: the way back to him, as a Route. */
static int read_path(const sip_t *sip, struct sip_binding *b)
{
	struct strbuf sb;

	strbuf_init(&sb, b->path, sizeof(b->path));
	for (const sip_path_t *path = sip->sip_path; path; path = path->r_next) {
		struct sip_uri uri;
		char text[SIP_PATH_MAX];
		issize_t n = url_e(text, sizeof(text), path->r_url);

		if (n <= 0 || (size_t)n >= sizeof(text) || sip_uri_parse(text, &uri))
			return 400;
		strbuf_printf(&sb, "%s<%s>", sb.length ? ", " : "", text);
	}
	return sb.truncated ? 513 : 200;
}

static enum sip_transport transport_of(const sip_t *sip)
{
	const char *protocol = sip->sip_via && sip->sip_via->v_protocol ? strrchr(sip->sip_via->v_protocol, '/') : NULL;

	if (protocol && str_equal_nocase(protocol + 1, "TLS"))
		return SIP_TLS;
	return protocol && str_equal_nocase(protocol + 1, "TCP") ? SIP_TCP : SIP_UDP;
}

/* Returns 200, or the status to refuse with. */
static int read_request(
	const struct sip_listener *listener, const sip_t *sip, const msg_t *msg, const char *user, struct reading *rd)
{
	struct sip_binding *b = &rd->common;
	char to[CALLER_USER_MAX];
	struct strbuf sb;
	int status;

	rd->request = (struct binding_request){.common = b, .now_ms = loop_wall_ms(listener->stack->loop)};
	*b = (struct sip_binding){0};
	if (!sip->sip_to || !sip->sip_call_id || !sip->sip_call_id->i_id || !sip->sip_cseq || !sip->sip_via ||
		str_copy(b->call_id, sizeof(b->call_id), sip->sip_call_id->i_id))
		return 400;
	if (caller_unescape(to, sizeof(to), sip->sip_to->a_url->url_user,
		    sip->sip_to->a_url->url_user ? strlen(sip->sip_to->a_url->url_user) : 0) ||
		strcmp(to, user) != 0)
		return 403;
	str_copy(b->user, sizeof(b->user), user);
	b->cseq = sip->sip_cseq->cs_seq;
	b->transport = transport_of(sip);
	b->connected = b->transport != SIP_UDP;
	b->local = listener->addr;
	stack_source_of(msg, &b->source);
	strbuf_init(&sb, b->agent, sizeof(b->agent));
	if (sip->sip_user_agent && sip->sip_user_agent->g_string)
		text_put_line(&sb, sip->sip_user_agent->g_string, sizeof(b->agent) - 1);
	status = read_path(sip, b);
	return status == 200 ? read_contacts(listener->stack, sip, rd) : status;
}

/* ---- the answer ---- */

/* Every binding, its URI in the bytes that came. NULL: none, or no memory. */
static sip_contact_t *contacts_of(su_home_t *home, const struct registrar *g, const char *user, uint64_t now_ms)
{
	const struct sip_binding *found[BINDINGS_CONTACTS_MAX];
	size_t n = bindings_of(g->bindings, user, now_ms, found, BINDINGS_CONTACTS_MAX);
	sip_contact_t *list = NULL;

	while (n-- > 0) {
		const struct sip_binding *b = found[n];
		unsigned left_s = (unsigned)((b->expires_ms - now_ms + 999) / 1000);
		sip_contact_t *m = b->q == BINDINGS_Q_MAX
					   ? sip_contact_format(home, "<sip:x>;expires=%u", left_s)
					   : sip_contact_format(home, "<sip:x>;q=0.%03u;expires=%u", b->q, left_s);

		if (!m || raw_url(home, b->contact, m->m_url))
			continue;
		m->m_next = list;
		list = m;
	}
	return list;
}

static void answer_ok(
	const struct registrar *g, nua_t *nua, nua_handle_t *nh, const char *user, const struct sip_binding *common)
{
	su_home_t home[1] = {SU_HOME_INIT(home)};
	char path[SIP_PATH_MAX + 16] = "";
	sip_contact_t *list;

	su_home_init(home);
	list = contacts_of(home, g, user, loop_wall_ms(g->stack->loop));
	if (*common->path)
		(void)snprintf(path, sizeof(path), "Path: %s\r\n", common->path);
	nua_respond(nh, SIP_200_OK, NUTAG_WITH_THIS(nua), TAG_IF(list, SIPTAG_CONTACT(list)),
		TAG_IF(*path, SIPTAG_HEADER_STR(path)), TAG_END());
	su_home_deinit(home);
}

void registrar_request(struct sip_listener *listener, nua_t *nua, nua_handle_t *nh, const sip_t *sip, const msg_t *msg,
	const char *user)
{
	struct registrar *g = listener->stack->registrar;
	struct reading *rd = calloc(1, sizeof(*rd));
	char min[16];
	int status = 503;

	if (rd)
		status = registrar_may(listener->stack, user) ? read_request(listener, sip, msg, user, rd) : 403;
	if (status == 200)
		status = bindings_register(g->bindings, &rd->request);
	counter_inc(status == 200 ? CNT_SIP_REGISTERS_IN : CNT_SIP_REGISTERS_REFUSED);
	(void)snprintf(min, sizeof(min), "%u", g->limits.min_expires_s);
	if (status == 200)
		answer_ok(g, nua, nh, user, &rd->common);
	else
		nua_respond(nh, status, sip_status_phrase(status) ? sip_status_phrase(status) : "Refused",
			NUTAG_WITH_THIS(nua), TAG_IF(status == 423, SIPTAG_MIN_EXPIRES_STR(min)), TAG_END());
	free(rd);
	arm(g);
}

/* ---- the bytes of a URI, for the library ---- */

int raw_url(su_home_t *home, const char *text, url_t *ret_url)
{
	char *copy = su_strdup(home, text), *host, *end;
	struct sip_uri u;

	if (!copy || sip_uri_parse(copy, &u))
		return -EINVAL;
	*ret_url = (url_t){.url_type = strncasecmp(text, "sips:", 5) == 0 ? url_sips : url_sip};
	ret_url->url_scheme = ret_url->url_type == url_sips ? "sips" : "sip";
	host = copy + (u.host - copy);
	end = host + u.host_length;
	if (u.user_length) {
		ret_url->url_user = u.user;
		host[-1] = '\0';
	}
	ret_url->url_host = host;
	if (*end == ':') {
		*end++ = '\0';
		ret_url->url_port = end;
		end += strspn(end, "0123456789");
	}
	if (*end == ';') {
		*end++ = '\0';
		ret_url->url_params = end;
	}
	return 0;
}

/* ---- users ---- */

static void users_free(struct registrar *g)
{
	struct registering *u, *next;

	HASH_ITER (hh, g->users, u, next) {
		HASH_DEL(g->users, u);
		free(u);
	}
}

bool registrar_may(const struct sip_stack *s, const char *user)
{
	struct registering *u;

	HASH_FIND_STR(s->registrar->users, user, u);
	return u != NULL;
}

static bool is_strangers(const struct sip_binding *b, void *arg)
{
	return !registrar_may(arg, b->user);
}

int registrar_set_users(struct sip_stack *s, const struct sip_user *users, size_t count)
{
	struct registrar *g = s->registrar, fresh = {0};

	for (size_t i = 0; i < count; i++) {
		struct registering *u;

		if (!users[i].may_register)
			continue;
		if (strlen(users[i].name) >= sizeof(u->name)) {
			users_free(&fresh);
			return -EINVAL;
		}
		u = calloc(1, sizeof(*u));
		if (!u) {
			users_free(&fresh);
			return -ENOMEM;
		}
		str_copy(u->name, sizeof(u->name), users[i].name);
		HASH_ADD_STR(fresh.users, name, u);
	}
	users_free(g);
	g->users = fresh.users;
	(void)bindings_remove_if(g->bindings, is_strangers, s);
	arm(g);
	return 0;
}

bool registrar_offered(const struct sip_stack *s)
{
	return s->registrar->users != NULL;
}

size_t registrar_bindings(const struct sip_stack *s, const char *user, const struct sip_binding **ret, size_t max)
{
	return bindings_of(s->registrar->bindings, user, loop_wall_ms(s->loop), ret, max);
}

/* ---- the door ---- */

void sip_registrar_set(struct sip_stack *s, const struct sip_registrar *limits)
{
	s->registrar->limits = *limits;
	bindings_limits(s->registrar->bindings, limits);
	if (!s->registrar->limits.min_expires_s)
		s->registrar->limits.min_expires_s = BINDINGS_MIN_S;
}

int sip_registrar_restore(struct sip_stack *s, const struct sip_binding *kept)
{
	struct sip_binding b = *kept;
	int r;

	b.connected = false; /* connections do not outlive us */
	if (!registrar_may(s, b.user))
		return -ENOENT;
	r = bindings_restore(s->registrar->bindings, &b, loop_wall_ms(s->loop));
	if (r == 0)
		arm(s->registrar);
	return r;
}

size_t sip_registrar_count(const struct sip_stack *s)
{
	return bindings_count(s->registrar->bindings);
}

bool sip_registrar_has(const struct sip_stack *s, const char *user)
{
	const struct sip_binding *found[BINDINGS_CONTACTS_MAX];
	size_t n = registrar_bindings(s, user, found, BINDINGS_CONTACTS_MAX);

	for (size_t i = 0; i < n; i++)
		if (hops_may(s, found[i]))
			return true;
	return false;
}

void sip_registrar_each(const struct sip_stack *s, void (*fn)(const struct sip_binding *b, void *arg), void *arg)
{
	bindings_each(s->registrar->bindings, fn, arg);
}

static bool has_id(const struct sip_binding *b, void *arg)
{
	return strcmp(b->id, arg) == 0;
}

int sip_registrar_drop(struct sip_stack *s, const char *id)
{
	return bindings_remove_if(s->registrar->bindings, has_id, (void *)id) ? 0 : -ENOENT;
}

int registrar_new(struct sip_stack *s)
{
	struct registrar *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	g->stack = s;
	r = bindings_new(&s->conf.registrar, on_change, g, &g->bindings);
	if (r) {
		free(g);
		return r;
	}
	s->registrar = g;
	sip_registrar_set(s, &s->conf.registrar);
	return 0;
}

void registrar_free(struct sip_stack *s)
{
	struct registrar *g = s->registrar;

	if (!g)
		return;
	loop_timer_cancel(&g->timer);
	users_free(g);
	bindings_free(g->bindings);
	free(g);
	s->registrar = NULL;
}
