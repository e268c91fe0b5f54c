/* b2bua/cli/doctor.h
 *
 * What `watrunk doctor` finds, and the checks. Each has five seconds and runs beside the others, whether watrunk runs
 * or not; none changes anything anywhere.
 */
#ifndef B2BUA_CLI_DOCTOR_H
#define B2BUA_CLI_DOCTOR_H

#include "b2bua/app/config.h"

#include <pthread.h>

enum { DOCTOR_TIMEOUT_MS = 5000, DOCTOR_CERTIFICATE_DAYS = 14 };

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAILED };

struct doctor_finding {
	enum doctor_verdict verdict;
	const char *check;  /* "ports" */
	char subject[96];   /* which: "gateway pbx" */
	char text[400];     /* what was seen */
	const char *advice; /* what to do, "" when all is well */
};

struct doctor {
	const struct config *config;
	pthread_mutex_t lock; /* of what follows */
	struct doctor_finding *findings;
	size_t count;
	bool out_of_memory;
};

/* Any thread. advice: static text. */
void doctor_find(struct doctor *d, enum doctor_verdict verdict, const char *check, const char *subject,
	const char *advice, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* When a certificate runs out. */
void doctor_find_until(struct doctor *d, const char *check, const char *subject, int64_t until);

void doctor_check_machine(struct doctor *d);             /* files, limits, addresses */
void doctor_check_ports(struct doctor *d, bool running); /* running: a watrunk with this configuration does */

/* Begin one thread for each gateway; wait for them. */
struct doctor_gateways;
struct doctor_gateways *doctor_gateways_begin(struct doctor *d);
void doctor_gateways_end(struct doctor_gateways *g);

/* Meta's Graph API with each number's token, its clock, and whether watrunk runs. */
void doctor_check_graph(struct doctor *d, bool *ret_running);

#endif
