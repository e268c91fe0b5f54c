/* b2bua/cli/cmd_presets.c -- watrunk presets [NAME] [--json] */
#include "b2bua/cli/cli.h"

#include "b2bua/app/preset.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>

enum { SUMMARY_MAX = 200 };

static void list_json(void)
{
	json_t *list = json_array();
	char summary[SUMMARY_MAX];

	for (size_t i = 0; i < preset_text_count; i++) {
		preset_summary(&preset_texts[i], summary, sizeof(summary));
		json_array_append_new(list, json_pack("{s:s, s:s}", "name", preset_texts[i].name, "summary", summary));
	}
	json_dumpf(list, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(list);
}

static void list_words(void)
{
	char summary[SUMMARY_MAX];

	for (size_t i = 0; i < preset_text_count; i++) {
		preset_summary(&preset_texts[i], summary, sizeof(summary));
		printf("%-18s %s\n", preset_texts[i].name, summary);
	}
}

static int show(const char *name, bool json)
{
	const struct preset_text *preset = preset_find(name);
	json_t *top;

	if (!preset) {
		fprintf(stderr, "watrunk: there is no preset \"%s\"; `watrunk presets` lists them\n", name);
		return EXIT_FAILED;
	}
	if (!json) {
		fwrite(preset->text, 1, preset->length, stdout);
		return EXIT_OK;
	}
	top = json_pack("{s:s, s:s}", "name", preset->name, "yaml", preset->text);
	if (top)
		json_dumpf(top, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(top);
	return EXIT_OK;
}

int cmd_presets(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
	const char *name = NULL;
	bool json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (optind < argc)
		name = argv[optind++];
	if (!cli_no_more_arguments(argc, argv))
		return EXIT_USAGE;
	if (name)
		return show(name, json);
	if (json)
		list_json();
	else
		list_words();
	return EXIT_OK;
}
