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

void sim_link_send(struct sim_link *l, const void *bytes, size_t length, uint64_t now_us)
{
	l->sent++;
	if (sim_random(&l->random) * 100.0 < l->conf.loss_percent) {
		l->lost++;
		return;
	}
	uint64_t jitter_us = (uint64_t)(sim_random(&l->random) * l->conf.jitter_ms * 1000.0);
	uint64_t at_us = now_us + l->conf.delay_ms * 1000ull + jitter_us;
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
