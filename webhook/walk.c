/* webhook/walk.c
 *
 * The tree of a delivery, leaf by leaf (Meta: calls webhook, "connect", "terminate", "call status"; "Business-scoped
 * user ids"):
 *
 *   entry[] -> changes[] -> field "calls":    value.calls[]     connect, terminate, others
 *                                             value.statuses[]  type "call": RINGING, ACCEPTED, REJECTED
 *                                             value.errors[]    about the calls beside it, else about the number
 *                        -> field "messages": value.messages[]; value.statuses[] are deliveries of messages, not calls
 *                        -> any other field:  one event of kind OTHER
 *
 * An item that lacks what it cannot do without is skipped and reported; its neighbours still count.
 */
#include "webhook/walk.h"

#include "lib/base/str.h"
#include "webhook/leaf.h"
#include "webhook/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NOWHERE = -1 };

struct walk {
	webhook_walk_fn *fn;
	void *arg;
	size_t secret_index;
	struct webhook_parse_report *report;
	/* where we are, for faults: */
	int entry, change;
	const char *array; /* "calls", or NULL */
	int item;
	/* of the change: */
	const char *field;
	/* of the event: */
	struct webhook_place place;
	char text[WA_TEXT_MAX_BYTES + 1];
};

static void __attribute__((format(printf, 2, 3))) fault(struct walk *w, const char *fmt, ...)
{
	struct strbuf sb;
	char text[96];
	va_list ap;

	if (w->report->what[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strbuf_init(&sb, w->report->what, sizeof(w->report->what));
	strbuf_printf(&sb, "entry[%d]", w->entry);
	if (w->change != NOWHERE)
		strbuf_printf(&sb, ".changes[%d]", w->change);
	if (w->array)
		strbuf_printf(&sb, ".value.%s", w->array);
	if (w->item != NOWHERE)
		strbuf_printf(&sb, "[%d]", w->item);
	strbuf_put(&sb, text);
}

static void emit(struct walk *w, const struct wa_event *ev)
{
	if (w->report->events == WA_EVENTS_PER_POST_MAX) {
		w->report->skipped++;
		fault(w, ": more than %d events", WA_EVENTS_PER_POST_MAX);
		return;
	}
	w->report->events++;
	if (ev->kind == WA_EVENT_OTHER)
		w->report->unknown++;
	w->fn(ev, &w->place, w->arg);
}

/* ---- leaves ---- */

static void read_error(const json_t *error, struct wa_event *ev)
{
	uint64_t code = leaf_u64(error, "code");
	ev->error_code = code <= INT32_MAX ? (int)code : 0;
	ev->error_title = leaf_first(leaf_text(error, "title"), leaf_text(error, "message"));
	ev->error_details =
		leaf_first(leaf_text(json_object_get(error, "error_data"), "details"), leaf_text(error, "message"));
}

/* Documented beside the call, seen inside it as well. */
static void read_errors(const struct walk *w, const json_t *item, struct wa_event *ev)
{
	const json_t *error = json_array_get(json_object_get(item, "errors"), 0);
	if (!error)
		error = json_array_get(json_object_get(w->place.value, "errors"), 0);
	read_error(error, ev);
}

static struct wa_event event_init(struct walk *w, enum wa_event_kind kind, const char *name)
{
	const json_t *metadata = json_object_get(w->place.value, "metadata");
	struct wa_event ev = {.kind = kind, .field = w->field, .name = name, .secret_index = w->secret_index};

	ev.phone_number_id = leaf_text(metadata, "phone_number_id");
	ev.display_phone_number = leaf_number_text(metadata, "display_phone_number");
	ev.call_id = ev.from = ev.to = ev.user_number = ev.user_id = ev.profile_name = ev.username = "";
	ev.payload = ev.opaque = ev.sdp_type = ev.sdp = ev.error_title = ev.error_details = ev.message_type = "";
	ev.message_id = ev.context_id = ev.text = ev.reply_id = "";
	w->place.contact = NULL;
	return ev;
}

/* ---- who ---- */

static json_t *contact_of(const struct walk *w, const struct wa_event *ev)
{
	const json_t *contacts = json_object_get(w->place.value, "contacts");
	json_t *contact;
	size_t i;

	json_array_foreach(contacts, i, contact)
	{
		const char *number = leaf_number_text(contact, "wa_id"), *id = leaf_text(contact, "user_id");
		if ((*number && str_equal(number, ev->user_number)) || (*id && str_equal(id, ev->user_id)))
			return contact;
	}
	/* Neither number nor id in the item itself: then the only contact it is. */
	return json_array_size(contacts) == 1 ? json_array_get(contacts, 0) : NULL;
}

static void read_contact(struct walk *w, struct wa_event *ev)
{
	json_t *contact = contact_of(w, ev);
	const json_t *profile = json_object_get(contact, "profile");

	w->place.contact = contact;
	ev->user_number = leaf_first(ev->user_number, leaf_number_text(contact, "wa_id"));
	ev->user_id = leaf_first(ev->user_id, leaf_text(contact, "user_id"));
	ev->profile_name = leaf_text(profile, "name");
	ev->username = leaf_first(leaf_text(profile, "username"), leaf_text(contact, "username"));
}

static void read_direction(const json_t *call, struct wa_event *ev)
{
	const char *direction = leaf_text(call, "direction");

	if (str_equal_nocase(direction, "USER_INITIATED"))
		ev->direction = WA_USER_INITIATED;
	else if (str_equal_nocase(direction, "BUSINESS_INITIATED"))
		ev->direction = WA_BUSINESS_INITIATED;
	else if (str_equal_nocase(ev->sdp_type, "offer"))
		ev->direction = WA_USER_INITIATED;
	else if (str_equal_nocase(ev->sdp_type, "answer"))
		ev->direction = WA_BUSINESS_INITIATED;
	else if (*ev->display_phone_number && str_equal(ev->to, ev->display_phone_number))
		ev->direction = WA_USER_INITIATED;
	else if (*ev->display_phone_number && str_equal(ev->from, ev->display_phone_number))
		ev->direction = WA_BUSINESS_INITIATED;
}

static void read_user(struct walk *w, const json_t *call, struct wa_event *ev)
{
	const char *from_id = leaf_text(call, "from_user_id"), *to_id = leaf_text(call, "to_user_id");

	if (ev->direction == WA_BUSINESS_INITIATED) {
		ev->user_number = ev->to;
		ev->user_id = leaf_first(to_id, from_id);
	} else {
		/* Without a direction `from` may be ourselves. */
		ev->user_number = *ev->from && str_equal(ev->from, ev->display_phone_number) ? ev->to : ev->from;
		ev->user_id = leaf_first(from_id, to_id);
	}
	read_contact(w, ev);
}

/* ---- items ---- */

/* The id of a call or message, or NULL when the item is useless without. */
static const char *id_of(struct walk *w, const json_t *item)
{
	const char *id = leaf_text(item, "id");
	size_t length = strlen(id);

	if (length && length <= WA_CALL_ID_MAX)
		return id;
	w->report->skipped++;
	fault(w, length ? ".id: longer than 256" : ".id: missing");
	return NULL;
}

static void read_session(const json_t *call, struct wa_event *ev)
{
	const json_t *session = json_object_get(call, "session");
	ev->sdp_type = leaf_text(session, "sdp_type");
	ev->sdp = leaf_text(session, "sdp");
	ev->sdp_length = strlen(ev->sdp);
}

static void read_end(const json_t *call, struct wa_event *ev)
{
	ev->failed = str_equal_nocase(leaf_text(call, "status"), "FAILED");
	ev->start_time_s = leaf_u64(call, "start_time");
	ev->end_time_s = leaf_u64(call, "end_time");
	ev->duration_s = leaf_u64(call, "duration");
}

static void walk_call(struct walk *w, const json_t *call)
{
	const char *name = leaf_text(call, "event");
	struct wa_event ev = event_init(w, WA_EVENT_OTHER, name);

	ev.call_id = id_of(w, call);
	if (!ev.call_id)
		return;
	if (!*name) {
		w->report->skipped++;
		fault(w, ".event: missing");
		return;
	}
	ev.from = leaf_number_text(call, "from");
	ev.to = leaf_number_text(call, "to");
	ev.timestamp_s = leaf_u64(call, "timestamp");
	ev.payload = leaf_first(leaf_text(call, "cta_payload"), leaf_text(call, "deeplink_payload"));
	ev.opaque = leaf_text(call, "biz_opaque_callback_data");
	read_session(call, &ev);
	read_direction(call, &ev);
	read_user(w, call, &ev);
	read_errors(w, call, &ev);
	if (str_equal(name, "connect")) {
		ev.kind = WA_EVENT_CONNECT;
		if (!ev.sdp_length)
			fault(w, ".session.sdp: missing"); /* still an event: somebody must refuse that call */
	} else if (str_equal(name, "terminate")) {
		ev.kind = WA_EVENT_TERMINATE;
		read_end(call, &ev);
	}
	if (!*ev.phone_number_id)
		fault(w, ": value.metadata.phone_number_id missing");
	emit(w, &ev);
}

static void walk_call_status(struct walk *w, const json_t *status)
{
	const char *type = leaf_text(status, "type");
	struct wa_event ev = event_init(w, WA_EVENT_STATUS, leaf_text(status, "status"));

	ev.timestamp_s = leaf_u64(status, "timestamp");
	ev.user_number = ev.to = leaf_number_text(status, "recipient_id");
	ev.user_id = leaf_text(status, "recipient_user_id");
	ev.opaque = leaf_text(status, "biz_opaque_callback_data");
	/* Message deliveries use the same array name. */
	if (!str_equal(w->field, "calls") || (*type && !str_equal(type, "call"))) {
		ev.kind = WA_EVENT_OTHER;
		emit(w, &ev);
		return;
	}
	ev.call_id = id_of(w, status);
	if (!ev.call_id)
		return;
	if (!*ev.name) {
		w->report->skipped++;
		fault(w, ".status: missing");
		return;
	}
	ev.direction = WA_BUSINESS_INITIATED;
	read_contact(w, &ev);
	read_errors(w, status, &ev);
	emit(w, &ev);
}

static void walk_message(struct walk *w, const json_t *message)
{
	struct wa_event ev = event_init(w, WA_EVENT_MESSAGE, leaf_text(message, "type"));

	ev.message_type = ev.name;
	ev.message_id = id_of(w, message);
	if (!ev.message_id)
		return;
	ev.from = ev.user_number = leaf_number_text(message, "from");
	ev.user_id = leaf_text(message, "from_user_id");
	ev.timestamp_s = leaf_u64(message, "timestamp");
	webhook_message_read(message, &ev, w->text);
	read_contact(w, &ev);
	emit(w, &ev);
}

static void walk_error(struct walk *w, const json_t *error)
{
	struct wa_event ev = event_init(w, WA_EVENT_ERROR, "error");
	read_error(error, &ev);
	read_contact(w, &ev);
	emit(w, &ev);
}

/* ---- the way down ---- */

/* Each object of value.NAME. Returns how many items there were. */
static size_t walk_array(struct walk *w, const char *name, void (*each)(struct walk *w, const json_t *item))
{
	const json_t *array = json_object_get(w->place.value, name);
	json_t *item;
	size_t i;

	w->array = name;
	if (array && !json_is_array(array)) {
		w->report->skipped++;
		fault(w, ": not an array");
	}
	json_array_foreach(array, i, item)
	{
		w->item = (int)i;
		w->place.item = item;
		if (json_is_object(item)) {
			each(w, item);
		} else {
			w->report->skipped++;
			fault(w, ": not an object");
		}
	}
	w->array = NULL;
	w->item = NOWHERE;
	w->place.item = NULL;
	return json_array_size(array);
}

static void walk_value(struct walk *w)
{
	bool calls = str_equal(w->field, "calls"), messages = str_equal(w->field, "messages");
	size_t before = w->report->events + w->report->skipped;
	size_t items = 0;

	if (calls)
		items += walk_array(w, "calls", walk_call);
	if (messages)
		items += walk_array(w, "messages", walk_message);
	if (calls || messages) {
		items += walk_array(w, "statuses", walk_call_status);
		if (!items) /* else they are about those items */
			items += walk_array(w, "errors", walk_error);
	}
	if (!items && before == w->report->events + w->report->skipped) {
		struct wa_event ev = event_init(w, WA_EVENT_OTHER, leaf_text(w->place.value, "event"));
		emit(w, &ev);
	}
}

static void walk_change(struct walk *w, const json_t *change)
{
	w->field = leaf_text(change, "field");
	w->place.value = json_object_get(change, "value");
	if (json_is_object(w->place.value)) {
		walk_value(w);
		return;
	}
	w->report->skipped++;
	fault(w, ".value: not an object");
}

static void walk_entry(struct walk *w, const json_t *entry)
{
	const json_t *changes = json_object_get(entry, "changes");
	const json_t *change;
	size_t i;

	if (!json_is_array(changes)) {
		w->report->skipped++;
		fault(w, ".changes: not an array");
		return;
	}
	json_array_foreach(changes, i, change)
	{
		w->change = (int)i;
		walk_change(w, change);
	}
}

void webhook_walk(const json_t *root, size_t secret_index, webhook_walk_fn *fn, void *arg,
	struct webhook_parse_report *ret_report)
{
	struct walk w = {.fn = fn, .arg = arg, .secret_index = secret_index, .report = ret_report};
	const json_t *entry;
	size_t i;

	*ret_report = (struct webhook_parse_report){0};
	json_array_foreach(json_object_get(root, "entry"), i, entry)
	{
		w.entry = (int)i;
		w.change = w.item = NOWHERE;
		w.place.entry = entry;
		walk_entry(&w, entry);
	}
}
