/* tools/metasim/report_json.c -- see report_json.h */
#include "tools/metasim/report_json.h"

static json_t *time_or_null(uint64_t us)
{
	return us ? json_integer((json_int_t)us) : json_null();
}

json_t *report_json(const struct meta_call_report *r)
{
	const struct wa_user_report *u = &r->user;
	json_t *violations = json_array();

	for (size_t i = 0; i < u->violation_count; i++)
		json_array_append_new(violations, json_string(u->violations[i]));
	json_t *j = json_pack(
		"{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:i, s:i, s:i, s:o, s:o, s:o, s:I, s:I, s:I, "
		"s:I, s:I, s:o}",
		"call", (int)r->number, "wacid", r->wacid, "webhook_us", time_or_null(r->webhook_us), "webhook_done_us",
		time_or_null(r->webhook_done_us), "pre_accept_us", time_or_null(r->pre_accept_us), "accept_us",
		time_or_null(r->accept_us), "reject_us", time_or_null(r->reject_us), "ended_us",
		time_or_null(r->ended_us), "ended_by", r->ended_by, "error_code", r->error_code, "webhook_status",
		(int)r->webhook_status, "graph_refused", (int)r->refused, "ice_us", time_or_null(u->ice_us), "dtls_us",
		time_or_null(u->dtls_us), "first_rx_us", time_or_null(u->first_rx_us), "tx_packets",
		(json_int_t)u->tx_packets, "rx_packets", (json_int_t)u->rx_packets, "rx_lost", (json_int_t)u->rx_lost,
		"rx_rtcp", (json_int_t)u->rx_rtcp, "early_rtp", (json_int_t)u->early_rtp, "violations", violations);
	json_object_set_new(j, "direction", json_string(r->outbound ? "business_initiated" : "user_initiated"));
	json_object_set_new(j, "user", json_string(r->with));
	json_object_set_new(j, "opaque", json_string(r->opaque));
	json_object_set_new(j, "connect_us", time_or_null(r->connect_us));
	json_object_set_new(j, "ringing_us", time_or_null(r->ringing_us));
	json_object_set_new(j, "picked_up_us", time_or_null(r->picked_up_us));
	json_object_set_new(j, "declined_us", time_or_null(r->declined_us));
	json_object_set_new(j, "terminate_us", time_or_null(r->terminate_us));
	return j;
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

json_t *report_message_json(const struct meta_message_report *r)
{
	return json_pack("{s:I, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:O}", "at_us", (json_int_t)r->at_us, "to",
		text_or_null(r->to), "wamid", text_or_null(r->wamid), "error_code", r->error_code, "kind",
		text_or_null(r->kind), "text", text_or_null(r->text), "button_text", text_or_null(r->button_text),
		"payload", text_or_null(r->payload), "template", text_or_null(r->template_name), "body", r->body);
}
