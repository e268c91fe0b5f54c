/* b2bua/cli/cmd_registrations.c -- watrunk registrations list|drop, watrunk bans list|lift */
#include "b2bua/cli/api_command.h"

#include <stdio.h>
#include <string.h>

static const struct api_option list_options[] = {
	{"user", "user", OPTION_TEXT, NULL},
};
static const struct api_command list_command = {"registrations", list_options, 1, 0, 0};
static const struct api_command drop_command = {"registrations", NULL, 0, 1, 1};
static const struct api_command bans_command = {"bans", NULL, 0, 0, 0};
static const struct api_command lift_command = {"bans", NULL, 0, 1, 1};

static int list(
	const struct api_command *command, const char *path, void (*tell)(const json_t *answer), int argc, char **argv)
{
	struct api_asked asked;
	int r = api_parse(command, argc, argv, &asked);

	if (r == EXIT_OK)
		r = api_run(&asked, "GET", path, tell);
	api_asked_done(&asked);
	return r;
}

static int remove_one(
	const struct api_command *command, const char *path, void (*tell)(const json_t *answer), int argc, char **argv)
{
	struct api_asked asked;
	char id[256], whole[320];
	int r = api_parse(command, argc, argv, &asked);

	if (r == EXIT_OK) {
		/* The prefix length of a network is not part of its name here: a path cannot carry its slash. */
		asked.arguments[0][strcspn(asked.arguments[0], "/")] = '\0';
		api_escape(asked.arguments[0], id, sizeof(id));
		snprintf(whole, sizeof(whole), "%s/%s", path, id);
		r = api_run(&asked, "DELETE", whole, tell);
	}
	api_asked_done(&asked);
	return r;
}

/* "list" may be left out: the first word is then an option, or nothing. */
static bool is_list(int argc, char **argv)
{
	return argc < 2 || argv[1][0] == '-' || strcmp(argv[1], "list") == 0;
}

/* ---- registrations ---- */

#define REGISTRATION_ROW "%-16s %-16s %-4s %-24s %-20s %s\n"

static void tell_registrations(const json_t *answer)
{
	const json_t *all = json_object_get(answer, "registrations"), *g;
	char expires[32];
	size_t i;

	printf(REGISTRATION_ROW, "ID", "USER", "OVER", "FROM", "UNTIL (UTC)", "CONTACT");
	json_array_foreach(all, i, g)
	{
		printf(REGISTRATION_ROW, api_text(g, "id"), api_text(g, "user"), api_text(g, "transport"),
			api_text(g, "source"), api_time(g, "expires_ms", expires), api_text(g, "contact"));
	}
	printf("%zu registered\n", json_array_size(all));
}

static void tell_dropped(const json_t *answer)
{
	printf("%s removed\n", api_text(answer, "id"));
}

int cmd_registrations(int argc, char **argv)
{
	int skip = argc >= 2 && strcmp(argv[1], "list") == 0;

	if (is_list(argc, argv))
		return list(&list_command, "/v1/registrations", tell_registrations, argc - skip, argv + skip);
	if (strcmp(argv[1], "drop") == 0)
		return remove_one(&drop_command, "/v1/registrations", tell_dropped, argc - 1, argv + 1);
	cli_usage(stderr, "registrations");
	return EXIT_USAGE;
}

/* ---- bans ---- */

static void tell_bans(const json_t *answer)
{
	const json_t *all = json_object_get(answer, "bans"), *b;
	size_t i;

	printf("%-44s %-12s %8s %10s\n", "SOURCE", "WHY", "LEFT (s)", "DROPPED");
	json_array_foreach(all, i, b)
	{
		printf("%-44s %-12s %8lld %10lld\n", api_text(b, "source"), api_text(b, "reason"),
			(long long)json_integer_value(json_object_get(b, "left_s")),
			(long long)json_integer_value(json_object_get(b, "dropped")));
	}
	printf("%zu banned\n", json_array_size(all));
}

static void tell_lifted(const json_t *answer)
{
	printf("%s may ask again\n", api_text(answer, "source"));
}

int cmd_bans(int argc, char **argv)
{
	int skip = argc >= 2 && strcmp(argv[1], "list") == 0;

	if (is_list(argc, argv))
		return list(&bans_command, "/v1/bans", tell_bans, argc - skip, argv + skip);
	if (strcmp(argv[1], "lift") == 0)
		return remove_one(&lift_command, "/v1/bans", tell_lifted, argc - 1, argv + 1);
	cli_usage(stderr, "bans");
	return EXIT_USAGE;
}
