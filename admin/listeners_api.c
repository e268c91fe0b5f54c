/* admin/listeners_api.c -- who listens along to a live call: its recording, its copy as RTP */
#include "admin/admin_internal.h"

struct recording {
	enum api_recording action;
};
static const char *const actions[] = {"start", "pause", "resume", "stop", NULL};
static const struct body_field recording_fields[] = {
	{"action", BODY_WORD, offsetof(struct recording, action), 0, 0, actions, .required = true},
};

static const char *const fork_actions[] = {"start", "stop", NULL};
static const char *const fork_sides[] = {"both", "user", "agent", NULL};
static const char *const fork_formats[] = {"pcmu", "l16", NULL};
static const struct body_field fork_fields[] = {
	{"action", BODY_WORD_BOOL, offsetof(struct api_fork, stop), 0, 0, fork_actions, .required = true},
	{"to", BODY_TEXT, offsetof(struct api_fork, to), 1, 64},
	{"directions", BODY_WORD, offsetof(struct api_fork, side), 0, 0, fork_sides},
	{"format", BODY_WORD, offsetof(struct api_fork, format), 0, 0, fork_formats},
};

const struct body_schema recording_body = {
	recording_fields, sizeof(recording_fields) / sizeof(recording_fields[0]), sizeof(struct recording)};
const struct body_schema fork_body = {
	fork_fields, sizeof(fork_fields) / sizeof(fork_fields[0]), sizeof(struct api_fork)};

void post_recording(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	struct recording recording;
	struct body body;

	if (!reply_read_body(r, &body, &recording))
		return;
	r->done = json_pack("{s:s, s:s}", "id", r->id, "action", actions[recording.action]);
	if (ops->recording)
		ops->recording(r->id, recording.action, r, ops->arg);
	else
		reply_problem(r, API_NOT_OFFERED, NULL);
	body_done(&body);
}

static int check_fork(struct body *body, const struct api_fork *f)
{
	if (!f->stop && !*f->to)
		return body_refuse(body, "to", "is needed: ADDRESS:PORT");
	if (f->stop && *f->to)
		return body_refuse(body, "to", "only with start");
	return 0;
}

void post_fork(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	struct api_fork f;
	struct body body;

	if (!reply_read_body(r, &body, &f))
		return;
	if (check_fork(&body, &f)) {
		reply_refuse_body(r, &body);
		return;
	}
	r->done = json_pack("{s:s, s:s}", "id", r->id, "action", fork_actions[f.stop]);
	if (ops->fork)
		ops->fork(r->id, &f, r, ops->arg);
	else
		reply_problem(r, API_NOT_OFFERED, NULL);
	body_done(&body);
}
