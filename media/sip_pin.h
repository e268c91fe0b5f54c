/* media/sip_pin.h
 *
 * When the socket of the SIP side's RTP may be connected to the peer. The kernel then sends without looking up the way,
 * finds the socket at once, and strangers' packets cost us nothing. But it also hides a peer that goes on from another
 * address (rtp_end.h). So: not before the stream has come from one place for a while, and no longer than it does.
 *
 *   LOOSE --- packets of one address for SIP_PIN_AFTER_MS, no pause among them --> PINNED
 *   PINNED -- a pause of SIP_PIN_PAUSE_MS, a packet from elsewhere, a new SDP ---> LOOSE
 *   PINNED -- nothing came at all since --> LOOSE for good: the peer sends to another address of this host than the one
 *                                           that the kernel answers from, and is not heard on a connected socket
 *
 * Pure, embedded; owner: the session's thread.
 */
#ifndef MEDIA_SIP_PIN_H
#define MEDIA_SIP_PIN_H

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	SIP_PIN_AFTER_MS = 3000, /* longer than RTP_END_RELATCH_MS */
	SIP_PIN_PAUSE_MS = 100,  /* what a peer that moves may lose; more than two packets of 30 ms */
};

enum sip_pin_change { SIP_PIN_AS_BEFORE, SIP_PIN_CONNECT, SIP_PIN_RELEASE };

struct sip_pin {
	struct addr at;
	uint64_t since_us, heard_us; /* of the packets from there, without a pause; 0: none yet */
	bool on, proven, never;      /* proven: heard since it is on */
};

/* An RTP packet of the peer's was taken, surely the peer's: what is hidden from then on may be nothing but strangers.
 * CONNECT: to `from`. */
enum sip_pin_change sip_pin_heard(struct sip_pin *p, const struct addr *from, uint64_t now_us);
/* The peer's SDP says something new. */
enum sip_pin_change sip_pin_reset(struct sip_pin *p);
enum sip_pin_change sip_pin_tick(struct sip_pin *p, uint64_t now_us);
uint64_t sip_pin_deadline(const struct sip_pin *p);

#endif
