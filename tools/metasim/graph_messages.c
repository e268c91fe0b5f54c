/* tools/metasim/graph_messages.c
 *
 * POST messages: text, call button, request for call permission, template. Meta, "Messages API", "Call button
 * messages", "User call permissions".
 */
#include "lib/base/clock.h"
#include "tools/metasim/meta_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	CODE_PARAMETER = 100,
	CODE_UNDELIVERABLE = 131026,
	CODE_WINDOW = 131047,
	CODE_NO_TEMPLATE = 132001,
	CODE_TEMPLATE_PARAMETERS = 132000,
	CODE_REQUEST_LIMIT = 138009,
	CODE_PERMANENT = 138017,
	TEXT_MAX = 4096,
	BODY_MAX = 1024,
	DISPLAY_TEXT_MAX = 20,
	TTL_MINUTES_MAX = 43200,
	PAYLOAD_MAX = 512,
};

struct message {
	struct meta_user *to;
	struct meta_message_report rep;
	bool asks_permission, outside_window; /* outside_window: may be sent there */
	enum plan_trigger trigger;
};

static size_t characters(const char *utf8)
{
	size_t n = 0;

	for (; *utf8; utf8++)
		n += (*utf8 & 0xc0) != 0x80;
	return n;
}

static const char *text_at(const json_t *object, const char *outer, const char *key)
{
	return json_string_value(json_object_get(outer ? json_object_get(object, outer) : object, key));
}

static bool is_text(const char *text, size_t max)
{
	return text && *text && characters(text) <= max;
}

/* ---- the kinds; each returns Meta's code with why, or 0 ---- */

static int read_text(struct message *msg, const json_t *body, const char **why)
{
	msg->rep.kind = "text";
	msg->rep.text = text_at(body, "text", "body");
	msg->trigger = PLAN_ON_TEXT;
	*why = "text.body must be a text of 1 to 4096 characters";
	return is_text(msg->rep.text, TEXT_MAX) ? 0 : CODE_PARAMETER;
}

static int read_button(struct message *msg, const json_t *interactive, const char **why)
{
	const json_t *parameters = json_object_get(json_object_get(interactive, "action"), "parameters");
	const json_t *ttl = json_object_get(parameters, "ttl_minutes"),
		     *payload = json_object_get(parameters, "payload");

	msg->rep.kind = "call_button";
	msg->rep.button_text = text_at(parameters, NULL, "display_text");
	msg->rep.payload = payload ? json_string_value(payload) : "";
	msg->trigger = PLAN_ON_CALL_BUTTON;
	*why = NULL;
	if (!is_text(msg->rep.button_text, DISPLAY_TEXT_MAX))
		*why = "display_text must be a text of 1 to 20 characters";
	else if (ttl &&
		 (!json_is_integer(ttl) || json_integer_value(ttl) < 1 || json_integer_value(ttl) > TTL_MINUTES_MAX))
		*why = "ttl_minutes must be from 1 to 43200";
	else if (!msg->rep.payload || characters(msg->rep.payload) > PAYLOAD_MAX)
		*why = "payload must be a text of at most 512 characters";
	return *why ? CODE_PARAMETER : 0;
}

static int read_interactive(struct message *msg, const json_t *body, const char **why)
{
	const json_t *interactive = json_object_get(body, "interactive");
	const char *type = text_at(interactive, NULL, "type"), *action = text_at(interactive, "action", "name");

	msg->rep.text = text_at(interactive, "body", "text");
	if (!type || (strcmp(type, "voice_call") != 0 && strcmp(type, "call_permission_request") != 0)) {
		*why = "interactive.type is not supported";
		return CODE_PARAMETER;
	}
	if (!action || strcmp(action, type) != 0) {
		*why = "interactive.action.name must be the same as interactive.type";
		return CODE_PARAMETER;
	}
	if (!is_text(msg->rep.text, BODY_MAX)) {
		*why = "interactive.body.text must be a text of 1 to 1024 characters";
		return CODE_PARAMETER;
	}
	if (strcmp(type, "voice_call") == 0)
		return read_button(msg, interactive, why);
	msg->rep.kind = "permission_request";
	msg->asks_permission = true;
	msg->trigger = PLAN_ON_PERMISSION_REQUEST;
	*why = "header and footer are not allowed in a call permission request";
	return json_object_get(interactive, "header") || json_object_get(interactive, "footer") ? CODE_PARAMETER : 0;
}

static const struct plan_template *find_template(const struct meta *m, const json_t *template)
{
	const char *name = text_at(template, NULL, "name"), *language = text_at(template, "language", "code");

	for (size_t i = 0; name && language && i < m->plan->template_count; i++) {
		const struct plan_template *t = &m->plan->templates[i];
		if (strcmp(t->name, name) == 0 && strcmp(t->language, language) == 0)
			return t;
	}
	return NULL;
}

/* Counts the body's parameters; false: a component that the template does not have, or a parameter that is no text. */
static bool read_components(const struct plan_template *t, const json_t *components, size_t *ret_parameters)
{
	size_t i, j;
	json_t *component, *parameter;

	*ret_parameters = 0;
	json_array_foreach((json_t *)components, i, component)
	{
		const char *type = text_at(component, NULL, "type");
		const json_t *parameters = json_object_get(component, "parameters");
		if (type && strcasecmp(type, "call_permission_request") == 0 && t->permission_request)
			continue;
		if (!type || strcasecmp(type, "body") != 0)
			return false;
		json_array_foreach((json_t *)parameters, j, parameter)
		{
			const char *kind = text_at(parameter, NULL, "type");
			if (!kind || strcmp(kind, "text") != 0 || !is_text(text_at(parameter, NULL, "text"), BODY_MAX))
				return false;
		}
		*ret_parameters += json_array_size(parameters);
	}
	return true;
}

static int read_template(struct meta *m, struct message *msg, const json_t *body, const char **why)
{
	const json_t *template = json_object_get(body, "template");
	const struct plan_template *t = find_template(m, template);
	size_t parameters;

	msg->rep.kind = "template";
	msg->rep.template_name = text_at(template, NULL, "name");
	msg->outside_window = true;
	msg->trigger = PLAN_ON_TEMPLATE;
	if (!t) {
		*why = "Template name does not exist in the translation";
		return CODE_NO_TEMPLATE;
	}
	if (!read_components(t, json_object_get(template, "components"), &parameters)) {
		*why = "template.components do not fit the template";
		return CODE_PARAMETER;
	}
	*why = "Number of parameters does not match the expected number of params";
	msg->asks_permission = t->permission_request;
	return parameters == t->parameters ? 0 : CODE_TEMPLATE_PARAMETERS;
}

static int read_kind(struct meta *m, struct message *msg, const json_t *body, const char **why)
{
	const char *type = text_at(body, NULL, "type");

	if (type && strcmp(type, "text") == 0)
		return read_text(msg, body, why);
	if (type && strcmp(type, "interactive") == 0)
		return read_interactive(msg, body, why);
	if (type && strcmp(type, "template") == 0)
		return read_template(m, msg, body, why);
	*why = "type is not one of text, interactive, template";
	return CODE_PARAMETER;
}

/* ---- the receiver, and Meta's rules about him ---- */

static int read_receiver(struct meta *m, struct message *msg, const json_t *body, const char **why)
{
	const char *to = text_at(body, NULL, "to"), *recipient = text_at(body, NULL, "recipient");
	const char *product = text_at(body, NULL, "messaging_product"), *kind = text_at(body, NULL, "recipient_type");
	const char *digits = to && *to == '+' ? to + 1 : to;

	msg->rep.to = to ? to : recipient;
	*why = "messaging_product must be whatsapp";
	if (!product || strcmp(product, "whatsapp") != 0)
		return CODE_PARAMETER;
	*why = "recipient_type must be individual";
	if (json_object_get(body, "recipient_type") && (!kind || strcmp(kind, "individual") != 0))
		return CODE_PARAMETER;
	*why = "to or recipient is required";
	if ((!to && (!recipient || !*recipient)) ||
		(to && (!*digits || strspn(digits, "0123456789") != strlen(digits))))
		return CODE_PARAMETER;
	msg->to = meta_user_find(m, digits, recipient);
	*why = "Message undeliverable";
	return msg->to ? 0 : CODE_UNDELIVERABLE;
}

static int check_rules(struct message *msg, const char **why)
{
	int code;

	*why = "More than 24 hours have passed since the recipient last replied";
	if (!msg->outside_window && !meta_user_window_open(msg->to))
		return CODE_WINDOW;
	code = msg->asks_permission ? meta_user_may_be_asked(msg->to) : 0;
	*why = code == CODE_PERMANENT ? "The user has given permanent permission already"
				      : "Limit of call permission requests reached for this user";
	return code;
}

static void react(struct meta *m, struct message *msg)
{
	struct meta_user *u = msg->to;
	const struct plan_step reply = {.deed = PLAN_DEED_REPLY, .reply = u->plan->on_request};

	snprintf(u->message_wamid, sizeof(u->message_wamid), "%s", msg->rep.wamid);
	if (msg->trigger == PLAN_ON_CALL_BUTTON)
		snprintf(u->button_payload, sizeof(u->button_payload), "%s", msg->rep.payload);
	if (m->plan->statuses) {
		webhook_message_status(u, msg->rep.wamid, "sent");
		webhook_message_status(u, msg->rep.wamid, "delivered");
	}
	if (msg->asks_permission) {
		meta_user_was_asked(u, msg->rep.wamid);
		meta_timeline_user(m, u, "permission_requested", msg->rep.kind);
		if (u->plan->on_request != PLAN_IGNORE)
			(void)meta_act(u, &reply, u->plan->reply_after_ms, msg->rep.wamid);
		if (msg->trigger != PLAN_ON_PERMISSION_REQUEST)
			meta_trigger(u, PLAN_ON_PERMISSION_REQUEST);
	}
	meta_trigger(u, msg->trigger);
}

static void take(struct meta *m, struct http_request *req, struct message *msg)
{
	json_t *answer = json_pack("{s:s, s:[{s:s, s:s}], s:[{s:s}]}", "messaging_product", "whatsapp", "contacts",
		"input", msg->rep.to, "wa_id", msg->to->plan->number, "messages", "id", msg->rep.wamid);
	char *text = json_dumps(answer, JSON_COMPACT), told[TEXT_MAX * 4 + 40];

	snprintf(told, sizeof(told), "%s: %s", msg->rep.kind, msg->rep.text ? msg->rep.text : msg->rep.template_name);
	meta_timeline_user(m, msg->to, "message_received", told);
	react(m, msg);
	graph_succeed(m, req, PLAN_MESSAGES, text ? text : "{}");
	free(text);
	json_decref(answer);
}

static unsigned status_of(int code)
{
	return code == CODE_NO_TEMPLATE ? 404 : 400;
}

void graph_messages_post(struct meta *m, struct http_request *req, const json_t *body)
{
	struct message msg = {.rep = {.at_us = clock_mono_us(), .wamid = "", .kind = "", .body = body}};
	char wamid[META_WAMID_MAX];
	const char *why = "";
	int code;

	if (graph_planned_failure(m, req, NULL, PLAN_MESSAGES))
		return;
	code = read_receiver(m, &msg, body, &why);
	if (code == 0)
		code = read_kind(m, &msg, body, &why);
	if (code == 0)
		code = check_rules(&msg, &why);
	if (code) {
		msg.rep.error_code = code;
		meta_timeline_user(m, msg.to, "message_refused", why);
		graph_refuse(m, req, NULL, status_of(code), code, 0, why);
	} else {
		meta_wamid(wamid);
		msg.rep.wamid = wamid;
		take(m, req, &msg);
	}
	meta_message_note(m, &msg.rep);
}
