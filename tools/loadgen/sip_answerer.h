/* tools/loadgen/sip_answerer.h
 *
 * A PBX that answers every call: a SIP user agent server on one UDP socket, G.711 mu-law over RTP on one socket a call.
 * Cheap enough to answer hundreds of calls beside the program under test on the same machine. Owner: the loop's thread.
 *
 *   INVITE -> 100, 180, after ring_ms 200 (again and again until ACK) -> speech every 20 ms -> BYE or CANCEL
 */
#ifndef TOOLS_LOADGEN_SIP_ANSWERER_H
#define TOOLS_LOADGEN_SIP_ANSWERER_H

#include "lib/base/addr.h"
#include "tools/metasim/speech.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct rtp_hdr;
struct sip_answerer;
struct answered_call;

enum answered_end { ANSWERED_LIVE, ANSWERED_BYE, ANSWERED_CANCELLED, ANSWERED_NO_ACK, ANSWERED_REFUSED };

/* One call so far. Times are CLOCK_MONOTONIC microseconds, 0 never. */
struct answered_report {
	uint64_t invite_us, ok_us, ack_us, first_rx_us, end_us;
	uint64_t tx_packets, rx_packets, rx_lost, rx_strange; /* rx_strange: neither PCMU nor telephone-event */
	enum answered_end end;
};

struct answered_wish {
	const struct speech *speech; /* what the call says; NULL: silence */
	bool prompt; /* look at each packet as it comes; else every 2 ms, once media flows: then many calls cost the
			sender no wake-up of this process for each packet */
};

struct sip_answerer_conf {
	struct addr listen; /* port 0: any */
	unsigned ring_ms;   /* 180 this long before 200; 0: answered at once */
	/* A new INVITE; wa_call_id is its X-WA-Call-Id, "" without. *ret_wish is zeroed before. Returns the caller's
	 * handle, handed to the functions below; NULL is one too. */
	void *(*on_invite)(
		struct answered_call *call, const char *wa_call_id, struct answered_wish *ret_wish, void *arg);
	void (*on_sent)(void *handle, size_t speech_packet);
	void (*on_heard)(void *handle, const struct rtp_hdr *hdr, const uint8_t *payload);
	void (*on_end)(void *handle, const struct answered_report *report); /* the call is gone afterwards */
	void *arg;
};

int sip_answerer_new(struct loop *l, const struct sip_answerer_conf *conf, struct sip_answerer **ret_answerer);
void sip_answerer_addr(const struct sip_answerer *a, struct addr *ret_addr);
size_t sip_answerer_live(const struct sip_answerer *a);
/* Datagrams that were no SIP we understand. */
uint64_t sip_answerer_malformed(const struct sip_answerer *a);
void answered_call_report(const struct answered_call *call, struct answered_report *ret_report);
/* Without on_end() for calls still live. Accepts NULL; returns NULL. */
struct sip_answerer *sip_answerer_free(struct sip_answerer *a);

#endif
