#include "media/rtp/rtcp.h"

#include "lib/base/rd.h"

#include <errno.h>
#include <string.h>

enum { VERSION_BITS = 2 << 6, COUNT_MASK = 0x1f, BLOCK_BYTES = 24, SDES_CNAME = 1, RTT_MAX_S = 30 };

static void read_block(struct rd *r, uint32_t our_ssrc, unsigned blocks, struct rtcp_info *info)
{
	struct rtcp_block b;
	b.ssrc = rd_u32(r);
	b.fraction_lost = rd_u8(r);
	uint32_t lost = rd_u24(r);
	b.cumulative_lost = (int32_t)(lost ^ 0x800000) - 0x800000; /* sign of 24 bits */
	b.highest_seq = rd_u32(r);
	b.jitter = rd_u32(r);
	b.lsr = rd_u32(r);
	b.dlsr = rd_u32(r);
	if (rd_ok(r) && (b.ssrc == our_ssrc || (blocks == 1 && !info->has_block))) {
		info->block = b;
		info->has_block = true;
	}
}

static void read_report(struct rd *r, bool is_sr, unsigned blocks, uint32_t our_ssrc, struct rtcp_info *info)
{
	info->ssrc = rd_u32(r);
	if (is_sr) {
		struct rtcp_sender s;
		s.ntp = rd_u64(r);
		s.rtp_ts = rd_u32(r);
		s.packets = rd_u32(r);
		s.octets = rd_u32(r);
		if (rd_ok(r)) {
			info->sender = s;
			info->has_sender = true;
		}
	}
	for (unsigned i = 0; i < blocks && rd_ok(r); i++)
		read_block(r, our_ssrc, blocks, info);
}

int rtcp_parse(const void *bytes, size_t length, uint32_t our_ssrc, struct rtcp_info *ret_info)
{
	struct rtcp_info info = {0};
	struct rd r = rd_init(bytes, length);
	if (!length)
		return -EPROTO;
	while (rd_left(&r)) {
		uint8_t first = rd_u8(&r), type = rd_u8(&r);
		size_t body = (size_t)rd_u16(&r) * 4;
		const uint8_t *at = rd_bytes(&r, body);
		if (!rd_ok(&r) || (first & 0xc0) != VERSION_BITS)
			return -EPROTO;
		struct rd packet = rd_init(at, body);
		unsigned count = first & COUNT_MASK;
		if (type == RTCP_SR || type == RTCP_RR)
			read_report(&packet, type == RTCP_SR, count, our_ssrc, &info);
		else if (type == RTCP_XR)
			info.has_voip |= rtcp_voip_read(&packet, our_ssrc, &info.voip);
		else if (type == RTCP_BYE)
			info.bye = true;
		if (!rd_ok(&packet))
			return -EPROTO;
	}
	*ret_info = info;
	return 0;
}

static void write_report(struct wr *w, const struct rtcp_info *info)
{
	size_t words = (info->has_sender ? 6 : 1) + (info->has_block ? BLOCK_BYTES / 4 : 0);
	wr_u8(w, (uint8_t)(VERSION_BITS | (info->has_block ? 1 : 0)));
	wr_u8(w, info->has_sender ? RTCP_SR : RTCP_RR);
	wr_u16(w, (uint16_t)words);
	wr_u32(w, info->ssrc);
	if (info->has_sender) {
		wr_u64(w, info->sender.ntp);
		wr_u32(w, info->sender.rtp_ts);
		wr_u32(w, info->sender.packets);
		wr_u32(w, info->sender.octets);
	}
	if (info->has_block) {
		const struct rtcp_block *b = &info->block;
		wr_u32(w, b->ssrc);
		wr_u32(w, (uint32_t)b->fraction_lost << 24 | ((uint32_t)b->cumulative_lost & 0xffffff));
		wr_u32(w, b->highest_seq);
		wr_u32(w, b->jitter);
		wr_u32(w, b->lsr);
		wr_u32(w, b->dlsr);
	}
}

static void write_sdes(struct wr *w, uint32_t ssrc, const char *cname)
{
	size_t length = strnlen(cname, RTCP_CNAME_MAX);
	/* SSRC, type, length, text, then one to four zeros up to the next word: RFC 3550 s6.5 */
	size_t words = 1 + (2 + length) / 4 + 1;
	size_t zeros = (words - 1) * 4 - 2 - length;
	wr_u8(w, VERSION_BITS | 1);
	wr_u8(w, RTCP_SDES);
	wr_u16(w, (uint16_t)words);
	wr_u32(w, ssrc);
	wr_u8(w, SDES_CNAME);
	wr_u8(w, (uint8_t)length);
	wr_bytes(w, cname, length);
	while (zeros--)
		wr_u8(w, 0);
}

size_t rtcp_write(const struct rtcp_info *info, const char *cname, uint8_t *dst, size_t cap)
{
	struct wr w = wr_init(dst, cap);
	write_report(&w, info);
	write_sdes(&w, info->ssrc, cname);
	if (info->has_voip) {
		wr_u8(&w, VERSION_BITS);
		wr_u8(&w, RTCP_XR);
		wr_u16(&w, 1 + RTCP_VOIP_BYTES / 4);
		wr_u32(&w, info->ssrc);
		rtcp_voip_write(&info->voip, &w);
	}
	if (info->bye) {
		wr_u8(&w, VERSION_BITS | 1);
		wr_u8(&w, RTCP_BYE);
		wr_u16(&w, 1);
		wr_u32(&w, info->ssrc);
	}
	return w.failed ? 0 : w.length;
}

uint64_t rtcp_ntp(uint64_t now_us)
{
	return now_us / 1000000 << 32 | ((now_us % 1000000) << 32) / 1000000;
}

int64_t rtcp_rtt_us(const struct rtcp_block *block, uint64_t now_us)
{
	if (!block->lsr)
		return -1;
	uint32_t rtt = (uint32_t)(rtcp_ntp(now_us) >> 16) - block->lsr - block->dlsr;
	/* Rounding of the peer's clock may make a short one just negative */
	if (rtt > UINT32_MAX - 655)
		rtt = 0;
	return rtt > (uint32_t)RTT_MAX_S << 16 ? -1 : (int64_t)rtt * 1000000 >> 16;
}
