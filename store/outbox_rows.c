/* Rows of the outbox. Of each receiver and subject the earliest waiting row is at the front, the others are behind it:
 *
 *   put --> BEHIND --(the one before is gone)--> FRONT --> delivered: deleted
 *     `------------(nothing before it)------------^ |`--> DEAD --> revived: FRONT or BEHIND by its seq
 *                                       retry: next_ms
 *
 * so that what is due is one range of the index outbox_due. A row without a subject is always at the front.
 */
#include "store/outbox_rows.h"

#include "lib/base/str.h"
#include "store/sqlite_private.h"

#include <errno.h>
#include <string.h>

enum { PRUNE_MAX = 4 }; /* old rows that go with each new one: more than come */

#define EVENT_COLUMNS "seq, receiver, id, subject, type, body, created_ms, next_ms, attempts, error"

const char outbox_due_sql[] =
	"SELECT " EVENT_COLUMNS " FROM outbox WHERE receiver = ? AND state = 1 ORDER BY next_ms, seq LIMIT ?";
const char outbox_dead_sql[] =
	"SELECT " EVENT_COLUMNS
	" FROM outbox INDEXED BY outbox_by_state WHERE state = 2 AND receiver = ? ORDER BY seq DESC LIMIT ?";
const char outbox_first_sql[] = "SELECT seq FROM outbox INDEXED BY outbox_by_subject"
				" WHERE receiver = ? AND subject = ? AND state < 2 ORDER BY seq LIMIT 1";
const char outbox_oldest_sql[] = "SELECT seq FROM outbox WHERE state = ? ORDER BY seq LIMIT 1";

/* ---- one row ---- */

struct row {
	char receiver[sizeof(((struct outbox_event *)0)->receiver)];
	char subject[sizeof(((struct outbox_event *)0)->subject)];
	uint64_t seq, state;
};

/* Returns 0, -ENOENT or an error of the database. */
static int find_row(struct db *db, uint64_t seq, struct row *ret_row)
{
	struct stmt s =
		stmt_begin(db, STATEMENT_FIND_EVENT, "SELECT receiver, subject, state FROM outbox WHERE seq = ?");
	bool found;
	int r;

	stmt_number(&s, seq);
	found = stmt_next(&s);
	if (found) {
		ret_row->seq = seq;
		stmt_column_copy(&s, 0, ret_row->receiver, sizeof(ret_row->receiver));
		stmt_column_copy(&s, 1, ret_row->subject, sizeof(ret_row->subject));
		ret_row->state = stmt_column(&s, 2);
	}
	r = stmt_end(&s);
	return r == 0 && !found ? -ENOENT : r;
}

/* *ret_seq 0: no row of this receiver and subject waits. */
static int first_of_subject(struct db *db, const char *receiver, const char *subject, uint64_t *ret_seq)
{
	struct stmt s = stmt_begin(db, STATEMENT_FIRST_OF_SUBJECT, outbox_first_sql);

	stmt_text(&s, receiver);
	stmt_text(&s, subject);
	*ret_seq = stmt_next(&s) ? stmt_column(&s, 0) : 0;
	return stmt_end(&s);
}

static int set_state(struct db *db, uint64_t seq, enum event_state state)
{
	struct stmt s = stmt_begin(db, STATEMENT_EVENT_STATE, "UPDATE outbox SET state = ? WHERE seq = ?");

	stmt_number(&s, state);
	stmt_number(&s, seq);
	return stmt_run(&s);
}

/* A row that was at the front waits no more: let the next of its subject come forward. */
static int advance(struct db *db, const struct row *gone)
{
	uint64_t next;
	int r;

	if (gone->state != EVENT_FRONT || !gone->subject[0])
		return 0;
	r = first_of_subject(db, gone->receiver, gone->subject, &next);
	return r == 0 && next > 0 ? set_state(db, next, EVENT_FRONT) : r;
}

static void count_gone(struct db *db, const struct row *row)
{
	int64_t *rows = row->state == EVENT_DEAD ? &db->outbox_dead : &db->outbox_waiting;

	if (*rows > 0)
		--*rows;
}

static int delete_row(struct db *db, const struct row *row)
{
	struct stmt s = stmt_begin(db, STATEMENT_DELETE_EVENT, "DELETE FROM outbox WHERE seq = ?");
	int r;

	stmt_number(&s, row->seq);
	r = stmt_run(&s);
	if (r < 0)
		return r;
	count_gone(db, row);
	return advance(db, row);
}

/* ---- bounds ---- */

static int count_rows(struct db *db)
{
	struct stmt s;
	int r;

	if (db->outbox_waiting >= 0)
		return 0;
	s = stmt_begin(db, STATEMENT_COUNT_OUTBOX,
		"SELECT (SELECT count(*) FROM outbox WHERE state IN (0, 1)),"
		" (SELECT count(*) FROM outbox WHERE state = 2)");
	if (stmt_next(&s)) {
		db->outbox_waiting = (int64_t)stmt_column(&s, 0);
		db->outbox_dead = (int64_t)stmt_column(&s, 1);
	}
	r = stmt_end(&s);
	return r;
}

/* *ret_row: the oldest one in that state; its seq is 0 when there is none. */
static int oldest(struct db *db, enum event_state state, struct row *ret_row)
{
	struct stmt s = stmt_begin(db, STATEMENT_OLDEST_EVENT, outbox_oldest_sql);
	uint64_t seq;
	int r;

	stmt_number(&s, state);
	seq = stmt_next(&s) ? stmt_column(&s, 0) : 0;
	r = stmt_end(&s);
	ret_row->seq = 0;
	return r == 0 && seq > 0 ? find_row(db, seq, ret_row) : r;
}

static int drop_dead(struct db *db, struct outbox_toll *toll)
{
	while (db->outbox_dead > OUTBOX_DEAD_MAX) {
		struct row row;
		int r = oldest(db, EVENT_DEAD, &row);

		if (r == 0 && row.seq > 0)
			r = delete_row(db, &row);
		if (r < 0 || row.seq == 0)
			return r;
		toll->lost++;
	}
	return 0;
}

static int kill_row(
	struct db *db, const struct row *row, unsigned attempts, const char *error, struct outbox_toll *toll)
{
	struct stmt s = stmt_begin(db, STATEMENT_DEAD_EVENT,
		"UPDATE outbox SET state = 2, attempts = attempts + ?, error = ? WHERE seq = ?");
	int r;

	stmt_number(&s, attempts);
	stmt_text(&s, error);
	stmt_number(&s, row->seq);
	r = stmt_run(&s);
	if (r < 0)
		return r;
	count_gone(db, row);
	db->outbox_dead++;
	toll->dead++;
	r = advance(db, row);
	return r == 0 ? drop_dead(db, toll) : r;
}

/* The oldest waiting row is at the front of its subject, so it is found by its state. */
static int make_room(struct db *db, struct outbox_toll *toll)
{
	while (db->outbox_waiting >= OUTBOX_MAX) {
		struct row row;
		int r = oldest(db, EVENT_FRONT, &row);

		if (r == 0 && row.seq > 0)
			r = kill_row(db, &row, 0, "too many events wait", toll);
		if (r < 0 || row.seq == 0)
			return r;
	}
	return 0;
}

static int prune(struct db *db, uint64_t now_ms, struct outbox_toll *toll)
{
	const uint64_t keep_ms = OUTBOX_KEEP_DAYS * 24ull * 3600 * 1000;

	for (int i = 0; i < PRUNE_MAX && now_ms > keep_ms; i++) {
		struct stmt s =
			stmt_begin(db, STATEMENT_OLD_EVENT, "SELECT seq, created_ms FROM outbox ORDER BY seq LIMIT 1");
		struct row row = {.seq = 0};
		bool old;
		int r;

		old = stmt_next(&s) && stmt_column(&s, 1) < now_ms - keep_ms;
		if (old)
			row.seq = stmt_column(&s, 0);
		r = stmt_end(&s);
		if (r < 0 || !old)
			return r;
		r = find_row(db, row.seq, &row);
		if (r == 0)
			r = delete_row(db, &row);
		if (r < 0)
			return r;
		toll->lost++;
	}
	return 0;
}

/* ---- writing ---- */

static int insert(struct db *db, const struct outbox_event *e, enum event_state state)
{
	struct stmt s = stmt_begin(db, STATEMENT_PUT_EVENT,
		"INSERT INTO outbox (receiver, id, subject, type, body, created_ms, next_ms, attempts, error, state)"
		" VALUES (?,?,?,?,?,?,?,0,'',?)");

	stmt_text(&s, e->receiver);
	stmt_text(&s, e->id);
	stmt_text(&s, e->subject);
	stmt_text(&s, e->type);
	stmt_text(&s, e->body);
	stmt_number(&s, e->created_ms);
	stmt_number(&s, e->created_ms);
	stmt_number(&s, state);
	return stmt_run(&s);
}

int db_put_event(struct db *db, const struct outbox_event *e, struct outbox_toll *toll)
{
	uint64_t before = 0;
	int r = count_rows(db);

	if (r == 0)
		r = prune(db, e->created_ms, toll);
	if (r == 0)
		r = make_room(db, toll);
	if (r == 0 && e->subject[0])
		r = first_of_subject(db, e->receiver, e->subject, &before);
	if (r == 0)
		r = insert(db, e, before ? EVENT_BEHIND : EVENT_FRONT);
	if (r == 0)
		db->outbox_waiting++;
	return r;
}

int db_event_delivered(struct db *db, int64_t seq)
{
	struct row row;
	int r = find_row(db, (uint64_t)seq, &row);

	if (r == 0)
		r = delete_row(db, &row);
	return r == -ENOENT ? 0 : r;
}

int db_event_retry(struct db *db, int64_t seq, uint64_t next_ms, const char *error)
{
	struct stmt s = stmt_begin(db, STATEMENT_RETRY_EVENT,
		"UPDATE outbox SET next_ms = ?, attempts = attempts + 1, error = ? WHERE seq = ? AND state < 2");

	stmt_number(&s, next_ms);
	stmt_text(&s, error);
	stmt_number(&s, (uint64_t)seq);
	return stmt_run(&s);
}

int db_event_dead(struct db *db, int64_t seq, const char *error, struct outbox_toll *toll)
{
	struct row row;
	int r = count_rows(db);

	if (r == 0)
		r = find_row(db, (uint64_t)seq, &row);
	if (r == 0 && row.state != EVENT_DEAD)
		r = kill_row(db, &row, 1, error, toll);
	return r == -ENOENT ? 0 : r;
}

/* Back into the order of its subject by its seq. */
static int revive_row(struct db *db, const struct row *row)
{
	uint64_t first = 0;
	bool front;
	struct stmt s;
	int r = 0;

	if (row->subject[0])
		r = first_of_subject(db, row->receiver, row->subject, &first);
	if (r < 0)
		return r;
	front = first == 0 || row->seq < first;
	if (front && first > 0)
		r = set_state(db, first, EVENT_BEHIND);
	if (r < 0)
		return r;
	s = stmt_begin(db, STATEMENT_REVIVE_EVENT,
		"UPDATE outbox SET state = ?, attempts = 0, error = '', next_ms = created_ms WHERE seq = ?");
	stmt_number(&s, front ? EVENT_FRONT : EVENT_BEHIND);
	stmt_number(&s, row->seq);
	r = stmt_run(&s);
	if (r == 0) {
		count_gone(db, row);
		db->outbox_waiting++;
	}
	return r;
}

/* The next dead row of the receiver after seq; its seq is 0 when there is none. */
static int next_dead(struct db *db, const char *receiver, uint64_t seq, struct row *ret_row)
{
	struct stmt s = stmt_begin(db, STATEMENT_NEXT_DEAD,
		"SELECT seq FROM outbox INDEXED BY outbox_by_state"
		" WHERE state = 2 AND seq > ? AND receiver = ? ORDER BY seq LIMIT 1");
	int r;

	stmt_number(&s, seq);
	stmt_text(&s, receiver);
	ret_row->seq = 0;
	seq = stmt_next(&s) ? stmt_column(&s, 0) : 0;
	r = stmt_end(&s);
	return r == 0 && seq > 0 ? find_row(db, seq, ret_row) : r;
}

int db_revive_events(struct db *db, const char *receiver, int64_t seq, size_t *ret_count)
{
	struct row row = {.seq = seq > 0 ? (uint64_t)seq - 1 : 0};
	size_t count = 0;
	int r = count_rows(db);

	while (r == 0 && db->outbox_waiting < OUTBOX_MAX) {
		r = next_dead(db, receiver, row.seq, &row);
		if (r < 0 || row.seq == 0 || (seq > 0 && row.seq != (uint64_t)seq))
			break;
		r = revive_row(db, &row);
		count += r == 0;
		if (seq > 0)
			break;
	}
	*ret_count = count;
	return r;
}

/* ---- reading ---- */

static void read_event(struct stmt *s, struct outbox_event *e)
{
	e->seq = (int64_t)stmt_column(s, 0);
	stmt_column_copy(s, 1, e->receiver, sizeof(e->receiver));
	stmt_column_copy(s, 2, e->id, sizeof(e->id));
	stmt_column_copy(s, 3, e->subject, sizeof(e->subject));
	stmt_column_copy(s, 4, e->type, sizeof(e->type));
	e->body = stmt_column_text(s, 5);
	e->created_ms = stmt_column(s, 6);
	e->next_ms = stmt_column(s, 7);
	e->attempts = (unsigned)stmt_column(s, 8);
	stmt_column_copy(s, 9, e->error, sizeof(e->error));
}

int db_due_events(struct db *db, const char *receiver, uint64_t now_ms, unsigned limit,
	int (*fn)(const struct outbox_event *e, void *arg), void *arg, uint64_t *ret_next_due_ms)
{
	struct stmt s = stmt_begin(db, STATEMENT_DUE_EVENTS, outbox_due_sql);
	struct outbox_event e;
	unsigned given = 0;
	int r = 0, status;

	*ret_next_due_ms = UINT64_MAX;
	stmt_text(&s, receiver);
	stmt_number(&s, limit + 1ull); /* the one after these says when it is due */
	while (r == 0 && stmt_next(&s)) {
		read_event(&s, &e);
		if (given == limit || e.next_ms > now_ms) {
			*ret_next_due_ms = e.next_ms;
			break;
		}
		given++;
		if (s.rc == SQLITE_ROW)
			r = fn(&e, arg);
	}
	status = stmt_end(&s);
	return r != 0 ? r : status;
}

int db_dead_events(struct db *db, const char *receiver, unsigned limit,
	int (*fn)(const struct outbox_event *e, void *arg), void *arg)
{
	struct stmt s = stmt_begin(db, STATEMENT_DEAD_EVENTS, outbox_dead_sql);
	struct outbox_event e;
	int r = 0, status;

	stmt_text(&s, receiver);
	stmt_number(&s, limit);
	while (r == 0 && stmt_next(&s)) {
		read_event(&s, &e);
		if (s.rc == SQLITE_ROW)
			r = fn(&e, arg);
	}
	status = stmt_end(&s);
	return r != 0 ? r : status;
}
