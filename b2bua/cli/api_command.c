/* b2bua/cli/api_command.c -- see api_command.h */
#include "b2bua/cli/api_command.h"

#include "lib/base/str.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OPTIONS_MAX = 24, PATH_MAX_BYTES = 4096, OPTION_FIRST = 256 };

/* ---- options ---- */

static json_t *member(json_t *body, const char *key, json_t *(*make)(void))
{
	json_t *value = json_object_get(body, key);

	if (!value) {
		json_object_set_new(body, key, make());
		value = json_object_get(body, key);
	}
	return value;
}

/* NULL, or what is wrong with it. */
static const char *take_header(json_t *body, const char *key, const char *text)
{
	const char *colon = strchr(text, ':'), *value = colon ? colon + 1 : "";
	json_t *header;

	if (!colon)
		return "must be \"Name: value\"";
	while (*value == ' ')
		value++;
	header = json_pack("{s:s%, s:s}", "name", text, (size_t)(colon - text), "value", value);
	return json_array_append_new(member(body, key, json_array), header) ? "must be UTF-8" : NULL;
}

static const char *take_option(json_t *body, const struct api_option *o, const char *text)
{
	uint64_t number;
	int r = 0;

	switch (o->kind) {
	case OPTION_TEXT: r = json_object_set_new(body, o->key, json_string(text)); break;
	case OPTION_WORD: r = json_object_set_new(body, o->key, json_string(o->value)); break;
	case OPTION_NUMBER:
		if (str_to_u64(text, 0, UINT32_MAX, &number))
			return "must be a whole number";
		r = json_object_set_new(body, o->key, json_integer((json_int_t)number));
		break;
	case OPTION_HEADER: return take_header(body, o->key, text);
	case OPTION_PARAMETER:
		r = json_array_append_new(
			member(member(body, o->key, json_object), "parameters", json_array), json_string(text));
		break;
	case OPTION_INSIDE:
		r = json_object_set_new(member(body, o->key, json_object), o->value, json_string(text));
		break;
	}
	return r ? "must be UTF-8" : NULL;
}

static void make_long_options(const struct api_command *command, struct option *options)
{
	size_t n = 0;

	options[n++] = (struct option){"config", required_argument, NULL, 'c'};
	options[n++] = (struct option){"json", no_argument, NULL, 'j'};
	for (size_t i = 0; i < command->option_count && n < OPTIONS_MAX - 1; i++) {
		int has = command->options[i].kind == OPTION_WORD ? no_argument : required_argument;
		options[n++] = (struct option){command->options[i].name, has, NULL, OPTION_FIRST + (int)i};
	}
	options[n] = (struct option){0};
}

static int parse_options(const struct api_command *command, int argc, char **argv, struct api_asked *asked)
{
	struct option options[OPTIONS_MAX];
	int opt;

	make_long_options(command, options);
	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		const struct api_option *o = opt >= OPTION_FIRST ? &command->options[opt - OPTION_FIRST] : NULL;
		const char *wrong;
		if (opt == 'c') {
			asked->config_path = optarg;
		} else if (opt == 'j') {
			asked->json = true;
		} else if (!o) {
			return EXIT_USAGE;
		} else if ((wrong = take_option(asked->body, o, optarg)) != NULL) {
			fprintf(stderr, "watrunk: --%s %s\n", o->name, wrong);
			return EXIT_USAGE;
		}
	}
	return EXIT_OK;
}

int api_parse(const struct api_command *command, int argc, char **argv, struct api_asked *ret_asked)
{
	int r;

	*ret_asked = (struct api_asked){.config_path = DEFAULT_CONFIG_PATH, .body = json_object()};
	if (!ret_asked->body)
		return EXIT_START;
	r = parse_options(command, argc, argv, ret_asked);
	if (r != EXIT_OK)
		return r;
	ret_asked->arguments = argv + optind;
	ret_asked->argument_count = argc - optind;
	if (ret_asked->argument_count < command->arguments_min || ret_asked->argument_count > command->arguments_max) {
		cli_usage(stderr, command->name);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

void api_asked_done(struct api_asked *asked)
{
	json_decref(asked->body);
	asked->body = NULL;
}

void api_set_user(json_t *body, const char *user)
{
	char number[24];

	json_object_set_new(body, str_e164(user, number, sizeof(number)) ? "user_id" : "to", json_string(user));
}

/* ---- asking ---- */

void api_escape(const char *text, char *dst, size_t cap)
{
	struct strbuf sb;

	strbuf_init(&sb, dst, cap);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (isalnum(c) || strchr("-._~", c))
			strbuf_put_n(&sb, text, 1);
		else
			strbuf_printf(&sb, "%%%02X", c);
	}
}

/* RFC 3986 s3.4: members of the body as a query. */
static void make_query(const json_t *body, struct strbuf *path)
{
	const char *key;
	json_t *value;
	char separator = '?';

	json_object_foreach((json_t *)(uintptr_t)body, key, value)
	{
		char text[1024], escaped[3072];
		if (json_is_integer(value))
			snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
		else
			str_copy(text, sizeof(text), json_string_value(value));
		api_escape(text, escaped, sizeof(escaped));
		strbuf_printf(path, "%c%s=%s", separator, key, escaped);
		separator = '&';
	}
}

static void tell_problem(unsigned status, const json_t *problem)
{
	json_int_t code = json_integer_value(json_object_get(problem, "meta_code"));
	const char *title = api_text(problem, "title"), *detail = api_text(problem, "detail");

	fprintf(stderr, "watrunk: %s", *title ? title : "the running watrunk refused");
	if (*detail && strcmp(detail, title) != 0)
		fprintf(stderr, ": %s", detail);
	if (code)
		fprintf(stderr, " (Meta's error %lld)", (long long)code);
	if (!*title)
		fprintf(stderr, " (HTTP %u)", status);
	fprintf(stderr, "\n");
}

static int tell_answer(const struct api_asked *asked, unsigned status, const char *body, void (*tell)(const json_t *))
{
	json_t *answer = json_loads(body, 0, NULL);
	bool done = status >= 200 && status < 300;

	if (asked->json)
		printf("%s\n", body);
	else if (done)
		tell(answer);
	if (!done)
		tell_problem(status, answer);
	json_decref(answer);
	return done ? EXIT_OK : status == 400 ? EXIT_USAGE : EXIT_FAILED;
}

int api_run(struct api_asked *asked, const char *method, const char *path, void (*tell)(const json_t *answer))
{
	char whole[PATH_MAX_BYTES], *body = NULL, *answer;
	struct config *config;
	struct strbuf sb;
	unsigned status;
	int r = cli_load_config(asked->config_path, &config);

	if (r != EXIT_OK)
		return r;
	strbuf_init(&sb, whole, sizeof(whole));
	strbuf_put(&sb, path);
	if (strcmp(method, "POST") == 0)
		body = json_dumps(asked->body, JSON_COMPACT);
	else
		make_query(asked->body, &sb);
	r = cli_admin_send(config, method, whole, body, &status, &answer);
	free(body);
	config_free(config);
	if (r != EXIT_OK)
		return r;
	r = tell_answer(asked, status, answer, tell);
	free(answer);
	return r;
}

/* ---- telling ---- */

const char *api_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

const char *api_time(const json_t *object, const char *key, char dst[32])
{
	time_t seconds = (time_t)(json_integer_value(json_object_get(object, key)) / 1000);
	struct tm tm;

	str_copy(dst, 32, "-");
	if (seconds > 0 && gmtime_r(&seconds, &tm))
		strftime(dst, 32, "%Y-%m-%d %H:%M:%S", &tm);
	return dst;
}
