/* tools/metasim/plan.h
 *
 * What metasim is to do: a JSON file (tests/scenario has some; docs/metasim.md lists the keys), or options that set the
 * same things.
 */
#ifndef TOOLS_METASIM_PLAN_H
#define TOOLS_METASIM_PLAN_H

#include "tools/metasim/plan_user.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Requests of the Graph API: the actions of a call, then messages and the question for permission. */
enum plan_verb {
	PLAN_PRE_ACCEPT,
	PLAN_ACCEPT,
	PLAN_REJECT,
	PLAN_TERMINATE,
	PLAN_CONNECT,
	PLAN_MESSAGES,
	PLAN_CALL_PERMISSIONS,
	PLAN_VERBS
};
/* setup in the answer to a business's offer. ACTPASS is illegal there, and has been seen. */
enum plan_dtls { PLAN_DTLS_PASSIVE, PLAN_DTLS_ACTIVE, PLAN_DTLS_ACTPASS };
/* A webhook of a business-initiated call that never comes. */
enum plan_lose { PLAN_LOSE_NOTHING, PLAN_LOSE_CONNECT, PLAN_LOSE_RINGING, PLAN_LOSE_ACCEPTED, PLAN_LOSE_TERMINATE };

enum { PLAN_TEMPLATES_MAX = 8, PLAN_CALLS_PER_DAY_MAX = 1000 };

struct plan_template {
	char name[64], language[16];
	unsigned parameters; /* of the body */
	bool permission_request;
};

struct plan {
	char webhook_url[256], app_secret[128], token[256];
	char number_id[40], number[24], user[24], user_id[64], name[64], payload[128];
	char say[256], hear[256];    /* WAV to say; WAV to write ("%d" is the call's number); "" : none */
	unsigned calls, interval_ms; /* how many, one every so many ms */
	unsigned at_once;            /* with interval_ms 0: so many live at any time; the next starts when one ends */
	unsigned talk_ms;            /* the user hangs up this long after accept; 0: never */
	unsigned give_up_ms;  /* the user gives up this long after the webhook when not accepted; 0: Meta's window of 60
				 s */
	unsigned no_media_ms; /* 138021 after so long without media: 20000 at the start, 30000 later */
	double loss;          /* of media packets, each way */
	char dtmf[32];
	struct {
		unsigned duplicates;  /* further copies of every webhook */
		unsigned delay_ms;    /* every webhook comes so much later */
		bool terminate_first; /* `terminate` overtakes `connect` */
		bool terminate_only;  /* `connect` is lost */
		double drop;          /* share of webhooks that never come (terminate too) */
		unsigned age_s;       /* time stamp so far in the past */
		bool no_identity;     /* no from, no wa_id: business-scoped id only */
		bool bad_signature;
		bool batched;        /* connect and an unknown event in one POST */
		unsigned reorder_ms; /* every other webhook comes so much later: the next one overtakes it */
		unsigned retries;    /* how often a messages webhook is sent again that was not answered 200 */
		unsigned retry_ms;   /* after so long; doubles up to a second */
	} webhook;
	struct {
		unsigned fail_code, fail_http; /* answered instead of 200; 0: not */
		unsigned fail_times;           /* so many requests of the verb; 0: all */
		unsigned delay_ms;
		bool drop;           /* done, but the answer is never sent */
		unsigned drop_times; /* so many answers of the verb; 0: all */
	} graph[PLAN_VERBS];
	struct {
		unsigned calls;               /* so many business-initiated calls must have ended before the end */
		bool connect_before_response; /* the webhook is answered before the POST is */
		unsigned connect_after_ms;    /* else: so long after it */
		unsigned dtls;                /* enum plan_dtls */
		unsigned ring_ms;             /* the phone rings so long */
		unsigned lose;                /* enum plan_lose */
	} outbound;
	struct { /* Meta's numbers, see plan_init() */
		unsigned calls_per_day, concurrent, requests_per_day, requests_per_week, unanswered, permission_s;
	} limits;
	struct plan_template templates[PLAN_TEMPLATES_MAX];
	size_t template_count;
	bool statuses;      /* of messages: sent, delivered */
	bool serve;         /* go on until told to stop */
	unsigned linger_ms; /* go on for so long after the last thing happened */
	struct plan_user *users;
	size_t user_count;
};

void plan_init(struct plan *p);
void plan_done(struct plan *p);
/* Returns 0 or -EINVAL with why. Unknown keys are errors: a misspelt fault is a test that tests nothing. */
int plan_read(struct plan *p, const char *path, char *why, size_t why_cap);

#endif
