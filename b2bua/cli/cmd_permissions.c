/* b2bua/cli/cmd_permissions.c -- watrunk permissions list|get|request, watrunk parked list|cancel */
#include "b2bua/cli/api_command.h"

#include <stdio.h>
#include <string.h>

static const struct api_option list_options[] = {
	{"number", "number", OPTION_TEXT, NULL},
	{"user", "user", OPTION_TEXT, NULL},
	{"status", "status", OPTION_TEXT, NULL},
	{"limit", "limit", OPTION_NUMBER, NULL},
	{"cursor", "cursor", OPTION_TEXT, NULL},
};
static const struct api_option get_options[] = {
	{"number", "number", OPTION_TEXT, NULL},
	{"refresh", "refresh", OPTION_WORD, "true"},
};
static const struct api_option request_options[] = {
	{"number", "number", OPTION_TEXT, NULL},
	{"text", "text", OPTION_TEXT, NULL},
	{"template", "template", OPTION_INSIDE, "name"},
	{"language", "template", OPTION_INSIDE, "language"},
	{"parameter", "template", OPTION_PARAMETER, NULL},
};
static const struct api_option parked_options[] = {
	{"number", "number", OPTION_TEXT, NULL},
	{"user", "user", OPTION_TEXT, NULL},
};
static const struct api_command list_command = {"permissions", list_options, 5, 0, 0};
static const struct api_command get_command = {"permissions", get_options, 2, 1, 1};
static const struct api_command request_command = {"permissions", request_options, 5, 1, 1};
static const struct api_command parked_command = {"parked", parked_options, 2, 0, 0};
static const struct api_command cancel_command = {"parked", NULL, 0, 1, 1};

/* ---- permissions ---- */

#define PERMISSION_ROW "%-18s %-16s %-10s %-20s %-8s %s\n"

static void tell_row(const json_t *p)
{
	char expires[32];

	printf(PERMISSION_ROW, api_text(p, "user"), api_text(p, "number"), api_text(p, "status"),
		api_time(p, "expires_ms", expires), json_is_true(json_object_get(p, "request_pending")) ? "asked" : "",
		api_text(p, "source"));
}

static void tell_permission(const json_t *p)
{
	printf(PERMISSION_ROW, "USER", "NUMBER", "STATUS", "EXPIRES (UTC)", "", "SOURCE");
	tell_row(p);
}

static void tell_permissions(const json_t *answer)
{
	const json_t *list = json_object_get(answer, "permissions"), *p;
	const char *next = api_text(answer, "next");
	size_t i;

	printf(PERMISSION_ROW, "USER", "NUMBER", "STATUS", "EXPIRES (UTC)", "", "SOURCE");
	json_array_foreach(list, i, p)
	{
		tell_row(p);
	}
	if (*next)
		printf("more: --cursor %s\n", next);
}

static int one_user(const struct api_command *command, const char *method, const char *format, int argc, char **argv)
{
	struct api_asked asked;
	char user[256], path[320];
	int r = api_parse(command, argc, argv, &asked);

	if (r == EXIT_OK) {
		api_escape(asked.arguments[0], user, sizeof(user));
		snprintf(path, sizeof(path), "/v1/permissions/%s%s", user, format);
		r = api_run(&asked, method, path, tell_permission);
	}
	api_asked_done(&asked);
	return r;
}

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

int cmd_permissions(int argc, char **argv)
{
	const char *what = argc >= 2 ? argv[1] : "";

	if (strcmp(what, "list") == 0)
		return list(&list_command, "/v1/permissions", tell_permissions, argc - 1, argv + 1);
	if (strcmp(what, "get") == 0)
		return one_user(&get_command, "GET", "", argc - 1, argv + 1);
	if (strcmp(what, "request") == 0)
		return one_user(&request_command, "POST", "/request", argc - 1, argv + 1);
	cli_usage(stderr, "permissions");
	return EXIT_USAGE;
}

/* ---- parked dials ---- */

static void tell_parked(const json_t *answer)
{
	const json_t *parked = json_object_get(answer, "parked"), *p;
	char created[32], expires[32];
	size_t i;

	printf("%-16s %-18s %-16s %-12s %-20s %s\n", "ID", "USER", "NUMBER", "GATEWAY", "SINCE (UTC)", "UNTIL");
	json_array_foreach(parked, i, p)
	{
		printf("%-16s %-18s %-16s %-12s %-20s %s\n", api_text(p, "id"), api_text(p, "user"),
			api_text(p, "number"), api_text(p, "gateway"), api_time(p, "created_ms", created),
			api_time(p, "expires_ms", expires));
	}
	printf("%zu parked\n", json_array_size(parked));
}

static void tell_cancelled(const json_t *answer)
{
	printf("%s cancelled\n", api_text(answer, "id"));
}

static int cancel(int argc, char **argv)
{
	struct api_asked asked;
	char id[256], path[320];
	int r = api_parse(&cancel_command, argc, argv, &asked);

	if (r == EXIT_OK) {
		api_escape(asked.arguments[0], id, sizeof(id));
		snprintf(path, sizeof(path), "/v1/parked/%s", id);
		r = api_run(&asked, "DELETE", path, tell_cancelled);
	}
	api_asked_done(&asked);
	return r;
}

int cmd_parked(int argc, char **argv)
{
	const char *what = argc >= 2 ? argv[1] : "";

	if (strcmp(what, "list") == 0)
		return list(&parked_command, "/v1/parked", tell_parked, argc - 1, argv + 1);
	if (strcmp(what, "cancel") == 0)
		return cancel(argc - 1, argv + 1);
	cli_usage(stderr, "parked");
	return EXIT_USAGE;
}
