/* b2bua/sip/session_timer.h
 *
 * The session timer of one dialog (RFC 4028): what requests and answers say of it, who refreshes, and when what is due.
 * Pure: the clock is an argument.
 *
 *   the request is ours    session_timer_ask() -> [422: session_timer_too_small()] -> session_timer_answered()
 *   it is the peer's       session_timer_check() -> session_timer_answer()
 *   meanwhile              session_timer_due()
 */
#ifndef B2BUA_SIP_SESSION_TIMER_H
#define B2BUA_SIP_SESSION_TIMER_H

#include "b2bua/sip/dialog_policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum session_refresher { SESSION_REFRESHER_NONE, SESSION_REFRESHER_UAC, SESSION_REFRESHER_UAS };

/* What one message says of it. */
struct session_words {
	unsigned expires_s;               /* Session-Expires; 0: none */
	enum session_refresher refresher; /* its parameter */
	unsigned min_se_s;                /* Min-SE; 0: none */
	bool supported;                   /* Supported or Require has "timer" */
	bool require;                     /* Require has it */
};

struct session_timer {
	struct sip_dialog_policy policy; /* min_se_s not 0 */
	unsigned interval_s;             /* agreed on; 0: none */
	unsigned floor_s;                /* largest Min-SE heard of the peer and its proxies */
	unsigned refusals;               /* 422 to what we ask now */
	bool we_refresh;
	bool promised;       /* the peer keeps the timer, too: without a refresh the session ends */
	uint64_t expires_us; /* when we say BYE; 0: never */
	uint64_t refresh_us; /* when a refresh of ours is due; 0: none */
};

void session_timer_init(struct session_timer *t, const struct sip_dialog_policy *policy, unsigned default_min_se_s);

/* For an INVITE or UPDATE of ours. */
void session_timer_ask(const struct session_timer *t, struct session_words *ret_words);
/* Its 422. Returns 0: ask again, with more; -EINVAL: that leads nowhere. */
int session_timer_too_small(struct session_timer *t, unsigned min_se_s);
/* Its 2xx. */
void session_timer_answered(struct session_timer *t, const struct session_words *answer, uint64_t now_us);

/* The peer's INVITE or UPDATE. Returns 0, or 422: to be refused, with Min-SE policy.min_se_s. */
int session_timer_check(const struct session_timer *t, const struct session_words *request);
/* We answer it with 2xx now. */
void session_timer_answer(
	struct session_timer *t, const struct session_words *request, uint64_t now_us, struct session_words *ret_words);

/* A refresh of ours is out: none is due until it is answered. */
void session_timer_sent(struct session_timer *t);
/* A refresh of ours failed without consequence, or must wait: again not before then. */
void session_timer_retry(struct session_timer *t, uint64_t at_us);
/* The same, later, as if it had succeeded: nobody depends on it. */
void session_timer_skip(struct session_timer *t, uint64_t now_us);
/* How soon to try again after a failure that says nothing of when. */
unsigned session_timer_retry_ms(const struct session_timer *t, uint64_t now_us);

enum session_due { SESSION_DUE_NOTHING, SESSION_DUE_REFRESH, SESSION_DUE_END };
/* What is due now; NOTHING: *ret_at_us says when something will be, 0: never. */
enum session_due session_timer_due(const struct session_timer *t, uint64_t now_us, uint64_t *ret_at_us);

/* Header lines for these words: "Session-Expires: 90;refresher=uac\r\nMin-SE: 90\r\nRequire: timer\r\n". "" without
 * any. */
void session_words_write(const struct session_words *w, char *dst, size_t cap);

#endif
