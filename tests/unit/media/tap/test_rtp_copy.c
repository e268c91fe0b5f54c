/* The RTP copy: own SSRC, type and timestamps for each party, gaps stay gaps, nothing unasked. */
#include "media/rtp/rtp.h"
#include "media/tap/tap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { NOW_US = 9000000, FRAME_US = 20000 };

struct seen {
	int count;
	struct rtp_hdr h;
	uint8_t bytes[2000];
	size_t length;
};

static void on_send(void *arg, const uint8_t *bytes, size_t length, const struct addr *to)
{
	struct seen *s = arg;

	assert_int_equal(addr_port(to), 9000);
	assert_true(length <= sizeof(s->bytes));
	assert_int_equal(rtp_parse(bytes, length, &s->h), 0);
	memcpy(s->bytes, bytes, length);
	s->length = length;
	s->count++;
}

static struct tap tap_to(struct seen *s, enum rtp_copy_format format, bool user, bool agent)
{
	struct tap t = {.copy.send = on_send, .copy.send_arg = s};
	struct rtp_copy_conf conf = {.format = format, .side = {user, agent}, .ssrc = 0x1001};

	assert_int_equal(addr_parse("127.0.0.1:9000", &conf.to), 0);
	tap_copy(&t, &conf, NOW_US);
	return t;
}

static void test_pcmu(void **state)
{
	struct seen s = {0};
	struct tap t = tap_to(&s, RTP_COPY_PCMU, true, true);
	int16_t pcm[320] = {0};
	uint32_t ts;
	uint16_t seq;

	(void)state;
	tap_pcm(&t, SIDE_WA, pcm, 160, 8000, NOW_US);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.h.ssrc, 0x1000);
	assert_int_equal(s.h.pt, 0);
	assert_true(s.h.marker);
	assert_int_equal(s.h.payload_length, 160);
	ts = s.h.ts, seq = s.h.seq;
	tap_pcm(&t, SIDE_WA, pcm, 160, 8000, NOW_US + FRAME_US + 9000); /* late by a little: the line goes on */
	assert_int_equal(s.h.ts, ts + 160);
	assert_int_equal(s.h.seq, (uint16_t)(seq + 1));
	assert_false(s.h.marker);
	tap_pcm(&t, SIDE_WA, pcm, 160, 8000, NOW_US + 50 * FRAME_US); /* a pause: a gap, and no loss */
	assert_int_equal(s.h.ts, ts + 50 * 160);
	assert_int_equal(s.h.seq, (uint16_t)(seq + 2));
	assert_true(s.h.marker);
	tap_pcm(&t, SIDE_SIP, pcm, 320, 16000, NOW_US); /* G.722's PCM, as PCMU */
	assert_int_equal(s.h.ssrc, 0x1001);
	assert_int_equal(s.h.payload_length, 160);
	tap_copy_stop(&t);
	assert_false(t.active);
	tap_pcm(&t, SIDE_WA, pcm, 160, 8000, NOW_US);
	assert_int_equal(s.count, 4);
}

static void test_l16_is_in_network_order_and_follows_the_rate(void **state)
{
	struct seen s = {0};
	struct tap t = tap_to(&s, RTP_COPY_L16, true, false);
	int16_t pcm[320] = {0x1234, -2};

	(void)state;
	tap_pcm(&t, SIDE_WA, pcm, 160, 8000, NOW_US);
	assert_int_equal(s.h.pt, 96);
	assert_int_equal(s.h.payload_length, 320);
	assert_memory_equal(s.bytes + s.h.payload_offset, "\x12\x34\xff\xfe", 4);
	tap_pcm(&t, SIDE_WA, pcm, 320, 16000, NOW_US + FRAME_US); /* another clock is another stream */
	assert_int_equal(s.h.pt, 97);
	assert_int_equal(s.h.ssrc, 0x1002);
	assert_int_equal(s.h.payload_length, 640);
	tap_pcm(&t, SIDE_SIP, pcm, 160, 8000, NOW_US); /* not asked for */
	assert_int_equal(s.count, 2);
}

static void test_opus_as_it_is(void **state)
{
	struct seen s = {0};
	struct tap t = tap_to(&s, RTP_COPY_PCMU, false, true);
	const uint8_t silk_20ms[] = {0x48, 1, 2, 3};
	uint32_t ts;

	(void)state;
	tap_opus(&t, SIDE_SIP, silk_20ms, sizeof(silk_20ms), NOW_US);
	assert_int_equal(s.h.pt, 111);
	assert_int_equal(s.h.payload_length, sizeof(silk_20ms));
	assert_memory_equal(s.bytes + s.h.payload_offset, silk_20ms, sizeof(silk_20ms));
	ts = s.h.ts;
	tap_opus(&t, SIDE_SIP, silk_20ms, sizeof(silk_20ms), NOW_US + FRAME_US);
	assert_int_equal(s.h.ts, ts + 960);
	tap_opus(&t, SIDE_SIP, (const uint8_t *)"", 0, NOW_US + 2 * FRAME_US);
	assert_int_equal(s.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcmu),
		cmocka_unit_test(test_l16_is_in_network_order_and_follows_the_rate),
		cmocka_unit_test(test_opus_as_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
