/* tools/loadgen/load.h
 *
 * One run: calls begun at a pace, held, measured and ended. The user's side is tools/metasim, the agent's side
 * sip_answerer; both live on one loop with the measurements, so that one clock judges all. Owner: the loop's thread.
 *
 *   ready -> ramp to `low` -> hold -> ramp to `at_once` -> settle -> steady -> ending -> draining -> done
 *
 * When calls == at_once every call lives through the steady window (memory and processor time of a fixed number of
 * calls); when calls > at_once each call ends after talk_ms and another takes its place (set-up under load); with a
 * pace they come as from callers, who do not wait for each other: what is slow then shows in the times, not in the
 * number.
 */
#ifndef TOOLS_LOADGEN_LOAD_H
#define TOOLS_LOADGEN_LOAD_H

#include "lib/base/addr.h"
#include "tools/loadgen/delay.h"
#include "tools/loadgen/proc.h"
#include "tools/loadgen/samples.h"
#include "tools/loadgen/target.h"
#include "tools/metasim/plan.h"

#include <stdbool.h>

struct loop;
struct load;

struct load_conf {
	struct plan *plan; /* webhook_url, secrets and numbers set; the pace is set by the run */
	struct addr graph_listen, agent_listen;
	unsigned calls, at_once;
	unsigned low;         /* hold at so many first, for the memory slope; 0: do not */
	double rate;          /* new calls a second while the number rises */
	unsigned pace;        /* new calls a second, whatever became of those before; 0: as above */
	unsigned talk_ms;     /* of the steady window, or of each call when they come and go */
	unsigned ring_ms;     /* the agent's */
	unsigned probe_every; /* every n-th call says tone bursts, for delay; 0: none */
	unsigned listen;      /* to so many of the others: is what comes out what went in? */
	const struct speech *user_says, *agent_says, *user_bursts, *agent_bursts;
	const struct delay_marks *user_marks, *agent_marks;
	void (*on_done)(void *arg);
	void *arg;
};

struct load_loss {
	uint64_t sent, heard; /* in each call's own window: 300 ms after both sides hear, to just before its end */
	uint64_t gaps;        /* missing sequence numbers at the hearing end, whole call */
};

struct load_result {
	char failure[160]; /* the run could not be made; "": it could */
	unsigned calls, failed, violations;
	char first_violation[160], first_failure[160];
	/* milliseconds: */
	struct samples webhook_to_invite, ok_to_accept, webhook_to_audio_agent, webhook_to_audio_user;
	struct samples delay_to_agent, delay_to_user;
	struct samples own_invite, own_accept, hold, wa_concealed,
		wa_lost; /* from watrunk's call records; [ms], packets */
	unsigned delay_missed;
	struct samples like_to_agent, like_to_user; /* of the calls listened to: ear_verdict.likeness */
	unsigned misheard;                          /* directions of calls in which something else was heard */
	struct load_loss to_agent, to_user;
	struct proc_cpu cpu, own_cpu; /* of the steady window; own: the load generator's */
	double window_s, live_mean;
	unsigned window_started; /* calls begun in it */
	uint64_t rss_idle_kb, rss_low_kb, rss_full_kb, rss_end_kb;
	unsigned live_low, live_full, live_most;
	unsigned fds_before, fds_full, fds_after;
	/* gauges and counters of watrunk after the run; UINT64_MAX: not told */
	uint64_t gauge_calls, gauge_sessions, gauge_ports, gauge_legs, gauge_lingering, slow_callbacks,
		longest_callback_us, send_failed, pool_empty, events_lost;
	uint64_t drain_ms; /* from the last call's end until nothing was left */
	bool drained;
};

int load_new(struct loop *l, const struct load_conf *conf, struct load **ret_load);
void load_graph_addr(const struct load *ld, struct addr *ret_addr);
void load_agent_addr(const struct load *ld, struct addr *ret_addr);
void load_start(struct load *ld, const struct target *target); /* borrowed until on_done() */
struct load_result *load_result(struct load *ld);
struct load *load_free(struct load *ld);

#endif
