#include "media/rtp/rtp_end.h"

#include <string.h>

void rtp_end_init(struct rtp_end *e, const struct rtp_stream_conf *conf)
{
	memset(e, 0, sizeof(*e));
	rtp_stream_init(&e->stream, conf);
}

/* ---- who was here before ---- */

static bool is_at(const struct rtp_end_addrs *a, const struct addr *where)
{
	const struct addr *const all[] = {&a->signalled_rtp, &a->signalled_rtcp, &a->rtp, &a->rtcp};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (addr_is_set(all[i]) && addr_equal(all[i], where))
			return true;
	return false;
}

static bool is_shunned(const struct rtp_end *e, const struct addr *from)
{
	for (unsigned i = 0; i < RTP_END_SHUNNED_MAX; i++)
		if (is_at(&e->shunned[i], from))
			return true;
	return false;
}

/* Back to one of before, perhaps behind the same NAT as it was: all of its addresses are good again. */
static void pardon(struct rtp_end *e, const struct addr *rtp)
{
	for (unsigned i = 0; i < RTP_END_SHUNNED_MAX; i++)
		if (addr_is_set(rtp) && is_at(&e->shunned[i], rtp))
			memset(&e->shunned[i], 0, sizeof(e->shunned[i]));
}

void rtp_end_set_remote(struct rtp_end *e, const struct addr *rtp, const struct addr *rtcp)
{
	if (!addr_is_set(rtp) || !addr_equal(&e->signalled_rtp, rtp)) {
		memset(&e->rtp, 0, sizeof(e->rtp));
		memset(&e->rtcp, 0, sizeof(e->rtcp));
	}
	e->signalled_rtp = *rtp;
	e->signalled_rtcp = *rtcp;
	pardon(e, rtp);
}

void rtp_end_set_new_peer(struct rtp_end *e, const struct addr *rtp, const struct addr *rtcp)
{
	const struct rtp_end_addrs old = {e->signalled_rtp, e->signalled_rtcp, e->rtp, e->rtcp};
	if (addr_is_set(&old.signalled_rtp) || addr_is_set(&old.rtp)) {
		e->shunned[e->shunned_next] = old;
		e->shunned_next = (e->shunned_next + 1) % RTP_END_SHUNNED_MAX;
	}
	pardon(e, rtp);
	memset(&e->rtp, 0, sizeof(e->rtp));
	memset(&e->rtcp, 0, sizeof(e->rtcp));
	memset(&e->probe_from, 0, sizeof(e->probe_from));
	e->signalled_rtp = *rtp;
	e->signalled_rtcp = *rtcp;
	rtp_stream_forget_peer(&e->stream);
}

/* ---- who may send ---- */

static bool is_host(const struct addr *where, const struct addr *from)
{
	return addr_is_set(where) && addr_equal_host(where, from);
}

bool rtp_end_is_at_home(const struct rtp_end *e)
{
	return is_host(&e->signalled_rtp, &e->rtp);
}

/* Whoever guesses would have to know the sequence as well as the SSRC. */
static bool goes_on(const struct rtp_end *e, const struct rtp_hdr *hdr)
{
	const struct rtp_stream *s = &e->stream;
	int16_t ahead = (int16_t)(uint16_t)(hdr->seq - s->rx.max_seq);
	return s->has_peer && hdr->ssrc == s->peer_ssrc && ahead > 0 && ahead < RTP_END_SEQ_NEAR;
}

/* RFC 3550 A.1, MIN_SEQUENTIAL: a stray packet, or one of many sources, is no stream. */
static bool second_in_a_row(struct rtp_end *e, const struct rtp_hdr *hdr, const struct addr *from)
{
	bool second = addr_is_set(&e->probe_from) && addr_equal(&e->probe_from, from) && hdr->ssrc == e->probe_ssrc &&
		      hdr->seq == (uint16_t)(e->probe_seq + 1);
	e->probe_from = *from;
	e->probe_ssrc = hdr->ssrc;
	e->probe_seq = hdr->seq;
	return second;
}

static bool may_lock(struct rtp_end *e, const struct rtp_hdr *hdr, const struct addr *from, enum rtp_end_trust trust,
	uint64_t now_us)
{
	bool signalled = is_host(&e->signalled_rtp, from);
	uint64_t silent_ms = (now_us - e->last_rtp_us) / 1000;

	if (trust != RTP_END_PLAIN)
		return trust == RTP_END_AUTHENTIC;
	if (!addr_is_set(&e->rtp))
		return signalled || second_in_a_row(e, hdr, from);
	bool at_home = rtp_end_is_at_home(e);
	if (addr_equal(from, &e->signalled_rtp) || (signalled && !at_home) || goes_on(e, hdr))
		return true;
	if (silent_ms < RTP_END_RELATCH_MS)
		return false;
	if (addr_equal_host(from, &e->rtp))
		return true;
	return !at_home && silent_ms >= RTP_END_RELATCH_ELSEWHERE_MS && second_in_a_row(e, hdr, from);
}

bool rtp_end_accept(struct rtp_end *e, const struct rtp_hdr *hdr, const struct addr *from, enum rtp_end_trust trust,
	uint64_t now_us, bool *ret_moved)
{
	*ret_moved = false;
	if (is_shunned(e, from)) {
		e->wrong_source++;
		return false;
	}
	if (!addr_is_set(&e->rtp) || !addr_equal(&e->rtp, from)) {
		if (!may_lock(e, hdr, from, trust, now_us)) {
			e->wrong_source++;
			return false;
		}
		const struct addr *before = rtp_end_rtp_to(e);
		*ret_moved = !before || !addr_equal(before, from);
		e->rtp = *from;
		if (*ret_moved)
			memset(&e->rtcp, 0, sizeof(e->rtcp));
	}
	e->last_rtp_us = now_us;
	return true;
}

bool rtp_end_accept_rtcp(struct rtp_end *e, const struct addr *from)
{
	const struct addr *rtp = rtp_end_rtp_to(e);
	if (!is_shunned(e, from) && ((rtp && addr_equal_host(from, rtp)) || addr_equal(from, &e->signalled_rtcp))) {
		e->rtcp = *from;
		return true;
	}
	e->wrong_source++;
	return false;
}

const struct addr *rtp_end_rtp_to(const struct rtp_end *e)
{
	if (addr_is_set(&e->rtp))
		return &e->rtp;
	return addr_is_set(&e->signalled_rtp) ? &e->signalled_rtp : NULL;
}

const struct addr *rtp_end_rtcp_to(const struct rtp_end *e, struct addr *ret_addr)
{
	const struct addr *rtp = rtp_end_rtp_to(e);
	if (!rtp || !addr_is_set(&e->signalled_rtcp))
		return NULL;
	if (addr_is_set(&e->rtcp)) {
		*ret_addr = e->rtcp;
	} else if (addr_equal(rtp, &e->signalled_rtp)) {
		*ret_addr = e->signalled_rtcp;
	} else {
		*ret_addr =
			*rtp; /* behind a NAT that keeps ports in pairs, RFC 3550 s11; else its own RTCP will tell */
		addr_set_port(ret_addr, (uint16_t)(addr_port(rtp) + 1));
	}
	return ret_addr;
}
