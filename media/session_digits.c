/* media/session_digits.c
 *
 * Keys: whoever pressed them and however it was told, each goes to the other side once.
 *
 *   WhatsApp: telephone-event ---------------------> telephone-event | tone (bridge_to_sip)
 *   SIP:      telephone-event, tone, INFO --> gate --> telephone-event (opus_line)
 *   ours:     queue -------------------------------> either
 */
#include "media/session_inner.h"

#include "lib/base/assert.h"
#include "media/sip_ear.h"

static void pass(struct session *s, enum media_end from, enum media_digit_way way, const struct tev_report *report,
	uint64_t now_us)
{
	if (from == END_WA)
		bridge_to_sip_digit(&s->to_sip, report, now_us);
	else if (way == DIGIT_BY_TONE)
		opus_line_digit(&s->to_wa, report, now_us); /* found on its way there, after the greeting */
	else
		session_sip_digit(s, report, now_us);
	if (report->kind != TEV_END)
		return;
	s->dtmf_digits++;
	session_tell(s,
		(struct session_event){.kind = SESSION_DTMF,
			.end = from,
			.digit = report->digit,
			.way = way,
			.duration_ms = report->duration_ms},
		now_us);
}

void session_pass_digits(struct session *s, enum media_end from, enum media_digit_way way,
	const struct tev_report *reports, size_t count, uint64_t now_us)
{
	for (size_t i = 0; i < count; i++)
		if (from == END_WA || digit_gate_passes(&s->gate, way, &reports[i], now_us))
			pass(s, from, way, &reports[i], now_us);
}

/* ---- in: WhatsApp ---- */

void session_end_wa_digit(struct session *s, uint64_t now_us)
{
	struct tev_report report[1];
	session_pass_digits(s, END_WA, DIGIT_BY_EVENT, report, tev_rx_reset(&s->wa_events, report), now_us);
}

/* ---- in: SIP ---- */

void session_end_sip_digit(struct session *s, uint64_t now_us)
{
	struct tev_report report[1];
	session_pass_digits(s, END_SIP, DIGIT_BY_EVENT, report, tev_rx_reset(&s->sip_events, report), now_us);
	if (s->ear)
		session_pass_digits(s, END_SIP, DIGIT_BY_TONE, report, sip_ear_reset(s->ear, report), now_us);
}

void session_info_digit(struct session *s, char digit, unsigned duration_ms, uint64_t now_us)
{
	ASSERT(s->magic == SESSION_MAGIC);
	const struct tev_report report = {TEV_END, digit, duration_ms};
	if (!s->failed && tev_event(digit) >= 0)
		session_pass_digits(s, END_SIP, DIGIT_BY_INFO, &report, 1, now_us);
}

/* Until it is known to be a key, what sounds like one is kept back: it would be heard beside the event. */
static bool hear(void *arg, const struct reorder_packet *p, unsigned samples, uint64_t now_us)
{
	struct session *s = arg;
	struct tev_report reports[SIP_EAR_REPORTS_MAX];
	if (s->gate.told_better && sip_ear_deadline(s->ear) == UINT64_MAX)
		return true;
	session_pass_digits(
		s, END_SIP, DIGIT_BY_TONE, reports, sip_ear_packet(s->ear, p, samples, now_us, reports), now_us);
	return !sip_ear_suspects(s->ear);
}

int session_set_ear(struct session *s, bool tones, const struct line_source *source, uint64_t now_us)
{
	struct tev_report report[1];
	if (!tones) {
		if (s->ear)
			session_pass_digits(s, END_SIP, DIGIT_BY_TONE, report, sip_ear_reset(s->ear, report), now_us);
		s->to_wa.hear = NULL;
		s->ear = sip_ear_free(s->ear);
		return 0;
	}
	int r = s->ear ? 0 : sip_ear_new(&s->ear);
	if (r == 0)
		r = sip_ear_learn(s->ear, source);
	if (r == 0) {
		s->to_wa.hear = hear;
		s->to_wa.hear_arg = s;
	}
	return r;
}

/* ---- ours ---- */

static void dial_sip(struct session *s, uint64_t now_us)
{
	struct dtmf_queue *q = &s->dial[SIDE_SIP];
	if (!bridge_to_sip_can_dial(&s->to_sip))
		dtmf_queue_drop(q);
	char digit = dtmf_queue_step(q, bridge_to_sip_dials(&s->to_sip), now_us);
	if (!digit)
		return;
	bridge_to_sip_dial(&s->to_sip, digit, DTMF_DIGIT_MS, now_us);
	bridge_to_sip_tick(&s->to_sip, now_us);
}

static void dial_wa(struct session *s, uint64_t now_us)
{
	struct dtmf_queue *q = &s->dial[SIDE_WA];
	if (!opus_line_can_dial(&s->to_wa))
		dtmf_queue_drop(q);
	char digit = dtmf_queue_step(q, tev_tx_active(&s->to_wa.events), now_us);
	if (!digit)
		return;
	opus_line_dial(&s->to_wa, digit, DTMF_DIGIT_MS, now_us);
	opus_line_tick(&s->to_wa, now_us); /* its first packet may be due at once */
}

static void dial(struct session *s, uint64_t now_us)
{
	dial_wa(s, now_us);
	dial_sip(s, now_us);
}

void session_send_dtmf(struct session *s, enum media_side side, const char *digits, uint64_t now_us)
{
	ASSERT(s->magic == SESSION_MAGIC);
	if (s->failed)
		return;
	dtmf_queue_add(&s->dial[side], digits);
	dial(s, now_us);
}

/* ---- time ---- */

static uint64_t min_us(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t session_digits_deadline(const struct session *s)
{
	uint64_t at = min_us(tev_rx_deadline(&s->wa_events), tev_rx_deadline(&s->sip_events));
	at = min_us(at, sip_ear_deadline(s->ear));
	at = min_us(at, dtmf_queue_deadline(&s->dial[SIDE_WA]));
	return min_us(at, dtmf_queue_deadline(&s->dial[SIDE_SIP]));
}

void session_digits_tick(struct session *s, uint64_t now_us)
{
	struct tev_report report[1];
	session_pass_digits(s, END_WA, DIGIT_BY_EVENT, report, tev_rx_tick(&s->wa_events, now_us, report), now_us);
	session_pass_digits(s, END_SIP, DIGIT_BY_EVENT, report, tev_rx_tick(&s->sip_events, now_us, report), now_us);
	session_pass_digits(s, END_SIP, DIGIT_BY_TONE, report, sip_ear_tick(s->ear, now_us, report), now_us);
}

void session_dial_tick(struct session *s, uint64_t now_us)
{
	dial(s, now_us);
}

void session_digits_done(struct session *s)
{
	s->ear = sip_ear_free(s->ear);
}
