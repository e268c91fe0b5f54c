/* tests/unit/admin/test_api_bodies.h -- what bodies are understood, what is refused; run by test_api.c */
#ifndef TESTS_UNIT_ADMIN_TEST_API_BODIES_H
#define TESTS_UNIT_ADMIN_TEST_API_BODIES_H

void test_bodies_reach_the_shell(void **state);
void test_bad_bodies_name_the_key(void **state);

#endif
