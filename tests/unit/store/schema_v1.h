/* tests/unit/store/schema_v1.h
 *
 * The schema as version 1 wrote it, and rows of that time. Never changes: such files exist.
 */
#ifndef TESTS_UNIT_STORE_SCHEMA_V1_H
#define TESTS_UNIT_STORE_SCHEMA_V1_H

#define V1_QUALITY_COLUMNS(p)                                                                                          \
	p "packets INTEGER," p "bytes INTEGER," p "lost INTEGER," p "late INTEGER," p "duplicates INTEGER," p          \
	  "reordered INTEGER," p "concealed_ms INTEGER," p "loss_percent REAL," p "jitter_ms REAL," p "rtt_ms REAL," p \
	  "playout_delay_ms REAL," p "mos REAL,"

static const char schema_v1[] =
	"CREATE TABLE calls ("
	"id TEXT NOT NULL PRIMARY KEY, wacid TEXT NOT NULL, direction TEXT NOT NULL,"
	"number_id TEXT NOT NULL, number TEXT NOT NULL,"
	"user_number TEXT NOT NULL, user_id TEXT NOT NULL, user_name TEXT NOT NULL,"
	"gateway TEXT NOT NULL, sip_call_id TEXT NOT NULL, sip_target TEXT NOT NULL, rule TEXT NOT NULL,"
	"payload TEXT NOT NULL,"
	"status TEXT NOT NULL, cause TEXT NOT NULL, sip_code INTEGER NOT NULL, q850 INTEGER NOT NULL,"
	"meta_code INTEGER NOT NULL, meta_text TEXT NOT NULL, ended_by TEXT NOT NULL,"
	"started_ms INTEGER, rang_ms INTEGER, answered_ms INTEGER, ended_ms INTEGER, duration_ms INTEGER NOT NULL,"
	"wa_codec TEXT NOT NULL, sip_codec TEXT NOT NULL," V1_QUALITY_COLUMNS("wa_") V1_QUALITY_COLUMNS(
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

static const char rows_v1[] =
	"INSERT INTO calls (id, wacid, direction, number_id, number, user_number, user_id, user_name, gateway, "
	"sip_call_id,"
	" sip_target, rule, payload, status, cause, sip_code, q850, meta_code, meta_text, ended_by, started_ms, "
	"duration_ms,"
	" wa_codec, sip_codec, wa_mos) VALUES ('c-old', 'wacid.A', 'inbound', '106540352242922', '+15550783881',"
	" '447700900123', '', 'Zoe', 'pbx', 'x@y', 'sip:100@127.0.0.1', 'office', '', 'completed', 'user_hangup', 200, "
	"16, 0,"
	" '', 'user', 1700000000000, 5000, 'opus', 'PCMU', 4.25);"
	"INSERT INTO live_calls VALUES ('c-live', 'wacid.B', '106540352242922', '447700900124', 1700000001000);"
	"PRAGMA user_version = 1; PRAGMA journal_mode = WAL;";

#endif
