/* Any bytes as an answer of the Graph API. The first byte chooses verb and HTTP status. */
#include "graph/answer.h"
#include "graph/messages_internal.h"
#include "lib/base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t cap)
{
	size_t n = strnlen(text, cap);
	ASSERT(n < cap);
	for (size_t i = 0; i < n; i++)
		ASSERT((unsigned char)text[i] >= 0x20 && text[i] != '"');
}

static void check_answer(const struct graph_answer *a)
{
	check_text(a->message, sizeof(a->message));
	check_text(a->details, sizeof(a->details));
	check_text(a->trace_id, sizeof(a->trace_id));
	ASSERT(!a->ok || (!a->refused && !a->code));
	ASSERT(a->ok || a->message[0] || a->refused);
	ASSERT(graph_error_info(a->code) != NULL);
}

/* The same bytes as the answer to a message and to a question about permission. */
static void read_others(unsigned status, const uint8_t *data, size_t size)
{
	struct graph_message_result sent;
	struct graph_permission_result told;
	struct graph_answer a;

	graph_message_answer_read(status, data, size, &a, &sent);
	check_answer(&a);
	check_text(sent.wa_id, sizeof(sent.wa_id));
	ASSERT(a.ok == (sent.wamid[0] != '\0') && strnlen(sent.wamid, sizeof(sent.wamid)) < sizeof(sent.wamid));
	graph_permission_answer_read(status, data, size, &a, &told);
	check_answer(&a);
	ASSERT(told.status <= GRAPH_PERMISSION_PERMANENT);
	ASSERT(!told.expires_s || told.status == GRAPH_PERMISSION_TEMPORARY);
	ASSERT(!told.may_call || !told.call_limit_expires_s);
	ASSERT(!told.may_request || !told.request_limit_expires_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned status[] = {200, 400, 401, 429, 500, 302, 0, 204};
	struct graph_answer a;
	enum graph_verb verb;

	if (!size)
		return 0;
	verb = (enum graph_verb)(data[0] % 5);
	graph_answer_read(verb, status[(data[0] / 5) % 8], data + 1, size - 1, &a);
	check_answer(&a);
	ASSERT((a.ok && verb == GRAPH_CONNECT) == (a.call_id[0] != '\0'));
	ASSERT(strnlen(a.call_id, sizeof(a.call_id)) < sizeof(a.call_id));
	read_others(status[(data[0] / 5) % 8], data + 1, size - 1);
	return 0;
}
