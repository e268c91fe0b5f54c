/* b2bua/app/listeners.c
 *
 * Who listens along to a call: its recording, and its copy as RTP. Both begin when both sides can talk, because the
 * rule says so, or later because the API asks; whatever becomes of them, the call goes on.
 *
 *   rule | API --> recorder_start() --> ring --> media_record() --> worker ... --> recorder_event --> event, record
 */
#include "b2bua/app/listeners.h"

#include "lib/base/counter.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "media/tap/record_ring.h"
#include "media/tap/rtp_copy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct listeners {
	bool recording, paused;
	const char *why;   /* it is being ended: "stopped", "call_ended"; NULL: nobody has asked */
	bool media_closed; /* the call waits for the recording's end */
	bool forked;

	char path[RECORD_PATH_MAX + 16]; /* the last recording's; "" none yet */
	int64_t length_ms;               /* -1: not known */
	char end[48];
};

static struct listeners *listeners_of(struct app_call *ac)
{
	if (!ac->listeners) {
		ac->listeners = calloc(1, sizeof(*ac->listeners));
		if (ac->listeners)
			ac->listeners->length_ms = -1;
	}
	return ac->listeners;
}

/* ---- recording ---- */

const char *recording_failure_name(int error)
{
	switch (error) {
	case -ENOSPC:
	case -EDQUOT: return "disk_full";
	case -EACCES:
	case -EPERM:
	case -EROFS: return "not_writable";
	case -ENOENT:
	case -ENOTDIR: return "no_directory";
	case -ENOMEM:
	case -EAGAIN:
	case -EMFILE:
	case -ENFILE: return "resources";
	case -ENODATA: return "no_announcement";
	default: return "disk_error";
	}
}

static void note_failure(struct app_call *ac, const char *path, int error)
{
	struct listeners *l = ac->listeners;

	log_warn("recording_failed", "call=%s path=\"%.200s\" error=\"%s\"", ac->id, path, strerror(-error));
	counter_inc(CNT_RECORDINGS_FAILED);
	(void)str_copy(l->path, sizeof(l->path), path);
	(void)str_copy(l->end, sizeof(l->end), "failed: ");
	(void)str_copy(l->end + strlen(l->end), sizeof(l->end) - strlen(l->end), recording_failure_name(error));
	emit_recording(ac, "recording.failed", path, recording_failure_name(error), l->length_ms);
}

static int expand_name(const struct app_call *ac, const struct route_record *rule, char *dst)
{
	struct call_report rep;

	call_report(ac->call, &rep);
	const char *user = *rep.user_number ? rep.user_number : rep.user_id;
	const struct record_facts facts = {.call_id = ac->id,
		.from = rep.outbound ? rep.number : user,
		.to = rep.outbound ? user : rep.number,
		.number = rep.number,
		.wall_ms = loop_wall_ms(ac->app->loop)};
	return record_path_expand(rule && *rule->path ? rule->path : ac->config->recording.path, &facts, dst);
}

static int start_writing(struct app_call *ac, const struct route_record *rule)
{
	const struct config *c = ac->config;
	enum config_announce announce = c->recording.announce;
	char name[RECORD_PATH_MAX];
	struct record_ring *ring;
	int r = expand_name(ac, rule, name);
	const struct recording_conf conf = {.id = ac->key,
		.directory = c->recording.directory,
		.name = name,
		.opus = rule && *rule->format ? str_equal(rule->format, "opus") : c->recording.opus,
		.max_ms = c->recording.max_ms,
		.max_bytes = c->recording.max_bytes};

	if (rule && *rule->announce)
		(void)config_announce_parse(rule->announce, &announce);
	/* The engine has read it at start: one that came with a reload is not there to be played, and who was to hear
	 * that he is recorded is not recorded unheard. */
	if (r == 0 && announce != ANNOUNCE_NONE && !ac->app->boot->media.announcement_path)
		r = -ENODATA;
	if (r == 0)
		r = recorder_start(ac->app->recorder, &conf, &ring);
	if (r)
		return r;
	r = media_record(ac->app->media, ac->media_session, ring, announce != ANNOUNCE_NONE, announce == ANNOUNCE_BOTH);
	if (r)
		record_ring_close(ring, 0); /* the recorder ends it */
	return r;
}

int recording_begin(struct app_call *ac, const struct route_record *rule)
{
	struct listeners *l = listeners_of(ac);
	int r;

	if (!ac->config->recording.directory)
		return -ENOTSUP;
	if (!l)
		return -ENOMEM;
	if (l->recording)
		return -EALREADY;
	l->length_ms = -1;
	l->path[0] = l->end[0] = '\0';
	r = start_writing(ac, rule);
	if (r) {
		note_failure(ac, "", r);
		return r;
	}
	l->recording = true;
	l->paused = false;
	l->why = NULL;
	return 0;
}

int recording_pause(struct app_call *ac, bool on)
{
	struct listeners *l = ac->listeners;

	if (!l || !l->recording || l->why)
		return -ENOENT;
	if (l->paused == on)
		return 0;
	int r = media_record_pause(ac->app->media, ac->media_session, on);
	if (r)
		return r;
	l->paused = on;
	emit_recording(ac, on ? "recording.paused" : "recording.resumed", l->path, NULL, -1);
	return 0;
}

int recording_stop(struct app_call *ac)
{
	struct listeners *l = ac->listeners;

	if (!l || !l->recording || l->why)
		return -ENOENT;
	int r = media_record_stop(ac->app->media, ac->media_session);
	if (r == 0)
		l->why = "stopped";
	return r;
}

const char *recording_state(const struct app_call *ac)
{
	const struct listeners *l = ac->listeners;
	return !l || !l->recording || l->why ? NULL : l->paused ? "paused" : "on";
}

/* ---- what the recorder says ---- */

static void on_begun(struct app_call *ac, const struct recorder_event *ev)
{
	counter_inc(CNT_RECORDINGS_STARTED);
	(void)str_copy(ac->listeners->path, sizeof(ac->listeners->path), ev->path);
	log_info("recording_started", "call=%s path=\"%.200s\"", ac->id, ev->path);
	emit_recording(ac, "recording.started", ev->path, NULL, -1);
}

static void on_ended(struct app_call *ac, const struct recorder_event *ev)
{
	struct listeners *l = ac->listeners;
	const char *why = ev->limit ? "limit" : l->why ? l->why : "call_ended";

	l->recording = false;
	l->length_ms = (int64_t)ev->length_ms;
	if (ev->lost_frames)
		log_warn("recording_has_holes", "call=%s frames=%llu", ac->id, (unsigned long long)ev->lost_frames);
	if (ev->error) {
		note_failure(ac, ev->path, ev->error);
	} else {
		(void)str_copy(l->path, sizeof(l->path), ev->path);
		(void)str_copy(l->end, sizeof(l->end), why);
		log_info("recording_stopped", "call=%s reason=%s ms=%llu bytes=%llu path=\"%.200s\"", ac->id, why,
			(unsigned long long)ev->length_ms, (unsigned long long)ev->bytes, ev->path);
		emit_recording(ac, "recording.stopped", ev->path, why, l->length_ms);
	}
	if ((ev->error || ev->limit) && !l->media_closed) /* else the worker goes on for nobody */
		(void)media_record_stop(ac->app->media, ac->media_session);
	if (l->media_closed) {
		struct call_event closed = {.kind = CALL_EV_MEDIA_CLOSED};
		app_step(ac, &closed);
	}
}

void on_recorder_event(const struct recorder_event *ev, void *arg)
{
	struct app_call *ac = registry_by_key(arg, ev->id);

	if (!ac || !ac->listeners) {
		if (ev->error)
			log_warn("recording_failed", "path=\"%.200s\" error=\"%s\" note=\"the call is gone\"", ev->path,
				strerror(-ev->error));
		return;
	}
	if (!ac->listeners->recording)
		return; /* one that the worker would not take: told already */
	if (ev->kind == RECORDER_BEGUN)
		on_begun(ac, ev);
	else
		on_ended(ac, ev);
}

/* ---- copies ---- */

int fork_begin(struct app_call *ac, const struct route_fork *fork)
{
	struct rtp_copy_conf conf = {.ssrc = crypto_random_u32()};
	struct listeners *l = listeners_of(ac);
	int r = config_fork_addr(ac->config, fork->to, &conf.to);

	if (r || !l)
		return r ? r : -ENOMEM;
	conf.format = str_equal(fork->format, "l16") ? RTP_COPY_L16 : RTP_COPY_PCMU;
	conf.side[SIDE_WA] = !str_equal(fork->directions, "agent");
	conf.side[SIDE_SIP] = !str_equal(fork->directions, "user");
	r = media_copy(ac->app->media, ac->media_session, &conf);
	if (r)
		return r;
	l->forked = true;
	log_info("fork_started", "call=%s to=%s", ac->id, fork->to);
	return 0;
}

int fork_stop(struct app_call *ac)
{
	int r = media_copy_stop(ac->app->media, ac->media_session);

	if (r == 0 && ac->listeners)
		ac->listeners->forked = false;
	return r;
}

bool fork_is_on(const struct app_call *ac)
{
	return ac->listeners && ac->listeners->forked;
}

/* ---- the call ---- */

void listeners_call_changes(struct app_call *ac, const struct call_report *before, const struct call_report *after)
{
	struct route_extras extras;
	int r;

	if (before->answered_ms || !after->answered_ms || after->ended)
		return;
	extras = dialplan_extras(ac->config->dialplan, after->rule);
	if (extras.record)
		(void)recording_begin(ac, extras.record); /* what went wrong is told */
	if (!extras.fork)
		return;
	r = fork_begin(ac, extras.fork);
	if (r)
		log_warn("fork_failed", "call=%s to=%s error=\"%s\"", ac->id, extras.fork->to, strerror(-r));
}

bool listeners_media_closed(struct app_call *ac)
{
	struct listeners *l = ac->listeners;

	if (!l || !l->recording)
		return false;
	if (!l->why)
		l->why = "call_ended";
	l->media_closed = true;
	return true;
}

void listeners_fill(const struct app_call *ac, struct call_record *r)
{
	const struct listeners *l = ac->listeners;

	if (!l)
		return;
	(void)str_copy(r->recording, sizeof(r->recording), l->path);
	r->recording_ms = l->length_ms;
	(void)str_copy(r->recording_end, sizeof(r->recording_end), l->recording ? "unfinished" : l->end);
}

void listeners_done(struct app_call *ac)
{
	free(ac->listeners);
	ac->listeners = NULL;
}

int listeners_start(struct app *app, char *why, size_t why_cap)
{
	const struct recorder_conf conf = {.on_event = on_recorder_event, .arg = app};
	const char *directory = app->config->recording.directory;
	int r = recorder_new(app->loop, &conf, &app->recorder);

	if (directory && access(directory, W_OK | X_OK))
		log_warn("recording_directory", "path=\"%.200s\" error=\"%s\"", directory, strerror(errno));
	if (r)
		snprintf(why, why_cap, "recorder: %s", strerror(-r));
	return r;
}
