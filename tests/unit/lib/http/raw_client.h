/* tests/unit/lib/http/raw_client.h
 *
 * A TCP connection that says what it likes to a server on the same loop, and keeps what it hears.
 */
#ifndef TESTS_UNIT_LIB_HTTP_RAW_CLIENT_H
#define TESTS_UNIT_LIB_HTTP_RAW_CLIENT_H

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stddef.h>

struct loop;
struct raw_client {
	struct loop *loop;
	int fd;
	struct loop_watch *watch;
	char heard[256 * 1024];
	size_t length;
	uint64_t heard_us; /* when the last of it came */
	bool closed;       /* by the server */
};

void raw_open(struct raw_client *c, struct loop *l, const struct addr *to);
void raw_say(struct raw_client *c, const char *text);
/* Does not fail when the server has closed or its window is full. */
void raw_try_say(struct raw_client *c, const void *bytes, size_t n);
/* How often text occurs in what was heard. */
unsigned raw_count(const struct raw_client *c, const char *text);
void raw_close(struct raw_client *c);

#endif
