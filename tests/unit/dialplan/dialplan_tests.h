/* tests/unit/dialplan/dialplan_tests.h
 *
 * The groups of tests of dialplan, and what they share.
 */
#ifndef TESTS_UNIT_DIALPLAN_DIALPLAN_TESTS_H
#define TESTS_UNIT_DIALPLAN_DIALPLAN_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dialplan/dialplan_conf.h"

int dialplan_tests_route(void);
int dialplan_tests_build(void);
int dialplan_tests_hours(void);
int dialplan_tests_template(void);
int dialplan_tests_pattern(void);
int dialplan_tests_memory(void);
int dialplan_tests_fold(void);
int dialplan_tests_directions(void);
int dialplan_tests_answer(void);
int dialplan_tests_tenants(void);

/* A configuration file that holds nothing but a dialplan. */
struct table_yaml {
	struct dialplan_rule_conf *dialplan;
	unsigned dialplan_count;
};
extern const cyaml_schema_value_t table_schema;
/* Knows the gateways "pbx" and "backup", the causes "closed" and "not_allowed", and the number +12025550123. */
extern const struct dialplan_names table_names;

/* Build from YAML text: the value of "dialplan:". Returns what dialplan_build() does. */
int table_build(const char *yaml, struct conf_errors *errors, struct dialplan **ret_dp);
int table_build_with(
	const char *yaml, const struct dialplan_names *names, struct conf_errors *errors, struct dialplan **ret_dp);
/* The same, and it must succeed. */
struct dialplan *table(const char *yaml);

/* Milliseconds since 1970 of a UTC date and time. */
uint64_t utc_ms(int year, int month, int day, int hour, int minute);

#endif
