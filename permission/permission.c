/* permission/permission.c
 *
 * What is known of one user's permission, and what follows from it:
 *
 *   UNKNOWN --query, reply--> NONE | TEMPORARY | PERMANENT
 *   TEMPORARY --its time--> NONE            no webhook tells it (Meta: "User call permissions"): permission_on_time()
 *   TEMPORARY, PERMANENT --4 calls in a row unanswered, 138006, his refusal--> NONE
 *
 * What is allowed is believed until Meta refuses a call: a wrong yes costs one refused request. What is not allowed is
 * believed for fresh_ms only: a wrong no would cost a call.
 */
#include "permission/permission.h"

#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

#define MINUTE_MS (60ULL * 1000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

/* Meta: "User call permissions" and "Error codes", Nov 2025 */
#define TEMPORARY_MS    (7 * DAY_MS) /* from his approval */
#define REQUEST_LIFE_MS (7 * DAY_MS) /* he may answer a request that long */
#define REQUEST_DAY_MS  DAY_MS
#define REQUEST_WEEK_MS (7 * DAY_MS)
#define CONNECTED_MS    DAY_MS
#define WINDOW_MS       DAY_MS       /* customer-service window */
#define BLOCK_MAX_MS    (7 * DAY_MS) /* the longest time any limit counts over: nothing believable ends later */
#define BLOCK_GUESS_MS  HOUR_MS      /* Meta refused a call without saying until when; trying again costs a request */

enum {
	ERROR_NO_PERMISSION = 138006,
	ERROR_REQUEST_LIMIT = 138009,
	ERROR_CALL_LIMIT = 138012,
	ERROR_PERMANENT_EXISTS = 138017,
};

enum { REQUESTS_KEPT = 2 };

const struct permission_limits permission_limits_meta = {
	.requests_per_day = 1,
	.requests_per_week = 2,
	.connected_per_day = PERMISSION_CONNECTED_MAX,
	.unanswered_max = 4,
	.fresh_ms = MINUTE_MS,
};

/* ---- names ---- */

static const char *const status_names[] = {"unknown", "none", "temporary", "permanent"};
static const char *const source_names[] = {"nothing", "query", "user", "call", "outcome"};
static const char *const change_names[] = {"unchanged", "granted", "denied", "expired", "revoked"};

static int name_find(const char *const *names, size_t count, const char *text, unsigned *ret_index)
{
	for (size_t i = 0; text && i < count; i++) {
		if (str_equal(names[i], text)) {
			*ret_index = (unsigned)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *permission_status_name(enum permission_status s)
{
	return status_names[s];
}

int permission_status_parse(const char *text, enum permission_status *ret_status)
{
	unsigned i;
	int r = name_find(status_names, sizeof(status_names) / sizeof(status_names[0]), text, &i);
	if (r == 0)
		*ret_status = (enum permission_status)i;
	return r;
}

const char *permission_source_name(enum permission_source s)
{
	return source_names[s];
}

int permission_source_parse(const char *text, enum permission_source *ret_source)
{
	unsigned i;
	int r = name_find(source_names, sizeof(source_names) / sizeof(source_names[0]), text, &i);
	if (r == 0)
		*ret_source = (enum permission_source)i;
	return r;
}

const char *permission_change_name(enum permission_change c)
{
	return change_names[c];
}

/* ---- time ---- */

static uint64_t later(uint64_t ms, uint64_t by_ms)
{
	return ms > UINT64_MAX - by_ms ? UINT64_MAX : ms + by_ms;
}

/* Did it happen (0: never), and less than period_ms ago? */
static bool within(uint64_t when_ms, uint64_t period_ms, uint64_t now_ms)
{
	return when_ms && (now_ms < when_ms || now_ms - when_ms < period_ms);
}

/* The end of a limit as Meta gave it: nothing when it is over, and no nonsense that would never end. */
static uint64_t limit_end(uint64_t until_ms, uint64_t now_ms)
{
	uint64_t last = later(now_ms, BLOCK_MAX_MS);
	if (until_ms <= now_ms)
		return 0;
	return until_ms < last ? until_ms : last;
}

static bool is_fresh(const struct permission *p, const struct permission_limits *l, uint64_t now_ms)
{
	return within(p->checked_ms, l->fresh_ms, now_ms);
}

static bool has_expired(const struct permission *p, uint64_t now_ms)
{
	return p->status == PERMISSION_TEMPORARY && p->expires_ms <= now_ms;
}

static bool is_allowed(const struct permission *p, uint64_t now_ms)
{
	return p->status == PERMISSION_PERMANENT || (p->status == PERMISSION_TEMPORARY && !has_expired(p, now_ms));
}

static bool request_is_open(const struct permission *p, uint64_t now_ms)
{
	return p->request_pending && within(p->requested_ms[0], REQUEST_LIFE_MS, now_ms);
}

/* ---- questions ---- */

/* Connected calls are counted from the first on, for 24 h. */
static uint64_t connected_limit_end(const struct permission *p, const struct permission_limits *l, uint64_t now_ms)
{
	if (!l->connected_per_day || p->connected < l->connected_per_day)
		return 0;
	return within(p->window_start_ms, CONNECTED_MS, now_ms) ? later(p->window_start_ms, CONNECTED_MS) : 0;
}

static enum permission_verdict verdict_of_limit(const struct permission *p, const struct permission_limits *l,
	uint64_t now_ms, const char **why, uint64_t *until)
{
	uint64_t counted = connected_limit_end(p, l, now_ms);

	if (p->blocked_until_ms > now_ms && p->blocked_until_ms >= counted) {
		*why = "Meta has refused further calls to this user for now";
		*until = p->blocked_until_ms;
	} else if (counted) {
		*why = "as many calls were connected with this user in 24 hours as Meta allows";
		*until = counted;
	} else {
		return PERMISSION_CALL;
	}
	return PERMISSION_LIMIT;
}

enum permission_verdict permission_may_call(const struct permission *p, const struct permission_limits *l,
	uint64_t now_ms, const char **ret_why, uint64_t *ret_until_ms)
{
	bool fresh = is_fresh(p, l, now_ms);

	*ret_until_ms = 0;
	if (is_allowed(p, now_ms)) {
		*ret_why = p->status == PERMISSION_PERMANENT ? "the user has allowed calls for good"
							     : "the user has allowed calls for some days";
		return verdict_of_limit(p, l, now_ms, ret_why, ret_until_ms);
	}
	if (p->status == PERMISSION_UNKNOWN) {
		/* Asked in vain: Meta checks the call itself, and says 138006 where there is no permission. */
		*ret_why = "Meta could not say whether the user has allowed calls";
		if (verdict_of_limit(p, l, now_ms, ret_why, ret_until_ms) == PERMISSION_LIMIT)
			return PERMISSION_LIMIT;
		if (fresh)
			return PERMISSION_CALL;
		*ret_why = "it is not known whether the user has allowed calls";
		return PERMISSION_ASK_META;
	}
	*ret_why = has_expired(p, now_ms) ? "the user's permission has expired" : "the user has not allowed calls";
	return fresh ? PERMISSION_MISSING : PERMISSION_ASK_META;
}

/* When the oldest of the last `max` requests no longer counts; 0: another one is allowed. More than are kept cannot be
 * counted here: then Meta counts (138009). */
static uint64_t request_limit_end(const struct permission *p, unsigned max, uint64_t period_ms, uint64_t now_ms)
{
	if (!max || max > REQUESTS_KEPT || !within(p->requested_ms[max - 1], period_ms, now_ms))
		return 0;
	return later(p->requested_ms[max - 1], period_ms);
}

enum permission_verdict permission_may_request(const struct permission *p, const struct permission_limits *l,
	uint64_t now_ms, const char **ret_why, uint64_t *ret_until_ms)
{
	uint64_t day = request_limit_end(p, l->requests_per_day, REQUEST_DAY_MS, now_ms);
	uint64_t week = request_limit_end(p, l->requests_per_week, REQUEST_WEEK_MS, now_ms);
	uint64_t counted = day > week ? day : week;

	*ret_until_ms = 0;
	if (is_allowed(p, now_ms)) {
		*ret_why = "the user has allowed calls already";
		return PERMISSION_MISSING;
	}
	if (request_is_open(p, now_ms)) {
		*ret_why = "the user has been asked and has not answered yet";
		return PERMISSION_MISSING;
	}
	if (p->request_blocked_until_ms > now_ms && p->request_blocked_until_ms >= counted) {
		*ret_why = "Meta has refused further requests to this user for now";
		*ret_until_ms = p->request_blocked_until_ms;
		return PERMISSION_LIMIT;
	}
	if (counted) {
		*ret_why = "the user was asked as often as Meta allows";
		*ret_until_ms = counted;
		return PERMISSION_LIMIT;
	}
	*ret_why = "the user may be asked";
	return PERMISSION_CALL;
}

bool permission_window_open(const struct permission *p, uint64_t now_ms)
{
	return within(p->last_message_ms, WINDOW_MS, now_ms);
}

/* ---- what happened ---- */

void permission_init(struct permission *p, const char *number_id, const char *user)
{
	memset(p, 0, sizeof(*p));
	(void)str_copy(p->number_id, sizeof(p->number_id), number_id);
	(void)str_copy(p->user, sizeof(p->user), user);
}

static void learn(struct permission *p, enum permission_status status, enum permission_source source,
	uint64_t expires_ms, uint64_t now_ms)
{
	bool was_allowed = is_allowed(p, now_ms);

	p->status = status;
	p->source = source;
	p->expires_ms = status == PERMISSION_TEMPORARY ? expires_ms : 0;
	p->checked_ms = now_ms;
	if (!is_allowed(p, now_ms))
		return;
	p->request_pending = false;
	if (!was_allowed)
		p->unanswered = 0; /* a new permission; or Meta counts differently than we did */
}

/* He has no permission (any more). */
static enum permission_change learn_none(struct permission *p, enum permission_source source, uint64_t now_ms)
{
	bool allowed = is_allowed(p, now_ms), expired = has_expired(p, now_ms);

	if (p->status != PERMISSION_NONE || p->source == PERMISSION_FROM_NOTHING)
		p->source = source;
	learn(p, PERMISSION_NONE, p->source, 0, now_ms);
	if (allowed)
		return PERMISSION_REVOKED;
	return expired ? PERMISSION_EXPIRED : PERMISSION_UNCHANGED;
}

static enum permission_change query_says_allowed(
	struct permission *p, enum permission_status status, uint64_t expires_ms, uint64_t now_ms)
{
	bool was_allowed = is_allowed(p, now_ms);
	/* Learning for the first time what was so before is no news, unless we have asked him. */
	bool news = !was_allowed && (p->status != PERMISSION_UNKNOWN || p->request_pending);
	bool same = was_allowed && status == p->status;

	if (status == PERMISSION_TEMPORARY && !expires_ms)
		expires_ms = same ? p->expires_ms : later(now_ms, TEMPORARY_MS);
	learn(p, status, same && p->expires_ms == expires_ms ? p->source : PERMISSION_FROM_QUERY, expires_ms, now_ms);
	return news ? PERMISSION_GRANTED : PERMISSION_UNCHANGED;
}

enum permission_change permission_on_query(struct permission *p, enum permission_status status, uint64_t expires_ms,
	uint64_t call_limit_until_ms, uint64_t request_limit_until_ms, uint64_t now_ms)
{
	if (status == PERMISSION_UNKNOWN) {
		p->checked_ms = now_ms;
		return PERMISSION_UNCHANGED;
	}
	p->blocked_until_ms = limit_end(call_limit_until_ms, now_ms);
	p->request_blocked_until_ms = limit_end(request_limit_until_ms, now_ms);
	if (status == PERMISSION_NONE || (status == PERMISSION_TEMPORARY && expires_ms && expires_ms <= now_ms))
		return learn_none(p, PERMISSION_FROM_QUERY, now_ms);
	return query_says_allowed(p, status, expires_ms, now_ms);
}

static enum permission_change on_accepted(
	struct permission *p, bool permanent, uint64_t expires_ms, bool automatic, uint64_t now_ms)
{
	enum permission_status status = permanent ? PERMISSION_PERMANENT : PERMISSION_TEMPORARY;
	bool was_allowed = is_allowed(p, now_ms), answered = p->request_pending;

	if (permanent)
		expires_ms = 0;
	else if (!expires_ms)
		expires_ms = later(now_ms, TEMPORARY_MS);
	else if (expires_ms <= now_ms)
		return PERMISSION_UNCHANGED; /* delivered a week late: over again */
	/* That he called us gives 7 days; it takes nothing from somebody who has allowed more. */
	if (automatic && was_allowed && (p->status == PERMISSION_PERMANENT || p->expires_ms >= expires_ms)) {
		status = p->status;
		expires_ms = p->expires_ms;
	}
	if (was_allowed && !answered && p->status == status && p->expires_ms == expires_ms)
		return PERMISSION_UNCHANGED;
	p->unanswered = 0;
	learn(p, status, automatic ? PERMISSION_FROM_CALL : PERMISSION_FROM_USER, expires_ms, now_ms);
	return PERMISSION_GRANTED;
}

enum permission_change permission_on_reply(
	struct permission *p, bool accepted, bool permanent, uint64_t expires_ms, bool automatic, uint64_t now_ms)
{
	enum permission_change change;

	if (accepted)
		return on_accepted(p, permanent, expires_ms, automatic, now_ms);
	if (automatic) { /* taken away after too many unanswered calls; we may have counted that already */
		p->unanswered = 0;
		return learn_none(p, PERMISSION_FROM_OUTCOME, now_ms);
	}
	p->request_pending = false;
	change = learn_none(p, PERMISSION_FROM_USER, now_ms);
	p->source = PERMISSION_FROM_USER;
	return change == PERMISSION_REVOKED ? change : PERMISSION_DENIED;
}

void permission_on_requested(struct permission *p, uint64_t now_ms)
{
	p->requested_ms[1] = p->requested_ms[0];
	p->requested_ms[0] = now_ms;
	p->request_pending = !is_allowed(p, now_ms); /* his answer may overtake Meta's to our request */
}

enum permission_change permission_on_request_refused(struct permission *p, int meta_code, uint64_t now_ms)
{
	bool was_allowed = is_allowed(p, now_ms);

	/* With one open we would not have asked, unless two were on their way at the same time and Meta took the other.
	 */
	if (!within(p->requested_ms[0], MINUTE_MS, now_ms))
		p->request_pending = false;
	if (meta_code == ERROR_REQUEST_LIMIT)
		p->request_blocked_until_ms = later(now_ms, REQUEST_DAY_MS);
	if (meta_code != ERROR_PERMANENT_EXISTS)
		return PERMISSION_UNCHANGED;
	learn(p, PERMISSION_PERMANENT, PERMISSION_FROM_QUERY, 0, now_ms);
	return was_allowed ? PERMISSION_UNCHANGED : PERMISSION_GRANTED;
}

static enum permission_change on_connected(struct permission *p, uint64_t now_ms)
{
	p->unanswered = 0;
	p->requested_ms[0] = p->requested_ms[1] = 0;
	p->request_blocked_until_ms = 0;
	p->request_pending = false;
	if (!within(p->window_start_ms, CONNECTED_MS, now_ms)) {
		p->window_start_ms = now_ms;
		p->connected = 0;
	}
	if (p->connected < UINT32_MAX)
		p->connected++;
	if (p->status == PERMISSION_NONE) /* that cannot have been right */
		p->status = PERMISSION_UNKNOWN;
	return PERMISSION_UNCHANGED;
}

static enum permission_change on_unanswered(struct permission *p, const struct permission_limits *l, uint64_t now_ms)
{
	enum permission_change change;
	bool unknown = p->status == PERMISSION_UNKNOWN;

	if (p->unanswered < UINT32_MAX)
		p->unanswered++;
	if (!l->unanswered_max || p->unanswered < l->unanswered_max)
		return PERMISSION_UNCHANGED;
	change = learn_none(p, PERMISSION_FROM_OUTCOME, now_ms);
	return unknown ? PERMISSION_REVOKED : change; /* his phone rang: it was there, though we had not been told */
}

static enum permission_change on_refused(struct permission *p, int meta_code, uint64_t until_ms, uint64_t now_ms)
{
	uint64_t guess = later(now_ms, BLOCK_GUESS_MS), window_end = later(p->window_start_ms, CONNECTED_MS);

	if (meta_code == ERROR_NO_PERMISSION)
		return learn_none(p, PERMISSION_FROM_OUTCOME, now_ms);
	if (meta_code == ERROR_CALL_LIMIT) {
		if (within(p->window_start_ms, CONNECTED_MS, now_ms) && window_end < guess)
			guess = window_end;
		p->blocked_until_ms = limit_end(until_ms, now_ms);
		if (!p->blocked_until_ms)
			p->blocked_until_ms = guess;
	}
	return PERMISSION_UNCHANGED;
}

enum permission_change permission_on_call(struct permission *p, enum permission_outcome outcome, int meta_code,
	uint64_t until_ms, const struct permission_limits *l, uint64_t now_ms)
{
	switch (outcome) {
	case PERMISSION_CALL_CONNECTED: return on_connected(p, now_ms);
	case PERMISSION_CALL_UNANSWERED: return on_unanswered(p, l, now_ms);
	case PERMISSION_CALL_REFUSED_BY_META: return on_refused(p, meta_code, until_ms, now_ms);
	}
	return PERMISSION_UNCHANGED;
}

void permission_on_message(struct permission *p, uint64_t now_ms)
{
	if (p->last_message_ms < now_ms)
		p->last_message_ms = now_ms;
}

enum permission_change permission_on_time(struct permission *p, uint64_t now_ms)
{
	if (!has_expired(p, now_ms))
		return PERMISSION_UNCHANGED;
	/* checked_ms stays: nobody has told us since, and he may have allowed it anew elsewhere. */
	p->status = PERMISSION_NONE;
	p->expires_ms = 0;
	return PERMISSION_EXPIRED;
}
