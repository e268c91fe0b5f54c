/* b2bua/cli/route_words.h
 *
 * What a route would do, in the words of the dialplan's file: for route-test.
 */
#ifndef B2BUA_CLI_ROUTE_WORDS_H
#define B2BUA_CLI_ROUTE_WORDS_H

#include "dialplan/dialplan.h"

/* One line a key, or one JSON object. A route that asks shows also what holds when no answer comes. Returns 0 or
 * -ENOMEM. */
int route_words_print(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms,
	const struct route *route, struct arena *arena, bool json);

#endif
