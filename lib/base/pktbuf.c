/* lib/base/pktbuf.c
 *
 * Packets lie in chunks, each one allocation; free ones on a list, the warmest first. A packet that was never used yet
 * is not on the list but counted off its chunk, so that its memory is not touched before it is needed: the pool is as
 * large as its worst moment asks for, its resident part as large as it ever was. Under AddressSanitizer the bytes of a
 * free packet are poisoned, so that a use after pkt_put() is found as if it had been freed.
 */
#include "lib/base/pktbuf.h"

#include "lib/base/assert.h"
#include "lib/base/counter.h"

#include <errno.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PKT_POISON 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define PKT_POISON 1
#endif
#ifdef PKT_POISON
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes)   ((void)(at))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)(at))
#endif

struct chunk {
	struct chunk *next;
	size_t count, untouched; /* the last `untouched` of pkts were never used */
	struct pkt pkts[];
};

struct pktpool {
	struct chunk *chunks;
	struct pkt *free_list;
	size_t total, in_use, untouched;
};

int pktpool_new(size_t packets, struct pktpool **ret_pool)
{
	struct pktpool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	if (pktpool_reserve(pool, packets)) {
		pktpool_free(pool);
		return -ENOMEM;
	}
	*ret_pool = pool;
	return 0;
}

static void free_list_push(struct pktpool *pool, struct pkt *p)
{
	p->next = pool->free_list;
	pool->free_list = p;
	ASAN_POISON_MEMORY_REGION(p->data, sizeof(p->data));
}

int pktpool_reserve(struct pktpool *pool, size_t packets)
{
	struct chunk *c;
	size_t count;

	if (packets <= pool->total)
		return 0;
	count = packets - pool->total;
	if (count > (SIZE_MAX - sizeof(*c)) / sizeof(c->pkts[0]))
		return -ENOMEM;
	c = malloc(sizeof(*c) + count * sizeof(c->pkts[0]));
	if (!c)
		return -ENOMEM;
	c->next = pool->chunks;
	c->count = count;
	pool->chunks = c;
	c->untouched = count;
	pool->untouched += count;
	ASAN_POISON_MEMORY_REGION(c->pkts, count * sizeof(c->pkts[0]));
	pool->total = packets;
	return 0;
}

static struct pkt *first_use(struct pktpool *pool)
{
	for (struct chunk *c = pool->chunks; c && pool->untouched; c = c->next) {
		if (!c->untouched)
			continue;
		struct pkt *p = &c->pkts[c->count - c->untouched--];
		pool->untouched--;
		ASAN_UNPOISON_MEMORY_REGION(p, sizeof(*p));
		return p;
	}
	return NULL;
}

struct pkt *pkt_get(struct pktpool *pool)
{
	struct pkt *p = pool->free_list;

	if (p)
		pool->free_list = p->next;
	else
		p = first_use(pool);
	if (!p) {
		counter_inc(CNT_MEDIA_POOL_EMPTY);
		return NULL;
	}
	pool->in_use++;
	ASAN_UNPOISON_MEMORY_REGION(p->data, sizeof(p->data));
	p->next = NULL;
	p->offset = PKT_HEADROOM;
	p->length = 0;
	return p;
}

struct pkt *pkt_put(struct pktpool *pool, struct pkt *p)
{
	if (p) {
		ASSERT(pool->in_use > 0);
		pool->in_use--;
		free_list_push(pool, p);
	}
	return NULL;
}

size_t pktpool_in_use(const struct pktpool *pool)
{
	return pool->in_use;
}

struct pktpool *pktpool_free(struct pktpool *pool)
{
	if (!pool)
		return NULL;
	while (pool->chunks) {
		struct chunk *c = pool->chunks;
		pool->chunks = c->next;
		ASAN_UNPOISON_MEMORY_REGION(c->pkts, c->count * sizeof(c->pkts[0]));
		free(c);
	}
	free(pool);
	return NULL;
}
