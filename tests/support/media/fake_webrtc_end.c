#include "tests/support/media/fake_webrtc_end.h"

#include "media/rtp/rtp.h"

#include <errno.h>
#include <stdlib.h>

struct webrtc_end {
	const struct webrtc_end_io *io;
	void *io_arg;
	struct addr remote;
	uint64_t started_us;
	bool started, nominated, up, failed;
	enum media_failure failure;
};

static enum media_failure next_failure;

void fake_webrtc_end_fails_with(enum media_failure failure)
{
	next_failure = failure;
}

int webrtc_end_new(const struct webrtc_end_conf *conf, struct webrtc_end **ret_end)
{
	struct webrtc_end *e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->io = conf->io;
	e->io_arg = conf->io_arg;
	e->failure = next_failure;
	*ret_end = e;
	return 0;
}

int webrtc_end_start(struct webrtc_end *e, const struct media_wa_remote *remote, uint64_t now_us)
{
	if (!remote->candidate_count)
		return -EINVAL;
	e->remote = remote->candidates[0].addr;
	e->started = true;
	e->started_us = now_us;
	return 0;
}

void webrtc_end_input(struct webrtc_end *e, uint8_t *bytes, size_t length, const struct addr *from, uint64_t now_us)
{
	(void)from;
	if (e->up)
		e->io->media(e->io_arg, bytes, length, rtp_is_rtcp(bytes, length), now_us);
}

void webrtc_end_tick(struct webrtc_end *e, uint64_t now_us)
{
	if (!e->started || e->failed)
		return;
	if (!e->nominated && now_us >= e->started_us + FAKE_WEBRTC_ICE_US) {
		e->nominated = true;
		e->io->event(e->io_arg, WEBRTC_NOMINATED, MEDIA_FAIL_NONE, &e->remote, now_us);
	}
	if (e->up || now_us < e->started_us + FAKE_WEBRTC_UP_US)
		return;
	if (e->failure != MEDIA_FAIL_NONE) {
		e->failed = true;
		e->io->event(e->io_arg, WEBRTC_FAILED, e->failure, NULL, now_us);
		return;
	}
	e->up = true;
	e->io->event(e->io_arg, WEBRTC_DTLS_UP, MEDIA_FAIL_NONE, NULL, now_us);
}

uint64_t webrtc_end_deadline(const struct webrtc_end *e)
{
	if (!e->started || e->up || e->failed)
		return UINT64_MAX;
	return e->started_us + (e->nominated ? FAKE_WEBRTC_UP_US : FAKE_WEBRTC_ICE_US);
}

int webrtc_end_send_rtp(struct webrtc_end *e, uint8_t *bytes, size_t length, size_t cap)
{
	if (!e->up)
		return -ENOTCONN;
	if (cap < length + 32)
		return -ENOBUFS;
	e->io->send(e->io_arg, bytes, length, NULL);
	return 0;
}

int webrtc_end_send_rtcp(struct webrtc_end *e, uint8_t *bytes, size_t length, size_t cap)
{
	return webrtc_end_send_rtp(e, bytes, length, cap);
}

bool webrtc_end_is_up(const struct webrtc_end *e)
{
	return e->up;
}

double webrtc_end_rtt_ms(const struct webrtc_end *e)
{
	(void)e;
	return -1.0;
}

struct webrtc_end *webrtc_end_free(struct webrtc_end *e)
{
	free(e);
	return NULL;
}
