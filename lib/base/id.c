/* lib/base/id.c
 *
 * Free slots wait in a queue, oldest first, so that a slot rests as long as possible before its next tenant; the
 * generation counts tenants.
 */
#include "lib/base/id.h"

#include "lib/base/assert.h"

#include <errno.h>
#include <stdlib.h>

enum { SLOT_BITS = 24, OWNER_SHIFT = 56, FIRST_SLOTS = 64 };
#define SLOT_MASK ((UINT64_C(1) << SLOT_BITS) - 1)
#define SLOT_NONE UINT32_MAX

struct slot {
	void *object;        /* NULL: free */
	uint32_t generation; /* of the present tenant, or the next */
	uint32_t next_free;
};

struct slotmap {
	struct slot *slots;
	size_t allocated, max_slots, count;
	uint32_t free_first, free_last;
	uint8_t owner;
};

static void free_queue_add(struct slotmap *m, uint32_t index)
{
	m->slots[index].next_free = SLOT_NONE;
	if (m->free_first == SLOT_NONE)
		m->free_first = index;
	else
		m->slots[m->free_last].next_free = index;
	m->free_last = index;
}

static int grow(struct slotmap *m)
{
	size_t size = m->allocated ? m->allocated * 2 : FIRST_SLOTS;
	struct slot *slots;

	if (size > m->max_slots)
		size = m->max_slots;
	if (size == m->allocated)
		return -ENOSPC;
	slots = realloc(m->slots, size * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	m->slots = slots;
	for (size_t i = m->allocated; i < size; i++) {
		slots[i] = (struct slot){.generation = 1};
		free_queue_add(m, (uint32_t)i);
	}
	m->allocated = size;
	return 0;
}

int slotmap_new(uint8_t owner, size_t max_slots, struct slotmap **ret_map)
{
	struct slotmap *m;
	int r;

	if (!max_slots || max_slots > SLOT_MASK)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->owner = owner;
	m->max_slots = max_slots;
	m->free_first = m->free_last = SLOT_NONE;
	r = grow(m);
	if (r) {
		free(m);
		return r;
	}
	*ret_map = m;
	return 0;
}

uint64_t slotmap_add(struct slotmap *m, void *object)
{
	uint32_t index;
	struct slot *s;

	ASSERT(object);
	if (m->free_first == SLOT_NONE && grow(m))
		return 0;
	index = m->free_first;
	s = &m->slots[index];
	m->free_first = s->next_free;
	s->object = object;
	m->count++;
	return (uint64_t)m->owner << OWNER_SHIFT | (uint64_t)s->generation << SLOT_BITS | index;
}

static struct slot *find(const struct slotmap *m, uint64_t id)
{
	size_t index = (size_t)(id & SLOT_MASK);
	struct slot *s;

	if (id_owner(id) != m->owner || index >= m->allocated)
		return NULL;
	s = &m->slots[index];
	return s->object && s->generation == (uint32_t)(id >> SLOT_BITS) ? s : NULL;
}

void *slotmap_get(const struct slotmap *m, uint64_t id)
{
	const struct slot *s = find(m, id);
	return s ? s->object : NULL;
}

void *slotmap_remove(struct slotmap *m, uint64_t id)
{
	struct slot *s = find(m, id);
	void *object;

	if (!s)
		return NULL;
	object = s->object;
	s->object = NULL;
	if (++s->generation == 0)
		s->generation = 1; /* an id is never 0 */
	free_queue_add(m, (uint32_t)(s - m->slots));
	m->count--;
	return object;
}

size_t slotmap_count(const struct slotmap *m)
{
	return m->count;
}

void *slotmap_next(const struct slotmap *m, size_t *cursor)
{
	while (*cursor < m->allocated) {
		void *object = m->slots[(*cursor)++].object;
		if (object)
			return object;
	}
	return NULL;
}

struct slotmap *slotmap_free(struct slotmap *m)
{
	if (m) {
		free(m->slots);
		free(m);
	}
	return NULL;
}
