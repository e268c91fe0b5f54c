/* webhook/message.c
 *
 *   type "text"         text.body
 *        "button"       button.text, button.payload                    quick reply of a template
 *        "interactive"  interactive.type "list_reply", "button_reply"  title and id
 *                       interactive.type "call_permission_reply"       response, is_permanent, ...
 *   anything else       no text
 */
#include "webhook/message.h"

#include "lib/base/str.h"
#include "webhook/leaf.h"

#include <string.h>

static const char *cut(const char *s, char text[WA_TEXT_MAX_BYTES + 1])
{
	size_t n = WA_TEXT_MAX_BYTES;

	if (strnlen(s, n + 1) <= n)
		return s;
	while (n && ((unsigned char)s[n] & 0xc0) == 0x80) /* not inside a UTF-8 character */
		n--;
	memcpy(text, s, n);
	text[n] = '\0';
	return text;
}

static void read_permission_reply(const json_t *reply, struct wa_event *ev)
{
	const char *response = leaf_text(reply, "response");

	ev->kind = WA_EVENT_PERMISSION_REPLY;
	ev->permission_accepted = str_equal_nocase(response, "accept");
	ev->permission_permanent = ev->permission_accepted && leaf_bool(reply, "is_permanent");
	ev->permission_expires_s = leaf_u64(reply, "expiration_timestamp");
	ev->permission_automatic = str_equal_nocase(leaf_text(reply, "response_source"), "automatic");
	if (!ev->permission_accepted && !str_equal_nocase(response, "reject"))
		ev->kind = WA_EVENT_OTHER;
}

static void read_interactive(const json_t *interactive, struct wa_event *ev)
{
	const char *type = leaf_text(interactive, "type");
	const json_t *reply = json_object_get(interactive, type);

	if (str_equal(type, "call_permission_reply")) {
		ev->name = type;
		read_permission_reply(reply, ev);
	} else if (str_equal(type, "list_reply") || str_equal(type, "button_reply")) {
		ev->text = leaf_text(reply, "title");
		ev->reply_id = leaf_text(reply, "id");
	}
}

void webhook_message_read(const json_t *message, struct wa_event *ev, char text[WA_TEXT_MAX_BYTES + 1])
{
	ev->context_id = leaf_text(json_object_get(message, "context"), "id");
	if (str_equal(ev->message_type, "text")) {
		ev->text = leaf_text(json_object_get(message, "text"), "body");
	} else if (str_equal(ev->message_type, "button")) {
		ev->text = leaf_text(json_object_get(message, "button"), "text");
		ev->reply_id = leaf_text(json_object_get(message, "button"), "payload");
	} else if (str_equal(ev->message_type, "interactive")) {
		read_interactive(json_object_get(message, "interactive"), ev);
	}
	ev->text = cut(ev->text, text);
}
