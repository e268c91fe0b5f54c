/* b2bua/cli/cmd_call.c -- watrunk call: dial a WhatsApp user, join him with a SIP side */
#include "b2bua/cli/api_command.h"

#include <stdio.h>

static const struct api_option options[] = {
	{"gateway", "gateway", OPTION_TEXT, NULL},
	{"user", "user", OPTION_TEXT, NULL},
	{"uri", "uri", OPTION_TEXT, NULL},
	{"number", "number", OPTION_TEXT, NULL},
	{"user-first", "order", OPTION_WORD, "user_first"},
	{"ring", "ring_s", OPTION_NUMBER, NULL},
	{"agent-ring", "agent_ring_s", OPTION_NUMBER, NULL},
	{"caller-id", "caller_id", OPTION_TEXT, NULL},
	{"display-name", "display_name", OPTION_TEXT, NULL},
	{"payload", "payload", OPTION_TEXT, NULL},
	{"header", "headers", OPTION_HEADER, NULL},
	{"request", "on_no_permission", OPTION_WORD, "request"},
	{"park", "park_s", OPTION_NUMBER, NULL},
	{"text", "request_text", OPTION_TEXT, NULL},
	{"template", "request_template", OPTION_INSIDE, "name"},
	{"language", "request_template", OPTION_INSIDE, "language"},
	{"parameter", "request_template", OPTION_PARAMETER, NULL},
};
static const struct api_command command = {"call", options, sizeof(options) / sizeof(options[0]), 1, 1};

static void tell(const json_t *answer)
{
	char until[32];

	printf("%s %s", api_text(answer, "id"), api_text(answer, "state"));
	if (json_object_get(answer, "expires_ms"))
		printf(" until %s UTC", api_time(answer, "expires_ms", until));
	printf("\n");
}

int cmd_call(int argc, char **argv)
{
	struct api_asked asked;
	int r = api_parse(&command, argc, argv, &asked);

	if (r == EXIT_OK) {
		api_set_user(asked.body, asked.arguments[0]);
		r = api_run(&asked, "POST", "/v1/calls", tell);
	}
	api_asked_done(&asked);
	return r;
}
