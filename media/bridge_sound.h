/* media/bridge_sound.h
 *
 * What media/bridge_to_sip.c plays: packets out of the jitter buffer become PCM in the bridge's FIFO; what is lost is
 * recovered (FEC) or concealed; what is held longer than wanted is played more quickly. Nobody else includes it.
 */
#ifndef MEDIA_BRIDGE_SOUND_H
#define MEDIA_BRIDGE_SOUND_H

#include "media/bridge_to_sip.h"

enum { BRIDGE_SAMPLE_US = 1000000 / BRIDGE_RATE_HZ };

/* At least `samples` into the FIFO, to be played at b->next_us. *ret_sound is set when any of it is WhatsApp's. */
void bridge_sound_fetch(struct bridge_to_sip *b, unsigned samples, bool *ret_sound);
/* The first of the FIFO are done with. */
void bridge_sound_played(struct bridge_to_sip *b, unsigned samples);

#endif
