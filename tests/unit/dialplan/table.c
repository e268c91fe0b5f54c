/* A dialplan out of a few lines of YAML. */
#include "tests/unit/dialplan/dialplan_tests.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const cyaml_schema_field_t table_fields[] = {
	CYAML_FIELD_SEQUENCE(
		"dialplan", CYAML_FLAG_POINTER, struct table_yaml, dialplan, &dialplan_rule_schema, 0, CYAML_UNLIMITED),
	CYAML_FIELD_END,
};
const cyaml_schema_value_t table_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct table_yaml, table_fields)};

static bool known_gateway(const char *name, void *arg)
{
	(void)arg;
	return strcmp(name, "pbx") == 0 || strcmp(name, "backup") == 0;
}

static bool known_cause(const char *name, void *arg)
{
	(void)arg;
	return strcmp(name, "closed") == 0 || strcmp(name, "not_allowed") == 0;
}

static bool known_number(const char *e164, void *arg)
{
	(void)arg;
	return strcmp(e164, "+12025550123") == 0;
}

const struct dialplan_names table_names = {
	.known_gateway = known_gateway, .known_cause = known_cause, .known_number = known_number};

int table_build_with(
	const char *yaml, const struct dialplan_names *names, struct conf_errors *errors, struct dialplan **ret_dp)
{
	static char text[64 * 1024];
	struct conf_file *file = NULL;
	struct table_yaml *data = NULL;
	int length = snprintf(text, sizeof(text), "dialplan:\n%s", yaml);
	int r = conf_load_text("test.yaml", text, (size_t)length, &table_schema, &file, (void **)&data, errors);

	if (r == 0)
		r = dialplan_build(data->dialplan, data->dialplan_count, names, file, errors, ret_dp);
	conf_data_free(&table_schema, data);
	conf_file_free(file);
	return r;
}

int table_build(const char *yaml, struct conf_errors *errors, struct dialplan **ret_dp)
{
	return table_build_with(yaml, &table_names, errors, ret_dp);
}

struct dialplan *table(const char *yaml)
{
	struct conf_errors errors = {0};
	struct dialplan *dp = NULL;
	if (table_build(yaml, &errors, &dp) < 0)
		fail_msg("%s", errors.count ? errors.text[0] : "no error text");
	assert_int_equal(errors.count, 0);
	conf_errors_done(&errors);
	return dp;
}

uint64_t utc_ms(int year, int month, int day, int hour, int minute)
{
	struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute};
	return (uint64_t)timegm(&tm) * 1000;
}
