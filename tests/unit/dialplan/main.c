#include "tests/unit/dialplan/dialplan_tests.h"

int main(void)
{
	return dialplan_tests_hours() + dialplan_tests_template() + dialplan_tests_pattern() + dialplan_tests_build() +
	       dialplan_tests_route() + dialplan_tests_memory() + dialplan_tests_fold() + dialplan_tests_directions() +
	       dialplan_tests_answer() + dialplan_tests_tenants();
}
