/* lib/sdp/sdp_line.h
 *
 * Inside lib/sdp: a bounded cursor over the lines of a session description, and over the words of a line. Words point
 * into the text; nothing is copied or changed, and no read leaves the text.
 */
#ifndef LIB_SDP_SDP_LINE_H
#define LIB_SDP_SDP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sdp_word {
	const char *at;
	size_t length; /* 0: nothing there */
};

struct sdp_line {
	char type;             /* 'm' of "m=audio ..." */
	struct sdp_word value; /* after the "=", blanks at the end cut */
	int number;            /* 1-based */
};

struct sdp_lines {
	struct sdp_word rest;
	int number;
};

void sdp_lines_init(struct sdp_lines *lines, const char *text, size_t length);
/* The next line that is not blank. Returns 1, 0 at the end, or -EBADMSG: not "x=..." or a CR inside (ret_line->number
 * is set). */
int sdp_lines_next(struct sdp_lines *lines, struct sdp_line *ret_line);

/* Cut the next word (up to a blank; blanks before it skipped) off the rest of a line. */
struct sdp_word sdp_word_next(struct sdp_word *rest);
/* Cut what stands before mark off; mark is dropped. All of it when there is no mark. */
struct sdp_word sdp_word_until(struct sdp_word *rest, char mark);
struct sdp_word sdp_word_trim(struct sdp_word w);
bool sdp_word_is(struct sdp_word w, const char *text); /* no case, ASCII */
/* Copy printable ASCII into dst[cap]. False, and dst "", when it is empty, too long, or holds anything else. */
bool sdp_word_copy(struct sdp_word w, char *dst, size_t cap);
/* Digits only, at most max. */
bool sdp_word_number(struct sdp_word w, uint64_t max, uint64_t *ret_value);

#endif
