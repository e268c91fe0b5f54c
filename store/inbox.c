/* The inbox: messages that Meta was told we have. A row is a message id, for as long as Meta may repeat it, and its
 * text until it is dealt with. */
#include "store/store_dial.h"

#include "lib/base/str.h"
#include "store/request.h"
#include "store/sqlite_private.h"

#include <errno.h>
#include <string.h>

enum {
	MESSAGE_ID_MAX = 512, /* Meta's are about 60 characters */
	PRUNE_MIN = 16,       /* old rows that go with each put, at least */
};

/* ---- received ---- */

struct inbox_row {
	const char *message_id, *json;
	size_t length;
	uint64_t received_ms;
};

/* One block of memory: the struct, the rows, the answers, the texts. */
struct inbox_request {
	struct store_request q;
	size_t count;
	void (*fn)(int status, const bool *is_new, size_t count, void *arg);
	bool *is_new;
	struct inbox_row rows[];
};

static int prune(struct db *db, uint64_t now_ms, size_t limit)
{
	struct stmt s = stmt_begin(db, STATEMENT_PRUNE_INBOX,
		"DELETE FROM inbox WHERE seq IN (SELECT seq FROM inbox WHERE received_ms < ? ORDER BY received_ms "
		"LIMIT ?)");

	stmt_number(&s, now_ms > INBOX_KEEP_MS ? now_ms - INBOX_KEEP_MS : 0);
	stmt_number(&s, limit);
	return stmt_run(&s);
}

static int put_row(struct db *db, const struct inbox_row *row, bool *ret_is_new)
{
	struct stmt s = stmt_begin(db, STATEMENT_PUT_INBOX,
		"INSERT INTO inbox (message_id, received_ms, json) VALUES (?,?,?) ON CONFLICT (message_id) DO NOTHING");
	int r;

	stmt_text(&s, row->message_id);
	stmt_number(&s, row->received_ms);
	stmt_bytes(&s, row->json, row->length);
	r = stmt_run(&s);
	if (r == 0)
		*ret_is_new = sqlite3_changes(db->handle) > 0;
	return r;
}

static int inbox_run(struct db *db, struct store_request *q)
{
	const struct inbox_request *iq = (const struct inbox_request *)q;
	int r = 0;

	/* More go than come, so that the table shrinks after a busy week. */
	if (iq->count > 0)
		r = prune(db, iq->rows[0].received_ms, iq->count + PRUNE_MIN);
	for (size_t i = 0; i < iq->count && r == 0; i++)
		r = put_row(db, &iq->rows[i], &iq->is_new[i]);
	return r;
}

static void inbox_deliver(struct store_request *q)
{
	const struct inbox_request *iq = (const struct inbox_request *)q;

	iq->fn(q->status, q->status == 0 ? iq->is_new : NULL, q->status == 0 ? iq->count : 0, q->arg);
}

/* Durable: Meta, once answered 200, does not send the message again. */
static const struct request_kind inbox_kind = {
	.lane = LANE_WRITE,
	.patience_ms = IMPATIENT_MS,
	.durable = true,
	.lost = CNT_STORE_ERRORS,
	.run = inbox_run,
	.deliver = inbox_deliver,
};

static char *keep(char **at, const char *text, size_t length)
{
	char *copy = *at;

	memcpy(copy, text, length);
	copy[length] = '\0';
	*at += length + 1;
	return copy;
}

int store_put_inbox(struct store *s, const struct inbox_item *items, size_t count,
	void (*fn)(int status, const bool *is_new, size_t count, void *arg), void *arg)
{
	size_t texts = 0, fixed = sizeof(struct inbox_request) + count * sizeof(struct inbox_row);
	struct inbox_request *iq;
	struct store_request *q;
	char *at;
	int r;

	if (count > INBOX_ITEMS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		size_t id_length = strlen(items[i].message_id);

		if (id_length > MESSAGE_ID_MAX)
			return -EINVAL;
		texts += id_length + 1 + items[i].length + 1;
	}
	r = store_request_new(s, &inbox_kind, true, fixed + count * sizeof(bool) + texts, &q);
	if (r < 0)
		return r;
	iq = (struct inbox_request *)q;
	iq->count = count;
	iq->fn = fn;
	iq->is_new = (bool *)((char *)iq + fixed);
	at = (char *)iq + fixed + count * sizeof(bool);
	for (size_t i = 0; i < count; i++) {
		iq->rows[i].message_id = keep(&at, items[i].message_id, strlen(items[i].message_id));
		iq->rows[i].json = keep(&at, items[i].json, items[i].length);
		iq->rows[i].length = items[i].length;
		iq->rows[i].received_ms = items[i].received_ms;
	}
	q->weight = (unsigned)count;
	q->arg = arg;
	store_request_send(s, q);
	return 0;
}

/* ---- dealt with ---- */

struct done_request {
	struct store_request q;
	char message_id[];
};

static int done_run(struct db *db, struct store_request *q)
{
	struct stmt s = stmt_begin(db, STATEMENT_DONE_INBOX, "UPDATE inbox SET json = NULL WHERE message_id = ?");

	stmt_text(&s, ((const struct done_request *)q)->message_id);
	return stmt_run(&s);
}

static const struct request_kind done_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = done_run,
};

int store_done_inbox(struct store *s, const char *message_id)
{
	size_t length = strlen(message_id);
	struct store_request *q;
	int r = store_request_new(s, &done_kind, false, sizeof(struct done_request) + length + 1, &q);

	if (r < 0)
		return r;
	memcpy(((struct done_request *)q)->message_id, message_id, length + 1);
	store_request_send(s, q);
	return 0;
}

/* ---- of a previous run ---- */

struct inbox_reader {
	void (*fn)(const struct inbox_item *item, void *arg);
	void *arg;
};

static int load_inbox(struct db *db, void *arg)
{
	const struct inbox_reader *reader = arg;
	struct stmt s = stmt_begin(db, STATEMENT_LOAD_INBOX,
		"SELECT message_id, json, received_ms FROM inbox WHERE json IS NOT NULL ORDER BY seq");

	while (stmt_next(&s)) {
		struct inbox_item item = {.received_ms = stmt_column(&s, 2)};

		item.message_id = stmt_column_text(&s, 0);
		item.json = stmt_column_text(&s, 1);
		item.length = (size_t)sqlite3_column_bytes(s.st, 1);
		if (s.rc == SQLITE_ROW)
			reader->fn(&item, reader->arg);
	}
	return stmt_end(&s);
}

int store_load_inbox(struct store *s, void (*fn)(const struct inbox_item *item, void *arg), void *arg)
{
	struct inbox_reader reader = {fn, arg};

	return store_load(s, load_inbox, &reader);
}
