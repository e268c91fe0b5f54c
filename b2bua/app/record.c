/* b2bua/app/record.c
 *
 * The call record: what the call logic knows (call_report), what the media engine measured, and quality by the E-model.
 */
#include "b2bua/app/dial.h"
#include "b2bua/app/listeners.h"

#include "lib/base/str.h"
#include "media/quality.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum call_status status_of(enum call_end_status s)
{
	switch (s) {
	case CALL_END_COMPLETED: return CALL_STATUS_COMPLETED;
	case CALL_END_MISSED: return CALL_STATUS_MISSED;
	case CALL_END_REJECTED: return CALL_STATUS_REJECTED;
	case CALL_END_FAILED: return CALL_STATUS_FAILED;
	case CALL_END_CANCELLED: break;
	}
	return CALL_STATUS_CANCELLED;
}

static const char *ended_by_name(enum call_ended_by by)
{
	static const char *const names[] = {[ENDED_BY_USER] = "user",
		[ENDED_BY_SIP] = "sip",
		[ENDED_BY_US] = "watrunk",
		[ENDED_BY_META] = "meta",
		[ENDED_BY_ADMIN] = "admin"};
	return names[by];
}

static const char *codec_name(enum audio_codec c)
{
	static const char *const names[] = {[AUDIO_NONE] = "",
		[AUDIO_PCMU] = "PCMU",
		[AUDIO_PCMA] = "PCMA",
		[AUDIO_OPUS] = "opus",
		[AUDIO_G722] = "G722"};
	return names[c];
}

static char *copy_sdp(const char *text)
{
	char *copy = text ? strdup(text) : NULL; /* out of memory: a record without the text is still a record */

	if (copy)
		sdp_redact_keys(copy);
	return copy;
}

static void fill_quality(
	struct quality *q, const struct media_rx_stats *rx, const struct media_tx_stats *tx, enum emodel_codec codec)
{
	const struct quality_verdict verdict = quality_judge(rx, codec);

	q->packets = rx->packets;
	q->bytes = rx->bytes;
	q->lost = rx->lost;
	q->late = rx->late;
	q->duplicates = rx->duplicates;
	q->reordered = rx->reordered;
	q->concealed_ms = rx->concealed_ms;
	q->fec_ms = rx->fec_ms;
	q->jitter_ms = rx->jitter_ms;
	q->rtt_ms = rx->rtt_ms;
	q->playout_delay_ms = rx->playout_delay_ms;
	q->playout_delay_max_ms = rx->hold_target_max_ms;
	q->remote_loss_percent = tx->remote_loss_percent;
	q->remote_jitter_ms = tx->remote_jitter_ms;
	q->remote_mos = tx->remote_mos;
	q->loss_percent = verdict.loss_percent;
	q->discard_percent = verdict.discard_percent;
	q->concealed_percent = verdict.concealed_percent;
	q->burst_ratio = rx->lost > 0 ? rx->burst_ratio : -1;
	q->mos_listening = verdict.mos_lq;
	q->mos = verdict.mos_cq;
}

static void fill_parties(struct call_record *r, const struct call_report *rep)
{
	str_copy(r->id, sizeof(r->id), rep->call_id);
	str_copy(r->wacid, sizeof(r->wacid), rep->wacid);
	str_copy(r->direction, sizeof(r->direction), rep->outbound ? "outbound" : "inbound");
	str_copy(r->number_id, sizeof(r->number_id), rep->phone_number_id);
	str_copy(r->number, sizeof(r->number), rep->number);
	str_copy(r->user_number, sizeof(r->user_number), rep->user_number);
	str_copy(r->user_id, sizeof(r->user_id), rep->user_id);
	str_copy(r->user_name, sizeof(r->user_name), rep->profile_name);
	str_copy(r->payload, sizeof(r->payload), rep->payload);
	str_copy(r->rule, sizeof(r->rule), rep->rule);
	str_copy(r->gateway, sizeof(r->gateway), rep->gateway);
	str_copy(r->sip_call_id, sizeof(r->sip_call_id), rep->sip_call_id);
}

static void fill_end(struct call_record *r, const struct call_report *rep)
{
	const struct cause_info *info = cause_info(rep->cause);

	r->status = status_of(rep->status);
	str_copy(r->cause, sizeof(r->cause), info->name);
	r->sip_code = rep->sip_code;
	r->q850 = rep->q850;
	r->meta_code = rep->meta_code;
	str_copy(r->meta_text, sizeof(r->meta_text), rep->meta_text);
	str_copy(r->ended_by, sizeof(r->ended_by), ended_by_name(rep->ended_by));
	r->started_ms = rep->started_ms;
	r->rang_ms = rep->rang_ms;
	r->answered_ms = rep->answered_ms;
	r->ended_ms = rep->ended_ms;
	r->duration_ms = rep->answered_ms && rep->ended_ms > rep->answered_ms ? rep->ended_ms - rep->answered_ms : 0;
}

char *record_attempts(const struct call_report *rep)
{
	json_t *list = json_array();
	char *text = NULL;

	for (size_t i = 0; i < rep->try_count; i++) {
		const struct call_attempt *t = &rep->tries[i];
		if (!t->over)
			continue;
		json_array_append_new(list,
			json_pack("{s:s, s:i, s:s, s:i, s:s*}", "gateway", t->gateway, "sip_code", t->sip_code, "cause",
				cause_info(t->cause)->name, "ms", (int)t->ms, "detail", *t->why ? t->why : NULL));
	}
	if (rep->try_count && list)
		text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

static void fill_ways(struct call_record *r, const struct app_call *ac, const struct call_report *rep)
{
	const struct call_gateway *gateway = config_gateway_by_name(ac->config, rep->gateway);
	bool heard = rep->accepted_early && rep->answered_ms;
	char target[TARGET_URI_MAX];

	if (*rep->sip_target && gateway_target(ac->config, gateway, rep->sip_target, target) == 0)
		str_copy(r->sip_target, sizeof(r->sip_target), target);
	if (!rep->outbound && rep->answered_ms)
		str_copy(r->accepted_on, sizeof(r->accepted_on), heard ? "early_media" : "answer");
	str_copy(r->early_media, sizeof(r->early_media), heard ? "heard" : rep->early_media ? "unheard" : "none");
	r->attempts = record_attempts(rep);
}

static void fill_media(struct call_record *r, const struct app_call *ac, const struct call_report *rep)
{
	str_copy(r->wa_codec, sizeof(r->wa_codec), rep->sdp_wa_local ? "opus" : "");
	str_copy(r->sip_codec, sizeof(r->sip_codec), codec_name(rep->sip_codec));
	if (ac->has_stats) { /* else "not measured", which is not "nothing came" */
		fill_quality(&r->wa_rx, &ac->stats.rx[END_WA], &ac->stats.tx[END_WA], EMODEL_OPUS_NB);
		fill_quality(&r->sip_rx, &ac->stats.rx[END_SIP], &ac->stats.tx[END_SIP],
			rep->sip_codec == AUDIO_OPUS ? EMODEL_OPUS_NB : EMODEL_G711_PLC);
	}
	r->greeting_held_ms = ac->has_stats ? ac->stats.greeting_held_ms : -1;
	r->greeting_lost_ms = ac->has_stats ? ac->stats.greeting_lost_ms : -1;
	r->setup_invite_us = ac->setup_invite_us;
	r->setup_accept_us = ac->setup_accept_us;
	r->ice_ms = ac->ice_ms;
	r->dtls_ms = ac->dtls_ms;
	r->first_audio_wa_ms = ac->first_audio_ms[END_WA];
	r->first_audio_sip_ms = ac->first_audio_ms[END_SIP];
	if (ac->app->config->store.keep_sdp) {
		r->sdp_wa_remote = copy_sdp(rep->sdp_wa_remote);
		r->sdp_wa_local = copy_sdp(rep->sdp_wa_local);
		r->sdp_sip_local = copy_sdp(rep->sdp_sip_local);
		r->sdp_sip_remote = copy_sdp(rep->sdp_sip_remote);
	}
}

static void give(struct app *app, struct call_record *r)
{
	char user[24];

	log_info("call_ended",
		"call=%s tenant=%s status=%s cause=%s by=%s sip=%d q850=%d meta=%d user=%s duration_ms=%llu t_us=%llu",
		r->id, tenant_word(r->tenant), call_status_name(r->status), r->cause, r->ended_by, r->sip_code, r->q850,
		r->meta_code, str_mask_number(user, sizeof(user), *r->user_number ? r->user_number : "-"),
		(unsigned long long)r->duration_ms, (unsigned long long)loop_now_us(app->loop));
	emit_call_ended(app, r);
	actions_on_ended(app, r);
	if (store_give_record(app->store, r))
		log_error("record_lost", "reason=\"the store's queue is full: is the disk slow or full?\"");
}

void record_call(struct app_call *ac)
{
	struct call_record *r = call_record_new();
	struct call_report rep;

	if (!r) {
		log_error("record_lost", "call=%s reason=\"out of memory\"", ac->id);
		return;
	}
	call_report(ac->call, &rep);
	str_copy(r->tenant, sizeof(r->tenant), ac->number->tenant);
	fill_parties(r, &rep);
	fill_end(r, &rep);
	fill_media(r, ac, &rep);
	fill_ways(r, ac, &rep);
	listeners_fill(ac, r);
	if (rep.attempts > 1)
		log_info("gateways_tried", "call=%s attempts=%u last=%s", ac->id, rep.attempts, rep.gateway);
	give(ac->app, r);
	if (ac->dial)
		dial_ended(ac, &rep);
}

/* Ids of records that belong to no live call: derived from the wacid, so that a repeat after a restart names the same
 * one. */
static void id_from_wacid(char *id, size_t cap, const char *wacid)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a, 64 bit */

	for (const char *p = wacid; *p; p++)
		h = (h ^ (uint8_t)*p) * 0x100000001b3u;
	snprintf(id, cap, "c-%012llx", (unsigned long long)(h & 0xffffffffffffULL));
}

static void fill_cause(struct call_record *r, enum cause cause, enum call_ended_by by)
{
	const struct cause_info *info = cause_info(cause);

	r->status = status_of(info->status);
	str_copy(r->cause, sizeof(r->cause), info->name);
	r->sip_code = info->sip_code;
	r->q850 = info->q850;
	str_copy(r->ended_by, sizeof(r->ended_by), ended_by_name(by));
	str_copy(r->direction, sizeof(r->direction), "inbound");
}

void record_unopened(struct app *app, const struct wa_event *ev, const struct config_number *number)
{
	struct call_record *r = call_record_new();

	if (!r) {
		log_error("record_lost", "reason=\"out of memory\"");
		return;
	}
	id_from_wacid(r->id, sizeof(r->id), ev->call_id);
	str_copy(r->wacid, sizeof(r->wacid), ev->call_id);
	str_copy(r->tenant, sizeof(r->tenant), number->tenant);
	str_copy(r->number_id, sizeof(r->number_id), number->phone_number_id);
	str_copy(r->number, sizeof(r->number), number->number);
	if (str_e164(ev->user_number, r->user_number, sizeof(r->user_number)))
		r->user_number[0] = '\0';
	str_copy(r->user_id, sizeof(r->user_id), ev->user_id);
	str_copy(r->user_name, sizeof(r->user_name), ev->profile_name);
	str_copy(r->payload, sizeof(r->payload), ev->payload);
	fill_cause(r, ev->failed ? cause_from_meta(ev->error_code) : CAUSE_CANCELLED, ENDED_BY_USER);
	r->meta_code = ev->error_code;
	str_copy(r->meta_text, sizeof(r->meta_text), *ev->error_details ? ev->error_details : ev->error_title);
	r->started_ms = ev->timestamp_s ? ev->timestamp_s * 1000 : loop_wall_ms(app->loop);
	r->ended_ms = loop_wall_ms(app->loop);
	give(app, r);
}

void record_leftover(struct app *app, const struct live_call *live)
{
	struct call_record *r = call_record_new();
	const struct config_number *number = config_number_by_id(app->config, live->number_id);

	if (!r) {
		log_error("record_lost", "call=%s reason=\"out of memory\"", live->id);
		return;
	}
	str_copy(r->id, sizeof(r->id), live->id);
	str_copy(r->wacid, sizeof(r->wacid), live->wacid);
	str_copy(r->tenant, sizeof(r->tenant), live->tenant);
	str_copy(r->number_id, sizeof(r->number_id), live->number_id);
	str_copy(r->number, sizeof(r->number), number ? number->number : "");
	str_copy(r->user_number, sizeof(r->user_number), live->user_number);
	fill_cause(r, *live->wacid ? CAUSE_RESTART : CAUSE_UNCERTAIN, ENDED_BY_US);
	if (live->outbound)
		str_copy(r->direction, sizeof(r->direction), "outbound");
	r->started_ms = live->started_ms;
	r->ended_ms = loop_wall_ms(app->loop);
	give(app, r);
}
