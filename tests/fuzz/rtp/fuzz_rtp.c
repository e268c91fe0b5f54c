/* tests/fuzz/rtp/fuzz_rtp.c
 *
 * The parsers of RTP, RTCP and telephone-event on one packet; what they accept is written and read again. And the
 * jitter buffer on a stream in any order.
 */
#include "lib/base/assert.h"
#include "lib/base/pktbuf.h"
#include "media/rtp/jbuf.h"
#include "media/rtp/rtcp.h"
#include "media/rtp/rtp.h"
#include "media/rtp/telephone_event.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_rtp(const uint8_t *data, size_t size)
{
	struct rtp_hdr h, again;
	uint8_t bytes[RTP_HEADER_BYTES];
	if (rtp_parse(data, size, &h) < 0)
		return;
	ASSERT(h.payload_offset + h.payload_length <= size && h.pt < 128);
	rtp_write(&h, bytes);
	ASSERT(rtp_parse(bytes, sizeof(bytes), &again) == 0);
	ASSERT(again.pt == h.pt && again.marker == h.marker && again.seq == h.seq && again.ts == h.ts &&
		again.ssrc == h.ssrc);
}

static void one_rtcp(const uint8_t *data, size_t size)
{
	struct rtcp_info info, again;
	uint8_t bytes[RTCP_MAX_BYTES];
	if (rtcp_parse(data, size, 0x33330000, &info) < 0)
		return;
	(void)rtcp_rtt_us(&info.block, 1000000);
	size_t n = rtcp_write(&info, "fuzz", bytes, sizeof(bytes));
	ASSERT(n > 0);
	ASSERT(rtcp_parse(bytes, n, info.block.ssrc, &again) == 0);
	ASSERT(again.has_sender == info.has_sender && again.has_block == info.has_block && again.bye == info.bye);
	ASSERT(again.block.cumulative_lost == info.block.cumulative_lost);
	ASSERT(again.has_voip == info.has_voip);
	ASSERT(!info.has_voip || memcmp(&again.voip, &info.voip, sizeof(info.voip)) == 0);
}

/* The bytes as a series of events: 2 of time, 2 of timestamp, 4 of payload. */
static void many_events(const uint8_t *data, size_t size)
{
	struct tev_rx rx;
	uint64_t now_us = 1;
	int open = 0;
	tev_rx_init(&rx, 48000, 8000);
	for (; size >= 8; data += 8, size -= 8) {
		struct tev_report reports[TEV_REPORTS_MAX];
		now_us += (uint64_t)(data[0] << 8 | data[1]) * 10;
		size_t n = data[0] & 1 ? tev_rx_tick(&rx, now_us, reports)
				       : tev_rx_packet(&rx, (uint32_t)(data[2] << 8 | data[3]) * 480, data + 4, 4,
						 now_us, reports);
		ASSERT(n <= TEV_REPORTS_MAX);
		for (size_t i = 0; i < n; i++) {
			ASSERT(tev_event(reports[i].digit) >= 0);
			open = reports[i].kind != TEV_END;
		}
		ASSERT(open == (tev_rx_deadline(&rx) != UINT64_MAX));
	}
}

enum { JBUF_MAX_MS = 100, JBUF_PACKETS = JBUF_MAX_MS / 20 + JBUF_PACKETS_SPARE };

static void offer(
	struct jbuf *jb, struct pktpool *pool, uint16_t seq, uint32_t ts, uint32_t duration_ts, uint64_t now_us)
{
	struct pkt *p = pkt_get(pool);
	ASSERT(p);
	int r = jbuf_put(jb, seq, ts, duration_ts, p, now_us);
	if (r == -EPROTO) {
		jbuf_flush(jb);
		r = jbuf_put(jb, seq, ts, duration_ts, p, now_us);
		ASSERT(r == 0);
	}
	if (r < 0)
		pkt_put(pool, p);
}

/* The bytes as what happens to a stream: kind, time, number and timestamp as they differ from where they should be. All
 * that is kept can be got again, and no more is kept than said. */
static void jitter_buffer(const uint8_t *data, size_t size)
{
	struct jbuf_conf conf = {.min_ms = 20, .max_ms = JBUF_MAX_MS};
	struct jbuf_out out;
	struct jbuf *jb;
	uint64_t now_us = 1000000;
	uint16_t seq = 65500;

	ASSERT(pktpool_new(JBUF_PACKETS + 1, &conf.pool) == 0 && jbuf_new(&conf, &jb) == 0);
	for (; size >= 4; data += 4, size -= 4) {
		now_us += data[1] * 1000u;
		if (data[0] < 0x80) {
			uint16_t number = (uint16_t)(seq++ + (int8_t)data[2]);
			uint32_t ts = (uint32_t)number * 960 + (uint32_t)((int8_t)data[3] * 480);
			offer(jb, conf.pool, number, ts, 120u << (data[0] & 3), now_us);
			ASSERT(jbuf_packets(jb) <= JBUF_PACKETS);
		} else if (data[0] < 0xa0) {
			jbuf_skip(jb, (uint16_t)(seq++ + (int8_t)data[2]));
		} else if (data[0] < 0xf0) {
			jbuf_get(jb, now_us, data[2] * 100u, data[0] & 1, &out);
			if (out.kind == JBUF_PACKET)
				pkt_put(conf.pool, out.pkt);
		} else if (data[0] < 0xf8) {
			jbuf_set_ptime(jb, (uint16_t)(data[2] % 7 * 10));
		} else {
			seq = (uint16_t)(seq + data[2] * 2u);
		}
	}
	for (unsigned i = 0; jbuf_packets(jb); i++) {
		ASSERT(i < 100000);
		jbuf_get(jb, now_us += 20000, 0, true, &out);
		if (out.kind == JBUF_PACKET)
			pkt_put(conf.pool, out.pkt);
	}
	jbuf_free(jb);
	ASSERT(pktpool_in_use(conf.pool) == 0);
	pktpool_free(conf.pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)rtp_is_rtcp(data, size);
	jitter_buffer(data, size);
	one_rtp(data, size);
	one_rtcp(data, size);
	many_events(data, size);
	return 0;
}
