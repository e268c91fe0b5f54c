/* b2bua/sip/places.c */
#include "b2bua/sip/places.h"

#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>

/* The next one of those in [from, end), which have one priority: each is as likely as its weight says; those of weight
 * 0 come almost never before others (RFC 2782). */
static size_t draw(const struct place *places, size_t from, size_t end, uint32_t random)
{
	uint32_t total = 0, point;

	for (size_t i = from; i < end; i++)
		total += places[i].weight;
	if (total == 0)
		return from + random % (end - from);
	point = random % total;
	for (size_t i = from; i < end; i++) {
		if (point < places[i].weight)
			return i;
		point -= places[i].weight;
	}
	return from;
}

static void swap(struct place *a, struct place *b)
{
	struct place kept = *a;

	*a = *b;
	*b = kept;
}

void places_order(struct place *places, size_t count, uint32_t (*random)(void *arg), void *arg)
{
	/* Stable, so that what is left to chance below is nothing but chance. */
	for (size_t i = 1; i < count; i++)
		for (size_t k = i; k > 0 && places[k].priority < places[k - 1].priority; k--)
			swap(&places[k], &places[k - 1]);
	for (size_t i = 0; i < count; i++) {
		size_t end = i + 1;
		while (end < count && places[end].priority == places[i].priority)
			end++;
		if (end - i > 1)
			swap(&places[i], &places[draw(places, i, end, random(arg))]);
	}
}

int place_url(char *dst, size_t cap, const struct place *place, const char *host)
{
	static const char *const names[] = {[SIP_UDP] = "udp", [SIP_TCP] = "tcp", [SIP_TLS] = "tls"};
	char text[ADDR_TEXT_MAX];
	bool v6 = addr_is_v6(&place->addr);
	int n;

	addr_host(&place->addr, text, sizeof(text));
	n = snprintf(dst, cap, "sip:%s:%u;maddr=%s%s%s;transport=%s", host, addr_port(&place->addr), v6 ? "[" : "",
		text, v6 ? "]" : "", names[place->transport]);
	return n < 0 || (size_t)n >= cap ? -ENAMETOOLONG : 0;
}
