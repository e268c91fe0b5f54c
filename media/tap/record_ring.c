/* media/tap/record_ring.c
 *
 * head and tail count bytes for ever; the place is the count modulo the capacity. The putting thread alone moves head,
 * the getting thread alone moves tail.
 */
#include "media/tap/record_ring.h"

#include "lib/base/assert.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64 };

struct record_ring {
	/* fixed after record_ring_new(): */
	size_t capacity;
	/* written by the putting thread */
	_Alignas(CACHE_LINE) _Atomic uint64_t head;
	_Atomic uint64_t start_us, end_us; /* 0: not yet */
	_Atomic uint64_t lost;
	/* written by the getting thread */
	_Alignas(CACHE_LINE) _Atomic uint64_t tail;
	_Alignas(CACHE_LINE) uint8_t bytes[];
};

struct frame_header {
	uint64_t at_us;
	uint32_t rate_hz;
	uint16_t length;
	uint8_t side, kind;
};

int record_ring_new(size_t bytes, struct record_ring **ret_ring)
{
	struct record_ring *ring;

	if (bytes < RECORD_RING_BYTES_MIN || bytes & (bytes - 1))
		return -EINVAL;
	ring = aligned_alloc(CACHE_LINE, sizeof(*ring) + bytes);
	if (!ring)
		return -ENOMEM;
	memset(ring, 0, sizeof(*ring)); /* the rest is not touched before it is needed */
	ring->capacity = bytes;
	*ret_ring = ring;
	return 0;
}

static void copy_in(struct record_ring *ring, uint64_t at, const void *bytes, size_t length)
{
	size_t place = (size_t)(at & (ring->capacity - 1)), first = ring->capacity - place;

	if (first > length)
		first = length;
	memcpy(ring->bytes + place, bytes, first);
	memcpy(ring->bytes, (const uint8_t *)bytes + first, length - first);
}

static void copy_out(const struct record_ring *ring, uint64_t at, void *bytes, size_t length)
{
	size_t place = (size_t)(at & (ring->capacity - 1)), first = ring->capacity - place;

	if (first > length)
		first = length;
	memcpy(bytes, ring->bytes + place, first);
	memcpy((uint8_t *)bytes + first, ring->bytes, length - first);
}

void record_ring_begin(struct record_ring *ring, uint64_t start_us)
{
	atomic_store_explicit(&ring->start_us, start_us, memory_order_release);
}

int record_ring_put(struct record_ring *ring, const struct tap_frame *frame)
{
	const struct frame_header h = {.at_us = frame->at_us,
		.rate_hz = frame->rate_hz,
		.length = (uint16_t)frame->length,
		.side = (uint8_t)frame->side,
		.kind = (uint8_t)frame->kind};
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

	if (frame->length > TAP_FRAME_BYTES_MAX)
		return -EMSGSIZE;
	if (ring->capacity - (head - tail) < sizeof(h) + frame->length) {
		atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
		return -ENOSPC;
	}
	copy_in(ring, head, &h, sizeof(h));
	copy_in(ring, head + sizeof(h), frame->bytes, frame->length);
	atomic_store_explicit(&ring->head, head + sizeof(h) + frame->length, memory_order_release);
	return 0;
}

void record_ring_close(struct record_ring *ring, uint64_t end_us)
{
	atomic_store_explicit(&ring->end_us, end_us ? end_us : 1, memory_order_release);
}

bool record_ring_get(struct record_ring *ring, struct tap_frame *ret_frame, void *bytes)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	struct frame_header h;

	if (atomic_load_explicit(&ring->head, memory_order_acquire) == tail)
		return false;
	copy_out(ring, tail, &h, sizeof(h));
	ASSERT(h.length <= TAP_FRAME_BYTES_MAX);
	copy_out(ring, tail + sizeof(h), bytes, h.length);
	atomic_store_explicit(&ring->tail, tail + sizeof(h) + h.length, memory_order_release);
	*ret_frame = (struct tap_frame){.side = (enum media_side)h.side,
		.kind = (enum tap_kind)h.kind,
		.rate_hz = h.rate_hz,
		.at_us = h.at_us,
		.bytes = bytes,
		.length = h.length};
	return true;
}

uint64_t record_ring_start_us(const struct record_ring *ring)
{
	return atomic_load_explicit(&ring->start_us, memory_order_acquire);
}

bool record_ring_closed(const struct record_ring *ring, uint64_t *ret_end_us)
{
	uint64_t end_us = atomic_load_explicit(&ring->end_us, memory_order_acquire);

	if (!end_us)
		return false;
	*ret_end_us = end_us;
	return true;
}

uint64_t record_ring_lost(const struct record_ring *ring)
{
	return atomic_load_explicit(&ring->lost, memory_order_relaxed);
}

struct record_ring *record_ring_free(struct record_ring *ring)
{
	free(ring);
	return NULL;
}
