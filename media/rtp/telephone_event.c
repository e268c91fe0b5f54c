#include "media/rtp/telephone_event.h"

#include "lib/base/rd.h"

#include <errno.h>
#include <string.h>

static const char digits[] = "0123456789*#ABCD";
enum {
	DIGIT_COUNT = 16,
	END_BIT = 0x80,
	REST_MAX_MS = 200 /* further ahead it is long ago: timestamps come round */
};

static uint32_t ticks_per_unit(uint32_t rtp_clock_hz, uint32_t event_clock_hz)
{
	return rtp_clock_hz > event_clock_hz ? rtp_clock_hz / event_clock_hz : 1;
}

char tev_digit(unsigned event)
{
	return event < DIGIT_COUNT ? digits[event] : 0;
}

int tev_event(char digit)
{
	const char *at = digit ? strchr(digits, digit) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* ---- receiving ---- */

void tev_rx_init(struct tev_rx *rx, uint32_t rtp_clock_hz, uint32_t event_clock_hz)
{
	memset(rx, 0, sizeof(*rx));
	rx->clock_hz = event_clock_hz;
	rx->rtp_ticks_per_unit = ticks_per_unit(rtp_clock_hz, event_clock_hz);
}

/* No longer than it can be: some segments may be told at once, everything else takes its time. */
static unsigned so_far_ms(const struct tev_rx *rx)
{
	uint32_t units_per_ms = rx->clock_hz / 1000;
	uint64_t said_ms = ((uint64_t)rx->segments + rx->duration) / units_per_ms;
	uint64_t most_ms = (rx->last_us - rx->began_us) / 1000 + TEV_AHEAD_SEGMENTS * TEV_SEGMENT_MAX / units_per_ms;
	return (unsigned)(said_ms < most_ms ? said_ms : most_ms);
}

static struct tev_report finish(struct tev_rx *rx)
{
	rx->active = false;
	return (struct tev_report){TEV_END, tev_digit(rx->event), so_far_ms(rx)};
}

/* RFC 4733 s2.5.1.3: the same key still held, its duration field having run full. */
static bool is_next_segment(const struct tev_rx *rx, uint8_t event, uint32_t ts)
{
	return rx->active && event == rx->event && ts == rx->ts + TEV_SEGMENT_MAX * rx->rtp_ticks_per_unit;
}

/* Reordered, of an event before. Timestamps that step back far, or after a pause, have begun anew instead. */
static bool is_late(const struct tev_rx *rx, uint32_t ts, uint64_t now_us)
{
	int32_t behind = (int32_t)(rx->ts - ts);
	int32_t most = TEV_BACK_MAX_MS * (int32_t)(rx->clock_hz / 1000 * rx->rtp_ticks_per_unit);
	return rx->known && !rx->renewed && behind > 0 && behind < most &&
	       now_us - rx->last_us < TEV_LATE_MAX_MS * 1000ull;
}

static bool is_same(const struct tev_rx *rx, uint8_t event, uint32_t ts, uint64_t now_us)
{
	return rx->known && ts == rx->ts && event == rx->event &&
	       !(rx->renewed && now_us - rx->last_us >= TEV_LATE_MAX_MS * 1000ull);
}

/* Reordered updates do not shorten it; but some peers let the field run over instead of beginning a segment. */
static void note_duration(struct tev_rx *rx, uint16_t duration)
{
	if (duration > rx->duration) {
		rx->duration = duration;
	} else if (rx->duration - duration > TEV_SEGMENT_MAX / 2) {
		rx->segments += TEV_SEGMENT_MAX + 1;
		rx->duration = duration;
	}
}

size_t tev_rx_packet(struct tev_rx *rx, uint32_t ts, const uint8_t *payload, size_t length, uint64_t now_us,
	struct tev_report ret_reports[TEV_REPORTS_MAX])
{
	struct rd r = rd_init(payload, length);
	uint8_t event = rd_u8(&r), flags = rd_u8(&r);
	uint16_t duration = rd_u16(&r);
	size_t n = 0;
	bool begins = false;

	/* The payload may hold further events (RFC 4733 s2.4.1), which nobody sends; the first one is enough */
	if (!rd_ok(&r) || event >= DIGIT_COUNT || is_late(rx, ts, now_us))
		return 0;
	if (is_same(rx, event, ts, now_us)) {
		if (!rx->active)
			return 0; /* its end has been told: the second and third end packet */
	} else if (is_next_segment(rx, event, ts)) {
		rx->segments += TEV_SEGMENT_MAX;
		rx->duration = 0;
	} else {
		if (rx->active)
			ret_reports[n++] = finish(rx);
		rx->known = rx->active = begins = true;
		rx->renewed = false;
		rx->began_us = now_us;
		rx->event = event;
		rx->segments = rx->duration = 0;
	}
	rx->ts = ts;
	rx->last_us = now_us;
	note_duration(rx, duration);
	if (flags & END_BIT) /* a digit of which only the end arrived is told at once */
		ret_reports[n++] = finish(rx);
	else
		ret_reports[n++] =
			(struct tev_report){begins ? TEV_BEGIN : TEV_UPDATE, tev_digit(event), so_far_ms(rx)};
	return n;
}

uint64_t tev_rx_deadline(const struct tev_rx *rx)
{
	return rx->active ? rx->last_us + TEV_TIMEOUT_MS * 1000 : UINT64_MAX;
}

size_t tev_rx_tick(struct tev_rx *rx, uint64_t now_us, struct tev_report ret_reports[1])
{
	if (now_us < tev_rx_deadline(rx))
		return 0;
	ret_reports[0] = finish(rx);
	return 1;
}

size_t tev_rx_reset(struct tev_rx *rx, struct tev_report ret_reports[1])
{
	size_t n = rx->active;
	if (n)
		ret_reports[0] = finish(rx);
	rx->renewed = true;
	return n;
}

/* ---- sending ---- */

void tev_tx_init(struct tev_tx *tx, uint32_t rtp_clock_hz, uint32_t event_clock_hz)
{
	memset(tx, 0, sizeof(*tx));
	tx->clock_hz = event_clock_hz;
	tx->rtp_ticks_per_unit = ticks_per_unit(rtp_clock_hz, event_clock_hz);
}

void tev_tx_drop(struct tev_tx *tx)
{
	tx->queued = 0;
	tx->on_wire = tx->rests = false;
}

int tev_tx_begin(struct tev_tx *tx, char digit)
{
	int event = tev_event(digit);
	if (event < 0)
		return -EINVAL;
	if (tx->queued == TEV_TX_QUEUE)
		return -ENOBUFS;
	if (tx->queued && !tx->queue[tx->queued - 1].ended)
		tev_tx_end(tx, 0); /* a key pressed while another is held: the other was released */
	tx->queue[tx->queued].event = (uint8_t)event;
	tx->queue[tx->queued].ended = false;
	tx->queue[tx->queued].duration_ms = 0;
	tx->queued++;
	return 0;
}

void tev_tx_update(struct tev_tx *tx, unsigned duration_ms)
{
	if (tx->queued && !tx->queue[tx->queued - 1].ended && duration_ms > tx->queue[tx->queued - 1].duration_ms)
		tx->queue[tx->queued - 1].duration_ms = duration_ms;
}

void tev_tx_end(struct tev_tx *tx, unsigned duration_ms)
{
	if (!tx->queued || tx->queue[tx->queued - 1].ended)
		return;
	tx->queue[tx->queued - 1].ended = true;
	tx->queue[tx->queued - 1].duration_ms = duration_ms < TEV_TX_MIN_MS ? TEV_TX_MIN_MS : duration_ms;
}

bool tev_tx_due(const struct tev_tx *tx, uint32_t ts_now)
{
	int32_t rest = (int32_t)(tx->rests_until_ts - ts_now);
	bool rests = tx->rests && rest > 0 &&
		     rest <= (int32_t)(REST_MAX_MS * (tx->clock_hz / 1000) * tx->rtp_ticks_per_unit);
	return tx->queued && !rests;
}

static void start(struct tev_tx *tx, uint32_t ts_now)
{
	tx->on_wire = true;
	tx->ts = ts_now;
	tx->segments = tx->elapsed = tx->told = 0;
}

/* The digit on the wire is over, at ts. */
static void stop(struct tev_tx *tx, uint32_t ts)
{
	tx->on_wire = false;
	tx->rests = true;
	tx->rests_until_ts = ts + TEV_TX_PAUSE_MS * (tx->clock_hz / 1000) * tx->rtp_ticks_per_unit;
	tx->queued--;
	memmove(&tx->queue[0], &tx->queue[1], tx->queued * sizeof(tx->queue[0]));
}

static void write_packet(const struct tev_tx *tx, bool marker, bool end, uint32_t duration, struct tev_packet *p)
{
	struct wr w = wr_init(p->payload, sizeof(p->payload));
	p->marker = marker;
	p->ts = tx->ts;
	wr_u8(&w, tx->queue[0].event);
	wr_u8(&w, (uint8_t)((end ? END_BIT : 0) | TEV_VOLUME));
	wr_u16(&w, (uint16_t)duration);
}

static uint32_t most(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* What may be said of the digit on the wire: no more than has passed, and than is known of it; never less than before.
 * One segment more at most, however long the words of it were missing. */
static void tell_more(struct tev_tx *tx)
{
	uint32_t units_per_ms = tx->clock_hz / 1000, told = tx->elapsed;
	uint32_t known = tx->queue[0].duration_ms * units_per_ms;

	if (tx->queue[0].ended && told > known)
		told = known;
	else if (!tx->queue[0].ended && known && told > known + TEV_TX_AHEAD_MS * units_per_ms)
		told = known + TEV_TX_AHEAD_MS * units_per_ms;
	if (told > tx->told + TEV_SEGMENT_MAX)
		told = tx->told + TEV_SEGMENT_MAX;
	tx->told = most(tx->told, told);
}

size_t tev_tx_step(struct tev_tx *tx, uint32_t ts_now, unsigned step_ms, struct tev_packet ret_packets[TEV_PACKETS_MAX])
{
	size_t n = 0;
	if (!tev_tx_due(tx, ts_now))
		return 0;
	bool first = !tx->on_wire;
	if (first)
		start(tx, ts_now);
	uint32_t units_per_ms = tx->clock_hz / 1000;
	tx->elapsed += step_ms * units_per_ms;
	tell_more(tx);
	bool end = tx->queue[0].ended && tx->told >= tx->queue[0].duration_ms * units_per_ms;
	if (tx->told - tx->segments > TEV_SEGMENT_MAX) {
		/* closes the segment, without the E bit */
		write_packet(tx, first, false, TEV_SEGMENT_MAX, &ret_packets[n++]);
		tx->segments += TEV_SEGMENT_MAX;
		tx->ts += TEV_SEGMENT_MAX * tx->rtp_ticks_per_unit;
		first = false;
	}
	for (int copies = end ? TEV_END_PACKETS : 1; copies; copies--, first = false)
		write_packet(tx, first, end, tx->told - tx->segments, &ret_packets[n++]);
	if (end)
		stop(tx, ts_now + step_ms * units_per_ms * tx->rtp_ticks_per_unit);
	return n;
}

unsigned tev_tx_tone(struct tev_tx *tx, uint32_t ts_now, unsigned step_ms, char *ret_digit)
{
	if (!tev_tx_due(tx, ts_now))
		return 0;
	if (!tx->on_wire)
		start(tx, ts_now);
	uint32_t units_per_ms = tx->clock_hz / 1000, before_ms = tx->elapsed / units_per_ms;
	unsigned sounds_ms = step_ms;

	*ret_digit = tev_digit(tx->queue[0].event);
	tx->elapsed += step_ms * units_per_ms;
	if (!tx->queue[0].ended || tx->queue[0].duration_ms > before_ms + step_ms)
		return sounds_ms;
	sounds_ms = tx->queue[0].duration_ms > before_ms ? tx->queue[0].duration_ms - before_ms : 0;
	stop(tx, ts_now + sounds_ms * units_per_ms * tx->rtp_ticks_per_unit);
	return sounds_ms;
}
