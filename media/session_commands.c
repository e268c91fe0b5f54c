/* media/session_commands.c
 *
 * What the control thread tells a session.
 */
#include "media/session_inner.h"

#include "lib/base/assert.h"
#include "lib/base/crypto.h"
#include "media/sounds.h"
#include "media/webrtc/webrtc_end.h"

#include <errno.h>

int session_set_wa(struct session *s, const struct media_wa_remote *remote, uint64_t now_us)
{
	ASSERT(s->magic == SESSION_MAGIC);
	if (s->wa_set)
		return -EALREADY;
	s->wa_set_us = s->wa_heard_us = now_us;
	s->wa_opus_pt = remote->opus_pt;
	s->wa_event_pt = remote->event_pt;
	opus_line_set_remote(&s->to_wa, remote->opus_pt, remote->event_pt, TEV_CLOCK_HZ);
	uint32_t bitrate = s->opus_bitrate;
	if (remote->max_bitrate && remote->max_bitrate < bitrate)
		bitrate = remote->max_bitrate;
	opus_line_set_bitrate(&s->to_wa, bitrate);
	opus_line_set_receiver(&s->to_wa, &remote->opus);
	int r = webrtc_end_start(s->webrtc, remote, now_us);
	s->wa_set = r == 0;
	return r;
}

/* What the party before had begun is ended; what it still sends is not listened to. */
static void meet_new_peer(struct session *s, const struct media_sip_remote *remote, uint64_t now_us)
{
	session_drop_greeting(s);
	session_sip_stream_begins(s, now_us);
	digit_gate_reset(&s->gate);
	bridge_to_sip_new_peer(&s->to_sip);
	dtmf_queue_drop(&s->dial[SIDE_SIP]);
	rtp_end_set_new_peer(&s->sip, &remote->rtp, &remote->rtcp);
}

struct line_source session_source_of(const struct media_sip_remote *r)
{
	struct line_source source = {.wide = r->codec == AUDIO_G722 || r->codec == AUDIO_OPUS,
		.g722 = r->codec == AUDIO_G722,
		.opus = r->codec == AUDIO_OPUS};
	for (unsigned i = 0; i < r->also_count; i++) {
		source.g722 |= r->also[i].codec == AUDIO_G722;
		source.opus |= r->also[i].codec == AUDIO_OPUS;
	}
	return source;
}

/* Timestamps count in another clock, and so do the durations of digits. */
static int set_clocks(struct session *s, const struct media_sip_remote *remote, uint64_t now_us)
{
	uint32_t clock_hz = remote->codec == AUDIO_OPUS ? OPUS_CODEC_RTP_CLOCK_HZ : BRIDGE_RATE_HZ;
	uint32_t event_hz = remote->event_clock_hz ? remote->event_clock_hz : TEV_CLOCK_HZ;

	if (clock_hz != s->sip.stream.clock_hz) {
		session_sip_stream_begins(s, now_us);
		if (s->sip.stream.tx_packets)
			session_report_to_sip(s, true, now_us);
		int r = sip_srtp_new_line(&s->sip_srtp);
		if (r < 0)
			return r;
		rtp_stream_change_clock(&s->sip.stream, clock_hz);
	} else if (event_hz == s->sip_events.clock_hz) {
		return 0;
	}
	tev_rx_init(&s->sip_events, clock_hz, event_hz);
	return 0;
}

static bool is_known(enum audio_codec codec)
{
	return codec == AUDIO_PCMU || codec == AUDIO_PCMA || codec == AUDIO_G722 || codec == AUDIO_OPUS;
}

int session_set_sip(struct session *s, const struct media_sip_remote *remote, uint64_t now_us)
{
	ASSERT(s->magic == SESSION_MAGIC);
	if (!is_known(remote->codec) || remote->also_count > MEDIA_FORMATS_MAX)
		return -ENOTSUP;
	const struct line_source source = session_source_of(remote);
	int r = sip_srtp_set(&s->sip_srtp, &remote->srtp);
	if (r == 0)
		r = opus_line_set_source(&s->to_wa, &source);
	if (r == 0)
		r = session_set_ear(s, remote->tones_in, &source, now_us);
	if (r == 0)
		r = bridge_to_sip_set_remote(&s->to_sip, remote, now_us);
	if (r == 0)
		r = set_clocks(s, remote, now_us);
	if (r < 0)
		return r;
	bool another = s->sip_set && remote->new_peer;
	if (another || !addr_equal(&s->sip_remote.rtp, &remote->rtp))
		session_pin(s, sip_pin_reset(&s->pin), now_us);
	bool resumed = !s->sip_set || another || (remote->receive && !s->sip_remote.receive);
	if (s->sip_set && !remote->receive && s->sip_remote.receive) {
		session_drop_greeting(s);
		opus_line_new_source(&s->to_wa); /* on hold: what comes after it begins anew */
	}
	if (another)
		meet_new_peer(s, remote, now_us);
	else
		rtp_end_set_remote(&s->sip, &remote->rtp, &remote->rtcp);
	session_greeting_source(s, &source);
	s->sip_remote = *remote;
	crypto_wipe(&s->sip_remote.srtp, sizeof(s->sip_remote.srtp)); /* sip_srtp has them */
	s->sip_set = true;
	if (resumed)
		s->sip_heard_us = now_us;
	rtp_stream_start_reports(&s->sip.stream, now_us);
	return 0;
}

void session_start_wa(struct session *s, uint64_t now_us)
{
	ASSERT(s->magic == SESSION_MAGIC);
	if (s->started)
		return;
	s->started = true;
	s->wa_heard_us = now_us;
	s->sip_heard_us = now_us;
	session_maybe_flow(s, now_us);
}

void session_play(struct session *s, enum media_side side, enum media_sound sound, uint64_t now_us)
{
	ASSERT(s->magic == SESSION_MAGIC);
	if (s->failed || s->playing[side] == sound)
		return; /* told twice, it does not start over */
	s->playing[side] = sound;
	s->announcing[side] = false;
	bool on = sound != SOUND_NONE;
	const struct sound *what = sounds_get(s->sounds, sound);
	if (side == SIDE_SIP) {
		bridge_to_sip_play(&s->to_sip, on, what, now_us);
		return;
	}
	if (on)
		session_drop_greeting(s);
	opus_line_play(&s->to_wa, on, what, now_us);
	if (!on)
		s->sip_heard_us = now_us; /* nobody asked it to be heard meanwhile */
}

void session_mute(struct session *s, enum media_side side, bool on, uint64_t now_us)
{
	ASSERT(s->magic == SESSION_MAGIC);
	if (s->failed)
		return;
	if (side == SIDE_WA) {
		bridge_to_sip_mute(&s->to_sip, on, now_us);
		return;
	}
	if (on)
		session_drop_greeting(s);
	opus_line_mute(&s->to_wa, on, now_us);
}
