/* b2bua/sip/refresh.c
 *
 * Session timers (RFC 4028) of a leg: session_timer.c says what is due, this file sends it.
 *
 *   due --may be sent--> under way --2xx------------------> due again at half of the interval
 *       --must wait----> refresh_continue()
 *                        --422, 491, 405, other failures--> due again soon
 *                        --no answer at all---------------> BYE when the peer keeps the timer, too; else as for 2xx
 *   the end of the interval comes near ------------------> BYE
 *
 * The library keeps session timers of its own. They do not do: its re-INVITE has the first offer or none, it may meet
 * another request of ours on the handle (leg.c), and a 422 makes it repeat what was refused. So it never sees the
 * headers (refresh_hide), and writes none, for it finds no interval; they are ours. Its Supported header keeps naming
 * the extension.
 */
#include "b2bua/sip/leg.h"

#include "b2bua/sip/reason.h"
#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <dlfcn.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_util.h>
#include <stdlib.h>
#include <string.h>

enum {
	STATUS_HIDDEN = 499,      /* what the library sees for 422; nobody has assigned it, and it ends nothing */
	GLARE_OURS_MIN_MS = 2100, /* RFC 3261 s14.1: retry after 491, where the Call-ID is ours, */
	GLARE_OURS_MAX_MS = 4000,
	GLARE_THEIRS_MAX_MS = 2000, /* where it is the peer's */
	GLARE_STEP_MS = 10,
	Q850_TIMER_EXPIRED = 102,
};

/* ---- what the library does not see ---- */

struct hidden {
	const sip_session_expires_t *expires;
	const sip_min_se_t *min_se;
	bool too_small;
};

void refresh_hide(msg_t *msg, sip_t *sip)
{
	bool too_small =
		sip->sip_status && sip->sip_status->st_status == 422 && sip->sip_cseq &&
		(sip->sip_cseq->cs_method == sip_method_invite || sip->sip_cseq->cs_method == sip_method_update);
	struct hidden *h;

	if (!sip->sip_session_expires && !sip->sip_min_se && !too_small)
		return;
	h = su_zalloc(msg_home(msg), sizeof(*h));
	if (h) {
		h->expires = sip->sip_session_expires;
		h->min_se = sip->sip_min_se;
		h->too_small = too_small;
	}
	sip->sip_user = h;
	sip->sip_session_expires = NULL;
	sip->sip_min_se = NULL;
	if (too_small)
		sip->sip_status->st_status = STATUS_HIDDEN;
}

int refresh_status(const sip_t *sip, int status)
{
	const struct hidden *h = sip ? sip->sip_user : NULL;

	return h && h->too_small && status == STATUS_HIDDEN ? 422 : status;
}

/* An INVITE or UPDATE without an answer ends the dialog in the library's eyes (RFC 5057 s5.1), and it sends BYE.
 * Whether it does is decided here: it depends on what was agreed on, and on which refresh it was. So does one answered
 * 500 or 503, which speak of the request alone when the peer says so, and may be tried again when it says nothing. This
 * symbol wins over the library's. */
int sip_response_terminates_dialog(int code, sip_method_t method, int *ret_graceful)
{
	static int (*real)(int, sip_method_t, int *);
	bool transient = code == 408 || code == 500 || code == 503;

	if (!real) {
		void *symbol = dlsym(RTLD_NEXT, "sip_response_terminates_dialog");
		memcpy(&real, &symbol, sizeof(real)); /* ISO C has no cast from object to function pointer */
	}
	if (transient && (method == sip_method_invite || method == sip_method_update)) {
		if (ret_graceful)
			*ret_graceful = 0;
		return 0;
	}
	return real(code, method, ret_graceful);
}

/* ---- reading ---- */

bool leg_list_has(const void *header, const char *token)
{
	for (const msg_list_t *list = header; list; list = (const msg_list_t *)list->k_next)
		for (size_t i = 0; list->k_items && list->k_items[i]; i++)
			if (str_equal_nocase(list->k_items[i], token))
				return true;
	return false;
}

static unsigned seconds(unsigned long delta)
{
	return delta > UINT32_MAX / 1000 ? UINT32_MAX / 1000 : (unsigned)delta;
}

static struct session_words words_of(const sip_t *sip)
{
	const struct hidden *h = sip ? sip->sip_user : NULL;
	struct session_words w = {0};

	if (!sip)
		return w;
	w.require = leg_list_has(sip->sip_require, "timer");
	w.supported = w.require || leg_list_has(sip->sip_supported, "timer");
	if (h && h->min_se)
		w.min_se_s = seconds(h->min_se->min_delta);
	if (h && h->expires) {
		const char *refresher = h->expires->x_refresher;
		w.expires_s = seconds(h->expires->x_delta);
		if (refresher && str_equal_nocase(refresher, "uac"))
			w.refresher = SESSION_REFRESHER_UAC;
		else if (refresher && str_equal_nocase(refresher, "uas"))
			w.refresher = SESSION_REFRESHER_UAS;
	}
	return w;
}

static void read_allow(struct sip_leg *leg, const sip_t *sip)
{
	if (sip && sip->sip_allow)
		leg->refresh.peer_updates = leg_list_has(sip->sip_allow, "UPDATE");
}

/* ---- time ---- */

static void on_due(void *arg);

static uint64_t now_us(const struct sip_leg *leg)
{
	return loop_now_us(leg->stack->loop);
}

static void schedule(struct sip_leg *leg)
{
	struct leg_refresh *r = &leg->refresh;
	uint64_t at_us;

	if (leg->phase == LEG_ENDING || leg->phase == LEG_CANCELLED)
		return;
	if (session_timer_due(&r->timer, now_us(leg), &at_us) != SESSION_DUE_NOTHING)
		at_us = now_us(leg) + 1;
	/* Without memory for the timer the session lives as long as the peer keeps it. */
	if (at_us)
		(void)loop_timer_set(leg->stack->loop, &r->due, at_us, on_due, leg);
	else
		loop_timer_cancel(&r->due);
}

/* The session has run out: tell, and say BYE while the peer still knows it. */
static void expire(struct sip_leg *leg)
{
	struct sip_event ev = {
		.kind = SIP_EV_LOST, .code = 408, .phrase = "", .contact = "", .why = "", .expired = true};
	char reason[REASON_MAX];

	counter_inc(CNT_SIP_SESSIONS_EXPIRED);
	loop_timer_cancel(&leg->refresh.due);
	reason_build(reason, 408, Q850_TIMER_EXPIRED, "Session timer expired");
	leg_emit(leg, &ev);
	leg_bye(leg, reason);
}

static void send_refresh(struct sip_leg *leg)
{
	struct leg_refresh *r = &leg->refresh;
	enum sip_refresh_method method = r->timer.policy.refresh_method;
	char lines[REFRESH_LINES_MAX], proof[SIP_HEADERS_MAX];
	const char *contact = leg->came_in && leg->contact[0] ? leg->contact : NULL; /* else the handle's */

	r->by_update = !r->sdp || method == SIP_REFRESH_UPDATE ||
		       (method == SIP_REFRESH_AUTO && r->peer_updates && !r->no_update);
	r->under_way = true;
	session_timer_sent(&r->timer);
	refresh_ask(leg, lines);
	proof_lines(leg, r->by_update ? "UPDATE" : "INVITE", proof, sizeof(proof));
	counter_inc(CNT_SIP_REFRESHES_SENT);
	if (r->by_update)
		nua_update(leg->nh, TAG_IF(contact, SIPTAG_CONTACT_STR(contact)), SIPTAG_HEADER_STR(lines),
			TAG_IF(*proof, SIPTAG_HEADER_STR(proof)), TAG_END());
	else
		nua_invite(leg->nh, TAG_IF(contact, SIPTAG_CONTACT_STR(contact)), SIPTAG_HEADER_STR(lines),
			TAG_IF(*proof, SIPTAG_HEADER_STR(proof)), SIPTAG_CONTENT_TYPE_STR("application/sdp"),
			SIPTAG_PAYLOAD_STR(r->sdp), TAG_END());
}

void refresh_continue(struct sip_leg *leg)
{
	uint64_t at_us;

	if (session_timer_due(&leg->refresh.timer, now_us(leg), &at_us) == SESSION_DUE_REFRESH &&
		leg_may(leg, LEG_OP_REFRESH))
		send_refresh(leg);
	schedule(leg);
}

static void on_due(void *arg)
{
	struct sip_leg *leg = arg;
	struct leg_refresh *r = &leg->refresh;
	uint64_t at_us;

	if (session_timer_due(&r->timer, now_us(leg), &at_us) == SESSION_DUE_END) {
		expire(leg);
		return;
	}
	if (leg_may(leg, LEG_OP_REFRESH))
		refresh_continue(leg);
	else if (r->timer.expires_us) /* what it waits for calls refresh_continue() */
		(void)loop_timer_set(leg->stack->loop, &r->due, r->timer.expires_us, on_due, leg);
}

/* ---- life ---- */

void refresh_init(struct sip_leg *leg, const struct sip_dialog_policy *policy)
{
	session_timer_init(&leg->refresh.timer, policy, leg->stack->conf.min_se_s);
}

void refresh_stop(struct sip_leg *leg)
{
	loop_timer_cancel(&leg->refresh.due);
}

void refresh_free(struct sip_leg *leg)
{
	refresh_stop(leg);
	free(leg->refresh.sdp);
	leg->refresh.sdp = NULL;
}

void refresh_keep_sdp(struct sip_leg *leg, const char *sdp)
{
	char *copy = sdp ? strdup(sdp) : NULL;

	if (!sdp)
		return;
	free(leg->refresh.sdp);
	leg->refresh.sdp = copy; /* without memory: refreshed by UPDATE, which needs none */
}

/* ---- requests of ours ---- */

void refresh_ask(const struct sip_leg *leg, char dst[REFRESH_LINES_MAX])
{
	struct session_words w;

	session_timer_ask(&leg->refresh.timer, &w);
	session_words_write(&w, dst, REFRESH_LINES_MAX);
}

bool refresh_invite_again(struct sip_leg *leg, const sip_t *sip)
{
	const struct session_words w = words_of(sip);

	if (session_timer_too_small(&leg->refresh.timer, w.min_se_s))
		return false;
	proof_restart(leg);
	return outgoing_again(leg, sip, "");
}

void refresh_begin(struct sip_leg *leg, const sip_t *sip)
{
	const struct session_words w = words_of(sip);

	read_allow(leg, sip);
	session_timer_answered(&leg->refresh.timer, &w, now_us(leg));
	schedule(leg);
}

static unsigned glare_ms(const struct sip_leg *leg)
{
	unsigned min = leg->came_in ? 0 : GLARE_OURS_MIN_MS;
	unsigned max = leg->came_in ? GLARE_THEIRS_MAX_MS : GLARE_OURS_MAX_MS;

	return min + GLARE_STEP_MS * (unsigned)(crypto_random_u64() % ((max - min) / GLARE_STEP_MS + 1));
}

/* Milliseconds until the next try. */
static unsigned wait_ms(struct sip_leg *leg, int status, const sip_t *sip)
{
	struct leg_refresh *r = &leg->refresh;
	const struct session_words w = words_of(sip);

	if (status == 491)
		return glare_ms(leg);
	if (status == 422 && session_timer_too_small(&r->timer, w.min_se_s) == 0)
		return 0;
	if (r->by_update && r->sdp && r->timer.policy.refresh_method == SIP_REFRESH_AUTO &&
		(status == 405 || status == 501)) {
		r->no_update = true;
		return 0;
	}
	/* "Retry-After: 0" as if it said nothing: no peer makes us ask without a pause. */
	if (sip && sip->sip_retry_after && sip->sip_retry_after->af_delta && sip->sip_retry_after->af_delta <= 3600)
		return (unsigned)sip->sip_retry_after->af_delta * 1000;
	return session_timer_retry_ms(&r->timer, now_us(leg));
}

static void failed(struct sip_leg *leg, int status, const sip_t *sip)
{
	struct session_timer *t = &leg->refresh.timer;

	counter_inc(CNT_SIP_REFRESHES_FAILED);
	if (status == 481)
		return;                     /* the library ends the session, and says so */
	if (status == 408 && t->promised) { /* RFC 4028 s10 */
		expire(leg);
		return;
	}
	if (status == 408)
		session_timer_skip(t, now_us(leg)); /* the call is what its media says */
	else
		session_timer_retry(t, now_us(leg) + wait_ms(leg, status, sip) * 1000ull);
	schedule(leg);
}

void refresh_answered(struct sip_leg *leg, int status, const sip_t *sip, struct sip_event *ev)
{
	const struct session_words w = words_of(sip);

	if (!leg->refresh.under_way || leg->phase != LEG_UP)
		return;
	leg->refresh.under_way = false;
	if (status < 300) {
		read_allow(leg, sip);
		proof_accepted(leg);
		session_timer_answered(&leg->refresh.timer, &w, now_us(leg));
		ev->is_update = leg->refresh.by_update;
		schedule(leg);
		leg_emit(leg, ev);
	} else {
		failed(leg, status, sip);
	}
	leg_continue(leg);
}

bool refresh_blocks_bye(const struct sip_leg *leg)
{
	return leg->refresh.under_way && leg->refresh.by_update;
}

/* ---- requests of the peer's ---- */

int refresh_check(struct sip_leg *leg, const sip_t *sip, char dst[REFRESH_LINES_MAX])
{
	const struct session_words asked = words_of(sip);
	struct session_words refusal = {.min_se_s = leg->refresh.timer.policy.min_se_s};
	int code = session_timer_check(&leg->refresh.timer, &asked);

	if (code) {
		session_words_write(&refusal, dst, REFRESH_LINES_MAX);
		return code;
	}
	read_allow(leg, sip);
	/* An UPDATE before the answer renews nothing, and must not speak for the INVITE. */
	if (leg->phase != LEG_INCOMING || sip->sip_request->rq_method == sip_method_invite)
		leg->refresh.asked = asked;
	return 0;
}

void refresh_answer(struct sip_leg *leg, char dst[REFRESH_LINES_MAX])
{
	struct session_words w = {0};

	if (leg->phase == LEG_UP || leg->phase == LEG_ANSWERED) {
		session_timer_answer(&leg->refresh.timer, &leg->refresh.asked, now_us(leg), &w);
		schedule(leg);
	}
	session_words_write(&w, dst, REFRESH_LINES_MAX);
}
