/* admin/admin_json.c -- see admin_json.h */
#include "admin/admin_json.h"

/* Text from outside may not be UTF-8 (a profile name out of a hostile webhook cannot, the JSON parser saw to that; a
 * SIP phrase can). */
static json_t *text_or_null(const char *text)
{
	json_t *j = text && *text ? json_string(text) : NULL;
	return j ? j : json_null();
}

static json_t *time_or_null(uint64_t ms)
{
	return ms ? json_integer((json_int_t)ms) : json_null();
}

static json_t *count_or_null(int64_t n)
{
	return n >= 0 ? json_integer(n) : json_null();
}

static json_t *real_or_null(double v)
{
	return v >= 0 ? json_real(v) : json_null();
}

static json_t *attempts_json(const char *text)
{
	json_t *attempts = text ? json_loads(text, 0, NULL) : NULL;

	return attempts ? attempts : json_array();
}

json_t *admin_json_call(const struct admin_call *c)
{
	return json_pack("{s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:b, s:o}",
		"id", c->id, "tenant", text_or_null(c->tenant), "wacid", text_or_null(c->wacid), "state", c->state,
		"direction", c->direction, "number", text_or_null(c->number), "user", text_or_null(c->user),
		"user_name", text_or_null(c->user_name), "gateway", text_or_null(c->gateway), "rule",
		text_or_null(c->rule), "started_ms", time_or_null(c->started_ms), "rang_ms", time_or_null(c->rang_ms),
		"answered_ms", time_or_null(c->answered_ms), "on_hold", c->on_hold, "transferring", c->transferring,
		"recording", text_or_null(c->recording), "forked", c->forked, "attempts", attempts_json(c->attempts));
}

json_t *admin_json_text(const char *text)
{
	return text_or_null(text);
}

json_t *admin_json_permission(const struct permission *p, const char *number, uint64_t now_ms)
{
	json_t *requested = json_array();

	for (size_t i = 0; requested && i < 2 && p->requested_ms[i]; i++)
		json_array_append_new(requested, json_integer((json_int_t)p->requested_ms[i]));
	return json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:b, s:i, s:i, s:o, s:o, s:b}", "number",
		text_or_null(number), "user", text_or_null(p->user), "status", permission_status_name(p->status),
		"source", permission_source_name(p->source), "expires_ms", time_or_null(p->expires_ms), "checked_ms",
		time_or_null(p->checked_ms), "requested_ms", requested, "request_pending", p->request_pending,
		"unanswered", (int)p->unanswered, "connected", (int)p->connected, "blocked_until_ms",
		time_or_null(p->blocked_until_ms), "request_blocked_until_ms",
		time_or_null(p->request_blocked_until_ms), "window_open", permission_window_open(p, now_ms));
}

json_t *admin_json_parked(const struct api_parked *p)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", p->id, "tenant",
		text_or_null(p->tenant), "number", text_or_null(p->number), "user", text_or_null(p->user), "gateway",
		text_or_null(p->gateway), "uri", text_or_null(p->uri), "source", text_or_null(p->source), "created_ms",
		time_or_null(p->created_ms), "expires_ms", time_or_null(p->expires_ms));
}

json_t *admin_json_registration(const struct api_registration *r)
{
	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:f, s:o, s:o, s:o}", "id", r->id, "user", r->user,
		"contact", text_or_null(r->contact), "source", r->source, "transport", r->transport, "agent",
		text_or_null(r->agent), "path", text_or_null(r->path), "q", r->q, "registered_ms",
		time_or_null(r->registered_ms), "refreshed_ms", time_or_null(r->refreshed_ms), "expires_ms",
		time_or_null(r->expires_ms));
}

json_t *admin_json_ban(const struct api_ban *b)
{
	return json_pack("{s:s, s:s, s:i, s:I}", "source", b->source, "reason", b->reason, "left_s", (int)b->left_s,
		"dropped", (json_int_t)b->dropped);
}

static json_t *code_or_null(int code)
{
	return code ? json_integer(code) : json_null();
}

json_t *admin_json_gateway(const struct api_gateway *g)
{
	const char *state = !g->watched ? "unwatched" : g->up ? "up" : "down";

	return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:o}", "name", g->name, "tenant",
		text_or_null(g->tenant), "uri", g->uri, "state", state, "down_since_ms", time_or_null(g->down_since_ms),
		"options_ms", time_or_null(g->ping_ms), "options_code", code_or_null(g->ping_code), "options_error",
		text_or_null(g->ping_why), "registered", g->registers ? json_boolean(g->registered) : json_null(),
		"register_code", code_or_null(g->register_code), "register_error", text_or_null(g->register_why),
		"calls", (int)g->calls, "max_calls", g->max_calls ? json_integer(g->max_calls) : json_null());
}

static void set(json_t *object, const char *key, json_t *value)
{
	if (value)
		json_object_set_new(object, key, value);
}

static json_t *quality_json(const struct quality *q)
{
	json_t *o = json_object();

	set(o, "packets", count_or_null(q->packets));
	set(o, "bytes", count_or_null(q->bytes));
	set(o, "lost", count_or_null(q->lost));
	set(o, "late", count_or_null(q->late));
	set(o, "duplicates", count_or_null(q->duplicates));
	set(o, "reordered", count_or_null(q->reordered));
	set(o, "concealed_ms", count_or_null(q->concealed_ms));
	set(o, "fec_ms", count_or_null(q->fec_ms));
	set(o, "loss_percent", real_or_null(q->loss_percent));
	set(o, "discard_percent", real_or_null(q->discard_percent));
	set(o, "concealed_percent", real_or_null(q->concealed_percent));
	set(o, "burst_ratio", real_or_null(q->burst_ratio));
	set(o, "jitter_ms", real_or_null(q->jitter_ms));
	set(o, "rtt_ms", real_or_null(q->rtt_ms));
	set(o, "playout_delay_ms", real_or_null(q->playout_delay_ms));
	set(o, "playout_delay_max_ms", real_or_null(q->playout_delay_max_ms));
	set(o, "mos", real_or_null(q->mos));
	set(o, "mos_listening", real_or_null(q->mos_listening));
	set(o, "remote_loss_percent", real_or_null(q->remote_loss_percent));
	set(o, "remote_jitter_ms", real_or_null(q->remote_jitter_ms));
	set(o, "remote_mos", real_or_null(q->remote_mos));
	return o;
}

static void set_parties(json_t *o, const struct call_record *r)
{
	set(o, "id", text_or_null(r->id));
	set(o, "wacid", text_or_null(r->wacid));
	set(o, "tenant", text_or_null(r->tenant));
	set(o, "direction", text_or_null(r->direction));
	set(o, "number_id", text_or_null(r->number_id));
	set(o, "number", text_or_null(r->number));
	set(o, "user_number", text_or_null(r->user_number));
	set(o, "user_id", text_or_null(r->user_id));
	set(o, "user_name", text_or_null(r->user_name));
	set(o, "payload", text_or_null(r->payload));
	set(o, "rule", text_or_null(r->rule));
	set(o, "gateway", text_or_null(r->gateway));
	set(o, "sip_target", text_or_null(r->sip_target));
	set(o, "sip_call_id", text_or_null(r->sip_call_id));
}

static void set_end(json_t *o, const struct call_record *r)
{
	set(o, "status", json_string(call_status_name(r->status)));
	set(o, "cause", text_or_null(r->cause));
	set(o, "sip_code", json_integer(r->sip_code));
	set(o, "q850", json_integer(r->q850));
	set(o, "meta_code", r->meta_code ? json_integer(r->meta_code) : json_null());
	set(o, "meta_text", text_or_null(r->meta_text));
	set(o, "ended_by", text_or_null(r->ended_by));
	set(o, "started_ms", time_or_null(r->started_ms));
	set(o, "rang_ms", time_or_null(r->rang_ms));
	set(o, "answered_ms", time_or_null(r->answered_ms));
	set(o, "ended_ms", time_or_null(r->ended_ms));
	set(o, "duration_ms", json_integer((json_int_t)r->duration_ms));
}

static void set_ways(json_t *o, const struct call_record *r)
{
	set(o, "accepted_on", text_or_null(r->accepted_on));
	set(o, "early_media", text_or_null(r->early_media));
	set(o, "attempts", attempts_json(r->attempts));
	set(o, "recording", text_or_null(r->recording));
	set(o, "recording_ms", count_or_null(r->recording_ms));
	set(o, "recording_end", text_or_null(r->recording_end));
}

static void set_media(json_t *o, const struct call_record *r)
{
	set(o, "wa_codec", text_or_null(r->wa_codec));
	set(o, "sip_codec", text_or_null(r->sip_codec));
	set(o, "wa_rx", quality_json(&r->wa_rx));
	set(o, "sip_rx", quality_json(&r->sip_rx));
	set(o, "setup_invite_us", count_or_null(r->setup_invite_us));
	set(o, "setup_accept_us", count_or_null(r->setup_accept_us));
	set(o, "ice_ms", count_or_null(r->ice_ms));
	set(o, "dtls_ms", count_or_null(r->dtls_ms));
	set(o, "greeting_held_ms", count_or_null(r->greeting_held_ms));
	set(o, "greeting_lost_ms", count_or_null(r->greeting_lost_ms));
	set(o, "first_audio_wa_ms", count_or_null(r->first_audio_wa_ms));
	set(o, "first_audio_sip_ms", count_or_null(r->first_audio_sip_ms));
	if (r->sdp_wa_remote) { /* store.keep_sdp */
		set(o, "sdp_wa_remote", text_or_null(r->sdp_wa_remote));
		set(o, "sdp_wa_local", text_or_null(r->sdp_wa_local));
		set(o, "sdp_sip_local", text_or_null(r->sdp_sip_local));
		set(o, "sdp_sip_remote", text_or_null(r->sdp_sip_remote));
	}
}

json_t *admin_json_record(const struct call_record *r)
{
	json_t *o = json_object();

	if (!o)
		return NULL;
	set_parties(o, r);
	set_end(o, r);
	set_ways(o, r);
	set_media(o, r);
	return o;
}

char *admin_record_json(const struct call_record *record)
{
	json_t *o = admin_json_record(record);
	char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;

	json_decref(o);
	return text;
}
