/* b2bua/app/dial_json.c
 *
 * A dial as it lies parked in the store. Written and read by this program only; read all the same as if it came from
 * outside.
 */
#include "b2bua/app/dial.h"

#include "lib/base/str.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>

static json_t *template_json(const struct route_template *t)
{
	json_t *parameters = json_array();

	for (size_t i = 0; i < t->parameter_count; i++)
		json_array_append_new(parameters, json_string(t->parameters[i]));
	return json_pack("{s:s, s:s, s:o}", "name", t->name, "language", t->language, "parameters", parameters);
}

static json_t *places_json(const struct dial_fallback *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->count; i++)
		json_array_append_new(list, json_pack("[s, s]", f->places[i].gateway, f->places[i].uri));
	return list;
}

static json_t *causes_json(const struct dial_fallback *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->cause_count; i++)
		json_array_append_new(list, json_string(f->causes[i]));
	return list;
}

char *dial_to_json(const struct dial *d)
{
	json_t *headers = json_array(), *root;
	char *text;

	for (size_t i = 0; i < d->header_count; i++)
		json_array_append_new(headers, json_pack("[s, s]", d->headers[i].name, d->headers[i].value));
	root = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:i, s:i, s:s, s:s, s:s, s:s, s:o, s:b, s:i, s:s, s:o, s:b, "
		"s:I, s:I, s:s, s:o, s:o, s:b, s:s}",
		"id", d->id, "number_id", d->number_id, "user_number", d->user_number, "user_id", d->user_id,
		"profile_name", d->profile_name, "payload", d->payload, "order", (int)d->order, "rule", d->rule,
		"ring_s", (int)d->ring_s, "agent_ring_s", (int)d->agent_ring_s, "gateway", d->gateway, "uri", d->uri,
		"from_user", d->from_user, "from_display", d->from_display, "headers", headers, "request",
		d->permission.request, "park_s", (int)d->permission.park_s, "request_text", d->permission.text,
		"request_template", template_json(&d->permission.template), "waiting", d->waiting, "created_ms",
		(json_int_t)d->created_ms, "expires_ms", (json_int_t)d->expires_ms, "parked_by", d->parked_by,
		"fallback", places_json(&d->fallback), "failover", causes_json(&d->fallback), "parallel",
		d->fallback.parallel, "tenant", d->tenant);
	if (!root)
		return NULL;
	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}

/* ---- reading ---- */

struct reader {
	struct dial *d;
	const json_t *root;
	bool bad;
};

static const char *text_of(struct reader *r, const json_t *in, const char *key)
{
	const json_t *v = json_object_get(in, key);
	const char *text = "";

	if (v)
		text = json_is_string(v) ? dial_text(r->d, json_string_value(v)) : NULL;
	if (!text)
		r->bad = true;
	return text ? text : "";
}

static uint64_t number_of(struct reader *r, const char *key)
{
	const json_t *v = json_object_get(r->root, key);

	if (v && (!json_is_integer(v) || json_integer_value(v) < 0))
		r->bad = true;
	return v && !r->bad ? (uint64_t)json_integer_value(v) : 0;
}

static unsigned seconds_of(struct reader *r, const char *key)
{
	uint64_t n = number_of(r, key);

	if (n > INT_MAX)
		r->bad = true;
	return r->bad ? 0 : (unsigned)n;
}

static void read_headers(struct reader *r)
{
	const json_t *list = json_object_get(r->root, "headers");
	struct route_header headers[ROUTE_HEADERS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(list) && count < ROUTE_HEADERS_MAX; i++) {
		const json_t *pair = json_array_get(list, i);
		const char *name = json_string_value(json_array_get(pair, 0));
		const char *value = json_string_value(json_array_get(pair, 1));
		if (name && value)
			headers[count++] = (struct route_header){name, value};
	}
	if (dial_take_headers(r->d, headers, count))
		r->bad = true;
}

/* Parked by an older version: neither is there. */
static void read_fallback(struct reader *r)
{
	const json_t *places = json_object_get(r->root, "fallback"), *causes = json_object_get(r->root, "failover");
	struct dial_fallback *f = &r->d->fallback;

	f->parallel = json_is_true(json_object_get(r->root, "parallel"));
	for (size_t i = 0; i < json_array_size(places) && f->count < ROUTE_GATEWAYS_MAX - 1; i++) {
		const json_t *pair = json_array_get(places, i);
		const char *gateway = json_string_value(json_array_get(pair, 0));
		const char *uri = json_string_value(json_array_get(pair, 1));
		f->places[f->count].gateway = gateway ? dial_text(r->d, gateway) : NULL;
		f->places[f->count].uri = uri ? dial_text(r->d, uri) : NULL;
		if (!f->places[f->count].gateway || !f->places[f->count].uri)
			r->bad = true;
		else
			f->count++;
	}
	for (size_t i = 0; i < json_array_size(causes) && f->cause_count < ROUTE_FAILOVER_MAX; i++) {
		const char *cause = json_string_value(json_array_get(causes, i));
		f->causes[f->cause_count] = cause ? dial_text(r->d, cause) : NULL;
		if (!f->causes[f->cause_count])
			r->bad = true;
		else
			f->cause_count++;
	}
}

static void read_permission(struct reader *r)
{
	const json_t *t = json_object_get(r->root, "request_template");
	const json_t *parameters = json_object_get(t, "parameters");
	struct route_permission *p = &r->d->permission;

	p->request = json_is_true(json_object_get(r->root, "request"));
	p->park_s = seconds_of(r, "park_s");
	p->text = text_of(r, r->root, "request_text");
	p->template.name = text_of(r, t, "name");
	p->template.language = text_of(r, t, "language");
	for (size_t i = 0; i < json_array_size(parameters) && i < ROUTE_PARAMETERS_MAX; i++) {
		const char *text = json_string_value(json_array_get(parameters, i));
		p->template.parameters[i] = text ? dial_text(r->d, text) : NULL;
		if (!p->template.parameters[i])
			r->bad = true;
		p->template.parameter_count = i + 1;
	}
}

static void read_dial(struct reader *r)
{
	struct dial *d = r->d;
	uint64_t order = number_of(r, "order");
	const char *id = text_of(r, r->root, "id");

	if (str_copy(d->id, sizeof(d->id), id) || !*id || order > DIAL_USER_FIRST || order == DIAL_SIP_CALLS)
		r->bad = true;
	d->order = (enum dial_order)order;
	d->tenant = text_of(r, r->root, "tenant");
	d->number_id = text_of(r, r->root, "number_id");
	d->user_number = text_of(r, r->root, "user_number");
	d->user_id = text_of(r, r->root, "user_id");
	d->profile_name = text_of(r, r->root, "profile_name");
	d->payload = text_of(r, r->root, "payload");
	d->rule = text_of(r, r->root, "rule");
	d->ring_s = seconds_of(r, "ring_s");
	d->agent_ring_s = seconds_of(r, "agent_ring_s");
	d->gateway = text_of(r, r->root, "gateway");
	d->uri = text_of(r, r->root, "uri");
	d->from_user = text_of(r, r->root, "from_user");
	d->from_display = text_of(r, r->root, "from_display");
	d->waiting = json_is_true(json_object_get(r->root, "waiting"));
	d->created_ms = number_of(r, "created_ms");
	d->expires_ms = number_of(r, "expires_ms");
	d->parked_by = text_of(r, r->root, "parked_by");
	d->is_parked = true;
	read_headers(r);
	read_fallback(r);
	read_permission(r);
}

struct dial *dial_from_json(struct app *app, const char *json)
{
	json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	struct reader r = {.d = dial_new(app), .root = root};

	if (root && r.d)
		read_dial(&r);
	json_decref(root);
	return root && r.d && !r.bad ? r.d : dial_free(r.d);
}
