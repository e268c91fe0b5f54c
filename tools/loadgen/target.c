/* tools/loadgen/target.c -- see target.h */
#include "tools/loadgen/target.h"

#include "lib/base/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STOP_TRIES = 2000, STOP_POLL_US = 10000 };
/* Above our media ranges and below the ephemeral ports, which some connection may take between our look and watrunk's
 * bind. */
enum { SERVICE_PORT_MIN = 32000, SERVICE_PORT_MAX = 32767 };

static const char *const files[] = {
	"watrunk.yaml", "watrunk.log", "calls.db", "calls.db-wal", "calls.db-shm", "calls.db-lock"};

/* Free for TCP and UDP a moment ago, and not below *next, which moves on. 0: none. */
static uint16_t free_port(uint16_t *next)
{
	while (*next <= SERVICE_PORT_MAX) {
		struct addr a;
		uint16_t port = (*next)++;
		int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
		    udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		bool ok;
		addr_set(&a, "127.0.0.1", port);
		ok = tcp >= 0 && udp >= 0 && bind(tcp, &a.u.sa, addr_len(&a)) == 0 &&
		     bind(udp, &a.u.sa, addr_len(&a)) == 0;
		if (tcp >= 0)
			close(tcp);
		if (udp >= 0)
			close(udp);
		if (ok)
			return port;
	}
	return 0;
}

/* Port ranges below Linux's ephemeral ones (32768 and up), from which the simulated users take theirs. */
static const char config_text[] =
	"webhook: {listen: \"127.0.0.1:%u\", path: /webhook, verify_token: loadgen, app_secret: \"%s\"}\n"
	"admin: {listen: \"127.0.0.1:%u\", token: \"%s\"}\n"
	"graph: {base_url: \"http://%s\", version: v25.0}\n"
	"numbers:\n  - {phone_number_id: \"%s\", number: \"+%s\", token: \"%s\", max_calls: %u}\n"
	"sip: {listen: [\"udp:127.0.0.1:%u\"], domain: 127.0.0.1}\n"
	"media: {public_address: 127.0.0.1, bind_address: 127.0.0.1, webrtc_ports: 12000-19999, rtp_ports: "
	"20000-31999,\n"
	"  workers: %u, max_calls: %u, opus_complexity: 0}\n" /* as codec_loop: not what the load allows */
	"gateways:\n  - {name: agent, uri: \"sip:%s;transport=udp\", codecs: [PCMU]}\n"
	"dialplan:\n  - {name: all, match: {direction: inbound}, actions: [{bridge: {gateways: [agent], user: \"600\", "
	"timeout: 25}}]}\n"
	"store: {url: \"sqlite:%s/calls.db\"}\n"
	"log: {level: %s, format: json}\n";

static int write_config(const struct target_conf *c, struct target *t, const char *path)
{
	uint16_t next = (uint16_t)(SERVICE_PORT_MIN + getpid() % 600); /* runs side by side look in different places */
	unsigned webhook = free_port(&next), admin = free_port(&next), sip = free_port(&next);
	char graph[ADDR_TEXT_MAX], agent[ADDR_TEXT_MAX];
	FILE *f = webhook && admin && sip ? fopen(path, "we") : NULL;
	int n;

	if (!f)
		return -EADDRNOTAVAIL;
	crypto_random_text(t->admin_token, 24);
	snprintf(t->webhook_url, sizeof(t->webhook_url), "http://127.0.0.1:%u/webhook", webhook);
	snprintf(t->admin_url, sizeof(t->admin_url), "http://127.0.0.1:%u", admin);
	n = fprintf(f, config_text, webhook, c->app_secret, admin, t->admin_token,
		addr_format(&c->graph, graph, sizeof(graph)), c->number_id, c->number, c->token, c->max_calls, sip,
		c->workers, c->max_calls, addr_format(&c->agent, agent, sizeof(agent)), t->dir, c->log_level);
	return fclose(f) || n < 0 ? -EIO : 0;
}

static void run_child(const struct target_conf *c, const char *config, const char *log)
{
	int in = open("/dev/null", O_RDONLY), out = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	execl(c->watrunk, c->watrunk, "run", "-c", config, (char *)NULL);
	_exit(127);
}

static void remove_dir(const struct target *t)
{
	char path[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", t->dir, files[i]);
		(void)unlink(path);
	}
	if (rmdir(t->dir))
		fprintf(stderr, "loadgen: %s is left: %s\n", t->dir, strerror(errno));
}

int target_start(const struct target_conf *conf, struct target *ret_target, char *why, size_t why_cap)
{
	struct target t = {.ours = true, .dir = P_tmpdir "/loadgen-XXXXXX"};
	char config[128], log[128];
	int r;

	if (access(conf->watrunk, X_OK)) {
		snprintf(why, why_cap, "%s: %s", conf->watrunk, strerror(errno));
		return -ENOENT;
	}
	if (!mkdtemp(t.dir)) {
		snprintf(why, why_cap, "no temporary folder: %s", strerror(errno));
		return -EIO;
	}
	snprintf(config, sizeof(config), "%s/%s", t.dir, files[0]);
	snprintf(log, sizeof(log), "%s/%s", t.dir, files[1]);
	r = write_config(conf, &t, config);
	if (r == 0) {
		t.pid = fork();
		if (t.pid == 0)
			run_child(conf, config, log);
		r = t.pid < 0 ? -errno : 0;
	}
	if (r) {
		snprintf(why, why_cap, "watrunk cannot be started: %s", strerror(-r));
		remove_dir(&t);
		return r;
	}
	*ret_target = t;
	return 0;
}

bool target_gone(const struct target *t)
{
	siginfo_t info = {0};

	if (!t->ours)
		return kill(t->pid, 0) != 0 && errno == ESRCH;
	return waitid(P_PID, (id_t)t->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == t->pid;
}

int target_stop(struct target *t)
{
	const struct timespec pause = {.tv_nsec = STOP_POLL_US * 1000L};
	int status = 0, r = -ETIMEDOUT;

	if (!t->ours || t->pid <= 0)
		return 0;
	(void)kill(t->pid, SIGTERM);
	for (int i = 0; i < STOP_TRIES && r; i++) {
		if (waitpid(t->pid, &status, WNOHANG) == t->pid)
			r = 0;
		else
			nanosleep(&pause, NULL);
	}
	if (r) {
		(void)kill(t->pid, SIGKILL);
		(void)waitpid(t->pid, &status, 0);
	} else {
		r = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	t->pid = 0;
	if (r == 0)
		remove_dir(t);
	return r;
}
