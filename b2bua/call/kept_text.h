/* b2bua/call/kept_text.h
 *
 * A text of which only the latest is kept, in the call's arena. Its room is what the text needs, and grows by half at
 * least: what larger and larger texts leave behind in the arena is bounded by five times the largest one. Texts may
 * hold keys: what is left behind is wiped.
 */
#ifndef B2BUA_CALL_KEPT_TEXT_H
#define B2BUA_CALL_KEPT_TEXT_H

#include "lib/base/arena.h"

#include <stddef.h>

struct kept_text {
	char *at; /* NULL: none was ever kept */
	size_t room;
};

/* Copies; ends at a NUL. Returns 0, or -ENOMEM: the text of before stays. */
int kept_text_set(struct kept_text *k, struct arena *arena, const char *text, size_t length);
const char *kept_text(const struct kept_text *k); /* "" when there is none */
void kept_text_wipe(struct kept_text *k);         /* there is none then; the room stays */

#endif
