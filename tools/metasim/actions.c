/* tools/metasim/actions.c
 *
 * What users do: the steps of the plan, when their trigger comes, and what the control path asks for.
 */
#include "tools/metasim/meta_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct meta_action {
	struct meta_user *user;
	struct plan_step step;
	char context[META_WACID_MAX]; /* what a reply answers; "": the last message */
	struct loop_timer timer;
	struct meta_action *next;
};

static void free_action(struct meta_action *a)
{
	for (struct meta_action **p = &a->user->meta->actions; *p; p = &(*p)->next) {
		if (*p == a) {
			*p = a->next;
			break;
		}
	}
	loop_timer_cancel(&a->timer);
	free(a);
}

static void write_message(struct meta_user *u, const char *event, json_t *message, const char *told)
{
	meta_timeline_user(u->meta, u, event, told);
	meta_user_wrote(u);
	webhook_message(u, message);
}

static json_t *with_context(struct meta_user *u, json_t *message)
{
	if (*u->message_wamid)
		json_object_set_new(message, "context",
			json_pack("{s:s, s:s}", "from", u->meta->plan->number, "id", u->message_wamid));
	return message;
}

static void press_button(struct meta_user *u, const struct plan_step *s)
{
	write_message(u, "user_button",
		with_context(u, json_pack("{s:s, s:{s:s, s:s}}", "type", "button", "button", "payload", s->id, "text",
					s->title)),
		s->id);
}

static void choose(struct meta_user *u, const struct plan_step *s, const char *kind)
{
	write_message(u, "user_choice",
		with_context(u, json_pack("{s:s, s:{s:s, s:{s:s, s:s}}}", "type", "interactive", "interactive", "type",
					kind, kind, "id", s->id, "title", s->title)),
		s->id);
}

static void reply_to_request(struct meta_user *u, const struct plan_step *s, const char *context)
{
	if (s->reply == PLAN_IGNORE)
		return;
	meta_user_decides(u, s->reply);
	meta_timeline_user(u->meta, u, "permission_reply", s->reply == PLAN_REFUSE ? "reject" : "accept");
	webhook_permission_reply(u, *context ? context : u->request_wamid, false);
}

static void hang_up(struct meta_user *u)
{
	for (struct meta_call *c = u->meta->calls; c; c = c->next) {
		if (c->who == u && c->state != META_ENDED)
			meta_end(c, "user", 0);
	}
}

static void answer_phone(struct meta_user *u, bool pick_up)
{
	for (struct meta_call *c = u->meta->calls; c; c = c->next) {
		if (c->who == u && c->state == META_RINGING) {
			outbound_answer(c, pick_up);
			return;
		}
	}
}

static void perform(struct meta_user *u, const struct plan_step *s, const char *context)
{
	switch (s->deed) {
	case PLAN_DEED_TEXT:
		write_message(
			u, "user_text", json_pack("{s:s, s:{s:s}}", "type", "text", "text", "body", s->text), s->text);
		break;
	case PLAN_DEED_BUTTON: press_button(u, s); break;
	case PLAN_DEED_BUTTON_REPLY: choose(u, s, "button_reply"); break;
	case PLAN_DEED_LIST_REPLY: choose(u, s, "list_reply"); break;
	case PLAN_DEED_REPLY: reply_to_request(u, s, context); break;
	case PLAN_DEED_GRANT:
		meta_user_decides(u, PLAN_ACCEPT_FOR_GOOD);
		meta_timeline_user(u->meta, u, "permission_granted", "profile");
		webhook_permission_reply(u, NULL, false);
		break;
	case PLAN_DEED_REVOKE: /* whether a webhook tells of it is not documented: none does */
		meta_user_decides(u, PLAN_REFUSE);
		meta_timeline_user(u->meta, u, "permission_revoked", "profile");
		break;
	case PLAN_DEED_ANSWER:
	case PLAN_DEED_DECLINE: answer_phone(u, s->deed == PLAN_DEED_ANSWER); break;
	case PLAN_DEED_HANG_UP: hang_up(u); break;
	case PLAN_DEED_CALL:
		if (meta_user_calls_us(u, *s->payload ? s->payload : u->button_payload, !*s->payload, false))
			fprintf(stderr, "metasim: a user could not be made: out of memory or descriptors\n");
		break;
	case PLAN_DEEDS: break;
	}
}

static void on_due(void *arg)
{
	struct meta_action *a = arg;

	perform(a->user, &a->step, a->context);
	free_action(a);
}

int meta_act(struct meta_user *u, const struct plan_step *step, uint64_t after_ms, const char *context)
{
	struct meta *m = u->meta;
	struct meta_action *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->user = u;
	a->step = *step;
	snprintf(a->context, sizeof(a->context), "%s", context ? context : "");
	a->next = m->actions;
	m->actions = a;
	return loop_timer_set(m->loop, &a->timer, loop_now_us(m->loop) + after_ms * 1000, on_due, a);
}

void meta_trigger(struct meta_user *u, enum plan_trigger trigger)
{
	for (size_t i = 0; i < u->plan->step_count; i++) {
		const struct plan_step *s = &u->plan->steps[i];
		if (s->on != trigger || u->fired[i] >= s->times)
			continue;
		u->fired[i]++;
		(void)meta_act(u, s, s->at_ms, NULL);
	}
}

void meta_actions_free(struct meta *m)
{
	while (m->actions)
		free_action(m->actions);
}
