/* b2bua/cli/invite_words.c */
#include "b2bua/cli/invite_words.h"

#include "lib/base/str.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

const char *invite_words_mode(const struct call_report *rep)
{
	return rep->parallel ? "parallel" : "serial";
}

const char *invite_words_accept(const struct call_report *rep)
{
	return rep->accept_early ? "early_media" : "answer";
}

/* Whose binding is called stands in no configuration. */
static const char *note(const struct invite_parts *p)
{
	return p->invite.registered_user ? "the Request-URI will be the Contact that this user has registered" : "";
}

void invite_words_print(const struct invite_parts *p, const struct call_action *a, const char *wire)
{
	printf("\nINVITE user \"%s\" at gateway %s (%s)\n", a->u.invite.user, a->u.invite.gateway->name,
		a->u.invite.gateway->uri);
	if (*note(p))
		printf("note: %s\n", note(p));
	for (; *wire; wire++) /* CR is for the wire */
		if (*wire != '\r')
			putchar(*wire);
}

/* ---- JSON ---- */

/* "Name: value" at line. */
static json_t *header_pair(const char *line, size_t length)
{
	size_t name = strcspn(line, ":"), value = name + 1;

	while (value < length && line[value] == ' ')
		value++;
	return json_pack("[s%, s%]", line, name, line + value, length - value);
}

/* In order, for a name may stand more than once. */
static json_t *wire_words(const char *wire)
{
	json_t *top = json_object(), *headers = json_array();
	const char *line = wire, *end = strstr(line, "\r\n");

	json_object_set_new(top, "request", json_stringn(line, end ? (size_t)(end - line) : 0));
	while (end && strncmp(end, "\r\n\r\n", 4) != 0) {
		line = end + 2;
		end = strstr(line, "\r\n");
		if (end)
			json_array_append_new(headers, header_pair(line, (size_t)(end - line)));
	}
	json_object_set_new(top, "headers", headers);
	json_object_set_new(top, "body", json_string(end ? end + 4 : ""));
	return top;
}

static json_t *own_headers(const struct invite_parts *p)
{
	json_t *headers = json_object();

	for (size_t i = 0; i < p->invite.header_count; i++)
		json_object_set_new(headers, p->headers[i].name, json_string(p->headers[i].value));
	return headers;
}

static json_t *gateway_names(const struct call_report *rep)
{
	json_t *gateways = json_array();

	for (size_t i = 0; i < rep->try_count; i++)
		json_array_append_new(gateways, json_string(rep->tries[i].gateway));
	return gateways;
}

void invite_words_print_json(
	const struct invite_parts *p, const struct call_action *a, const struct call_report *rep, const char *wire)
{
	const char *rule = rep->rule;
	json_t *top = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:s, s:s}", "action",
		"bridge", "rule", rule ? rule : "", "gateway", a->u.invite.gateway->name, "gateway_uri",
		a->u.invite.gateway->uri, "uri", p->target, "user", a->u.invite.user, "from_user",
		p->invite.from_user ? p->invite.from_user : "", "from_domain", p->invite.from_domain, "display_name",
		p->invite.from_display, "asserted", p->pai, "headers", own_headers(p), "sdp", p->invite.sdp, "gateways",
		gateway_names(rep), "mode", invite_words_mode(rep), "accept_on", invite_words_accept(rep));

	if (*note(p))
		json_object_set_new(top, "note", json_string(note(p)));
	json_object_set_new(top, "invite", wire_words(wire));
	if (top)
		json_dumpf(top, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(top);
}
