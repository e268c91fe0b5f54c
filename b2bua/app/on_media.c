/* b2bua/app/on_media.c -- reports of the media engine -> call events */
#include "b2bua/app/listeners.h"

static int64_t ms_since_webhook(const struct app_call *ac, uint64_t at_us)
{
	return at_us > ac->webhook_us ? (int64_t)(at_us - ac->webhook_us) / 1000 : 0;
}

static const char *end_name(enum media_end end)
{
	return end == END_WA ? "wa" : "sip";
}

static void log_plain(const char *event, const struct app_call *ac, const struct media_event *me)
{
	log_info(event, "call=%s leg=%s t_us=%llu", ac->id, end_name(me->end), (unsigned long long)me->at_us);
}

static void on_failed(struct app_call *ac, const struct media_event *me)
{
	struct call_event ev = {.kind = CALL_EV_MEDIA_FAILED,
		.u.media_failure = {me->failure != MEDIA_FAIL_SIP_SILENT, media_failure_name(me->failure)}};

	log_warn("media_failed", "call=%s reason=%s t_us=%llu", ac->id, media_failure_name(me->failure),
		(unsigned long long)me->at_us);
	app_step(ac, &ev);
}

static void on_closed(struct app_call *ac, const struct media_event *me)
{
	struct call_event ev = {.kind = CALL_EV_MEDIA_CLOSED};

	ac->stats = me->stats;
	ac->has_stats = true;
	(void)registry_set_media(ac, 0);
	if (!listeners_media_closed(ac))
		app_step(ac, &ev);
}

void on_media_event(const struct media_event *me, void *arg)
{
	struct app *app = arg;
	struct app_call *ac = registry_by_media(app, me->session);
	struct call_event up = {.kind = CALL_EV_MEDIA_UP};

	if (!ac)
		return;
	switch (me->kind) {
	case MEDIA_ICE_UP:
		ac->ice_ms = ms_since_webhook(ac, me->at_us);
		log_plain("ice_up", ac, me);
		break;
	case MEDIA_DTLS_UP:
		ac->dtls_ms = ms_since_webhook(ac, me->at_us);
		log_plain("dtls_up", ac, me);
		app_step(ac, &up);
		break;
	case MEDIA_FIRST_AUDIO:
		ac->first_audio_ms[me->end] = ms_since_webhook(ac, me->at_us);
		log_plain("first_audio", ac, me);
		break;
	case MEDIA_FIRST_SENT: log_plain("first_sent", ac, me); break;
	case MEDIA_DTMF:
		/* Which key was pressed may be part of a secret (a PIN): only that one was. */
		log_info("dtmf", "call=%s leg=%s ms=%u by=%s", ac->id, end_name(me->end), me->duration_ms,
			media_digit_way_name(me->way));
		emit_dtmf(ac, me->end, me->digit, me->duration_ms);
		if (me->end == END_WA)
			info_digit(ac, me->digit, me->duration_ms);
		break;
	case MEDIA_FAILED: on_failed(ac, me); break;
	case MEDIA_STATS: break;
	case MEDIA_CLOSED: on_closed(ac, me); break;
	}
}
