/* media/sip_ear.h
 *
 * Listens for keys in what the SIP side says, for gateways that send them as tones. It hears each packet in its turn,
 * whatever becomes of it: while a sound is played to WhatsApp, while the SIP side is muted, while digits are sent.
 *
 *   packet --> PCM at 8 kHz --> dtmf_ear --> reports as those of telephone-events
 *
 * A call that does not want it has none. Owner: the session's thread; allocates only in
 * sip_ear_new() and sip_ear_learn().
 */
#ifndef MEDIA_SIP_EAR_H
#define MEDIA_SIP_EAR_H

#include "media/dsp/dtmf_ear.h"
#include "media/opus_line.h"
#include "media/rtp/telephone_event.h"

enum {
	SIP_EAR_REPORTS_MAX = DTMF_HEARD_MAX + 1,
	SIP_EAR_MISSED_MAX_MS = 100, /* of lost packets: a key goes on meanwhile; longer is a pause */
	SIP_EAR_SILENCE_MS = 150,    /* no packet for so long: no key sounds any more */
};

struct sip_ear;

/* Returns 0 or -ENOMEM. */
int sip_ear_new(struct sip_ear **ret_ear);
/* What else than G.711 may be heard. Returns 0 or -ENOMEM. */
int sip_ear_learn(struct sip_ear *e, const struct line_source *source);
/* One packet, of so many samples of 8 kHz. Returns the number of reports. */
size_t sip_ear_packet(struct sip_ear *e, const struct reorder_packet *p, unsigned samples, uint64_t now_us,
	struct tev_report ret_reports[SIP_EAR_REPORTS_MAX]);
/* Another stream begins: ends the key that sounds. */
size_t sip_ear_reset(struct sip_ear *e, struct tev_report ret_reports[1]);
size_t sip_ear_tick(struct sip_ear *e, uint64_t now_us, struct tev_report ret_reports[1]);
/* What was heard last may be a key, or is: it had better not be passed on. */
bool sip_ear_suspects(const struct sip_ear *e);
uint64_t sip_ear_deadline(const struct sip_ear *e); /* NULL is allowed; UINT64_MAX: no key sounds */
/* Accepts NULL; always returns NULL. */
struct sip_ear *sip_ear_free(struct sip_ear *e);

#endif
