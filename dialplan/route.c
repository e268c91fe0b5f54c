/* dialplan/route.c
 *
 * A rule and the facts of a call -> the route. NULL texts on the way are failed copies.
 */
#include "dialplan/limits.h"
#include "dialplan/rule.h"

#include <errno.h>

struct making {
	const struct call_facts *facts;
	struct arena *arena;
	bool failed;
};

static const char *take(struct making *m, const char *text)
{
	m->failed |= !text;
	return text;
}

static const char *copy(struct making *m, const char *text)
{
	return take(m, arena_strdup(m->arena, text));
}

static const char *header_text(struct making *m, const struct template *t)
{
	return take(m, template_text(t, m->facts, m->arena));
}

static const char *message(struct making *m, const struct template *t, size_t max_chars)
{
	return take(m, template_message(t, m->facts, m->arena, max_chars));
}

static const char *line(struct making *m, const struct template *t, size_t max_chars)
{
	return take(m, template_line(t, m->facts, m->arena, max_chars));
}

/* ---- parts that several actions have ---- */

/* Drawn one after another, each with its share of what is left. Weight 0: only when those with one have failed. */
static size_t draw(const struct rule_bridge *from, const bool *drawn, uint64_t *random)
{
	size_t first = from->gateway_count;
	uint64_t sum = 0, at;

	for (size_t i = from->gateway_count; i-- > 0;) {
		if (drawn[i])
			continue;
		sum += from->weights[i];
		first = i;
	}
	if (!from->weighted || !sum)
		return first;
	at = *random % sum;
	*random /= sum;
	for (size_t i = 0; i < from->gateway_count; i++) {
		if (drawn[i])
			continue;
		if (at < from->weights[i])
			return i;
		at -= from->weights[i];
	}
	return first;
}

/* timeouts_s: NULL, or of each gateway. */
static void make_gateways(struct making *m, const struct rule_bridge *from, const char **gateways, unsigned *timeouts_s)
{
	bool drawn[ROUTE_GATEWAYS_MAX] = {false};
	uint64_t random = m->facts->random;

	for (size_t i = 0; i < from->gateway_count; i++) {
		size_t next = draw(from, drawn, &random);
		drawn[next] = true;
		gateways[i] = copy(m, from->gateways[next]);
		if (timeouts_s)
			timeouts_s[i] = from->timeouts_s[next];
	}
}

static void make_failover(struct making *m, const struct rule_bridge *from, struct route_failover *to)
{
	to->count = from->failover.count;
	for (size_t i = 0; i < to->count; i++)
		to->causes[i] = copy(m, from->failover.causes[i]);
}

static void make_headers(struct making *m, const struct rule_bridge *from, struct route_header *headers)
{
	for (size_t i = 0; i < from->header_count; i++) {
		headers[i].name = copy(m, from->headers[i].name);
		headers[i].value = header_text(m, &from->headers[i].value);
	}
}

static const char *sip_user(struct making *m, const struct template *t)
{
	return take(m, template_user(t, m->facts, m->arena));
}

static void make_template(struct making *m, const struct rule_template *from, struct route_template *to)
{
	to->name = copy(m, from->name);
	to->language = copy(m, from->language);
	to->parameter_count = from->parameter_count;
	for (size_t i = 0; i < from->parameter_count; i++) {
		to->parameters[i] = line(m, &from->parameters[i], DIALPLAN_PARAMETER_MAX_CHARS);
		/* Meta takes no empty parameter (131008), and an unknown fact is not worth the message. */
		if (to->parameters[i] && !*to->parameters[i])
			to->parameters[i] = copy(m, "-");
	}
}

static void make_permission(struct making *m, const struct rule_permission *from, struct route_permission *to)
{
	to->request = from->request;
	to->park_s = from->park_s;
	to->text = message(m, &from->text, DIALPLAN_BODY_MAX_CHARS);
	make_template(m, &from->template, &to->template);
}

/* ---- actions ---- */

static void make_bridge(struct making *m, const struct rule_bridge *from, struct route *to)
{
	to->gateway_count = from->gateway_count;
	make_gateways(m, from, to->gateways, to->timeouts_s);
	to->parallel = from->parallel;
	to->accept_early = from->accept_early;
	make_failover(m, from, &to->failover);
	to->user = sip_user(m, &from->user);
	to->caller_id = header_text(m, &from->caller_id);
	to->display_name = header_text(m, &from->display_name);
	to->timeout_s = from->timeout_s;
	to->header_count = from->header_count;
	make_headers(m, from, to->headers);
}

static void make_whatsapp(struct making *m, const struct rule_whatsapp *from, struct route_whatsapp *to)
{
	to->number = copy(m, from->number);
	to->user = header_text(m, &from->user);
	to->timeout_s = from->timeout_s;
	to->ringback = from->ringback;
	make_permission(m, &from->permission, &to->permission);
}

static void make_call_back(struct making *m, const struct rule_action *from, struct route_action *to)
{
	to->call_back.gateway_count = from->bridge.gateway_count;
	make_gateways(m, &from->bridge, to->call_back.gateways, NULL);
	to->call_back.parallel = from->bridge.parallel;
	make_failover(m, &from->bridge, &to->call_back.failover);
	to->call_back.user = sip_user(m, &from->bridge.user);
	to->call_back.caller_id = header_text(m, &from->bridge.caller_id);
	to->call_back.display_name = header_text(m, &from->bridge.display_name);
	to->call_back.agent_first = from->agent_first;
	to->call_back.timeout_s = from->bridge.timeout_s;
	to->call_back.agent_timeout_s = from->agent_timeout_s;
	to->call_back.chat_context = from->chat_context;
	to->call_back.header_count = from->bridge.header_count;
	make_headers(m, &from->bridge, to->call_back.headers);
	make_permission(m, &from->permission, &to->call_back.permission);
}

static void make_action(struct making *m, const struct rule_action *from, struct route_action *to)
{
	to->kind = from->kind;
	switch (from->kind) {
	case ROUTE_SEND_TEXT: to->text = message(m, &from->text, DIALPLAN_TEXT_MAX_CHARS); break;
	case ROUTE_SEND_TEMPLATE: make_template(m, &from->template, &to->template); break;
	case ROUTE_CALL_BUTTON:
		to->text = message(m, &from->text, DIALPLAN_BODY_MAX_CHARS);
		to->button_text = line(m, &from->button_text, DIALPLAN_BUTTON_MAX_CHARS);
		to->payload = line(m, &from->payload, DIALPLAN_PAYLOAD_MAX_CHARS);
		to->ttl_minutes = from->ttl_minutes;
		break;
	case ROUTE_CALL_BACK: make_call_back(m, from, to); break;
	}
}

static void make_actions(struct making *m, const struct rule *rule, struct route *to)
{
	struct route_action *actions = arena_alloc(m->arena, rule->action_count * sizeof(*actions));

	m->failed |= !actions;
	for (size_t i = 0; actions && i < rule->action_count; i++)
		make_action(m, &rule->actions[i], &actions[i]);
	to->actions = actions;
	to->action_count = rule->action_count;
}

static void make_ask(struct making *m, const struct route_ask *from, struct route_ask *to)
{
	to->url = copy(m, from->url);
	to->fallback = copy(m, from->fallback);
	to->timeout_ms = from->timeout_ms;
}

int rule_route(const struct rule *rule, const struct call_facts *facts, struct arena *arena, struct route *ret_route)
{
	struct making m = {.facts = facts, .arena = arena};
	struct route route = {.kind = rule->kind};

	route.rule = copy(&m, rule->name);
	switch (rule->kind) {
	case ROUTE_NONE: break;
	case ROUTE_BRIDGE: make_bridge(&m, rule->bridge, &route); break;
	case ROUTE_REJECT: route.cause = copy(&m, rule->cause); break;
	case ROUTE_WHATSAPP: make_whatsapp(&m, rule->whatsapp, &route.whatsapp); break;
	case ROUTE_ACTIONS: make_actions(&m, rule, &route); break;
	case ROUTE_ASK: make_ask(&m, &rule->ask, &route.ask); break;
	}
	if (m.failed)
		return -ENOMEM;
	*ret_route = route;
	return 0;
}
