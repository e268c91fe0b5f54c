/* lib/base/str.h
 *
 * Bounded text. All pure.
 */
#ifndef LIB_BASE_STR_H
#define LIB_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copy into dst[cap], always terminated when cap > 0. Returns 0, or -ENAMETOOLONG with as much as fits copied. NULL src
 * is "". */
int str_copy(char *dst, size_t cap, const char *src);
int str_copy_n(char *dst, size_t cap, const char *src, size_t length);
bool str_equal(const char *a, const char *b);        /* NULL equals only NULL */
bool str_equal_nocase(const char *a, const char *b); /* ASCII */
bool str_starts(const char *text, const char *prefix);
/* Whole text as a decimal number in [min, max]. Returns 0, -EINVAL or -ERANGE. */
int str_to_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value);
/* "+447700900123" -> "+4477*****123": for logs. Text that is not a number keeps two characters. dst needs cap >= 8. */
const char *str_mask_number(char *dst, size_t cap, const char *number);
/* "447700900123", "+44 7700-900123" -> "+447700900123". -EINVAL when it holds no digits or other characters;
 * -ENAMETOOLONG. */
int str_e164(const char *text, char *dst, size_t cap);

/* Hex, lower case. dst of str_hex needs 2 * length + 1. str_unhex returns the number of bytes, or -EINVAL. */
void str_hex(char *dst, const uint8_t *bytes, size_t length);
int str_unhex(const char *text, uint8_t *dst, size_t cap);

/* Bytes (1 to 4) of the well-formed UTF-8 character that text[length] begins with; 0 when it begins with none. RFC 3629
 * s4 */
size_t str_utf8_char(const char *text, size_t length);

/* Writer into a fixed buffer: text is always terminated; what does not fit is dropped and remembered. */
struct strbuf {
	char *text;
	size_t cap, length;
	bool truncated;
};
void strbuf_init(struct strbuf *sb, char *buffer, size_t cap); /* cap >= 1 */
void strbuf_put(struct strbuf *sb, const char *text);
void strbuf_put_n(struct strbuf *sb, const char *text, size_t length);
void strbuf_printf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
