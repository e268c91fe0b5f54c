/* tests/scenario/sip/ports.h: ports that no other test has. */
#ifndef TESTS_SCENARIO_SIP_PORTS_H
#define TESTS_SCENARIO_SIP_PORTS_H

#include <stdint.h>

/* An even one, free for UDP and TCP on 127.0.0.1, and so is the next. Fails the test when there is none. */
uint16_t free_port(void);

#endif
