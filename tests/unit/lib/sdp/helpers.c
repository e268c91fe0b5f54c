/* Codec helpers and the direction of an answer. */
#include "tests/unit/lib/sdp/sdp_tests.h"

#include <errno.h>
#include <string.h>

static void find_and_add(void **state)
{
	struct sdp_audio s = {0};
	(void)state;
	assert_int_equal(sdp_add_codec(&s, 101, "telephone-event", 8000, 0, NULL), 0);
	assert_int_equal(sdp_add_codec(&s, 102, "telephone-event", 48000, 1, "0-16"), 0);
	assert_int_equal(s.codecs[0].channels, 1);
	assert_int_equal(sdp_find_codec(&s, "TELEPHONE-EVENT", 0)->pt, 101);
	assert_int_equal(sdp_find_codec(&s, "telephone-event", 48000)->pt, 102);
	assert_null(sdp_find_codec(&s, "telephone-event", 16000));
	assert_null(sdp_find_codec(&s, "telephone", 0));
	assert_int_equal(sdp_add_codec(&s, 128, "opus", 48000, 2, NULL), -EINVAL);
	assert_int_equal(sdp_add_codec(&s, 96, "a-name-of-twenty-four-ch", 48000, 2, NULL), -EINVAL);
	assert_int_equal(s.codec_count, 2);
	while (s.codec_count < SDP_CODECS_MAX)
		assert_int_equal(sdp_add_codec(&s, 96, "opus", 48000, 2, NULL), 0);
	assert_int_equal(sdp_add_codec(&s, 96, "opus", 48000, 2, NULL), -ENOSPC);
}

static void fmtp_integers(void **state)
{
	static const struct {
		const char *fmtp, *key;
		long value;
	} rows[] = {
		{"minptime=10;useinbandfec=1", "minptime", 10},
		{"minptime=10;useinbandfec=1", "useinbandfec", 1},
		{" minptime = 10 ; useinbandfec = 1 ", "useinbandfec", 1},
		{"MINPTIME=10", "minptime", 10},
		{"x=-5", "x", -5},
		{"minptime=10", "min", -99},
		{"minptime", "minptime", -99},
		{"minptime=", "minptime", -99},
		{"minptime=ten", "minptime", -99},
		{"minptime=99999999999999999999999", "minptime", -99},
		{"0-16", "minptime", -99},
		{";;;=;", "minptime", -99},
		{"", "minptime", -99},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sdp_codec c = {0};
		memcpy(c.fmtp, rows[i].fmtp, strlen(rows[i].fmtp) + 1);
		assert_int_equal(sdp_fmtp_int(&c, rows[i].key, -99), rows[i].value);
	}
}

/* RFC 3264 s6.1, all of it: rows the offer, columns what we want (sendrecv sendonly recvonly inactive). */
static void answer_direction(void **state)
{
	enum { SR = SDP_SENDRECV, SO = SDP_SENDONLY, RO = SDP_RECVONLY, NO = SDP_INACTIVE };
	static const struct {
		int offer;
		bool hold;
		int answer[4];
	} rows[] = {
		{SR, false, {SR, SO, RO, NO}},
		{SO, false, {RO, NO, RO, NO}},
		{RO, false, {SO, SO, NO, NO}},
		{NO, false, {NO, NO, NO, NO}},
		{SR, true, {RO, NO, RO, NO}},
		{SO, true, {RO, NO, RO, NO}},
		{RO, true, {NO, NO, NO, NO}},
		{NO, true, {NO, NO, NO, NO}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sdp_audio offer = {.direction = (enum sdp_direction)rows[i].offer, .hold_address = rows[i].hold};
		for (int wanted = SR; wanted <= NO; wanted++)
			assert_int_equal(
				sdp_answer_direction(&offer, (enum sdp_direction)wanted), rows[i].answer[wanted]);
	}
}

int sdp_tests_helpers(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_and_add),
		cmocka_unit_test(fmtp_integers),
		cmocka_unit_test(answer_direction),
	};
	return cmocka_run_group_tests_name("sdp helpers", tests, NULL, NULL);
}
