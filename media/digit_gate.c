#include "media/digit_gate.h"

#include <string.h>

/* The oldest press of this key that this way has not told yet. */
static struct digit_press *find(struct digit_gate *g, enum media_digit_way way, char digit, uint64_t now_us)
{
	for (unsigned i = 0; i < DIGIT_GATE_PRESSES; i++) {
		struct digit_press *p = &g->presses[(g->next + i) % DIGIT_GATE_PRESSES];
		bool near = p->open || now_us - p->at_us <= DIGIT_GATE_NEAR_MS * 1000ull;
		if (p->digit == digit && !(p->told & 1u << way) && near)
			return p;
	}
	return NULL;
}

static struct digit_press *add(struct digit_gate *g, enum media_digit_way way, char digit, uint64_t now_us)
{
	struct digit_press *p = &g->presses[g->next];
	g->next = (g->next + 1) % DIGIT_GATE_PRESSES;
	for (unsigned i = 0; i < MEDIA_DIGIT_WAYS; i++)
		if (g->ways[i].press == p)
			g->ways[i].press = NULL;
	*p = (struct digit_press){.digit = digit, .told = (uint8_t)(1u << way), .open = true, .at_us = now_us};
	return p;
}

/* A press begins to be told. */
static bool begin(struct digit_gate *g, enum media_digit_way way, char digit, uint64_t now_us)
{
	struct digit_press *known = find(g, way, digit, now_us);

	g->ways[way].open = true;
	g->ways[way].passes = false;
	g->ways[way].digit = digit;
	g->ways[way].press = NULL;
	if (way != DIGIT_BY_TONE)
		g->told_better = true;
	if (known) {
		known->told |= (uint8_t)(1u << way);
	} else if (way != DIGIT_BY_TONE || !g->told_better) {
		g->ways[way].press = add(g, way, digit, now_us);
		g->ways[way].passes = true;
	}
	return g->ways[way].passes;
}

bool digit_gate_passes(struct digit_gate *g, enum media_digit_way way, const struct tev_report *report, uint64_t now_us)
{
	bool goes_on = g->ways[way].open && g->ways[way].digit == report->digit && report->kind != TEV_BEGIN;
	bool passes = goes_on ? g->ways[way].passes : begin(g, way, report->digit, now_us);

	if (report->kind != TEV_END)
		return passes;
	g->ways[way].open = false;
	if (g->ways[way].press) {
		g->ways[way].press->open = false;
		g->ways[way].press->at_us = now_us;
		g->ways[way].press = NULL;
	}
	return passes;
}

void digit_gate_reset(struct digit_gate *g)
{
	memset(g, 0, sizeof(*g));
}
