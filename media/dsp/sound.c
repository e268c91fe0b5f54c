#include "media/dsp/sound.h"

#include <stdlib.h>
#include <string.h>

void sound_done(struct sound *s)
{
	free(s->pcm);
	*s = (struct sound){0};
}

void sound_player_start(struct sound_player *p, const struct sound *sound)
{
	p->sound = sound && sound->samples ? sound : NULL;
	p->at = 0;
	p->last = 0;
}

void sound_player_read(struct sound_player *p, int16_t *pcm, size_t samples)
{
	if (!p->sound) {
		memset(pcm, 0, samples * sizeof(*pcm));
		return;
	}
	while (samples) {
		size_t left = p->sound->samples - p->at, n = samples < left ? samples : left;
		memcpy(pcm, p->sound->pcm + p->at, n * sizeof(*pcm));
		p->at = n == left ? 0 : p->at + n;
		pcm += n;
		samples -= n;
	}
}

void sound_widen(int16_t *pcm, size_t samples, int16_t *last)
{
	for (size_t i = 0; i < samples; i++) {
		int16_t v = pcm[samples + i];
		pcm[2 * i] = (int16_t)((*last + v) / 2);
		pcm[2 * i + 1] = v;
		*last = v;
	}
}

void sound_player_read_wide(struct sound_player *p, int16_t *pcm, size_t samples)
{
	sound_player_read(p, pcm + samples, samples);
	sound_widen(pcm, samples, &p->last);
}
