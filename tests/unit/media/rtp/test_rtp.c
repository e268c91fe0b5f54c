#include "media/rtp/rtp.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *what;
	uint8_t bytes[40];
	size_t length;
	int result;
	unsigned offset, payload;
} packets[] = {
	{"plain", {0x80, 0x6f, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 'a', 'b'}, 14, 0, 12, 2},
	{"empty payload", {0x80, 0x6f, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}, 12, 0, 12, 0},
	{"one byte short", {0x80, 0x6f, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}, 11, -EPROTO, 0, 0},
	{"nothing", {0}, 0, -EPROTO, 0, 0},
	{"version 1", {0x40, 0x6f, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}, 12, -EPROTO, 0, 0},
	{"two CSRC", {0x82, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9, 8, 8, 8, 8, 'a'}, 21, 0, 20, 1},
	{"CSRC past the end", {0x8f, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9}, 16, -EPROTO, 0, 0},
	{"extension of one word", {0x90, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x10, 0x20, 0, 0, 'a'}, 21,
		0, 20, 1},
	{"extension header cut", {0x90, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde}, 14, -EPROTO, 0, 0},
	{"extension past the end", {0x90, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0xff, 0xff}, 16, -EPROTO, 0, 0},
	{"padding", {0xa0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 'a', 0, 0, 3}, 16, 0, 12, 1},
	{"only padding", {0xa0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4}, 16, 0, 12, 0},
	{"padding of zero", {0xa0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 'a', 0}, 14, -EPROTO, 0, 0},
	{"padding over the payload", {0xa0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 'a', 3}, 14, -EPROTO, 0, 0},
	{"padding bit and no byte for it", {0xa0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}, 12, -EPROTO, 0, 0},
};

static void test_parse_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		struct rtp_hdr h = {0};
		uint8_t *exact = malloc(packets[i].length + 1); /* so that a read past the end is seen */
		memcpy(exact + 1, packets[i].bytes, packets[i].length);
		int r = rtp_parse(exact + 1, packets[i].length, &h);
		free(exact);
		if (r != packets[i].result)
			fail_msg("%s: %d", packets[i].what, r);
		if (r == 0) {
			assert_int_equal(h.payload_offset, packets[i].offset);
			assert_int_equal(h.payload_length, packets[i].payload);
			assert_int_equal(h.seq, 1);
			assert_int_equal(h.ts, 2);
			assert_int_equal(h.ssrc, 3);
		}
	}
}

static void test_write_is_read_back(void **state)
{
	(void)state;
	const struct rtp_hdr in = {.pt = 111, .marker = true, .seq = 0xfffe, .ts = 0x89abcdef, .ssrc = 0xdeadbeef};
	struct rtp_hdr out;
	uint8_t bytes[RTP_HEADER_BYTES];
	rtp_write(&in, bytes);
	assert_int_equal(rtp_parse(bytes, sizeof(bytes), &out), 0);
	assert_int_equal(out.pt, in.pt);
	assert_int_equal(out.marker, true);
	assert_int_equal(out.seq, in.seq);
	assert_int_equal(out.ts, in.ts);
	assert_int_equal(out.ssrc, in.ssrc);
}

static void test_rtcp_on_the_same_port(void **state)
{
	(void)state;
	assert_true(rtp_is_rtcp("\x80\xc8", 2));
	assert_true(rtp_is_rtcp("\x81\xcb", 2));
	assert_false(rtp_is_rtcp("\x80\x6f", 2)); /* Opus 111 */
	assert_false(rtp_is_rtcp("\x80\xef", 2)); /* the same with marker */
	assert_false(rtp_is_rtcp("\x00\xc8", 2));
	assert_false(rtp_is_rtcp("\x80", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_table),
		cmocka_unit_test(test_write_is_read_back),
		cmocka_unit_test(test_rtcp_on_the_same_port),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
