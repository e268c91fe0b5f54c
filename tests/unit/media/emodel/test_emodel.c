/* The E-model against published values: G.107 Table B.1, the default rating, G.113 Appendix I for loss, and the
 * well-known straight-line fit of the delay impairment (R. Cole, J. Rosenbluth, "Voice over IP performance monitoring",
 * ACM SIGCOMM CCR 31(2), 2001). */
#include "media/emodel/emodel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void near_to(double value, double wanted, double tolerance)
{
	if (!(fabs(value - wanted) <= tolerance))
		fail_msg("%f, not %f +- %f", value, wanted, tolerance);
}

static void mos_of_r(void **state)
{
	static const struct {
		double r, mos;
	} table[] = {
		{93.2, 4.41}, /* all defaults */
		{90, 4.34},
		{80, 4.03},
		{70, 3.60},
		{60, 3.10},
		{50, 2.58}, /* G.107 Table B.1 */
		{100, 4.5},
		{150, 4.5},
		{INFINITY, 4.5},
		{0, 1},
		{-10, 1},
		{3, 1},
		{6.5, 1},
		{NAN, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		near_to(emodel_mos_of_r(table[i].r), table[i].mos,
			0.0065); /* the printed 4.03 is 4.024 by its formula */
}

static void a_perfect_call(void **state)
{
	const struct emodel_input in = {.codec = EMODEL_G711_PLC, .burst_ratio = 1};

	(void)state;
	near_to(emodel_r(&in), 93.2, 0.001);
	near_to(emodel_mos(&in), 4.41, 0.005);
}

/* Id = 0.024 d + 0.11 (d - 177.3) H(d - 177.3), a fit of G.107 with its default echo loss, good to two points up to 400
 * ms. */
static void delay_follows_the_published_fit(void **state)
{
	(void)state;
	for (double ms = 0; ms <= 300; ms += 25) {
		const struct emodel_input in = {.codec = EMODEL_G711, .one_way_delay_ms = ms, .burst_ratio = 1};
		double fit = 0.024 * ms + (ms > 177.3 ? 0.11 * (ms - 177.3) : 0);

		near_to(93.2 - emodel_r(&in), fit, 2);
	}
}

static void loss(void **state)
{
	/* 93.2 less (7-29) worked by hand: Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl) */
	static const struct {
		enum emodel_codec codec;
		double loss_percent, burst_ratio, r;
	} table[] = {
		{EMODEL_G711, 1, 1, 75.275}, /* 95 / 5.3: 18 points a percent and more, hence concealment */
		{EMODEL_G711, 5, 1, 42.125},
		{EMODEL_G711_PLC, 1, 1, 89.560}, /* 95 / 26.1: 4 points a percent */
		{EMODEL_G711_PLC, 5, 1, 77.419},
		{EMODEL_G711_PLC, 5, 2, 75.990},   /* the same loss in bursts of twice the length */
		{EMODEL_G711_PLC, 5, 0.2, 77.419}, /* no ratio below 1 */
		{EMODEL_G711_PLC, 20, 1, 51.071},
		{EMODEL_OPUS_NB, 0, 1, 91.170},
		{EMODEL_OPUS_NB, 2, 1, 80.813},
		{EMODEL_G711, 100, 1, 2.117},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct emodel_input in = {table[i].codec, 0, table[i].loss_percent, table[i].burst_ratio};

		near_to(emodel_r(&in), table[i].r, 0.01);
	}
}

static void never_better_with_more(void **state)
{
	(void)state;
	for (int codec = EMODEL_G711; codec <= EMODEL_OPUS_NB; codec++) {
		double before = 5;

		for (double ms = 0; ms <= 3000; ms += 5) {
			const struct emodel_input in = {(enum emodel_codec)codec, ms, 1, 1};
			double mos = emodel_mos(&in);

			assert_true(mos <= before + 1e-9);
			assert_true(mos >= 1 && mos <= 4.5);
			before = mos;
		}
		before = 5;
		for (double percent = 0; percent <= 100; percent += 0.5) {
			const struct emodel_input in = {(enum emodel_codec)codec, 150, percent, 1};
			double mos = emodel_mos(&in);

			assert_true(mos <= before + 1e-9);
			assert_true(mos >= 1 && mos <= 4.5);
			before = mos;
		}
	}
}

static void nonsense_is_clamped(void **state)
{
	static const double values[] = {NAN, INFINITY, -INFINITY, -1, -1e300, 1e300};
	const struct emodel_input clean = {EMODEL_G711, 0, 0, 1}, nothing_known = {EMODEL_G711, -1, NAN, 0};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
			const struct emodel_input in = {EMODEL_G711_PLC, values[i], values[k], values[(i + k) % 6]};
			double mos = emodel_mos(&in);

			assert_true(mos >= 1 && mos <= 4.5);
		}
	}
	near_to(emodel_r(&nothing_known), emodel_r(&clean), 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mos_of_r),
		cmocka_unit_test(a_perfect_call),
		cmocka_unit_test(delay_follows_the_published_fit),
		cmocka_unit_test(loss),
		cmocka_unit_test(never_better_with_more),
		cmocka_unit_test(nonsense_is_clamped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
