/* lib/base/mailbox.c
 *
 * head and tail count messages for ever; the slot is the count modulo the capacity. The writer alone moves tail, the
 * reader alone moves head, each on a cache line of its own.
 *
 *   writer: copy message -> tail (release) -> if not yet `rung`: ring it, write the eventfd
 *   reader: read the eventfd -> un-ring (both in mailbox_clear) -> messages until head == tail
 *
 * `rung` saves a system call per message while the reader is awake. No wake-up is lost: the writer's exchange comes
 * after its tail, the reader's exchange before its look at tail. If the writer found the bell rung already, the
 * reader's un-ringing comes later and acquires that tail; otherwise the writer writes the eventfd.
 */
#include "lib/base/mailbox.h"

#include "lib/base/assert.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { CACHE_LINE = 64, CAPACITY_MAX = 1 << 24 };

struct mailbox {
	/* fixed after mailbox_new(): */
	size_t message_bytes, capacity;
	int fd;
	uint8_t *slots;
	/* writer: */
	_Alignas(CACHE_LINE) _Atomic uint64_t tail;
	uint64_t head_seen; /* head as last looked at: a new look only when the ring seems full */
	/* reader: */
	_Alignas(CACHE_LINE) _Atomic uint64_t head;
	uint64_t tail_seen;
	/* both: */
	_Alignas(CACHE_LINE) atomic_bool rung;
};

static size_t round_up_pow2(size_t n)
{
	size_t p = 1;
	while (p < n)
		p <<= 1;
	return p;
}

int mailbox_new(size_t message_bytes, size_t capacity, struct mailbox **ret_mb)
{
	struct mailbox *mb;

	if (!message_bytes || message_bytes > SIZE_MAX / CAPACITY_MAX || !capacity || capacity > CAPACITY_MAX)
		return -EINVAL;
	mb = aligned_alloc(CACHE_LINE, sizeof(*mb));
	if (!mb)
		return -ENOMEM;
	memset(mb, 0, sizeof(*mb));
	mb->message_bytes = message_bytes;
	mb->capacity = round_up_pow2(capacity);
	mb->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (mb->fd < 0) {
		int r = errno == ENOMEM ? -ENOMEM : -EMFILE;
		free(mb);
		return r;
	}
	mb->slots = calloc(mb->capacity, message_bytes);
	if (!mb->slots) {
		mailbox_free(mb);
		return -ENOMEM;
	}
	*ret_mb = mb;
	return 0;
}

static void ring_bell(struct mailbox *mb)
{
	const uint64_t one = 1;
	ssize_t n;

	if (atomic_exchange_explicit(&mb->rung, true, memory_order_acq_rel))
		return;
	do
		n = write(mb->fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
	/* EAGAIN would need 2^64 - 1 unread wake-ups. */
	ASSERT(n == sizeof(one));
}

int mailbox_put(struct mailbox *mb, const void *message)
{
	uint64_t tail = atomic_load_explicit(&mb->tail, memory_order_relaxed);

	if (tail - mb->head_seen == mb->capacity) {
		mb->head_seen = atomic_load_explicit(&mb->head, memory_order_acquire);
		if (tail - mb->head_seen == mb->capacity)
			return -EAGAIN;
	}
	memcpy(mb->slots + (tail & (mb->capacity - 1)) * mb->message_bytes, message, mb->message_bytes);
	atomic_store_explicit(&mb->tail, tail + 1, memory_order_release);
	ring_bell(mb);
	return 0;
}

bool mailbox_has_room(const struct mailbox *mb, size_t n)
{
	uint64_t tail = atomic_load_explicit(&mb->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&mb->head, memory_order_acquire);
	return mb->capacity - (size_t)(tail - head) >= n;
}

int mailbox_fd(const struct mailbox *mb)
{
	return mb->fd;
}

void mailbox_clear(struct mailbox *mb)
{
	uint64_t wakeups;
	ssize_t n;

	do
		n = read(mb->fd, &wakeups, sizeof(wakeups));
	while (n < 0 && errno == EINTR);
	ASSERT(n == sizeof(wakeups) || errno == EAGAIN);
	(void)atomic_exchange_explicit(&mb->rung, false, memory_order_acq_rel);
}

bool mailbox_get(struct mailbox *mb, void *ret_message)
{
	uint64_t head = atomic_load_explicit(&mb->head, memory_order_relaxed);

	if (head == mb->tail_seen) {
		mb->tail_seen = atomic_load_explicit(&mb->tail, memory_order_acquire);
		if (head == mb->tail_seen)
			return false;
	}
	memcpy(ret_message, mb->slots + (head & (mb->capacity - 1)) * mb->message_bytes, mb->message_bytes);
	atomic_store_explicit(&mb->head, head + 1, memory_order_release);
	return true;
}

struct mailbox *mailbox_free(struct mailbox *mb)
{
	if (mb) {
		close(mb->fd);
		free(mb->slots);
		free(mb);
	}
	return NULL;
}
