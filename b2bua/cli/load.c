/* b2bua/cli/load.c -- configuration for a command, with its faults told to a person */
#include "b2bua/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int cli_load_config(const char *path, struct config **ret_config)
{
	struct conf_errors errors = {0};
	int r = config_load(path, ret_config, &errors);

	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "%s\n", errors.text[i]);
	if (errors.dropped)
		fprintf(stderr, "... and %zu more\n", errors.dropped);
	if (r && !errors.count)
		fprintf(stderr, "%s: %s\n", path, strerror(-r));
	conf_errors_done(&errors);
	return r == 0 ? EXIT_OK : r == -ENOMEM ? EXIT_START : EXIT_USAGE;
}
