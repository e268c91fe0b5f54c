/* b2bua/cli/cmd_gateways.c -- watrunk gateways [-c FILE] [--json] */
#include "b2bua/cli/api_command.h"

#include <stdio.h>

static const struct api_command command = {"gateways", NULL, 0, 0, 0};

static const char *registration(const json_t *g)
{
	const json_t *registered = json_object_get(g, "registered");

	return json_is_null(registered) ? "-" : json_is_true(registered) ? "registered" : "refused";
}

/* What went wrong with the connection, below the gateway's line. */
static void tell_error(const json_t *g, const char *request, const char *key)
{
	if (json_is_string(json_object_get(g, key)))
		printf("%-16s %s: %s\n", "", request, json_string_value(json_object_get(g, key)));
}

static void tell(const json_t *answer)
{
	const json_t *all = json_object_get(answer, "gateways"), *g;
	char since[32], asked[32];
	size_t i;

	printf("%-16s %-10s %-20s %-20s %6s %-11s %6s %s\n", "NAME", "STATE", "DOWN SINCE (UTC)", "OPTIONS (UTC)",
		"ANSWER", "REGISTERED", "CALLS", "URI");
	json_array_foreach(all, i, g)
	{
		printf("%-16s %-10s %-20s %-20s %6lld %-11s %6lld %s\n", api_text(g, "name"), api_text(g, "state"),
			api_time(g, "down_since_ms", since), api_time(g, "options_ms", asked),
			(long long)json_integer_value(json_object_get(g, "options_code")), registration(g),
			(long long)json_integer_value(json_object_get(g, "calls")), api_text(g, "uri"));
		tell_error(g, "OPTIONS", "options_error");
		tell_error(g, "REGISTER", "register_error");
	}
}

int cmd_gateways(int argc, char **argv)
{
	struct api_asked asked;
	int r = api_parse(&command, argc, argv, &asked);

	if (r == EXIT_OK)
		r = api_run(&asked, "GET", "/v1/gateways", tell);
	api_asked_done(&asked);
	return r;
}
