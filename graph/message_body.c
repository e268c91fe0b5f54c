/* graph/message_body.c
 *
 * The JSON of a message (Meta: "Messages API"; "Call button messages"; "User call permissions"; "Message templates").
 */
#include "graph/body.h"
#include "graph/messages_internal.h"

#include <errno.h>
#include <string.h>

/* In characters. Meta: "Messages API", limits of each field. */
enum {
	TEXT_MAX = 4096,
	INTERACTIVE_TEXT_MAX = 1024,
	BUTTON_TEXT_MAX = 20,
	PAYLOAD_MAX = 512,
	TEMPLATE_NAME_MAX = 512,
	LANGUAGE_MAX = 16,
	PARAMETER_MAX = 1024,
	TTL_MAX_MINUTES = 43200,
};

static const char default_button_text[] = "Call now";

static bool has(const char *text)
{
	return text && *text;
}

/* UTF-8 of at most max characters? NULL is "". */
static bool fits(const char *text, size_t max)
{
	size_t count = 0;

	if (!graph_is_utf8(text))
		return false;
	for (; text && *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count <= max;
}

static bool is_text(const char *text, size_t max)
{
	return has(text) && fits(text, max);
}

static bool parameters_ok(const struct graph_message *m)
{
	if (m->parameter_count > GRAPH_TEMPLATE_PARAMETERS_MAX)
		return false;
	for (size_t i = 0; i < m->parameter_count; i++) {
		if (!is_text(m->parameters[i], PARAMETER_MAX))
			return false;
	}
	return true;
}

static bool message_ok(const struct graph_message *m)
{
	switch (m->kind) {
	case GRAPH_MSG_TEXT: return is_text(m->text, TEXT_MAX);
	case GRAPH_MSG_CALL_BUTTON:
		return is_text(m->text, INTERACTIVE_TEXT_MAX) && fits(m->button_text, BUTTON_TEXT_MAX) &&
		       fits(m->payload, PAYLOAD_MAX) && m->ttl_minutes <= TTL_MAX_MINUTES;
	case GRAPH_MSG_PERMISSION_REQUEST: return is_text(m->text, INTERACTIVE_TEXT_MAX);
	case GRAPH_MSG_TEMPLATE:
		return is_text(m->template_name, TEMPLATE_NAME_MAX) && is_text(m->template_language, LANGUAGE_MAX) &&
		       parameters_ok(m);
	}
	return false;
}

/* Each of these returns a new object, or NULL without memory; json_object_set_new() takes NULL for a fault. */

static json_t *checked(json_t *object, int bad)
{
	if (!bad)
		return object;
	json_decref(object);
	return NULL;
}

/* {name: text} */
static json_t *object_with(const char *name, const char *text)
{
	json_t *object = json_object();
	return checked(object, graph_body_add(object, name, text));
}

static json_t *call_button_action(const struct graph_message *m)
{
	json_t *parameters = object_with("display_text", has(m->button_text) ? m->button_text : default_button_text);
	json_t *action = object_with("name", "voice_call");
	int bad = graph_body_add(parameters, "payload", m->payload);

	if (m->ttl_minutes)
		bad |= json_object_set_new(parameters, "ttl_minutes", json_integer(m->ttl_minutes));
	bad |= json_object_set_new(action, "parameters", parameters);
	return checked(action, bad);
}

static json_t *interactive_of(const struct graph_message *m)
{
	bool button = m->kind == GRAPH_MSG_CALL_BUTTON;
	json_t *interactive = object_with("type", button ? "voice_call" : "call_permission_request");
	int bad = json_object_set_new(interactive, "body", object_with("text", m->text));

	bad |= json_object_set_new(
		interactive, "action", button ? call_button_action(m) : object_with("name", "call_permission_request"));
	return checked(interactive, bad);
}

static json_t *components_of(const struct graph_message *m)
{
	json_t *components = json_array(), *body = object_with("type", "body"), *parameters = json_array();
	int bad = 0;

	for (size_t i = 0; i < m->parameter_count; i++) {
		json_t *parameter = object_with("type", "text");
		bad |= graph_body_add(parameter, "text", m->parameters[i]);
		bad |= json_array_append_new(parameters, parameter);
	}
	bad |= json_object_set_new(body, "parameters", parameters);
	bad |= json_array_append_new(components, body);
	return checked(components, bad);
}

static json_t *template_of(const struct graph_message *m)
{
	json_t *template = object_with("name", m->template_name);
	int bad = json_object_set_new(template, "language", object_with("code", m->template_language));

	if (m->parameter_count)
		bad |= json_object_set_new(template, "components", components_of(m));
	return checked(template, bad);
}

/* to: the number as Meta writes it, or "" */
static json_t *build(const struct graph_message *m, const char *to)
{
	json_t *body = object_with("messaging_product", "whatsapp");
	int bad = graph_body_add(body, "recipient_type", "individual");

	bad |= *to ? graph_body_add(body, "to", to) : graph_body_add(body, "recipient", m->recipient);
	switch (m->kind) {
	case GRAPH_MSG_TEXT:
		bad |= graph_body_add(body, "type", "text");
		bad |= json_object_set_new(body, "text", object_with("body", m->text));
		break;
	case GRAPH_MSG_CALL_BUTTON:
	case GRAPH_MSG_PERMISSION_REQUEST:
		bad |= graph_body_add(body, "type", "interactive");
		bad |= json_object_set_new(body, "interactive", interactive_of(m));
		break;
	case GRAPH_MSG_TEMPLATE:
		bad |= graph_body_add(body, "type", "template");
		bad |= json_object_set_new(body, "template", template_of(m));
		break;
	}
	return checked(body, bad);
}

int graph_message_body(const struct graph_message *m, char **ret_body)
{
	char to[GRAPH_NUMBER_CAP] = "";
	json_t *body;
	char *text;

	if (!message_ok(m) || (has(m->to) ? graph_wa_number(m->to, to) != 0 : !is_text(m->recipient, GRAPH_BSUID_MAX)))
		return -EINVAL;
	body = build(m, to);
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	if (!text)
		return -ENOMEM;
	*ret_body = text;
	return 0;
}
