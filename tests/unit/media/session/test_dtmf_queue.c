#include "media/dtmf_queue.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

/* "12" was added at 0. */
static const struct {
	unsigned at_ms;
	bool busy;
	char begins;
	int deadline_ms; /* after it; -1: none */
} steps[] = {
	{0, true, 0, -1}, /* a key that somebody holds */
	{80, true, 0, -1},
	{100, false, 0, 160}, /* released */
	{159, false, 0, 160},
	{160, false, '1', -1},
	{180, true, 0, -1},
	{260, false, 0, 320},
	{300, true, 0, -1}, /* somebody was quicker */
	{400, false, 0, 460},
	{500, false, '2', -1},
	{520, true, 0, -1},
	{600, false, 0, -1}, /* done */
	{900, false, 0, -1},
};

static void test_one_after_another(void **state)
{
	(void)state;
	struct dtmf_queue q = {0};
	assert_true(dtmf_queue_deadline(&q) == UINT64_MAX);
	dtmf_queue_add(&q, "1-2");
	assert_true(dtmf_queue_deadline(&q) == 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(dtmf_queue_step(&q, steps[i].busy, steps[i].at_ms * 1000), steps[i].begins);
		uint64_t deadline = steps[i].deadline_ms < 0 ? UINT64_MAX : (uint64_t)steps[i].deadline_ms * 1000;
		assert_true(dtmf_queue_deadline(&q) == deadline);
	}
}

static void test_full_and_dropped(void **state)
{
	(void)state;
	struct dtmf_queue q = {0};
	char many[DTMF_QUEUE_MAX + 10];
	memset(many, '7', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	dtmf_queue_add(&q, many);
	dtmf_queue_add(&q, "8");
	assert_int_equal(q.count, DTMF_QUEUE_MAX);
	assert_int_equal(q.digits[DTMF_QUEUE_MAX - 1], '7');
	dtmf_queue_drop(&q);
	dtmf_queue_add(&q, " ,;p\xff");
	assert_int_equal(q.count, 0);
	assert_int_equal(dtmf_queue_step(&q, false, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_after_another),
		cmocka_unit_test(test_full_and_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
