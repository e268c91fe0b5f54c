#include "media/rtp/reorder.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* seq 0: only time passes. other: something else than audio. */
static const struct {
	const char *what;
	struct {
		unsigned at_ms;
		uint16_t seq;
		bool other;
	} in[8];
	const char *out; /* sequence numbers, with what was lost before them */
	unsigned late;
} rows[] = {
	{"in order", {{1, 10, 0}, {2, 11, 0}, {3, 12, 0}}, "10 11 12 ", 0},
	{"two exchanged", {{1, 10, 0}, {2, 12, 0}, {5, 11, 0}, {20, 13, 0}}, "10 11 12 13 ", 0},
	{"one lost: the next waits 15 ms", {{1, 10, 0}, {2, 12, 0}, {16, 0, 0}, {17, 0, 0}}, "10 12(1) ", 0},
	{"one lost: no longer than until the one after", {{1, 10, 0}, {2, 12, 0}, {3, 13, 0}}, "10 12(1) 13 ", 0},
	{"too late", {{1, 10, 0}, {2, 12, 0}, {17, 0, 0}, {18, 11, 0}, {19, 13, 0}}, "10 12(1) 13 ", 1},
	{"many lost: nobody waits", {{1, 10, 0}, {2, 20, 0}}, "10 20(9) ", 0},
	{"an event between", {{1, 10, 0}, {2, 11, 1}, {3, 12, 0}}, "10 12 ", 0},
	{"an event closes the hole", {{1, 10, 0}, {2, 12, 0}, {3, 11, 1}}, "10 12 ", 0},
	{"round the corner", {{1, 65535, 0}, {2, 1, 0}, {3, 0, 1}}, "65535 1 ", 0},
};

static char heard[200];

static void take(void *arg, const struct reorder_packet *p, uint64_t now_us)
{
	size_t n = strlen(heard);
	(void)now_us;
	assert_ptr_equal(arg, heard);
	assert_int_equal(p->payload[0], (uint8_t)p->seq);
	assert_int_equal(p->length, 2);
	if (p->lost)
		snprintf(heard + n, sizeof(heard) - n, "%u(%u) ", p->seq, p->lost);
	else
		snprintf(heard + n, sizeof(heard) - n, "%u ", p->seq);
}

static void test_table(void **state)
{
	struct reorder r;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		heard[0] = '\0';
		reorder_init(&r, take, heard);
		for (size_t k = 0; k < 8 && rows[i].in[k].at_ms; k++) {
			uint64_t now_us = rows[i].in[k].at_ms * 1000;
			uint16_t seq = rows[i].in[k].seq;
			const uint8_t payload[2] = {(uint8_t)seq, 7};
			const struct reorder_packet p = {.seq = seq, .payload = payload, .length = 2};
			reorder_tick(&r, now_us);
			if (rows[i].in[k].other)
				reorder_other(&r, seq, now_us);
			else if (seq)
				reorder_packet(&r, &p, true, now_us);
		}
		if (strcmp(heard, rows[i].out) != 0 || r.late != rows[i].late)
			fail_msg("%s: %s, late %u", rows[i].what, heard, (unsigned)r.late);
	}
}

static void test_forgotten_and_dropped(void **state)
{
	const uint8_t payload[2] = {12, 7};
	struct reorder r;
	(void)state;
	heard[0] = '\0';
	reorder_init(&r, take, heard);
	assert_true(reorder_deadline(&r) == UINT64_MAX);
	reorder_packet(&r, &(struct reorder_packet){.seq = 12, .payload = payload, .length = 2}, true, 0);
	reorder_packet(&r, &(struct reorder_packet){.seq = 14, .payload = payload, .length = 2}, true, 1000);
	assert_int_equal(reorder_deadline(&r), 1000 + REORDER_HOLD_US);
	reorder_drop(&r);
	assert_true(reorder_deadline(&r) == UINT64_MAX);
	reorder_forget(&r);
	reorder_packet(&r, &(struct reorder_packet){.seq = 12, .payload = payload, .length = 2}, true, 2000);
	assert_string_equal(heard, "12 12 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_forgotten_and_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
