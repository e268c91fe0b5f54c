/* b2bua/cli/cmd_route_test.c
 *
 * watrunk route-test -c FILE --to NUMBER --from NUMBER [--user-id ID] [--name TEXT] [--payload TEXT]
 *                    [--at TIME] [--json]
 *                    [--direction outbound] [--gateway NAME]
 *                    [--direction message] [--text TEXT] [--reply-id ID]
 *                    [--direction ended] [--status STATUS] [--call inbound|outbound] [--cause CAUSE] [--duration S]
 *
 * Which rule takes such a call or message, why the others did not, and what would be done. For a call that comes in it
 * runs the very call logic, and the very SIP code, up to the INVITE as it would stand on the wire; for the other
 * directions, and for a rule that asks, it shows the route. Sends nothing, asks nobody.
 */
#include "b2bua/cli/cli.h"
#include "b2bua/cli/invite_words.h"
#include "b2bua/cli/route_words.h"

#include "b2bua/app/rehearse.h"
#include "lib/base/str.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct question {
	const char *config_path, *to, *from, *user_id, *name, *payload, *at;
	const char *direction_name, *gateway, *text, *reply_id, *status, *call, *cause, *duration;
	enum call_direction direction;
	unsigned duration_s;
	char number[24], user[24]; /* of --to, and of --from when it is one */
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

static int read_options(int argc, char **argv, struct question *q)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"to", required_argument, NULL, 't'}, {"from", required_argument, NULL, 'f'},
		{"user-id", required_argument, NULL, 'i'}, {"name", required_argument, NULL, 'n'},
		{"payload", required_argument, NULL, 'p'}, {"at", required_argument, NULL, 'a'},
		{"json", no_argument, NULL, 'j'}, {"direction", required_argument, NULL, 'd'},
		{"gateway", required_argument, NULL, 'g'}, {"text", required_argument, NULL, 'x'},
		{"reply-id", required_argument, NULL, 'r'}, {"status", required_argument, NULL, 's'},
		{"call", required_argument, NULL, 'l'}, {"cause", required_argument, NULL, 'u'},
		{"duration", required_argument, NULL, 'o'}, {0}};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		switch (opt) {
		case 'c': q->config_path = optarg; break;
		case 't': q->to = optarg; break;
		case 'f': q->from = optarg; break;
		case 'i': q->user_id = optarg; break;
		case 'n': q->name = optarg; break;
		case 'p': q->payload = optarg; break;
		case 'a': q->at = optarg; break;
		case 'j': q->json = true; break;
		case 'd': q->direction_name = optarg; break;
		case 'g': q->gateway = optarg; break;
		case 'x': q->text = optarg; break;
		case 'r': q->reply_id = optarg; break;
		case 's': q->status = optarg; break;
		case 'l': q->call = optarg; break;
		case 'u': q->cause = optarg; break;
		case 'o': q->duration = optarg; break;
		default: return -1;
		}
	}
	return cli_no_more_arguments(argc, argv) ? 0 : -1;
}

/* An option of another direction would be a question that was not understood. */
static int check_direction(struct question *q)
{
	static const char *const names[] = {[CALL_INBOUND] = "inbound",
		[CALL_OUTBOUND] = "outbound",
		[CALL_MESSAGE] = "message",
		[CALL_ENDED] = "ended"};
	const struct {
		const char *option, *value;
		enum call_direction direction;
	} options[] = {
		{"gateway", q->gateway, CALL_OUTBOUND},
		{"text", q->text, CALL_MESSAGE},
		{"reply-id", q->reply_id, CALL_MESSAGE},
		{"status", q->status, CALL_ENDED},
		{"call", q->call, CALL_ENDED},
		{"cause", q->cause, CALL_ENDED},
		{"duration", q->duration, CALL_ENDED},
	};
	size_t i = 0;

	while (i < sizeof(names) / sizeof(names[0]) && strcmp(names[i], q->direction_name) != 0)
		i++;
	if (i == sizeof(names) / sizeof(names[0])) {
		fprintf(stderr, "watrunk: --direction \"%s\": inbound, outbound, message or ended\n",
			q->direction_name);
		return -1;
	}
	q->direction = (enum call_direction)i;
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (options[i].value && options[i].direction != q->direction) {
			fprintf(stderr, "watrunk: --%s goes with --direction %s\n", options[i].option,
				names[options[i].direction]);
			return -1;
		}
	}
	return 0;
}

static int parse_question(int argc, char **argv, struct question *q)
{
	uint64_t duration = 0;

	if (read_options(argc, argv, q) || check_direction(q))
		return EXIT_USAGE;
	if (!q->to || !q->from) {
		fprintf(stderr, "watrunk: route-test needs --to NUMBER and --from NUMBER\n");
		return EXIT_USAGE;
	}
	if (str_e164(q->to, q->number, sizeof(q->number))) {
		fprintf(stderr, "watrunk: --to \"%s\" is not a phone number\n", q->to);
		return EXIT_USAGE;
	}
	if (q->duration && str_to_u64(q->duration, 0, UINT32_MAX, &duration)) {
		fprintf(stderr, "watrunk: --duration \"%s\" is not a number of seconds\n", q->duration);
		return EXIT_USAGE;
	}
	q->duration_s = (unsigned)duration;
	/* Otherwise it is taken for a business-scoped user id; of an outbound call, for the SIP user. */
	if (str_e164(q->from, q->user, sizeof(q->user))) {
		q->user[0] = '\0';
		q->user_id = q->from;
	}
	return parse_time(q->at, &q->wall_ms) ? EXIT_USAGE : EXIT_OK;
}

static void print_why(const char *rule, bool matched, const char *why, void *arg)
{
	(void)arg;
	printf("%s rule %s: %s\n", matched ? "->" : "  ", rule, why);
}

/* The number's; of a call out, its caller's. */
static const char *tenant_of(const struct question *q, const struct config *config, const struct config_number *number)
{
	const struct call_gateway *gateway;

	if (number)
		return number->tenant;
	if (!q->gateway)
		return "";
	gateway = config_gateway_by_name(config, q->gateway);
	return gateway ? config_tenant_of_gateway(config, gateway) : config_tenant_of_user(config, q->gateway);
}

static struct call_facts facts_of(
	const struct question *q, const struct config *config, const struct config_number *number)
{
	const bool outbound = q->direction == CALL_OUTBOUND;

	return (struct call_facts){.direction = q->direction,
		.tenant = tenant_of(q, config, number),
		.to = q->number,
		.from = outbound ? q->from : q->user,
		.from_user_id = outbound ? "" : q->user_id,
		.name = q->name,
		.payload = q->payload,
		.phone_number_id = number ? number->phone_number_id : "",
		.call_id = "c-test",
		.gateway = q->gateway,
		.text = q->text,
		.reply_id = q->reply_id,
		.status = q->status,
		.cause = q->cause,
		.call_direction = q->call,
		.duration_s = q->duration_s};
}

static int show_invite(const struct call_action *a, const struct question *q, const struct config *config,
	const struct config_number *number, const struct call_report *rep)
{
	const struct call_facts facts = invite_facts(rep, number->tenant);
	struct invite_parts parts;
	struct arena arena;
	char *wire = NULL;
	int r;

	arena_init(&arena, 0);
	r = invite_make(config, a, &facts, &arena, &parts);
	if (r == 0)
		r = rehearse_invite(config, &parts.invite, &wire);
	if (r)
		fprintf(stderr, "watrunk: the INVITE to gateway %s cannot be made: %s\n", a->u.invite.gateway->name,
			strerror(-r));
	else if (q->json)
		invite_words_print_json(&parts, a, rep, wire);
	else
		invite_words_print(&parts, a, wire);
	free(wire);
	arena_done(&arena);
	return r ? EXIT_FAILED : EXIT_OK;
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

/* One, or with mode: parallel all that go out at once; as JSON the first, and the gateways that get one. */
static int show_invites(const struct call_out *out, const struct question *q, const struct config *config,
	const struct config_number *number, const struct call_report *rep)
{
	int r = EXIT_OK;

	if (q->json)
		return show_invite(find_action(out, CALL_DO_SIP_INVITE), q, config, number, rep);
	printf("\nmode: %s, accept_on: %s\n", invite_words_mode(rep), invite_words_accept(rep));
	for (size_t i = 0; r == EXIT_OK && i < out->count; i++)
		if (out->actions[i].kind == CALL_DO_SIP_INVITE)
			r = show_invite(&out->actions[i], q, config, number, rep);
	return r;
}

/* What the media engine would offer, with words where it has random bytes. */
static struct media_local sample_local(const struct config *config)
{
	/* What is "RANDOMKEYRANDOMKEY..." in base64. */
	static const uint8_t key[MEDIA_SRTP_KEY_BYTES] = {0x44, 0x03, 0x43, 0x38, 0xc2, 0x84, 0x61, 0x10, 0x0d, 0x0c,
		0xe3, 0x0a, 0x11, 0x84, 0x40, 0x34, 0x33, 0x8c, 0x28, 0x46, 0x11, 0x00, 0xd0, 0xce, 0x30, 0xa1, 0x18,
		0x44, 0x03, 0x43};
	const struct media_engine_conf *m = &config->media;
	struct media_local local = {.wa.ssrc = 1};

	local.wa.addr = m->public_addr;
	local.sip_rtp = addr_is_set(&m->sip_public_addr) ? m->sip_public_addr : m->public_addr;
	addr_set_port(&local.wa.addr, m->wa_port_min);
	addr_set_port(&local.sip_rtp, m->sip_port_min);
	str_copy(local.wa.ufrag, sizeof(local.wa.ufrag), "sample00");
	str_copy(local.wa.pwd, sizeof(local.wa.pwd), "sample000000000000000000");
	str_copy(local.wa.cname, sizeof(local.wa.cname), "sample");
	for (size_t i = 0; i < sizeof(local.sip_keys) / sizeof(local.sip_keys[0]); i++)
		for (size_t k = 0; k < MEDIA_SRTP_SUITES; k++)
			memcpy(local.sip_keys[i].of[k], key, sizeof(key));
	return local;
}

/* Feed the call logic until it wants to send the INVITE, or refuses. */
static int walk(
	struct call *c, const struct question *q, const struct config *config, const struct config_number *number)
{
	const struct media_local local = sample_local(config);
	struct call_event ev = {.kind = CALL_EV_OFFER, .now_us = 1000000, .wall_ms = q->wall_ms};
	struct call_report rep;
	struct call_out out;

	call_step(c, &ev, &out);
	if (find_action(&out, CALL_DO_MEDIA_OPEN)) {
		ev.kind = CALL_EV_MEDIA_OPENED;
		ev.u.local = &local;
		call_step(c, &ev, &out);
	}
	call_report(c, &rep);
	if (find_action(&out, CALL_DO_SIP_INVITE))
		return show_invites(&out, q, config, number, &rep);
	print_refusal(&rep, q->json);
	return EXIT_OK;
}

/* A call that comes in, through the call logic. */
static int walk_inbound(const struct question *q, const struct config *config, const struct config_number *number)
{
	const struct call_offer offer = {.call_id = "c-test",
		.wacid = "wacid.test",
		.phone_number_id = number->phone_number_id,
		.number = q->number,
		.user_number = q->user,
		.user_id = q->user_id,
		.profile_name = q->name,
		.payload = q->payload,
		.sdp = sample_offer,
		.sdp_length = sizeof(sample_offer) - 1};
	struct call *call;
	int r;

	if (call_new(&number->call, &offer, &call))
		return EXIT_START;
	r = walk(call, q, config, number);
	call_free(call);
	return r;
}

/* What the running program finds beside the rules (b2bua/app/on_invite.c, dial.c). */
static void find_number(const struct question *q, const struct config *config, const char *tenant, struct route *route)
{
	const struct route_whatsapp *w = &route->whatsapp;
	const struct config_number *number;

	if (route->kind != ROUTE_WHATSAPP)
		return;
	number = *w->number ? config_number_by_number(config, w->number) : config_only_number(config, tenant);
	if (number)
		route->whatsapp.number = number->number; /* else the INVITE must say in X-WA-Number-Id which one */
	if (!*w->user && q->number[1] == '0') {          /* no country's code begins so */
		route->kind = ROUTE_REJECT;
		route->cause = cause_info(CAUSE_NOT_FOUND)->name;
	} else if (number && (!number->enabled || !number->outbound)) {
		route->kind = ROUTE_REJECT;
		route->cause = cause_info(CAUSE_NOT_ALLOWED)->name;
	}
}

static int answer(const struct question *q, const struct config *config, const struct config_number *number)
{
	const struct call_facts facts = facts_of(q, config, number);
	struct arena arena;
	struct route route;
	int r;

	if (!q->json)
		dialplan_explain(config->dialplan, &facts, q->wall_ms, print_why, NULL);
	arena_init(&arena, 0);
	r = dialplan_route(config->dialplan, &facts, q->wall_ms, &arena, &route);
	if (r == 0 && q->direction == CALL_OUTBOUND)
		find_number(q, config, facts.tenant, &route);
	if (r == 0 && q->direction == CALL_INBOUND && !(number->enabled && number->inbound))
		print_refusal(&(struct call_report){.cause = CAUSE_NOT_ALLOWED}, q->json);
	else if (r == 0 && q->direction == CALL_INBOUND && route.kind != ROUTE_ASK)
		r = walk_inbound(q, config, number);
	else if (r == 0)
		r = route_words_print(config->dialplan, &facts, q->wall_ms, &route, &arena, q->json);
	arena_done(&arena);
	return r < 0 ? EXIT_START : r;
}

int cmd_route_test(int argc, char **argv)
{
	struct question q = {.config_path = DEFAULT_CONFIG_PATH,
		.direction_name = "inbound",
		.user_id = "",
		.name = "",
		.payload = ""};
	const struct config_number *number;
	struct config *config;
	int r = parse_question(argc, argv, &q);

	if (r != EXIT_OK || (r = cli_load_config(q.config_path, &config)) != EXIT_OK)
		return r;
	number = q.direction == CALL_OUTBOUND ? NULL : config_number_by_number(config, q.number);
	if (!number && q.direction != CALL_OUTBOUND) {
		fprintf(stderr, "watrunk: %s is not one of the configured numbers\n", q.number);
		r = EXIT_FAILED;
	} else {
		r = answer(&q, config, number);
	}
	config_free(config);
	return r;
}
