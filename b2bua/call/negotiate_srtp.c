/* b2bua/call/negotiate_srtp.c
 *
 * SDES: one a=crypto line from each side, the same suite, each with the key its writer sends under. Two suites, which
 * everybody has. Without an MKI: it would be in every packet.
 */
#include "b2bua/call/negotiate_srtp.h"

#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

static const char *const suite_names[MEDIA_SRTP_SUITES] = {
	[MEDIA_SRTP_SHA1_80] = "AES_CM_128_HMAC_SHA1_80",
	[MEDIA_SRTP_SHA1_32] = "AES_CM_128_HMAC_SHA1_32",
};

static bool is_secure(enum sdp_proto proto)
{
	return proto == SDP_RTP_SAVP || proto == SDP_RTP_SAVPF;
}

void negotiate_sip_secure(struct sip_negotiation *n, enum media_srtp_policy policy, const struct media_srtp_keys *keys)
{
	n->srtp = policy;
	n->keys = *keys;
}

void negotiate_sip_wipe(struct sip_negotiation *n)
{
	sdp_wipe(&n->keys, sizeof(n->keys));
	sdp_wipe(&n->remote.srtp, sizeof(n->remote.srtp));
	kept_text_wipe(&n->text[0]);
	kept_text_wipe(&n->text[1]);
}

void negotiate_srtp_offer(const struct sip_negotiation *n, struct sdp_audio *offer)
{
	offer->proto = n->srtp == MEDIA_SRTP_REQUIRE ? SDP_RTP_SAVP : SDP_RTP_AVP;
	if (n->has_remote && n->remote.srtp.suite != MEDIA_SRTP_NONE)
		offer->proto = n->proto; /* what has been agreed on once is understood */
	if (n->srtp == MEDIA_SRTP_OFF)
		return;
	for (unsigned s = MEDIA_SRTP_NONE + 1; s < MEDIA_SRTP_SUITES; s++)
		sdp_add_crypto(offer, (uint16_t)s, suite_names[s], n->keys.of[s], MEDIA_SRTP_KEY_BYTES);
}

/* The suite of a line that we can use, else NONE. */
static enum media_srtp_suite usable(const struct sdp_crypto *c, uint8_t key[MEDIA_SRTP_KEY_BYTES])
{
	for (unsigned s = MEDIA_SRTP_NONE + 1; s < MEDIA_SRTP_SUITES; s++)
		if (str_equal_nocase(c->suite, suite_names[s]) && !c->has_mki &&
			sdp_crypto_key(c, key, MEDIA_SRTP_KEY_BYTES) == 0)
			return (enum media_srtp_suite)s;
	return MEDIA_SRTP_NONE;
}

/* The peer's first line that will do; but rather the suite in use, so that our stream goes on under its key. An answer
 * has the tag of the line in our offer it takes (RFC 4568 s5.1.3), which is the suite's number; but of one that
 * repeats what we answered once, the peer's own. */
static const struct sdp_crypto *choose(
	const struct sip_negotiation *n, const struct sdp_audio *peer, bool is_answer, struct media_sip_srtp *ret_srtp)
{
	const struct sdp_crypto *best = NULL;
	uint8_t key[MEDIA_SRTP_KEY_BYTES];

	for (size_t i = 0; i < peer->crypto_count; i++) {
		const struct sdp_crypto *c = &peer->crypto[i];
		enum media_srtp_suite suite = usable(c, key);
		bool in_use = n->has_remote && suite == n->remote.srtp.suite;
		if (suite == MEDIA_SRTP_NONE || (is_answer && c->tag != suite && !in_use) || (best && !in_use))
			continue;
		best = c;
		ret_srtp->suite = suite;
		memcpy(ret_srtp->tx, n->keys.of[suite], MEDIA_SRTP_KEY_BYTES);
		memcpy(ret_srtp->rx, key, MEDIA_SRTP_KEY_BYTES);
		if (in_use)
			break;
	}
	sdp_wipe(key, sizeof(key));
	return best;
}

int negotiate_srtp_read(const struct sip_negotiation *n, const struct sdp_audio *peer, bool is_answer,
	struct media_sip_srtp *ret_srtp, uint16_t *ret_tag)
{
	struct media_sip_srtp srtp = {0};
	const struct sdp_crypto *line = n->srtp != MEDIA_SRTP_OFF ? choose(n, peer, is_answer, &srtp) : NULL;
	/* With lines of which none will do: in an answer, the peer is about to send what we cannot read. */
	bool unreadable = n->srtp != MEDIA_SRTP_OFF && is_answer && peer->crypto_count > 0;

	if (!line && (is_secure(peer->proto) || n->srtp == MEDIA_SRTP_REQUIRE || unreadable))
		return -ENOENT;
	*ret_srtp = srtp;
	*ret_tag = line ? line->tag : 0;
	sdp_wipe(&srtp, sizeof(srtp));
	return 0;
}

void negotiate_srtp_answer(const struct media_sip_srtp *srtp, uint16_t tag, struct sdp_audio *answer)
{
	if (srtp->suite != MEDIA_SRTP_NONE)
		sdp_add_crypto(answer, tag, suite_names[srtp->suite], srtp->tx, MEDIA_SRTP_KEY_BYTES);
}

bool negotiate_srtp_equal(const struct media_sip_srtp *a, const struct media_sip_srtp *b)
{
	return a->suite == b->suite && memcmp(a->tx, b->tx, sizeof(a->tx)) == 0 &&
	       memcmp(a->rx, b->rx, sizeof(a->rx)) == 0;
}
