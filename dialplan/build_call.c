/* dialplan/build_call.c
 *
 * Actions that make a call: bridge, whatsapp, call_back; and what they do when the user has not allowed calls.
 */
#include "dialplan/build.h"
#include "dialplan/header_name.h"
#include "dialplan/limits.h"
#include "lib/base/str.h"

#include <stdio.h>
#include <string.h>

enum { NUMBER_MAX = 32 };

static void build_gateways(struct build *b, const struct dialplan_bridge_conf *conf, struct rule_bridge *bridge)
{
	if (conf->gateways_count == 0)
		build_error(b, "gateways", "needs at least one gateway");
	if (conf->gateways_count > ROUTE_GATEWAYS_MAX) {
		build_error(b, "gateways", "more than %d gateways", ROUTE_GATEWAYS_MAX);
		return;
	}
	for (unsigned i = 0; i < conf->gateways_count; i++) {
		const char *name = conf->gateways[i] ? conf->gateways[i] : "";
		char key[32];
		snprintf(key, sizeof(key), "gateways[%u]", i);
		if (!b->names->known_gateway(name, b->names->arg))
			build_error(b, key, "unknown gateway \"%.40s\"", name);
		else if (b->names->known_tenant && !b->names->tenant_has_gateway(b->tenant, name, b->names->arg))
			build_error(b, key, "gateway \"%.40s\" is another tenant's", name);
		else
			bridge->gateways[bridge->gateway_count++] = build_copy(b, name);
	}
}

static void build_weights(struct build *b, const struct dialplan_bridge_conf *conf, struct rule_bridge *bridge)
{
	unsigned sum = 0;

	if (!conf->weights_count)
		return;
	if (conf->weights_count != conf->gateways_count) {
		build_error(b, "weights", "needs one weight for each of the gateways");
		return;
	}
	bridge->weighted = true;
	for (unsigned i = 0; i < conf->weights_count && i < ROUTE_GATEWAYS_MAX; i++) {
		if (conf->weights[i] > DIALPLAN_WEIGHT_MAX)
			build_error(b, "weights", "more than %d", DIALPLAN_WEIGHT_MAX);
		sum += bridge->weights[i] = conf->weights[i];
	}
	if (!sum)
		build_error(b, "weights", "nothing but 0");
}

static void build_mode(struct build *b, const struct dialplan_bridge_conf *conf, struct rule_bridge *bridge)
{
	const char *mode = conf->mode ? conf->mode : "serial";
	const char *accept = conf->accept_on ? conf->accept_on : "answer";

	bridge->parallel = strcmp(mode, "parallel") == 0;
	if (!bridge->parallel && strcmp(mode, "serial") != 0)
		build_error(b, "mode", "unknown word \"%.40s\": serial or parallel", mode);
	if (bridge->parallel && conf->weights_count)
		build_error(b, "weights", "has no effect with mode: parallel");
	if (bridge->parallel && conf->failover_count)
		build_error(b, "failover", "has no effect with mode: parallel");
	bridge->accept_early = strcmp(accept, "early_media") == 0;
	if (!bridge->accept_early && strcmp(accept, "answer") != 0)
		build_error(b, "accept_on", "unknown word \"%.40s\": answer or early_media", accept);
	if (bridge->parallel && bridge->accept_early)
		build_error(b, "accept_on", "early_media needs mode: serial: who of several would be heard?");
}

static void build_failover(struct build *b, const struct dialplan_bridge_conf *conf, struct rule_bridge *bridge)
{
	struct route_failover *f = &bridge->failover;

	if (conf->failover_count > ROUTE_FAILOVER_MAX) {
		build_error(b, "failover", "more than %d causes", ROUTE_FAILOVER_MAX);
		return;
	}
	for (unsigned i = 0; i < conf->failover_count; i++) {
		const char *name = conf->failover[i] ? conf->failover[i] : "";
		char key[32];
		snprintf(key, sizeof(key), "failover[%u]", i);
		if (!b->names->known_cause(name, b->names->arg))
			build_error(b, key, "unknown cause \"%.40s\"", name);
		else
			f->causes[f->count++] = build_copy(b, name);
	}
}

static void build_header(
	struct build *b, unsigned index, const struct dialplan_header_conf *conf, struct rule_bridge *bridge)
{
	const char *name = conf->name ? conf->name : "";
	struct rule_header *h = &bridge->headers[bridge->header_count++];
	char key[32];

	snprintf(key, sizeof(key), "headers[%u].name", index);
	if (!header_name_is_token(name))
		build_error(b, key, "\"%.70s\" is not a header name", name);
	else if (header_name_is_reserved(name) ||
		 (b->names->allowed_header && !b->names->allowed_header(name, b->names->arg)))
		build_error(b, key, "header %s is not the dialplan's to set", name);
	h->name = build_copy(b, name);
	snprintf(key, sizeof(key), "headers[%u].value", index);
	build_template(b, key, conf->value, 0, &h->value);
}

static unsigned build_timeout(struct build *b, const char *key, unsigned seconds)
{
	if (seconds > DIALPLAN_TIMEOUT_MAX_S)
		build_error(b, key, "longer than %d seconds", DIALPLAN_TIMEOUT_MAX_S);
	return seconds;
}

static void build_timeouts(struct build *b, const struct dialplan_bridge_conf *conf, struct rule_bridge *bridge)
{
	if (!conf->timeouts_count)
		return;
	if (conf->timeouts_count != conf->gateways_count) {
		build_error(b, "timeouts", "needs one number for each of the gateways");
		return;
	}
	for (unsigned i = 0; i < conf->timeouts_count && i < ROUTE_GATEWAYS_MAX; i++) {
		char key[32];
		snprintf(key, sizeof(key), "timeouts[%u]", i);
		bridge->timeouts_s[i] = build_timeout(b, key, conf->timeouts[i]);
	}
}

void build_bridge(struct build *b, const struct dialplan_bridge_conf *conf, struct rule_bridge *bridge)
{
	build_gateways(b, conf, bridge);
	build_weights(b, conf, bridge);
	build_mode(b, conf, bridge);
	build_timeouts(b, conf, bridge);
	build_failover(b, conf, bridge);
	build_template(b, "user", conf->user, 0, &bridge->user);
	build_template(b, "caller_id", conf->caller_id, 0, &bridge->caller_id);
	build_template(b, "display_name", conf->display_name, 0, &bridge->display_name);
	bridge->timeout_s = build_timeout(b, "timeout", conf->timeout);
	if (conf->headers_count > ROUTE_HEADERS_MAX) {
		build_error(b, "headers", "more than %d headers", ROUTE_HEADERS_MAX);
		return;
	}
	for (unsigned i = 0; i < conf->headers_count; i++)
		build_header(b, i, &conf->headers[i], bridge);
}

/* ---- permission ---- */

static void build_request(
	struct build *b, const struct dialplan_permission_conf *conf, struct rule_permission *permission)
{
	if (conf->park > DIALPLAN_PARK_MAX_S)
		build_error(b, "park", "longer than %d seconds", DIALPLAN_PARK_MAX_S);
	permission->park_s = conf->park;
	build_template(b, "request_text", conf->request_text, DIALPLAN_BODY_MAX_CHARS, &permission->text);
	if (conf->request_template)
		build_meta_template(b, "request_template.", conf->request_template, &permission->template);
}

void build_permission(struct build *b, const struct dialplan_permission_conf *conf, struct rule_permission *permission)
{
	const char *word = conf->on_no_permission ? conf->on_no_permission : "refuse";
	const char *idle = conf->park               ? "park"
			   : conf->request_text     ? "request_text"
			   : conf->request_template ? "request_template"
						    : NULL;

	permission->request = strcmp(word, "request") == 0;
	permission->template.name = permission->template.language = "";
	if (!permission->request && strcmp(word, "refuse") != 0)
		build_error(b, "on_no_permission", "unknown word \"%.40s\": refuse or request", word);
	else if (!permission->request && idle)
		build_error(b, idle, "has no effect without on_no_permission: request");
	else
		build_request(b, conf, permission);
}

/* ---- calls toward WhatsApp ---- */

static const char *own_number(struct build *b, const char *text)
{
	char number[NUMBER_MAX];

	if (build_is_empty(text))
		return "";
	if (text[0] != '+' || str_e164(text, number, sizeof(number)))
		build_error(b, "number", "\"%.40s\" is not a number in international form, such as +12025550123", text);
	else if (!b->names->known_number(number, b->names->arg))
		build_error(b, "number", "%s is not one of the business numbers", number);
	else if (b->names->known_tenant && !b->names->tenant_has_number(b->tenant, number, b->names->arg))
		build_error(b, "number", "%s is another tenant's", number);
	else
		return build_copy(b, number);
	return "";
}

void build_whatsapp(struct build *b, const struct dialplan_whatsapp_conf *conf, struct rule_whatsapp *whatsapp)
{
	whatsapp->number = own_number(b, conf->number);
	build_template(b, "user", conf->user, 0, &whatsapp->user);
	whatsapp->timeout_s = build_timeout(b, "timeout", conf->timeout);
	whatsapp->ringback = conf->ringback;
	build_permission(b, &conf->permission, &whatsapp->permission);
}

void build_call_back(struct build *b, const struct dialplan_call_back_conf *conf, struct rule_action *action)
{
	const char *order = conf->order ? conf->order : "user_first";

	action->kind = ROUTE_CALL_BACK;
	build_bridge(b, &conf->bridge, &action->bridge);
	action->agent_first = strcmp(order, "agent_first") == 0;
	if (!action->agent_first && strcmp(order, "user_first") != 0)
		build_error(b, "order", "unknown order \"%.40s\": agent_first or user_first", order);
	action->agent_timeout_s = build_timeout(b, "agent_timeout", conf->agent_timeout);
	action->chat_context = conf->chat_context;
	build_permission(b, &conf->permission, &action->permission);
}
