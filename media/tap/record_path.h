/* media/tap/record_path.h
 *
 * Names of recordings: a template out of the configuration, filled in with the facts of a call. What callers and peers
 * say of themselves becomes letters, digits, '+', '-' and '_' and nothing else, so no value can leave the directory,
 * add a level to it or hide a file. Pure.
 */
#ifndef MEDIA_TAP_RECORD_PATH_H
#define MEDIA_TAP_RECORD_PATH_H

#include <stddef.h>
#include <stdint.h>

enum {
	RECORD_PATH_MAX = 512, /* bytes, with the terminator: of a name below the directory */
	RECORD_VALUE_MAX = 64, /* characters of one value */
	RECORD_TEMPLATE_MAX = 200,
};
#define RECORD_PATH_DEFAULT "{date}/{call_id}"

/* What stands for {call_id} {from} {to} {number}; NULL or "": "unknown". {date} is 2026-11-21, {time} 142530, in UTC.
 */
struct record_facts {
	const char *call_id, *from, *to, *number;
	uint64_t wall_ms;
};

/* Can it be used? Returns 0, or -EINVAL: why[cap] says what is wrong with it. */
int record_path_check(const char *template, char *why, size_t cap);
/* A relative path without an extension: dst[RECORD_PATH_MAX]. Returns 0, or -EINVAL for a template that the check
 * refuses. */
int record_path_expand(const char *template, const struct record_facts *facts, char *dst);

#endif
