/* Any datagrams, in any state of a call's set-up, to either end, from the peer's address or another. The simulated link
 * checks what holds always: no timer that stays due, no address after the nomination, each event once. An end that is
 * up is not brought down by anything.
 *
 * Input: byte 0 chooses how far the set-up goes first and the DTLS role; then records: kind, time in ms, length, bytes.
 */
#include "lib/base/assert.h"
#include "media/webrtc/stun.h"
#include "tests/unit/media/webrtc/link.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS_MAX = 40 };

static struct link fuzz_link;

/* A Binding message whose attributes are the fuzzer's, signed as the peer would: past the integrity check. */
static void inject_signed(
	struct link *l, int to, uint8_t kind, const uint8_t *attributes, size_t length, uint64_t at_us)
{
	static const uint8_t txid[STUN_TXID_BYTES] = {7};
	struct link_side *s = &l->side[to], *other = &l->side[!to];
	enum stun_class class = kind & 4 ? STUN_REQUEST : STUN_ERROR;
	const char *key = class == STUN_REQUEST ? s->conf.pwd : other->conf.pwd;
	uint8_t b[STUN_MESSAGE_MAX];
	struct wr w = wr_init(b, sizeof(b));
	int n;

	stun_begin(&w, class, txid);
	if (class == STUN_REQUEST)
		stun_put_username(&w, s->conf.ufrag, other->conf.ufrag);
	wr_bytes(&w, attributes, length & ~(size_t)3);
	n = stun_finish(&w, key, strlen(key));
	if (n > 0)
		link_inject(l, to, &other->addr, b, (size_t)n, at_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned run_ms[8] = {0, 10, 30, 70, 90, 110, 150, 1000};
	struct link *l = &fuzz_link;
	struct rd r = rd_init(data, size);
	uint8_t how = rd_u8(&r);
	uint64_t at_us;
	bool was_up;

	link_init(l, 1);
	l->side[OUR].remote.we_are_dtls_client = how & 8;
	l->side[PEER].remote.we_are_dtls_client = !(how & 8);
	if (how & 16) { /* two full agents */
		l->side[PEER].conf.ice_lite = false;
		l->side[OUR].remote.ice_lite = false;
	}
	link_open(l);
	link_run(l, run_ms[how & 7], NULL);
	was_up = link_both_up(l);
	at_us = l->now_us;
	for (int i = 0; i < RECORDS_MAX && rd_left(&r) > 3; i++) {
		uint8_t kind = rd_u8(&r);
		uint8_t wait_ms = rd_u8(&r);
		size_t n = rd_u8(&r) * (kind & 128 ? 5u : 1u);
		int to = kind & 1;
		struct addr from = l->side[!to].addr;

		n = n < rd_left(&r) ? n : rd_left(&r);
		at_us += wait_ms * UINT64_C(1000);
		if (kind & 2) {
			inject_signed(l, to, kind, rd_bytes(&r, n), n, at_us);
			continue;
		}
		if (kind & 8)
			addr_set_port(&from, 9);
		link_inject(l, to, &from, rd_bytes(&r, n), n, at_us);
	}
	link_run(l, (at_us - 1000000) / 1000 + 300, NULL);
	ASSERT(!was_up || link_both_up(l));
	link_done(l);
	return 0;
}
