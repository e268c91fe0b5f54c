/* media/rtp/telephone_event.h
 *
 * DTMF as RTP events (RFC 4733). Pure; both objects are embedded in their owner, one thread.
 *
 * The trap: durations inside the payload count at the event's own clock ("telephone-event/8000"), while the RTP
 * timestamp follows the stream it is part of, which is 48000 Hz beside Opus (Meta: DTMF, payload type 126). Neither is
 * derived from the other here. A SIP peer may well say "telephone-event/48000": then durations run full six times as
 * fast, after 1.4 s.
 */
#ifndef MEDIA_RTP_TELEPHONE_EVENT_H
#define MEDIA_RTP_TELEPHONE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TEV_PAYLOAD_BYTES = 4,
	TEV_CLOCK_HZ = 8000,  /* the usual one */
	TEV_END_PACKETS = 3,  /* RFC 4733 s2.5.1.4: the last packet three times */
	TEV_TIMEOUT_MS = 150, /* no update for three usual intervals of 50 ms: its end packets were lost */
	TEV_VOLUME = 10,      /* -10 dBm0, what most gateways write */
	TEV_TX_MIN_MS = 40,   /* shorter digits are not recognised: ITU-T Q.24 */
	TEV_TX_PAUSE_MS = 40, /* nor are they told apart after shorter pauses, Q.24 again */
	TEV_TX_AHEAD_MS = 20, /* how much longer than was heard of it a digit under way may be said to be */
	TEV_TX_QUEUE = 16,
	TEV_SEGMENT_MAX = 0xffff, /* RFC 4733 s2.5.1.3: longer events go on in a new segment */
	TEV_AHEAD_SEGMENTS = 3,  /* of duration told at once are believed: after a stall, or all that was heard of it */
	TEV_LATE_MAX_MS = 2000,  /* no packet comes later than that, */
	TEV_BACK_MAX_MS = 10000, /* nor from further back, a full segment: such a timestamp is of a new timeline */
};

/* "0".."9" "*" "#" "A".."D": events 0..15 (RFC 4733 s3.2). 0 for other events; -1 for other characters. */
char tev_digit(unsigned event);
int tev_event(char digit);

/* ---- receiving ---- */

enum tev_report_kind { TEV_NONE, TEV_BEGIN, TEV_UPDATE, TEV_END };

struct tev_report {
	enum tev_report_kind kind;
	char digit;
	unsigned duration_ms; /* so far; END: in all */
};

enum { TEV_REPORTS_MAX = 2 }; /* one packet may end one digit and begin the next */

struct tev_rx {
	uint32_t clock_hz;           /* of durations */
	uint32_t rtp_ticks_per_unit; /* RTP clock over event clock: 6 beside Opus of Meta, else 1 */
	bool known, active;
	bool renewed; /* of the stream before: only good to know its last event again */
	uint8_t event;
	uint32_t ts;       /* of the newest segment */
	uint32_t segments; /* duration of the segments before it, event clock */
	uint32_t duration; /* of the newest one */
	uint64_t began_us, last_us;
};

/* event_clock_hz: "telephone-event/..." of the SDP, 8000 or the stream's own (RFC 4733 s2.1). */
void tev_rx_init(struct tev_rx *rx, uint32_t rtp_clock_hz, uint32_t event_clock_hz);
/* One packet's payload. Repeated and old packets report nothing. Returns the number of reports. */
size_t tev_rx_packet(struct tev_rx *rx, uint32_t ts, const uint8_t *payload, size_t length, uint64_t now_us,
	struct tev_report ret_reports[TEV_REPORTS_MAX]);
/* Ends a digit whose end was never told. */
size_t tev_rx_tick(struct tev_rx *rx, uint64_t now_us, struct tev_report ret_reports[1]);
/* The stream begins anew: ends what is under way, forgets its timestamps but for the event told last: its packets may
 * go on under another SSRC, or come from both. */
size_t tev_rx_reset(struct tev_rx *rx, struct tev_report ret_reports[1]);
uint64_t tev_rx_deadline(const struct tev_rx *rx); /* UINT64_MAX: nothing under way */

/* ---- sending ---- */

struct tev_tx {
	uint32_t clock_hz;
	uint32_t rtp_ticks_per_unit;
	struct {
		uint8_t event;
		bool ended;
		unsigned duration_ms; /* once it has ended; before, as far as known, 0: not at all */
	} queue[TEV_TX_QUEUE];        /* [0] is the one on the wire */
	unsigned queued;
	bool on_wire;
	uint32_t ts;                      /* of the segment on the wire */
	uint32_t segments, elapsed, told; /* event clock: segments done, whole event so far, what was said of it */
	bool rests;
	uint32_t rests_until_ts;
};

struct tev_packet {
	bool marker;
	uint32_t ts;
	uint8_t payload[TEV_PAYLOAD_BYTES];
};

enum { TEV_PACKETS_MAX = TEV_END_PACKETS + 1 };

void tev_tx_init(struct tev_tx *tx, uint32_t rtp_clock_hz, uint32_t event_clock_hz);
/* The digit is pressed; it waits for those before it. -EINVAL: no such digit, -ENOBUFS: too many wait. */
int tev_tx_begin(struct tev_tx *tx, char digit);
/* The digit begun last is held, for duration_ms so far. Without the next word of it, it is not said to be much longer:
 * its end may have been lost. */
void tev_tx_update(struct tev_tx *tx, unsigned duration_ms);
/* The digit begun last is released after duration_ms in all. */
void tev_tx_end(struct tev_tx *tx, unsigned duration_ms);
static inline bool tev_tx_active(const struct tev_tx *tx)
{
	return tx->queued > 0;
}
/* Is a digit to be sent for what begins at ts_now? A pause is kept after each, in which audio goes on. */
bool tev_tx_due(const struct tev_tx *tx, uint32_t ts_now);
/* step_ms have begun at RTP time ts_now: what to send for them, instead of audio. Returns the number of packets. */
size_t tev_tx_step(
	struct tev_tx *tx, uint32_t ts_now, unsigned step_ms, struct tev_packet ret_packets[TEV_PACKETS_MAX]);
/* The same for a listener who wants to hear it. Returns for how many of step_ms its tone sounds, from their beginning;
 * 0: none, or a pause. */
unsigned tev_tx_tone(struct tev_tx *tx, uint32_t ts_now, unsigned step_ms, char *ret_digit);
void tev_tx_drop(struct tev_tx *tx); /* forget all, for instance on hold */

#endif
