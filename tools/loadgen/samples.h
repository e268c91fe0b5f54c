/* tools/loadgen/samples.h
 *
 * Measured values, kept whole, for quantiles.
 */
#ifndef TOOLS_LOADGEN_SAMPLES_H
#define TOOLS_LOADGEN_SAMPLES_H

#include <stddef.h>

struct samples { /* zero-initialised: empty */
	double *values;
	size_t count, size;
};

void samples_add(struct samples *s, double value);
/* q 0..1, nearest rank; NAN when empty. Sorts. */
double samples_quantile(struct samples *s, double q);
void samples_done(struct samples *s);

#endif
