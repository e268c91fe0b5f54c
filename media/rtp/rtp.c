#include "media/rtp/rtp.h"

#include "lib/base/rd.h"

#include <errno.h>

enum { VERSION_BITS = 2 << 6, PADDING_BIT = 0x20, EXTENSION_BIT = 0x10, CSRC_COUNT_MASK = 0x0f, MARKER_BIT = 0x80 };

int rtp_parse(const void *bytes, size_t length, struct rtp_hdr *ret_hdr)
{
	if (length > UINT16_MAX)
		return -EPROTO;
	struct rd r = rd_init(bytes, length);
	uint8_t first = rd_u8(&r), second = rd_u8(&r);
	struct rtp_hdr h = {.pt = second & 0x7f, .marker = second & MARKER_BIT};
	h.seq = rd_u16(&r);
	h.ts = rd_u32(&r);
	h.ssrc = rd_u32(&r);
	rd_skip(&r, (size_t)(first & CSRC_COUNT_MASK) * 4);
	if (first & EXTENSION_BIT) {
		rd_skip(&r, 2);
		rd_skip(&r, (size_t)rd_u16(&r) * 4);
	}
	if (!rd_ok(&r) || (first & 0xc0) != VERSION_BITS)
		return -EPROTO;
	size_t payload = rd_left(&r);
	if (first & PADDING_BIT) {
		/* RFC 3550 s5.1: the last byte counts itself, so zero is not possible */
		size_t padding = payload ? r.end[-1] : 0;
		if (!padding || padding > payload)
			return -EPROTO;
		payload -= padding;
	}
	h.payload_offset = (uint16_t)(r.p - (const uint8_t *)bytes);
	h.payload_length = (uint16_t)payload;
	*ret_hdr = h;
	return 0;
}

void rtp_write(const struct rtp_hdr *hdr, uint8_t *dst)
{
	struct wr w = wr_init(dst, RTP_HEADER_BYTES);
	wr_u8(&w, VERSION_BITS);
	wr_u8(&w, (uint8_t)((hdr->marker ? MARKER_BIT : 0) | (hdr->pt & 0x7f)));
	wr_u16(&w, hdr->seq);
	wr_u32(&w, hdr->ts);
	wr_u32(&w, hdr->ssrc);
}

bool rtp_is_rtcp(const void *bytes, size_t length)
{
	const uint8_t *b = bytes;
	return length >= 2 && (b[0] & 0xc0) == VERSION_BITS && b[1] >= 192 && b[1] <= 223;
}
