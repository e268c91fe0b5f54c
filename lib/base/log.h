/* lib/base/log.h
 *
 * One event, one line: key=value pairs. Lines go through a bounded per-thread ring to the log thread, so that a slow
 * pipe never blocks a call; when the ring is full the line is dropped and counted (CNT_LOG_LINES_DROPPED). Before
 * log_start() and after log_stop() lines are written at once to stderr. Libraries return errors; only the shell
 * (b2bua/app, tools) logs. Media workers log nothing per packet. Never log tokens, keys, ICE passwords, message bodies
 * or whole phone numbers (str_mask_number()).
 */
#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* Start the log thread writing to fd (borrowed). Returns 0 or negative errno. */
int log_start(int fd, enum log_level level, enum log_format format);
/* Flush and stop. */
void log_stop(void);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* "error", "warn", "info", "debug" -> 0; else -EINVAL. */
int log_level_parse(const char *text, enum log_level *ret_level);

/* event: short name ("call_answered"); fmt: "call=%s leg=sip code=%d", space-separated key=value; a value with spaces
 * stands in double quotes. In JSON format each pair becomes a member (text value). */
void log_line(enum log_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define log_error(event, ...) log_line(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...)  log_line(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_info(event, ...)  log_line(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) (log_enabled(LOG_LEVEL_DEBUG) ? log_line(LOG_LEVEL_DEBUG, event, __VA_ARGS__) : (void)0)

#endif
