/* tests/unit/admin/api_shell.h
 *
 * A shell for the tests of the API: writes down what it is asked as text, and answers as the test says, now or later.
 */
#ifndef TESTS_UNIT_ADMIN_API_SHELL_H
#define TESTS_UNIT_ADMIN_API_SHELL_H

#include "admin/api_ops.h"

enum { SHELL_HELD_MAX = 8 };
struct api_shell {
	char asked[4096]; /* the last operation */
	unsigned count;
	bool later;                    /* keep the reply */
	const struct api_fault *fault; /* refuse with it */
	struct api_reply *held[SHELL_HELD_MAX];
	unsigned held_count;
	const struct permission *permissions;
	size_t permission_count;
	const struct api_parked *parked;
	size_t parked_count;
};
extern struct api_shell shell;
extern const struct api_ops shell_ops;

void shell_reset(void);

#endif
