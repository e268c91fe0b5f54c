/* tools/loadgen/ear.h
 *
 * Is what comes out of one direction of a call what went in? A bridge that sends silence, the same packet again and
 * again or another call's voice is quick and loses nothing; so of some calls both ends are decoded, and the last
 * seconds of what was said and of what was heard are compared (tools/audiocheck). Both ends are in this process, so
 * their clocks are one, and the delay between them tells another call's voice from this one's: all calls may say the
 * same, but not at the same moment.
 */
#ifndef TOOLS_LOADGEN_EAR_H
#define TOOLS_LOADGEN_EAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ear;
struct rtp_hdr;

enum {
	EAR_SECONDS = 4,        /* compared: the last ones */
	EAR_LEAST_MS = 1500,    /* of both; less says nothing */
	EAR_DELAY_MAX_MS = 700, /* a jitter buffer's limit of 500, and what codecs and slots take */
};

enum ear_kind {
	EAR_TO_AGENT, /* Opus is said, PCMU heard */
	EAR_TO_USER,  /* the other way */
};

struct ear_verdict {
	double likeness; /* 0 to 1: audio_similarity() */
	double delay_ms; /* of what is alike; 10 ms a step */
	bool good;       /* it is what was said, then and here */
};

/* Returns 0 or -ENOMEM. */
int ear_new(enum ear_kind kind, struct ear **ret_ear);
/* A packet goes in, comes out. */
void ear_said(struct ear *e, const uint8_t *payload, size_t length, uint64_t now_us);
void ear_heard(struct ear *e, const struct rtp_hdr *hdr, const uint8_t *payload, uint64_t now_us);
/* Returns 0, -ENODATA (too little was said) or -ENOMEM. Nothing heard is likeness 0. */
int ear_judge(const struct ear *e, struct ear_verdict *ret_verdict);
/* Accepts NULL; returns NULL. */
struct ear *ear_free(struct ear *e);

#endif
