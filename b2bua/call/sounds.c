/* b2bua/call/sounds.c
 *
 * What each party hears instead of the other, as a function of the call's state; what changed is told to media.
 */
#include "b2bua/call/call_internal.h"

/* The SIP peer has put the user on hold and plays nothing itself. */
static bool held_in_silence(const struct call *c)
{
	const struct sip_negotiation *n = &c->sip.sdp;

	return n->has_remote && !n->remote.send && (!n->remote.receive || n->nowhere);
}

static enum media_sound for_user(const struct call *c)
{
	if (c->state == CALL_JOINING)
		return SOUND_RINGBACK;
	if (c->state != CALL_UP)
		return SOUND_NONE;
	if (c->on_hold)
		return SOUND_MUSIC;
	if (!call_leg_lives(&c->sip)) /* transferred, and the target rings */
		return SOUND_RINGBACK;
	return held_in_silence(c) ? SOUND_MUSIC : SOUND_NONE;
}

static enum media_sound for_sip_side(const struct call *c)
{
	bool early = c->dial.order == DIAL_SIP_CALLS && c->dial.early_ringback && c->dial.sip_offer;

	if (c->state == CALL_ALERTING)
		return early || c->dial.order == DIAL_AGENT_FIRST ? SOUND_RINGBACK : SOUND_NONE;
	return c->state == CALL_UP && c->on_hold ? SOUND_SILENCE : SOUND_NONE;
}

static void play(struct call *c, enum media_side side, enum media_sound sound)
{
	struct call_action *a;

	if (c->sound[side] == sound)
		return;
	c->sound[side] = sound;
	a = call_emit(c, CALL_DO_MEDIA_PLAY);
	a->u.play.side = side;
	a->u.play.sound = sound;
}

void call_play_sounds(struct call *c)
{
	if (c->state >= CALL_CLOSING || c->media != MEDIA_OPEN)
		return;
	play(c, SIDE_WA, for_user(c));
	play(c, SIDE_SIP, for_sip_side(c));
}
