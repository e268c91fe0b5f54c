/* Names of how a call ended, and the life of a record. */
#include "store/call_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_names[] = {
	[CALL_STATUS_COMPLETED] = "completed",
	[CALL_STATUS_MISSED] = "missed",
	[CALL_STATUS_REJECTED] = "rejected",
	[CALL_STATUS_FAILED] = "failed",
	[CALL_STATUS_CANCELLED] = "cancelled",
};

enum { STATUS_COUNT = sizeof(status_names) / sizeof(status_names[0]) };

const char *call_status_name(enum call_status status)
{
	return (unsigned)status < STATUS_COUNT ? status_names[status] : "unknown";
}

int call_status_parse(const char *text, enum call_status *ret_status)
{
	for (unsigned i = 0; text && i < STATUS_COUNT; i++) {
		if (strcmp(text, status_names[i]) == 0) {
			*ret_status = (enum call_status)i;
			return 0;
		}
	}
	return -EINVAL;
}

static const struct quality not_measured = {
	.packets = -1,
	.bytes = -1,
	.lost = -1,
	.late = -1,
	.duplicates = -1,
	.reordered = -1,
	.concealed_ms = -1,
	.loss_percent = -1,
	.jitter_ms = -1,
	.rtt_ms = -1,
	.playout_delay_ms = -1,
	.mos = -1,
	.discard_percent = -1,
	.concealed_percent = -1,
	.fec_ms = -1,
	.playout_delay_max_ms = -1,
	.burst_ratio = -1,
	.mos_listening = -1,
	.remote_loss_percent = -1,
	.remote_jitter_ms = -1,
	.remote_mos = -1,
};

struct call_record *call_record_new(void)
{
	struct call_record *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->wa_rx = not_measured;
	r->sip_rx = not_measured;
	r->setup_invite_us = -1;
	r->setup_accept_us = -1;
	r->ice_ms = -1;
	r->recording_ms = -1;
	r->dtls_ms = -1;
	r->greeting_held_ms = r->greeting_lost_ms = -1;
	r->first_audio_wa_ms = -1;
	r->first_audio_sip_ms = -1;
	return r;
}

struct call_record *call_record_free(struct call_record *r)
{
	if (r) {
		free(r->attempts);
		free(r->sdp_wa_remote);
		free(r->sdp_wa_local);
		free(r->sdp_sip_local);
		free(r->sdp_sip_remote);
		free(r);
	}
	return NULL;
}
