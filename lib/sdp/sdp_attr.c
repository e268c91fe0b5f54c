/* lib/sdp/sdp_attr.c
 *
 * The attributes we know, one reader each. A malformed one counts as absent: most peers send many that are of no
 * importance to a call, and whoever needs one that is missing (ICE password, fingerprint) sees an empty field.
 */
#include "lib/sdp/sdp_reader.h"

#include <string.h>

enum { PTIME_MAX_MS = 1000 };

static void read_direction(struct sdp_reader *r, struct sdp_word value, int direction)
{
	(void)value;
	r->sdp.direction = (enum sdp_direction)direction;
}

static bool read_ms(struct sdp_word value, uint16_t *ret_ms)
{
	uint64_t ms;
	/* "20.0" has been seen: the fraction says nothing. */
	struct sdp_word whole = sdp_word_until(&value, '.');
	if (!sdp_word_number(whole, PTIME_MAX_MS, &ms))
		return false;
	*ret_ms = (uint16_t)ms;
	return true;
}

static void read_ptime(struct sdp_reader *r, struct sdp_word value, int arg)
{
	(void)arg;
	(void)read_ms(value, &r->sdp.ptime_ms);
}

static void read_maxptime(struct sdp_reader *r, struct sdp_word value, int arg)
{
	(void)arg;
	(void)read_ms(value, &r->sdp.maxptime_ms);
}

static void read_rtcp(struct sdp_reader *r, struct sdp_word value, int arg)
{
	(void)arg;
	r->rtcp = value;
}

static void read_rtcp_mux(struct sdp_reader *r, struct sdp_word value, int arg)
{
	(void)value;
	(void)arg;
	r->sdp.rtcp_mux = true;
}

/* "pkt-loss-rle rcvr-rtt=all voip-metrics": what else may be asked for we do not have. */
static void read_rtcp_xr(struct sdp_reader *r, struct sdp_word value, int arg)
{
	(void)arg;
	for (struct sdp_word w = sdp_word_next(&value); w.length; w = sdp_word_next(&value))
		r->sdp.xr_voip |= sdp_word_is(w, "voip-metrics");
}

/* "111 opus/48000/2", "101 0-16": filed under the payload type, the first one counts. */
static void keep_by_pt(struct sdp_word *by_pt, struct sdp_word value)
{
	uint64_t pt;
	if (!sdp_word_number(sdp_word_next(&value), SDP_PT_COUNT - 1, &pt))
		return;
	if (by_pt[pt].length == 0)
		by_pt[pt] = sdp_word_trim(value);
}

static void read_rtpmap(struct sdp_reader *r, struct sdp_word value, int arg)
{
	(void)arg;
	keep_by_pt(r->rtpmap, value);
}

static void read_fmtp(struct sdp_reader *r, struct sdp_word value, int arg)
{
	(void)arg;
	keep_by_pt(r->fmtp, value);
}

static void read_ice_lite(struct sdp_reader *r, struct sdp_word value, int arg)
{
	(void)value;
	(void)arg;
	r->sdp.ice_lite = true;
}

static void read_ice_ufrag(struct sdp_reader *r, struct sdp_word value, int arg)
{
	(void)arg;
	(void)sdp_word_copy(sdp_word_next(&value), r->sdp.ice_ufrag, sizeof(r->sdp.ice_ufrag));
}

static void read_ice_pwd(struct sdp_reader *r, struct sdp_word value, int arg)
{
	(void)arg;
	(void)sdp_word_copy(sdp_word_next(&value), r->sdp.ice_pwd, sizeof(r->sdp.ice_pwd));
}

static bool candidate_type(struct sdp_word w, enum sdp_candidate_type *ret_type)
{
	static const char *const names[] = {"host", "srflx", "prflx", "relay"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (sdp_word_is(w, names[i])) {
			*ret_type = (enum sdp_candidate_type)i;
			return true;
		}
	}
	return false;
}

/* RFC 8839 s5.1: foundation component transport priority address port "typ" type, then extensions (raddr, generation,
 * network-cost, ufrag ...), which we do not need. */
static bool read_candidate_fields(struct sdp_word value, struct sdp_candidate *c)
{
	char host[64];
	uint64_t component, priority, port;

	if (!sdp_word_copy(sdp_word_next(&value), c->foundation, sizeof(c->foundation)))
		return false;
	if (!sdp_word_number(sdp_word_next(&value), UINT8_MAX, &component) || component == 0)
		return false;
	if (!sdp_word_is(sdp_word_next(&value), "udp"))
		return false;
	if (!sdp_word_number(sdp_word_next(&value), UINT32_MAX, &priority))
		return false;
	if (!sdp_word_copy(sdp_word_next(&value), host, sizeof(host)))
		return false;
	if (!sdp_word_number(sdp_word_next(&value), UINT16_MAX, &port) || port == 0)
		return false;
	if (!sdp_word_is(sdp_word_next(&value), "typ") || !candidate_type(sdp_word_next(&value), &c->type))
		return false;
	if (addr_set(&c->addr, host, (uint16_t)port) < 0 || addr_is_any(&c->addr))
		return false;
	c->component = (uint8_t)component;
	c->priority = (uint32_t)priority;
	return true;
}

static void read_candidate(struct sdp_reader *r, struct sdp_word value, int arg)
{
	struct sdp_candidate c = {0};
	(void)arg;
	if (r->sdp.candidate_count < SDP_CANDIDATES_MAX && read_candidate_fields(value, &c))
		r->sdp.candidates[r->sdp.candidate_count++] = c;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "AB:CD:..." of exactly SDP_FINGERPRINT_BYTES (RFC 8122 s5; lower case has been seen). */
static bool read_hex_pairs(struct sdp_word w, uint8_t bytes[SDP_FINGERPRINT_BYTES])
{
	if (w.length != SDP_FINGERPRINT_BYTES * 3 - 1)
		return false;
	for (size_t i = 0; i < SDP_FINGERPRINT_BYTES; i++) {
		int hi = hex_digit(w.at[3 * i]), lo = hex_digit(w.at[3 * i + 1]);
		if (hi < 0 || lo < 0 || (i + 1 < SDP_FINGERPRINT_BYTES && w.at[3 * i + 2] != ':'))
			return false;
		bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static void read_fingerprint(struct sdp_reader *r, struct sdp_word value, int arg)
{
	uint8_t bytes[SDP_FINGERPRINT_BYTES];
	(void)arg;
	r->sdp.fingerprint_lines++;
	if (r->fingerprint_here || !sdp_word_is(sdp_word_next(&value), "sha-256"))
		return;
	if (!read_hex_pairs(sdp_word_next(&value), bytes))
		return;
	memcpy(r->sdp.fingerprint, bytes, sizeof(bytes));
	r->sdp.has_fingerprint = r->fingerprint_here = true;
}

static void read_setup(struct sdp_reader *r, struct sdp_word value, int arg)
{
	static const char *const names[] = {"", "active", "passive", "actpass", "holdconn"};
	(void)arg;
	for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		if (sdp_word_is(value, names[i]))
			r->sdp.setup = (enum sdp_setup)i;
}

static void read_mid(struct sdp_reader *r, struct sdp_word value, int arg)
{
	(void)arg;
	(void)sdp_word_copy(sdp_word_next(&value), r->sdp.mid, sizeof(r->sdp.mid));
}

static void read_msid(struct sdp_reader *r, struct sdp_word value, int arg)
{
	(void)arg;
	(void)sdp_word_copy(value, r->sdp.msid, sizeof(r->sdp.msid));
}

/* "1000000001 cname:name"; older samples add msid, mslabel and label lines for the same source (RFC 5576 s4.1). */
static void read_ssrc(struct sdp_reader *r, struct sdp_word value, int arg)
{
	uint64_t ssrc;
	(void)arg;
	if (!sdp_word_number(sdp_word_next(&value), UINT32_MAX, &ssrc) || ssrc == 0)
		return;
	if (r->sdp.ssrc == 0)
		r->sdp.ssrc = (uint32_t)ssrc;
	value = sdp_word_trim(value);
	if (ssrc == r->sdp.ssrc && r->sdp.cname[0] == '\0' && sdp_word_is(sdp_word_until(&value, ':'), "cname"))
		(void)sdp_word_copy(value, r->sdp.cname, sizeof(r->sdp.cname));
}

/* "inline:KEY[|lifetime][|MKI:length]": the key, and whether there is an MKI (RFC 4568 s6.1). */
static bool read_inline_key(struct sdp_word params, struct sdp_crypto *c)
{
	struct sdp_word first = sdp_word_until(&params, ';');
	if (!sdp_word_is(sdp_word_until(&first, ':'), "inline"))
		return false;
	/* Several keys are only told apart by their MKI. */
	c->has_mki = params.length > 0;
	if (!sdp_word_copy(sdp_word_until(&first, '|'), c->inline_key, sizeof(c->inline_key)))
		return false;
	while (first.length) {
		struct sdp_word part = sdp_word_until(&first, '|');
		if (memchr(part.at, ':', part.length))
			c->has_mki = true;
	}
	return true;
}

/* RFC 4568 s6.3: a session parameter that is not understood and not marked with "-" makes the line unusable. WSH only
 * advises on the size of the replay window. */
static bool session_params_acceptable(struct sdp_word rest)
{
	for (;;) {
		struct sdp_word w = sdp_word_next(&rest);
		if (w.length == 0)
			return true;
		if (w.at[0] != '-' && !sdp_word_is(sdp_word_until(&w, '='), "WSH"))
			return false;
	}
}

static void read_crypto(struct sdp_reader *r, struct sdp_word value, int arg)
{
	struct sdp_crypto c = {0};
	uint64_t tag;
	(void)arg;
	if (r->sdp.crypto_count == SDP_CRYPTO_MAX)
		return;
	if (!sdp_word_number(sdp_word_next(&value), UINT16_MAX, &tag))
		return;
	if (!sdp_word_copy(sdp_word_next(&value), c.suite, sizeof(c.suite)))
		return;
	if (!read_inline_key(sdp_word_next(&value), &c) || !session_params_acceptable(value))
		return;
	c.tag = (uint16_t)tag;
	r->sdp.crypto[r->sdp.crypto_count++] = c;
}

/* Groups: of these only the first on a level counts, and one of the media level overrules the session's. */
enum group { EVERY, DIRECTION, PTIME, MAXPTIME, RTCP, UFRAG, PWD, SETUP, MID, MSID };

static const struct attribute {
	const char *name;
	enum group group;
	bool session_too;
	void (*read)(struct sdp_reader *r, struct sdp_word value, int arg);
	int arg;
} attributes[] = {
	{"sendrecv", DIRECTION, true, read_direction, SDP_SENDRECV},
	{"sendonly", DIRECTION, true, read_direction, SDP_SENDONLY},
	{"recvonly", DIRECTION, true, read_direction, SDP_RECVONLY},
	{"inactive", DIRECTION, true, read_direction, SDP_INACTIVE},
	{"rtpmap", EVERY, false, read_rtpmap, 0},
	{"fmtp", EVERY, false, read_fmtp, 0},
	{"ptime", PTIME, true, read_ptime, 0},
	{"maxptime", MAXPTIME, true, read_maxptime, 0},
	{"rtcp", RTCP, false, read_rtcp, 0},
	{"rtcp-mux", EVERY, false, read_rtcp_mux, 0},
	{"rtcp-xr", EVERY, true, read_rtcp_xr, 0},
	{"candidate", EVERY, false, read_candidate, 0},
	{"ice-lite", EVERY, true, read_ice_lite, 0},
	{"ice-ufrag", UFRAG, true, read_ice_ufrag, 0},
	{"ice-pwd", PWD, true, read_ice_pwd, 0},
	{"fingerprint", EVERY, true, read_fingerprint, 0},
	{"setup", SETUP, true, read_setup, 0},
	{"mid", MID, false, read_mid, 0},
	{"msid", MSID, false, read_msid, 0},
	{"ssrc", EVERY, false, read_ssrc, 0},
	{"crypto", EVERY, false, read_crypto, 0},
};

void sdp_attr_read(struct sdp_reader *r, struct sdp_word value)
{
	struct sdp_word name = sdp_word_trim(sdp_word_until(&value, ':'));

	value = sdp_word_trim(value);
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		const struct attribute *a = &attributes[i];
		if (!sdp_word_is(name, a->name))
			continue;
		if (!r->in_media && !a->session_too)
			return;
		if (a->group != EVERY && (r->seen & 1u << a->group))
			return;
		if (a->group != EVERY)
			r->seen |= 1u << a->group;
		a->read(r, value, a->arg);
		return;
	}
}
