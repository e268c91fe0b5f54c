/* b2bua/app/shutdown.c
 *
 * SIGINT or SIGTERM: no new calls; those that live are hung up on both sides, and every one of them gets its record. A
 * second signal, or the deadline, ends the program at once. SIGHUP: the configuration is read again.
 */
#include "b2bua/app/shell.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
	STOP_DEADLINE_MS = 15000
}; /* closing takes 10 s at most, and a held terminate three more: b2bua/call/limits.h */

static void on_deadline(void *arg)
{
	struct app *app = arg;

	log_warn("stop_forced", "calls=%u graph_pending=%zu", HASH_CNT(by_id, app->by_id), graph_pending(app->graph));
	loop_stop(app->loop);
}

void shutdown_check(struct app *app)
{
	if (app->stopping && !app->by_id && !app->graph_tickets)
		loop_stop(app->loop);
}

static void hang_up_all(struct app *app)
{
	struct app_call *ac, *next;

	/* One call's end never removes another: "next" stays valid. */
	HASH_ITER (by_id, app->by_id, ac, next) {
		app_step_hangup(ac, CAUSE_SHUTDOWN, ENDED_BY_US);
	}
}

static void on_signal(void *arg, int ready)
{
	struct app *app = arg;
	struct signalfd_siginfo info;

	(void)ready;
	if (read(app->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		reload_start(app);
		return;
	}
	if (app->stopping) {
		on_deadline(app);
		return;
	}
	log_info("stopping", "signal=%u calls=%u", info.ssi_signo, HASH_CNT(by_id, app->by_id));
	app->stopping = true;
	loop_timer_set(
		app->loop, &app->stop_timer, loop_now_us(app->loop) + STOP_DEADLINE_MS * 1000ULL, on_deadline, app);
	hang_up_all(app);
	shutdown_check(app);
}

int shutdown_watch_signals(struct app *app)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	app->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (app->signal_fd < 0)
		return -errno;
	return loop_watch(app->loop, app->signal_fd, LOOP_READ, on_signal, app, &app->signal_watch);
}
