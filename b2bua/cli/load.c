/* b2bua/cli/load.c -- command line and configuration of a command, with their faults told to a person */
#include "b2bua/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

bool cli_no_more_arguments(int argc, char **argv)
{
	if (optind == argc)
		return true;
	fprintf(stderr, "watrunk: %s: \"%s\" is one argument too many; the configuration is given as -c FILE\n",
		argv[0], argv[optind]);
	return false;
}

int cli_options(int argc, char **argv, const char **ret_path, bool *ret_json)
{
	const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {ret_json ? "json" : NULL, no_argument, NULL, 'j'}, {0}};
	int opt;

	*ret_path = DEFAULT_CONFIG_PATH;
	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (opt == 'c')
			*ret_path = optarg;
		else if (opt == 'j' && ret_json)
			*ret_json = true;
		else
			return EXIT_USAGE;
	}
	return cli_no_more_arguments(argc, argv) ? EXIT_OK : EXIT_USAGE;
}

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
