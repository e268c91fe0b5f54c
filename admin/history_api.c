/* admin/history_api.c -- the call log: filters, and pages that new calls do not disturb */
#include "admin/admin_internal.h"

#include "admin/admin_json.h"
#include "lib/base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 1000 };

/* A question to the store. */
struct search {
	struct api_reply *reply;
	bool single; /* one call wanted: 404 when there is none */
	unsigned limit;
};

static void reply_records(struct api_reply *r, const struct call_record *const *records, size_t count, unsigned limit)
{
	char cursor[CURSOR_MAX], started[24];
	json_t *list = json_array();
	bool incomplete = false;

	for (size_t i = 0; i < count; i++)
		incomplete |= json_array_append_new(list, admin_json_record(records[i])) != 0;
	if (count && count == limit) {
		snprintf(started, sizeof(started), "%" PRIu64, records[count - 1]->started_ms);
		cursor_write(cursor, started, records[count - 1]->id);
	}
	reply_page(r, "records", list, incomplete, count && count == limit ? cursor : NULL);
}

static void on_records(int status, const struct call_record *const *records, size_t count, void *arg)
{
	struct search s = *(struct search *)arg;

	free(arg);
	if (status)
		reply_problem(s.reply, API_BUSY, "the call log cannot be read");
	else if (s.single && count == 0)
		reply_problem(s.reply, API_NOT_FOUND, "neither a live call nor one of the call log has this id");
	else if (s.single)
		reply_ok(s.reply, admin_json_record(records[0]));
	else
		reply_records(s.reply, records, count, s.limit);
}

static void ask_store(struct api_reply *r, const struct store_query *query, bool single)
{
	struct search *s = calloc(1, sizeof(*s));
	int result = -ENOMEM;

	if (s) {
		*s = (struct search){r, single, query->limit ? query->limit : LIMIT_DEFAULT};
		result = store_find(r->admin->store, query, on_records, s);
	}
	if (result) {
		free(s);
		reply_problem(r, API_BUSY, strerror(-result));
	}
}

void history_find_one(struct api_reply *r, const char *id)
{
	struct store_query query = {.limit = 1};

	str_copy(query.tenant, sizeof(query.tenant), api_tenant(r));
	if (str_copy(query.id, sizeof(query.id), id))
		reply_problem(r, API_NOT_FOUND, "that is not a call id");
	else
		ask_store(r, &query, true);
}

static const char *read_numbers(struct api_reply *r, struct store_query *q)
{
	uint64_t limit, offset;

	if (reply_query_uint(r, "from", UINT64_MAX / 2, &q->from_ms) ||
		reply_query_uint(r, "to", UINT64_MAX / 2, &q->to_ms))
		return "from, to: milliseconds since 1970";
	if (reply_query_uint(r, "limit", LIMIT_MAX, &limit) || reply_query_uint(r, "offset", UINT32_MAX, &offset))
		return "limit: 1 to 1000; offset: a number";
	q->limit = (unsigned)limit;
	q->offset = (unsigned)offset;
	return NULL;
}

static const char *read_cursor(struct api_reply *r, struct store_query *q)
{
	const char *cursor = reply_query(r, "cursor");
	char started[24];

	if (cursor && (cursor_read(cursor, started, sizeof(started), q->after_id, sizeof(q->after_id)) ||
			      str_to_u64(started, 0, UINT64_MAX / 2, &q->after_started_ms)))
		return "cursor: not one that this interface gave";
	if (cursor && q->offset)
		return "offset: not together with cursor";
	return NULL;
}

/* NULL, or what is wrong. */
static const char *read_query(struct api_reply *r, struct store_query *q)
{
	const char *status = reply_query(r, "status"), *direction = reply_query(r, "direction"), *wrong;
	enum call_status known;

	if (reply_query_phone(r, "number", q->number, sizeof(q->number)))
		return "number: not a phone number";
	if (reply_query_phone(r, "user", q->user_number, sizeof(q->user_number)))
		return "user: not a phone number";
	if (status && call_status_parse(status, &known))
		return "status: completed, missed, rejected, failed or cancelled";
	if (direction && strcmp(direction, "inbound") != 0 && strcmp(direction, "outbound") != 0)
		return "direction: inbound or outbound";
	if (str_copy(q->gateway, sizeof(q->gateway), reply_query(r, "gateway")))
		return "gateway: no gateway has such a long name";
	str_copy(q->tenant, sizeof(q->tenant), api_tenant(r));
	str_copy(q->status, sizeof(q->status), status);
	str_copy(q->direction, sizeof(q->direction), direction);
	wrong = read_numbers(r, q);
	return wrong ? wrong : read_cursor(r, q);
}

void get_history(struct api_reply *r)
{
	struct store_query q = {0};
	const char *wrong = read_query(r, &q);

	if (wrong)
		reply_problem(r, API_BAD_REQUEST, wrong);
	else
		ask_store(r, &q, false);
}
