/* webhook/keep.c
 *
 * The small delivery has what the reader of the event needs of the large one: number, the contact that belongs to the
 * message, the message as it came. Not all contacts: a thousand messages would carry a thousand contacts each.
 */
#include "webhook/keep.h"

#include "webhook/document.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

bool webhook_is_kept(enum wa_event_kind kind)
{
	return kind == WA_EVENT_MESSAGE || kind == WA_EVENT_PERMISSION_REPLY;
}

/* An array that holds item, taking over the reference; NULL without memory. */
static json_t *array_of(json_t *item)
{
	json_t *array = json_array();
	if (json_array_append_new(array, item) == 0)
		return array;
	json_decref(array);
	return NULL;
}

static int put(json_t *object, const char *name, json_t *value)
{
	return value ? json_object_set(object, name, value) : 0;
}

/* Meta's envelope around one message. A missing part anywhere is lack of memory. */
static json_t *envelope(const struct webhook_place *at)
{
	json_t *from = json_object_get(at->value, "metadata");
	json_t *root = json_object(), *entry = json_object(), *change = json_object(), *value = json_object();
	json_t *metadata = json_object();
	int bad = put(value, "messaging_product", json_object_get(at->value, "messaging_product"));

	bad |= put(metadata, "display_phone_number", json_object_get(from, "display_phone_number"));
	bad |= put(metadata, "phone_number_id", json_object_get(from, "phone_number_id"));
	bad |= json_object_set_new(value, "metadata", metadata);
	if (at->contact)
		bad |= json_object_set_new(value, "contacts", array_of(json_incref(at->contact)));
	bad |= json_object_set_new(value, "messages", array_of(json_incref(at->item)));
	bad |= json_object_set_new(change, "field", json_string("messages"));
	bad |= json_object_set_new(change, "value", value);
	bad |= put(entry, "id", json_object_get(at->entry, "id"));
	bad |= json_object_set_new(entry, "changes", array_of(change));
	bad |= json_object_set_new(root, "object", json_string("whatsapp_business_account"));
	bad |= json_object_set_new(root, "entry", array_of(entry));
	if (!bad)
		return root;
	json_decref(root);
	return NULL;
}

static char *text_of(const struct webhook_place *at)
{
	json_t *root = envelope(at);
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	return text;
}

static struct webhook_item *next_item(struct webhook_keep *k)
{
	size_t cap = k->cap ? k->cap * 2 : 4;
	struct webhook_item *items;

	if (k->count == k->cap) {
		items = realloc(k->items, cap * sizeof(*items));
		if (!items)
			return NULL;
		k->items = items;
		k->cap = cap;
	}
	return &k->items[k->count];
}

static void on_event(const struct wa_event *ev, const struct webhook_place *at, void *arg)
{
	struct webhook_keep *k = arg;
	struct webhook_item *item;
	char *text;

	if (k->error || !webhook_is_kept(ev->kind))
		return;
	item = next_item(k);
	text = item ? text_of(at) : NULL;
	if (!text) {
		k->error = -ENOMEM;
		return;
	}
	*item = (struct webhook_item){.message_id = ev->message_id,
		.phone_number_id = ev->phone_number_id,
		.secret_index = ev->secret_index,
		.json = text,
		.length = strlen(text)};
	k->count++;
	k->bytes += item->length;
	if (k->bytes > WEBHOOK_KEEP_MAX_BYTES)
		k->error = -EMSGSIZE;
}

int webhook_keep_collect(const struct webhook_document *doc, size_t secret_index, struct webhook_keep *ret_keep)
{
	struct webhook_parse_report report;

	*ret_keep = (struct webhook_keep){0};
	webhook_document_walk(doc, secret_index, on_event, ret_keep, &report);
	return ret_keep->error;
}

void webhook_keep_done(struct webhook_keep *keep)
{
	for (size_t i = 0; i < keep->count; i++)
		free((char *)(uintptr_t)keep->items[i].json);
	free(keep->items);
	*keep = (struct webhook_keep){0};
}
