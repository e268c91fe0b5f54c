/* tools/metasim/main.c
 *
 * metasim: plays Meta and a WhatsApp user, so that watrunk can be tried without either. See docs/metasim.md.
 */
#include "lib/loop/loop.h"
#include "tools/metasim/meta.h"
#include "tools/metasim/report_json.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct run {
	struct loop *loop;
	const struct plan *plan;
	json_t *calls, *messages;
	unsigned bad;
	struct loop_timer deadline;
	struct loop_watch *signals;
	int signal_fd;
};

static const char usage[] =
	"metasim --graph ADDR:PORT --webhook URL --app-secret TEXT --token TEXT [options]\n"
	"  --number-id ID --number N --user N --name TEXT --payload TEXT   who calls whom\n"
	"  --say WAV           what the user says     --hear WAV   write what the user heard (%d: number of the call)\n"
	"  --calls N --interval MS | --at-once N      how many calls, at what pace\n"
	"  --talk MS           the user hangs up so long after accept (0: the business does)\n"
	"  --give-up MS        the user gives up so long after the webhook when not accepted\n"
	"  --loss SHARE        of media packets, each way   --dtmf DIGITS\n"
	"  --plan FILE         all of this and faults of Meta's side from a JSON file\n"
	"  --serve             no end of its own: SIGTERM or SIGINT ends it\n"
	"  --timeline          events as JSON lines while they happen\n"
	"  --limit SECONDS     stop after so long whatever happens (default 600)\n"
	"Prints a JSON report, at SIGTERM and SIGINT too. Exit code 0: every call was accepted, or ended as planned, "
	"and nothing was violated; 1: "
	"not; 2: usage.\n";

static void write_heard(const struct run *run, const struct meta_call_report *rep)
{
	char path[300];

	if (!*run->plan->hear || !rep->user.heard)
		return;
	if (strstr(run->plan->hear, "%d")) {
		const char *at = strstr(run->plan->hear, "%d");
		snprintf(path, sizeof(path), "%.*s%u%s", (int)(at - run->plan->hear), run->plan->hear, rep->number,
			at + 2);
	} else {
		snprintf(path, sizeof(path), "%s", run->plan->hear);
	}
	if (speech_write_wav(path, rep->user.heard, rep->user.heard_samples, USER_HEARD_HZ))
		fprintf(stderr, "metasim: %s cannot be written\n", path);
}

static void on_call_done(const struct meta_call_report *rep, void *arg)
{
	struct run *run = arg;

	write_heard(run, rep);
	if (rep->user.violation_count)
		run->bad++;
	json_array_append_new(run->calls, report_json(rep));
}

static void on_message(const struct meta_message_report *rep, void *arg)
{
	json_array_append_new(((struct run *)arg)->messages, report_message_json(rep));
}

static void on_all_done(void *arg)
{
	loop_stop(((struct run *)arg)->loop);
}

static void on_deadline(void *arg)
{
	struct run *run = arg;

	fprintf(stderr, "metasim: time limit reached\n");
	run->bad++;
	loop_stop(run->loop);
}

static void on_signal(void *arg, int ready)
{
	struct run *run = arg;
	struct signalfd_siginfo info;

	(void)ready;
	if (read(run->signal_fd, &info, sizeof(info)) == sizeof(info))
		loop_stop(run->loop);
}

/* Told to stop, metasim still reports. */
static int watch_signals(struct run *run)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	run->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (run->signal_fd < 0)
		return -errno;
	return loop_watch(run->loop, run->signal_fd, LOOP_READ, on_signal, run, &run->signals);
}

struct options {
	struct plan plan;
	struct addr graph;
	bool timeline;
	unsigned limit_s;
};

static bool set_text(char *dst, size_t cap, const char *text)
{
	return snprintf(dst, cap, "%s", text) < (int)cap;
}

enum {
	O_GRAPH = 1,
	O_WEBHOOK,
	O_SECRET,
	O_TOKEN,
	O_NUMBER_ID,
	O_NUMBER,
	O_USER,
	O_NAME,
	O_PAYLOAD,
	O_SAY,
	O_HEAR,
	O_CALLS,
	O_INTERVAL,
	O_AT_ONCE,
	O_TALK,
	O_GIVE_UP,
	O_LOSS,
	O_DTMF,
	O_PLAN,
	O_SERVE,
	O_TIMELINE,
	O_LIMIT
};

static bool take_option(struct options *o, int opt, const char *arg)
{
	struct plan *p = &o->plan;
	char why[200];

	switch (opt) {
	case O_GRAPH: return addr_parse(arg, &o->graph) == 0;
	case O_WEBHOOK: return set_text(p->webhook_url, sizeof(p->webhook_url), arg);
	case O_SECRET: return set_text(p->app_secret, sizeof(p->app_secret), arg);
	case O_TOKEN: return set_text(p->token, sizeof(p->token), arg);
	case O_NUMBER_ID: return set_text(p->number_id, sizeof(p->number_id), arg);
	case O_NUMBER: return set_text(p->number, sizeof(p->number), arg);
	case O_USER: return set_text(p->user, sizeof(p->user), arg);
	case O_NAME: return set_text(p->name, sizeof(p->name), arg);
	case O_PAYLOAD: return set_text(p->payload, sizeof(p->payload), arg);
	case O_SAY: return set_text(p->say, sizeof(p->say), arg);
	case O_HEAR: return set_text(p->hear, sizeof(p->hear), arg);
	case O_CALLS: p->calls = (unsigned)atoi(arg); return p->calls > 0;
	case O_INTERVAL: p->interval_ms = (unsigned)atoi(arg); return true;
	case O_AT_ONCE: p->at_once = (unsigned)atoi(arg); return p->at_once > 0;
	case O_TALK: p->talk_ms = (unsigned)atoi(arg); return true;
	case O_GIVE_UP: p->give_up_ms = (unsigned)atoi(arg); return true;
	case O_LOSS: p->loss = atof(arg); return p->loss >= 0 && p->loss <= 1;
	case O_DTMF: return set_text(p->dtmf, sizeof(p->dtmf), arg);
	case O_SERVE: p->serve = true; return true;
	case O_TIMELINE: o->timeline = true; return true;
	case O_LIMIT: o->limit_s = (unsigned)atoi(arg); return o->limit_s > 0;
	case O_PLAN:
		if (plan_read(p, arg, why, sizeof(why)) == 0)
			return true;
		fprintf(stderr, "metasim: %s\n", why);
		return false;
	default: return false;
	}
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {{"graph", 1, NULL, O_GRAPH}, {"webhook", 1, NULL, O_WEBHOOK},
		{"app-secret", 1, NULL, O_SECRET}, {"token", 1, NULL, O_TOKEN}, {"number-id", 1, NULL, O_NUMBER_ID},
		{"number", 1, NULL, O_NUMBER}, {"user", 1, NULL, O_USER}, {"name", 1, NULL, O_NAME},
		{"payload", 1, NULL, O_PAYLOAD}, {"say", 1, NULL, O_SAY}, {"hear", 1, NULL, O_HEAR},
		{"calls", 1, NULL, O_CALLS}, {"interval", 1, NULL, O_INTERVAL}, {"at-once", 1, NULL, O_AT_ONCE},
		{"talk", 1, NULL, O_TALK}, {"give-up", 1, NULL, O_GIVE_UP}, {"loss", 1, NULL, O_LOSS},
		{"dtmf", 1, NULL, O_DTMF}, {"plan", 1, NULL, O_PLAN}, {"serve", 0, NULL, O_SERVE},
		{"timeline", 0, NULL, O_TIMELINE}, {"limit", 1, NULL, O_LIMIT}, {0}};
	int opt;

	plan_init(&o->plan);
	addr_parse("127.0.0.1:0", &o->graph);
	o->limit_s = 600;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!take_option(o, opt, optarg))
			return false;
	}
	return *o->plan.webhook_url && *o->plan.app_secret && *o->plan.token;
}

static int run_plan(struct options *o, const struct speech *speech)
{
	struct run run = {.plan = &o->plan, .calls = json_array(), .messages = json_array(), .signal_fd = -1};
	struct meta_conf conf = {.plan = &o->plan,
		.graph_listen = o->graph,
		.speech = speech,
		.record = *o->plan.hear != '\0',
		.timeline = o->timeline,
		.on_call_done = on_call_done,
		.on_message = on_message,
		.on_all_done = on_all_done,
		.arg = &run};
	struct meta *meta = NULL;
	json_t *top;
	int r = loop_new(&run.loop);

	if (r == 0)
		r = watch_signals(&run);
	if (r == 0)
		r = meta_new(run.loop, &conf, &meta);
	if (r) {
		fprintf(stderr, "metasim: cannot start: %s\n", strerror(-r));
		return 2;
	}
	loop_timer_set(run.loop, &run.deadline, loop_now_us(run.loop) + o->limit_s * 1000000ULL, on_deadline, &run);
	meta_start(meta);
	loop_run(run.loop);
	loop_timer_cancel(&run.deadline);
	loop_unwatch(run.signals);
	close(run.signal_fd);
	meta_report_live(meta);
	meta_free(meta);
	loop_free(run.loop);
	top = json_pack("{s:b, s:o, s:o}", "ok", run.bad == 0, "calls", run.calls, "messages", run.messages);
	json_dumpf(top, stdout, o->timeline ? JSON_COMPACT : JSON_INDENT(1));
	printf("\n");
	json_decref(top);
	return run.bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct speech *speech = NULL;
	char why[300];
	int r;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (!parse(argc, argv, &o)) {
		fputs(usage, stderr);
		return 2;
	}
	if (*o.plan.say && speech_load(o.plan.say, SPEECH_OPUS, &speech, why, sizeof(why))) {
		fprintf(stderr, "metasim: %s\n", why);
		return 2;
	}
	r = run_plan(&o, speech);
	speech_free(speech);
	plan_done(&o.plan);
	return r;
}
