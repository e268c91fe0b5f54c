/* lib/base/pktbuf.h
 *
 * Packet memory of one media worker: buffers of two sizes from one pool, no malloc per packet. Headroom lets a header
 * be put in front. One thread. The pool grows only in pktpool_reserve() (when a session opens), never on the packet
 * path.
 *
 * Speech comes in packets of 60 to 200 bytes, and a jitter buffer holds several of each call: in buffers for the
 * largest datagram they would be most of what a call keeps resident beside its codecs.
 */
#ifndef LIB_BASE_PKTBUF_H
#define LIB_BASE_PKTBUF_H

#include <stddef.h>
#include <stdint.h>

enum {
	PKT_DATA_BYTES = 1600, /* Ethernet MTU 1500 plus SRTP tail, MKI and room in front */
	PKT_HEADROOM = 32,
	PKT_SMALL_BYTES = 240, /* headroom and 20 ms of Opus at 80 kb/s */
};

struct pkt {
	struct pkt *next; /* free list, or the list of whoever owns it */
	uint16_t offset;  /* first byte of the payload in data[] */
	uint16_t length;  /* bytes from offset */
	uint16_t room;    /* bytes there are of data[]: PKT_SMALL_BYTES or PKT_DATA_BYTES */
	uint8_t data[PKT_DATA_BYTES];
};

struct pktpool;
int pktpool_new(size_t packets, struct pktpool **ret_pool);
/* Make sure that at least `packets` buffers of each size exist. Returns 0 or -ENOMEM. */
int pktpool_reserve(struct pktpool *pool, size_t packets);
/* A packet with offset PKT_HEADROOM and length 0, or NULL when the pool is empty (counted: CNT_MEDIA_POOL_EMPTY). */
struct pkt *pkt_get(struct pktpool *pool);
/* The same, for so many bytes after the headroom: small where that will do and there is one. NULL, too, where they do
 * not fit. */
struct pkt *pkt_get_for(struct pktpool *pool, size_t bytes);
/* Back to the pool. Accepts NULL; always returns NULL. */
struct pkt *pkt_put(struct pktpool *pool, struct pkt *p);
size_t pktpool_in_use(const struct pktpool *pool);
struct pktpool *pktpool_free(struct pktpool *pool);

#endif
