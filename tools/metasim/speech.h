/* tools/metasim/speech.h
 *
 * Speech out of a WAV file, coded once as 20 ms packets that any number of users then say; and WAV files of what was
 * heard.
 */
#ifndef TOOLS_METASIM_SPEECH_H
#define TOOLS_METASIM_SPEECH_H

#include <stddef.h>
#include <stdint.h>

enum speech_coding { SPEECH_OPUS, SPEECH_PCMU, SPEECH_PCMA };

struct speech_packet {
	uint16_t length;
	uint8_t bytes[400];
};

struct speech {
	size_t count;
	struct speech_packet packets[];
};

/* Mono or stereo, any rate. why: for people. Returns 0 or negative errno. */
int speech_load(const char *wav_path, enum speech_coding coding, struct speech **ret_speech, char *why, size_t why_cap);
/* The same from samples: 16-bit mono at rate_hz (8000 for G.711; any for Opus). */
int speech_encode(
	const int16_t *pcm, size_t samples, unsigned rate_hz, enum speech_coding coding, struct speech **ret_speech);
void speech_free(struct speech *s);

/* 16-bit mono. Returns 0 or negative errno. */
int speech_write_wav(const char *path, const int16_t *pcm, size_t samples, unsigned rate_hz);

#endif
