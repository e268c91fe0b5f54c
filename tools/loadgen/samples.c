/* tools/loadgen/samples.c -- see samples.h */
#include "tools/loadgen/samples.h"

#include <math.h>
#include <stdlib.h>

void samples_add(struct samples *s, double value)
{
	if (s->count == s->size) {
		size_t size = s->size ? s->size * 2 : 64;
		double *grown = realloc(s->values, size * sizeof(*grown));
		if (!grown)
			abort();
		s->values = grown;
		s->size = size;
	}
	s->values[s->count++] = value;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

double samples_quantile(struct samples *s, double q)
{
	size_t rank;

	if (!s->count)
		return NAN;
	qsort(s->values, s->count, sizeof(*s->values), compare);
	rank = (size_t)ceil(q * (double)s->count);
	return s->values[rank ? rank - 1 : 0];
}

void samples_done(struct samples *s)
{
	free(s->values);
	*s = (struct samples){0};
}
