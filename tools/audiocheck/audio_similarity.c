/* Two sounds, one question.
 *
 *   1. Coarse: for every delay, correlate the band energies of the whole overlap; keep the few best delays.
 *   2. Fine: cut the reference's speech into half-second segments; correlate each at the delay, and a little beside it,
 * because a jitter buffer stretches and shrinks. The score is their mean over the part of the reference that the
 * recording can contain.
 *
 *   reference   ....[seg][seg][seg][seg][seg][seg].....
 *                       [seg][seg][seg][seg][seg]
 *   recording             |<--- extent: first to last sound --->|
 */
#include "tools/audiocheck/audio_similarity.h"

#include "tools/audiocheck/features.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { /* all in frames of 10 ms */
	SEGMENT = 50,
	SEGMENT_STEP = 25,
	WANDER = 6, /* a segment may lie this far from its neighbour */
	COARSE_STEP = 2,
	CANDIDATES = 6,
	CANDIDATE_GAP = 10, /* delays closer than this are one candidate */
	SPEECH_MIN = 50,
};

static const double RECOGNISED = 0.5;      /* a segment correlates at least this well: it is there */
static const double OVERLAP_MIN = 0.25;    /* of the reference's speech, for a delay to be considered at all */
static const double COVERAGE_FULL = 0.5;   /* hearing this much of the reference is enough */
static const double SEGMENT_COVERED = 0.7; /* of a segment must lie in the extent */
static const double SEGMENT_ACTIVE = 0.4;  /* of a segment must be sound: two pauses are always alike */

/* Cosine between frames [from, to) of the reference and the same ones of the recording, `delay` later; silence outside
 * of it. */
static double correlate(const struct features *r, const struct features *h, long delay, long from, long to, long step)
{
	double dot = 0, rr = 0, hh = 0;

	for (long i = from; i < to; i += step) {
		long k = i + delay;

		if (k < 0 || k >= (long)h->frames)
			continue;
		for (int b = 0; b < FEATURE_BANDS; b++) {
			float x = r->band[i][b], y = h->band[k][b];

			dot += x * y;
			rr += x * x;
			hh += y * y;
		}
	}
	return rr > 0 && hh > 0 ? dot / sqrt(rr * hh) : 0;
}

static long max_long(long a, long b)
{
	return a > b ? a : b;
}

static long min_long(long a, long b)
{
	return a < b ? a : b;
}

/* The frames of the reference that the recording's sound covers at this delay. */
static void extent(const struct features *r, const struct features *h, long delay, long *ret_from, long *ret_to)
{
	*ret_from = max_long((long)r->first, (long)h->first - delay);
	*ret_to = max_long(*ret_from, min_long((long)r->end, (long)h->end - delay));
}

/* ---- coarse ---- */

struct candidate {
	long delay;
	double value;
};

static void keep_candidate(struct candidate *best, long delay, double value)
{
	int at = -1;

	for (int i = 0; i < CANDIDATES && at < 0; i++) { /* the neighbour of one we have: keep the better */
		if (labs(best[i].delay - delay) < CANDIDATE_GAP && best[i].value > 0)
			at = i;
	}
	if (at < 0)
		at = CANDIDATES - 1; /* the worst */
	if (value <= best[at].value)
		return;
	best[at] = (struct candidate){delay, value};
	for (; at > 0 && best[at].value > best[at - 1].value; at--) {
		struct candidate swap = best[at];

		best[at] = best[at - 1];
		best[at - 1] = swap;
	}
}

static void find_delays(const struct features *r, const struct features *h, struct candidate *best)
{
	long speech = (long)(r->end - r->first);
	long lowest = (long)h->first - (long)r->end, highest = (long)h->end - (long)r->first;

	for (long delay = lowest; delay <= highest; delay += COARSE_STEP) {
		long from, to;
		double coverage;

		extent(r, h, delay, &from, &to);
		coverage = (double)(to - from) / (double)speech;
		if (coverage < OVERLAP_MIN)
			continue;
		/* a short overlap is more easily alike by chance */
		keep_candidate(best, delay,
			correlate(r, h, delay, from, to, COARSE_STEP) * sqrt(fmin(1, coverage / COVERAGE_FULL)));
	}
}

/* ---- fine ---- */

struct match {
	double sum;               /* of the correlations */
	size_t segments, covered; /* with speech in the reference; of them, those the recording can contain */
	long recognised_from, recognised_to; /* frames of the reference; empty: nothing */
	size_t recognised_frames;
	long delay;                /* of the first segment recognised */
	double r_energy, h_energy; /* of recognised segments */
};

static size_t count_active(const struct features *r, long from, long to)
{
	size_t n = 0;

	for (long i = from; i < to; i++)
		n += r->active[i];
	return n;
}

/* Correlation of one segment at the best delay near `delay`, which is moved there. */
static double best_near(const struct features *r, const struct features *h, long *delay, long from, long to)
{
	double best = -1;
	long best_delay = *delay;

	for (long d = *delay - WANDER; d <= *delay + WANDER; d++) {
		double c = correlate(r, h, d, from, to, 1);

		if (c > best) {
			best = c;
			best_delay = d;
		}
	}
	*delay = best_delay;
	return fmax(0, best);
}

static void note_recognised(
	struct match *m, const struct features *r, const struct features *h, long from, long to, long delay)
{
	if (m->recognised_to == 0) {
		m->recognised_from = from;
		m->delay = delay;
	}
	for (long i = max_long(from, m->recognised_to); i < to; i++) {
		long k = i + delay;

		m->recognised_frames++;
		if (k >= 0 && k < (long)h->frames && r->active[i]) {
			m->r_energy += pow(10, r->energy_db[i] / 10);
			m->h_energy += pow(10, h->energy_db[k] / 10);
		}
	}
	m->recognised_to = to;
}

static struct match match_at(const struct features *r, const struct features *h, long delay)
{
	struct match m = {0};
	long extent_from, extent_to;

	extent(r, h, delay, &extent_from, &extent_to);
	for (long at = (long)r->first; at + SEGMENT <= (long)r->end; at += SEGMENT_STEP) {
		long from = max_long(at, extent_from), to = min_long(at + SEGMENT, extent_to);
		long near = delay;
		double c;

		if ((double)count_active(r, at, at + SEGMENT) < SEGMENT_ACTIVE * SEGMENT)
			continue;
		m.segments++;
		if ((double)(to - from) < SEGMENT_COVERED * SEGMENT)
			continue;
		m.covered++;
		c = best_near(r, h, &near, from, to);
		m.sum += c;
		if (c >= RECOGNISED) {
			delay = near;
			note_recognised(&m, r, h, from, to, near);
		}
	}
	return m;
}

static double score_of(const struct match *m)
{
	double coverage;

	if (m->covered == 0)
		return 0;
	coverage = (double)m->covered / (double)m->segments;
	return m->sum / (double)m->covered * fmin(1, coverage / COVERAGE_FULL);
}

static void report(const struct features *r, const struct match *m, struct audio_similarity *ret)
{
	const double frame_ms = 1000.0 / FEATURE_FRAMES_A_SECOND;

	ret->score = score_of(m);
	if (m->recognised_to == 0) {
		ret->clipped_start_ms = ret->reference_seconds * 1000;
		return;
	}
	ret->delay_ms = (double)m->delay * frame_ms;
	ret->heard_seconds = (double)m->recognised_frames * frame_ms / 1000;
	ret->clipped_start_ms = (double)(m->recognised_from - (long)r->first) * frame_ms;
	ret->clipped_end_ms = (double)((long)r->end - m->recognised_to) * frame_ms;
	if (ret->clipped_end_ms < SEGMENT_STEP * frame_ms)
		ret->clipped_end_ms = 0; /* the last segment need not reach the end */
	ret->level_db = 10 * log10((m->h_energy + 1e-12) / (m->r_energy + 1e-12));
}

static void compare(const struct features *r, const struct features *h, struct audio_similarity *ret)
{
	struct candidate candidates[CANDIDATES] = {{0}};
	struct match best = {0};

	if (h->end > h->first)
		find_delays(r, h, candidates);
	for (int i = 0; i < CANDIDATES; i++) {
		struct match m;

		if (candidates[i].value <= 0)
			continue;
		m = match_at(r, h, candidates[i].delay);
		if (score_of(&m) > score_of(&best))
			best = m;
	}
	report(r, &best, ret);
}

int audio_similarity(
	const struct audio_clip *reference, const struct audio_clip *heard, struct audio_similarity *ret_result)
{
	struct features *r = NULL, *h = NULL;
	struct audio_similarity result = {0};
	int status = features_new(reference, &r);

	if (status == 0)
		status = features_new(heard, &h);
	if (status == 0 && r->end - r->first < SPEECH_MIN)
		status = -EINVAL;
	if (status == 0) {
		result.reference_seconds = (double)(r->end - r->first) / FEATURE_FRAMES_A_SECOND;
		compare(r, h, &result);
		*ret_result = result;
	}
	features_free(r);
	features_free(h);
	return status;
}
