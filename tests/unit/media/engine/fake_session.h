/* tests/unit/media/engine/fake_session.h
 *
 * A session without media, in place of media/session.c: it says by events and echoed packets what reached it. Events
 * carry the low 16 bits of its SSRC as duration_ms, so that the reader sees which session it was.
 *
 *   command                      what it tells
 *   set_wa                       ICE_NOMINATED when there is a candidate, then DTLS_UP; -EINVAL without ufrag
 *   set_sip                      DTMF 'S'; -ENOTSUP without codec
 *   start_wa                     DTMF 'A'
 *   play                         DTMF '0' and the number of the sound, of the end that is to hear it
 *   mute                         DTMF 'Q' on, 'q' off
 *   send_dtmf                    DTMF of each digit
 *   packet                       sent back to where it came from, unless it begins with one of these:
 *     'F'                        fails (FAKE_FAILURE)
 *     'E'                        FAKE_BURST times DTMF 'E'
 *     'P', 'U'                   the socket is to be connected to where it came from, or to nobody; sent back, too
 *     'm', 'M'                   start and end a stretch in which the worker's thread should not allocate; M is
 * answered by "clean" or "dirty"
 */
#ifndef TESTS_UNIT_MEDIA_ENGINE_FAKE_SESSION_H
#define TESTS_UNIT_MEDIA_ENGINE_FAKE_SESSION_H

#include <stdbool.h>
#include <stddef.h>

enum { FAKE_BURST = 4000, FAKE_TICK_US = 20000 };
#define FAKE_FAILURE MEDIA_FAIL_CONSENT

/* Any thread. */
size_t fake_sessions_alive(void);
unsigned fake_ticks(void);
void fake_fail_next(unsigned n); /* the next n session_new() return -ENOMEM */
/* While the gate is closed, workers stop in session_new(). */
void fake_close_gate(void);
void fake_open_gate(void);
void fake_wait_at_gate(void); /* until a worker stands there */
/* Set by test_engine_memory.c only. */
extern void (*fake_watch_memory)(void);
extern bool (*fake_memory_was_used)(void);

#endif
