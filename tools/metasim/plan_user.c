/* tools/metasim/plan_user.c -- see plan_user.h */
#include "tools/metasim/plan_user.h"

#include "tools/metasim/plan_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RING_AFTER_MS = 50, ANSWER_AFTER_MS = 500, REPLY_AFTER_MS = 200 };

static const char *const permissions[] = {"none", "temporary", "permanent", NULL};
static const char *const answers[] = {"ignore", "accept", "accept_permanent", "reject", NULL};
static const char *const on_calls[] = {"answer", "reject", "ignore", NULL};
static const char *const triggers[] = {
	"start", "text", "call_button", "permission_request", "template", "call", "answered", "ended", NULL};

#define KEY(name, type, member)                                                                                        \
	{                                                                                                              \
		name, type, offsetof(struct plan_user, member), sizeof(((struct plan_user *)0)->member), NULL          \
	}
#define WORD_KEY(name, type, member, words)                                                                            \
	{                                                                                                              \
		name, type, offsetof(struct plan_user, member), sizeof(unsigned), words                                \
	}

static const struct plan_key user_keys[] = {KEY("number", TEXT, number), KEY("user_id", TEXT, user_id),
	KEY("name", TEXT, name), WORD_KEY("permission", WORD, permission, permissions),
	KEY("window_open", FLAG, window_open), KEY("uncallable", FLAG, uncallable),
	KEY("callback_permission", FLAG, callback_permission), WORD_KEY("on_request", WORD, on_request, answers),
	KEY("reply_after_ms", UINT, reply_after_ms), WORD_KEY("on_call", WORD, on_call, on_calls),
	KEY("ring_after_ms", UINT, ring_after_ms), KEY("answer_after_ms", UINT, answer_after_ms),
	KEY("talk_ms", UINT, talk_ms), {"steps", PART, offsetof(struct plan_user, steps), 0, NULL}, {0}};

#undef KEY
#undef WORD_KEY
#define KEY(name, type, member)                                                                                        \
	{                                                                                                              \
		name, type, offsetof(struct plan_step, member), sizeof(((struct plan_step *)0)->member), NULL          \
	}
#define WORD_KEY(name, type, member, words)                                                                            \
	{                                                                                                              \
		name, type, offsetof(struct plan_step, member), sizeof(unsigned), words                                \
	}

static const struct plan_key step_keys[] = {WORD_KEY("on", WORD, on, triggers), KEY("at_ms", UINT, at_ms),
	KEY("times", UINT, times), KEY("text", TEXT, text), KEY("button", TEXT, id), KEY("button_reply", TEXT, id),
	KEY("list_reply", TEXT, id), WORD_KEY("reply", WORD, reply, answers), KEY("grant", FLAG, flag),
	KEY("revoke", FLAG, flag), KEY("answer", FLAG, flag), KEY("decline", FLAG, flag), KEY("hang_up", FLAG, flag),
	KEY("call", FLAG, flag), KEY("title", TEXT, title), KEY("payload", TEXT, payload), {0}};

static const char *const deeds[PLAN_DEEDS] = {"text", "button", "button_reply", "list_reply", "reply", "grant",
	"revoke", "answer", "decline", "hang_up", "call"};

int plan_step_read(const json_t *object, struct plan_step *ret_step, char *why, size_t why_cap)
{
	struct plan_step step = {.times = 1};
	int found = 0, r = plan_keys_set(&step, step_keys, object, why, why_cap);

	if (r)
		return r;
	for (int i = 0; i < PLAN_DEEDS; i++) {
		if (json_object_get(object, deeds[i])) {
			step.deed = (enum plan_deed)i;
			found++;
		}
	}
	if (found != 1) {
		snprintf(why, why_cap, "a step needs exactly one deed (text, button, reply, call ...)");
		return -EINVAL;
	}
	*ret_step = step;
	return 0;
}

void plan_user_init(struct plan_user *u)
{
	memset(u, 0, sizeof(*u));
	u->ring_after_ms = RING_AFTER_MS;
	u->answer_after_ms = ANSWER_AFTER_MS;
	u->reply_after_ms = REPLY_AFTER_MS;
}

static int read_steps(const json_t *array, struct plan_user *u, char *why, size_t why_cap)
{
	size_t count = json_array_size(array);
	int r = 0;

	if (!array)
		return 0;
	if (!json_is_array(array)) {
		snprintf(why, why_cap, "\"steps\": an array was expected");
		return -EINVAL;
	}
	u->steps = calloc(count + 1, sizeof(*u->steps));
	if (!u->steps)
		return -ENOMEM;
	for (; r == 0 && u->step_count < count; u->step_count++)
		r = plan_step_read(json_array_get(array, u->step_count), &u->steps[u->step_count], why, why_cap);
	return r;
}

static int read_user(const json_t *object, struct plan_user *u, char *why, size_t why_cap)
{
	int r;

	plan_user_init(u);
	r = plan_keys_set(u, user_keys, object, why, why_cap);
	if (r)
		return r;
	if (strspn(u->number, "0123456789") != strlen(u->number) || (!*u->number && !*u->user_id)) {
		snprintf(why, why_cap, "\"users\": every user needs a number of digits, or a user_id");
		return -EINVAL;
	}
	return read_steps(json_object_get(object, "steps"), u, why, why_cap);
}

int plan_users_read(const json_t *array, struct plan_user **ret_users, size_t *ret_count, char *why, size_t why_cap)
{
	size_t count = json_array_size(array);
	struct plan_user *users = calloc(count + 1, sizeof(*users));
	int r = users ? 0 : -ENOMEM;

	if (r == 0 && !json_is_array(array)) {
		snprintf(why, why_cap, "\"users\": an array was expected");
		r = -EINVAL;
	}
	for (size_t i = 0; r == 0 && i < count; i++)
		r = read_user(json_array_get(array, i), &users[i], why, why_cap);
	if (r) {
		plan_users_free(users, count);
		return r;
	}
	*ret_users = users;
	*ret_count = count;
	return 0;
}

void plan_users_free(struct plan_user *users, size_t count)
{
	for (size_t i = 0; users && i < count; i++)
		free(users[i].steps);
	free(users);
}
