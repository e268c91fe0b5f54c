/* lib/base/log_record.h
 *
 * One log line between the thread that says it and the thread that writes it: pairs of key and value, not yet text.
 * Private to lib/base/log.c and the tests. Plain value; any thread.
 */
#ifndef LIB_BASE_LOG_RECORD_H
#define LIB_BASE_LOG_RECORD_H

#include "lib/base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LOG_PAIRS_BYTES = 952,
	LOG_LINE_MAX = 8192, /* every byte of the pairs escaped as \u00XX, and the head */
};

struct log_record {
	uint64_t wall_ms;
	enum log_level level;
	char event[48];
	uint16_t used;               /* of pairs */
	bool truncated;              /* pairs did not hold everything */
	char pairs[LOG_PAIRS_BYTES]; /* key \0 value \0 key \0 value \0 ...; a word without "=" has the key "" */
};

void log_record_begin(struct log_record *rec, enum log_level level, const char *event, uint64_t wall_ms);
/* Append the pairs of fmt, see log_line(). */
void log_record_add(struct log_record *rec, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_record_add_v(struct log_record *rec, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* One line with its newline into dst; returns its length. cap: LOG_LINE_MAX is always enough. */
size_t log_record_render(const struct log_record *rec, enum log_format format, char *dst, size_t cap);
const char *log_level_name(enum log_level level);

#endif
