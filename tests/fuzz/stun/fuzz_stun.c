/* Any bytes into the STUN reader; what it accepts must be consistent, and re-encoding what it found must be readable
 * again. */
#include "lib/base/assert.h"
#include "media/webrtc/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t b[STUN_MESSAGE_MAX];
	struct wr w = wr_init(b, sizeof(b));
	struct stun_msg m, again;
	int n;

	if (stun_decode(data, size, &m) < 0)
		return 0;
	ASSERT(m.unknown_count <= STUN_UNKNOWN_MAX);
	ASSERT(!m.username || (m.username >= data && m.username + m.username_length <= data + size));
	(void)stun_check_integrity(&m, data, "password", 8);
	stun_begin(&w, m.class, m.txid);
	if (m.has_mapped)
		stun_put_mapped(&w, &m.mapped);
	if (m.has_priority)
		stun_put_priority(&w, m.priority);
	if (m.unknown_count)
		stun_put_unknown(&w, m.unknown, m.unknown_count);
	n = stun_finish(&w, "password", 8);
	ASSERT(n > 0);
	ASSERT(stun_decode(b, (size_t)n, &again) == 0);
	ASSERT(again.class == m.class && again.has_mapped == m.has_mapped && again.priority == m.priority);
	ASSERT(!m.has_mapped || addr_equal(&again.mapped, &m.mapped));
	ASSERT(stun_check_integrity(&again, b, "password", 8));
	return 0;
}
