/* How digits go to a gateway, by its configuration and by what it has agreed to. */
#include "b2bua/call/call_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct {
	const char *what;
	enum call_dtmf how;
	enum audio_codec codec;
	uint8_t event_pt;
	bool events, tones; /* go out; tones are listened to where they go out */
} rows[] = {
	{"events", CALL_DTMF_EVENTS, AUDIO_PCMU, 101, true, false},
	{"events, it has none", CALL_DTMF_EVENTS, AUDIO_PCMU, 0, false, false},
	{"INFO instead", CALL_DTMF_INFO, AUDIO_PCMU, 101, false, false},
	{"INFO, too", CALL_DTMF_BOTH, AUDIO_PCMU, 101, true, false},
	{"tones", CALL_DTMF_INBAND, AUDIO_PCMU, 101, false, true},
	{"tones in G.722", CALL_DTMF_INBAND, AUDIO_G722, 0, false, true},
	{"no tones in Opus", CALL_DTMF_INBAND, AUDIO_OPUS, 101, true, false},
	{"auto, it has events", CALL_DTMF_AUTO, AUDIO_PCMA, 101, true, false},
	{"auto, it has none", CALL_DTMF_AUTO, AUDIO_PCMA, 0, false, true},
	{"auto, it has none and speaks Opus", CALL_DTMF_AUTO, AUDIO_OPUS, 0, false, false},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* as a re-INVITE before may have left it */
		struct media_sip_remote r = {.codec = rows[i].codec,
			.event_pt = rows[i].event_pt,
			.no_events_out = true,
			.tones_in = true,
			.tones_out = true};
		call_digit_ways(rows[i].how, &r);
		bool events = r.event_pt && !r.no_events_out;
		if (events != rows[i].events || r.tones_out != rows[i].tones || r.tones_in != rows[i].tones)
			fail_msg("%s: events %d, tones %d %d", rows[i].what, events, r.tones_out, r.tones_in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
