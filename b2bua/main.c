/* b2bua/main.c -- the watrunk binary */
#include "b2bua/cli/cli.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	const char *what = argc >= 2 ? argv[1] : "";

	if (strcmp(what, "--version") == 0) {
		printf("watrunk %s\n", WATRUNK_VERSION);
		return EXIT_OK;
	}
	if (strcmp(what, "help") == 0 && argc >= 3)
		return cli_help(argv[2]);
	if (strcmp(what, "--help") == 0 || strcmp(what, "-h") == 0 || strcmp(what, "help") == 0) {
		cli_help_all(stdout);
		return EXIT_OK;
	}
	if (argc >= 2)
		return cli_run(argc - 1, argv + 1);
	cli_help_all(stderr);
	return EXIT_USAGE;
}
