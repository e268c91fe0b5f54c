/* b2bua/cli/cmd_reload.c -- watrunk reload [-c FILE] */
#include "b2bua/cli/api_command.h"

#include <stdio.h>

static void tell(const json_t *answer)
{
	const json_t *keys = json_object_get(answer, "needs_restart");

	printf("reloaded\n");
	for (size_t i = 0; i < json_array_size(keys); i++)
		printf("  %s: changed, but stays as it was until a restart\n",
			json_string_value(json_array_get(keys, i)));
}

int cmd_reload(int argc, char **argv)
{
	static const struct api_command command = {.name = "reload"};
	struct api_asked asked;
	int r = api_parse(&command, argc, argv, &asked);

	if (r == EXIT_OK)
		r = api_run(&asked, "POST", "/v1/reload", tell);
	api_asked_done(&asked);
	return r;
}
