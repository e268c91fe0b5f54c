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

enum { META_WACID_MAX = 160, META_WAMID_MAX = 100 };

/* One call as it went, for the report. Times are CLOCK_MONOTONIC microseconds, 0 never. */
struct meta_call_report {
	unsigned number; /* 1, 2, ... */
	const char *wacid;
	bool outbound;      /* business-initiated */
	const char *with;   /* the user's number */
	const char *opaque; /* biz_opaque_callback_data, "" none */
	/* webhook: connect. connect and what follows: business-initiated. */
	uint64_t webhook_us, webhook_done_us, pre_accept_us, accept_us, reject_us, terminate_us, ended_us;
	uint64_t connect_us, ringing_us, picked_up_us, declined_us;
	const char *ended_by;    /* "user", "business", "meta" */
	int error_code;          /* in the terminate webhook */
	unsigned webhook_status; /* HTTP status of the connect webhook's answer */
	unsigned refused;        /* Graph requests answered with an error */
	struct wa_user_report user;
};

/* One message of the business, taken or refused. Text is borrowed. */
struct meta_message_report {
	uint64_t at_us;
	const char *to;    /* as written */
	const char *wamid; /* "": refused */
	int error_code;    /* 0: taken */
	const char *kind;  /* "text", "call_button", "permission_request", "template"; "": unreadable */
	const char *text, *button_text, *payload, *template_name;
	const void *body; /* json_t: the request as it came */
};

/* Looks on while user-initiated calls are live (tools/loadgen measures with it). */
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
	void (*on_message)(const struct meta_message_report *report, void *arg); /* NULL: none */
	void (*on_all_done)(void *arg);
	const struct meta_observer *observer; /* NULL: none; outlives the calls */
	void *arg;
};

int meta_new(struct loop *l, const struct meta_conf *conf, struct meta **ret_meta);
void meta_graph_addr(const struct meta *m, struct addr *ret_addr);
/* Begin with the calls of the plan. */
void meta_start(struct meta *m);
/* Report the calls that are still there as they are: on_call_done() for each. */
void meta_report_live(struct meta *m);
struct meta *meta_free(struct meta *m);

#endif
