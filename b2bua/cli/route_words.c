/* b2bua/cli/route_words.c
 *
 * A route becomes a JSON object with the file's keys; for people the same object is printed as indented lines.
 */
#include "b2bua/cli/route_words.h"

#include "b2bua/call/cause.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was not said is not shown. */
static void set_text(json_t *to, const char *key, const char *text)
{
	if (text && *text)
		json_object_set_new(to, key, json_string(text));
}

static void set_number(json_t *to, const char *key, unsigned number)
{
	if (number)
		json_object_set_new(to, key, json_integer(number));
}

static void set_list(json_t *to, const char *key, const char *const *texts, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(texts[i]));
	json_object_set_new(to, key, list);
}

static void set_headers(json_t *to, const struct route_header *headers, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
		json_object_set_new(object, headers[i].name, json_string(headers[i].value));
	if (count)
		json_object_set(to, "headers", object);
	json_decref(object);
}

static json_t *template_words(const struct route_template *t)
{
	json_t *to = json_object();

	set_text(to, "name", t->name);
	set_text(to, "language", t->language);
	if (t->parameter_count)
		set_list(to, "parameters", t->parameters, t->parameter_count);
	return to;
}

static void set_permission(json_t *to, const struct route_permission *p)
{
	set_text(to, "on_no_permission", p->request ? "request" : "refuse");
	set_number(to, "park", p->park_s);
	set_text(to, "request_text", p->text);
	if (*p->template.name)
		json_object_set_new(to, "request_template", template_words(&p->template));
}

static void set_timeouts(json_t *to, const struct route *r)
{
	json_t *list = json_array();
	unsigned any = 0;

	for (size_t i = 0; i < r->gateway_count; i++) {
		any |= r->timeouts_s[i];
		json_array_append_new(list, json_integer(r->timeouts_s[i]));
	}
	if (any)
		json_object_set(to, "timeouts", list);
	json_decref(list);
}

static json_t *bridge_words(const struct route *r)
{
	json_t *to = json_object();

	set_list(to, "gateways", r->gateways, r->gateway_count);
	set_text(to, "mode", r->parallel ? "parallel" : "serial");
	set_text(to, "accept_on", r->accept_early ? "early_media" : "answer");
	if (r->failover.count)
		set_list(to, "failover", r->failover.causes, r->failover.count);
	set_text(to, "user", r->user);
	set_text(to, "caller_id", r->caller_id);
	set_text(to, "display_name", r->display_name);
	set_number(to, "timeout", r->timeout_s);
	set_timeouts(to, r);
	set_headers(to, r->headers, r->header_count);
	return to;
}

static json_t *whatsapp_words(const struct route_whatsapp *w, const struct call_facts *facts)
{
	json_t *to = json_object();

	set_text(to, "number", w->number);
	set_text(to, "user", *w->user ? w->user : facts->to);
	set_number(to, "timeout", w->timeout_s);
	json_object_set_new(to, "ringback", json_boolean(w->ringback));
	set_permission(to, &w->permission);
	return to;
}

static json_t *call_back_words(const struct route_action *a)
{
	json_t *to = json_object();

	set_list(to, "gateways", a->call_back.gateways, a->call_back.gateway_count);
	set_text(to, "mode", a->call_back.parallel ? "parallel" : "serial");
	set_text(to, "user", a->call_back.user);
	set_text(to, "caller_id", a->call_back.caller_id);
	set_text(to, "display_name", a->call_back.display_name);
	set_text(to, "order", a->call_back.agent_first ? "agent_first" : "user_first");
	set_number(to, "timeout", a->call_back.timeout_s);
	set_number(to, "agent_timeout", a->call_back.agent_timeout_s);
	json_object_set_new(to, "chat_context", json_boolean(a->call_back.chat_context));
	set_headers(to, a->call_back.headers, a->call_back.header_count);
	set_permission(to, &a->call_back.permission);
	return to;
}

static json_t *button_words(const struct route_action *a)
{
	json_t *to = json_object();

	set_text(to, "text", a->text);
	set_text(to, "button", a->button_text);
	set_text(to, "payload", a->payload);
	set_number(to, "ttl_minutes", a->ttl_minutes);
	return to;
}

static json_t *action_words(const struct route_action *a)
{
	json_t *to = json_object();

	switch (a->kind) {
	case ROUTE_SEND_TEXT: json_object_set_new(to, "send_text", json_pack("{s:s}", "text", a->text)); break;
	case ROUTE_SEND_TEMPLATE: json_object_set_new(to, "send_template", template_words(&a->template)); break;
	case ROUTE_CALL_BUTTON: json_object_set_new(to, "call_button", button_words(a)); break;
	case ROUTE_CALL_BACK: json_object_set_new(to, "call_back", call_back_words(a)); break;
	}
	return to;
}

static json_t *reject_words(const char *name)
{
	json_t *to = json_object();
	enum cause cause;

	set_text(to, "cause", name);
	if (cause_parse(name, &cause) == 0)
		set_number(to, "sip_code", cause_info(cause)->sip_code);
	return to;
}

static json_t *ask_words(const struct route_ask *ask)
{
	json_t *to = json_object();

	set_text(to, "url", ask->url);
	set_number(to, "timeout", ask->timeout_ms);
	set_text(to, "fallback", ask->fallback);
	return to;
}

/* {"rule": ..., "actions": [{"whatsapp": {...}}]}. No rule: a call is rejected, other things have no consequence. */
static json_t *route_words(const struct route *r, const struct call_facts *facts)
{
	const bool is_call = facts->direction == CALL_INBOUND || facts->direction == CALL_OUTBOUND;
	json_t *to = json_object(), *list = json_array(), *action = json_object();

	json_object_set_new(to, "rule", json_string(r->rule ? r->rule : ""));
	switch (r->kind) {
	case ROUTE_NONE:
		if (is_call)
			json_object_set_new(action, "reject", reject_words(cause_info(CAUSE_NO_ROUTE)->name));
		break;
	case ROUTE_BRIDGE: json_object_set_new(action, "bridge", bridge_words(r)); break;
	case ROUTE_REJECT: json_object_set_new(action, "reject", reject_words(r->cause)); break;
	case ROUTE_WHATSAPP: json_object_set_new(action, "whatsapp", whatsapp_words(&r->whatsapp, facts)); break;
	case ROUTE_ASK: json_object_set_new(action, "ask", ask_words(&r->ask)); break;
	case ROUTE_ACTIONS:
		for (size_t i = 0; i < r->action_count; i++)
			json_array_append_new(list, action_words(&r->actions[i]));
		break;
	}
	if (json_object_size(action))
		json_array_append(list, action);
	json_decref(action);
	json_object_set_new(to, "actions", list);
	return to;
}

/* ---- for people ---- */

static void print_value(const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	size_t length = text ? strlen(text) : 0;

	/* Quotes only where they say something: around blanks at the ends, line ends, or nothing. */
	if (json_is_string(value) && length > 2 && !strchr(text, '\\') && text[1] != ' ' && text[length - 2] != ' ')
		printf("%.*s", (int)length - 2, text + 1);
	else
		printf("%s", text ? text : "");
	free(text);
}

static void print_keys(json_t *object, int indent);

static void print_key(const char *key, json_t *value, int indent)
{
	size_t i;
	json_t *item;

	printf("%*s%s:", indent, "", key);
	if (json_is_object(value)) {
		printf("\n");
		print_keys(value, indent + 2);
		return;
	}
	if (json_is_array(value)) {
		json_array_foreach(value, i, item)
		{
			printf(i ? ", " : " ");
			print_value(item);
		}
	} else {
		printf(" ");
		print_value(value);
	}
	printf("\n");
}

static void print_keys(json_t *object, int indent)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) print_key(key, value, indent);
}

static void print_route(const json_t *route, int indent)
{
	json_t *actions = json_object_get(route, "actions"), *action;
	size_t i;

	json_array_foreach(actions, i, action) print_keys(action, indent);
	if (json_array_size(actions) == 0)
		printf("%*snothing is done\n", indent, "");
}

static void print_words(const json_t *words)
{
	const json_t *fallback = json_object_get(words, "without_answer");

	printf("\n");
	print_route(words, 0);
	if (fallback) {
		printf("without a usable answer, rule \"%s\":\n", json_string_value(json_object_get(fallback, "rule")));
		print_route(fallback, 2);
	}
}

int route_words_print(const struct dialplan *dp, const struct call_facts *facts, uint64_t wall_ms,
	const struct route *route, struct arena *arena, bool json)
{
	json_t *words = route_words(route, facts);
	struct route fallback;

	if (route->kind == ROUTE_ASK) {
		if (dialplan_route_fallback(dp, facts, wall_ms, route, arena, &fallback)) {
			json_decref(words);
			return -ENOMEM;
		}
		json_object_set_new(words, "without_answer", route_words(&fallback, facts));
	}
	if (json) {
		json_dumpf(words, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		print_words(words);
	}
	json_decref(words);
	return 0;
}
