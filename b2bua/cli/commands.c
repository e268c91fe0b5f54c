/* b2bua/cli/commands.c
 *
 * Every subcommand: how it is called, what it does, what its options mean. `watrunk --help` lists them, `watrunk NAME
 * --help` explains one. A test holds the options against those that the commands take.
 */
#include "b2bua/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const char config_option[] = "  -c, --config FILE   the configuration; " DEFAULT_CONFIG_PATH " when not given\n";
static const char json_option[] = "  --json              one JSON object, for programs\n";

enum { TAKES_CONFIG = 1, TAKES_JSON = 2, TAKES_BOTH = TAKES_CONFIG | TAKES_JSON };

static const struct cli_command {
	const char *name;
	int (*run)(int argc, char **argv);
	unsigned takes;
	const char *summary;  /* one line */
	const char *synopsis; /* a line for each way to call it, without "watrunk " */
	const char *details;  /* options and words, a line each */
} commands[] = {
	{"check", cmd_check, TAKES_BOTH, "is this configuration right? every fault with file, line and key", "check",
		"Exit code 2 when there is a fault.\n"},
	{"route-test", cmd_route_test, TAKES_BOTH,
		"which rule takes a call or message, and the very INVITE that would be sent",
		"route-test --to NUMBER --from NUMBER [--user-id ID] [--name TEXT] [--payload TEXT] [--at TIME]\n"
		"route-test --direction outbound --to USER --from CALLER [--gateway NAME] ...\n"
		"route-test --direction message --to NUMBER --from USER [--text TEXT] [--reply-id ID] ...\n"
		"route-test --direction ended --to NUMBER --from USER [--status STATUS] [--call inbound|outbound]\n"
		"           [--cause CAUSE] [--duration SECONDS] ...",
		"Nothing is sent, nobody is asked.\n"
		"  --direction D       inbound (when not given), outbound, message or ended\n"
		"  --to, --from        who is called, who calls; of messages and ended calls our number and the user\n"
		"  --user-id ID        WhatsApp's id of the user\n"
		"  --name TEXT         his profile name\n"
		"  --payload TEXT      of the button or link that he called by\n"
		"  --at TIME           UTC: 2026-05-04T09:30; now when not given\n"
		"  --gateway NAME      of a call out: the gateway or user of sip.users it comes from\n"
		"  --text, --reply-id  what he wrote; id of what he tapped\n"
		"  --status, --call, --cause, --duration\n"
		"                      of an ended call: as in the call log\n"},
	{"doctor", cmd_doctor, TAKES_BOTH, "will it work? names, certificates, gateways, Meta, ports, clock", "doctor",
		"Changes nothing. Exit code 1 when something failed.\n"},
	{"presets", cmd_presets, TAKES_JSON, "what is known of kinds of gateways; one of them", "presets [NAME]", ""},
	{"run", cmd_run, TAKES_CONFIG, "run until SIGTERM", "run", "The log is on stderr.\n"},
	{"reload", cmd_reload, TAKES_BOTH, "read the configuration again; live calls go on", "reload",
		"A file with a fault changes nothing.\n"},
	{"gateways", cmd_gateways, TAKES_BOTH, "the gateways: up, down, registered, calls", "gateways", ""},
	{"registrations", cmd_registrations, TAKES_BOTH, "who has registered with us; forget one",
		"registrations [list] [--user NAME]\n"
		"registrations drop ID",
		"  --user NAME         of sip.users\n"},
	{"bans", cmd_bans, TAKES_BOTH, "who is not listened to; listen to one again",
		"bans [list]\n"
		"bans lift SOURCE",
		""},
	{"calls", cmd_calls, TAKES_BOTH, "calls that are up; the call log",
		"calls\n"
		"calls --history [--user N] [--status S] [--limit N] [--quality]",
		"  --history           the call log, newest first; watrunk need not run\n"
		"  --user N            calls with this telephone number only\n"
		"  --status S          completed, missed, rejected, failed or cancelled\n"
		"  --limit N           so many at most, 1 to 1000\n"
		"  --quality           how good the voice was, below each call\n"},
	{"call", cmd_call, TAKES_BOTH, "call a WhatsApp user and join him with the SIP side",
		"call USER (--gateway NAME [--user PART] | --uri URI) [--number N] [--user-first] [--ring S] "
		"[--agent-ring S]\n"
		"     [--caller-id X] [--display-name X] [--payload X] [--header \"X-Name: value\"]\n"
		"     [--request [--park S] [--text T] [--template NAME --language L [--parameter P]]]",
		"USER is a telephone number, or WhatsApp's id of a user.\n"
		"  --gateway, --user   the SIP side: a gateway, and who is called there\n"
		"  --uri URI           instead: a sip: or tel: URI that the transfer policy allows\n"
		"  --number N          which business number calls; needed when there are several\n"
		"  --user-first        ring the user first, then the SIP side\n"
		"  --ring, --agent-ring\n"
		"                      seconds that the user's phone, and the SIP side, may ring\n"
		"  --caller-id, --display-name\n"
		"                      who calls, in the INVITE\n"
		"  --payload X         for events and call log\n"
		"  --header H          a further header of the INVITE; may be given again\n"
		"  --request           if he has not allowed calls: ask him, and call when he agrees\n"
		"  --park S            how many seconds the call waits for that\n"
		"  --text T            how he is asked, within 24 hours of his last message\n"
		"  --template, --language, --parameter\n"
		"                      how he is asked otherwise: a template of Meta's\n"},
	{"transfer", cmd_transfer, TAKES_BOTH, "send the user of a live call to another SIP side",
		"transfer ID (--gateway NAME [--user PART] | --uri URI)",
		"  --gateway, --user   a gateway, and who is called there\n"
		"  --uri URI           a sip: or tel: URI that the transfer policy allows\n"},
	{"hold", cmd_hold, TAKES_BOTH, "play music to the user", "hold ID", ""},
	{"resume", cmd_resume, TAKES_BOTH, "take him back", "resume ID", ""},
	{"mute", cmd_mute, TAKES_BOTH, "silence one side's microphone", "mute ID [--side sip|user]",
		"  --side S            who is no longer heard: sip (when not given) or user\n"},
	{"unmute", cmd_unmute, TAKES_BOTH, "let it be heard again", "unmute ID [--side sip|user]",
		"  --side S            sip (when not given) or user\n"},
	{"dtmf", cmd_dtmf, TAKES_BOTH, "send digits to one side", "dtmf ID DIGITS [--to sip|user]",
		"  --to S              sip (when not given) or user\n"},
	{"recording", cmd_recording, TAKES_BOTH, "record a live call, pause, go on, stop",
		"recording ID start|pause|resume|stop", "The configuration needs the section recording.\n"},
	{"fork", cmd_fork, TAKES_BOTH, "copy what is said as RTP to a place of its own",
		"fork ID start --to ADDRESS:PORT [--directions both|user|agent] [--format pcmu|l16]\n"
		"fork ID stop",
		"The configuration needs the section media_fork.\n"
		"  --to ADDRESS:PORT   where to; media_fork.allow must hold it\n"
		"  --directions D      what one side says only; both when not given\n"
		"  --format F          pcmu when not given, or l16: 16-bit samples\n"},
	{"hangup", cmd_hangup, TAKES_BOTH, "end a live call", "hangup ID", ""},
	{"permissions", cmd_permissions, TAKES_BOTH, "may users be called? ask Meta, ask them",
		"permissions list [--number N] [--user U] [--status S] [--limit N] [--cursor C]\n"
		"permissions get USER [--number N] [--refresh]\n"
		"permissions request USER [--number N] [--text T | --template NAME --language L [--parameter P]]",
		"  --number N          the business number; needed when there are several\n"
		"  --user, --status    of this user only; with this status only (temporary, permanent, ...)\n"
		"  --limit, --cursor   how many; where the list before ended\n"
		"  --refresh           ask Meta first\n"
		"  --text T            how he is asked, within 24 hours of his last message\n"
		"  --template, --language, --parameter\n"
		"                      how he is asked otherwise: a template of Meta's\n"},
	{"parked", cmd_parked, TAKES_BOTH, "calls that wait for permission; give one up",
		"parked list [--number N] [--user U]\n"
		"parked cancel ID",
		"  --number, --user    of this business number, of this user only\n"},
	{"send", cmd_send, TAKES_BOTH, "send a message to a user",
		"send USER --text T [--button LABEL [--payload X] [--ttl MINUTES]] [--number N]\n"
		"send USER --template NAME --language L [--parameter P] [--number N]",
		"  --text T            within 24 hours of his last message\n"
		"  --button LABEL      with a button that calls the business\n"
		"  --payload X         comes back with the call\n"
		"  --ttl MINUTES       how long the button works\n"
		"  --template, --language, --parameter\n"
		"                      a template of Meta's; --parameter for each of its places\n"
		"  --number N          which business number writes; needed when there are several\n"},
};

static const struct cli_command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

void cli_usage(FILE *to, const char *name)
{
	const struct cli_command *c = find(name);
	const char *line = c ? c->synopsis : name, *before = "usage: watrunk ";

	for (;;) {
		size_t length = strcspn(line, "\n");
		fprintf(to, "%s%.*s", before, (int)length, line);
		line += length;
		if (!*line++)
			break;
		before = *line == ' ' ? "\n               " : "\n       watrunk ";
	}
	fprintf(to, "%s%s\n", c && c->takes & TAKES_CONFIG ? " [-c FILE]" : "",
		c && c->takes & TAKES_JSON ? " [--json]" : "");
}

int cli_help(const char *name)
{
	const struct cli_command *c = find(name);

	if (!c)
		return EXIT_USAGE;
	cli_usage(stdout, name);
	printf("\n%s\n\n%s%s%s", c->summary, c->details, c->takes & TAKES_CONFIG ? config_option : "",
		c->takes & TAKES_JSON ? json_option : "");
	return EXIT_OK;
}

void cli_help_all(FILE *to)
{
	fprintf(to, "watrunk " WATRUNK_VERSION ": makes a WhatsApp Business number look like a SIP trunk\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  watrunk %-14s %s\n", commands[i].name, commands[i].summary);
	fprintf(to,
		"\n`watrunk COMMAND --help` says how each is called. All but presets take -c FILE, the configuration,\n"
		"" DEFAULT_CONFIG_PATH
		" when not given; all but run take --json. `watrunk --version` tells the version.\n"
		"Exit codes: 0 done; 1 could not be done; 2 command line or configuration is wrong; 3 could not "
		"start.\n");
}

int cli_run(int argc, char **argv)
{
	const struct cli_command *c = find(argv[0]);

	if (!c) {
		fprintf(stderr, "watrunk: unknown command \"%s\"\n\n", argv[0]);
		cli_help_all(stderr);
		return EXIT_USAGE;
	}
	/* At either end only: in between it may be what an option says. */
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[argc - 1], "--help") == 0))
		return cli_help(argv[0]);
	return c->run(argc, argv);
}
