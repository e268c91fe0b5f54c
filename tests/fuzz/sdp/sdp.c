/* tests/fuzz/sdp/sdp.c
 *
 * Whatever is read can be written, reads again, means the same, and from then on writes the same text.
 */
#include "lib/base/assert.h"
#include "lib/sdp/sdp_audio.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool addr_same(const struct addr *a, const struct addr *b)
{
	if (!addr_is_set(a) || !addr_is_set(b))
		return addr_is_set(a) == addr_is_set(b);
	return addr_equal(a, b);
}

static void check_codecs(const struct sdp_audio *a, const struct sdp_audio *b)
{
	ASSERT(a->codec_count == b->codec_count);
	for (size_t i = 0; i < a->codec_count; i++) {
		const struct sdp_codec *x = &a->codecs[i], *y = &b->codecs[i];
		ASSERT(x->pt == y->pt && x->clock_hz == y->clock_hz && x->channels == y->channels);
		ASSERT(!strcmp(x->name, y->name) && !strcmp(x->fmtp, y->fmtp));
	}
}

static void check_transport(const struct sdp_audio *a, const struct sdp_audio *b)
{
	ASSERT(a->ice_lite == b->ice_lite);
	ASSERT(!strcmp(a->ice_ufrag, b->ice_ufrag) && !strcmp(a->ice_pwd, b->ice_pwd));
	ASSERT(a->candidate_count == b->candidate_count);
	for (size_t i = 0; i < a->candidate_count; i++) {
		const struct sdp_candidate *x = &a->candidates[i], *y = &b->candidates[i];
		ASSERT(!strcmp(x->foundation, y->foundation) && x->component == y->component);
		ASSERT(x->priority == y->priority && x->type == y->type && addr_equal(&x->addr, &y->addr));
	}
	ASSERT(a->has_fingerprint == b->has_fingerprint && a->setup == b->setup);
	ASSERT(!memcmp(a->fingerprint, b->fingerprint, sizeof(a->fingerprint)));
	ASSERT(a->crypto_count == b->crypto_count);
	for (size_t i = 0; i < a->crypto_count; i++) {
		ASSERT(a->crypto[i].tag == b->crypto[i].tag);
		ASSERT(!strcmp(a->crypto[i].suite, b->crypto[i].suite));
		ASSERT(!strcmp(a->crypto[i].inline_key, b->crypto[i].inline_key));
	}
}

/* Everything but what writing is meant to change: an origin that was a name, further fingerprints, MKIs. */
static void check_same(const struct sdp_audio *a, const struct sdp_audio *b)
{
	ASSERT(a->origin_id == b->origin_id && a->origin_version == b->origin_version);
	ASSERT(!addr_is_set(&a->origin) || addr_same(&a->origin, &b->origin));
	ASSERT(a->proto == b->proto && a->direction == b->direction && a->hold_address == b->hold_address);
	ASSERT(addr_same(&a->rtp, &b->rtp) && addr_same(&a->rtcp, &b->rtcp) && a->rtcp_mux == b->rtcp_mux);
	ASSERT(a->ptime_ms == b->ptime_ms && a->maxptime_ms == b->maxptime_ms);
	ASSERT(!strcmp(a->mid, b->mid) && !strcmp(a->msid, b->msid));
	ASSERT(a->ssrc == b->ssrc && !strcmp(a->cname, b->cname));
	ASSERT(a->media_count == b->media_count && a->media_index == b->media_index);
	ASSERT(!memcmp(a->others, b->others, sizeof(a->others)));
	check_codecs(a, b);
	check_transport(a, b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sdp_audio first, second;
	static char text[32 * 1024], again[32 * 1024];
	struct sdp_error error = {0};
	int r = sdp_audio_parse((const char *)data, size, &first, &error);

	if (r < 0) {
		ASSERT(r == -EBADMSG || r == -ENOENT || r == -E2BIG);
		ASSERT(error.what[0] != '\0' && strlen(error.what) < sizeof(error.what));
		return 0;
	}
	int length = sdp_write(&first, text, sizeof(text));
	ASSERT(length > 0 && (size_t)length == strlen(text));
	ASSERT(sdp_audio_parse(text, (size_t)length, &second, NULL) == 0);
	check_same(&first, &second);
	ASSERT(sdp_write(&second, again, sizeof(again)) == length);
	ASSERT(memcmp(text, again, (size_t)length) == 0);
	for (int wanted = SDP_SENDRECV; wanted <= SDP_INACTIVE; wanted++)
		ASSERT(sdp_answer_direction(&first, (enum sdp_direction)wanted) <= SDP_INACTIVE);
	for (size_t i = 0; i < first.codec_count; i++)
		(void)sdp_fmtp_int(&first.codecs[i], "minptime", -1);
	return 0;
}
