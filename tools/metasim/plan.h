/* tools/metasim/plan.h
 *
 * What metasim is to do: a JSON file (tests/scenario has some; docs/metasim.md lists the keys), or options that set the
 * same things.
 */
#ifndef TOOLS_METASIM_PLAN_H
#define TOOLS_METASIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plan_verb { PLAN_PRE_ACCEPT, PLAN_ACCEPT, PLAN_REJECT, PLAN_TERMINATE, PLAN_VERBS };

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
		bool batched; /* connect and an unknown event in one POST */
	} webhook;
	struct {
		unsigned fail_code, fail_http; /* answered instead of 200; 0: not */
		unsigned fail_times;           /* so many requests of the verb; 0: all */
		unsigned delay_ms;
		bool drop;           /* done, but the answer is never sent */
		unsigned drop_times; /* so many answers of the verb; 0: all */
	} graph[PLAN_VERBS];
};

void plan_init(struct plan *p);
/* Returns 0 or -EINVAL with why. Unknown keys are errors: a misspelt fault is a test that tests nothing. */
int plan_read(struct plan *p, const char *path, char *why, size_t why_cap);

#endif
