/* tools/loadgen/target.h
 *
 * The watrunk under load: started here with a configuration of its own in a temporary folder, or one that runs already.
 */
#ifndef TOOLS_LOADGEN_TARGET_H
#define TOOLS_LOADGEN_TARGET_H

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct target {
	pid_t pid;
	bool ours; /* started by target_start(), to be stopped */
	char dir[64];
	char webhook_url[256], admin_url[256], admin_token[128];
};

struct target_conf {
	const char *watrunk;                                 /* path of the program */
	const char *app_secret, *token, *number_id, *number; /* as the simulated Meta has them */
	struct addr graph, agent;                            /* where Meta's API and the answering agent listen */
	unsigned workers;                                    /* media threads; 0: one per core */
	unsigned max_calls;
	const char *log_level;
};

/* Returns 0, or negative errno with why. It may not be ready yet: ask /healthz. */
int target_start(const struct target_conf *conf, struct target *ret_target, char *why, size_t why_cap);
/* Has it ended by itself? */
bool target_gone(const struct target *t);
/* Ends one of ours and takes the folder away, except when it did not end well: then *t->dir keeps what it logged.
 * Returns its exit code, 128 + signal when one ended it, -ETIMEDOUT when it had to be killed; 0 when not ours. */
int target_stop(struct target *t);

#endif
