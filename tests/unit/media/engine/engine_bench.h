/* tests/unit/media/engine/engine_bench.h
 *
 * A media engine on a control loop, its reports kept, and a peer's socket: what the tests of the engine share.
 */
#ifndef TESTS_UNIT_MEDIA_ENGINE_ENGINE_BENCH_H
#define TESTS_UNIT_MEDIA_ENGINE_ENGINE_BENCH_H

#include "media/engine.h"

#include <stdbool.h>

enum { BENCH_DEADLINE_MS = 20000 }; /* for anything to happen, on a slow and busy machine */

struct bench {
	struct loop *loop;
	struct media_engine *engine;
	struct media_event *events;
	size_t event_count, event_cap;
	int fds_before;
	int peer; /* UDP socket on 127.0.0.1 */
};

/* Fills in what a test does not care for: addresses, two workers, and ports: BENCH_WA_PORTS from wa_port_min,
 * BENCH_SIP_PORTS from sip_port_min, other ones for each process that may run at the same time. */
enum { BENCH_WA_PORTS = 1200, BENCH_SIP_PORTS = 2400 };
struct media_engine_conf bench_conf(struct bench *b);
void bench_init(struct bench *b, const struct media_engine_conf *conf); /* conf from bench_conf(); asserts success */
/* Frees the engine (if it still lives); then no session, no descriptor may be left. */
void bench_done(struct bench *b);

/* Run the loop until so many reports of this kind, of this session (0: of any), have come; asserts that they do. */
void bench_wait(struct bench *b, enum media_event_kind kind, uint64_t session, size_t count);
size_t bench_count(const struct bench *b, enum media_event_kind kind, uint64_t session);
/* The last report of this kind of this session; asserts that there is one. */
const struct media_event *bench_last(const struct bench *b, enum media_event_kind kind, uint64_t session);
uint64_t bench_open(struct bench *b, struct media_local *ret_local); /* asserts success */

/* One packet from the peer to 127.0.0.1:port; the answer, terminated, in answer[64], or false. */
bool bench_ask(struct bench *b, uint16_t port, const char *text, char answer[64]);
void bench_send(struct bench *b, uint16_t port, const char *text);
int open_descriptors(void);

#endif
