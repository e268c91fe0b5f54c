/* media/session_tap.c
 *
 * Who listens along: a recording, with what is announced before it, and an RTP copy.
 */
#include "media/session_inner.h"

#include "lib/base/assert.h"
#include "media/sounds.h"

static void play(struct session *s, enum media_side side, bool on, uint64_t now_us)
{
	const struct sound *what = on ? sounds_announcement(s->sounds) : NULL;

	s->announcing[side] = on;
	if (side == SIDE_WA)
		opus_line_play(&s->to_wa, on, what, now_us);
	else
		bridge_to_sip_play(&s->to_sip, on, what, now_us);
}

static void end_announcement(struct session *s, uint64_t now_us)
{
	for (int side = 0; side < 2; side++)
		if (s->announcing[side])
			play(s, (enum media_side)side, false, now_us);
	s->announce_until_us = UINT64_MAX;
}

void session_announce_tick(struct session *s, uint64_t now_us)
{
	if (s->announce_until_us <= now_us)
		end_announcement(s, now_us);
}

void session_record(struct session *s, struct record_ring *ring, bool announce_wa, bool announce_sip, uint64_t now_us)
{
	ASSERT(s->magic == SESSION_MAGIC);
	const struct sound *what = sounds_announcement(s->sounds);
	const bool wanted[2] = {[SIDE_WA] = announce_wa, [SIDE_SIP] = announce_sip};
	uint64_t length_us = what && (announce_wa || announce_sip) ? what->samples * 1000000ull / SOUND_RATE_HZ : 0;

	tap_record_stop(&s->tap, now_us);
	end_announcement(s, now_us);
	for (int side = 0; length_us && side < 2; side++)
		if (wanted[side] && s->playing[side] == SOUND_NONE && !s->failed)
			play(s, (enum media_side)side, true, now_us);
	if (length_us)
		s->announce_until_us = now_us + length_us;
	tap_record(&s->tap, ring, now_us + length_us);
}

void session_record_pause(struct session *s, bool paused)
{
	ASSERT(s->magic == SESSION_MAGIC);
	tap_record_pause(&s->tap, paused);
}

void session_record_stop(struct session *s, uint64_t now_us)
{
	ASSERT(s->magic == SESSION_MAGIC);
	end_announcement(s, now_us);
	tap_record_stop(&s->tap, now_us);
}

void session_copy(struct session *s, const struct rtp_copy_conf *conf, uint64_t now_us)
{
	ASSERT(s->magic == SESSION_MAGIC);
	tap_copy(&s->tap, conf, now_us);
}

void session_copy_stop(struct session *s)
{
	ASSERT(s->magic == SESSION_MAGIC);
	tap_copy_stop(&s->tap);
}
