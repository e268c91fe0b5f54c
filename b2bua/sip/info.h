/* b2bua/sip/info.h
 *
 * Digits in the body of an INFO: application/dtmf-relay ("Signal=5\r\nDuration=160") and application/dtmf ("5"). No
 * RFC describes either; this is what telephone systems send. Pure.
 */
#ifndef B2BUA_SIP_INFO_H
#define B2BUA_SIP_INFO_H

#include <stdbool.h>
#include <stddef.h>

enum { INFO_DTMF_MS = 160, INFO_DTMF_MS_MAX = 10000, INFO_TEXT_MAX = 48 };

/* Is it a type info_dtmf() reads? NULL is none. */
bool info_is_dtmf(const char *content_type);
/* Returns 0 with one of 0-9 * # A-D and the duration (INFO_DTMF_MS if the body names none), or -EINVAL. */
int info_dtmf(const char *content_type, const char *body, size_t length, char *ret_digit, unsigned *ret_duration_ms);

/* application/dtmf-relay of one digit. duration_ms 0: INFO_DTMF_MS. */
void info_build(char *dst, size_t cap, char digit, unsigned duration_ms);

#endif
