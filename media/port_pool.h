/* media/port_pool.h
 *
 * UDP ports of one configured range. A port (or an even/odd pair) that comes back rests before it is handed out again,
 * so that late packets of a past call cannot enter a new one. First in, first out. Owner: control thread; time is an
 * argument.
 */
#ifndef MEDIA_PORT_POOL_H
#define MEDIA_PORT_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PORT_REST_US = 3000000 }; /* longer than any packet is likely to be under way, and than our last RTCP exchange */

struct port_pool;

/* Ports min..max; pairs: only even ports are handed out, port + 1 goes with each. Returns 0, -EINVAL (empty range) or
 * -ENOMEM. */
int port_pool_new(uint16_t min, uint16_t max, bool pairs, struct port_pool **ret_pool);
/* Begin with the n-th port (modulo the size) instead of the first: two programs that share a range do not fight for the
 * same ports, and nobody can tell the port of the first call. Only before the first port is taken. */
void port_pool_begin_at(struct port_pool *pool, uint32_t n);
/* Returns 0 with a port, or -EADDRNOTAVAIL when every port is in use or resting. */
int port_pool_take(struct port_pool *pool, uint64_t now_us, uint16_t *ret_port);
/* rest: false for a port that was never used (another program held it: it goes to the end of the queue at once). */
void port_pool_give_back(struct port_pool *pool, uint16_t port, bool rest, uint64_t now_us);
size_t port_pool_in_use(const struct port_pool *pool);
size_t port_pool_size(const struct port_pool *pool);
struct port_pool *port_pool_free(struct port_pool *pool);

#endif
