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
	return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:i, s:i, s:i, s:o, s:o, s:o, s:I, s:I, s:I, "
			 "s:I, s:I, s:o}",
		"call", (int)r->number, "wacid", r->wacid, "webhook_us", time_or_null(r->webhook_us), "webhook_done_us",
		time_or_null(r->webhook_done_us), "pre_accept_us", time_or_null(r->pre_accept_us), "accept_us",
		time_or_null(r->accept_us), "reject_us", time_or_null(r->reject_us), "ended_us",
		time_or_null(r->ended_us), "ended_by", r->ended_by, "error_code", r->error_code, "webhook_status",
		(int)r->webhook_status, "graph_refused", (int)r->refused, "ice_us", time_or_null(u->ice_us), "dtls_us",
		time_or_null(u->dtls_us), "first_rx_us", time_or_null(u->first_rx_us), "tx_packets",
		(json_int_t)u->tx_packets, "rx_packets", (json_int_t)u->rx_packets, "rx_lost", (json_int_t)u->rx_lost,
		"rx_rtcp", (json_int_t)u->rx_rtcp, "early_rtp", (json_int_t)u->early_rtp, "violations", violations);
}
