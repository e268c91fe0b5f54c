/* store/call_record.h
 *
 * What is kept of one call, however it ended. Plain values: copied into the store thread's mailbox as a heap object
 * that changes owner.
 */
#ifndef STORE_CALL_RECORD_H
#define STORE_CALL_RECORD_H

#include <stdbool.h>
#include <stdint.h>

enum call_status {
	CALL_STATUS_COMPLETED,
	CALL_STATUS_MISSED,
	CALL_STATUS_REJECTED,
	CALL_STATUS_FAILED,
	CALL_STATUS_CANCELLED
};
const char *call_status_name(enum call_status status); /* "completed" ... */
int call_status_parse(const char *text, enum call_status *ret_status);

/* One direction of speech, seen where it enters us. Negative: not measured. */
struct quality {
	int64_t packets, bytes;
	int64_t lost, late, duplicates, reordered; /* packets; late = arrived after its playout time */
	int64_t concealed_ms;                      /* audio invented: PLC or silence in place of loss */
	double loss_percent;
	double jitter_ms;        /* RFC 3550 s6.4.1, mean over the call */
	double rtt_ms;           /* from RTCP, mean */
	double playout_delay_ms; /* jitter buffer, mean */
	double mos;              /* estimated, E-model, ITU-T G.107, of a conversation */
	/* docs/quality.md */
	double discard_percent, concealed_percent;
	int64_t fec_ms;
	double playout_delay_max_ms;
	double burst_ratio;
	double mos_listening;
	double remote_loss_percent, remote_jitter_ms, remote_mos; /* how that side hears us, by its RTCP */
};

enum { RECORD_TEXT = 128, RECORD_SDP = 4096, RECORD_RECORDING = 528 };

struct call_record {
	char id[40]; /* our call id */
	char wacid[257];
	char tenant[40];                /* whose number it was, "" when there were no tenants */
	char direction[12];             /* "inbound" | "outbound" */
	char number_id[40], number[24]; /* business number */
	char user_number[24], user_id[64], user_name[RECORD_TEXT];
	char gateway[64], sip_call_id[RECORD_TEXT], sip_target[256];
	char rule[64];
	char payload[520];
	enum call_status status;
	char cause[40];     /* name from the cause table */
	int sip_code, q850; /* faces of the cause toward SIP */
	int meta_code;      /* Meta's error code, 0 when none */
	char meta_text[256];
	char ended_by[12];                                   /* "user", "sip", "watrunk", "meta", "admin" */
	uint64_t started_ms, rang_ms, answered_ms, ended_ms; /* wall clock; 0: never */
	uint64_t duration_ms;                                /* answered to ended */
	char wa_codec[16], sip_codec[16];
	char accepted_on[16]; /* what the WhatsApp leg was accepted on: "answer" | "early_media"; "" never, or outbound
			       */
	char early_media[12]; /* of the SIP side: "none" | "unheard" | "heard"; "" not known (old records) */
	char recording[RECORD_RECORDING]; /* its file below recording.directory, the last one's; "" not recorded */
	int64_t recording_ms;             /* -1: not recorded */
	char recording_end[48];           /* "call_ended", "stopped", "limit", or "failed: " and why; "" not recorded */
	char *attempts;       /* gateways called, a JSON array (docs/call-log.md); NULL: none. malloc'd, the record's */
	struct quality wa_rx; /* what the user said, as it reached us from Meta */
	struct quality sip_rx;                                          /* what the SIP side said, as it reached us */
	int64_t setup_invite_us;                                        /* webhook in -> INVITE out */
	int64_t setup_accept_us;                                        /* SIP 200 in -> accept out */
	int64_t ice_ms, dtls_ms, first_audio_wa_ms, first_audio_sip_ms; /* since the webhook; -1: never */
	int64_t greeting_held_ms, greeting_lost_ms;                     /* media/greeting.h; -1: none was kept */
	char *sdp_wa_remote, *sdp_wa_local, *sdp_sip_local,
		*sdp_sip_remote; /* NULL unless store.keep_sdp; malloc'd, owned by the record */
};

/* A zeroed record with measurements at -1, malloc'd. NULL: out of memory. */
struct call_record *call_record_new(void);
struct call_record *call_record_free(struct call_record *r); /* accepts NULL; returns NULL */

#endif
