/* dialplan/template.h
 *
 * Inside dialplan: text with {placeholders}, read once, expanded with the facts of each call, and made safe for where
 * it goes. Facts are what strangers typed; nothing they hold can end a header or a user part.
 */
#ifndef DIALPLAN_TEMPLATE_H
#define DIALPLAN_TEMPLATE_H

#include "dialplan/dialplan.h"

/* Of an expansion; the rest is cut, between characters. */
enum {
	TEMPLATE_USER_MAX = 256,   /* bytes */
	TEMPLATE_TEXT_MAX = 512,   /* bytes */
	TEMPLATE_CHARS_MAX = 4096, /* characters: Meta: text messages */
};

struct template_piece;
struct template
{
	size_t count; /* 0: expands to "" */
	struct template_piece *pieces;
};

/* Pieces are copied into the arena. Returns 0, -EBADMSG (why[cap]) or -ENOMEM. NULL text is "". */
int template_read(struct arena *arena, const char *text, struct template *ret_template, char *why, size_t cap);

/* For the user part of a SIP URI: what RFC 3261 s25.1 does not allow there, or a fact has of what separates
 * parts there, is percent-escaped ("%23" in the template
 * itself stays). For a header value or display name: UTF-8 without control characters and outer blanks. NULL: out of
 * memory. */
const char *template_user(const struct template *t, const struct call_facts *facts, struct arena *arena);
const char *template_text(const struct template *t, const struct call_facts *facts, struct arena *arena);

/* For Meta, at most max_chars characters (up to TEMPLATE_CHARS_MAX). A message keeps its lines. A line has none, nor
 * tabs, nor two blanks beside each other: what Meta asks of a template's parameters (132018). */
const char *template_message(
	const struct template *t, const struct call_facts *facts, struct arena *arena, size_t max_chars);
const char *template_line(
	const struct template *t, const struct call_facts *facts, struct arena *arena, size_t max_chars);

#endif
