/* dialplan/build_message.c
 *
 * Texts with placeholders, and the actions made of them: send_text, send_template, call_button; and ask, which is no
 * more than an address.
 */
#include "dialplan/build.h"
#include "dialplan/limits.h"
#include "lib/base/str.h"

#include <stdio.h>
#include <string.h>

static size_t count_chars(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

void build_template(struct build *b, const char *key, const char *text, size_t max_chars, struct template *ret_template)
{
	char why[BUILD_WHY_MAX];

	if (max_chars && text && count_chars(text) > max_chars)
		build_error(b, key, "longer than %zu characters", max_chars);
	else
		build_take(b, key, template_read(b->arena, text, ret_template, why, sizeof(why)), why);
}

void build_required(struct build *b, const char *key, const char *text, size_t max_chars, struct template *ret_template)
{
	if (build_is_empty(text) || text[strspn(text, " \t\n")] == '\0')
		build_error(b, key, "needs a text");
	else
		build_template(b, key, text, max_chars, ret_template);
}

void build_send_text(struct build *b, const struct dialplan_send_text_conf *conf, struct rule_action *action)
{
	action->kind = ROUTE_SEND_TEXT;
	build_required(b, "text", conf->text, DIALPLAN_TEXT_MAX_CHARS, &action->text);
}

/* ---- message templates ---- */

/* Meta: message templates: lower-case letters, digits and underscores. */
static bool is_template_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return length > 0 && length <= DIALPLAN_TEMPLATE_NAME_MAX_CHARS && !name[length];
}

/* Meta: supported languages: "en", "en_US", "zh_CN". */
static bool is_language(const char *code)
{
	size_t length = strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_");

	return length >= 2 && length <= DIALPLAN_LANGUAGE_MAX_CHARS && !code[length];
}

void build_meta_template(
	struct build *b, const char *prefix, const struct dialplan_template_conf *conf, struct rule_template *template)
{
	const char *name = conf->name ? conf->name : "", *language = conf->language ? conf->language : "";
	char key[64];

	template->name = build_copy(b, name);
	template->language = build_copy(b, language);
	snprintf(key, sizeof(key), "%sname", prefix);
	if (!is_template_name(name))
		build_error(b, key, "\"%.40s\" is not a name of a template: a-z, 0-9 and _", name);
	snprintf(key, sizeof(key), "%slanguage", prefix);
	if (!is_language(language))
		build_error(b, key, "\"%.40s\" is not a language code, such as en_US", language);
	snprintf(key, sizeof(key), "%sparameters", prefix);
	if (conf->parameters_count > ROUTE_PARAMETERS_MAX) {
		build_error(b, key, "more than %d parameters", ROUTE_PARAMETERS_MAX);
		return;
	}
	template->parameter_count = conf->parameters_count;
	for (unsigned i = 0; i < conf->parameters_count; i++) {
		snprintf(key, sizeof(key), "%sparameters[%u]", prefix, i);
		build_required(b, key, conf->parameters[i], DIALPLAN_PARAMETER_MAX_CHARS, &template->parameters[i]);
	}
}

void build_send_template(struct build *b, const struct dialplan_template_conf *conf, struct rule_action *action)
{
	action->kind = ROUTE_SEND_TEMPLATE;
	build_meta_template(b, "", conf, &action->template);
}

/* ---- call button ---- */

void build_call_button(struct build *b, const struct dialplan_call_button_conf *conf, struct rule_action *action)
{
	unsigned ttl = conf->ttl_minutes ? *conf->ttl_minutes : DIALPLAN_TTL_MIN_MINUTES;

	action->kind = ROUTE_CALL_BUTTON;
	build_required(b, "text", conf->text, DIALPLAN_BODY_MAX_CHARS, &action->text);
	build_template(b, "button", conf->button, DIALPLAN_BUTTON_MAX_CHARS, &action->button_text);
	build_template(b, "payload", conf->payload, DIALPLAN_PAYLOAD_MAX_CHARS, &action->payload);
	if (ttl < DIALPLAN_TTL_MIN_MINUTES || ttl > DIALPLAN_TTL_MAX_MINUTES)
		build_error(b, "ttl_minutes", "%u is out of range: %d to %d", ttl, DIALPLAN_TTL_MIN_MINUTES,
			DIALPLAN_TTL_MAX_MINUTES);
	action->ttl_minutes = conf->ttl_minutes ? ttl : 0;
}

/* ---- ask ---- */

static bool is_url(const char *text)
{
	const char *host = str_starts(text, "https://")  ? text + strlen("https://")
			   : str_starts(text, "http://") ? text + strlen("http://")
							 : "";

	if (strlen(text) > DIALPLAN_URL_MAX_BYTES || strcspn(host, "/?#@:") == 0 || strpbrk(host, "@#"))
		return false;
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("\"<>\\^`{|}", *p))
			return false;
	return true;
}

void build_ask(struct build *b, const struct dialplan_ask_conf *conf, struct route_ask *ask)
{
	const char *url = conf->url ? conf->url : "";

	ask->url = build_copy(b, url);
	if (!is_url(url))
		build_error(b, "url", "\"%.60s\" is not an http(s) URL", url);
	ask->timeout_ms = conf->timeout ? *conf->timeout : DIALPLAN_ASK_DEFAULT_MS;
	if (ask->timeout_ms < DIALPLAN_ASK_MIN_MS || ask->timeout_ms > DIALPLAN_ASK_MAX_MS)
		build_error(b, "timeout", "%u ms is out of range: %d to %d", ask->timeout_ms, DIALPLAN_ASK_MIN_MS,
			DIALPLAN_ASK_MAX_MS);
	ask->fallback = build_copy(b, conf->fallback ? conf->fallback : "");
}
