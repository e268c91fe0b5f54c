/* tests/support/media/session_sim.h
 *
 * A whole media session between a simulated WhatsApp user (Opus, its own clock) and a simulated PBX (G.711, G.722 or
 * Opus), over two lossy links, in virtual time. The WhatsApp side is that of fake_webrtc_end: plain RTP.
 */
#ifndef TESTS_SUPPORT_MEDIA_SESSION_SIM_H
#define TESTS_SUPPORT_MEDIA_SESSION_SIM_H

#include "media/codec/opus_codec.h"
#include "media/dsp/dtmf_ear.h"
#include "media/dsp/dtmf_tone.h"
#include "media/rtp/telephone_event.h"
#include "media/session.h"
#include "tests/support/media/sim_link.h"

enum {
	SIM_VOICE_FRAMES = 500,
	SIM_WA_PT = 111,
	SIM_WA_EVENT_PT = 126,
	SIM_SIP_EVENT_PT = 101,
	SIM_G722_PT = 9,
	SIM_OPUS_PT = 96,
	SIM_EVENTS_MAX = 256
};

enum { SIM_HEARD_SAMPLES = 16000, SIM_DIGITS_MAX = 128 };

struct sim_conf {
	struct sim_link_conf wa_link, sip_link; /* toward the session */
	double wa_skew_ppm, sip_skew_ppm;       /* of the peers' clocks: > 0 runs fast */
	unsigned sip_ptime_ms;                  /* 0: 20; what the PBX sends */
	unsigned session_ptime_ms;              /* 0: 20; what it wants */
	bool wa_sends_fec;
	bool g722, opus;         /* what the PBX and the session speak; else PCMU */
	uint32_t event_clock_hz; /* of its telephone-event; 0: 8000 */
	uint8_t complexity;
	const uint8_t *complexity_now; /* a governor's; NULL: it stays */
	uint32_t opus_bitrate, wa_max_bitrate;
	uint8_t opus_loss_percent;
	struct media_sip_srtp srtp;  /* as the session has it; suite NONE: plain RTP */
	const struct sounds *sounds; /* NULL: all are silence */
};

/* What arrived at a peer, checked packet by packet. */
struct sim_received {
	uint64_t audio, events, rtcp, rtcp_muxed, undecipherable;
	uint32_t ssrc, last_ts, first_ts;
	uint16_t last_seq;
	uint8_t last_pt;
	uint64_t last_us, first_us;
	uint64_t other_ssrc, seq_steps_not_one, ts_not_forward, ts_odd_steps,
		ts_gaps; /* odd: not a multiple of the frame */
	uint64_t longest_pause_us;
	uint64_t loud;             /* frames with sound */
	uint64_t bytes, redundant; /* of Opus: payload; packets that repeat the frame before */
	/* of all packets, events included */
	uint64_t last_any_us, longest_gap_us;
	const int16_t *heard; /* the last two seconds, oldest first */
	size_t heard_samples;
	int16_t heard_room[2 * SIM_HEARD_SAMPLES];
	struct tev_rx event_rx;
	char digits[SIM_DIGITS_MAX]; /* text */
	unsigned digit_ms[SIM_DIGITS_MAX];
	uint64_t digit_begun_us[SIM_DIGITS_MAX], digit_ended_us[SIM_DIGITS_MAX];
	size_t digit_count;
	/* keys heard in the sound */
	struct dtmf_ear *ear;
	char tones[SIM_DIGITS_MAX]; /* text */
	unsigned tone_ms[SIM_DIGITS_MAX];
	size_t tone_count;
};

struct sim {
	struct sim_conf conf;
	uint64_t now_us;
	struct pktpool *pool;
	struct session *session;
	struct sim_link to_wa_end, to_sip_end;
	struct sim_received wa, sip;
	/* the WhatsApp user */
	bool wa_talks;
	double wa_next_us;
	uint32_t wa_ts, wa_ssrc;
	uint16_t wa_seq;
	size_t wa_frame;
	struct {
		uint8_t bytes[200];
		size_t length;
	} frames[SIM_VOICE_FRAMES];
	struct opus_dec *wa_dec;
	/* the PBX */
	struct srtp_session *srtp; /* NULL: plain RTP */
	bool sip_talks;
	double sip_next_us;
	uint32_t sip_ts, sip_ssrc;
	uint16_t sip_seq;
	uint8_t sip_pt;
	char sip_key; /* its sound instead of the voice; 0: none */
	struct dtmf_tone sip_tone;
	struct g722_enc *g722_enc;
	struct g722_dec *g722_dec;
	struct opus_enc *sip_opus_enc;
	struct opus_dec *sip_opus_dec;
	uint64_t sip_position;
	struct addr sip_addr, sip_rtcp_addr, wa_addr;
	/* everything the PBX hears, at 8 kHz, as it arrives */
	void (*listen)(void *arg, const int16_t *pcm, size_t samples, uint64_t now_us);
	void *listen_arg;
	bool wa_deaf;   /* what WhatsApp receives is not decoded: half the time of a long simulation */
	bool no_copies; /* hand packets over as they are, not in exact-size heap copies */
	/* what the session told */
	size_t event_count;
	struct session_event events[SIM_EVENTS_MAX];
};

/* Makes everything; the session is not connected yet. Aborts when out of memory. */
void sim_init(struct sim *m, const struct sim_conf *conf);
void sim_set_wa(struct sim *m);
struct media_sip_remote sim_sip_remote(const struct sim *m);
/* WhatsApp up, SIP answered, accepted, both talking. */
void sim_connect(struct sim *m);
/* Everything that happens until then. */
void sim_run_until(struct sim *m, uint64_t until_us);
static inline void sim_run_ms(struct sim *m, uint64_t ms)
{
	sim_run_until(m, m->now_us + ms * 1000);
}
/* The PBX changes its keys, those of the session are keys. Packets on their way keep what they have. */
void sim_sip_keys(struct sim *m, const struct media_sip_srtp *keys);
/* A packet of the PBX or the user outside of their streams, over the link. */
void sim_wa_sends(struct sim *m, uint8_t pt, uint32_t ts, const void *payload, size_t length);
void sim_sip_sends(struct sim *m, uint8_t pt, bool marker, uint32_t ts, const void *payload, size_t length);
size_t sim_count_events(const struct sim *m, enum session_event_kind kind);
const struct session_event *sim_find_event(const struct sim *m, enum session_event_kind kind);
/* What either hears from now on is heard[0] on. */
void sim_forget_heard(struct sim *m);
void sim_done(struct sim *m);

#endif
