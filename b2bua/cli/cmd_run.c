/* b2bua/cli/cmd_run.c -- watrunk run -c FILE */
#include "b2bua/app/app.h"
#include "b2bua/cli/cli.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Three sockets a call: the shell's usual soft limit of 1024 would be reached at 330 calls. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* at worst it stays as it was, and calls are refused clearly */
	}
}

int cmd_run(int argc, char **argv)
{
	const char *path;
	struct config *config;
	struct app *app;
	char why[256] = "";
	int r = cli_options(argc, argv, &path, NULL);

	if (r != EXIT_OK)
		return r;
	raise_descriptor_limit();
	r = cli_load_config(path, &config);
	if (r != EXIT_OK)
		return r;
	/* First: starting ends the calls a previous run left behind, and says so. */
	if (log_start(STDERR_FILENO, config->log.level, config->log.format))
		fprintf(stderr, "watrunk: no log thread; log lines are written directly\n");
	if (app_new(config, &app, why, sizeof(why))) {
		log_stop();
		fprintf(stderr, "watrunk: cannot start: %s\n", why);
		config_free(config);
		return EXIT_START;
	}
	app_run(app);
	app_free(app);
	log_stop();
	return EXIT_OK;
}
