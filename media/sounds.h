/* media/sounds.h
 *
 * What may be played to a party instead of the other one: made once, by the control thread when the engine starts, then
 * shared read-only by all workers.
 */
#ifndef MEDIA_SOUNDS_H
#define MEDIA_SOUNDS_H

#include "media/dsp/sound.h"
#include "media/media_types.h"

struct sounds;

/* country, music_path: as in struct media_engine_conf. Returns 0, -EINVAL (unknown country), what
 * music_read() says, or -ENOMEM. Blocks on the disk. */
int sounds_new(const char *country, const char *music_path, struct sounds **ret_sounds);
/* NULL: silence (also for no set of sounds). */
const struct sound *sounds_get(const struct sounds *s, enum media_sound which);
/* Before anybody uses them: what is said before a recording. Returns 0, what music_read() says, or -ENOMEM. Blocks on
 * the disk. */
int sounds_read_announcement(struct sounds *s, const char *path);
/* What is said before a recording begins; NULL: nothing. Once: it does not begin anew. */
const struct sound *sounds_announcement(const struct sounds *s);
/* Accepts NULL; always returns NULL. */
struct sounds *sounds_free(struct sounds *s);

#endif
