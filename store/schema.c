/* Schema of the database. Each step takes the database from version n-1 to n and is never edited once released:
 * databases that went through it exist. A new column means a new step (ALTER TABLE), a line in columns.c and one in
 * docs/call-log.md; a new table, one in docs/store.md. */
#include "store/schema.h"

#include "store/sqlite.h"

#include <errno.h>
#include <stdio.h>

#define QUALITY_COLUMNS(p)                                                                                             \
	p "packets INTEGER," p "bytes INTEGER," p "lost INTEGER," p "late INTEGER," p "duplicates INTEGER," p          \
	  "reordered INTEGER," p "concealed_ms INTEGER," p "loss_percent REAL," p "jitter_ms REAL," p "rtt_ms REAL," p \
	  "playout_delay_ms REAL," p "mos REAL,"

static const char step_1[] =
	"CREATE TABLE calls ("
	"id TEXT NOT NULL PRIMARY KEY, wacid TEXT NOT NULL, direction TEXT NOT NULL,"
	"number_id TEXT NOT NULL, number TEXT NOT NULL,"
	"user_number TEXT NOT NULL, user_id TEXT NOT NULL, user_name TEXT NOT NULL,"
	"gateway TEXT NOT NULL, sip_call_id TEXT NOT NULL, sip_target TEXT NOT NULL, rule TEXT NOT NULL,"
	"payload TEXT NOT NULL,"
	"status TEXT NOT NULL, cause TEXT NOT NULL, sip_code INTEGER NOT NULL, q850 INTEGER NOT NULL,"
	"meta_code INTEGER NOT NULL, meta_text TEXT NOT NULL, ended_by TEXT NOT NULL,"
	"started_ms INTEGER, rang_ms INTEGER, answered_ms INTEGER, ended_ms INTEGER, duration_ms INTEGER NOT NULL,"
	"wa_codec TEXT NOT NULL, sip_codec TEXT NOT NULL," QUALITY_COLUMNS("wa_") QUALITY_COLUMNS(
		"sip_") "setup_invite_us INTEGER, setup_accept_us INTEGER, ice_ms INTEGER, dtls_ms INTEGER,"
			"first_audio_wa_ms INTEGER, first_audio_sip_ms INTEGER,"
			"sdp_wa_remote TEXT, sdp_wa_local TEXT, sdp_sip_local TEXT, sdp_sip_remote TEXT);"
			"CREATE INDEX calls_by_start ON calls (started_ms);"
			"CREATE INDEX calls_by_user ON calls (user_number, started_ms);"
			"CREATE INDEX calls_by_number ON calls (number, started_ms);"
			"CREATE TABLE live_calls ("
			"id TEXT NOT NULL PRIMARY KEY, wacid TEXT NOT NULL, number_id TEXT NOT NULL, user_number TEXT "
			"NOT NULL,"
			"started_ms INTEGER NOT NULL);";

/* What is kept so that a crash loses no promise; docs/store.md explains each table. In `outbox`, state is 0 behind an
 * earlier waiting row of the same receiver and subject, 1 at the front, 2 dead (enum event_state): so a due row is
 * found by index, whatever waits behind it. AUTOINCREMENT: a seq is never given twice, else a late report of an attempt
 * could meet another event. */
static const char step_2[] =
	"ALTER TABLE live_calls ADD COLUMN outbound INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX calls_by_gateway ON calls (gateway, started_ms);"
	"CREATE TABLE permissions ("
	"number_id TEXT NOT NULL, user TEXT NOT NULL, status TEXT NOT NULL, source TEXT NOT NULL,"
	"expires_ms INTEGER NOT NULL, checked_ms INTEGER NOT NULL,"
	"requested_ms INTEGER NOT NULL, requested_before_ms INTEGER NOT NULL, request_pending INTEGER NOT NULL,"
	"unanswered INTEGER NOT NULL, window_start_ms INTEGER NOT NULL, connected INTEGER NOT NULL,"
	"blocked_until_ms INTEGER NOT NULL, request_blocked_until_ms INTEGER NOT NULL,"
	"last_message_ms INTEGER NOT NULL,"
	"PRIMARY KEY (number_id, user)) WITHOUT ROWID;"
	"CREATE TABLE parked ("
	"id TEXT NOT NULL PRIMARY KEY, number_id TEXT NOT NULL, user TEXT NOT NULL,"
	"created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, json TEXT NOT NULL);"
	"CREATE TABLE inbox ("
	"seq INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, received_ms INTEGER NOT NULL, json TEXT);"
	"CREATE INDEX inbox_waiting ON inbox (seq) WHERE json IS NOT NULL;"
	"CREATE INDEX inbox_by_age ON inbox (received_ms);"
	"CREATE TABLE idempotency ("
	"key TEXT NOT NULL PRIMARY KEY, request_hash TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,"
	"created_ms INTEGER NOT NULL);"
	"CREATE INDEX idempotency_by_age ON idempotency (created_ms);"
	"CREATE TABLE outbox ("
	"seq INTEGER PRIMARY KEY AUTOINCREMENT, receiver TEXT NOT NULL, id TEXT NOT NULL, subject TEXT NOT NULL,"
	"type TEXT NOT NULL, body TEXT NOT NULL, created_ms INTEGER NOT NULL, next_ms INTEGER NOT NULL,"
	"attempts INTEGER NOT NULL, error TEXT NOT NULL, state INTEGER NOT NULL);"
	"CREATE INDEX outbox_due ON outbox (receiver, state, next_ms, seq);"
	"CREATE INDEX outbox_by_state ON outbox (state, seq);"
	"CREATE INDEX outbox_by_subject ON outbox (receiver, subject, seq) WHERE state < 2;";

/* How gateways were tried, and what became of early media. */
static const char step_3[] = "ALTER TABLE calls ADD COLUMN accepted_on TEXT NOT NULL DEFAULT '';"
			     "ALTER TABLE calls ADD COLUMN early_media TEXT NOT NULL DEFAULT '';"
			     "ALTER TABLE calls ADD COLUMN attempts TEXT;";

/* Calls from before belong to nobody: only the operator sees them. */
static const char step_4[] = "ALTER TABLE calls ADD COLUMN tenant TEXT NOT NULL DEFAULT '';"
			     "ALTER TABLE live_calls ADD COLUMN tenant TEXT NOT NULL DEFAULT '';"
			     "CREATE INDEX calls_by_tenant ON calls (tenant, started_ms);";

/* Users who registered over SIP. */
static const char step_5[] =
	"CREATE TABLE bindings ("
	"id TEXT NOT NULL PRIMARY KEY, user TEXT NOT NULL, contact TEXT NOT NULL, path TEXT NOT NULL,"
	"call_id TEXT NOT NULL, cseq INTEGER NOT NULL, q INTEGER NOT NULL, agent TEXT NOT NULL,"
	"source TEXT NOT NULL, local TEXT NOT NULL, transport TEXT NOT NULL,"
	"registered_ms INTEGER NOT NULL, refreshed_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL);";

/* How good it was, in more words; records from before do not know. */
#define MORE_QUALITY_COLUMNS(p)                                                                                        \
	"ALTER TABLE calls ADD COLUMN " p "discard_percent REAL;"                                                      \
	"ALTER TABLE calls ADD COLUMN " p "concealed_percent REAL;"                                                    \
	"ALTER TABLE calls ADD COLUMN " p "fec_ms INTEGER;"                                                            \
	"ALTER TABLE calls ADD COLUMN " p "playout_delay_max_ms REAL;"                                                 \
	"ALTER TABLE calls ADD COLUMN " p "burst_ratio REAL;"                                                          \
	"ALTER TABLE calls ADD COLUMN " p "mos_listening REAL;"                                                        \
	"ALTER TABLE calls ADD COLUMN " p "remote_loss_percent REAL;"                                                  \
	"ALTER TABLE calls ADD COLUMN " p "remote_jitter_ms REAL;"                                                     \
	"ALTER TABLE calls ADD COLUMN " p "remote_mos REAL;"

static const char step_6[] = MORE_QUALITY_COLUMNS("wa_")
	MORE_QUALITY_COLUMNS("sip_") "ALTER TABLE calls ADD COLUMN greeting_held_ms INTEGER;"
				     "ALTER TABLE calls ADD COLUMN greeting_lost_ms INTEGER;";

/* What became of a call's recording. */
static const char step_7[] = "ALTER TABLE calls ADD COLUMN recording TEXT NOT NULL DEFAULT '';"
			     "ALTER TABLE calls ADD COLUMN recording_ms INTEGER;"
			     "ALTER TABLE calls ADD COLUMN recording_end TEXT NOT NULL DEFAULT '';";

static const char *const steps[SCHEMA_VERSION + 1] = {
	[1] = step_1,
	[2] = step_2,
	[3] = step_3,
	[4] = step_4,
	[5] = step_5,
	[6] = step_6,
	[7] = step_7,
};

static int fault(const struct db *db, int r, const char *doing, char *why, size_t why_cap)
{
	snprintf(why, why_cap, "%s: %s: %s", db_path(db), doing, db_error(db));
	return r;
}

int schema_check(struct db *db, bool will_write, char *why, size_t why_cap)
{
	int version = 0, tables = 0;
	int r = db_number(db, "PRAGMA user_version", &version);

	if (r == 0)
		r = db_number(db, "SELECT count(*) FROM sqlite_master", &tables);
	if (r < 0)
		return fault(db, r, "cannot read the database", why, why_cap);
	if (version > SCHEMA_VERSION) {
		snprintf(why, why_cap,
			"%s: written by a newer watrunk (schema version %d, this program knows up to %d)", db_path(db),
			version, SCHEMA_VERSION);
		return -EPROTO;
	}
	if (version < 0 || (version == 0 && tables > 0)) {
		snprintf(why, why_cap, "%s: is a database, but not a watrunk call log", db_path(db));
		return -EBADMSG;
	}
	if (!will_write && version < SCHEMA_VERSION) {
		snprintf(why, why_cap,
			"%s: schema version %d is older than %d; start watrunk on it once to bring it up to date",
			db_path(db), version, SCHEMA_VERSION);
		return -EPROTO;
	}
	return 0;
}

static int run_steps(struct db *db)
{
	char sql[48];
	int version;
	int r = db_number(db, "PRAGMA user_version", &version);

	for (int v = version + 1; r == 0 && v <= SCHEMA_VERSION; v++)
		r = db_exec(db, steps[v]);
	if (r < 0)
		return r;
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", SCHEMA_VERSION); /* takes no bound parameter */
	return db_exec(db, sql);
}

int schema_migrate(struct db *db, char *why, size_t why_cap)
{
	int version;
	int r = db_number(db, "PRAGMA user_version", &version);

	if (r == 0 && version == SCHEMA_VERSION)
		return 0;
	if (r == 0)
		r = db_begin(db);
	if (r < 0)
		return fault(db, r, "cannot prepare the schema", why, why_cap);
	r = run_steps(db);
	if (r == 0)
		r = db_commit(db);
	if (r < 0) {
		fault(db, r, "cannot create or migrate the schema", why, why_cap);
		db_rollback(db);
	}
	return r;
}
