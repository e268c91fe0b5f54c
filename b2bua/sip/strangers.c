/* b2bua/sip/strangers.c
 *
 * Requests that belong to no leg. The parser hook is the only place from which a message can be dropped without a
 * trace: after it the stack answers 100, and a 403 costs a transaction for 64*T1. It looks at requests only; responses
 * are matched to our own requests by the transaction layer and may come from any address. A request within a dialog of
 * ours counts as ours too, wherever it comes from (its Call-ID, or our tag where the peer made the Call-ID, is 128
 * random bits): hosted services send BYE from another machine than the one that was called.
 */
#include "b2bua/sip/leg.h"

#include "b2bua/sip/bans.h"
#include "b2bua/sip/caller.h"
#include "lib/base/counter.h"
#include "lib/base/str.h"

#include <errno.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
	/* Answers to strangers; what is over it gets silence. */
	ANSWERS_PER_S = 10,
	ANSWERS_BURST = 50,
	REGISTER_ANSWERS_PER_S = 100,
	REGISTER_ANSWERS_BURST = 500,
};

/* The hook knows of a message its parser class only. */
static struct sip_stack *hooked;

struct sip_stack *stack_of_message(const msg_t *msg)
{
	struct sip_stack *s;

	LL_FOREACH (hooked, s)
		if (s->mclass == msg_mclass(msg))
			break;
	return s;
}

static bool source_allowed(const struct sip_stack *s, const msg_t *msg)
{
	struct addr source;

	stack_source_of(msg, &source);
	return addr_is_set(&source) && s->conf.source_allowed && s->conf.source_allowed(&source, s->conf.arg);
}

static const struct sip_leg *leg_of_call(const struct sip_stack *s, const sip_t *sip)
{
	struct sip_leg *leg = NULL;

	if (sip->sip_call_id && sip->sip_call_id->i_id)
		HASH_FIND_STR(s->by_call, sip->sip_call_id->i_id, leg);
	return leg;
}

struct sip_leg *stack_leg_of(const sip_t *sip)
{
	const struct sip_stack *s;
	struct sip_leg *leg = NULL;

	if (!sip->sip_call_id || !sip->sip_call_id->i_id)
		return NULL;
	LL_FOREACH (hooked, s) {
		HASH_FIND_STR(s->by_call, sip->sip_call_id->i_id, leg);
		if (leg)
			break;
	}
	return leg;
}

struct way *stack_way_of(const sip_t *sip)
{
	struct sip_leg *leg = stack_leg_of(sip);
	struct way *w = leg ? &leg->way : NULL;
	struct sip_stack *s;

	if (!sip->sip_call_id || !sip->sip_call_id->i_id)
		return NULL;
	LL_FOREACH (hooked, s) {
		if (w)
			break;
		w = gateways_way_of(s, sip->sip_call_id->i_id);
	}
	return w;
}

void stack_each_way(void (*fn)(struct way *w, void *arg), void *arg)
{
	struct sip_stack *s;
	struct sip_leg *leg;

	LL_FOREACH (hooked, s) {
		DL_FOREACH (s->legs, leg)
			fn(&leg->way, arg);
		gateways_each_way(s, fn, arg);
	}
}

/* The stack compares the tags, and answers 481. */
static bool in_dialog(const struct sip_stack *s, const sip_t *sip)
{
	return sip->sip_to && sip->sip_to->a_tag && leg_of_call(s, sip);
}

/* Of a user's INVITE, which cannot be challenged; the stack compares the rest (RFC 3261 s9.2). */
static bool is_cancel_of_call(const struct sip_stack *s, const sip_t *sip)
{
	const struct sip_leg *leg = leg_of_call(s, sip);

	return sip->sip_request->rq_method == sip_method_cancel && leg && leg->came_in;
}

/* Who is it, by the credentials? A count is used up by use. */
static enum digest_result prove(const struct sip_stack *s, const sip_t *sip, const char *method, bool use,
	bool *ret_tried, const char **ret_user)
{
	struct credentials_text store;
	struct digest_credentials c;

	*ret_tried = caller_credentials(sip, s->realm, &store, &c);
	if (!*ret_tried || !caller_credentials_fit(sip, &c))
		return DIGEST_WRONG;
	return digest_check(s->digest, loop_now_us(s->loop), method, &c, use, ret_user);
}

/* ---- bans ---- */

static void take_ban(const struct sip_ban *ban, void *arg)
{
	*(struct sip_ban *)arg = *ban; /* the last one told is the newest */
}

/* True: banned from now on. */
static bool offence(struct sip_stack *s, const struct addr *source, enum ban_offence what)
{
	uint64_t now_us = loop_now_us(s->loop);
	struct sip_ban ban = {0};

	if (!bans_note(s->bans, source, what, now_us))
		return false;
	counter_inc(CNT_SIP_BANS);
	bans_each(s->bans, now_us, take_ban, &ban);
	if (s->conf.on_ban && !s->closing)
		s->conf.on_ban(&ban, s->conf.arg);
	return true;
}

void sip_bans_set(struct sip_stack *s, const struct sip_ban_limits *limits)
{
	bans_set(s->bans, limits);
}

size_t sip_bans_count(const struct sip_stack *s)
{
	return bans_count(s->bans, loop_now_us(s->loop));
}

void sip_bans_each(const struct sip_stack *s, void (*fn)(const struct sip_ban *ban, void *arg), void *arg)
{
	bans_each(s->bans, loop_now_us(s->loop), fn, arg);
}

int sip_bans_lift(struct sip_stack *s, const char *source)
{
	char host[ADDR_TEXT_MAX];
	struct addr a;

	if (str_copy_n(host, sizeof(host), source, strcspn(source, "/")) || addr_set(&a, host, 0))
		return -EINVAL;
	return bans_lift(s->bans, &a, loop_now_us(s->loop));
}

/* ---- who is let in ---- */

/* From anywhere, where there are digest users: those who know a password do not share the ration of those who do not.
 * Telephones that register have a larger one: after a power cut all of them come at once. */
static bool let_in_to_prove(struct sip_stack *s, const struct addr *source, const sip_t *sip, bool registers)
{
	struct ratelimit *ration = registers ? &s->register_answers : &s->stranger_answers;
	const char *user;
	bool tried;

	if (prove(s, sip, registers ? "REGISTER" : "INVITE", false, &tried, &user) != DIGEST_WRONG) {
		bans_proved(s->bans, source, loop_now_us(s->loop));
		return true;
	}
	if (!offence(s, source, tried ? BAN_WRONG_PROOF : BAN_UNPROVEN) && ratelimit_take(ration, loop_now_us(s->loop)))
		return true;
	counter_inc(CNT_SIP_REFUSED_SOURCE);
	return false;
}

static bool let_in(struct sip_stack *s, msg_t *msg, const sip_t *sip)
{
	sip_method_t method = sip->sip_request->rq_method;
	struct addr source;

	if (in_dialog(s, sip) || source_allowed(s, msg))
		return true;
	stack_source_of(msg, &source);
	if (bans_drop(s->bans, &source, loop_now_us(s->loop))) {
		counter_inc(CNT_SIP_BANNED_DROPPED);
		return false;
	}
	if (method == sip_method_ack && (!s->conf.drop_strangers || s->digest))
		return true; /* of a 403 or 401 */
	if (sip->sip_flags & MSG_FLG_ERROR)
		(void)offence(s, &source, BAN_MALFORMED);
	else if (method == sip_method_invite && s->digest)
		return let_in_to_prove(s, &source, sip, false);
	else if (method == sip_method_register && registrar_offered(s))
		return let_in_to_prove(s, &source, sip, true);
	if (is_cancel_of_call(s, sip))
		return true;
	if (!(sip->sip_flags & MSG_FLG_ERROR))
		(void)offence(s, &source, BAN_UNPROVEN);
	counter_inc(CNT_SIP_REFUSED_SOURCE);
	if (s->conf.drop_strangers || (method != sip_method_invite && method != sip_method_options))
		return false;
	return ratelimit_take(&s->stranger_answers, loop_now_us(s->loop));
}

/* The stack would send a NOTIFY before we can answer (the subscription of RFC 3515 s2.4.4), so that this must not get
 * that far: marked as broken it gets 400. */
static bool is_refer_without_dialog(const sip_t *sip)
{
	return sip->sip_request->rq_method == sip_method_refer && (!sip->sip_to || !sip->sip_to->a_tag);
}

/* A first line that the library cannot read ends the message there: it is neither request nor response then, and its
 * stream, which nobody closes, keeps a descriptor for ever. With another first line in its place it comes as far as the
 * hook, which drops it; a response is for no transaction of ours. */
static const char NO_SIP[] = "no-sip", NO_SIP_LINE[] = "no-sip sip:invalid SIP/2.0";

static issize_t parse_or_replace(
	const msg_hclass_t *real, const char *line, su_home_t *home, msg_header_t *h, char *s, isize_t length)
{
	char *instead;

	if (real->hc_parse(home, h, s, length) >= 0)
		return 0;
	instead = su_strdup(home, line);
	return instead ? real->hc_parse(home, h, instead, (isize_t)strlen(instead)) : -1;
}

static issize_t parse_request(su_home_t *home, msg_header_t *h, char *s, isize_t length)
{
	return parse_or_replace(sip_request_class, NO_SIP_LINE, home, h, s, length);
}

static issize_t parse_status(su_home_t *home, msg_header_t *h, char *s, isize_t length)
{
	return parse_or_replace(sip_status_class, "SIP/2.0 100 Unreadable", home, h, s, length);
}

static struct msg_hclass_s request_class, status_class;

static void read_every_first_line(msg_mclass_t *mclass)
{
	request_class = *sip_request_class;
	request_class.hc_parse = parse_request;
	status_class = *sip_status_class;
	status_class.hc_parse = parse_status;
	mclass->mc_request[0].hr_class = &request_class;
	mclass->mc_status[0].hr_class = &status_class;
}

static bool is_no_sip(const sip_t *sip)
{
	const sip_request_t *rq = sip->sip_request;

	return rq->rq_method == sip_method_unknown && rq->rq_method_name && !strcmp(rq->rq_method_name, NO_SIP);
}

static bool came_on_stream(msg_t *msg)
{
	const su_addrinfo_t *ai = msg_addrinfo(msg);

	return ai && ai->ai_socktype == SOCK_STREAM;
}

/* Gone without an answer. On a stream the library reads no further after a broken message, and closes the connection
 * only once it has dealt with it as a request: so it stays one there, which for want of a Via cannot be answered. */
static void drop(msg_t *msg, sip_t *sip)
{
	counter_inc(CNT_SIP_PARSE_DROPPED);
	if (!came_on_stream(msg))
		sip->sip_request = NULL;
	sip->sip_status = NULL;
	sip->sip_via = NULL;
	sip->sip_flags |= MSG_FLG_ERROR;
}

/* A broken response is read by nobody, and the library reads its stream no further, nor closes it: a descriptor for
 * ever. As a request it closes it. */
static void give_up_stream(msg_t *msg, sip_t *sip)
{
	counter_inc(CNT_SIP_PARSE_DROPPED);
	sip->sip_request = sip_request_make(msg_home(msg), NO_SIP_LINE);
	sip->sip_status = NULL;
	sip->sip_via = NULL;
	sip->sip_flags |= MSG_FLG_ERROR;
}

/* A Contact that makes or moves a dialog (RFC 3261 s12) and leads nowhere: the library would keep it, fail to send our
 * requests there, and never free them. Without it an INVITE gets 400 and a living dialog stays where it is. */
static void drop_bad_target(sip_t *sip)
{
	sip_method_t method = sip->sip_cseq ? sip->sip_cseq->cs_method : sip_method_unknown;
	const url_t *url = sip->sip_contact ? sip->sip_contact->m_url : NULL;

	if (!url || (method != sip_method_invite && method != sip_method_update) ||
		(sip->sip_status && sip->sip_status->st_status >= 300))
		return;
	if ((url->url_type != url_sip && url->url_type != url_sips) || !url->url_host || !*url->url_host)
		sip->sip_contact = NULL;
}

static issize_t hook(msg_t *msg, msg_pub_t *pub, char b[], isize_t length, int eos)
{
	sip_t *sip = (sip_t *)pub;
	struct sip_stack *s = stack_of_message(msg);
	struct sip_leg *leg;
	struct addr source;
	issize_t r;

	if (s && sip && sip->sip_request && (is_no_sip(sip) || !let_in(s, msg, sip))) {
		drop(msg, sip);
		return -1;
	}
	/* Also a 100, which the library keeps to itself: somebody is there. */
	if (s && sip && sip->sip_status && (leg = stack_leg_of(sip))) {
		stack_source_of(msg, &source);
		hops_tried(leg, &source);
		way_heard(&leg->way);
	}
	if (s && sip && sip->sip_request && is_refer_without_dialog(sip))
		sip->sip_flags |= MSG_FLG_ERROR;
	if (s && sip) {
		drop_bad_target(sip);
		refresh_hide(msg, sip);
	}
	r = sip_default_mclass()->mc_extract_body(msg, pub, b, length, eos);
	if (s && sip && sip->sip_status && (r < 0 || (sip->sip_flags & MSG_FLG_ERROR)) && came_on_stream(msg))
		give_up_stream(msg, sip);
	return r;
}

int strangers_hook(struct sip_stack *s)
{
	s->mclass = msg_mclass_clone(sip_default_mclass(), 0, 0);
	if (!s->mclass)
		return -ENOMEM;
	s->mclass->mc_extract_body = hook;
	read_every_first_line(s->mclass);
	ratelimit_init(&s->stranger_answers, ANSWERS_PER_S, ANSWERS_BURST, loop_now_us(s->loop));
	ratelimit_init(&s->register_answers, REGISTER_ANSWERS_PER_S, REGISTER_ANSWERS_BURST, loop_now_us(s->loop));
	LL_PREPEND(hooked, s);
	return 0;
}

void strangers_unhook(struct sip_stack *s)
{
	if (!s->mclass)
		return;
	LL_DELETE(hooked, s);
	free(s->mclass);
	s->mclass = NULL;
}

/* nua: of a request that is no INVITE, NULL of one that is. */
static void challenge(struct sip_stack *s, nua_t *nua, nua_handle_t *nh, bool stale)
{
	char lines[DIGEST_CHALLENGE_MAX];

	digest_challenge(s->digest, loop_now_us(s->loop), stale, lines);
	nua_respond(nh, SIP_401_UNAUTHORIZED, TAG_IF(nua, NUTAG_WITH_THIS(nua)), SIPTAG_HEADER_STR(lines), TAG_END());
}

static void invite(struct sip_listener *listener, nua_handle_t *nh, const sip_t *sip, const msg_t *request)
{
	struct sip_stack *s = listener->stack;
	enum digest_result proof = DIGEST_OK;
	const char *user = NULL;
	bool tried = false;

	if (!source_allowed(s, request)) {
		if (!s->digest) {
			nua_respond(nh, SIP_403_FORBIDDEN, TAG_END());
			nua_handle_destroy(nh);
			return;
		}
		proof = prove(s, sip, "INVITE", true, &tried, &user);
	}
	if (proof == DIGEST_OK) {
		incoming_invite(listener, nh, sip, request, user);
		return;
	}
	if (tried && proof == DIGEST_WRONG)
		counter_inc(CNT_SIP_AUTH_FAILED);
	challenge(s, NULL, nh, proof == DIGEST_STALE);
	nua_handle_destroy(nh);
}

/* Whoever asks proves himself, also where INVITEs are taken from by address: a binding is where calls go to. */
static void registers(
	struct sip_listener *listener, nua_t *nua, nua_handle_t *nh, const sip_t *sip, const msg_t *request)
{
	struct sip_stack *s = listener->stack;
	const char *user = NULL;
	enum digest_result proof;
	bool tried = false;

	if (!registrar_offered(s)) {
		nua_respond(nh, SIP_405_METHOD_NOT_ALLOWED, NUTAG_WITH_THIS(nua), TAG_END());
		return;
	}
	proof = prove(s, sip, "REGISTER", true, &tried, &user);
	if (tried && proof == DIGEST_WRONG)
		counter_inc(CNT_SIP_AUTH_FAILED);
	if (proof == DIGEST_OK)
		registrar_request(listener, nua, nh, sip, request, user);
	else
		challenge(s, nua, nh, proof == DIGEST_STALE);
}

void strangers_request(
	struct sip_listener *listener, nua_event_t event, int status, nua_t *nua, nua_handle_t *nh, const sip_t *sip)
{
	struct sip_stack *s = listener->stack;
	msg_t *request = nua_current_request(nua);

	if (nh == nua_default(nua))
		return;
	if (status < 200 && event == nua_i_invite && sip && request) {
		invite(listener, nh, sip, request);
		return;
	}
	if (status < 200 && event == nua_i_register && sip && request)
		registers(listener, nua, nh, sip, request);
	else if (status < 200 && !source_allowed(s, request))
		nua_respond(nh, SIP_403_FORBIDDEN, NUTAG_WITH_THIS(nua), TAG_END());
	else if (status < 200 && event == nua_i_options)
		nua_respond(nh, SIP_200_OK, NUTAG_WITH_THIS(nua), TAG_END());
	else if (status < 200)
		nua_respond(nh, SIP_405_METHOD_NOT_ALLOWED, NUTAG_WITH_THIS(nua), TAG_END());
	nua_handle_destroy(nh);
}
