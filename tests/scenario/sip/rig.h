/* tests/scenario/sip/rig.h
 *
 * A loop with the real SIP module in it, what it said, and small reactions to that. Everything on 127.0.0.1.
 */
#ifndef TESTS_SCENARIO_SIP_RIG_H
#define TESTS_SCENARIO_SIP_RIG_H

#include "b2bua/sip/sip.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	RIG_T1X64_MS = 2000,
	RIG_GRACE_MS = 5000, /* added to what an event may take: a shared machine stands still now and then */
};

enum act {
	ACT_NONE,
	ACT_BYE,
	ACT_CANCEL,
	ACT_200,
	ACT_488,
	ACT_200_LATER,
	/* legs that came in */
	ACT_RING,
	ACT_ACCEPT,
	ACT_REJECT,
	ACT_REFER_202,
	ACT_REFER_603,
};

struct reaction {
	enum sip_event_kind on;
	int code; /* 0: any */
	enum act act;
};

struct rig {
	struct loop *loop;
	struct sip_stack *stack;
	uint16_t port;
	int fds; /* open when the stack was new */
	bool drop_strangers, allow_nobody;
	const struct sip_user *users;
	size_t user_count, incoming_max;
	const struct reaction *reactions; /* up to ACT_NONE */
	bool respond_due;
	/* the last leg, and all that was told, in words: "progress/180 answered/200+sdp bye/q16" */
	uint64_t leg;
	char said[2048];
	unsigned events;
	char sdp[4096]; /* of the last event that had one */
	uint64_t said_us;
	/* of the last leg that came in */
	uint64_t in_leg, replaces_leg;
	char in_text[2048]; /* "user=+44 host=.. ... X-A=1" */
	/* of the last REFER and the last refusal */
	char refer_to[512], refer_replaces[512], referred_by[512], contact[512];
	unsigned retry_after_s, duration_ms;
	char digits[64];
};

/* conf_edit may be NULL. */
void rig_open(struct rig *r, const char *public_address);
void rig_close(struct rig *r);
int rig_invite(struct rig *r, uint16_t peer_port, const char *transport);
/* Step the loop until done(arg), at most ms. Returns done(arg). */
bool rig_until(struct rig *r, bool (*done)(void *arg), void *arg, unsigned ms);
bool rig_until_said(struct rig *r, const char *what, unsigned ms);
/* Until no leg is left, lingering ones included. */
bool rig_until_idle(struct rig *r, unsigned ms);
void rig_run(struct rig *r, unsigned ms);
int count_fds(void);

extern const char rig_offer[], rig_answer[];

#endif
