/* media/session_greeting.c
 *
 * Where the SIP side's audio and digits go: into the greeting while there is one, else onto the line to WhatsApp.
 */
#include "media/session_inner.h"

#include "lib/base/assert.h"

static void play(void *arg, const struct rtp_hdr *hdr, enum line_format format, const uint8_t *payload, size_t length,
	uint64_t now_us)
{
	struct session *s = arg;
	opus_line_packet(&s->to_wa, hdr, format, payload, length, now_us);
}

static void play_digit(void *arg, const struct tev_report *report, uint64_t now_us)
{
	struct session *s = arg;
	opus_line_digit(&s->to_wa, report, now_us);
}

static void begin_source(void *arg, uint64_t now_us)
{
	struct session *s = arg;
	(void)now_us;
	opus_line_new_source(&s->to_wa);
}

static bool is_busy(void *arg)
{
	const struct session *s = arg;
	return tev_tx_active(&s->to_wa.events);
}

static const struct greeting_io greeting_io = {play, play_digit, begin_source, is_busy};

static void end(struct session *s)
{
	if (!s->greeting)
		return;
	s->greeting_stats = greeting_stats(s->greeting);
	s->greeting = greeting_free(s->greeting);
}

static void end_when_over(struct session *s)
{
	if (!s->greeting || !greeting_is_over(s->greeting))
		return;
	s->shift = greeting_shift(s->greeting);
	end(s);
}

void session_keep_greeting(struct session *s, uint64_t now_us)
{
	(void)now_us;
	ASSERT(s->magic == SESSION_MAGIC);
	if (s->greeting || s->flowing || s->failed || !s->sip_set)
		return;
	const struct line_source source = session_source_of(&s->sip_remote);
	/* out of memory: a call without it is still a call */
	if (greeting_new(&source, &greeting_io, s, &s->greeting) < 0)
		s->greeting = NULL;
	s->greeted = s->greeting != NULL;
}

void session_drop_greeting(struct session *s)
{
	if (!s->greeting)
		return;
	end(s);
	s->shift = (struct greeting_shift){0};
	opus_line_new_source(&s->to_wa);
}

void session_greeting_source(struct session *s, const struct line_source *source)
{
	if (s->greeting && greeting_set_source(s->greeting, source) < 0)
		session_drop_greeting(s);
}

void session_play_greeting(struct session *s, uint64_t now_us)
{
	if (!s->greeting)
		return;
	greeting_start(s->greeting, now_us);
	end_when_over(s);
}

void session_tick_greeting(struct session *s, uint64_t now_us)
{
	if (!s->greeting)
		return;
	greeting_tick(s->greeting, now_us);
	end_when_over(s);
}

uint64_t session_greeting_deadline(const struct session *s)
{
	return s->greeting ? greeting_deadline(s->greeting) : UINT64_MAX;
}

/* ---- what comes from the SIP side ---- */

void session_sip_audio(
	struct session *s, const struct rtp_hdr *h, enum line_format format, const uint8_t *payload, uint64_t now_us)
{
	struct rtp_hdr moved = *h;

	if (s->greeting) {
		greeting_audio(s->greeting, h, format, payload, h->payload_length);
		return;
	}
	moved.seq = (uint16_t)(h->seq - s->shift.seq);
	moved.ts = h->ts - s->shift.ts;
	opus_line_packet(&s->to_wa, &moved, format, payload, h->payload_length, now_us);
}

void session_sip_other(struct session *s, const struct rtp_hdr *h, uint64_t now_us)
{
	struct rtp_hdr moved = *h;

	if (s->greeting)
		return; /* it renumbers what it keeps */
	moved.seq = (uint16_t)(h->seq - s->shift.seq);
	opus_line_other_packet(&s->to_wa, &moved, now_us);
}

void session_sip_digit(struct session *s, const struct tev_report *report, uint64_t now_us)
{
	if (s->greeting)
		greeting_digit(s->greeting, report);
	else
		opus_line_digit(&s->to_wa, report, now_us);
}

void session_sip_new_source(struct session *s)
{
	s->shift = (struct greeting_shift){0};
	if (s->greeting)
		greeting_new_source(s->greeting);
	else
		opus_line_new_source(&s->to_wa);
}
