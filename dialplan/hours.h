/* dialplan/hours.h
 *
 * Inside dialplan: opening hours, "Mon-Fri 09:00-17:30 Europe/London; Sat 10:00-12:00,13:00-14:00 Europe/London".
 * They are read off the clock on the wall of that zone: where summer time skips an hour, that hour never comes; where
 * it repeats one, it counts twice. Ranges hold their first minute and not their last. With fold.c the only
 * home of GLib.
 */
#ifndef DIALPLAN_HOURS_H
#define DIALPLAN_HOURS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hours;

/* Returns 0, -EBADMSG (why[cap] says what is wrong) or -ENOMEM. */
int hours_new(const char *text, struct hours **ret_hours, char *why, size_t cap);
struct hours *hours_free(struct hours *h);

/* wall_ms: milliseconds since 1970-01-01 UTC. */
bool hours_hold(const struct hours *h, uint64_t wall_ms);

#endif
