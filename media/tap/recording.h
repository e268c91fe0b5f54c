/* media/tap/recording.h
 *
 * One recording as the recorder's thread sees it: ring -> decode -> mix -> file. Time is an argument. Owner: that
 * thread, from the moment it gets it.
 */
#ifndef MEDIA_TAP_RECORDING_H
#define MEDIA_TAP_RECORDING_H

#include "media/tap/recorder.h"

struct recording;

/* Returns 0 or -ENOMEM. Nothing is opened yet. */
int recording_new(const struct recording_conf *conf, struct recording **ret_recording, struct record_ring **ret_ring);
/* What there is, written. True: *ret_event says what has happened, step again. */
bool recording_step(struct recording *r, uint64_t now_us, struct recorder_event *ret_event);
/* Nobody puts into its ring any more, and nobody has closed it. */
void recording_close(struct recording *r, uint64_t now_us);
/* The ring is closed and ENDED has been told: it can go. */
bool recording_is_over(const struct recording *r);
/* With its ring. Accepts NULL; always returns NULL. */
struct recording *recording_free(struct recording *r);

#endif
