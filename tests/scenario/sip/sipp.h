/* tests/scenario/sip/sipp.h: sipp as a called phone, one call, told by a scenario of ours. */
#ifndef TESTS_SCENARIO_SIP_SIPP_H
#define TESTS_SCENARIO_SIP_SIPP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sipp {
	pid_t pid;
	uint16_t port;
	int status; /* exit status, -1 while it runs */
};

/* Starts sipp with tests/scenario/sip/xml/NAME.xml and waits until it listens. */
void sipp_start(struct sipp *p, const char *name, bool tcp);
/* For rig_until: has it ended? */
bool sipp_ended(void *sipp);
void sipp_stop(struct sipp *p);

#endif
