/* permission/permission.h
 *
 * May this WhatsApp user be called, may he be asked? One entry for each (business number, user) pair, as far as we
 * know; pure: time comes in, nothing goes out. The shell keeps the entries (store/, b2bua/app/permissions.c) and asks
 * Meta where they are silent or old. Meta's rules (Meta, "User call permissions", limits of Nov 2025): permission lasts
 * 7 days or for good; at most 1 request a day and 2 in 7 days, counted anew after a connected call; 100 connected calls
 * in 24 h; 4 unanswered calls in a row withdraw the permission. Limits are configurable because Meta changes them.
 */
#ifndef PERMISSION_PERMISSION_H
#define PERMISSION_PERMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum permission_status { PERMISSION_UNKNOWN, PERMISSION_NONE, PERMISSION_TEMPORARY, PERMISSION_PERMANENT };
enum permission_source {
	PERMISSION_FROM_NOTHING,
	PERMISSION_FROM_QUERY,   /* GET call_permissions */
	PERMISSION_FROM_USER,    /* his reply, or his business-profile setting */
	PERMISSION_FROM_CALL,    /* automatic: he called us */
	PERMISSION_FROM_OUTCOME, /* a call of ours: Meta refused it, or it was the 4th unanswered */
};
const char *permission_status_name(enum permission_status s); /* "unknown" "none" "temporary" "permanent" */
int permission_status_parse(const char *text, enum permission_status *ret_status);
const char *permission_source_name(enum permission_source s);
int permission_source_parse(const char *text, enum permission_source *ret_source);

enum { PERMISSION_CONNECTED_MAX = 100, PERMISSION_USER_MAX = 64 };

struct permission {
	char number_id[40];             /* business number: Meta's phone_number_id */
	char user[PERMISSION_USER_MAX]; /* "+E.164" or BSUID */
	enum permission_status status;
	enum permission_source source;
	uint64_t expires_ms;      /* TEMPORARY: until when; else 0 */
	uint64_t checked_ms;      /* when the status was last learned */
	uint64_t requested_ms[2]; /* newest first; 0: never. Forgotten at a connected call */
	bool request_pending;     /* asked, not answered */
	unsigned unanswered;      /* calls in a row that he did not answer */
	uint64_t window_start_ms; /* connected calls are counted in 24 h from here on */
	unsigned connected;
	uint64_t blocked_until_ms; /* Meta said so (138012, 138009): no call before; 0 none */
	uint64_t request_blocked_until_ms;
	uint64_t last_message_ms; /* he wrote to us: opens the 24 h customer-service window; 0 never */
};

/* 0: not counted here, Meta alone decides; likewise more than 2 requests. */
struct permission_limits {
	unsigned requests_per_day, requests_per_week, connected_per_day, unanswered_max; /* 1, 2, 100, 4 */
	uint64_t fresh_ms; /* how long a NONE or UNKNOWN is believed before Meta is asked again: 60000 */
};
extern const struct permission_limits permission_limits_meta;

enum permission_verdict {
	PERMISSION_CALL,     /* go on */
	PERMISSION_ASK_META, /* we do not know (any more): query first */
	PERMISSION_MISSING,  /* he has not allowed it, or it has expired */
	PERMISSION_LIMIT,    /* allowed, but a limit is reached; until: ret_until_ms */
};
/* why: for people, English, without names; never NULL. ret_until_ms: when a limit ends, 0 unknown. */
enum permission_verdict permission_may_call(const struct permission *p, const struct permission_limits *l,
	uint64_t now_ms, const char **ret_why, uint64_t *ret_until_ms);
/* CALL: he may be asked now. LIMIT, or MISSING in the sense of "no need": he has allowed it, or a request is open. */
enum permission_verdict permission_may_request(const struct permission *p, const struct permission_limits *l,
	uint64_t now_ms, const char **ret_why, uint64_t *ret_until_ms);
/* A free-form message may be sent: he wrote, or called, within 24 h. */
bool permission_window_open(const struct permission *p, uint64_t now_ms);

/* What changed for the world: at most one event. */
enum permission_change {
	PERMISSION_UNCHANGED,
	PERMISSION_GRANTED,
	PERMISSION_DENIED, /* he refused a request */
	PERMISSION_EXPIRED,
	PERMISSION_REVOKED, /* it was there and was taken away */
};
const char *permission_change_name(enum permission_change c); /* "granted" ... */

void permission_init(struct permission *p, const char *number_id, const char *user);
/* expires_ms and the rest as Meta gave them; 0 where absent. UNKNOWN: the question was in vain (no answer, 613): what
 * was known stays, and for fresh_ms a user of whom nothing is known may be called, because Meta checks the call as
 * well. */
enum permission_change permission_on_query(struct permission *p, enum permission_status status, uint64_t expires_ms,
	uint64_t call_limit_until_ms, uint64_t request_limit_until_ms, uint64_t now_ms);
enum permission_change permission_on_reply(
	struct permission *p, bool accepted, bool permanent, uint64_t expires_ms, bool automatic, uint64_t now_ms);
/* Meta has taken the request. He may answer it for 7 days. */
void permission_on_requested(struct permission *p, uint64_t now_ms);
/* Meta refused the request: 138009 (limit), 138017 (permanent permission exists). */
enum permission_change permission_on_request_refused(struct permission *p, int meta_code, uint64_t now_ms);
/* UNANSWERED: nobody picked up, or he declined; not when our side gave up before Meta said RINGING. */
enum permission_outcome { PERMISSION_CALL_CONNECTED, PERMISSION_CALL_UNANSWERED, PERMISSION_CALL_REFUSED_BY_META };
/* meta_code for the last: 138006 no permission, 138012 limit. until_ms: from its details, 0 unknown. */
enum permission_change permission_on_call(struct permission *p, enum permission_outcome outcome, int meta_code,
	uint64_t until_ms, const struct permission_limits *l, uint64_t now_ms);
void permission_on_message(struct permission *p, uint64_t now_ms);
/* Has a temporary permission run out since? Once. */
enum permission_change permission_on_time(struct permission *p, uint64_t now_ms);

#endif
