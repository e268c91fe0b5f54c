/* tests/unit/lib/sdp/sdp_tests.h
 *
 * The groups of tests of lib/sdp, and what they share.
 */
#ifndef TESTS_UNIT_LIB_SDP_SDP_TESTS_H
#define TESTS_UNIT_LIB_SDP_SDP_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/sdp/sdp_audio.h"

int sdp_tests_read(void);
int sdp_tests_write(void);
int sdp_tests_hostile(void);
int sdp_tests_helpers(void);
int sdp_tests_crypto(void);

/* Parse a terminated text. */
int parse_text(const char *text, struct sdp_audio *ret_sdp, struct sdp_error *error);
/* The same, and it must succeed. */
struct sdp_audio parsed(const char *text);
/* The address as text with port, in a static buffer. */
const char *addr_text(const struct addr *a);

#endif
