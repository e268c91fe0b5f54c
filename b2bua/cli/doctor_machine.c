/* b2bua/cli/doctor_machine.c -- what can be seen without asking anybody: files, limits, addresses, ports */
#include "b2bua/cli/doctor.h"

#include "b2bua/sip/probe.h"
#include "lib/base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	FILES_OF_A_CALL = 3, /* sockets */
	FILES_BESIDE = 200,  /* listeners, connections to Meta and of TCP, database, log */
	PORTS_SAMPLE = 64,
};

static void check_open_files(struct doctor *d)
{
	struct rlimit rl;
	unsigned long wanted = FILES_OF_A_CALL * (unsigned long)d->config->media.max_sessions + FILES_BESIDE;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return;
	if (rl.rlim_max < wanted)
		doctor_find(d, DOCTOR_WARNING, "open_files", "",
			"Raise the limit (systemd: LimitNOFILE=, shell: ulimit -n), or lower media.max_calls.",
			"%llu open files are allowed here, media.max_calls may need %lu",
			(unsigned long long)rl.rlim_max, wanted);
	else
		doctor_find(d, DOCTOR_OK, "open_files", "", "", "%llu allowed, %lu needed at most",
			(unsigned long long)rl.rlim_max, wanted);
}

static void check_store(struct doctor *d)
{
	const char *path = d->config->store.url + strlen("sqlite:");
	char copy[PATH_MAX];
	const char *directory;

	if (strcmp(path, ":memory:") == 0) {
		doctor_find(d, DOCTOR_WARNING, "store", path, "Give store.url a file.",
			"the call log is gone when watrunk ends");
		return;
	}
	if (str_copy(copy, sizeof(copy), path))
		return;
	directory = dirname(copy);
	if (access(directory, W_OK | X_OK) < 0)
		doctor_find(d, DOCTOR_FAILED, "store", path, "Make the directory, owned by watrunk's user.", "%s: %s",
			directory, strerror(errno));
	else if (access(path, F_OK) == 0 && access(path, R_OK | W_OK) < 0)
		doctor_find(d, DOCTOR_FAILED, "store", path, "Give the file to watrunk's user.", "%s", strerror(errno));
	else
		doctor_find(d, DOCTOR_OK, "store", path, "", "can be written");
}

static void check_recording(struct doctor *d)
{
	const char *directory = d->config->recording.directory;

	if (!directory)
		return;
	if (access(directory, W_OK | X_OK) < 0)
		doctor_find(d, DOCTOR_FAILED, "recording", directory,
			"Make recording.directory, owned by watrunk's user.", "%s", strerror(errno));
	else
		doctor_find(d, DOCTOR_OK, "recording", directory, "", "can be written");
}

/* RFC 1918, RFC 6598, loopback and link-local: nothing on the internet sends there. */
static bool is_private(const struct addr *a)
{
	uint32_t host = ntohl(a->u.in.sin_addr.s_addr);

	return host >> 24 == 10 || host >> 24 == 127 || host >> 20 == 0xac1 || host >> 16 == 0xc0a8 ||
	       host >> 16 == 0xa9fe || host >> 22 == (0x64400000u >> 22);
}

static bool is_ours(const struct addr *a)
{
	struct addr any_port = *a;
	int fd = socket(a->u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ours;

	addr_set_port(&any_port, 0);
	ours = fd >= 0 && bind(fd, &any_port.u.sa, addr_len(&any_port)) == 0;
	if (fd >= 0)
		close(fd);
	return ours;
}

static void check_public_address(struct doctor *d)
{
	const struct addr *a = &d->config->media.public_addr;
	char text[ADDR_TEXT_MAX];

	addr_host(a, text, sizeof(text));
	if (is_private(a))
		doctor_find(d, DOCTOR_WARNING, "public_address", text,
			"Set media.public_address to the address that the internet sees; right for tests only.",
			"is a private address: WhatsApp's relays cannot send voice there");
	else
		doctor_find(d, DOCTOR_OK, "public_address", text, "",
			is_ours(a) ? "is an address of this machine"
				   : "is not this machine's own: a NAT must pass media.webrtc_ports on unchanged");
}

static void check_certificate(struct doctor *d)
{
	const char *path = d->config->sip.tls.certificate;
	int64_t until;

	if (path && sip_certificate_until(path, &until) == 0)
		doctor_find_until(d, "certificate", path, until);
}

void doctor_check_machine(struct doctor *d)
{
	check_open_files(d);
	check_store(d);
	check_recording(d);
	check_public_address(d);
	check_certificate(d);
}

/* ---- ports ---- */

static int try_bind(const struct addr *addr, int type)
{
	int fd = socket(addr->u.sa.sa_family, type | SOCK_CLOEXEC, 0), yes = 1, r = 0;

	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, &addr->u.sa, addr_len(addr)) < 0 || (type == SOCK_STREAM && listen(fd, 1) < 0))
		r = -errno;
	close(fd);
	return r;
}

static void check_listener(struct doctor *d, const char *what, const struct addr *addr, int type, bool running)
{
	char where[ADDR_TEXT_MAX], subject[96];
	int r = try_bind(addr, type);

	(void)snprintf(subject, sizeof(subject), "%s %s", what, addr_format(addr, where, sizeof(where)));
	if (r == 0 && !running)
		doctor_find(d, DOCTOR_OK, "ports", subject, "", "free");
	else if (r == 0)
		doctor_find(d, DOCTOR_FAILED, "ports", subject, "Restart watrunk: it runs with another configuration.",
			"watrunk runs, but does not listen here");
	else if (r == -EADDRINUSE && running)
		doctor_find(d, DOCTOR_OK, "ports", subject, "", "held by the running watrunk");
	else if (r == -EADDRINUSE)
		doctor_find(d, DOCTOR_FAILED, "ports", subject,
			"End the program that has it (ss -lnp shows which), or listen elsewhere.",
			"another program has it");
	else if (r == -EADDRNOTAVAIL)
		doctor_find(d, DOCTOR_FAILED, "ports", subject, "Use an address of this machine, or 0.0.0.0.",
			"this machine has no such address");
	else
		doctor_find(d, DOCTOR_FAILED, "ports", subject, "Ports below 1024 need a right of their own.", "%s",
			strerror(-r));
}

static void check_range(struct doctor *d, const char *key, uint16_t min, uint16_t max, bool running)
{
	struct addr addr = d->config->media.bind;
	unsigned step = (max - min) / PORTS_SAMPLE + 1, tried = 0, busy = 0;
	char subject[96];

	for (unsigned port = min; port <= max; port += step, tried++) {
		addr_set_port(&addr, (uint16_t)port);
		busy += try_bind(&addr, SOCK_DGRAM) != 0;
	}
	(void)snprintf(subject, sizeof(subject), "%s %u-%u", key, min, max);
	if (busy == tried)
		doctor_find(d, DOCTOR_FAILED, "ports", subject, "Check media.bind_address, and who has these ports.",
			"none of %u tried could be had", tried);
	else if (busy * 2 > tried && !running)
		doctor_find(d, DOCTOR_WARNING, "ports", subject, "Choose a range that nobody else uses.",
			"%u of %u tried are taken", busy, tried);
	else
		doctor_find(d, DOCTOR_OK, "ports", subject, "", "%u of %u tried are free", tried - busy, tried);
}

void doctor_check_ports(struct doctor *d, bool running)
{
	static const char *const names[] = {[SIP_UDP] = "sip udp", [SIP_TCP] = "sip tcp", [SIP_TLS] = "sip tls"};
	const struct config *c = d->config;

	for (size_t i = 0; i < c->sip.listen_count; i++)
		check_listener(d, names[c->sip.listen[i].transport], &c->sip.listen[i].addr,
			c->sip.listen[i].transport == SIP_UDP ? SOCK_DGRAM : SOCK_STREAM, running);
	check_listener(d, "webhook", &c->webhook.listen, SOCK_STREAM, running);
	check_listener(d, "admin", &c->admin.listen, SOCK_STREAM, running);
	check_range(d, "webrtc_ports", c->media.wa_port_min, c->media.wa_port_max, running);
	check_range(d, "rtp_ports", c->media.sip_port_min, c->media.sip_port_max, running);
}
