/* admin/calls_api.c -- live calls: list, dial, hang up, transfer, hold, mute, digits */
#include "admin/admin_internal.h"

#include "admin/admin_json.h"
#include "lib/base/str.h"

#include <string.h>

enum {
	RING_MAX_S = 300,
	PARK_MIN_S = 60,
	PARK_MAX_S = 7 * 86400,  /* a permission lasts no longer (Meta: "User call permissions") */
	PAYLOAD_MAX = 512,       /* Meta: biz payload of a call button */
	REQUEST_TEXT_MAX = 1024, /* Meta: body of an interactive message */
};

static const char *const orders[] = {"agent_first", "user_first", NULL};
static const char *const without_permission[] = {"refuse", "request", NULL};
static const char *const sides[] = {"user", "sip", NULL};

#define AT(member) offsetof(struct api_originate, member)
static const struct body_field call_fields[] = {
	BODY_PARTY_FIELDS(struct api_originate, party),
	BODY_TARGET_FIELDS(struct api_originate, target),
	{"order", BODY_WORD_BOOL, AT(user_first), 0, 0, orders},
	{"ring_s", BODY_UINT, AT(ring_s), 1, RING_MAX_S},
	{"agent_ring_s", BODY_UINT, AT(agent_ring_s), 1, RING_MAX_S},
	{"caller_id", BODY_TEXT, AT(caller_id), 1, 64},
	{"display_name", BODY_TEXT, AT(display_name), 1, 128},
	{"payload", BODY_TEXT, AT(payload), 1, PAYLOAD_MAX},
	{"headers", BODY_HEADERS, AT(headers), 0, API_HEADERS_MAX},
	{"on_no_permission", BODY_WORD_BOOL, AT(request_permission), 0, 0, without_permission},
	{"park_s", BODY_UINT, AT(park_s), PARK_MIN_S, PARK_MAX_S},
	{"request_text", BODY_LINES, AT(request_text), 1, REQUEST_TEXT_MAX},
	{"request_template", BODY_TEMPLATE, AT(request_template)},
};
#undef AT

static const struct body_field transfer_fields[] = {
	{"gateway", BODY_TEXT, offsetof(struct api_target, gateway), 1, 63},
	{"user", BODY_TEXT, offsetof(struct api_target, user), 1, 128},
	{"uri", BODY_TEXT, offsetof(struct api_target, uri), 5, 255},
};

struct hold {
	bool on;
};
static const struct body_field hold_fields[] = {
	{"on", BODY_BOOL, offsetof(struct hold, on), .required = true},
};

struct mute {
	enum api_side side;
	bool on;
};
static const struct body_field mute_fields[] = {
	{"side", BODY_WORD, offsetof(struct mute, side), 0, 0, sides, .required = true},
	{"on", BODY_BOOL, offsetof(struct mute, on), .required = true},
};

struct dtmf {
	const char *digits;
	enum api_side to;
};
static const struct body_field dtmf_fields[] = {
	{"digits", BODY_TEXT, offsetof(struct dtmf, digits), 1, API_DIGITS_MAX, .required = true},
	{"to", BODY_WORD, offsetof(struct dtmf, to), 0, 0, sides, .required = true},
};

#define SCHEMA(fields, type)                                                                                           \
	{                                                                                                              \
		fields, sizeof(fields) / sizeof((fields)[0]), sizeof(type)                                             \
	}
const struct body_schema call_body = SCHEMA(call_fields, struct api_originate);
const struct body_schema transfer_body = SCHEMA(transfer_fields, struct api_target);
const struct body_schema hold_body = SCHEMA(hold_fields, struct hold);
const struct body_schema mute_body = SCHEMA(mute_fields, struct mute);
const struct body_schema dtmf_body = SCHEMA(dtmf_fields, struct dtmf);

/* ---- what bodies have in common ---- */

int body_check_party(struct body *body, const struct api_party *party)
{
	if (!*party->user_number && !*party->user_id)
		return body_refuse(body, "to", "to (a phone number) or user_id is needed");
	return 0;
}

/* Policy is the shell's; this only keeps out what is no URI, or would be more than one. */
static bool is_uri(const char *uri)
{
	if (!str_starts(uri, "sip:") && !str_starts(uri, "tel:"))
		return false;
	for (const char *c = uri; *c; c++) {
		if (*c <= ' ' || *c > '~' || strchr("<>\"\\^`{|}", *c))
			return false;
	}
	return true;
}

int body_check_target(struct body *body, const struct api_target *target)
{
	if (!*target->gateway == !*target->uri)
		return body_refuse(body, "gateway", "either gateway, with a user or not, or uri is needed");
	if (*target->uri && *target->user)
		return body_refuse(body, "user", "only with gateway");
	if (*target->uri && !is_uri(target->uri))
		return body_refuse(body, "uri", "must be a sip: or tel: URI");
	return 0;
}

/* ---- live calls ---- */

struct listing {
	json_t *list;
	const char *wanted; /* id, or NULL: all */
	const struct api_reply *asker;
	bool out_of_memory;
};

static void list_call(const struct admin_call *call, void *arg)
{
	struct listing *l = arg;

	if ((l->wanted && strcmp(l->wanted, call->id) != 0) || !reply_may_see(l->asker, call->tenant))
		return;
	if (json_array_append_new(l->list, admin_json_call(call)))
		l->out_of_memory = true;
}

void get_calls(struct api_reply *r)
{
	struct listing l = {.list = json_array(), .asker = r};

	r->admin->ops.each_call(list_call, &l, r->admin->ops.arg);
	reply_list(r, "calls", l.list, l.out_of_memory);
}

void get_call(struct api_reply *r)
{
	struct listing l = {.list = json_array(), .wanted = r->id, .asker = r};

	r->admin->ops.each_call(list_call, &l, r->admin->ops.arg);
	if (json_array_size(l.list) || l.out_of_memory)
		reply_ok(r, json_incref(json_array_get(l.list, 0)));
	else
		history_find_one(r, r->id);
	json_decref(l.list);
}

void post_hangup(struct api_reply *r)
{
	if (r->admin->ops.hangup(r->id, api_tenant(r), r->admin->ops.arg))
		reply_problem(r, API_NOT_FOUND, "no live call has this id");
	else
		reply_ok(r, json_pack("{s:s, s:b}", "id", r->id, "ended", 1));
}

/* ---- dialling ---- */

void post_call(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	struct api_originate o;
	struct body body;

	if (!reply_read_body(r, &body, &o))
		return;
	if (body_check_party(&body, &o.party) || body_check_target(&body, &o.target)) {
		reply_refuse_body(r, &body);
		return;
	}
	if (!ops->originate)
		reply_problem(r, API_NOT_OFFERED, NULL);
	else if (!reply_waits_for_key(r))
		ops->originate(&o, r, ops->arg);
	body_done(&body);
}

/* ---- what moves a live call ---- */

void post_transfer(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	struct api_target target;
	struct body body;

	if (!reply_read_body(r, &body, &target))
		return;
	if (body_check_target(&body, &target)) {
		reply_refuse_body(r, &body);
		return;
	}
	r->done = json_pack("{s:s, s:b}", "id", r->id, "transferring", 1);
	if (ops->transfer)
		ops->transfer(r->id, &target, r, ops->arg);
	else
		reply_problem(r, API_NOT_OFFERED, NULL);
	body_done(&body);
}

void post_hold(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	struct hold hold;
	struct body body;

	if (!reply_read_body(r, &body, &hold))
		return;
	r->done = json_pack("{s:s, s:b}", "id", r->id, "on", hold.on);
	if (ops->hold)
		ops->hold(r->id, hold.on, r, ops->arg);
	else
		reply_problem(r, API_NOT_OFFERED, NULL);
	body_done(&body);
}

void post_mute(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	struct mute mute;
	struct body body;

	if (!reply_read_body(r, &body, &mute))
		return;
	r->done = json_pack("{s:s, s:s, s:b}", "id", r->id, "side", sides[mute.side], "on", mute.on);
	if (ops->mute)
		ops->mute(r->id, mute.side, mute.on, r, ops->arg);
	else
		reply_problem(r, API_NOT_OFFERED, NULL);
	body_done(&body);
}

void post_dtmf(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	struct dtmf dtmf;
	struct body body;

	if (!reply_read_body(r, &body, &dtmf))
		return;
	if (strspn(dtmf.digits, "0123456789*#ABCD") != strlen(dtmf.digits)) {
		(void)body_refuse(&body, "digits", "only 0 to 9, *, #, A to D");
		reply_refuse_body(r, &body);
		return;
	}
	r->done = json_pack("{s:s, s:s, s:s}", "id", r->id, "digits", dtmf.digits, "to", sides[dtmf.to]);
	if (ops->dtmf)
		ops->dtmf(r->id, dtmf.digits, dtmf.to, r, ops->arg);
	else
		reply_problem(r, API_NOT_OFFERED, NULL);
	body_done(&body);
}
