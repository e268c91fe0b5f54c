/* b2bua/call/make.c
 *
 * Makes a call from an offer of Meta's, or from what is to be dialled: texts are copied into its arena, none longer
 * than limits.h allows.
 */
#include "b2bua/call/call_internal.h"

#include "b2bua/call/headers.h"
#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

static int copy(struct call *c, const char **ret_copy, const char *text, size_t max_chars)
{
	size_t length = text ? strlen(text) : 0;
	const char *made = arena_strndup(&c->arena, text ? text : "", length < max_chars ? length : max_chars);

	if (!made)
		return -ENOMEM;
	*ret_copy = made;
	return 0;
}

/* Text for people may hold anything and be cut; its cut must not split a character. */
static int copy_text(struct call *c, const char **ret_copy, const char *text, size_t max_chars)
{
	const char *made = header_text(&c->arena, text, max_chars);

	if (!made)
		return -ENOMEM;
	*ret_copy = made;
	return 0;
}

static int take_offer(struct call *c, const struct call_offer *o)
{
	/* A text too long to be read is not kept either: sdp_audio_parse() would refuse it, and so does "". */
	size_t sdp_length = o->sdp && o->sdp_length <= SDP_TEXT_MAX ? o->sdp_length : 0;

	if (copy(c, &c->call_id, o->call_id, LIMIT_ID_CHARS) || copy(c, &c->wacid, o->wacid, LIMIT_ID_CHARS) ||
		copy(c, &c->phone_number_id, o->phone_number_id, LIMIT_NAME_CHARS) ||
		copy(c, &c->number, o->number, LIMIT_NAME_CHARS) ||
		copy(c, &c->user_number, o->user_number, LIMIT_NAME_CHARS) ||
		copy(c, &c->user_id, o->user_id, LIMIT_NAME_CHARS) ||
		copy_text(c, &c->profile_name, o->profile_name, LIMIT_NAME_CHARS) ||
		copy_text(c, &c->payload, o->payload, LIMIT_PAYLOAD_CHARS))
		return -ENOMEM;
	c->wa_remote_sdp = arena_strndup(&c->arena, sdp_length ? o->sdp : "", sdp_length);
	c->wa_remote_sdp_length = sdp_length;
	return c->wa_remote_sdp ? 0 : -ENOMEM;
}

/* A call that holds the arena it lives in. */
static struct call *new_call(const struct call_settings *settings, call_handler *const *path)
{
	struct arena arena;
	struct call *c;

	arena_init(&arena, LIMIT_ARENA_BYTES);
	c = arena_alloc(&arena, sizeof(*c));
	if (!c) {
		arena_done(&arena);
		return NULL;
	}
	c->arena = arena;
	c->settings = settings;
	c->path = path;
	c->transfer.target = "";
	return c;
}

int call_new(const struct call_settings *settings, const struct call_offer *offer, struct call **ret_call)
{
	struct call *c = new_call(settings, call_inbound_path);

	if (!c)
		return -ENOMEM;
	c->random = offer->random;
	if (take_offer(c, offer) < 0) {
		call_free(c);
		return -ENOMEM;
	}
	*ret_call = c;
	return 0;
}

/* ---- business-initiated ---- */

static int take_names(struct call *c, const struct call_dial *d)
{
	c->wacid_told = arena_alloc(&c->arena, LIMIT_ID_CHARS + 1); /* there is to be room when it is told */
	c->wacid = c->wacid_told;
	if (!c->wacid_told || copy(c, &c->call_id, d->call_id, LIMIT_ID_CHARS) ||
		copy(c, &c->phone_number_id, d->phone_number_id, LIMIT_NAME_CHARS) ||
		copy(c, &c->number, d->number, LIMIT_NAME_CHARS) ||
		copy(c, &c->user_number, d->user_number, LIMIT_NAME_CHARS) ||
		copy(c, &c->user_id, d->user_id, LIMIT_NAME_CHARS) ||
		copy(c, &c->route.rule, d->rule, LIMIT_NAME_CHARS) ||
		copy_text(c, &c->profile_name, d->profile_name, LIMIT_NAME_CHARS) ||
		copy_text(c, &c->payload, d->payload, LIMIT_PAYLOAD_CHARS))
		return -ENOMEM;
	return 0;
}

/* The leg that waits for us. */
static int take_caller(struct call *c, const struct call_dial *d)
{
	size_t length = d->sip_offer && d->sip_offer_length <= SDP_TEXT_MAX ? d->sip_offer_length : 0;

	c->sip.theirs = true;
	c->sip.state = LEG_CALLING;
	c->sip.gateway = d->gateway;
	str_copy(c->sip.call_id, sizeof(c->sip.call_id), d->sip_call_id ? d->sip_call_id : "");
	if (!d->sip_offer)
		return 0;
	call_keep_remote_sdp(c, &c->sip, d->sip_offer, length);
	c->dial.sip_offer = arena_strndup(&c->arena, d->sip_offer, length);
	c->dial.sip_offer_length = length;
	return c->dial.sip_offer ? 0 : -ENOMEM;
}

static int take_target(struct call *c, const struct call_dial *d)
{
	size_t count = d->fallback.count < ROUTE_GATEWAYS_MAX - 1 ? d->fallback.count : ROUTE_GATEWAYS_MAX - 1;
	const struct call_place *others = d->fallback.places;
	int r = call_leg_aim(c, &c->sip, &d->target);

	call_group_init(c, &d->fallback.causes, d->fallback.parallel && count);
	if (r == 0)
		r = call_group_add(c, &(struct call_place){d->target.gateway, c->sip.target, 0});
	for (size_t i = 0; r == 0 && i < count; i++)
		r = call_group_add(c, &others[i]);
	return r;
}

int call_new_dial(const struct call_settings *settings, const struct call_dial *dial, struct call **ret_call)
{
	struct call *c = new_call(settings, call_outbound_path);
	int r;

	if (!c)
		return -ENOMEM;
	c->outbound = true;
	c->dial.order = dial->order;
	c->dial.ring_ms = call_or_default(dial->ring_ms, LIMIT_WA_RING_MS);
	c->dial.agent_ring_ms = dial->agent_ring_ms;
	c->dial.early_ringback = dial->early_ringback;
	c->dial.offer_active = dial->offer_active;
	r = take_names(c, dial);
	if (r == 0)
		r = dial->order == DIAL_SIP_CALLS ? take_caller(c, dial) : take_target(c, dial);
	if (r < 0) {
		call_free(c);
		return -ENOMEM;
	}
	*ret_call = c;
	return 0;
}

struct call *call_free(struct call *c)
{
	if (c) {
		struct arena arena = c->arena;
		negotiate_sip_wipe(&c->sip.sdp);
		if (c->transfer.leg)
			negotiate_sip_wipe(&c->transfer.leg->sdp);
		for (size_t i = 0; i < c->fork.count; i++)
			negotiate_sip_wipe(&c->fork.branches[i].leg.sdp);
		if (c->sip_keys)
			sdp_wipe(c->sip_keys, c->sip_key_count * sizeof(*c->sip_keys));
		arena_done(&arena);
	}
	return NULL;
}
