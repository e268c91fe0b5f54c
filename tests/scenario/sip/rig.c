#include "tests/scenario/sip/rig.h"

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/loop/loop.h"
#include "tests/scenario/sip/ports.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

const char rig_offer[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
			 "m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n";
const char rig_answer[] = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
			  "m=audio 40000 RTP/AVP 0\r\na=recvonly\r\n";

int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static bool allowed(const struct addr *source, void *arg)
{
	struct rig *r = arg;

	(void)source;
	return !r->allow_nobody;
}

static void react(struct rig *r, const struct sip_event *ev)
{
	for (const struct reaction *re = r->reactions; re && re->act; re++) {
		if (re->on != ev->kind || (re->code && re->code != ev->code))
			continue;
		if (re->act == ACT_BYE)
			sip_leg_bye(r->stack, ev->leg, 0, 16, "Normal \"clearing\"");
		else if (re->act == ACT_CANCEL)
			sip_leg_cancel(r->stack, ev->leg, 480, 19, "No answer");
		else if (re->act == ACT_200)
			sip_leg_respond(r->stack, ev->leg, 200, rig_answer);
		else if (re->act == ACT_488)
			sip_leg_respond(r->stack, ev->leg, 488, NULL);
		else if (re->act == ACT_RING)
			sip_leg_ring(r->stack, ev->leg, 180, NULL);
		else if (re->act == ACT_ACCEPT)
			sip_leg_accept(r->stack, ev->leg, rig_answer);
		else if (re->act == ACT_REJECT)
			sip_leg_reject(r->stack, ev->leg, 403, "Not\r\nyou", 21,
				(const struct sip_header[]){{"X-WA-Error", "138006"}, {"Retry-After", "7"}}, 2);
		else if (re->act == ACT_REFER_202)
			sip_leg_refer_respond(r->stack, ev->leg, 202);
		else if (re->act == ACT_REFER_603)
			sip_leg_refer_respond(r->stack, ev->leg, 603);
		else
			r->respond_due = true;
		return;
	}
}

static void remember_incoming(struct rig *r, const struct sip_event *ev)
{
	const struct sip_incoming *in = ev->in;
	struct strbuf sb;

	assert_true(addr_is_set(&in->source));
	r->in_leg = ev->leg;
	r->replaces_leg = in->replaces_leg;
	strbuf_init(&sb, r->in_text, sizeof(r->in_text));
	strbuf_printf(&sb, "user=%s host=%s to=%s from=%s display=%s fromhost=%s pai=%s auth=%s", in->request_user,
		in->request_host, in->to_user, in->from_user, in->from_display, in->from_host, in->pai_user,
		in->auth_user ? in->auth_user : "-");
	for (size_t i = 0; i < in->header_count; i++)
		strbuf_printf(&sb, " %s=%s", in->headers[i].name, in->headers[i].value);
}

static void remember(struct rig *r, const struct sip_event *ev)
{
	assert_int_equal(ev->kind == SIP_EV_INVITE, ev->in != NULL);
	if (ev->in)
		remember_incoming(r, ev);
	if (ev->kind == SIP_EV_REFER) {
		str_copy(r->refer_to, sizeof(r->refer_to), ev->refer_to);
		str_copy(r->refer_replaces, sizeof(r->refer_replaces), ev->refer_replaces);
		str_copy(r->referred_by, sizeof(r->referred_by), ev->referred_by);
	}
	if (ev->kind == SIP_EV_REFUSED) {
		assert_non_null(ev->contact);
		str_copy(r->contact, sizeof(r->contact), ev->contact);
		r->retry_after_s = ev->retry_after_s;
	}
	if (ev->kind == SIP_EV_INFO_DTMF && strlen(r->digits) + 1 < sizeof(r->digits)) {
		r->digits[strlen(r->digits)] = ev->digit;
		r->duration_ms = ev->duration_ms;
	}
}

static void on_event(const struct sip_event *ev, void *arg)
{
	static const char *const names[] = {"progress", "answered", "refused", "bye", "lost", "offer", "ack", "invite",
		"cancelled", "refer", "dtmf", "refreshed"};
	struct rig *r = arg;
	size_t n = strlen(r->said);
	struct strbuf sb;

	assert_true(ev->leg_arg == r || ev->leg_arg == NULL);
	assert_int_not_equal(ev->leg, 0);
	assert_non_null(ev->sip_call_id);
	remember(r, ev);
	strbuf_init(&sb, r->said + n, sizeof(r->said) - n);
	strbuf_printf(
		&sb, "%s%s", n ? " " : "", ev->kind == SIP_EV_OFFER && ev->is_update ? "update" : names[ev->kind]);
	if (ev->kind <= SIP_EV_REFUSED)
		strbuf_printf(&sb, "/%d", ev->code);
	if (ev->q850)
		strbuf_printf(&sb, "/q%d", ev->q850);
	if (ev->local)
		strbuf_put(&sb, "/local");
	if (ev->sdp) {
		strbuf_put(&sb, "+sdp");
		str_copy_n(r->sdp, sizeof(r->sdp), ev->sdp, ev->sdp_length);
	}
	r->events++;
	r->said_us = clock_mono_us();
	react(r, ev);
}

void rig_open(struct rig *r, const char *public_address)
{
	struct sip_stack_conf conf = {
		.listen_count = 2,
		.domain = "trunk.example",
		.public_address = public_address,
		.source_allowed = allowed,
		.drop_strangers = r->drop_strangers,
		.on_event = on_event,
		.arg = r,
		.t1x64_ms = RIG_T1X64_MS,
		.min_se_s = 2,
		.users = r->users,
		.user_count = r->user_count,
		.incoming_max = r->incoming_max,
	};

	assert_int_equal(loop_new(&r->loop), 0);
	r->port = free_port();
	conf.listen[0].transport = SIP_UDP;
	conf.listen[1].transport = SIP_TCP;
	for (int i = 0; i < 2; i++)
		assert_int_equal(addr_set(&conf.listen[i].addr, "127.0.0.1", r->port), 0);
	assert_int_equal(sip_stack_new(r->loop, &conf, &r->stack), 0);
	loop_step(r->loop, 1);
	r->fds = count_fds();
}

void rig_close(struct rig *r)
{
	r->stack = sip_stack_free(r->stack);
	r->loop = loop_free(r->loop);
}

int rig_invite(struct rig *r, uint16_t peer_port, const char *transport)
{
	char uri[128];
	const struct sip_header headers[] = {{"X-WA-Call", "c-7f3a\r\nX-Evil: 1"}, {"X-WA-Name", "J\xc3\xb6rg"}};
	const struct sip_invite invite = {
		.target_uri = uri,
		.from_user = "+447700900123",
		.from_display = "Ann \"A\" \\ Smith\r\nX-Evil: 2",
		.pai_uri = "sip:+447700900123@trunk.example",
		.headers = headers,
		.header_count = 2,
		.sdp = rig_offer,
		.leg_arg = r,
	};

	(void)snprintf(uri, sizeof(uri), "sip:600@127.0.0.1:%u;transport=%s", peer_port, transport);
	return sip_leg_invite(r->stack, &invite, &r->leg);
}

bool rig_until(struct rig *r, bool (*done)(void *arg), void *arg, unsigned ms)
{
	uint64_t until_us = clock_mono_us() + ms * 1000ull;

	while (!done(arg)) {
		if (clock_mono_us() >= until_us)
			return false;
		loop_step(r->loop, 1);
	}
	return true;
}

struct said {
	struct rig *r;
	const char *what;
};

static bool has_said(void *arg)
{
	struct said *s = arg;
	const char *at = strstr(s->r->said, s->what);

	return at != NULL;
}

bool rig_until_said(struct rig *r, const char *what, unsigned ms)
{
	return rig_until(r, has_said, &(struct said){r, what}, ms + RIG_GRACE_MS);
}

static bool is_idle(void *arg)
{
	struct rig *r = arg;

	return sip_leg_count(r->stack) == 0 && sip_lingering_count(r->stack) == 0;
}

bool rig_until_idle(struct rig *r, unsigned ms)
{
	return rig_until(r, is_idle, r, ms + RIG_GRACE_MS);
}

void rig_run(struct rig *r, unsigned ms)
{
	loop_step(r->loop, ms);
}
