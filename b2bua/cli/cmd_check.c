/* b2bua/cli/cmd_check.c -- watrunk check -c FILE [--json] */
#include "b2bua/cli/cli.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static int check_json(const char *path)
{
	struct conf_errors errors = {0};
	struct config *config = NULL;
	int r = config_load(path, &config, &errors);
	json_t *list = json_array(), *top;

	for (size_t i = 0; i < errors.count; i++)
		json_array_append_new(list, json_string(errors.text[i]));
	top = json_pack("{s:b, s:s, s:o}", "ok", r == 0, "file", path, "errors", list);
	if (top)
		json_dumpf(top, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(top);
	conf_errors_done(&errors);
	config_free(config);
	return r == 0 ? EXIT_OK : r == -ENOMEM ? EXIT_START : EXIT_USAGE;
}

int cmd_check(int argc, char **argv)
{
	const char *path;
	struct config *config;
	bool json = false;
	int r = cli_options(argc, argv, &path, &json);

	if (r != EXIT_OK)
		return r;
	if (json)
		return check_json(path);
	r = cli_load_config(path, &config);
	if (r != EXIT_OK)
		return r;
	printf("%s: OK: %zu numbers, %zu gateways, %zu dialplan rules\n", path, config->number_count,
		config->gateway_count, dialplan_rule_count(config->dialplan));
	config_free(config);
	return EXIT_OK;
}
