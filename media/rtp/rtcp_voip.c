#include "media/rtp/rtcp_voip.h"

#include "lib/base/rd.h"

enum { BLOCK_VOIP_METRICS = 7, BLOCK_WORDS = 8 };

static struct rtcp_voip read_metrics(struct rd *r)
{
	struct rtcp_voip v = {.ssrc = rd_u32(r)};

	v.loss_rate = rd_u8(r);
	v.discard_rate = rd_u8(r);
	v.burst_density = rd_u8(r);
	v.gap_density = rd_u8(r);
	v.burst_ms = rd_u16(r);
	v.gap_ms = rd_u16(r);
	v.round_trip_ms = rd_u16(r);
	v.end_system_ms = rd_u16(r);
	v.signal_dbm = (int8_t)rd_u8(r);
	v.noise_dbm = (int8_t)rd_u8(r);
	v.rerl_db = rd_u8(r);
	v.gmin = rd_u8(r);
	v.r_factor = rd_u8(r);
	v.external_r_factor = rd_u8(r);
	v.mos_lq_x10 = rd_u8(r);
	v.mos_cq_x10 = rd_u8(r);
	uint8_t config = rd_u8(r);
	v.plc = config >> 6;
	v.jb_adaptive = config >> 4 & 3;
	v.jb_rate = config & 15;
	(void)rd_u8(r); /* reserved */
	v.jb_nominal_ms = rd_u16(r);
	v.jb_max_ms = rd_u16(r);
	v.jb_limit_ms = rd_u16(r);
	return v;
}

bool rtcp_voip_read(struct rd *r, uint32_t our_ssrc, struct rtcp_voip *ret_voip)
{
	bool found = false, ours = false;

	(void)rd_u32(r); /* who sent it: the reports before say so, too */
	while (rd_ok(r) && rd_left(r)) {
		uint8_t type = rd_u8(r);
		(void)rd_u8(r);
		uint16_t words = rd_u16(r);
		const uint8_t *body = rd_bytes(r, (size_t)words * 4);
		if (!rd_ok(r) || type != BLOCK_VOIP_METRICS || words != BLOCK_WORDS)
			continue; /* RFC 3611 s3: other blocks are skipped by their length */
		struct rd block = rd_init(body, (size_t)words * 4);
		struct rtcp_voip v = read_metrics(&block);
		if (ours || (found && v.ssrc != our_ssrc))
			continue;
		*ret_voip = v;
		found = true;
		ours = v.ssrc == our_ssrc;
	}
	return found && rd_ok(r);
}

void rtcp_voip_write(const struct rtcp_voip *v, struct wr *w)
{
	wr_u8(w, BLOCK_VOIP_METRICS);
	wr_u8(w, 0);
	wr_u16(w, BLOCK_WORDS);
	wr_u32(w, v->ssrc);
	wr_u8(w, v->loss_rate);
	wr_u8(w, v->discard_rate);
	wr_u8(w, v->burst_density);
	wr_u8(w, v->gap_density);
	wr_u16(w, v->burst_ms);
	wr_u16(w, v->gap_ms);
	wr_u16(w, v->round_trip_ms);
	wr_u16(w, v->end_system_ms);
	wr_u8(w, (uint8_t)v->signal_dbm);
	wr_u8(w, (uint8_t)v->noise_dbm);
	wr_u8(w, v->rerl_db);
	wr_u8(w, v->gmin);
	wr_u8(w, v->r_factor);
	wr_u8(w, v->external_r_factor);
	wr_u8(w, v->mos_lq_x10);
	wr_u8(w, v->mos_cq_x10);
	wr_u8(w, (uint8_t)(v->plc << 6 | (v->jb_adaptive & 3) << 4 | (v->jb_rate & 15)));
	wr_u8(w, 0);
	wr_u16(w, v->jb_nominal_ms);
	wr_u16(w, v->jb_max_ms);
	wr_u16(w, v->jb_limit_ms);
}
