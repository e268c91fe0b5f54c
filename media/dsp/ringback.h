/* media/dsp/ringback.h
 *
 * The tone a caller hears while the other phone rings, as each country has it (ITU-T E.180 Supplement 2).
 */
#ifndef MEDIA_DSP_RINGBACK_H
#define MEDIA_DSP_RINGBACK_H

#include "media/dsp/sound.h"

/* A country by its two letters (ISO 3166-1, lower case, and "uk"); "eu" and "" are 425 Hz, 1 s on, 4 s off, which ETSI
 * TR 101 041-1 recommends. */
bool ringback_known(const char *country);
/* One period of it, to be repeated. Returns 0, -EINVAL (unknown country) or -ENOMEM. */
int ringback_new(const char *country, struct sound *ret_sound);

#endif
