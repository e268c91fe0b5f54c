/* b2bua/cli/cmd_hangup.c -- watrunk hangup ID [-c FILE] */
#include "b2bua/cli/cli.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static bool looks_like_id(const char *text)
{
	if (!*text)
		return false;
	for (const char *p = text; *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-')
			return false;
	}
	return true;
}

static int hang_up(const struct config *config, const char *id)
{
	char path[160];
	unsigned status;
	char *body;
	int r;

	snprintf(path, sizeof(path), "/v1/calls/%.100s/hangup", id);
	r = cli_admin_request(config, "POST", path, &status, &body);
	if (r != EXIT_OK)
		return r;
	free(body);
	if (status == 200) {
		printf("%s ended\n", id);
		return EXIT_OK;
	}
	fprintf(stderr, "watrunk: no live call %s (`watrunk calls` lists them)\n", id);
	return EXIT_FAILED;
}

int cmd_hangup(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'}, {0}};
	const char *path = DEFAULT_CONFIG_PATH;
	struct config *config;
	int opt, r;

	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (opt != 'c')
			return EXIT_USAGE;
		path = optarg;
	}
	if (optind != argc - 1 || !looks_like_id(argv[optind])) {
		fprintf(stderr, "watrunk: hangup needs one call id, such as c-7f3a9c2145e0\n");
		return EXIT_USAGE;
	}
	r = cli_load_config(path, &config);
	if (r != EXIT_OK)
		return r;
	r = hang_up(config, argv[optind]);
	config_free(config);
	return r;
}
