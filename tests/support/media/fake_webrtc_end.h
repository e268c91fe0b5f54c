/* tests/support/media/fake_webrtc_end.h
 *
 * media/webrtc/webrtc_end.h without ICE, DTLS and SRTP: packets go through as they are, after a start-up of
 * FAKE_WEBRTC_UP_US.
 */
#ifndef TESTS_SUPPORT_MEDIA_FAKE_WEBRTC_END_H
#define TESTS_SUPPORT_MEDIA_FAKE_WEBRTC_END_H

#include "media/webrtc/webrtc_end.h"

enum { FAKE_WEBRTC_ICE_US = 40000, FAKE_WEBRTC_UP_US = 100000 };

/* The next webrtc_end_new() makes an end that never comes up and fails with this after FAKE_WEBRTC_UP_US;
 * MEDIA_FAIL_NONE: back to normal. */
void fake_webrtc_end_fails_with(enum media_failure failure);

#endif
