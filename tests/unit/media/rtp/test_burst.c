#include "media/rtp/burst.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

/* '.' came, 'x' did not; digits repeat what follows */
static struct burst heard(const char *text)
{
	struct burst b = {0};
	unsigned lost = 0, times = 0;

	for (; *text; text++) {
		if (*text >= '0' && *text <= '9') {
			times = times * 10 + (unsigned)(*text - '0');
			continue;
		}
		for (times = times ? times : 1; times; times--) {
			if (*text == 'x') {
				lost++;
			} else {
				burst_received(&b, lost);
				lost = 0;
			}
		}
	}
	return b;
}

static void test_bursts_and_gaps(void **state)
{
	static const struct {
		const char *packets;
		double burst_density, gap_density, burst_packets, gap_packets, ratio;
	} table[] = {
		{"100.", 0, 0, 0, 100, 1},
		{"50.x50.", 0, 0.0099, 0, 101, 1},        /* alone: a gap goes on */
		{"50.2x50.", 1, 0, 2, 101, 1.96},         /* two together are a burst */
		{"50.xx5.x50.", 0.375, 0, 8, 101, 1.458}, /* and so are those within 16 packets */
		{"50.x16.x50.", 0, 0.0169, 0, 118, 1},    /* but not beyond */
		{"99.10x99.10x99.", 1, 0, 10, 149.5, 9.37},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct burst b = heard(table[i].packets);
		const struct burst_metrics m = burst_metrics(&b);
		const double got[] = {m.burst_density, m.gap_density, m.burst_packets, m.gap_packets, m.ratio};
		const double want[] = {table[i].burst_density, table[i].gap_density, table[i].burst_packets,
			table[i].gap_packets, table[i].ratio};
		for (size_t k = 0; k < 5; k++)
			if (fabs(got[k] - want[k]) > 0.02 * (want[k] > 1 ? want[k] : 1))
				fail_msg("%s: number %zu is %.4f, not %.4f", table[i].packets, k, got[k], want[k]);
	}
}

/* A source that was silent for an hour is not an hour of losses, nor of work. */
static void test_long_pause_is_bounded(void **state)
{
	struct burst b = {0};

	(void)state;
	burst_received(&b, 0);
	burst_received(&b, UINT32_MAX);
	assert_true(b.lost <= 3000);
}

static void test_nothing_heard(void **state)
{
	const struct burst b = {0};
	const struct burst_metrics m = burst_metrics(&b);

	(void)state;
	assert_true(m.ratio == 1 && m.burst_density == 0 && m.gap_density == 0 && m.gap_packets == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bursts_and_gaps),
		cmocka_unit_test(test_long_pause_is_bounded),
		cmocka_unit_test(test_nothing_heard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
