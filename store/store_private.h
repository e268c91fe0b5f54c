/* store/store_private.h
 *
 * The inside of struct store, shared by store.c (the handle) and call_log.c (what start-up found). Nobody else includes
 * it.
 */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include "store/store.h"

struct store {
	char *path; /* of the database */
	struct store_thread *thread;
	struct mailbox *requests, *answers;
	struct loop_watch *watch;
	size_t questions, acks, acked_bytes; /* answers owed: to reads and marks, to writes; memory of the latter */
	struct live_call *leftovers;
	size_t leftovers_count;
	void (*on_health)(int status, const char *why, void *arg);
	void *on_health_arg;
	bool in_callback;
};

/* "sqlite:PATH" -> PATH. */
int store_url_path(const char *url, const char **ret_path, char *why, size_t why_cap);

#endif
