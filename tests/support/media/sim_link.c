#include "tests/support/media/sim_link.h"

#include <stdlib.h>
#include <string.h>

double sim_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

void sim_link_init(struct sim_link *l, const struct sim_link_conf *conf)
{
	memset(l, 0, sizeof(*l));
	l->conf = *conf;
	l->random = conf->seed;
}

static void put(struct sim_link *l, const void *bytes, size_t length, uint64_t at_us)
{
	if (l->count == SIM_LINK_IN_FLIGHT || length > SIM_PACKET_MAX)
		abort();
	struct sim_packet *p = &l->packets[l->count++];
	p->at_us = at_us;
	p->order = l->sent;
	p->length = length;
	memcpy(p->bytes, bytes, length);
}

enum { OVERHEAD_BYTES = 28, CROSS_BYTES = 1200, CROSS_PACKETS_MAX = 4 };

static bool lost_on_the_way(struct sim_link *l)
{
	if (l->conf.burst_enter_percent > 0) {
		double change = l->in_burst ? l->conf.burst_leave_percent : l->conf.burst_enter_percent;
		if (sim_random(&l->random) * 100.0 < change)
			l->in_burst = !l->in_burst;
		if (l->in_burst)
			return true;
	}
	return sim_random(&l->random) * 100.0 < l->conf.loss_percent;
}

static uint64_t time_on_line_us(const struct sim_link *l, size_t bytes)
{
	return bytes * 8ull * 1000000 / l->conf.bits_per_second;
}

/* The others' bursts until now: each packet waits in the queue, or is lost at its end. */
static void cross_traffic(struct sim_link *l, uint64_t now_us)
{
	while (l->conf.cross_ms && l->cross_next_us <= now_us) {
		uint64_t at_us = l->cross_next_us;
		unsigned packets = 1 + (unsigned)(sim_random(&l->random) * CROSS_PACKETS_MAX);
		for (unsigned i = 0; i < packets; i++) {
			if (l->line_free_us < at_us)
				l->line_free_us = at_us;
			if (l->line_free_us - at_us <= l->conf.queue_ms * 1000ull)
				l->line_free_us += time_on_line_us(l, CROSS_BYTES);
		}
		l->cross_next_us += (uint64_t)(sim_random(&l->random) * 2.0 * l->conf.cross_ms * 1000.0) + 1;
	}
}

/* False: the queue is full. */
static bool pass_line(struct sim_link *l, size_t length, uint64_t now_us, uint64_t *at_us)
{
	if (!l->conf.bits_per_second)
		return true;
	cross_traffic(l, now_us);
	if (l->line_free_us < now_us)
		l->line_free_us = now_us;
	if (l->line_free_us - now_us > l->conf.queue_ms * 1000ull)
		return false;
	l->line_free_us += time_on_line_us(l, length + OVERHEAD_BYTES);
	*at_us += l->line_free_us - now_us;
	return true;
}

/* False: it is lost. */
static bool pass_handover(struct sim_link *l, uint64_t now_us, uint64_t *at_us)
{
	uint64_t lasts_us = l->conf.handover_ms * 1000ull;
	if (!lasts_us || now_us < l->handover_us)
		return true;
	if (now_us >= l->handover_us + lasts_us) {
		l->handover_us += lasts_us + l->conf.handover_first_ms * 1000ull;
		return true;
	}
	*at_us += l->handover_us + lasts_us - now_us;
	return l->conf.handover_late;
}

static void begin(struct sim_link *l, uint64_t now_us)
{
	if (l->known)
		return;
	l->known = true;
	l->cross_next_us = now_us + l->conf.cross_ms * 1000ull;
	l->handover_us = now_us + l->conf.handover_first_ms * 1000ull;
}

void sim_link_send(struct sim_link *l, const void *bytes, size_t length, uint64_t now_us)
{
	uint64_t at_us = now_us + l->conf.delay_ms * 1000ull;
	l->sent++;
	begin(l, now_us);
	if (lost_on_the_way(l) || !pass_line(l, length, now_us, &at_us) || !pass_handover(l, now_us, &at_us)) {
		l->lost++;
		return;
	}
	at_us += (uint64_t)(sim_random(&l->random) * l->conf.jitter_ms * 1000.0);
	if (!l->conf.reorders && at_us < l->newest_us)
		at_us = l->newest_us;
	l->newest_us = at_us;
	put(l, bytes, length, at_us);
	if (sim_random(&l->random) * 100.0 < l->conf.duplicate_percent)
		put(l, bytes, length, at_us + 1000);
}

/* Hardly any is as long as there is room for. */
static void copy(struct sim_packet *to, const struct sim_packet *from)
{
	memcpy(to, from, offsetof(struct sim_packet, bytes) + from->length);
}

static size_t earliest(const struct sim_link *l)
{
	size_t best = 0;
	for (size_t i = 1; i < l->count; i++) {
		const struct sim_packet *p = &l->packets[i], *b = &l->packets[best];
		if (p->at_us < b->at_us || (p->at_us == b->at_us && p->order < b->order))
			best = i;
	}
	return best;
}

uint64_t sim_link_deadline(const struct sim_link *l)
{
	return l->count ? l->packets[earliest(l)].at_us : UINT64_MAX;
}

bool sim_link_receive(struct sim_link *l, uint64_t now_us, struct sim_packet *ret_packet)
{
	if (sim_link_deadline(l) > now_us)
		return false;
	struct sim_packet *p = &l->packets[earliest(l)];
	copy(ret_packet, p);
	if (p != &l->packets[--l->count])
		copy(p, &l->packets[l->count]);
	return true;
}
