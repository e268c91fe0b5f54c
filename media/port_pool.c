/* media/port_pool.c
 *
 * A ring of free ports, each with the time from which it may be used. Entries are in order of return, and every rest is
 * equally long, so the oldest entry is always the first to be ready.
 */
#include "media/port_pool.h"

#include "lib/base/assert.h"

#include <errno.h>
#include <stdlib.h>

struct free_port {
	uint64_t ready_us;
	uint16_t port;
};

struct port_pool {
	size_t size, head, free_count;
	struct free_port ring[];
};

int port_pool_new(uint16_t min, uint16_t max, bool pairs, struct port_pool **ret_pool)
{
	uint32_t first = pairs ? (uint32_t)min + (min & 1) : min;
	uint32_t step = pairs ? 2 : 1;
	uint32_t last = max;
	struct port_pool *pool;

	if (min == 0 || first + step - 1 > last)
		return -EINVAL;
	size_t size = (last - first + 1) / step;
	pool = calloc(1, sizeof(*pool) + size * sizeof(pool->ring[0]));
	if (!pool)
		return -ENOMEM;
	pool->size = pool->free_count = size;
	for (size_t i = 0; i < size; i++)
		pool->ring[i].port = (uint16_t)(first + i * step);
	*ret_pool = pool;
	return 0;
}

void port_pool_begin_at(struct port_pool *pool, uint32_t n)
{
	ASSERT(pool->free_count == pool->size);
	pool->head = n % pool->size;
}

int port_pool_take(struct port_pool *pool, uint64_t now_us, uint16_t *ret_port)
{
	const struct free_port *oldest = &pool->ring[pool->head];

	if (pool->free_count == 0 || oldest->ready_us > now_us)
		return -EADDRNOTAVAIL;
	*ret_port = oldest->port;
	pool->head = (pool->head + 1) % pool->size;
	pool->free_count--;
	return 0;
}

void port_pool_give_back(struct port_pool *pool, uint16_t port, bool rest, uint64_t now_us)
{
	ASSERT(pool->free_count < pool->size);
	struct free_port *slot = &pool->ring[(pool->head + pool->free_count) % pool->size];
	slot->port = port;
	slot->ready_us = now_us + (rest ? PORT_REST_US : 0);
	pool->free_count++;
}

size_t port_pool_in_use(const struct port_pool *pool)
{
	return pool->size - pool->free_count;
}

size_t port_pool_size(const struct port_pool *pool)
{
	return pool->size;
}

struct port_pool *port_pool_free(struct port_pool *pool)
{
	free(pool);
	return NULL;
}
