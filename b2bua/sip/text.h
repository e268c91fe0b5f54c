/* b2bua/sip/text.h
 *
 * Text of unknown origin on its way into a SIP header. Pure.
 */
#ifndef B2BUA_SIP_TEXT_H
#define B2BUA_SIP_TEXT_H

#include "lib/base/str.h"

/* Append text as one line of valid UTF-8: control characters become spaces, broken bytes '?'. At most max bytes, cut
 * between characters. */
void text_put_line(struct strbuf *sb, const char *text, size_t max);
/* The same as a quoted-string (RFC 3261 s25.1), quotes included. */
void text_put_quoted(struct strbuf *sb, const char *text, size_t max);
/* token of RFC 3261 s25.1, not empty. */
bool text_is_token(const char *text, size_t length);

#endif
