/* Bindings of users who registered: small rows that the control thread has in memory and writes through. */
#include "store/store_bindings.h"

#include "lib/base/str.h"
#include "store/request.h"
#include "store/sqlite_private.h"

struct binding_request {
	struct store_request q;
	struct kept_binding binding;
};

static int put_run(struct db *db, struct store_request *q)
{
	const struct kept_binding *b = &((const struct binding_request *)q)->binding;
	struct stmt s = stmt_begin(db, STATEMENT_PUT_BINDING,
		"INSERT OR REPLACE INTO bindings (id, user, contact, path, call_id, cseq, q, agent, source, local,"
		" transport, registered_ms, refreshed_ms, expires_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)");

	stmt_text(&s, b->id);
	stmt_text(&s, b->user);
	stmt_text(&s, b->contact);
	stmt_text(&s, b->path);
	stmt_text(&s, b->call_id);
	stmt_number(&s, b->cseq);
	stmt_number(&s, b->q);
	stmt_text(&s, b->agent);
	stmt_text(&s, b->source);
	stmt_text(&s, b->local);
	stmt_text(&s, b->transport);
	stmt_number(&s, b->registered_ms);
	stmt_number(&s, b->refreshed_ms);
	stmt_number(&s, b->expires_ms);
	return stmt_run(&s);
}

static const struct request_kind put_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = put_run,
};

int store_put_binding(struct store *s, const struct kept_binding *b)
{
	struct store_request *q;
	int r = store_request_new(s, &put_kind, false, sizeof(struct binding_request), &q);

	if (r < 0)
		return r;
	((struct binding_request *)q)->binding = *b;
	store_request_send(s, q);
	return 0;
}

static int drop_run(struct db *db, struct store_request *q)
{
	struct stmt s = stmt_begin(db, STATEMENT_DROP_BINDING, "DELETE FROM bindings WHERE id = ?");

	stmt_text(&s, ((const struct binding_request *)q)->binding.id);
	return stmt_run(&s);
}

static const struct request_kind drop_kind = {
	.lane = LANE_WRITE,
	.patience_ms = PATIENT_MS,
	.lost = CNT_STORE_ERRORS,
	.run = drop_run,
};

int store_drop_binding(struct store *s, const char *id)
{
	struct store_request *q;
	int r = store_request_new(s, &drop_kind, false, sizeof(struct binding_request), &q);

	if (r < 0)
		return r;
	(void)str_copy(
		((struct binding_request *)q)->binding.id, sizeof(((struct binding_request *)q)->binding.id), id);
	store_request_send(s, q);
	return 0;
}

struct binding_reader {
	void (*fn)(const struct kept_binding *b, void *arg);
	void *arg;
};

static void read_row(struct stmt *s, struct kept_binding *b)
{
	stmt_column_copy(s, 0, b->id, sizeof(b->id));
	stmt_column_copy(s, 1, b->user, sizeof(b->user));
	stmt_column_copy(s, 2, b->contact, sizeof(b->contact));
	stmt_column_copy(s, 3, b->path, sizeof(b->path));
	stmt_column_copy(s, 4, b->call_id, sizeof(b->call_id));
	b->cseq = (uint32_t)stmt_column(s, 5);
	b->q = (uint32_t)stmt_column(s, 6);
	stmt_column_copy(s, 7, b->agent, sizeof(b->agent));
	stmt_column_copy(s, 8, b->source, sizeof(b->source));
	stmt_column_copy(s, 9, b->local, sizeof(b->local));
	stmt_column_copy(s, 10, b->transport, sizeof(b->transport));
	b->registered_ms = stmt_column(s, 11);
	b->refreshed_ms = stmt_column(s, 12);
	b->expires_ms = stmt_column(s, 13);
}

static int load(struct db *db, void *arg)
{
	const struct binding_reader *reader = arg;
	struct stmt s = stmt_begin(db, STATEMENT_LOAD_BINDINGS,
		"SELECT id, user, contact, path, call_id, cseq, q, agent, source, local, transport, registered_ms,"
		" refreshed_ms, expires_ms FROM bindings ORDER BY refreshed_ms, rowid");

	while (stmt_next(&s)) {
		struct kept_binding b = {0};

		read_row(&s, &b);
		if (s.rc == SQLITE_ROW)
			reader->fn(&b, reader->arg);
	}
	return stmt_end(&s);
}

int store_load_bindings(struct store *s, void (*fn)(const struct kept_binding *b, void *arg), void *arg)
{
	struct binding_reader reader = {fn, arg};

	return store_load(s, load, &reader);
}
