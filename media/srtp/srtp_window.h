/* media/srtp/srtp_window.h
 *
 * Packet index and replay window of one SRTP or SRTCP stream (RFC 3711 s3.3.1, s3.3.2). A plain value, zero at the
 * start. Pure.
 *
 *   index = roll-over counter (ROC) << 16 | RTP sequence number;  SRTCP: the 31-bit index that the packet carries
 */
#ifndef MEDIA_SRTP_SRTP_WINDOW_H
#define MEDIA_SRTP_SRTP_WINDOW_H

#include <stdint.h>

enum { SRTP_WINDOW_PACKETS = 128 }; /* RFC 3711 s3.3.2 asks for 64 or more; 128 is libsrtp's default */

struct srtp_window {
	uint64_t top;     /* highest index that passed */
	uint64_t seen[2]; /* bit i: top - i passed; seen[0] holds bits 0..63 */
};

/* The index that a sequence number most likely stands for, given what passed before. */
uint64_t srtp_window_guess(const struct srtp_window *w, uint16_t seq);

/* 0: may be new; -EALREADY: passed before; -ESTALE: too old to know. */
int srtp_window_check(const struct srtp_window *w, uint64_t index);

/* The packet passed. Only after srtp_window_check() said 0. */
void srtp_window_add(struct srtp_window *w, uint64_t index);

#endif
