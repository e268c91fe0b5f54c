/* b2bua/cli/cmd_doctor.c
 *
 * watrunk doctor [-c FILE] [--json]: will it work? Exit code 1 when something failed. What each check means is in
 * docs/operations.md.
 */
#include "b2bua/cli/cli.h"
#include "b2bua/cli/doctor.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdicts[] = {[DOCTOR_OK] = "ok", [DOCTOR_WARNING] = "warning", [DOCTOR_FAILED] = "failed"};

/* A file with faults: nothing else can be looked at. */
static struct config *load(struct doctor *d, const char *path)
{
	struct conf_errors errors = {0};
	struct config *config = NULL;
	int r = config_load(path, &config, &errors);

	for (size_t i = 0; i < errors.count; i++)
		doctor_find(d, DOCTOR_FAILED, "configuration", path, "Correct it; etc/watrunk.yaml explains every key.",
			"%.380s", errors.text[i]);
	if (r && !errors.count)
		doctor_find(d, DOCTOR_FAILED, "configuration", path, "Can it be read?", "%s", strerror(-r));
	if (r == 0)
		doctor_find(d, DOCTOR_OK, "configuration", path, "", "%zu numbers, %zu gateways, %zu rules",
			config->number_count, config->gateway_count, dialplan_rule_count(config->dialplan));
	conf_errors_done(&errors);
	return config;
}

static void examine(struct doctor *d)
{
	struct doctor_gateways *gateways = doctor_gateways_begin(d);
	bool running;

	doctor_check_machine(d);
	doctor_check_graph(d, &running);
	doctor_check_ports(d, running);
	doctor_gateways_end(gateways);
	doctor_find(d, DOCTOR_OK, "watrunk", "", "", running ? "runs" : "does not run");
}

/* Worst first; among the same, check by check. */
static int by_verdict(const void *a, const void *b)
{
	const struct doctor_finding *x = a, *y = b;
	int order = (int)y->verdict - (int)x->verdict;

	if (order == 0)
		order = strcmp(x->check, y->check);
	return order ? order : strcmp(x->subject, y->subject);
}

static void print_words(const struct doctor *d)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];
		printf("%-8s %-14s %s%s%s\n", verdicts[f->verdict], f->check, f->subject, *f->subject ? ": " : "",
			f->text);
		if (*f->advice)
			printf("%-8s %-14s -> %s\n", "", "", f->advice);
	}
}

static void print_json(const struct doctor *d, bool ok)
{
	json_t *list = json_array(), *top;

	for (size_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "verdict", verdicts[f->verdict], "check", f->check,
				      "subject", f->subject, "text", f->text, "advice", f->advice));
	}
	top = json_pack("{s:b, s:o}", "ok", ok, "findings", list);
	if (top)
		json_dumpf(top, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(top);
}

static int answer(struct doctor *d, bool json)
{
	bool ok = !d->out_of_memory;

	if (d->count)
		qsort(d->findings, d->count, sizeof(d->findings[0]), by_verdict);
	for (size_t i = 0; i < d->count; i++)
		ok = ok && d->findings[i].verdict != DOCTOR_FAILED;
	if (json)
		print_json(d, ok);
	else
		print_words(d);
	if (d->out_of_memory)
		fprintf(stderr, "watrunk: out of memory: not everything was looked at\n");
	return ok ? EXIT_OK : EXIT_FAILED;
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor d = {.lock = PTHREAD_MUTEX_INITIALIZER};
	const char *path;
	struct config *config;
	bool json = false;
	int r = cli_options(argc, argv, &path, &json);

	if (r != EXIT_OK)
		return r;
	config = load(&d, path);
	d.config = config;
	if (config)
		examine(&d);
	r = answer(&d, json);
	free(d.findings);
	config_free(config);
	return r;
}
