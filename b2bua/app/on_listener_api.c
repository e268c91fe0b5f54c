/* b2bua/app/on_listener_api.c -- what the HTTP API asks of recordings and copies of live calls */
#include "b2bua/app/listeners.h"

#include "admin/admin.h"
#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

static void refuse(struct api_reply *reply, enum api_problem problem, const char *detail)
{
	const struct api_fault fault = {.problem = problem, .detail = detail};
	api_refuse(reply, &fault);
}

/* NULL: the reply is completed. */
static struct app_call *call_that_is_up(struct app *app, const char *id, struct api_reply *reply)
{
	struct app_call *ac = registry_by_id(app, id);
	const char *tenant = api_tenant(reply);
	struct call_report rep;

	if (!ac || (*tenant && !str_equal(tenant, ac->number->tenant))) {
		refuse(reply, API_NOT_FOUND, "No live call has this id");
		return NULL;
	}
	call_report(ac->call, &rep);
	if (rep.ended || !rep.answered_ms) {
		refuse(reply, API_CONFLICT, "The call is not up");
		return NULL;
	}
	return ac;
}

static void recording(const char *id, enum api_recording action, struct api_reply *reply, void *arg)
{
	static const char *const actions[] = {[API_RECORDING_START] = "start",
		[API_RECORDING_PAUSE] = "pause",
		[API_RECORDING_RESUME] = "resume",
		[API_RECORDING_STOP] = "stop"};
	struct app_call *ac = call_that_is_up(arg, id, reply);
	int r = 0;

	if (!ac)
		return;
	log_info("api_recording", "call=%s action=%s", ac->id, actions[action]);
	switch (action) {
	case API_RECORDING_START: r = recording_begin(ac, NULL); break;
	case API_RECORDING_PAUSE: r = recording_pause(ac, true); break;
	case API_RECORDING_RESUME: r = recording_pause(ac, false); break;
	case API_RECORDING_STOP: r = recording_stop(ac); break;
	}
	if (r == 0)
		api_done(reply);
	else if (r == -ENOTSUP)
		refuse(reply, API_NOT_OFFERED, "The configuration has no section recording");
	else if (r == -ENODATA)
		refuse(reply, API_NOT_OFFERED, "recording.announcement came with a reload: it is read at start");
	else if (r == -EALREADY)
		refuse(reply, API_CONFLICT, "The call is being recorded");
	else if (r == -ENOENT)
		refuse(reply, API_CONFLICT, "The call is not being recorded");
	else
		refuse(reply, API_BUSY, strerror(-r));
}

static void copy(const char *id, const struct api_fork *f, struct api_reply *reply, void *arg)
{
	struct app_call *ac = call_that_is_up(arg, id, reply);
	static const char *const sides[] = {"both", "user", "agent"}, *const formats[] = {"pcmu", "l16"};
	const struct route_fork fork = {f->to, sides[f->side], formats[f->format]};
	int r;

	if (!ac)
		return;
	r = f->stop ? fork_stop(ac) : fork_begin(ac, &fork);
	if (r == 0)
		api_done(reply);
	else if (r == -EINVAL)
		refuse(reply, API_TARGET_REFUSED, "Not ADDRESS:PORT");
	else if (r == -EPERM)
		refuse(reply, API_TARGET_REFUSED, "Not in media_fork.allow");
	else
		refuse(reply, API_BUSY, strerror(-r));
}

void on_listener_ops(struct api_ops *ops)
{
	ops->recording = recording;
	ops->fork = copy;
}
