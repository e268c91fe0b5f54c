/* media/engine.c
 *
 * The control thread's face of the workers: binds ports, names sessions, sends commands, hands reports on. Nothing here
 * touches a session.
 */
#include "media/engine.h"

#include "lib/base/assert.h"
#include "lib/base/crypto.h"
#include "lib/base/id.h"
#include "lib/base/mailbox.h"
#include "lib/loop/loop.h"
#include "media/placement.h"
#include "media/port_pool.h"
#include "media/rtp/telephone_event.h"
#include "media/sounds.h"
#include "media/webrtc/dtls_ctx.h"
#include "media/worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DEFAULT_MAX_SESSIONS = 2000,
	BIND_TRIES = 64,       /* ports another program may hold, before we say that there are none */
	DSCP_EF_TOS = 46 << 2, /* RFC 4594 s4.1: telephony */
};

/* What the control thread keeps of an open session. */
struct open_session {
	unsigned worker;
	uint16_t wa_port, sip_port;
	bool closing;
};

struct engine_worker {
	struct media_engine *engine;
	struct worker *worker;
	struct slotmap *sessions; /* id -> struct open_session */
	struct loop_watch *watch;
};

struct media_engine {
	struct loop *loop;
	struct media_engine_conf conf;
	struct dtls_ctx *dtls;
	struct sounds *sounds;
	struct port_pool *wa_ports, *sip_ports;
	size_t session_count;
	unsigned worker_count;
	struct engine_worker workers[MEDIA_WORKERS_MAX];
};

/* ---- sockets ---- */

static int bind_udp(const struct addr *host, uint16_t port, int *ret_fd)
{
	struct addr a = *host;
	const int tos = DSCP_EF_TOS;
	int fd = socket(a.u.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	addr_set_port(&a, port);
	if (bind(fd, &a.u.sa, addr_len(&a))) {
		int r = -errno;
		close(fd);
		return r;
	}
	/* A mark, not a need: networks that do not honour it lose nothing. */
	if (addr_is_v6(&a))
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	*ret_fd = fd;
	return 0;
}

/* One port, or with second_fd a pair. Ports that another program holds are put back and passed over. */
static int bind_from_pool(
	struct media_engine *e, struct port_pool *pool, uint16_t *ret_port, int *ret_fd, int *ret_second_fd)
{
	uint64_t now_us = loop_now_us(e->loop);

	for (int tries = 0; tries < BIND_TRIES; tries++) {
		uint16_t port;
		int r = port_pool_take(pool, now_us, &port);
		if (r)
			return r;
		r = bind_udp(&e->conf.bind, port, ret_fd);
		if (r == 0 && ret_second_fd) {
			r = bind_udp(&e->conf.bind, (uint16_t)(port + 1), ret_second_fd);
			if (r)
				close(*ret_fd);
		}
		if (r == 0) {
			*ret_port = port;
			return 0;
		}
		port_pool_give_back(pool, port, false, now_us);
		if (r != -EADDRINUSE)
			return r;
	}
	return -EADDRNOTAVAIL;
}

static int bind_all(struct media_engine *e, struct open_session *os, struct media_command *cmd)
{
	int r = bind_from_pool(e, e->wa_ports, &os->wa_port, &cmd->u.open.wa_fd, NULL);

	if (r)
		return r;
	r = bind_from_pool(e, e->sip_ports, &os->sip_port, &cmd->u.open.rtp_fd, &cmd->u.open.rtcp_fd);
	if (r) {
		close(cmd->u.open.wa_fd);
		port_pool_give_back(e->wa_ports, os->wa_port, false, loop_now_us(e->loop));
	}
	return r;
}

/* ---- reports from the workers ---- */

static void forget_session(struct engine_worker *ew, uint64_t id)
{
	struct media_engine *e = ew->engine;
	struct open_session *os = slotmap_remove(ew->sessions, id);
	uint64_t now_us = loop_now_us(e->loop);

	if (!os)
		return;
	port_pool_give_back(e->wa_ports, os->wa_port, true, now_us);
	port_pool_give_back(e->sip_ports, os->sip_port, true, now_us);
	free(os);
	e->session_count--;
}

static void on_worker_events(void *arg, int ready)
{
	struct engine_worker *ew = arg;
	struct mailbox *mb = worker_events(ew->worker);
	struct media_event ev;

	(void)ready;
	mailbox_clear(mb);
	while (mailbox_get(mb, &ev)) {
		if (ev.kind == MEDIA_CLOSED)
			forget_session(ew, ev.session);
		ew->engine->conf.on_event(&ev, ew->engine->conf.arg);
	}
}

/* ---- open, steer, close ---- */

static unsigned weight_of(const struct engine_worker *ew)
{
	struct media_worker_load load;

	worker_load(ew->worker, &load);
	return placement_weight((unsigned)slotmap_count(ew->sessions), load.load_permille);
}

static struct engine_worker *least_loaded(struct media_engine *e)
{
	struct engine_worker *best = &e->workers[0];
	unsigned least = weight_of(best);

	for (unsigned i = 1; i < e->worker_count; i++) {
		unsigned weight = weight_of(&e->workers[i]);
		if (weight >= least)
			continue;
		best = &e->workers[i];
		least = weight;
	}
	return best;
}

static void describe_local(struct media_engine *e, const struct open_session *os, struct media_local *local)
{
	memset(local, 0, sizeof(*local));
	local->wa.addr = e->conf.public_addr;
	addr_set_port(&local->wa.addr, os->wa_port);
	local->sip_rtp = addr_is_set(&e->conf.sip_public_addr) ? e->conf.sip_public_addr : e->conf.public_addr;
	addr_set_port(&local->sip_rtp, os->sip_port);
	crypto_random_text(local->wa.ufrag, sizeof(local->wa.ufrag) - 1);
	crypto_random_text(local->wa.pwd, sizeof(local->wa.pwd) - 1);
	dtls_ctx_fingerprint(e->dtls, local->wa.fingerprint);
	do
		local->wa.ssrc = crypto_random_u32();
	while (local->wa.ssrc == 0);
	crypto_random(local->sip_keys, sizeof(local->sip_keys));
	snprintf(local->wa.cname, sizeof(local->wa.cname), "%08x", (unsigned)crypto_random_u32());
}

static void close_command_fds(const struct media_command *cmd)
{
	close(cmd->u.open.wa_fd);
	close(cmd->u.open.rtp_fd);
	close(cmd->u.open.rtcp_fd);
}

int media_open(struct media_engine *e, uint64_t *ret_session, struct media_local *ret_local)
{
	struct engine_worker *ew = least_loaded(e);
	struct media_command cmd = {.kind = MEDIA_CMD_OPEN};
	struct open_session *os;
	int r;

	if (e->session_count >= e->conf.max_sessions)
		return -ENOSPC;
	os = calloc(1, sizeof(*os));
	if (!os)
		return -ENOMEM;
	os->worker = (unsigned)(ew - e->workers);
	r = bind_all(e, os, &cmd);
	if (r) {
		free(os);
		return r;
	}
	cmd.session = slotmap_add(ew->sessions, os);
	if (!cmd.session) {
		r = -ENOSPC;
		goto fail;
	}
	describe_local(e, os, ret_local);
	cmd.u.open.wa = ret_local->wa;
	r = worker_command(ew->worker, &cmd, slotmap_count(ew->sessions));
	if (r) {
		slotmap_remove(ew->sessions, cmd.session);
		goto fail;
	}
	e->session_count++;
	*ret_session = cmd.session;
	return 0;
fail:
	close_command_fds(&cmd);
	port_pool_give_back(e->wa_ports, os->wa_port, false, loop_now_us(e->loop));
	port_pool_give_back(e->sip_ports, os->sip_port, false, loop_now_us(e->loop));
	free(os);
	return r;
}

/* The worker of an open session, or NULL. */
static struct engine_worker *worker_of(struct media_engine *e, uint64_t session, struct open_session **ret_os)
{
	struct engine_worker *ew = &e->workers[id_owner(session) % MEDIA_WORKERS_MAX];
	struct open_session *os = ew->sessions ? slotmap_get(ew->sessions, session) : NULL;

	if (!os || os->closing)
		return NULL;
	*ret_os = os;
	return ew;
}

static int command(struct media_engine *e, struct media_command *cmd)
{
	struct open_session *os;
	struct engine_worker *ew = worker_of(e, cmd->session, &os);

	return ew ? worker_command(ew->worker, cmd, slotmap_count(ew->sessions)) : 0;
}

int media_set_wa(struct media_engine *e, uint64_t session, const struct media_wa_remote *remote)
{
	struct media_command cmd = {.kind = MEDIA_CMD_SET_WA, .session = session};
	struct open_session *os;
	struct engine_worker *ew = worker_of(e, session, &os);
	int r;

	if (!ew)
		return 0;
	cmd.u.wa = malloc(sizeof(*cmd.u.wa));
	if (!cmd.u.wa)
		return -ENOMEM;
	*cmd.u.wa = *remote;
	r = worker_command(ew->worker, &cmd, slotmap_count(ew->sessions));
	if (r)
		free(cmd.u.wa);
	return r;
}

int media_set_sip(struct media_engine *e, uint64_t session, const struct media_sip_remote *remote)
{
	struct media_command cmd = {.kind = MEDIA_CMD_SET_SIP, .session = session, .u.sip = *remote};
	int r = command(e, &cmd);

	crypto_wipe(&cmd.u.sip.srtp, sizeof(cmd.u.sip.srtp));
	return r;
}

int media_keep_greeting(struct media_engine *e, uint64_t session)
{
	struct media_command cmd = {.kind = MEDIA_CMD_KEEP_GREETING, .session = session};
	return command(e, &cmd);
}

int media_start_wa(struct media_engine *e, uint64_t session)
{
	struct media_command cmd = {.kind = MEDIA_CMD_START_WA, .session = session};
	return command(e, &cmd);
}

int media_play(struct media_engine *e, uint64_t session, enum media_side side, enum media_sound sound)
{
	struct media_command cmd = {.kind = MEDIA_CMD_PLAY, .session = session, .u.play = {side, sound}};
	return command(e, &cmd);
}

int media_mute(struct media_engine *e, uint64_t session, enum media_side side, bool on)
{
	struct media_command cmd = {.kind = MEDIA_CMD_MUTE, .session = session, .u.mute = {side, on}};
	return command(e, &cmd);
}

int media_send_dtmf(struct media_engine *e, uint64_t session, enum media_side side, const char *digits)
{
	struct media_command cmd = {.kind = MEDIA_CMD_SEND_DTMF, .session = session, .u.dtmf.side = side};
	size_t n = 0;

	for (; *digits && n < MEDIA_DTMF_MAX; digits++)
		if (tev_event(*digits) >= 0)
			cmd.u.dtmf.digits[n++] = *digits;
	return n ? command(e, &cmd) : 0;
}

int media_sip_digit(struct media_engine *e, uint64_t session, char digit, unsigned duration_ms)
{
	struct media_command cmd = {.kind = MEDIA_CMD_SIP_DIGIT,
		.session = session,
		.u.digit = {.digit = digit, .duration_ms = duration_ms}};
	return command(e, &cmd);
}

int media_record(
	struct media_engine *e, uint64_t session, struct record_ring *ring, bool announce_wa, bool announce_sip)
{
	struct media_command cmd = {
		.kind = MEDIA_CMD_RECORD, .session = session, .u.record = {ring, announce_wa, announce_sip}};
	struct open_session *os;

	return worker_of(e, session, &os) ? command(e, &cmd) : -ENOENT;
}

int media_record_pause(struct media_engine *e, uint64_t session, bool paused)
{
	struct media_command cmd = {.kind = MEDIA_CMD_RECORD_PAUSE, .session = session, .u.on = paused};
	return command(e, &cmd);
}

int media_record_stop(struct media_engine *e, uint64_t session)
{
	struct media_command cmd = {.kind = MEDIA_CMD_RECORD_STOP, .session = session};
	return command(e, &cmd);
}

int media_copy(struct media_engine *e, uint64_t session, const struct rtp_copy_conf *conf)
{
	struct media_command cmd = {.kind = MEDIA_CMD_COPY, .session = session, .u.copy = *conf};
	return command(e, &cmd);
}

int media_copy_stop(struct media_engine *e, uint64_t session)
{
	struct media_command cmd = {.kind = MEDIA_CMD_COPY_STOP, .session = session};
	return command(e, &cmd);
}

int media_ask_stats(struct media_engine *e, uint64_t session)
{
	struct media_command cmd = {.kind = MEDIA_CMD_ASK_STATS, .session = session};
	return command(e, &cmd);
}

void media_close(struct media_engine *e, uint64_t session)
{
	struct media_command cmd = {.kind = MEDIA_CMD_CLOSE, .session = session};
	struct open_session *os;
	struct engine_worker *ew = worker_of(e, session, &os);

	if (!ew)
		return;
	os->closing = true;
	ASSERT(worker_command(ew->worker, &cmd, 0) == 0); /* room for it was kept: worker_command() */
}

size_t media_session_count(const struct media_engine *e)
{
	return e->session_count;
}

size_t media_ports_in_use(const struct media_engine *e)
{
	return port_pool_in_use(e->wa_ports) + port_pool_in_use(e->sip_ports);
}

/* ---- life ---- */

static int start_worker(struct media_engine *e, unsigned index)
{
	struct engine_worker *ew = &e->workers[index];
	int r;

	ew->engine = e;
	r = slotmap_new((uint8_t)index, e->conf.max_sessions, &ew->sessions);
	if (r == 0)
		r = worker_new(index, &e->conf, e->dtls, e->sounds, e->conf.max_sessions, &ew->worker);
	if (r == 0)
		r = loop_watch(
			e->loop, mailbox_fd(worker_events(ew->worker)), LOOP_READ, on_worker_events, ew, &ew->watch);
	return r;
}

static int start_all(struct media_engine *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned wanted = e->conf.workers ? e->conf.workers : cores > 0 ? (unsigned)cores : 1;
	int r = dtls_ctx_new(&e->dtls);

	if (r == 0)
		r = sounds_new(e->conf.tone_country, e->conf.music_path, &e->sounds);
	if (r == 0 && e->conf.announcement_path && *e->conf.announcement_path)
		r = sounds_read_announcement(e->sounds, e->conf.announcement_path);
	if (r == 0)
		r = port_pool_new(e->conf.wa_port_min, e->conf.wa_port_max, false, &e->wa_ports);
	if (r == 0)
		r = port_pool_new(e->conf.sip_port_min, e->conf.sip_port_max, true, &e->sip_ports);
	if (r == 0) {
		port_pool_begin_at(e->wa_ports, crypto_random_u32());
		port_pool_begin_at(e->sip_ports, crypto_random_u32());
	}
	if (wanted > MEDIA_WORKERS_MAX)
		wanted = MEDIA_WORKERS_MAX;
	for (; r == 0 && e->worker_count < wanted; e->worker_count++)
		r = start_worker(e, e->worker_count);
	return r;
}

int media_engine_new(struct loop *l, const struct media_engine_conf *conf, struct media_engine **ret_engine)
{
	struct media_engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->loop = l;
	e->conf = *conf;
	if (e->conf.max_sessions == 0)
		e->conf.max_sessions = DEFAULT_MAX_SESSIONS;
	r = start_all(e);
	if (r) {
		media_engine_free(e);
		return r;
	}
	*ret_engine = e;
	return 0;
}

static void free_worker(struct engine_worker *ew)
{
	size_t cursor = 0;
	struct open_session *os;

	loop_unwatch(ew->watch);
	worker_free(ew->worker);
	while (ew->sessions && (os = slotmap_next(ew->sessions, &cursor)))
		free(os);
	slotmap_free(ew->sessions);
}

struct media_engine *media_engine_free(struct media_engine *e)
{
	if (!e)
		return NULL;
	for (unsigned i = 0; i < MEDIA_WORKERS_MAX; i++) {
		if (e->workers[i].engine)
			free_worker(&e->workers[i]);
	}
	port_pool_free(e->wa_ports);
	port_pool_free(e->sip_ports);
	sounds_free(e->sounds);
	dtls_ctx_free(e->dtls);
	free(e);
	return NULL;
}

size_t media_worker_loads(const struct media_engine *e, struct media_worker_load *ret_loads, size_t cap)
{
	for (size_t i = 0; i < e->worker_count && i < cap; i++) {
		ret_loads[i].calls = (unsigned)slotmap_count(e->workers[i].sessions);
		worker_load(e->workers[i].worker, &ret_loads[i]);
	}
	return e->worker_count;
}
