/* b2bua/cli/cli.h
 *
 * The subcommands of the watrunk binary. Each takes what follows its name on the command line and returns the process's
 * exit code.
 */
#ifndef B2BUA_CLI_CLI_H
#define B2BUA_CLI_CLI_H

#include "b2bua/app/config.h"

#include <stdbool.h>
#include <stdio.h>

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* asked for something that could not be done: no such call, nothing running */
	EXIT_USAGE = 2,  /* command line or configuration is wrong; running calls are untouched */
	EXIT_START = 3,  /* configuration is right, but an address, a file or memory could not be had */
};

#define DEFAULT_CONFIG_PATH "/etc/watrunk/watrunk.yaml"

/* argv[0]: the subcommand's name. Runs it, or explains it when the first or the last argument is --help. */
int cli_run(int argc, char **argv);
/* "usage: watrunk NAME ...", for a command line that is wrong. */
void cli_usage(FILE *to, const char *name);
/* What `watrunk NAME --help` says, on stdout. EXIT_USAGE: there is no such command. */
int cli_help(const char *name);
void cli_help_all(FILE *to);

int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_route_test(int argc, char **argv);
int cmd_calls(int argc, char **argv);
int cmd_hangup(int argc, char **argv);
int cmd_call(int argc, char **argv);
int cmd_transfer(int argc, char **argv);
int cmd_hold(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_dtmf(int argc, char **argv);
int cmd_mute(int argc, char **argv);
int cmd_unmute(int argc, char **argv);
int cmd_recording(int argc, char **argv);
int cmd_fork(int argc, char **argv);
int cmd_permissions(int argc, char **argv);
int cmd_parked(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_presets(int argc, char **argv);
int cmd_registrations(int argc, char **argv);
int cmd_bans(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_gateways(int argc, char **argv);

/* The options of a command that has none of its own: -c FILE, and --json unless ret_json is NULL. Returns EXIT_OK, or
 * EXIT_USAGE after saying why. */
int cli_options(int argc, char **argv, const char **ret_path, bool *ret_json);
/* After getopt: a command that takes no further argument got none. Otherwise says so on stderr: `check FILE` without -c
 * would look at the default file. */
bool cli_no_more_arguments(int argc, char **argv);

/* Load the file or say on stderr what is wrong with it, every fault on a line of its own. Returns EXIT_OK or the code
 * to exit with. */
int cli_load_config(const char *path, struct config **ret_config);

/* One request to the running watrunk's admin interface. *ret_body is malloc'd. Returns EXIT_OK, or EXIT_FAILED after
 * saying why on stderr. */
int cli_admin_request(
	const struct config *config, const char *method, const char *path, unsigned *ret_status, char **ret_body);
/* The same with a JSON body; NULL: none. */
int cli_admin_send(const struct config *config, const char *method, const char *path, const char *body,
	unsigned *ret_status, char **ret_body);

#endif
