/* tools/loadgen/load_internal.h -- shared by load.c, load_calls.c and load_ask.c only */
#ifndef TOOLS_LOADGEN_LOAD_INTERNAL_H
#define TOOLS_LOADGEN_LOAD_INTERNAL_H

#include "lib/loop/loop.h"
#include "tools/loadgen/ear.h"
#include "tools/loadgen/load.h"
#include "tools/loadgen/sip_answerer.h"
#include "tools/metasim/meta.h"

#include <jansson.h>
#include <uthash.h>

enum load_stage {
	LOAD_READY,
	LOAD_RAMP_LOW,
	LOAD_HOLD_LOW,
	LOAD_RAMP,
	LOAD_SETTLE,
	LOAD_STEADY,
	LOAD_ENDING,
	LOAD_DRAIN,
	LOAD_LINGER,
	LOAD_DONE
};

struct load_counts {
	uint64_t user_tx, user_rx, agent_tx, agent_rx;
};

struct load_call {
	struct load *load;
	unsigned number;
	char wacid[META_WACID_MAX];
	UT_hash_handle hh;
	bool probed, started, flowing, ended, window_open, window_shut;
	uint64_t flowing_us;
	struct load_counts now, first, last; /* all so far; at the window's two ends */
	struct answered_call *agent;         /* while it lives */
	struct answered_report agent_rep;
	struct delay_line to_agent, to_user;
	struct ear *ear[2]; /* enum ear_kind; NULL: nobody listens to this call */
};

struct load {
	struct loop *loop;
	struct load_conf conf;
	const struct target *target;
	struct meta *meta;
	struct sip_answerer *agent;
	struct http_client *http;
	struct meta_observer observer;
	struct load_call *calls; /* [conf.calls], by number - 1 */
	struct load_call *by_wacid;
	struct loop_timer tick;
	enum load_stage stage;
	uint64_t stage_us, last_tick_us, next_rise_us, first_flow_us, steady_us, ended_us, ask_us;
	unsigned steady_started;         /* calls begun before the steady window */
	double live_us;                  /* sum of live calls over time, in the steady window */
	unsigned asking;                 /* requests under way */
	unsigned ears;                   /* calls that are listened to */
	bool healthy, counted, all_done; /* counted: the counters were read once, before the first call */
	uint64_t slow_before;
	struct proc_cpu cpu_from, own_from;
	struct load_result res;
};

/* load_calls.c: the calls, as both ends report them */
struct meta_observer load_observer(struct load *ld);
void *load_on_invite(struct answered_call *call, const char *wa_call_id, struct answered_wish *ret_wish, void *arg);
void load_on_agent_sent(void *handle, size_t packet);
void load_on_agent_heard(void *handle, const struct rtp_hdr *hdr, const uint8_t *payload);
void load_on_agent_end(void *handle, const struct answered_report *report);
void load_on_call_done(const struct meta_call_report *report, void *arg);
/* How many calls hear on both sides now; opens the windows in which losses are counted. */
unsigned load_look_at_calls(struct load *ld, uint64_t now_us);
void load_shut_windows(struct load *ld);
/* Is what was heard what was said? Takes some time for each call that was listened to: not while others are up. */
void load_judge_ears(struct load *ld);

/* load_ask.c: what watrunk's admin interface tells */
void load_ask_health(struct load *ld);
void load_ask_counters(struct load *ld);
void load_ask_history(struct load *ld);

#endif
