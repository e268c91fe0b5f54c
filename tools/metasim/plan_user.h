/* tools/metasim/plan_user.h
 *
 * The WhatsApp users of a plan: what each allows, how he reacts to messages and calls, and what he does of his own
 * accord.
 */
#ifndef TOOLS_METASIM_PLAN_USER_H
#define TOOLS_METASIM_PLAN_USER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The order of these is that of the words in plan_user.c. */
enum plan_permission { PLAN_NO_PERMISSION, PLAN_TEMPORARY, PLAN_PERMANENT };
enum plan_answer { PLAN_IGNORE, PLAN_ACCEPT_FOR_A_WHILE, PLAN_ACCEPT_FOR_GOOD, PLAN_REFUSE };
enum plan_on_call { PLAN_PICK_UP, PLAN_DECLINE, PLAN_LET_RING };
enum plan_trigger {
	PLAN_ON_START,
	PLAN_ON_TEXT,
	PLAN_ON_CALL_BUTTON,
	PLAN_ON_PERMISSION_REQUEST,
	PLAN_ON_TEMPLATE,
	PLAN_ON_CALL,
	PLAN_ON_ANSWERED,
	PLAN_ON_ENDED,
	PLAN_NOW, /* through the control path only */
};
enum plan_deed {
	PLAN_DEED_TEXT,
	PLAN_DEED_BUTTON,
	PLAN_DEED_BUTTON_REPLY,
	PLAN_DEED_LIST_REPLY,
	PLAN_DEED_REPLY,
	PLAN_DEED_GRANT,
	PLAN_DEED_REVOKE,
	PLAN_DEED_ANSWER,
	PLAN_DEED_DECLINE,
	PLAN_DEED_HANG_UP,
	PLAN_DEED_CALL,
	PLAN_DEEDS
};

struct plan_step {
	unsigned on;    /* enum plan_trigger */
	unsigned at_ms; /* after it */
	unsigned times; /* how often the trigger counts */
	enum plan_deed deed;
	unsigned reply; /* enum plan_answer: REPLY */
	char text[1025], id[257], title[65], payload[513];
	bool flag; /* where a key of a deed with no value of its own goes */
};

struct plan_user {
	char number[24], user_id[64], name[64];
	unsigned permission;      /* at the start: enum plan_permission */
	bool window_open;         /* he wrote within 24 h before the start */
	bool uncallable;          /* 138001 */
	bool callback_permission; /* his calling us grants permission (Meta: callback_permission_status) */
	unsigned on_request;      /* enum plan_answer */
	unsigned reply_after_ms;
	unsigned on_call; /* enum plan_on_call */
	unsigned ring_after_ms, answer_after_ms, talk_ms;
	struct plan_step *steps;
	size_t step_count;
};

/* The array under "users". *ret_users is the caller's to plan_users_free(). Returns 0, -EINVAL with why, or -ENOMEM. */
int plan_users_read(const json_t *array, struct plan_user **ret_users, size_t *ret_count, char *why, size_t why_cap);
void plan_users_free(struct plan_user *users, size_t count);
/* The usual user, without a number. */
void plan_user_init(struct plan_user *u);
/* One step, of a user's list or of the control path. Returns 0 or -EINVAL with why. */
int plan_step_read(const json_t *object, struct plan_step *ret_step, char *why, size_t why_cap);

#endif
