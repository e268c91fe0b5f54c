/* b2bua/sip/session_timer.c */
#include "b2bua/sip/session_timer.h"

#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

enum {
	MIN_SE_S = 90,          /* RFC 4028 s4: the least allowed, and what no Min-SE means (s5) */
	MARGIN_MAX_S = 32,      /* RFC 4028 s10: who waits says BYE this long before the end, */
	MARGIN_WAITING = 3,     /* or a third of the interval */
	MARGIN_REFRESHING = 10, /* who refreshes knows what it has asked, and by what answer: a tenth will do */
	RETRY_MIN_MS = 1000,
	RETRY_MAX_MS = 30000,
	EXPIRES_MAX_S = 86400 * 7, /* what is longer is as good as none */
	TOO_SMALL_MAX = 5,         /* each proxy on the way may say it once; one that always wants more leads nowhere */
};

void session_timer_init(struct session_timer *t, const struct sip_dialog_policy *policy, unsigned default_min_se_s)
{
	memset(t, 0, sizeof(*t));
	if (policy)
		t->policy = *policy;
	if (!t->policy.min_se_s)
		t->policy.min_se_s = default_min_se_s ? default_min_se_s : MIN_SE_S;
}

static unsigned larger(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

/* ---- what is agreed on ---- */

static void renew(struct session_timer *t, uint64_t now_us)
{
	uint64_t whole_us = t->interval_s * 1000000ull;
	uint64_t margin_us = whole_us / (t->we_refresh ? MARGIN_REFRESHING : MARGIN_WAITING);

	if (margin_us > MARGIN_MAX_S * 1000000ull)
		margin_us = MARGIN_MAX_S * 1000000ull;
	t->expires_us = t->interval_s && t->promised ? now_us + whole_us - margin_us : 0;
	t->refresh_us = t->interval_s && t->we_refresh ? now_us + whole_us / 2 : 0; /* RFC 4028 s10 */
}

static void agree(struct session_timer *t, unsigned interval_s, bool we_refresh, bool promised, uint64_t now_us)
{
	t->interval_s = interval_s > EXPIRES_MAX_S ? EXPIRES_MAX_S : interval_s;
	t->we_refresh = we_refresh;
	t->promised = promised;
	renew(t, now_us);
}

/* ---- requests of ours ---- */

static unsigned wanted(const struct session_timer *t)
{
	unsigned s = t->interval_s ? t->interval_s : t->policy.session_expires_s;

	/* Who was refused for want of a timer asks for one, though the policy has none: else it is refused again. */
	return s || t->floor_s ? larger(s, larger(t->policy.min_se_s, t->floor_s)) : 0;
}

void session_timer_ask(const struct session_timer *t, struct session_words *ret_words)
{
	struct session_words w = {.supported = true, .expires_s = wanted(t)};

	if (t->interval_s)
		w.refresher =
			t->we_refresh ? SESSION_REFRESHER_UAC : SESSION_REFRESHER_UAS; /* RFC 4028 s7.4: as it is */
	else if (t->policy.refresher != SIP_REFRESHER_AUTO)
		w.refresher = t->policy.refresher == SIP_REFRESHER_US ? SESSION_REFRESHER_UAC : SESSION_REFRESHER_UAS;
	if (w.expires_s)
		w.min_se_s = larger(t->floor_s, t->policy.min_se_s); /* RFC 4028 s7.4: what a 422 said stays said */
	*ret_words = w;
}

int session_timer_too_small(struct session_timer *t, unsigned min_se_s)
{
	if (min_se_s <= wanted(t) || min_se_s > EXPIRES_MAX_S || t->refusals >= TOO_SMALL_MAX)
		return -EINVAL;
	t->refusals++;
	t->floor_s = min_se_s;
	return 0;
}

void session_timer_answered(struct session_timer *t, const struct session_words *answer, uint64_t now_us)
{
	unsigned asked_s = wanted(t);
	bool ours;

	t->refusals = 0;
	if (answer->expires_s) {
		/* Less than what our Min-SE said, or than RFC 4028 s4 allows, is a mistake of the peer's: nobody makes
		 * us refresh twice a second. */
		agree(t, larger(answer->expires_s, larger(t->floor_s, t->policy.min_se_s)),
			answer->refresher != SESSION_REFRESHER_UAS, true, now_us);
		return;
	}
	/* The peer keeps no timer. We may refresh all the same (RFC 4028 s7.2), to hear whether it still lives. */
	ours = t->policy.session_expires_s && t->policy.refresher != SIP_REFRESHER_PEER;
	agree(t, ours ? asked_s : 0, ours, false, now_us);
}

/* ---- requests of the peer's ---- */

int session_timer_check(const struct session_timer *t, const struct session_words *request)
{
	/* Only who knows the extension can be told (RFC 4028 s9). */
	return request->supported && request->expires_s && request->expires_s < t->policy.min_se_s ? 422 : 0;
}

static unsigned choose_interval(const struct session_timer *t, const struct session_words *request)
{
	unsigned ours_s = t->policy.session_expires_s, floor_s = larger(t->policy.min_se_s, request->min_se_s);

	if (request->expires_s) /* may be made shorter, never longer (RFC 4028 s9) */
		return ours_s && ours_s >= floor_s && ours_s < request->expires_s ? ours_s : request->expires_s;
	if (t->interval_s)
		return t->interval_s; /* an offer within the session: its timer stays */
	return ours_s ? larger(ours_s, floor_s) : 0;
}

/* RFC 4028 s9, table 2. */
static bool choose_us(const struct session_timer *t, const struct session_words *request)
{
	if (!request->supported)
		return true;
	if (request->refresher != SESSION_REFRESHER_NONE)
		return request->refresher == SESSION_REFRESHER_UAS;
	if (t->interval_s)
		return t->we_refresh;
	return t->policy.refresher == SIP_REFRESHER_US;
}

void session_timer_answer(
	struct session_timer *t, const struct session_words *request, uint64_t now_us, struct session_words *ret_words)
{
	/* Too short, and the peer could not be told (RFC 4028 s9): it may not be made longer in the answer, so there is
	 * none, and we refresh at our own pace. */
	bool too_short = !request->supported && request->expires_s && request->expires_s < t->policy.min_se_s;
	bool ours = choose_us(t, request), knows = request->supported || (request->expires_s && !too_short);
	unsigned interval_s = too_short ? t->policy.min_se_s : choose_interval(t, request);
	struct session_words w = {.supported = true};

	if (!knows && t->policy.refresher == SIP_REFRESHER_PEER)
		interval_s = 0; /* it will not */
	if (interval_s && knows) {
		w.expires_s = interval_s;
		w.refresher = ours ? SESSION_REFRESHER_UAS : SESSION_REFRESHER_UAC;
		w.require = !ours; /* RFC 4028 s9: it must know that it is meant */
	}
	/* One who asked through a proxy's header alone promises nothing, but the proxies forget the session. */
	agree(t, interval_s, ours, knows, now_us);
	*ret_words = w;
}

/* ---- time ---- */

void session_timer_sent(struct session_timer *t)
{
	t->refresh_us = 0;
}

void session_timer_retry(struct session_timer *t, uint64_t at_us)
{
	if (t->interval_s && t->we_refresh)
		t->refresh_us = at_us;
}

void session_timer_skip(struct session_timer *t, uint64_t now_us)
{
	session_timer_retry(t, now_us + t->interval_s * 500000ull);
}

unsigned session_timer_retry_ms(const struct session_timer *t, uint64_t now_us)
{
	uint64_t left_ms = t->expires_us > now_us ? (t->expires_us - now_us) / 1000 : t->interval_s * 1000ull;
	uint64_t ms = left_ms / 4;

	if (ms < RETRY_MIN_MS)
		return RETRY_MIN_MS;
	return ms > RETRY_MAX_MS ? RETRY_MAX_MS : (unsigned)ms;
}

enum session_due session_timer_due(const struct session_timer *t, uint64_t now_us, uint64_t *ret_at_us)
{
	*ret_at_us = 0;
	if (t->expires_us && now_us >= t->expires_us)
		return SESSION_DUE_END;
	if (t->refresh_us && now_us >= t->refresh_us)
		return SESSION_DUE_REFRESH;
	*ret_at_us = t->refresh_us ? t->refresh_us : t->expires_us;
	if (t->expires_us && t->expires_us < *ret_at_us)
		*ret_at_us = t->expires_us;
	return SESSION_DUE_NOTHING;
}

void session_words_write(const struct session_words *w, char *dst, size_t cap)
{
	static const char *const parameters[] = {"", ";refresher=uac", ";refresher=uas"};
	struct strbuf sb;

	strbuf_init(&sb, dst, cap);
	if (w->expires_s)
		strbuf_printf(&sb, "Session-Expires: %u%s\r\n", w->expires_s, parameters[w->refresher]);
	if (w->min_se_s)
		strbuf_printf(&sb, "Min-SE: %u\r\n", w->min_se_s);
	if (w->require)
		strbuf_put(&sb, "Require: timer\r\n");
}
