/* tests/unit/lib/http/scripted_server.h
 *
 * A server below HTTP's manners: it reads requests and does to each what the script says next, resets and half answers
 * included.
 */
#ifndef TESTS_UNIT_LIB_HTTP_SCRIPTED_SERVER_H
#define TESTS_UNIT_LIB_HTTP_SCRIPTED_SERVER_H

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stddef.h>

struct loop;

enum scripted_act {
	SCRIPT_ANSWER, /* send the text, stay open */
	SCRIPT_CLOSE,  /* send the text (or nothing), then close */
	SCRIPT_RESET,  /* the same, with a TCP reset */
	SCRIPT_HANG,   /* send the text, then nothing more */
};
struct scripted_step {
	enum scripted_act act;
	const char *text;
};

enum { SCRIPTED_CONNECTIONS = 32 };
struct scripted_server {
	struct loop *loop;
	struct addr addr;
	char url[64]; /* "http://127.0.0.1:port" */
	int fd;
	struct loop_watch *watch;
	const struct scripted_step *steps; /* the last one repeats */
	size_t step_count, step;
	bool heads_are_free; /* HEAD (a client warming up) is answered 404 and neither counted nor scripted */
	unsigned accepted, requests;
	char last_request[16384];
	struct scripted_connection {
		struct scripted_server *server;
		int fd;
		struct loop_watch *watch;
		char heard[16384];
		size_t length;
	} connections[SCRIPTED_CONNECTIONS];
};

void scripted_open(struct scripted_server *s, struct loop *l, const struct scripted_step *steps, size_t count);
/* Close the connections that are open now (the idle ones of the client's pool), not the listener. */
void scripted_hang_up(struct scripted_server *s);
unsigned scripted_connected(const struct scripted_server *s);
void scripted_close(struct scripted_server *s);

#endif
