/* The table that ties struct call_record to the columns of `calls`; docs/call-log.md explains each column. */
#include "store/columns.h"

#include <string.h>

#define FIELD(text, column_kind, member)                                                                               \
	{                                                                                                              \
		text, column_kind, offsetof(struct call_record, member), sizeof(((struct call_record *)0)->member)     \
	}
#define PLAIN(column_kind, member) FIELD(#member, column_kind, member)
#define QUALITY(prefix, member)                                                                                        \
	FIELD(prefix "packets", COLUMN_AMOUNT, member.packets), FIELD(prefix "bytes", COLUMN_AMOUNT, member.bytes),    \
		FIELD(prefix "lost", COLUMN_AMOUNT, member.lost), FIELD(prefix "late", COLUMN_AMOUNT, member.late),    \
		FIELD(prefix "duplicates", COLUMN_AMOUNT, member.duplicates),                                          \
		FIELD(prefix "reordered", COLUMN_AMOUNT, member.reordered),                                            \
		FIELD(prefix "concealed_ms", COLUMN_AMOUNT, member.concealed_ms),                                      \
		FIELD(prefix "loss_percent", COLUMN_REAL, member.loss_percent),                                        \
		FIELD(prefix "jitter_ms", COLUMN_REAL, member.jitter_ms),                                              \
		FIELD(prefix "rtt_ms", COLUMN_REAL, member.rtt_ms),                                                    \
		FIELD(prefix "playout_delay_ms", COLUMN_REAL, member.playout_delay_ms),                                \
		FIELD(prefix "mos", COLUMN_REAL, member.mos)

/* Of schema step 6. */
#define MORE_QUALITY(prefix, member)                                                                                   \
	FIELD(prefix "discard_percent", COLUMN_REAL, member.discard_percent),                                          \
		FIELD(prefix "concealed_percent", COLUMN_REAL, member.concealed_percent),                              \
		FIELD(prefix "fec_ms", COLUMN_AMOUNT, member.fec_ms),                                                  \
		FIELD(prefix "playout_delay_max_ms", COLUMN_REAL, member.playout_delay_max_ms),                        \
		FIELD(prefix "burst_ratio", COLUMN_REAL, member.burst_ratio),                                          \
		FIELD(prefix "mos_listening", COLUMN_REAL, member.mos_listening),                                      \
		FIELD(prefix "remote_loss_percent", COLUMN_REAL, member.remote_loss_percent),                          \
		FIELD(prefix "remote_jitter_ms", COLUMN_REAL, member.remote_jitter_ms),                                \
		FIELD(prefix "remote_mos", COLUMN_REAL, member.remote_mos)

const struct column columns[] = {
	PLAIN(COLUMN_TEXT, id),
	PLAIN(COLUMN_TEXT, wacid),
	PLAIN(COLUMN_TEXT, direction),
	PLAIN(COLUMN_TEXT, tenant),
	PLAIN(COLUMN_TEXT, number_id),
	PLAIN(COLUMN_TEXT, number),
	PLAIN(COLUMN_TEXT, user_number),
	PLAIN(COLUMN_TEXT, user_id),
	PLAIN(COLUMN_TEXT, user_name),
	PLAIN(COLUMN_TEXT, gateway),
	PLAIN(COLUMN_TEXT, sip_call_id),
	PLAIN(COLUMN_TEXT, sip_target),
	PLAIN(COLUMN_TEXT, rule),
	PLAIN(COLUMN_TEXT, payload),
	PLAIN(COLUMN_STATUS, status),
	PLAIN(COLUMN_TEXT, cause),
	PLAIN(COLUMN_INT, sip_code),
	PLAIN(COLUMN_INT, q850),
	PLAIN(COLUMN_INT, meta_code),
	PLAIN(COLUMN_TEXT, meta_text),
	PLAIN(COLUMN_TEXT, ended_by),
	PLAIN(COLUMN_TIME, started_ms),
	PLAIN(COLUMN_TIME, rang_ms),
	PLAIN(COLUMN_TIME, answered_ms),
	PLAIN(COLUMN_TIME, ended_ms),
	PLAIN(COLUMN_LENGTH, duration_ms),
	PLAIN(COLUMN_TEXT, wa_codec),
	PLAIN(COLUMN_TEXT, sip_codec),
	QUALITY("wa_", wa_rx),
	QUALITY("sip_", sip_rx),
	PLAIN(COLUMN_AMOUNT, setup_invite_us),
	PLAIN(COLUMN_AMOUNT, setup_accept_us),
	PLAIN(COLUMN_AMOUNT, ice_ms),
	PLAIN(COLUMN_AMOUNT, dtls_ms),
	PLAIN(COLUMN_AMOUNT, first_audio_wa_ms),
	PLAIN(COLUMN_AMOUNT, first_audio_sip_ms),
	PLAIN(COLUMN_HEAP, sdp_wa_remote),
	PLAIN(COLUMN_HEAP, sdp_wa_local),
	PLAIN(COLUMN_HEAP, sdp_sip_local),
	PLAIN(COLUMN_HEAP, sdp_sip_remote),
	PLAIN(COLUMN_TEXT, accepted_on),
	PLAIN(COLUMN_TEXT, early_media),
	PLAIN(COLUMN_HEAP, attempts),
	MORE_QUALITY("wa_", wa_rx),
	MORE_QUALITY("sip_", sip_rx),
	PLAIN(COLUMN_AMOUNT, greeting_held_ms),
	PLAIN(COLUMN_AMOUNT, greeting_lost_ms),
	PLAIN(COLUMN_TEXT, recording),
	PLAIN(COLUMN_AMOUNT, recording_ms),
	PLAIN(COLUMN_TEXT, recording_end),
};
const size_t columns_count = sizeof(columns) / sizeof(columns[0]);

/* Bytes of the well-formed character at p (RFC 3629 s4), 0 when it is none. Reads stop at the terminating zero. */
static size_t utf8_length(const unsigned char *p)
{
	unsigned char low = 0x80, high = 0xbf; /* limits of the second byte */
	size_t length;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		length = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		length = 3;
		low = p[0] == 0xe0 ? 0xa0 : 0x80;
		high = p[0] == 0xed ? 0x9f : 0xbf; /* surrogates */
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		length = 4;
		low = p[0] == 0xf0 ? 0x90 : 0x80;
		high = p[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

void columns_clean(char *text)
{
	unsigned char *p = (unsigned char *)text;

	while (*p) {
		size_t length = utf8_length(p);

		if (length == 0) {
			*p = '?';
			length = 1;
		}
		p += length;
	}
}

void columns_clean_text(struct call_record *r)
{
	for (size_t i = 0; i < columns_count; i++) {
		char *at = (char *)r + columns[i].offset;

		if (columns[i].kind == COLUMN_TEXT) {
			at[columns[i].bytes - 1] = '\0';
			columns_clean(at);
		} else if (columns[i].kind == COLUMN_HEAP) {
			char *text;

			memcpy(&text, at, sizeof(text));
			if (text)
				columns_clean(text);
		}
	}
}
