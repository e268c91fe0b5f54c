/* media/tap/record_file.h
 *
 * One recording on disk: stereo, left the WhatsApp user, right the SIP side, as WAV (16 bits) or Ogg/Opus. Written as
 * NAME.part, readable by its owner only (0600), and renamed when it is whole; a file that is there is never replaced: a
 * number is added to the name. Owner: the recorder's thread; blocks on the disk.
 */
#ifndef MEDIA_TAP_RECORD_FILE_H
#define MEDIA_TAP_RECORD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_file;

/* A WAV file says its length in 32 bits (RIFF): 18 hours at 16 kHz. Players that take them for signed see half of it.
 */
#define RECORD_WAV_BYTES_MAX UINT64_C(4290000000)

struct record_file_conf {
	const char *directory; /* must exist */
	const char *name;      /* below it, from record_path_expand(); levels that are missing are made, 0700 */
	bool opus;             /* Ogg/Opus; else WAV */
	uint64_t max_bytes;    /* 0: as the disk and the format allow */
};

/* What the file will end at; 0: nothing but the disk. */
uint64_t record_file_limit(const struct record_file_conf *conf);

/* Makes the .part file. Returns 0 or what the system said: -ENOENT (no such directory), -EACCES, -ENOSPC ... */
int record_file_new(const struct record_file_conf *conf, struct record_file **ret_file);
/* The sample rate, once, before anything is written: 8000 or 16000. Returns 0 or negative errno. */
int record_file_begin(struct record_file *f, uint32_t rate_hz);
/* frames pairs of samples. Returns 0, -EFBIG (max_bytes; nothing more goes in) or what the disk said: -ENOSPC, -EIO. */
int record_file_write(struct record_file *f, const int16_t *stereo, size_t frames);
/* Whole, as far as it came: it gets its name. Returns 0 or negative errno (it is still NAME.part). Once. */
int record_file_finish(struct record_file *f);
const char *record_file_name(const struct record_file *f); /* below the directory, with its extension */
uint64_t record_file_bytes(const struct record_file *f);
/* Without record_file_finish() the .part file stays. Accepts NULL; always returns NULL. */
struct record_file *record_file_free(struct record_file *f);

#endif
