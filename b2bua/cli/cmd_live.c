/* b2bua/cli/cmd_live.c -- what is done to a live call: watrunk transfer, hold, resume, mute, unmute, dtmf, recording,
 * fork, hangup */
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
static const struct api_option mute_options[] = {
	{"side", "side", OPTION_TEXT, NULL},
};
static const struct api_option fork_options[] = {
	{"to", "to", OPTION_TEXT, NULL},
	{"directions", "directions", OPTION_TEXT, NULL},
	{"format", "format", OPTION_TEXT, NULL},
};
static const struct api_command transfer_command = {"transfer", transfer_options, 3, 1, 1};
static const struct api_command hold_command = {"hold", NULL, 0, 1, 1};
static const struct api_command resume_command = {"resume", NULL, 0, 1, 1};
static const struct api_command mute_command = {"mute", mute_options, 1, 1, 1};
static const struct api_command unmute_command = {"unmute", mute_options, 1, 1, 1};
static const struct api_command dtmf_command = {"dtmf", dtmf_options, 1, 2, 2};
static const struct api_command recording_command = {"recording", NULL, 0, 2, 2};
static const struct api_command fork_command = {"fork", fork_options, 3, 2, 2};
static const struct api_command hangup_command = {"hangup", NULL, 0, 1, 1};

static void tell_transfer(const json_t *answer)
{
	printf("%s: the target is being rung\n", api_text(answer, "id"));
}

static void tell_hold(const json_t *answer)
{
	printf("%s %s\n", api_text(answer, "id"), json_is_true(json_object_get(answer, "on")) ? "on hold" : "resumed");
}

static void tell_mute(const json_t *answer)
{
	printf("%s: %s %s\n", api_text(answer, "id"), api_text(answer, "side"),
		json_is_true(json_object_get(answer, "on")) ? "muted" : "heard again");
}

static void tell_action(const json_t *answer)
{
	printf("%s: %s\n", api_text(answer, "id"), api_text(answer, "action"));
}

static void tell_hangup(const json_t *answer)
{
	printf("%s ended\n", api_text(answer, "id"));
}

static void tell_dtmf(const json_t *answer)
{
	printf("%s: sending to %s\n", api_text(answer, "id"), api_text(answer, "to"));
}

static int run(struct api_asked *asked, const char *what, void (*tell)(const json_t *answer))
{
	char id[256], path[320];

	if (!*asked->arguments[0]) { /* the path would be another one */
		fprintf(stderr, "watrunk: the id of the call is empty; `watrunk calls` lists them\n");
		return EXIT_USAGE;
	}
	api_escape(asked->arguments[0], id, sizeof(id));
	snprintf(path, sizeof(path), "/v1/calls/%s/%s", id, what);
	return api_run(asked, "POST", path, tell);
}

/* A command whose options are the whole request. */
static int plainly(const struct api_command *command, void (*tell)(const json_t *answer), int argc, char **argv)
{
	struct api_asked asked;
	int r = api_parse(command, argc, argv, &asked);

	if (r == EXIT_OK)
		r = run(&asked, command->name, tell);
	api_asked_done(&asked);
	return r;
}

int cmd_transfer(int argc, char **argv)
{
	return plainly(&transfer_command, tell_transfer, argc, argv);
}

int cmd_hangup(int argc, char **argv)
{
	return plainly(&hangup_command, tell_hangup, argc, argv);
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

static int set_mute(const struct api_command *command, bool on, int argc, char **argv)
{
	struct api_asked asked;
	int r = api_parse(command, argc, argv, &asked);

	if (r == EXIT_OK) {
		json_object_set_new(asked.body, "on", json_boolean(on));
		if (!json_object_get(asked.body, "side"))
			json_object_set_new(asked.body, "side", json_string("sip"));
		r = run(&asked, "mute", tell_mute);
	}
	api_asked_done(&asked);
	return r;
}

int cmd_mute(int argc, char **argv)
{
	return set_mute(&mute_command, true, argc, argv);
}

int cmd_unmute(int argc, char **argv)
{
	return set_mute(&unmute_command, false, argc, argv);
}

/* ID and what shall be done: start, stop ... */
static int act(const struct api_command *command, int argc, char **argv)
{
	struct api_asked asked;
	int r = api_parse(command, argc, argv, &asked);

	if (r == EXIT_OK) {
		json_object_set_new(asked.body, "action", json_string(asked.arguments[1]));
		r = run(&asked, command->name, tell_action);
	}
	api_asked_done(&asked);
	return r;
}

int cmd_recording(int argc, char **argv)
{
	return act(&recording_command, argc, argv);
}

int cmd_fork(int argc, char **argv)
{
	return act(&fork_command, argc, argv);
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
