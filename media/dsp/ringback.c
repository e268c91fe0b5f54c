/* media/dsp/ringback.c
 *
 * The frequencies and cadences are a table, the tones are made by spandsp.
 */
#include "media/dsp/ringback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spandsp/telephony.h>
#include <spandsp/tone_generate.h>

enum {
	LEVEL_DBM0 = -13,  /* of one tone; comfortable beside speech */
	LEVEL2_DBM0 = -16, /* of each of two */
	DEPTH_PERCENT = 90,
	SAMPLES_PER_MS = SOUND_RATE_HZ / 1000,
};

/* ITU-T E.180 Supplement 2: Hz and ms. second: 0 none, > 0 added, < 0 the first is modulated by it. on2 0: one burst a
 * period. */
static const struct cadence {
	const char *country;
	int first, second;
	int on, off, on2, off2;
} cadences[] = {
	{"eu", 425, 0, 1000, 4000, 0, 0},
	{"ae", 400, 450, 400, 200, 400, 2000},
	{"at", 420, 0, 1000, 5000, 0, 0},
	{"au", 400, 450, 400, 200, 400, 2000},
	{"br", 425, 0, 1000, 4000, 0, 0},
	{"ca", 440, 480, 2000, 4000, 0, 0},
	{"ch", 425, 0, 1000, 4000, 0, 0},
	{"de", 425, 0, 1000, 4000, 0, 0},
	{"es", 425, 0, 1500, 3000, 0, 0},
	{"fr", 440, 0, 1500, 3500, 0, 0},
	{"gb", 400, 450, 400, 200, 400, 2000},
	{"hk", 440, 480, 400, 200, 400, 3000},
	{"ie", 400, 450, 400, 200, 400, 2000},
	{"in", 400, -25, 400, 200, 400, 2000},
	{"it", 425, 0, 1000, 4000, 0, 0},
	{"jp", 400, -16, 1000, 2000, 0, 0},
	{"mx", 425, 0, 1000, 4000, 0, 0},
	{"nl", 425, 0, 1000, 4000, 0, 0},
	{"nz", 400, 450, 400, 200, 400, 2000},
	{"pt", 425, 0, 1000, 5000, 0, 0},
	{"sa", 425, 0, 1200, 4600, 0, 0},
	{"sg", 425, -24, 400, 200, 400, 2000},
	{"uk", 400, 450, 400, 200, 400, 2000},
	{"us", 440, 480, 2000, 4000, 0, 0},
	{"za", 400, -33, 400, 200, 400, 2000},
};

static const struct cadence *find(const char *country)
{
	if (!country || !*country)
		return &cadences[0];
	for (size_t i = 0; i < sizeof(cadences) / sizeof(cadences[0]); i++)
		if (strcmp(country, cadences[i].country) == 0)
			return &cadences[i];
	return NULL;
}

bool ringback_known(const char *country)
{
	return find(country) != NULL;
}

int ringback_new(const char *country, struct sound *ret_sound)
{
	const struct cadence *c = find(country);
	if (!c)
		return -EINVAL;
	size_t samples = (size_t)(c->on + c->off + c->on2 + c->off2) * SAMPLES_PER_MS;
	int level = c->second > 0 ? LEVEL2_DBM0 : LEVEL_DBM0, level2 = c->second < 0 ? DEPTH_PERCENT : LEVEL2_DBM0;
	int16_t *pcm = calloc(samples, sizeof(*pcm));
	tone_gen_descriptor_t *tone =
		tone_gen_descriptor_init(NULL, c->first, level, c->second, level2, c->on, c->off, c->on2, c->off2, 0);
	tone_gen_state_t *gen = tone ? tone_gen_init(NULL, tone) : NULL;
	int r = pcm && gen ? 0 : -ENOMEM;
	if (r == 0) {
		tone_gen(gen, pcm, (int)samples);
		*ret_sound = (struct sound){pcm, samples};
	} else {
		free(pcm);
	}
	if (gen)
		tone_gen_free(gen);
	if (tone)
		tone_gen_descriptor_free(tone);
	return r;
}
