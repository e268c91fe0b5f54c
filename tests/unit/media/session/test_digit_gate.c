/* A press that a peer tells in several ways is one; the clock is a column. */
#include "media/digit_gate.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

enum { E = DIGIT_BY_EVENT, T = DIGIT_BY_TONE, I = DIGIT_BY_INFO, ROWS_MAX = 24 };
enum { B = TEV_BEGIN, U = TEV_UPDATE, X = TEV_END };

struct row {
	unsigned at_ms;
	int way;
	int kind; /* 0: the table ends */
	char digit;
	bool passes;
};

static const struct {
	const char *what;
	struct row rows[ROWS_MAX];
} tables[] = {
	{"events alone, the same key quickly again",
		{{0, E, B, '5', true}, {20, E, U, '5', true}, {60, E, X, '5', true}, {100, E, B, '5', true},
			{160, E, X, '5', true}, {170, E, X, '5', true}}}, /* of the last one only the end came */
	{"tones alone", {{0, T, B, '5', true}, {60, T, X, '5', true}, {120, T, B, '5', true}, {180, T, X, '5', true}}},
	{"INFO alone", {{0, I, X, '5', true}, {10, I, X, '5', true}, {500, I, X, '6', true}}},
	{"events, and tones a little later",
		{{0, E, B, '1', true}, {30, T, B, '1', false}, {100, E, X, '1', true}, {130, T, X, '1', false},
			{200, E, B, '1', true}, {230, T, B, '1', false}, {300, E, X, '1', true},
			{330, T, X, '1', false}}},
	{"the first tone is heard before its event comes; then tones are believed no more",
		{{0, T, B, '1', true}, {30, E, B, '1', false}, {90, T, X, '1', true}, {110, E, X, '1', false},
			{200, T, B, '1', false}, {250, E, B, '1', true}, {260, T, X, '1', false},
			{270, T, B, '1', false}, {300, E, X, '1', true}, {5000, T, B, '9', false},
			{5100, T, X, '9', false}}},
	{"a tone that breaks in two beside its event",
		{{0, E, B, '1', true}, {30, T, B, '1', false}, {60, T, X, '1', false}, {90, T, B, '1', false},
			{100, E, X, '1', true}, {130, T, X, '1', false}}},
	{"events and INFO, the same key twice",
		{{0, E, B, '7', true}, {100, E, X, '7', true}, {120, I, X, '7', false}, {160, E, B, '7', true},
			{260, E, X, '7', true}, {280, I, X, '7', false}, {800, I, X, '7', true}}},
	{"both INFOs after both events",
		{{0, E, B, '7', true}, {100, E, X, '7', true}, {160, E, B, '7', true}, {260, E, X, '7', true},
			{270, I, X, '7', false}, {280, I, X, '7', false}}},
	{"INFO first", {{0, I, X, '7', true}, {5, E, B, '7', false}, {25, E, U, '7', false}, {100, E, X, '7', false}}},
	{"an INFO of a key whose event was lost", {{0, E, X, '1', true}, {10, I, X, '1', false}, {300, I, X, '2', true},
							  {600, E, X, '3', true}, {620, I, X, '3', false}}},
	{"the same key told another way, long after, is another press",
		{{0, E, X, '1', true}, {1500, I, X, '1', true}, {4000, E, X, '1', true}}},
	{"a key held long, told by INFO when it is released",
		{{0, E, B, '#', true}, {9000, I, X, '#', false}, {9010, E, X, '#', true}}},
	{"more keys than are remembered, while one is held",
		{{0, E, B, '1', true}, {1, I, X, '0', true}, {2, I, X, '2', true}, {3, I, X, '3', true},
			{4, I, X, '4', true}, {5, I, X, '5', true}, {6, I, X, '6', true}, {7, I, X, '7', true},
			{8, I, X, '8', true}, {9, I, X, '9', true}, {20, E, U, '1', true}, {40, E, X, '1', true}}},
	{"another key while one is held", {{0, E, B, '1', true}, {40, E, X, '2', true}, {60, E, X, '1', true}}},
};

static void test_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct digit_gate g;
		digit_gate_reset(&g);
		for (const struct row *r = tables[i].rows; r->kind; r++) {
			const struct tev_report report = {(enum tev_report_kind)r->kind, r->digit, 100};
			if (digit_gate_passes(&g, (enum media_digit_way)r->way, &report,
				    7000000 + r->at_ms * 1000ull) != r->passes)
				fail_msg("%s: at %u ms", tables[i].what, r->at_ms);
		}
	}
}

static void test_another_peer(void **state)
{
	(void)state;
	struct digit_gate g;
	const struct tev_report one = {TEV_END, '1', 100};
	digit_gate_reset(&g);
	assert_true(digit_gate_passes(&g, DIGIT_BY_EVENT, &one, 0));
	assert_false(digit_gate_passes(&g, DIGIT_BY_TONE, &one, 0));
	digit_gate_reset(&g);
	assert_true(digit_gate_passes(&g, DIGIT_BY_TONE, &one, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables), cmocka_unit_test(test_another_peer)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
