/* b2bua/cli/cmd_route_test.c
 *
 * watrunk route-test -c FILE --to NUMBER --from NUMBER [--name TEXT] [--payload TEXT] [--at TIME] [--json]
 *
 * Runs the very call logic on an invented call: which rule takes it and why the others did not, and what INVITE would
 * be sent. Sends nothing.
 */
#include "b2bua/cli/cli.h"

#include "lib/base/str.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct question {
	const char *config_path, *to, *from, *name, *payload, *at;
	char number[24], user[24];
	uint64_t wall_ms;
	bool json;
};

/* A sample of what Meta offers: the call logic must be able to read it; nobody is behind it. */
static const char sample_offer[] =
	"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE audio\r\na=ice-lite\r\n"
	"m=audio 3484 UDP/TLS/RTP/SAVPF 111 126\r\nc=IN IP4 203.0.113.20\r\n"
	"a=candidate:1 1 udp 2122260223 203.0.113.20 3484 typ host\r\na=ice-ufrag:sampleufrag\r\n"
	"a=ice-pwd:samplepasswordsamplepas\r\na=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\na=setup:actpass\r\na=mid:audio\r\na=sendrecv\r\n"
	"a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:126 telephone-event/8000\r\na=ptime:20\r\n";

static int parse_time(const char *text, uint64_t *ret_wall_ms)
{
	static const char *const formats[] = {
		"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"};
	struct tm tm;

	if (!text) {
		*ret_wall_ms = (uint64_t)time(NULL) * 1000;
		return 0;
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		memset(&tm, 0, sizeof(tm));
		const char *end = strptime(text, formats[i], &tm);
		const int day = tm.tm_mday;
		time_t at = end && !*end ? timegm(&tm) : -1;
		if (at >= 0 && tm.tm_mday == day) { /* timegm() makes March of 30 February */
			*ret_wall_ms = (uint64_t)at * 1000;
			return 0;
		}
	}
	fprintf(stderr, "watrunk: --at \"%s\": give UTC as 2026-11-21T14:30Z\n", text);
	return -1;
}

static int parse_question(int argc, char **argv, struct question *q)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"to", required_argument, NULL, 't'}, {"from", required_argument, NULL, 'f'},
		{"name", required_argument, NULL, 'n'}, {"payload", required_argument, NULL, 'p'},
		{"at", required_argument, NULL, 'a'}, {"json", no_argument, NULL, 'j'}, {0}};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		switch (opt) {
		case 'c': q->config_path = optarg; break;
		case 't': q->to = optarg; break;
		case 'f': q->from = optarg; break;
		case 'n': q->name = optarg; break;
		case 'p': q->payload = optarg; break;
		case 'a': q->at = optarg; break;
		case 'j': q->json = true; break;
		default: return EXIT_USAGE;
		}
	}
	if (!cli_no_more_arguments(argc, argv))
		return EXIT_USAGE;
	if (!q->to || !q->from) {
		fprintf(stderr, "watrunk: route-test needs --to NUMBER and --from NUMBER\n");
		return EXIT_USAGE;
	}
	if (str_e164(q->to, q->number, sizeof(q->number))) {
		fprintf(stderr, "watrunk: --to \"%s\" is not a phone number\n", q->to);
		return EXIT_USAGE;
	}
	if (str_e164(q->from, q->user, sizeof(q->user)))
		q->user[0] = '\0'; /* then it is taken for a business-scoped user id */
	return parse_time(q->at, &q->wall_ms) ? EXIT_USAGE : EXIT_OK;
}

static void print_why(const char *rule, bool matched, const char *why, void *arg)
{
	(void)arg;
	printf("%s rule %s: %s\n", matched ? "->" : "  ", rule, why);
}

static void explain(const struct config *config, const struct question *q, const struct config_number *number)
{
	const struct call_facts facts = {.direction = CALL_INBOUND,
		.to = q->number,
		.from = q->user,
		.from_user_id = *q->user ? "" : q->from,
		.name = q->name,
		.payload = q->payload,
		.phone_number_id = number->phone_number_id,
		.call_id = "c-test"};

	dialplan_explain(config->dialplan, &facts, q->wall_ms, print_why, NULL);
}

static void print_invite(const struct call_action *a, const char *domain)
{
	printf("\nINVITE user \"%s\" at gateway %s (%s)\n", a->u.invite.user, a->u.invite.gateway->name,
		a->u.invite.gateway->uri);
	printf("From: \"%s\" <sip:%s@%s>\n", a->u.invite.from_display, a->u.invite.from_user, domain);
	if (a->u.invite.pai_user && *a->u.invite.pai_user)
		printf("P-Asserted-Identity: <sip:%s@%s>\n", a->u.invite.pai_user, domain);
	for (size_t i = 0; i < a->u.invite.header_count; i++)
		printf("%s: %s\n", a->u.invite.headers[i].name, a->u.invite.headers[i].value);
	printf("\n%s", a->u.invite.sdp);
}

static void print_invite_json(const struct call_action *a, const char *rule)
{
	json_t *headers = json_object();
	json_t *top;

	for (size_t i = 0; i < a->u.invite.header_count; i++)
		json_object_set_new(headers, a->u.invite.headers[i].name, json_string(a->u.invite.headers[i].value));
	top = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s}", "action", "bridge", "rule", rule ? rule : "",
		"gateway", a->u.invite.gateway->name, "gateway_uri", a->u.invite.gateway->uri, "user", a->u.invite.user,
		"from_user", a->u.invite.from_user, "display_name", a->u.invite.from_display, "headers", headers, "sdp",
		a->u.invite.sdp);
	if (top)
		json_dumpf(top, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(top);
}

static void print_refusal(const struct call_report *rep, bool json)
{
	const struct cause_info *info = cause_info(rep->cause);
	json_t *top;

	if (!json) {
		printf("\nreject: %s (%s)\n", info->name, info->text);
		return;
	}
	top = json_pack("{s:s, s:s, s:s, s:i}", "action", "reject", "rule", rep->rule ? rep->rule : "", "cause",
		info->name, "sip_code", (int)info->sip_code);
	if (top)
		json_dumpf(top, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(top);
}

static const struct call_action *find_action(const struct call_out *out, enum call_action_kind kind)
{
	for (size_t i = 0; i < out->count; i++) {
		if (out->actions[i].kind == kind)
			return &out->actions[i];
	}
	return NULL;
}

/* Feed the call logic until it wants to send the INVITE, or refuses. */
static void walk(struct call *c, const struct question *q, const struct config *config)
{
	struct call_event ev = {.kind = CALL_EV_OFFER, .now_us = 1000000, .wall_ms = q->wall_ms};
	const struct call_action *invite;
	struct call_report rep;
	struct call_out out;

	call_step(c, &ev, &out);
	if (find_action(&out, CALL_DO_MEDIA_OPEN)) {
		ev.kind = CALL_EV_MEDIA_OPENED;
		memset(&ev.u.local, 0, sizeof(ev.u.local));
		ev.u.local.wa.addr = ev.u.local.sip_rtp = config->media.public_addr;
		addr_set_port(&ev.u.local.wa.addr, config->media.wa_port_min);
		addr_set_port(&ev.u.local.sip_rtp, config->media.sip_port_min);
		ev.u.local.wa.ssrc = 1;
		str_copy(ev.u.local.wa.ufrag, sizeof(ev.u.local.wa.ufrag), "sample00");
		str_copy(ev.u.local.wa.pwd, sizeof(ev.u.local.wa.pwd), "sample000000000000000000");
		str_copy(ev.u.local.wa.cname, sizeof(ev.u.local.wa.cname), "sample");
		call_step(c, &ev, &out);
	}
	call_report(c, &rep);
	invite = find_action(&out, CALL_DO_SIP_INVITE);
	if (!invite)
		print_refusal(&rep, q->json);
	else if (q->json)
		print_invite_json(invite, rep.rule);
	else
		print_invite(invite, config->sip.domain);
}

int cmd_route_test(int argc, char **argv)
{
	struct question q = {.config_path = DEFAULT_CONFIG_PATH, .name = "", .payload = ""};
	const struct config_number *number;
	struct config *config;
	struct call *call;
	int r = parse_question(argc, argv, &q);

	if (r != EXIT_OK || (r = cli_load_config(q.config_path, &config)) != EXIT_OK)
		return r;
	number = config_number_by_number(config, q.number);
	if (!number) {
		fprintf(stderr, "watrunk: %s is not one of the configured numbers\n", q.number);
		config_free(config);
		return EXIT_FAILED;
	}
	const struct call_offer offer = {.call_id = "c-test",
		.wacid = "wacid.test",
		.phone_number_id = number->phone_number_id,
		.number = q.number,
		.user_number = q.user,
		.user_id = *q.user ? "" : q.from,
		.profile_name = q.name,
		.payload = q.payload,
		.sdp = sample_offer,
		.sdp_length = sizeof(sample_offer) - 1};
	if (call_new(&number->call, &offer, &call)) {
		config_free(config);
		return EXIT_START;
	}
	if (!q.json)
		explain(config, &q, number);
	walk(call, &q, config);
	call_free(call);
	config_free(config);
	return EXIT_OK;
}
