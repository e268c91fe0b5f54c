/* tools/metasim/graph_calls.c
 *
 * POST /vNN.N/{phone_number_id}/calls for a call that is there, as strict as Meta: Meta, "Calling API reference" and
 * "Error codes".
 */
#include "lib/base/clock.h"
#include "lib/sdp/sdp_audio.h"
#include "tools/metasim/answer_check.h"
#include "tools/metasim/meta_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERBS = PLAN_TERMINATE + 1 };

static const char *const verb_names[VERBS] = {"pre_accept", "accept", "reject", "terminate"};
static const char success[] = "{\"messaging_product\":\"whatsapp\",\"success\":true}";

/* Text a business may send more than once, but never another one. Returns why it is refused. */
static const char *take_answer(struct meta_call *c, const json_t *body, struct sdp_audio *sdp)
{
	const json_t *session = json_object_get(body, "session");
	const char *type = json_string_value(json_object_get(session, "sdp_type"));
	const char *text = json_string_value(json_object_get(session, "sdp"));
	const char *why;

	if (!type || !text)
		return "session.sdp_type and session.sdp are required";
	why = answer_check(type, text, sdp);
	if (why)
		return why;
	if (c->answer && strcmp(c->answer, text) != 0)
		return "SDP differs from the one in pre_accept";
	if (!c->answer) {
		c->answer = strdup(text);
		if (!c->answer || wa_user_answer(c->user, sdp, loop_now_us(c->meta->loop)))
			return "SDP could not be applied";
	}
	return NULL;
}

static void do_pre_accept(struct meta *m, struct http_request *req, struct meta_call *c, const json_t *body)
{
	struct sdp_audio sdp;
	const char *why;

	if (c->state != META_OFFERED) {
		graph_refuse(m, req, c, 400, 100, 0, "Call is not in a state to be pre-accepted");
		return;
	}
	why = take_answer(c, body, &sdp);
	if (why) {
		graph_refuse(m, req, c, 400, 100, 2494010, why);
		return;
	}
	c->state = META_PRE_ACCEPTED;
	graph_succeed(m, req, PLAN_PRE_ACCEPT, success);
}

static void do_accept(struct meta *m, struct http_request *req, struct meta_call *c, const json_t *body)
{
	struct sdp_audio sdp;
	const char *opaque = json_string_value(json_object_get(body, "biz_opaque_callback_data"));
	const char *why = take_answer(c, body, &sdp);

	if (why) {
		graph_refuse(m, req, c, 400, 100, 2494010, why);
		return;
	}
	if (opaque && strlen(opaque) >= sizeof(c->opaque)) {
		graph_refuse(m, req, c, 400, 100, 0, "biz_opaque_callback_data is too long");
		return;
	}
	if (opaque)
		snprintf(c->opaque, sizeof(c->opaque), "%s", opaque);
	bool first = c->state != META_ACCEPTED;
	if (first) {
		c->state = META_ACCEPTED;
		c->user_from_us = loop_wall_ms(m->loop) / 1000;
		wa_user_accepted(c->user, loop_now_us(m->loop));
	}
	graph_succeed(m, req, PLAN_ACCEPT, success);
	if (first && c->who)
		meta_trigger(c->who, PLAN_ON_ANSWERED);
}

static void do_end(struct meta *m, struct http_request *req, struct meta_call *c, enum plan_verb verb)
{
	if (verb == PLAN_REJECT && c->state == META_ACCEPTED) {
		graph_refuse(m, req, c, 400, 100, 0, "An accepted call cannot be rejected");
		return;
	}
	graph_succeed(m, req, verb, success);
	meta_end(c, "business", 0);
}

static void run_verb(
	struct meta *m, struct http_request *req, struct meta_call *c, enum plan_verb verb, const json_t *body)
{
	uint64_t *const times[VERBS] = {
		&c->rep.pre_accept_us, &c->rep.accept_us, &c->rep.reject_us, &c->rep.terminate_us};

	if (!*times[verb])
		*times[verb] = clock_mono_us();
	meta_timeline(m, c, verb_names[verb], "");
	if (graph_planned_failure(m, req, c, verb))
		return;
	if (c->state == META_ENDED) {
		graph_refuse(m, req, c, 400, 100, 0, "Call has already been terminated");
		return;
	}
	if (c->outbound && verb != PLAN_TERMINATE) {
		graph_refuse(m, req, c, 400, 100, 0, "Only terminate is allowed for a business-initiated call");
		return;
	}
	switch (verb) {
	case PLAN_PRE_ACCEPT: do_pre_accept(m, req, c, body); break;
	case PLAN_ACCEPT: do_accept(m, req, c, body); break;
	case PLAN_REJECT:
	case PLAN_TERMINATE: do_end(m, req, c, verb); break;
	default: break;
	}
}

static int verb_of(const char *action)
{
	for (int i = 0; action && i < VERBS; i++) {
		if (strcmp(verb_names[i], action) == 0)
			return i;
	}
	return -1;
}

void graph_calls_post(struct meta *m, struct http_request *req, const json_t *body)
{
	const char *product = json_string_value(json_object_get(body, "messaging_product"));
	const char *wacid = json_string_value(json_object_get(body, "call_id"));
	const char *action = json_string_value(json_object_get(body, "action"));
	int verb = verb_of(action);
	struct meta_call *c = wacid ? meta_find(m, wacid) : NULL;

	if (!product || strcmp(product, "whatsapp") != 0)
		graph_refuse(m, req, c, 400, 100, 0, "messaging_product must be whatsapp");
	else if (action && strcmp(action, "connect") == 0)
		graph_connect_post(m, req, body);
	else if (verb < 0)
		graph_refuse(
			m, req, c, 400, 100, 0, "action is not one of connect, pre_accept, accept, reject, terminate");
	else if (!c)
		graph_refuse(m, req, NULL, 400, 100, 0, "call_id is unknown");
	else
		run_verb(m, req, c, (enum plan_verb)verb, body);
}
