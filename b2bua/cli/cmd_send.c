/* b2bua/cli/cmd_send.c -- watrunk send: a text, a call button or a template to a user */
#include "b2bua/cli/api_command.h"

#include <stdio.h>

static const struct api_option options[] = {
	{"number", "number", OPTION_TEXT, NULL},
	{"text", "text", OPTION_TEXT, NULL},
	{"button", "button_text", OPTION_TEXT, NULL},
	{"payload", "payload", OPTION_TEXT, NULL},
	{"ttl", "ttl_minutes", OPTION_NUMBER, NULL},
	{"template", "template", OPTION_INSIDE, "name"},
	{"language", "template", OPTION_INSIDE, "language"},
	{"parameter", "template", OPTION_PARAMETER, NULL},
};
static const struct api_command command = {"send", options, sizeof(options) / sizeof(options[0]), 1, 1};

static void tell(const json_t *answer)
{
	printf("sent: %s\n", api_text(answer, "wamid"));
}

int cmd_send(int argc, char **argv)
{
	struct api_asked asked;
	int r = api_parse(&command, argc, argv, &asked);

	if (r == EXIT_OK) {
		const char *type = json_object_get(asked.body, "template")      ? "template"
				   : json_object_get(asked.body, "button_text") ? "call_button"
										: "text";
		json_object_set_new(asked.body, "type", json_string(type));
		api_set_user(asked.body, asked.arguments[0]);
		r = api_run(&asked, "POST", "/v1/messages", tell);
	}
	api_asked_done(&asked);
	return r;
}
