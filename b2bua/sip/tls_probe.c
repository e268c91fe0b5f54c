/* b2bua/sip/tls_probe.c -- see probe.h */
#include "b2bua/sip/probe.h"

#include "b2bua/sip/authorize.h"
#include "b2bua/sip/tls.h"
#include "b2bua/sip/uri.h"
#include "lib/base/clock.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <poll.h>
#include <sofia-sip/msg.h>
#include <sofia-sip/sip_header.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MESSAGE_MAX = 8192,
	RESEND_MS = 500, /* RFC 3261 s17.1.2.2: T1, not doubled: it is for seconds only */
	ID_LENGTH = 16,
};

struct probing {
	const struct sip_probe *p;
	struct sip_probe_result *ret;
	struct sip_uri uri;
	char host[256], line_uri[SIP_URI_MAX], call_id[2 * ID_LENGTH + 1];
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	uint64_t until_us;
	unsigned cseq;
	struct authorize challenge;
};

static void fail(struct probing *pr, int error, const char *why)
{
	pr->ret->error = error;
	(void)snprintf(pr->ret->why, sizeof(pr->ret->why), "%s", why);
}

static int left_ms(const struct probing *pr)
{
	uint64_t now_us = clock_mono_us();

	return now_us >= pr->until_us ? 0 : (int)((pr->until_us - now_us) / 1000) + 1;
}

/* ---- the way there ---- */

static int wait_for(struct probing *pr, short events, int ms)
{
	struct pollfd pfd = {.fd = pr->fd, .events = events};
	int left = left_ms(pr), n = poll(&pfd, 1, ms < left ? ms : left);

	return n > 0 ? 0 : -ETIMEDOUT;
}

static int way_open(struct probing *pr)
{
	const struct addr *peer = &pr->p->peer;
	int type = pr->uri.transport == SIP_UDP ? SOCK_DGRAM : SOCK_STREAM, error = 0;
	socklen_t length = sizeof(error);

	pr->fd = socket(peer->u.sa.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (pr->fd < 0)
		return -errno;
	if (connect(pr->fd, &peer->u.sa, addr_len(peer)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (wait_for(pr, POLLOUT, left_ms(pr)))
		return -ETIMEDOUT;
	if (getsockopt(pr->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		return -errno;
	return -error;
}

static int64_t until_of(const X509 *certificate)
{
	struct tm tm;

	return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* Again when the library wants to read or write first. */
static int tls_wait(struct probing *pr, int r)
{
	int want = SSL_get_error(pr->ssl, r);

	if (want == SSL_ERROR_WANT_READ || want == SSL_ERROR_WANT_WRITE)
		return wait_for(pr, want == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, left_ms(pr));
	return -EPROTO;
}

static int tls_open(struct probing *pr)
{
	const char *name = pr->p->tls ? pr->p->tls->server_name : NULL;
	char why[TLS_WHY_MAX] = "";
	X509 *certificate;
	int r;

	if (!pr->p->tls || tls_context_new(pr->p->tls, &pr->ctx) || !(pr->ssl = SSL_new(pr->ctx)) ||
		!SSL_set_fd(pr->ssl, pr->fd) ||
		tls_expect(pr->ssl, name && *name ? name : pr->host, pr->p->tls->verify)) {
		fail(pr, -EPROTO, "the files of sip.tls cannot be used");
		return -EPROTO;
	}
	while ((r = SSL_connect(pr->ssl)) != 1) {
		r = tls_wait(pr, r);
		if (r == 0)
			continue;
		if (r == -EPROTO)
			tls_why(pr->ssl, why);
		fail(pr, r, r == -ETIMEDOUT ? "no answer to the TLS handshake" : why);
		return r;
	}
	certificate = SSL_get1_peer_certificate(pr->ssl);
	if (certificate)
		pr->ret->certificate_until = until_of(certificate);
	X509_free(certificate);
	return 0;
}

static int way_write(struct probing *pr, const char *data, size_t length)
{
	int r;

	if (!pr->ssl)
		return send(pr->fd, data, length, MSG_NOSIGNAL) == (ssize_t)length ? 0 : -errno;
	while ((r = SSL_write(pr->ssl, data, (int)length)) <= 0) {
		r = tls_wait(pr, r);
		if (r)
			return r;
	}
	return 0;
}

/* What is there: its length, 0 nothing yet, or negative. */
static ssize_t way_read(struct probing *pr, char *data, size_t cap)
{
	ssize_t n;
	int want;

	if (!pr->ssl) {
		n = recv(pr->fd, data, cap, 0);
		if (n == 0)
			return -ECONNRESET;
		return n > 0 ? n : errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	n = SSL_read(pr->ssl, data, (int)cap);
	if (n > 0)
		return n;
	want = SSL_get_error(pr->ssl, (int)n);
	return want == SSL_ERROR_WANT_READ || want == SSL_ERROR_WANT_WRITE ? 0 : -ECONNRESET;
}

/* ---- the request ---- */

static void put_request(struct probing *pr, struct strbuf *sb)
{
	static const char *const transports[] = {[SIP_UDP] = "UDP", [SIP_TCP] = "TCP", [SIP_TLS] = "TLS"};
	char local[ADDR_TEXT_MAX] = "0.0.0.0:0", branch[ID_LENGTH + 1];
	struct sockaddr_storage ss;
	socklen_t length = sizeof(ss);
	struct addr addr;

	if (getsockname(pr->fd, (struct sockaddr *)&ss, &length) == 0) {
		addr_from_sockaddr(&addr, (struct sockaddr *)&ss, length);
		addr_format(&addr, local, sizeof(local));
	}
	crypto_random_hex(branch, ID_LENGTH);
	strbuf_printf(sb, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\n",
		pr->p->method, pr->line_uri, transports[pr->uri.transport], local, branch);
	if (*pr->p->user)
		strbuf_printf(sb, "From: <sip:%s@%s>;tag=%.8s\r\nTo: <sip:%s@%s>\r\n", pr->p->user, pr->host,
			pr->call_id, pr->p->user, pr->host);
	else
		strbuf_printf(sb, "From: <sip:watrunk@%s>;tag=%.8s\r\nTo: <%s>\r\n", pr->p->domain, pr->call_id,
			pr->line_uri);
	strbuf_printf(sb, "Call-ID: %s\r\nCSeq: %u %s\r\nAccept: application/sdp\r\nUser-Agent: watrunk/%s\r\n",
		pr->call_id, ++pr->cseq, pr->p->method, WATRUNK_VERSION);
	if (pr->challenge.set)
		authorize_put(&pr->challenge, pr->p->credentials, pr->p->method, pr->line_uri, sb);
	strbuf_put(sb, "Content-Length: 0\r\n\r\n");
}

/* A final answer of this request: its status; 0: not one. */
static int read_answer(struct probing *pr, const char *data, size_t length)
{
	msg_t *msg = msg_make(sip_default_mclass(), 0, data, (ssize_t)length);
	const sip_t *sip = msg ? sip_object(msg) : NULL;
	int status = sip && sip->sip_status ? sip->sip_status->st_status : 0;

	if (status < 200 || !sip->sip_call_id || !sip->sip_cseq || strcmp(sip->sip_call_id->i_id, pr->call_id) != 0 ||
		sip->sip_cseq->cs_seq != pr->cseq)
		status = 0;
	if (status == 401 || status == 407)
		(void)authorize_read(
			sip, status, pr->p->credentials ? pr->p->credentials->realm : NULL, &pr->challenge);
	msg_destroy(msg);
	return status;
}

static int ask(struct probing *pr)
{
	char request[MESSAGE_MAX], answer[MESSAGE_MAX];
	size_t have = 0;
	struct strbuf sb;
	int r;

	strbuf_init(&sb, request, sizeof(request));
	put_request(pr, &sb);
	r = sb.truncated ? -EMSGSIZE : way_write(pr, request, sb.length);
	while (r == 0 && left_ms(pr) > 0 && have + 1 < sizeof(answer)) {
		ssize_t n = way_read(pr, answer + have, sizeof(answer) - 1 - have);
		if (n < 0)
			return (int)n;
		if (n == 0) {
			if (wait_for(pr, POLLIN, RESEND_MS) && pr->uri.transport == SIP_UDP)
				r = way_write(pr, request, sb.length);
			continue;
		}
		have += (size_t)n;
		answer[have] = '\0';
		if (!strstr(answer, "\r\n\r\n"))
			continue;
		pr->ret->status = read_answer(pr, answer, have);
		if (pr->ret->status)
			return 0;
		have = 0; /* provisional */
	}
	return r ? r : -ETIMEDOUT;
}

/* ---- the door ---- */

static int begin(struct probing *pr)
{
	const struct sip_probe *p = pr->p;
	static const char *const names[] = {[SIP_UDP] = "udp", [SIP_TCP] = "tcp", [SIP_TLS] = "tls"};
	uint8_t random[ID_LENGTH];
	bool v6;

	if (sip_uri_parse(p->uri, &pr->uri))
		return -EINVAL;
	v6 = pr->uri.host[0] == '[';
	if (str_copy_n(pr->host, sizeof(pr->host), pr->uri.host + v6, pr->uri.host_length - (v6 ? 2 : 0)))
		return -EINVAL;
	(void)snprintf(pr->line_uri, sizeof(pr->line_uri), "sip:%.*s", (int)pr->uri.host_length, pr->uri.host);
	if (pr->uri.port)
		(void)snprintf(pr->line_uri + strlen(pr->line_uri), sizeof(pr->line_uri) - strlen(pr->line_uri), ":%u",
			pr->uri.port);
	(void)snprintf(pr->line_uri + strlen(pr->line_uri), sizeof(pr->line_uri) - strlen(pr->line_uri),
		";transport=%s", names[pr->uri.transport]);
	crypto_random(random, sizeof(random));
	str_hex(pr->call_id, random, sizeof(random));
	return 0;
}

static void whole(struct probing *pr)
{
	int r = begin(pr);

	if (r == 0)
		r = way_open(pr);
	if (r == 0 && pr->uri.transport == SIP_TLS)
		r = tls_open(pr);
	if (r == 0)
		r = ask(pr);
	if (r == 0 && pr->challenge.set) {
		pr->ret->challenged = true;
		if (pr->p->credentials)
			r = ask(pr);
	}
	if (r && !pr->ret->error)
		fail(pr, r, r == -ETIMEDOUT ? "no answer" : strerror(-r));
}

void sip_probe(const struct sip_probe *p, struct sip_probe_result *ret)
{
	struct probing pr = {.p = p, .ret = ret, .fd = -1, .until_us = clock_mono_us() + p->timeout_ms * 1000ull};

	*ret = (struct sip_probe_result){0};
	whole(&pr);
	SSL_free(pr.ssl);
	SSL_CTX_free(pr.ctx);
	if (pr.fd >= 0)
		close(pr.fd);
}

int sip_certificate_until(const char *path, int64_t *ret_until)
{
	FILE *f = fopen(path, "re");
	X509 *certificate;

	if (!f)
		return -errno;
	certificate = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	if (!certificate)
		return -EINVAL;
	*ret_until = until_of(certificate);
	X509_free(certificate);
	return 0;
}
