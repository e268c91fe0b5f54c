/* tests/unit/permission/test_random.h */
#ifndef TESTS_UNIT_PERMISSION_TEST_RANDOM_H
#define TESTS_UNIT_PERMISSION_TEST_RANDOM_H

/* Any order of events: what must always hold. */
void random_histories_keep_the_rules(void **state);

#endif
