/* Any bytes as a delivery: no event may break what wa_event.h promises. */
#include "lib/base/assert.h"
#include "webhook/parse.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_event(const struct wa_event *ev, void *arg)
{
	const char *const texts[] = {ev->field, ev->name, ev->phone_number_id, ev->display_phone_number, ev->call_id,
		ev->from, ev->to, ev->user_number, ev->user_id, ev->profile_name, ev->username, ev->payload, ev->opaque,
		ev->sdp_type, ev->sdp, ev->error_title, ev->error_details, ev->message_type};
	size_t *events = arg;
	size_t sum = 0;

	(*events)++;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		sum += strlen(texts[i]);
	ASSERT(sum < SIZE_MAX);
	ASSERT(strlen(ev->sdp) == ev->sdp_length);
	ASSERT(strlen(ev->call_id) <= WA_CALL_ID_MAX);
	if (ev->kind == WA_EVENT_CONNECT || ev->kind == WA_EVENT_TERMINATE || ev->kind == WA_EVENT_STATUS)
		ASSERT(ev->call_id[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct webhook_parse_report report;
	size_t events = 0;
	int r = webhook_parse(data, size, on_event, &events, &report);

	ASSERT(r == 0 || r == -EBADMSG || r == -ENOMEM);
	ASSERT(events == report.events && events <= WA_EVENTS_PER_POST_MAX);
	ASSERT(r == 0 || report.what[0]);
	return 0;
}
