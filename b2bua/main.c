/* b2bua/main.c -- the watrunk binary: which subcommand */
#include "b2bua/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
	"watrunk " WATRUNK_VERSION ": makes a WhatsApp Business number look like a SIP trunk\n"
	"\n"
	"  watrunk run -c FILE                 run until SIGTERM\n"
	"  watrunk check -c FILE               is this configuration right? every fault with file, line and key\n"
	"  watrunk gateways [-c FILE]          the gateways: up, down, registered, calls\n"
	"  watrunk doctor [-c FILE]            will it work? names, certificates, gateways, Meta, ports, clock\n"
	"  watrunk presets [NAME]              what is known of kinds of gateways; one of them\n"
	"  watrunk route-test -c FILE --to NUMBER --from NUMBER [--user-id ID] [--name TEXT] [--payload TEXT]\n"
	"                                      [--at TIME]\n"
	"                                      which rule takes such a call, and the very INVITE that would be sent; "
	"with\n"
	"    --direction outbound [--gateway NAME]\n"
	"    --direction message [--text TEXT] [--reply-id ID]\n"
	"    --direction ended [--status STATUS] [--call inbound|outbound] [--cause CAUSE] [--duration SECONDS]\n"
	"                                      what is done with such a call or message\n"
	"  watrunk reload [-c FILE]            read the configuration again; live calls go on\n"
	"  watrunk calls [-c FILE]             live calls; --history: the call log [--user N] [--status S] [--limit "
	"N]\n"
	"  watrunk call USER --gateway NAME [--user PART] [--user-first] [--request] ...\n"
	"                                      call a WhatsApp user, and join him with the SIP side\n"
	"  watrunk transfer ID --gateway NAME [--user PART] | --uri URI\n"
	"                                      send the user of a live call to another SIP side\n"
	"  watrunk hold ID | watrunk resume ID  play music to the user, take him back\n"
	"  watrunk dtmf ID DIGITS [--to sip|user]\n"
	"                                      send digits to one side\n"
	"  watrunk hangup ID [-c FILE]         end a live call\n"
	"  watrunk permissions list | get USER | request USER\n"
	"                                      may users be called? ask them\n"
	"  watrunk parked list | cancel ID     calls that wait for permission\n"
	"  watrunk send USER --text T [--button LABEL] | --template NAME --language L\n"
	"                                      send a message\n"
	"  watrunk registrations [list] | drop ID\n"
	"                                      who has registered with us\n"
	"  watrunk bans [list] | lift SOURCE   who is not listened to\n"
	"  watrunk --version\n"
	"\n"
	"All but run and hangup take --json. FILE is " DEFAULT_CONFIG_PATH " when not given.\n"
	"Exit codes: 0 done; 1 could not be done; 2 command line or configuration is wrong; 3 could not start.\n";

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {{"run", cmd_run}, {"check", cmd_check}, {"route-test", cmd_route_test}, {"calls", cmd_calls},
		{"hangup", cmd_hangup}, {"call", cmd_call}, {"transfer", cmd_transfer}, {"hold", cmd_hold},
		{"resume", cmd_resume}, {"dtmf", cmd_dtmf}, {"permissions", cmd_permissions}, {"parked", cmd_parked},
		{"send", cmd_send}, {"reload", cmd_reload}, {"presets", cmd_presets},
		{"registrations", cmd_registrations}, {"bans", cmd_bans}, {"doctor", cmd_doctor},
		{"gateways", cmd_gateways}};

	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		printf("watrunk %s\n", WATRUNK_VERSION);
		return EXIT_OK;
	}
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		fputs(usage, stdout);
		return EXIT_OK;
	}
	if (argc == 3 && strcmp(argv[2], "--help") == 0) {
		fputs(usage, stdout);
		return EXIT_OK;
	}
	for (size_t i = 0; argc >= 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	if (argc >= 2)
		fprintf(stderr, "watrunk: unknown command \"%s\"\n\n", argv[1]);
	fputs(usage, stderr);
	return EXIT_USAGE;
}
