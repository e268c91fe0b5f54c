/* dialplan/template.h
 *
 * Inside dialplan: text with {placeholders}, read once, expanded with the facts of each call, and made safe for where
 * it goes. Facts are what strangers typed; nothing they hold can end a header or a user part.
 */
#ifndef DIALPLAN_TEMPLATE_H
#define DIALPLAN_TEMPLATE_H

#include "dialplan/dialplan.h"

enum {
	TEMPLATE_USER_MAX = 256,
	TEMPLATE_TEXT_MAX = 512
}; /* bytes of an expansion; the rest is cut, between characters */

struct template_piece;
struct template
{
	size_t count; /* 0: expands to "" */
	struct template_piece *pieces;
};

/* Pieces are copied into the arena. Returns 0, -EBADMSG (why[cap]) or -ENOMEM. NULL text is "". */
int template_read(struct arena *arena, const char *text, struct template *ret_template, char *why, size_t cap);

/* For the user part of a SIP URI: what RFC 3261 s25.1 does not allow there is percent-escaped ("%23" in the template
 * itself stays). For a header value or display name: UTF-8 without control characters and outer blanks. NULL: out of
 * memory. */
const char *template_user(const struct template *t, const struct call_facts *facts, struct arena *arena);
const char *template_text(const struct template *t, const struct call_facts *facts, struct arena *arena);

#endif
