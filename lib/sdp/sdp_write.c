/* lib/sdp/sdp_write.c
 *
 * struct sdp_audio -> text. Two shapes, because two kinds of reader are particular:
 *   DTLS protos   as Meta is known to accept it, line for line (Meta: calling, SDP answer): no more attributes than
 * needed, c= below m= others        plain RFC 3264, session-level c=, no BUNDLE, which every PBX accepts
 */
#include "lib/base/str.h"
#include "lib/sdp/sdp_audio.h"

#include <errno.h>

static const char *const proto_names[] = {
	[SDP_RTP_AVP] = "RTP/AVP",
	[SDP_RTP_SAVP] = "RTP/SAVP",
	[SDP_RTP_AVPF] = "RTP/AVPF",
	[SDP_RTP_SAVPF] = "RTP/SAVPF",
	[SDP_UDP_TLS_RTP_SAVP] = "UDP/TLS/RTP/SAVP",
	[SDP_UDP_TLS_RTP_SAVPF] = "UDP/TLS/RTP/SAVPF",
};
static const char *const direction_names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
static const char *const setup_names[] = {"", "active", "passive", "actpass", "holdconn"};
static const char *const candidate_names[] = {"host", "srflx", "prflx", "relay"};

static bool is_dtls(const struct sdp_audio *sdp)
{
	return sdp->proto == SDP_UDP_TLS_RTP_SAVP || sdp->proto == SDP_UDP_TLS_RTP_SAVPF;
}

/* "IN IP4 192.0.2.1", 0.0.0.0 when unset. */
static void put_host(struct strbuf *sb, const struct addr *a)
{
	char host[ADDR_TEXT_MAX];
	if (!addr_is_set(a))
		strbuf_put(sb, "IN IP4 0.0.0.0");
	else
		strbuf_printf(sb, "IN IP%c %s", addr_is_v6(a) ? '6' : '4', addr_host(a, host, sizeof(host)));
}

static void put_connection(struct strbuf *sb, const struct sdp_audio *sdp)
{
	static const struct addr none;
	bool hide = sdp->hold_address && addr_is_set(&sdp->rtp) && !addr_is_any(&sdp->rtp);
	strbuf_put(sb, "c=");
	put_host(sb, hide ? &none : &sdp->rtp);
	strbuf_put(sb, "\r\n");
}

static void put_session(struct strbuf *sb, const struct sdp_audio *sdp)
{
	strbuf_put(sb, "v=0\r\no=- ");
	strbuf_printf(sb, "%llu %llu ", (unsigned long long)sdp->origin_id, (unsigned long long)sdp->origin_version);
	put_host(sb, addr_is_set(&sdp->origin) ? &sdp->origin : &sdp->rtp);
	strbuf_put(sb, "\r\ns=-\r\n");
	if (!is_dtls(sdp))
		put_connection(sb, sdp);
	strbuf_put(sb, "t=0 0\r\n");
	if (is_dtls(sdp) && sdp->mid[0])
		strbuf_printf(sb, "a=group:BUNDLE %s\r\n", sdp->mid);
	if (is_dtls(sdp) && sdp->msid[0]) {
		size_t stream = 0;
		while (sdp->msid[stream] && sdp->msid[stream] != ' ' && sdp->msid[stream] != '\t')
			stream++;
		strbuf_printf(sb, "a=msid-semantic: WMS %.*s\r\n", (int)stream, sdp->msid);
	}
	if (sdp->ice_lite)
		strbuf_put(sb, "a=ice-lite\r\n");
}

static void put_other_media(struct strbuf *sb, const struct sdp_other_media *m)
{
	strbuf_printf(sb, "m=%s 0 %s %s\r\n", m->media[0] ? m->media : "audio", m->proto[0] ? m->proto : "RTP/AVP",
		m->fmt[0] ? m->fmt : "0");
}

static void put_media_line(struct strbuf *sb, const struct sdp_audio *sdp)
{
	unsigned port = addr_is_set(&sdp->rtp) ? addr_port(&sdp->rtp) : 0;
	strbuf_printf(sb, "m=audio %u %s", port, proto_names[sdp->proto]);
	for (size_t i = 0; i < sdp->codec_count; i++)
		strbuf_printf(sb, " %u", sdp->codecs[i].pt);
	if (sdp->codec_count == 0)
		strbuf_put(sb, " 0"); /* the grammar asks for one, and a refused stream has none */
	strbuf_put(sb, "\r\n");
}

static void put_candidate(struct strbuf *sb, const struct sdp_candidate *c)
{
	char host[ADDR_TEXT_MAX];
	strbuf_printf(sb, "a=candidate:%s %u udp %u %s %u typ %s", c->foundation, c->component, c->priority,
		addr_host(&c->addr, host, sizeof(host)), addr_port(&c->addr), candidate_names[c->type]);
	/* RFC 8839 s5.1: required for these; the values that give nothing away */
	if (c->type != SDP_CAND_HOST)
		strbuf_printf(sb, " raddr %s rport 9", addr_is_v6(&c->addr) ? "::" : "0.0.0.0");
	strbuf_put(sb, "\r\n");
}

static void put_ice(struct strbuf *sb, const struct sdp_audio *sdp)
{
	for (size_t i = 0; i < sdp->candidate_count; i++)
		put_candidate(sb, &sdp->candidates[i]);
	if (sdp->candidate_count)
		strbuf_put(sb, "a=end-of-candidates\r\n");
	if (sdp->ice_ufrag[0])
		strbuf_printf(sb, "a=ice-ufrag:%s\r\n", sdp->ice_ufrag);
	if (sdp->ice_pwd[0])
		strbuf_printf(sb, "a=ice-pwd:%s\r\n", sdp->ice_pwd);
}

static void put_dtls(struct strbuf *sb, const struct sdp_audio *sdp)
{
	if (sdp->has_fingerprint) {
		strbuf_put(sb, "a=fingerprint:sha-256 ");
		for (size_t i = 0; i < SDP_FINGERPRINT_BYTES; i++)
			strbuf_printf(sb, i ? ":%02X" : "%02X", sdp->fingerprint[i]);
		strbuf_put(sb, "\r\n");
	}
	if (sdp->setup != SDP_SETUP_NONE)
		strbuf_printf(sb, "a=setup:%s\r\n", setup_names[sdp->setup]);
}

static void put_crypto(struct strbuf *sb, const struct sdp_audio *sdp)
{
	for (size_t i = 0; i < sdp->crypto_count; i++) {
		const struct sdp_crypto *c = &sdp->crypto[i];
		strbuf_printf(sb, "a=crypto:%u %s inline:%s\r\n", c->tag, c->suite, c->inline_key);
	}
}

/* Only where RTCP is not on the next port: a=rtcp that says the obvious confuses more readers than it helps. */
static void put_rtcp(struct strbuf *sb, const struct sdp_audio *sdp)
{
	if (sdp->rtcp_mux) {
		strbuf_put(sb, "a=rtcp-mux\r\n");
	} else if (addr_is_set(&sdp->rtcp)) {
		bool same_host = addr_is_set(&sdp->rtp) && addr_equal_host(&sdp->rtcp, &sdp->rtp);
		if (same_host && addr_port(&sdp->rtcp) == addr_port(&sdp->rtp) + 1)
			return;
		strbuf_printf(sb, "a=rtcp:%u", addr_port(&sdp->rtcp));
		if (!same_host) {
			strbuf_put(sb, " ");
			put_host(sb, &sdp->rtcp);
		}
		strbuf_put(sb, "\r\n");
	}
}

static void put_codecs(struct strbuf *sb, const struct sdp_audio *sdp)
{
	for (size_t i = 0; i < sdp->codec_count; i++) {
		const struct sdp_codec *c = &sdp->codecs[i];
		strbuf_printf(sb, "a=rtpmap:%u %s/%u", c->pt, c->name, c->clock_hz);
		if (c->channels > 1)
			strbuf_printf(sb, "/%u", c->channels);
		strbuf_put(sb, "\r\n");
		if (c->fmtp[0])
			strbuf_printf(sb, "a=fmtp:%u %s\r\n", c->pt, c->fmtp);
	}
	if (sdp->ptime_ms)
		strbuf_printf(sb, "a=ptime:%u\r\n", sdp->ptime_ms);
	if (sdp->maxptime_ms)
		strbuf_printf(sb, "a=maxptime:%u\r\n", sdp->maxptime_ms);
}

static void put_direction(struct strbuf *sb, const struct sdp_audio *sdp)
{
	strbuf_printf(sb, "a=%s\r\n", direction_names[sdp->direction]);
}

static void put_source(struct strbuf *sb, const struct sdp_audio *sdp)
{
	if (sdp->ssrc == 0)
		return;
	strbuf_printf(sb, "a=ssrc:%u", sdp->ssrc);
	if (sdp->cname[0])
		strbuf_printf(sb, " cname:%s", sdp->cname);
	strbuf_put(sb, "\r\n");
}

static void put_text_attribute(struct strbuf *sb, const char *name, const char *value)
{
	if (value[0])
		strbuf_printf(sb, "a=%s:%s\r\n", name, value);
}

static void put_dtls_media(struct strbuf *sb, const struct sdp_audio *sdp)
{
	put_media_line(sb, sdp);
	put_connection(sb, sdp);
	if (sdp->rtcp_mux)
		strbuf_put(sb, "a=rtcp:9 IN IP4 0.0.0.0\r\n"); /* filler that browsers write and Meta writes */
	put_ice(sb, sdp);
	put_dtls(sb, sdp);
	put_crypto(sb, sdp);
	put_text_attribute(sb, "mid", sdp->mid);
	put_direction(sb, sdp);
	put_text_attribute(sb, "msid", sdp->msid);
	put_rtcp(sb, sdp);
	put_codecs(sb, sdp);
	put_source(sb, sdp);
}

static void put_plain_media(struct strbuf *sb, const struct sdp_audio *sdp)
{
	put_media_line(sb, sdp);
	put_rtcp(sb, sdp);
	if (sdp->xr_voip)
		strbuf_put(sb, "a=rtcp-xr:voip-metrics\r\n");
	put_crypto(sb, sdp);
	put_codecs(sb, sdp);
	put_direction(sb, sdp);
	put_ice(sb, sdp);
	put_dtls(sb, sdp);
	put_text_attribute(sb, "mid", sdp->mid);
	put_text_attribute(sb, "msid", sdp->msid);
	put_source(sb, sdp);
}

int sdp_write(const struct sdp_audio *sdp, char *text, size_t cap)
{
	size_t count = sdp->media_count ? sdp->media_count : 1;
	size_t mine = sdp->media_count ? sdp->media_index : 0;
	struct strbuf sb;

	if (cap == 0)
		return -ENOBUFS;
	strbuf_init(&sb, text, cap);
	put_session(&sb, sdp);
	for (size_t i = 0; i < count && i < SDP_MEDIA_MAX; i++) {
		if (i != mine)
			put_other_media(&sb, &sdp->others[i]);
		else if (is_dtls(sdp))
			put_dtls_media(&sb, sdp);
		else
			put_plain_media(&sb, sdp);
	}
	return sb.truncated ? -ENOBUFS : (int)sb.length;
}
