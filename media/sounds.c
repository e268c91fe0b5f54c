#include "media/sounds.h"

#include "media/dsp/music.h"
#include "media/dsp/ringback.h"
#include "media/engine.h"

#include <errno.h>
#include <stdlib.h>

struct sounds {
	struct sound ringback, music, announcement;
};

int sounds_new(const char *country, const char *music_path, struct sounds **ret_sounds)
{
	struct sounds *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = ringback_new(country, &s->ringback);
	if (r == 0)
		r = music_path && *music_path ? music_read(music_path, &s->music, NULL, 0) : music_chords(&s->music);
	if (r) {
		sounds_free(s);
		return r;
	}
	*ret_sounds = s;
	return 0;
}

const struct sound *sounds_get(const struct sounds *s, enum media_sound which)
{
	if (!s)
		return NULL;
	switch (which) {
	case SOUND_RINGBACK: return &s->ringback;
	case SOUND_MUSIC: return &s->music;
	case SOUND_NONE:
	case SOUND_SILENCE: break;
	}
	return NULL;
}

int sounds_read_announcement(struct sounds *s, const char *path)
{
	return music_read(path, &s->announcement, NULL, 0);
}

const struct sound *sounds_announcement(const struct sounds *s)
{
	return s && s->announcement.samples ? &s->announcement : NULL;
}

struct sounds *sounds_free(struct sounds *s)
{
	if (!s)
		return NULL;
	sound_done(&s->ringback);
	sound_done(&s->music);
	sound_done(&s->announcement);
	free(s);
	return NULL;
}

bool media_tone_known(const char *country)
{
	return ringback_known(country);
}

int media_music_check(const char *path, char *why, size_t why_cap)
{
	return path && *path ? music_check(path, why, why_cap) : 0;
}
