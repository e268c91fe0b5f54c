/* b2bua/cli/cmd_live.c -- what is done to a live call: watrunk transfer, hold, resume, dtmf */
#include "b2bua/cli/api_command.h"

#include <stdio.h>

static const struct api_option transfer_options[] = {
	{"gateway", "gateway", OPTION_TEXT, NULL},
	{"user", "user", OPTION_TEXT, NULL},
	{"uri", "uri", OPTION_TEXT, NULL},
};
static const struct api_option dtmf_options[] = {
	{"to", "to", OPTION_TEXT, NULL},
};
static const struct api_command transfer_command = {
	"transfer ID (--gateway NAME [--user PART] | --uri URI)", transfer_options, 3, 1, 1};
static const struct api_command hold_command = {"hold ID", NULL, 0, 1, 1};
static const struct api_command resume_command = {"resume ID", NULL, 0, 1, 1};
static const struct api_command dtmf_command = {"dtmf ID DIGITS [--to sip|user]", dtmf_options, 1, 2, 2};

static void tell_transfer(const json_t *answer)
{
	printf("%s: the target is being rung\n", api_text(answer, "id"));
}

static void tell_hold(const json_t *answer)
{
	printf("%s %s\n", api_text(answer, "id"), json_is_true(json_object_get(answer, "on")) ? "on hold" : "resumed");
}

static void tell_dtmf(const json_t *answer)
{
	printf("%s: sending to %s\n", api_text(answer, "id"), api_text(answer, "to"));
}

static int run(struct api_asked *asked, const char *what, void (*tell)(const json_t *answer))
{
	char id[256], path[320];

	api_escape(asked->arguments[0], id, sizeof(id));
	snprintf(path, sizeof(path), "/v1/calls/%s/%s", id, what);
	return api_run(asked, "POST", path, tell);
}

int cmd_transfer(int argc, char **argv)
{
	struct api_asked asked;
	int r = api_parse(&transfer_command, argc, argv, &asked);

	if (r == EXIT_OK)
		r = run(&asked, "transfer", tell_transfer);
	api_asked_done(&asked);
	return r;
}

static int set_hold(const struct api_command *command, bool on, int argc, char **argv)
{
	struct api_asked asked;
	int r = api_parse(command, argc, argv, &asked);

	if (r == EXIT_OK) {
		json_object_set_new(asked.body, "on", json_boolean(on));
		r = run(&asked, "hold", tell_hold);
	}
	api_asked_done(&asked);
	return r;
}

int cmd_hold(int argc, char **argv)
{
	return set_hold(&hold_command, true, argc, argv);
}

int cmd_resume(int argc, char **argv)
{
	return set_hold(&resume_command, false, argc, argv);
}

int cmd_dtmf(int argc, char **argv)
{
	struct api_asked asked;
	int r = api_parse(&dtmf_command, argc, argv, &asked);

	if (r == EXIT_OK) {
		json_object_set_new(asked.body, "digits", json_string(asked.arguments[1]));
		if (!json_object_get(asked.body, "to"))
			json_object_set_new(asked.body, "to", json_string("sip"));
		r = run(&asked, "dtmf", tell_dtmf);
	}
	api_asked_done(&asked);
	return r;
}
