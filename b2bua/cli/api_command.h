/* b2bua/cli/api_command.h
 *
 * What the commands have in common that ask the API of a running watrunk: options become the request's JSON, answers
 * are told to people or printed as they are.
 */
#ifndef B2BUA_CLI_API_COMMAND_H
#define B2BUA_CLI_API_COMMAND_H

#include "b2bua/cli/cli.h"

#include <jansson.h>

enum api_option_kind {
	OPTION_TEXT,
	OPTION_NUMBER,    /* a whole number */
	OPTION_WORD,      /* takes no argument: sets the key to `value` */
	OPTION_HEADER,    /* "Name: value", into a list */
	OPTION_PARAMETER, /* into a list inside the object `key` */
	OPTION_INSIDE,    /* text, as `value` inside the object `key` */
};

struct api_option {
	const char *name, *key; /* --name; key of the request */
	enum api_option_kind kind;
	const char *value;
};

/* -c FILE and --json are taken by every command. */
struct api_command {
	const char *name; /* of the subcommand, for cli_usage() */
	const struct api_option *options;
	size_t option_count;
	int arguments_min, arguments_max; /* beside the options */
};

struct api_asked {
	const char *config_path;
	bool json;
	json_t *body; /* what the options said; owned, see api_asked_done() */
	char **arguments;
	int argument_count;
};

/* Returns EXIT_OK, or EXIT_USAGE after saying why. Call api_asked_done() in any case. */
int api_parse(const struct api_command *command, int argc, char **argv, struct api_asked *ret_asked);
void api_asked_done(struct api_asked *asked);
/* "to" for a telephone number, else "user_id". */
void api_set_user(json_t *body, const char *user);

/* Ask, and on success give the answer to `tell` (or print it, with --json). path: "/v1/...", escaped. A body goes along
 * with POST; with GET its members are the query. Returns an exit code, after saying what went wrong. */
int api_run(struct api_asked *asked, const char *method, const char *path, void (*tell)(const json_t *answer));
/* For a path: everything but unreserved characters is escaped. dst is always terminated. */
void api_escape(const char *text, char *dst, size_t cap);

/* Text of a member, "" when absent or null; a time as "2026-11-20 07:05:51", "-" when absent. */
const char *api_text(const json_t *object, const char *key);
const char *api_time(const json_t *object, const char *key, char dst[32]);

#endif
