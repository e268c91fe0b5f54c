/* lib/http/keep_warm.h
 *
 * Decides when a kept connection must be opened anew: one entry per origin ("https://host:443"), told which socket
 * carries its idle connection, noticing by itself when the peer closes that. Part of the HTTP client; knows nothing of
 * curl. Owner: control thread.
 */
#ifndef LIB_HTTP_KEEP_WARM_H
#define LIB_HTTP_KEEP_WARM_H

#include <stdbool.h>

struct loop;
struct keep_warm;

enum {
	KEEP_WARM_GAP_MS =
		3000, /* between two openings for one origin: a server that closes at once must not make us hammer it */
};

/* open: make a connection to url now, then call keep_warm_opened(). Called from the loop, never from within the
 * functions below. */
int keep_warm_new(struct loop *l, void (*open)(const char *url, void *arg), void *arg, struct keep_warm **ret_kw);
/* Opens soon; an origin known already is left as it is. url: what to ask for. Returns 0 or -ENOMEM. */
int keep_warm_add(struct keep_warm *kw, const char *origin, const char *url);
/* An exchange with this origin has ended; fd is the connection it leaves behind, or -1. Origins not added are ignored.
 */
void keep_warm_opened(struct keep_warm *kw, const char *origin, int fd);
/* We are closing fd. */
void keep_warm_closed(struct keep_warm *kw, int fd);
struct keep_warm *keep_warm_free(struct keep_warm *kw);

#endif
