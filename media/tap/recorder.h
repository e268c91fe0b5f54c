/* media/tap/recorder.h
 *
 * The thread that writes recordings, and the control thread's face of it. A recording begins here: recorder_start()
 * hands back a ring, which then goes to a media worker (media_record()). The thread empties the rings of all recordings
 * a few times a second, mixes, encodes and writes; when it falls behind, or the disk stands still, rings fill and the
 * recordings have silence, while the calls go on.
 */
#ifndef MEDIA_TAP_RECORDER_H
#define MEDIA_TAP_RECORDER_H

#include "media/tap/record_path.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct recorder;
struct record_ring;

enum recorder_event_kind {
	RECORDER_BEGUN, /* the file is there */
	RECORDER_ENDED, /* nothing more is written: stopped, full (limit), or failed (error). Once, the last one */
};

struct recorder_event {
	enum recorder_event_kind kind;
	uint64_t id;
	int error;  /* ENDED: negative errno; 0 it is whole. -ENOENT with path "": it never began */
	bool limit; /* ENDED: max_ms or max_bytes was reached */
	char path[RECORD_PATH_MAX + 16]; /* below the directory */
	uint64_t length_ms, bytes;
	uint64_t lost_frames; /* silence in their place */
};

struct recorder_conf {
	void (*on_event)(const struct recorder_event *ev, void *arg); /* control thread */
	void *arg;
};

struct recording_conf {
	uint64_t id;           /* the caller's, for the events */
	const char *directory; /* texts are copied */
	const char *name;      /* record_path_expand() */
	bool opus;
	uint64_t max_ms, max_bytes; /* 0: none */
};

/* Returns 0, -ENOMEM, -EMFILE or -EAGAIN. */
int recorder_new(struct loop *l, const struct recorder_conf *conf, struct recorder **ret_recorder);
/* Returns 0, -ENOMEM or -EAGAIN (so many begin at once). The ring is to be closed in any case: by the worker that it is
 * given to, or with record_ring_close(). */
int recorder_start(struct recorder *r, const struct recording_conf *conf, struct record_ring **ret_ring);
/* After the media engine: what rings still hold is written, files get their names. Accepts NULL; returns NULL. No event
 * comes any more. */
struct recorder *recorder_free(struct recorder *r);

#endif
