/* tools/loadgen/main.c
 *
 * loadgen: many calls through one watrunk, both ends played and measured here. See docs/benchmarks.md.
 */
#include "lib/loop/loop.h"
#include "tools/loadgen/load.h"
#include "tools/loadgen/report.h"
#include "tools/loadgen/signal.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { SIGNAL_SECONDS = 10, USER_HZ = 16000, AGENT_HZ = 8000 };

static const char usage[] =
	"loadgen --watrunk PATH [options]                      start a watrunk with a configuration of its own\n"
	"loadgen --pid PID --webhook URL --admin URL --admin-token TEXT --graph ADDR:PORT --agent ADDR:PORT\n"
	"        --app-secret TEXT --token TEXT [--number-id ID --number N] [options]      load one that runs\n"
	"  --calls N      calls in all (default 10)\n"
	"  --at-once N    live at a time (default: all of them, held through the measurement)\n"
	"  --rate R       new calls a second while their number rises (default 10)\n"
	"  --pace R       new calls a second all the time, each of --talk, whatever becomes of those before (1 to "
	"1000)\n"
	"  --low N        hold at so many calls first, for the memory a call takes (default 0: do not)\n"
	"  --talk S       seconds of the steady window; of each call when there are more than --at-once (default 10)\n"
	"  --ring MS      the agent rings so long (default 0)\n"
	"  --say-user WAV, --say-agent WAV      instead of the built-in signal\n"
	"  --probe-every K      every K-th call says tone bursts for the delay (default 5; 0: none)\n"
	"  --listen N     to N of the others, both ways: is what is heard what was said? (default 4)\n"
	"  --workers N    media threads of the watrunk started here (default: one per core)\n"
	"  --log LEVEL    of the watrunk started here (default warn)\n"
	"  --max-loss PERCENT (default 0.1; 100: none), --max-failed N (0)      limits\n"
	"  --json         for programs\n"
	"Exit code 0: within the limits, nothing violated, nothing left over; 1: not; 2: usage, or it could not be "
	"run.\n";

struct options {
	struct load_conf load;
	struct plan plan;
	struct target target; /* pid != 0: attach */
	struct target_conf start;
	struct report_limits limits;
	const char *say_user, *say_agent;
	bool json;
};

enum {
	O_WATRUNK = 1,
	O_PID,
	O_WEBHOOK,
	O_ADMIN,
	O_ADMIN_TOKEN,
	O_GRAPH,
	O_AGENT,
	O_SECRET,
	O_TOKEN,
	O_NUMBER_ID,
	O_NUMBER,
	O_CALLS,
	O_AT_ONCE,
	O_RATE,
	O_PACE,
	O_LOW,
	O_TALK,
	O_RING,
	O_SAY_USER,
	O_SAY_AGENT,
	O_PROBE,
	O_LISTEN,
	O_WORKERS,
	O_LOG,
	O_MAX_LOSS,
	O_MAX_FAILED,
	O_JSON
};

static const struct option long_options[] = {{"watrunk", 1, NULL, O_WATRUNK}, {"pid", 1, NULL, O_PID},
	{"webhook", 1, NULL, O_WEBHOOK}, {"admin", 1, NULL, O_ADMIN}, {"admin-token", 1, NULL, O_ADMIN_TOKEN},
	{"graph", 1, NULL, O_GRAPH}, {"agent", 1, NULL, O_AGENT}, {"app-secret", 1, NULL, O_SECRET},
	{"token", 1, NULL, O_TOKEN}, {"number-id", 1, NULL, O_NUMBER_ID}, {"number", 1, NULL, O_NUMBER},
	{"calls", 1, NULL, O_CALLS}, {"at-once", 1, NULL, O_AT_ONCE}, {"rate", 1, NULL, O_RATE},
	{"pace", 1, NULL, O_PACE}, {"low", 1, NULL, O_LOW}, {"talk", 1, NULL, O_TALK}, {"ring", 1, NULL, O_RING},
	{"say-user", 1, NULL, O_SAY_USER}, {"say-agent", 1, NULL, O_SAY_AGENT}, {"probe-every", 1, NULL, O_PROBE},
	{"listen", 1, NULL, O_LISTEN}, {"workers", 1, NULL, O_WORKERS}, {"log", 1, NULL, O_LOG},
	{"max-loss", 1, NULL, O_MAX_LOSS}, {"max-failed", 1, NULL, O_MAX_FAILED}, {"json", 0, NULL, O_JSON}, {0}};

static bool set_text(char *dst, size_t cap, const char *text)
{
	return snprintf(dst, cap, "%s", text) < (int)cap;
}

static bool take_target(struct options *o, int opt, const char *arg)
{
	struct target *t = &o->target;
	struct plan *p = &o->plan;

	switch (opt) {
	case O_WATRUNK: o->start.watrunk = arg; return true;
	case O_PID: t->pid = atoi(arg); return t->pid > 0;
	case O_WEBHOOK: return set_text(t->webhook_url, sizeof(t->webhook_url), arg);
	case O_ADMIN: return set_text(t->admin_url, sizeof(t->admin_url), arg);
	case O_ADMIN_TOKEN: return set_text(t->admin_token, sizeof(t->admin_token), arg);
	case O_GRAPH: return addr_parse(arg, &o->load.graph_listen) == 0;
	case O_AGENT: return addr_parse(arg, &o->load.agent_listen) == 0;
	case O_SECRET: return set_text(p->app_secret, sizeof(p->app_secret), arg);
	case O_TOKEN: return set_text(p->token, sizeof(p->token), arg);
	case O_NUMBER_ID: return set_text(p->number_id, sizeof(p->number_id), arg);
	case O_NUMBER: return set_text(p->number, sizeof(p->number), arg);
	case O_WORKERS: o->start.workers = (unsigned)atoi(arg); return true;
	case O_LOG: o->start.log_level = arg; return true;
	default: return false;
	}
}

static bool take_option(struct options *o, int opt, const char *arg)
{
	struct load_conf *l = &o->load;

	switch (opt) {
	case O_CALLS: l->calls = (unsigned)atoi(arg); return l->calls > 0 && l->calls <= 100000;
	case O_AT_ONCE: l->at_once = (unsigned)atoi(arg); return l->at_once > 0;
	case O_RATE: l->rate = atof(arg); return l->rate > 0 && l->rate <= 1000;
	case O_LOW: l->low = (unsigned)atoi(arg); return true;
	case O_PACE: l->pace = (unsigned)atoi(arg); return l->pace > 0 && l->pace <= 1000;
	case O_TALK: l->talk_ms = (unsigned)(atof(arg) * 1000); return l->talk_ms >= 200;
	case O_RING: l->ring_ms = (unsigned)atoi(arg); return true;
	case O_SAY_USER: o->say_user = arg; return true;
	case O_SAY_AGENT: o->say_agent = arg; return true;
	case O_PROBE: l->probe_every = (unsigned)atoi(arg); return true;
	case O_LISTEN: l->listen = (unsigned)atoi(arg); return true;
	case O_MAX_LOSS: o->limits.loss_percent = atof(arg); return true;
	case O_MAX_FAILED: o->limits.failed = (unsigned)atoi(arg); return true;
	case O_JSON: o->json = true; return true;
	default: return take_target(o, opt, arg);
	}
}

static bool parse(int argc, char **argv, struct options *o)
{
	struct load_conf *l = &o->load;
	int opt;

	plan_init(&o->plan);
	strcpy(o->plan.app_secret, "loadgen-app-secret");
	strcpy(o->plan.token, "loadgen-graph-token");
	addr_set(&l->graph_listen, "127.0.0.1", 0);
	addr_set(&l->agent_listen, "127.0.0.1", 0);
	l->calls = 10;
	l->rate = 10;
	l->talk_ms = 10000;
	l->probe_every = 5;
	l->listen = 4;
	o->limits.loss_percent = 0.1;
	o->start.log_level = "warn";
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (!take_option(o, opt, optarg))
			return false;
	}
	if (!l->at_once || l->at_once > l->calls)
		l->at_once = l->calls;
	if (l->low >= l->at_once || l->calls > l->at_once || l->pace)
		l->low = 0;
	l->plan = &o->plan;
	if (o->target.pid)
		return *o->target.webhook_url && *o->target.admin_url && addr_port(&l->graph_listen) &&
		       addr_port(&l->agent_listen);
	return o->start.watrunk != NULL;
}

/* ---- what is said ---- */

static struct speech *voice(const char *wav, enum speech_coding coding)
{
	unsigned hz = coding == SPEECH_OPUS ? USER_HZ : AGENT_HZ;
	struct speech *s = NULL;
	char why[300] = "out of memory";
	int16_t *pcm;
	int r;

	if (wav) {
		r = speech_load(wav, coding, &s, why, sizeof(why));
	} else {
		pcm = calloc(hz * SIGNAL_SECONDS, sizeof(*pcm));
		if (!pcm)
			return NULL;
		signal_speechlike(pcm, hz, SIGNAL_SECONDS);
		r = speech_encode(pcm, hz * SIGNAL_SECONDS, hz, coding, &s);
		free(pcm);
	}
	if (r)
		fprintf(stderr, "loadgen: %s\n", why);
	return s;
}

static struct speech *bursts(enum speech_coding coding, struct delay_marks **ret_marks)
{
	unsigned hz = coding == SPEECH_OPUS ? USER_HZ : AGENT_HZ;
	int16_t *pcm = calloc(hz * SIGNAL_SECONDS, sizeof(*pcm));
	struct speech *s = NULL;

	if (!pcm)
		return NULL;
	signal_bursts(pcm, hz, SIGNAL_SECONDS);
	if (speech_encode(pcm, hz * SIGNAL_SECONDS, hz, coding, &s) == 0 && delay_marks_of(s, coding, ret_marks)) {
		speech_free(s);
		s = NULL;
	}
	free(pcm);
	return s;
}

struct voices {
	struct speech *user, *agent, *user_bursts, *agent_bursts;
	struct delay_marks *user_marks, *agent_marks;
};

static bool voices_make(struct voices *v, struct options *o)
{
	v->user = voice(o->say_user, SPEECH_OPUS);
	v->agent = voice(o->say_agent, SPEECH_PCMU);
	v->user_bursts = bursts(SPEECH_OPUS, &v->user_marks);
	v->agent_bursts = bursts(SPEECH_PCMU, &v->agent_marks);
	o->load.user_says = v->user;
	o->load.agent_says = v->agent;
	o->load.user_bursts = v->user_bursts;
	o->load.agent_bursts = v->agent_bursts;
	o->load.user_marks = v->user_marks;
	o->load.agent_marks = v->agent_marks;
	return v->user && v->agent && v->user_bursts && v->agent_bursts;
}

static void voices_free(struct voices *v)
{
	speech_free(v->user);
	speech_free(v->agent);
	speech_free(v->user_bursts);
	speech_free(v->agent_bursts);
	free(v->user_marks);
	free(v->agent_marks);
}

/* ---- the run ---- */

static void on_done(void *arg)
{
	loop_stop(arg);
}

static int start_target(struct options *o, const struct load *ld)
{
	struct target_conf *s = &o->start;
	char why[200];

	if (o->target.pid)
		return 0;
	s->app_secret = o->plan.app_secret;
	s->token = o->plan.token;
	s->number_id = o->plan.number_id;
	s->number = o->plan.number;
	s->max_calls = o->load.at_once + 100;
	load_graph_addr(ld, &s->graph);
	load_agent_addr(ld, &s->agent);
	if (target_start(s, &o->target, why, sizeof(why)) == 0)
		return 0;
	fprintf(stderr, "loadgen: %s\n", why);
	return -1;
}

static int judge(struct options *o, struct load *ld, int target_exit)
{
	struct load_result *res = load_result(ld);
	const char *fault = report_fault(res, &o->limits);

	if (!fault && target_exit)
		fault = "watrunk did not end well";
	if (target_exit)
		fprintf(stderr, "loadgen: watrunk ended with %d; see %s\n", target_exit, o->target.dir);
	if (o->json)
		report_print_json(res, fault);
	else
		report_print(res, fault);
	return *res->failure ? 2 : fault ? 1 : 0;
}

static int run(struct options *o)
{
	struct loop *loop = NULL;
	struct load *ld = NULL;
	int r, code = 2;

	r = loop_new(&loop);
	o->load.on_done = on_done;
	o->load.arg = loop;
	if (r == 0)
		r = load_new(loop, &o->load, &ld);
	if (r) {
		fprintf(stderr, "loadgen: cannot start: %s\n", strerror(-r));
	} else if (start_target(o, ld) == 0) {
		load_start(ld, &o->target);
		loop_run(loop);
		code = judge(o, ld, target_stop(&o->target));
	}
	load_free(ld);
	loop_free(loop);
	return code;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct voices voices = {0};
	struct rlimit files;
	int code = 2;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (!parse(argc, argv, &o)) {
		fputs(usage, stderr);
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* two sockets a call; inherited by the watrunk started here */
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (voices_make(&voices, &o))
		code = run(&o);
	voices_free(&voices);
	return code;
}
