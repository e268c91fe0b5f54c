/* admin/messages_api.c -- messages to users: text, call button, template */
#include "admin/admin_internal.h"

enum { TEXT_MAX_BYTES = 4096, BUTTON_MAX_BYTES = 80, PAYLOAD_MAX = 512, TTL_MAX_MINUTES = 43200 };

static const char *const kinds[] = {"text", "call_button", "template", NULL};

#define AT(member) offsetof(struct api_message, member)
static const struct body_field message_fields[] = {
	{"type", BODY_WORD, AT(kind), 0, 0, kinds, .required = true},
	BODY_PARTY_FIELDS(struct api_message, party),
	{"text", BODY_LINES, AT(text), 1, TEXT_MAX_BYTES},
	{"button_text", BODY_TEXT, AT(button_text), 1, BUTTON_MAX_BYTES}, /* 20 characters: the shell counts them */
	{"payload", BODY_TEXT, AT(payload), 1, PAYLOAD_MAX},
	{"ttl_minutes", BODY_UINT, AT(ttl_minutes), 1, TTL_MAX_MINUTES},
	{"template", BODY_TEMPLATE, AT(template)},
};
#undef AT
const struct body_schema message_body = {
	message_fields, sizeof(message_fields) / sizeof(message_fields[0]), sizeof(struct api_message)};

static int check(struct body *body, const struct api_message *m)
{
	bool is_template = m->kind == API_MSG_TEMPLATE, is_button = m->kind == API_MSG_CALL_BUTTON;

	if (body_check_party(body, &m->party))
		return -1;
	if (is_template != (*m->template.name != '\0'))
		return body_refuse(body, "template", "needed for type template, and only there");
	if (is_template == (*m->text != '\0'))
		return body_refuse(body, "text", "needed for types text and call_button, and only there");
	if (!is_button && (*m->button_text || *m->payload || m->ttl_minutes))
		return body_refuse(body, "type", "button_text, payload and ttl_minutes belong to a call_button");
	return 0;
}

void post_message(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	struct api_message m;
	struct body body;

	if (!reply_read_body(r, &body, &m))
		return;
	if (check(&body, &m)) {
		reply_refuse_body(r, &body);
		return;
	}
	if (!ops->send_message)
		reply_problem(r, API_NOT_OFFERED, NULL);
	else if (!reply_waits_for_key(r))
		ops->send_message(&m, r, ops->arg);
	body_done(&body);
}
