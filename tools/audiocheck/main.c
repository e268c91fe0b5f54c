/* audiocheck: does this recording contain the speech of that reference?
 *
 *   audiocheck [--json] [--threshold N] REFERENCE.wav HEARD.wav
 *
 * Exit code 0: yes; 1: no; 2: wrong usage, or a file that cannot be used.
 */
#include "tools/audiocheck/audio_similarity.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <sndfile.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_SIMILAR = 0, EXIT_DIFFERENT = 1, EXIT_USAGE = 2, CHANNELS_MAX = 2, BLOCK = 4096 };

static const char usage[] =
	"Usage: audiocheck [--json] [--threshold N] REFERENCE.wav HEARD.wav\n"
	"Says whether HEARD contains the speech of REFERENCE, after codecs, packet loss, delay, or a change of level.\n"
	"  --json         one JSON object instead of text\n"
	"  --threshold N  score from which the answer is yes, 0 to 1 (default 0.6)\n"
	"Exit code: 0 yes, 1 no, 2 wrong usage or a file that cannot be used.\n";

/* Read block after block: the header's own count may be wrong (a recorder that was killed). Two channels become one. */
static int read_samples(SNDFILE *file, const SF_INFO *info, int16_t **ret_samples, size_t *ret_count)
{
	const size_t limit = (size_t)info->samplerate * (AUDIO_SECONDS_MAX + 1);
	int16_t block[BLOCK * CHANNELS_MAX];
	int16_t *samples = NULL;
	size_t count = 0, cap = 0;
	sf_count_t n;

	while ((n = sf_readf_short(file, block, BLOCK)) > 0 && count < limit) {
		if (count + BLOCK > cap) {
			int16_t *grown = realloc(samples, (cap * 2 + BLOCK) * sizeof(*grown));

			if (!grown) {
				free(samples);
				return -ENOMEM;
			}
			samples = grown;
			cap = cap * 2 + BLOCK;
		}
		for (sf_count_t i = 0; i < n; i++) {
			int mono = info->channels == 1 ? block[i] : (block[2 * i] + block[2 * i + 1]) / 2;

			samples[count++] = (int16_t)mono;
		}
	}
	*ret_samples = samples;
	*ret_count = count;
	return 0;
}

static int load(const char *path, struct audio_clip *ret_clip)
{
	SF_INFO info = {0};
	int16_t *samples = NULL;
	SNDFILE *file = sf_open(path, SFM_READ, &info);
	int r;

	if (!file) {
		fprintf(stderr, "audiocheck: %s: %s\n", path, sf_strerror(NULL));
		return -EINVAL;
	}
	if (info.channels > CHANNELS_MAX || info.samplerate < AUDIO_RATE_MIN_HZ ||
		info.samplerate > AUDIO_RATE_MAX_HZ) {
		fprintf(stderr, "audiocheck: %s: %d channels at %d Hz: need 1 or 2, at 8000 to 48000 Hz\n", path,
			info.channels, info.samplerate);
		sf_close(file);
		return -EINVAL;
	}
	r = read_samples(file, &info, &samples, &ret_clip->count);
	sf_close(file);
	if (r < 0) {
		fprintf(stderr, "audiocheck: %s: %s\n", path, strerror(-r));
		return r;
	}
	ret_clip->samples = samples;
	ret_clip->rate_hz = (uint32_t)info.samplerate;
	return 0;
}

static void print_json(const struct audio_similarity *s, bool similar)
{
	json_t *o = json_pack("{s:b, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "similar", similar, "score", s->score,
		"delay_ms", s->delay_ms, "reference_seconds", s->reference_seconds, "heard_seconds", s->heard_seconds,
		"clipped_start_ms", s->clipped_start_ms, "clipped_end_ms", s->clipped_end_ms, "level_db", s->level_db);

	if (o) {
		json_dumpf(o, stdout, JSON_REAL_PRECISION(6) | JSON_COMPACT);
		putchar('\n');
	}
	json_decref(o);
}

static void print_text(const struct audio_similarity *s, bool similar)
{
	printf("%s: score %.2f\n", similar ? "the reference was heard" : "NOT the reference", s->score);
	if (s->heard_seconds > 0)
		printf("heard %.1f s of %.1f s, from %.2f s into the recording, level %+.1f dB, missing: first %.0f "
		       "ms, "
		       "last %.0f ms\n",
			s->heard_seconds, s->reference_seconds, s->delay_ms / 1000, s->level_db, s->clipped_start_ms,
			s->clipped_end_ms);
}

static int check(const char *reference_path, const char *heard_path, double threshold, bool json)
{
	struct audio_clip reference = {0}, heard = {0};
	struct audio_similarity s = {0};
	int r = load(reference_path, &reference);

	if (r == 0)
		r = load(heard_path, &heard);
	if (r == 0) {
		r = audio_similarity(&reference, &heard, &s);
		if (r == -EINVAL)
			fprintf(stderr, "audiocheck: %s: holds less than half a second of sound\n", reference_path);
		else if (r == -E2BIG)
			fprintf(stderr, "audiocheck: files of at most %d seconds, please\n", AUDIO_SECONDS_MAX);
		else if (r < 0)
			fprintf(stderr, "audiocheck: %s\n", strerror(-r));
	}
	free((void *)reference.samples);
	free((void *)heard.samples);
	if (r < 0)
		return EXIT_USAGE;
	if (json)
		print_json(&s, s.score >= threshold);
	else
		print_text(&s, s.score >= threshold);
	return s.score >= threshold ? EXIT_SIMILAR : EXIT_DIFFERENT;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"threshold", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	double threshold = AUDIO_SIMILARITY_THRESHOLD;
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		char *end = NULL;

		switch (c) {
		case 'j': json = true; break;
		case 't':
			threshold = strtod(optarg, &end);
			if (end == optarg || *end || !(threshold >= 0 && threshold <= 1)) {
				fprintf(stderr, "audiocheck: --threshold %s: not a number from 0 to 1\n", optarg);
				return EXIT_USAGE;
			}
			break;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return EXIT_USAGE;
		}
	}
	if (argc - optind != 2) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	return check(argv[optind], argv[optind + 1], threshold, json);
}
