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

/* Packets lie in it one after the other, cut off after their room. */
struct chunk {
	struct chunk *next;
	size_t count, untouched; /* the last `untouched` were never used */
	_Alignas(max_align_t) unsigned char bytes[];
};

/* Packets of one size. */
struct shelf {
	struct chunk *chunks;
	struct pkt *free_list;
	size_t total, in_use, untouched;
	uint16_t room;
};

struct pktpool {
	struct shelf small, large;
};

static size_t stride(const struct shelf *s)
{
	size_t bytes = offsetof(struct pkt, data) + s->room, align = _Alignof(struct pkt);

	return (bytes + align - 1) / align * align;
}

int pktpool_new(size_t packets, struct pktpool **ret_pool)
{
	struct pktpool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return -ENOMEM;
	pool->small.room = PKT_SMALL_BYTES;
	pool->large.room = PKT_DATA_BYTES;
	if (pktpool_reserve(pool, packets)) {
		pktpool_free(pool);
		return -ENOMEM;
	}
	*ret_pool = pool;
	return 0;
}

static void free_list_push(struct shelf *s, struct pkt *p)
{
	p->next = s->free_list;
	s->free_list = p;
	ASAN_POISON_MEMORY_REGION(p->data, s->room);
}

static int reserve(struct shelf *s, size_t packets)
{
	struct chunk *c;
	size_t count;

	if (packets <= s->total)
		return 0;
	count = packets - s->total;
	if (count > (SIZE_MAX - sizeof(*c)) / stride(s))
		return -ENOMEM;
	c = malloc(sizeof(*c) + count * stride(s));
	if (!c)
		return -ENOMEM;
	c->next = s->chunks;
	c->count = count;
	s->chunks = c;
	c->untouched = count;
	s->untouched += count;
	ASAN_POISON_MEMORY_REGION(c->bytes, count * stride(s));
	s->total = packets;
	return 0;
}

int pktpool_reserve(struct pktpool *pool, size_t packets)
{
	int r = reserve(&pool->small, packets);

	return r ? r : reserve(&pool->large, packets);
}

static struct pkt *first_use(struct shelf *s)
{
	for (struct chunk *c = s->chunks; c && s->untouched; c = c->next) {
		if (!c->untouched)
			continue;
		struct pkt *p = (struct pkt *)(void *)&c->bytes[(c->count - c->untouched--) * stride(s)];
		s->untouched--;
		ASAN_UNPOISON_MEMORY_REGION(p, stride(s));
		p->room = s->room;
		return p;
	}
	return NULL;
}

static struct pkt *get(struct shelf *s)
{
	struct pkt *p = s->free_list;

	if (p)
		s->free_list = p->next;
	else
		p = first_use(s);
	if (!p)
		return NULL;
	s->in_use++;
	ASAN_UNPOISON_MEMORY_REGION(p->data, s->room);
	p->next = NULL;
	p->offset = PKT_HEADROOM;
	p->length = 0;
	return p;
}

struct pkt *pkt_get(struct pktpool *pool)
{
	struct pkt *p = get(&pool->large);

	if (!p)
		counter_inc(CNT_MEDIA_POOL_EMPTY);
	return p;
}

struct pkt *pkt_get_for(struct pktpool *pool, size_t bytes)
{
	struct pkt *p = NULL;

	if (bytes > PKT_DATA_BYTES - PKT_HEADROOM)
		return NULL;
	if (bytes <= PKT_SMALL_BYTES - PKT_HEADROOM)
		p = get(&pool->small);
	return p ? p : pkt_get(pool);
}

struct pkt *pkt_put(struct pktpool *pool, struct pkt *p)
{
	if (p) {
		struct shelf *s = p->room == PKT_SMALL_BYTES ? &pool->small : &pool->large;
		ASSERT(s->in_use > 0);
		s->in_use--;
		free_list_push(s, p);
	}
	return NULL;
}

size_t pktpool_in_use(const struct pktpool *pool)
{
	return pool->small.in_use + pool->large.in_use;
}

static void free_chunks(struct shelf *s)
{
	while (s->chunks) {
		struct chunk *c = s->chunks;
		s->chunks = c->next;
		ASAN_UNPOISON_MEMORY_REGION(c->bytes, c->count * stride(s));
		free(c);
	}
}

struct pktpool *pktpool_free(struct pktpool *pool)
{
	if (!pool)
		return NULL;
	free_chunks(&pool->small);
	free_chunks(&pool->large);
	free(pool);
	return NULL;
}
