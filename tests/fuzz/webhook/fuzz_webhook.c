/* Any bytes as a delivery: no event may break what wa_event.h promises, and what is kept of it reads back the same. */
#include "lib/base/assert.h"
#include "webhook/document.h"
#include "webhook/keep.h"
#include "webhook/parse.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	size_t events;
	uint64_t sums[WA_EVENTS_PER_POST_MAX]; /* of the events that are kept */
	size_t kept;
};

static uint64_t mix(uint64_t sum, uint64_t value)
{
	return (sum ^ value) * 0x100000001b3ULL;
}

static uint64_t check_texts(const struct wa_event *ev)
{
	const char *const texts[] = {ev->field, ev->name, ev->phone_number_id, ev->display_phone_number, ev->call_id,
		ev->from, ev->to, ev->user_number, ev->user_id, ev->profile_name, ev->username, ev->payload, ev->opaque,
		ev->sdp_type, ev->sdp, ev->error_title, ev->error_details, ev->message_type, ev->message_id,
		ev->context_id, ev->text, ev->reply_id};
	uint64_t sum = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (const char *p = texts[i]; *p; p++)
			sum = mix(sum, (unsigned char)*p);
		sum = mix(sum, 0x100);
	}
	return sum;
}

static void on_event(const struct wa_event *ev, void *arg)
{
	struct seen *seen = arg;
	uint64_t sum = check_texts(ev);

	seen->events++;
	ASSERT(strlen(ev->sdp) == ev->sdp_length);
	ASSERT(strlen(ev->call_id) <= WA_CALL_ID_MAX);
	ASSERT(strlen(ev->message_id) <= WA_CALL_ID_MAX && strlen(ev->text) <= WA_TEXT_MAX_BYTES);
	if (ev->kind == WA_EVENT_CONNECT || ev->kind == WA_EVENT_TERMINATE || ev->kind == WA_EVENT_STATUS)
		ASSERT(ev->call_id[0]);
	if (!webhook_is_kept(ev->kind))
		return;
	ASSERT(ev->message_id[0]);
	ASSERT(ev->permission_accepted || !ev->permission_permanent);
	sum = mix(mix(sum, ev->kind), ev->timestamp_s);
	sum = mix(mix(sum, ev->permission_expires_s), ev->permission_accepted * 4u + ev->permission_permanent * 2u);
	ASSERT(seen->kept < WA_EVENTS_PER_POST_MAX);
	seen->sums[seen->kept++] = mix(sum, ev->permission_automatic);
}

static void check_keep(const uint8_t *data, size_t size, const struct seen *seen)
{
	static struct seen again;
	struct webhook_document *doc;
	struct webhook_keep keep;
	char what[128];
	int r = webhook_document_load(data, size, &doc, what);

	ASSERT(r == 0);
	r = webhook_keep_collect(doc, 0, &keep);
	ASSERT(r || keep.count == seen->kept);
	webhook_document_free(doc);
	for (size_t i = 0; r == 0 && i < keep.count; i++) {
		struct webhook_parse_report report;
		again.events = again.kept = 0;
		ASSERT(webhook_parse(keep.items[i].json, keep.items[i].length, on_event, &again, &report) == 0);
		ASSERT(again.events == 1 && again.kept == 1 && again.sums[0] == seen->sums[i]);
	}
	webhook_keep_done(&keep);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct seen seen;
	struct webhook_parse_report report;
	int r;

	seen.events = seen.kept = 0;
	r = webhook_parse(data, size, on_event, &seen, &report);
	ASSERT(r == 0 || r == -EBADMSG || r == -ENOMEM);
	ASSERT(seen.events == report.events && seen.events <= WA_EVENTS_PER_POST_MAX);
	ASSERT(r == 0 || report.what[0]);
	if (r == 0)
		check_keep(data, size, &seen);
	return 0;
}
