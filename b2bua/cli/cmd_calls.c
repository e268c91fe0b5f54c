/* b2bua/cli/cmd_calls.c
 *
 * watrunk calls [-c FILE] [--json]                                         live calls, from the running watrunk
 * watrunk calls [-c FILE] --history [--user N] [--status S] [--limit N] [--json | --quality]   the call log, straight
 * from the database
 */
#include "b2bua/cli/cli.h"

#include "admin/admin.h"
#include "lib/base/str.h"
#include "store/store.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct calls_args {
	const char *config_path;
	bool history, json, quality, tenants; /* tenants: the configuration has some */
	struct store_query query;
	size_t printed;
};

static const char *text_of(const json_t *call, const char *key)
{
	const char *text = json_string_value(json_object_get(call, key));
	return text ? text : "";
}

static void print_live(const char *body, bool tenants)
{
	json_t *top = json_loads(body, 0, NULL), *calls = json_object_get(top, "calls"), *call;
	size_t i;

	printf("%-16s %-10s %-16s %-18s %-12s %s%s\n", "ID", "STATE", "NUMBER", "USER", "GATEWAY",
		tenants ? "TENANT       " : "", "NAME");
	json_array_foreach(calls, i, call)
	{
		printf("%-16s %-10s %-16s %-18s %-12s ", text_of(call, "id"), text_of(call, "state"),
			text_of(call, "number"), text_of(call, "user"), text_of(call, "gateway"));
		if (tenants)
			printf("%-12s ", text_of(call, "tenant"));
		printf("%s\n", text_of(call, "user_name"));
	}
	printf("%zu live\n", json_array_size(calls));
	json_decref(top);
}

static int live(const struct config *config, const struct calls_args *args)
{
	unsigned status;
	char *body;
	int r = cli_admin_request(config, "GET", "/v1/calls", &status, &body);

	if (r != EXIT_OK)
		return r;
	if (args->json || status != 200)
		printf("%s\n", body);
	else
		print_live(body, args->tenants);
	free(body);
	return status == 200 ? EXIT_OK : EXIT_FAILED;
}

/* "-": no voice came that way. */
static const char *mos_text(double mos, char dst[16])
{
	if (mos < 0)
		return "-";
	snprintf(dst, 16, "%.2f", mos);
	return dst;
}

static void put_number(const char *name, double value, const char *unit)
{
	if (value >= 0)
		printf("  %s %.1f%s", name, value, unit);
}

/* docs/quality.md */
static void print_quality(const char *from, const struct quality *q)
{
	char mos[16];

	if (q->packets <= 0)
		return;
	printf("    from %-8s", from);
	put_number("loss", q->loss_percent, " %");
	put_number("late", q->discard_percent, " %");
	put_number("concealed", q->concealed_percent, " %");
	put_number("jitter", q->jitter_ms, " ms");
	put_number("round trip", q->rtt_ms, " ms");
	put_number("held", q->playout_delay_ms, " ms");
	put_number("at most", q->playout_delay_max_ms, " ms");
	put_number("says loss", q->remote_loss_percent, " %");
	printf("  MOS %s\n", mos_text(q->mos, mos));
}

static void print_record(const struct call_record *rec, void *arg)
{
	struct calls_args *args = arg;
	time_t started = (time_t)(rec->started_ms / 1000);
	struct tm tm;
	char when[32], from_wa[16], from_sip[16];

	if (args->json) {
		char *text = admin_record_json(rec);
		printf("%s%s", args->printed++ ? ",\n" : "", text ? text : "{}");
		free(text);
		return;
	}
	if (args->printed++ == 0)
		printf("%-20s %-16s %-10s %-16s %8s %-18s %-16s %-10s %5s %5s%s\n", "STARTED (UTC)", "ID", "STATUS",
			"CAUSE", "SECONDS", "USER", "NUMBER", "GATEWAY", "MOS<", "MOS>",
			args->tenants ? " TENANT" : "");
	gmtime_r(&started, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%-20s %-16s %-10s %-16s %8.1f %-18s %-16s %-10s %5s %5s%s%s\n", when, rec->id,
		call_status_name(rec->status), rec->cause, (double)rec->duration_ms / 1000,
		*rec->user_number ? rec->user_number : rec->user_id, rec->number, rec->gateway,
		mos_text(rec->wa_rx.mos, from_wa), mos_text(rec->sip_rx.mos, from_sip), args->tenants ? " " : "",
		args->tenants ? rec->tenant : "");
	if (args->quality) {
		print_quality("WhatsApp", &rec->wa_rx);
		print_quality("SIP", &rec->sip_rx);
	}
}

static int history(const struct config *config, struct calls_args *args)
{
	char why[256] = "";
	int r;

	if (args->json)
		printf("[");
	r = store_read(config->store.url, &args->query, print_record, args, why, sizeof(why));
	if (args->json)
		printf("]\n");
	else if (r == 0 && args->printed == 0)
		printf("no calls recorded\n");
	if (r)
		fprintf(stderr, "watrunk: %s\n", why);
	return r ? EXIT_FAILED : EXIT_OK;
}

static int parse(int argc, char **argv, struct calls_args *args)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"history", no_argument, NULL, 'h'}, {"json", no_argument, NULL, 'j'},
		{"user", required_argument, NULL, 'u'}, {"status", required_argument, NULL, 's'},
		{"limit", required_argument, NULL, 'l'}, {"quality", no_argument, NULL, 'q'}, {0}};
	enum call_status status;
	uint64_t limit;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		switch (opt) {
		case 'c': args->config_path = optarg; break;
		case 'h': args->history = true; break;
		case 'j': args->json = true; break;
		case 'q': args->quality = true; break;
		case 'u':
			if (str_e164(optarg, args->query.user_number, sizeof(args->query.user_number))) {
				fprintf(stderr, "watrunk: --user \"%s\" is not a phone number\n", optarg);
				return EXIT_USAGE;
			}
			break;
		case 's':
			if (call_status_parse(optarg, &status)) {
				fprintf(stderr,
					"watrunk: --status is completed, missed, rejected, failed or cancelled\n");
				return EXIT_USAGE;
			}
			str_copy(args->query.status, sizeof(args->query.status), call_status_name(status));
			break;
		case 'l':
			if (str_to_u64(optarg, 1, 1000, &limit)) {
				fprintf(stderr, "watrunk: --limit is a number from 1 to 1000\n");
				return EXIT_USAGE;
			}
			args->query.limit = (unsigned)limit;
			break;
		default: return EXIT_USAGE;
		}
	}
	return cli_no_more_arguments(argc, argv) ? EXIT_OK : EXIT_USAGE;
}

int cmd_calls(int argc, char **argv)
{
	struct calls_args args = {.config_path = DEFAULT_CONFIG_PATH};
	struct config *config;
	int r = parse(argc, argv, &args);

	if (r != EXIT_OK || (r = cli_load_config(args.config_path, &config)) != EXIT_OK)
		return r;
	args.tenants = config->tenant_count > 0;
	r = args.history ? history(config, &args) : live(config, &args);
	config_free(config);
	return r;
}
