/* tests/unit/media/webrtc/link.h
 *
 * Two webrtc ends over a simulated link in virtual time: seeded delay, jitter (thus reordering), loss and duplication.
 * Nothing sleeps.
 */
#ifndef TESTS_UNIT_MEDIA_WEBRTC_LINK_H
#define TESTS_UNIT_MEDIA_WEBRTC_LINK_H

#include "media/webrtc/dtls_ctx.h"
#include "media/webrtc/rng.h"
#include "media/webrtc/webrtc_end.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINK_QUEUE_MAX = 4096, LINK_PACKET_MAX = 1600 };
enum { OUR = 0, PEER = 1 }; /* OUR: full agent in most tests; PEER: plays Meta's relay */

struct link_packet {
	uint64_t at_us;
	int to;
	struct addr from;
	size_t length;
	uint8_t *bytes;
};

struct link_side {
	struct webrtc_end *end;
	struct webrtc_end_conf conf;
	struct media_wa_remote remote; /* what this side is told of the other */
	struct addr addr;
	bool connected; /* saw WEBRTC_NOMINATED */
	uint64_t nominated_us, up_us, failed_us;
	enum media_failure failure;
	unsigned rtp_rx, rtcp_rx, rtp_tx;
	unsigned sent_stun, sent_dtls; /* datagrams, as given to the link */
	uint16_t seq;
	struct link *link;
};

struct link {
	struct link_side side[2];
	struct rng rng;
	uint64_t now_us;
	unsigned loss_percent, duplicate_percent, delay_ms, jitter_ms;
	/* Drop a packet on purpose: false. NULL: none. */
	bool (*filter)(struct link *l, int from, const uint8_t *bytes, size_t length);
	unsigned filter_count; /* for the filter's use */
	struct link_packet queue[LINK_QUEUE_MAX];
	size_t queued;
	bool media; /* both sides send RTP each 20 ms once up */
	uint64_t media_us;
};

/* Both certificates are made once per program. */
struct dtls_ctx *link_dtls(int side);

/* Prepares both confs and remotes: OUR full, controlling and DTLS client; PEER lite. Tests change them before
 * link_open(). */
void link_init(struct link *l, uint64_t seed);
/* Make both ends and start them. */
void link_open(struct link *l);
/* Run until the virtual time, or until stop() says so (may be NULL). True: stopped by stop(). */
bool link_run(struct link *l, uint64_t until_ms, bool (*stop)(const struct link *l));
bool link_both_up(const struct link *l);
bool link_any_failed(const struct link *l);
bool link_both_failed(const struct link *l);
/* One RTP packet of this side, if up. */
void link_send_rtp(struct link *l, int side);
/* Put bytes on the wire toward a side. */
void link_inject(struct link *l, int to, const struct addr *from, const void *bytes, size_t length, uint64_t at_us);
uint64_t link_now_ms(const struct link *l);
void link_done(struct link *l);

#endif
