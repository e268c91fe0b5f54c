/* media/digit_gate.h
 *
 * A key that a peer tells in more than one way (RFC 4733 events, tones in its voice, SIP INFO) is one key: the way that
 * tells it first counts, what the others say of it does not. A press told in one way only is matched with nothing, so
 * the same key twice is two keys.
 *
 * Tones are the weakest word: a speaker's voice or music may hold some, and a bad line breaks one in two. Who has been
 * heard to tell keys another way is not listened to for them any more.
 *
 * Pure; embedded in the session.
 */
#ifndef MEDIA_DIGIT_GATE_H
#define MEDIA_DIGIT_GATE_H

#include "media/media_types.h"
#include "media/rtp/telephone_event.h"

enum {
	DIGIT_GATE_PRESSES = 8,
	DIGIT_GATE_NEAR_MS = 1000, /* of the same press: an INFO may have waited for the one before it to be answered */
};

struct digit_gate {
	struct digit_press {
		char digit;
		uint8_t told; /* bits, by enum media_digit_way */
		bool open;
		uint64_t at_us; /* its end; while it is open, its beginning */
	} presses[DIGIT_GATE_PRESSES];
	unsigned next; /* overwritten next */
	struct {
		bool open; /* told to be under way */
		bool passes;
		char digit;
		struct digit_press *press; /* which it is, if this way was the first */
	} ways[MEDIA_DIGIT_WAYS];
	bool told_better; /* than by tones */
};

/* Is this to be believed? */
bool digit_gate_passes(
	struct digit_gate *g, enum media_digit_way way, const struct tev_report *report, uint64_t now_us);
/* Another peer: it has told nothing yet. */
void digit_gate_reset(struct digit_gate *g);

#endif
