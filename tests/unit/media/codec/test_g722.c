#include "media/codec/g722.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

enum { BYTES = 160, FRAMES = 50 };

/* Tones on both sides of 4 kHz come out as they went in: level within 1.5 dB. */
static void test_wideband(void **state)
{
	static const double tones_hz[] = {300, 1000, 3400, 5000, 6500};

	(void)state;
	for (size_t t = 0; t < sizeof(tones_hz) / sizeof(tones_hz[0]); t++) {
		struct g722_enc *e;
		struct g722_dec *d;
		double in = 0, out = 0;
		assert_int_equal(g722_enc_new(&e), 0);
		assert_int_equal(g722_dec_new(16000, &d), 0);
		for (int f = 0; f < FRAMES; f++) {
			int16_t pcm[2 * BYTES], back[2 * BYTES];
			uint8_t bytes[BYTES];
			for (int i = 0; i < 2 * BYTES; i++)
				pcm[i] = (int16_t)(8000 * sin(6.283185307 * tones_hz[t] * (f * 2 * BYTES + i) / 16000));
			g722_from_pcm(e, pcm, BYTES, bytes);
			g722_to_pcm(d, bytes, BYTES, back);
			for (int i = 0; f > 5 && i < 2 * BYTES; i++) {
				in += (double)pcm[i] * pcm[i];
				out += (double)back[i] * back[i];
			}
		}
		if (fabs(10 * log10(out / in)) > 1.5)
			fail_msg("%.0f Hz: %.1f dB", tones_hz[t], 10 * log10(out / in));
		assert_null(g722_enc_free(e));
		assert_null(g722_dec_free(d));
	}
	assert_null(g722_enc_free(NULL));
	assert_null(g722_dec_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_wideband)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
