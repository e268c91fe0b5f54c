/* tools/metasim/meta.h
 *
 * Meta: the Graph API that watrunk calls, the webhooks it gets, and one WhatsApp user a call. Runs on a loop, in one
 * thread.
 */
#ifndef TOOLS_METASIM_META_H
#define TOOLS_METASIM_META_H

#include "lib/base/addr.h"
#include "tools/metasim/plan.h"
#include "tools/metasim/wa_user.h"

struct loop;
struct meta;

enum { META_WACID_MAX = 160 };

/* One call as it went, for the report. Times are CLOCK_MONOTONIC microseconds, 0 never. */
struct meta_call_report {
	unsigned number; /* 1, 2, ... */
	const char *wacid;
	uint64_t webhook_us, webhook_done_us, pre_accept_us, accept_us, reject_us, terminate_us, ended_us;
	const char *ended_by;    /* "user", "business", "meta" */
	int error_code;          /* in the terminate webhook */
	unsigned webhook_status; /* HTTP status of the connect webhook's answer */
	unsigned refused;        /* Graph requests answered with an error */
	struct wa_user_report user;
};

/* Looks on while calls are live (tools/loadgen measures with it). */
struct meta_observer {
	/* A call begins. Returns what its user says; NULL: meta_conf.speech. *ret_prompt: look at its packets as they
	 * come; untouched: every 2 ms, all users together. */
	const struct speech *(*on_start)(unsigned number, const char *wacid, bool *ret_prompt, void *arg);
	void (*on_sent)(unsigned number, size_t speech_packet, void *arg);
	void (*on_heard)(unsigned number, const struct rtp_hdr *hdr, const uint8_t *payload, void *arg);
	void *arg;
};

struct meta_conf {
	const struct plan *plan;
	struct addr graph_listen; /* port 0: any */
	const struct speech *speech;
	bool record;
	unsigned record_every; /* decode what every n-th user hears; 0 or 1: all (when record) */
	bool timeline;         /* events as JSON lines on stdout */
	void (*on_call_done)(const struct meta_call_report *report, void *arg);
	void (*on_all_done)(void *arg);
	const struct meta_observer *observer; /* NULL: none; outlives the calls */
	void *arg;
};

int meta_new(struct loop *l, const struct meta_conf *conf, struct meta **ret_meta);
void meta_graph_addr(const struct meta *m, struct addr *ret_addr);
/* Begin with the calls of the plan. */
void meta_start(struct meta *m);
struct meta *meta_free(struct meta *m);

#endif
