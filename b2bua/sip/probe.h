/* b2bua/sip/probe.h
 *
 * One request to a gateway, without the stack: is somebody there, who shows which certificate, what is answered? For
 * `watrunk doctor`, beside a watrunk that runs or not. Blocks; any thread.
 */
#ifndef B2BUA_SIP_PROBE_H
#define B2BUA_SIP_PROBE_H

#include "b2bua/sip/sip.h"

struct sip_probe {
	const char *method; /* "OPTIONS"; "REGISTER": asks which bindings there are (RFC 3261 s10.2.3), makes none */
	const char *uri;    /* of the gateway */
	const char *user;   /* of From and To for REGISTER, "" else */
	const char *domain;
	struct addr peer;                          /* with a port */
	const struct sip_tls *tls;                 /* NULL: none, a URI with TLS fails */
	const struct sip_credentials *credentials; /* NULL none */
	unsigned timeout_ms;                       /* for the whole */
};

struct sip_probe_result {
	int error;     /* 0, or -ETIMEDOUT, -ECONNREFUSED ..., -EPROTO: TLS */
	char why[200]; /* for people, "" when error is 0 */
	int status;    /* of SIP */
	bool challenged;
	int64_t certificate_until; /* Unix time, 0: no TLS */
};

void sip_probe(const struct sip_probe *p, struct sip_probe_result *ret);

struct sip_places_probe {
	const char *uri;
	/* found: */
	size_t count;      /* 0: why says why */
	struct addr first; /* with a port */
	enum sip_transport transport;
	char why[160];
};

/* Where their requests go, as the running program finds it in the DNS (RFC 3263). server: ADDRESS:PORT, "": those of
 * the system; have: transports that have a listener, as bits (1 << SIP_UDP). Blocks, timeout_ms at most; one thread.
 * Returns 0, or why nothing could be asked. */
int sip_probe_places(
	struct sip_places_probe *all, size_t count, const char *server, unsigned have, unsigned timeout_ms);

/* When the first certificate of a PEM file runs out (Unix time). Returns 0, -ENOENT or -EINVAL. */
int sip_certificate_until(const char *path, int64_t *ret_until);

#endif
