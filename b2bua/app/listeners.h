/* b2bua/app/listeners.h
 *
 * Who listens along to a call: its recording, its copy as RTP. Inside b2bua/app. Owner: control thread.
 */
#ifndef B2BUA_APP_LISTENERS_H
#define B2BUA_APP_LISTENERS_H

#include "b2bua/app/shell.h"
#include "media/tap/recorder.h"

int listeners_start(struct app *app, char *why, size_t why_cap);
void on_recorder_event(const struct recorder_event *ev, void *app);

/* The call is up. rule: NULL is as the section recording says. Returns 0, -ENOTSUP (there is no such section),
 * -EALREADY, or another negative errno, of which recording.failed was told: -ENODATA (the announcement came with a
 * reload, and needs a restart). */
int recording_begin(struct app_call *ac, const struct route_record *rule);
/* Silence in the file meanwhile. Returns 0, -ENOENT (it is not being recorded) or -EAGAIN. */
int recording_pause(struct app_call *ac, bool on);
int recording_stop(struct app_call *ac);
/* Returns 0, -EINVAL or -EPERM (where to), or -EAGAIN. */
int fork_begin(struct app_call *ac, const struct route_fork *fork);
int fork_stop(struct app_call *ac);

/* Why a recording failed, for people and programs: "disk_full" ... */
const char *recording_failure_name(int error);
/* "on", "paused", or NULL: it is not being recorded. */
const char *recording_state(const struct app_call *ac);
bool fork_is_on(const struct app_call *ac);

struct api_ops;
void on_listener_ops(struct api_ops *ops);

/* After each step: what the rule wants begins when both sides can talk. */
void listeners_call_changes(struct app_call *ac, const struct call_report *before, const struct call_report *after);
/* True: the recording's end is waited for, which then steps the call; its own timers go on. */
bool listeners_media_closed(struct app_call *ac);
void listeners_fill(const struct app_call *ac, struct call_record *r);
void listeners_done(struct app_call *ac);

#endif
