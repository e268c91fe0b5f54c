/* b2bua/sip/proof.c
 *
 * A peer challenges our INVITE (401, 407), and we prove who we are:
 *
 *   plain MD5          the library does it, on the same handle; later requests of the dialog are its business, too
 *   SHA-256 among it   the library gives up the session (904): a new handle goes on, with the same Call-ID and From
 *                      tag, the next CSeq, and a header of ours; so does a BYE
 *   auth-int           likewise, with qop=auth
 *
 * A challenge of either kind (server, proxy) is answered once; again only when it says that the nonce was stale.
 */
#include "b2bua/sip/leg.h"

#include "b2bua/sip/authorize.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <sofia-sip/msg_header.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	STALE_MAX = 3, /* a server whose every nonce is stale */
};

struct leg_proof {
	struct sip_credentials credentials;
	char *user, *password, *realm;
	bool by_library;
	bool request_tried; /* within the dialog */
	unsigned stale;
	struct authorize www, proxy;
	char target[SIP_URI_MAX];
};

int proof_new(struct sip_leg *leg, const struct sip_credentials *c, const char *target)
{
	struct leg_proof *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	leg->proof = p;
	p->user = strdup(c->user);
	p->password = strdup(c->password);
	p->realm = strdup(c->realm ? c->realm : "");
	if (!p->user || !p->password || !p->realm)
		return -ENOMEM;
	str_copy(p->target, sizeof(p->target), target);
	p->credentials = (struct sip_credentials){p->user, p->password, p->realm};
	return 0;
}

void proof_restart(struct sip_leg *leg)
{
	struct leg_proof *p = leg->proof;

	if (!p)
		return;
	p->www.set = p->proxy.set = false;
	p->by_library = false;
}

void proof_accepted(struct sip_leg *leg)
{
	if (leg->proof)
		leg->proof->request_tried = false;
}

void proof_free(struct sip_leg *leg)
{
	struct leg_proof *p = leg->proof;

	if (!p)
		return;
	if (p->password)
		crypto_wipe(p->password, strlen(p->password));
	free(p->user);
	free(p->password);
	free(p->realm);
	free(p);
	leg->proof = NULL;
}

/* The library answers, on the handle that was challenged. */
static bool by_library(struct sip_leg *leg, const struct authorize *a)
{
	const struct leg_proof *p = leg->proof;
	char auth[2 * AUTHORIZE_TEXT_MAX];
	int n = snprintf(auth, sizeof(auth), "Digest:\"%s\":%s:%s", a->realm, p->user, p->password);

	if (n > 0 && (size_t)n < sizeof(auth))
		nua_authenticate(leg->nh, NUTAG_AUTH(auth), TAG_END());
	crypto_wipe(auth, sizeof(auth));
	return n > 0 && (size_t)n < sizeof(auth);
}

void proof_lines(struct sip_leg *leg, const char *method, char *dst, size_t cap)
{
	struct leg_proof *p = leg->proof;
	struct strbuf sb;

	strbuf_init(&sb, dst, cap);
	if (!p || p->by_library)
		return;
	if (p->www.set)
		authorize_put(&p->www, &p->credentials, method, p->target, &sb);
	if (p->proxy.set)
		authorize_put(&p->proxy, &p->credentials, method, p->target, &sb);
	if (sb.truncated)
		dst[0] = '\0';
}

static bool by_new_handle(struct sip_leg *leg, const sip_t *sip)
{
	char lines[2 * AUTHORIZE_LINE_MAX];

	proof_lines(leg, "INVITE", lines, sizeof(lines));
	return lines[0] && outgoing_again(leg, sip, lines);
}

bool proof_invite(struct sip_leg *leg, int status, const sip_t *sip)
{
	struct leg_proof *p = leg->proof;
	struct authorize *known, a;

	if (!p || !sip || authorize_read(sip, status, p->realm, &a))
		return false;
	known = a.proxy ? &p->proxy : &p->www;
	if (known->set && (!a.stale || p->stale++ >= STALE_MAX))
		return false;
	*known = a;
	/* The library takes the text up to the next colon for the password. */
	if (a.plain_md5 && !strchr(p->password, ':') && (p->by_library || !(p->www.set && p->proxy.set))) {
		p->by_library = true;
		return by_library(leg, &a);
	}
	p->by_library = false;
	return by_new_handle(leg, sip);
}

bool proof_request(struct sip_leg *leg, int status, const sip_t *sip)
{
	struct leg_proof *p = leg->proof;
	struct authorize a;

	if (!p || !sip || p->request_tried || authorize_read(sip, status, p->realm, &a) || !a.plain_md5 ||
		strchr(p->password, ':'))
		return false;
	p->request_tried = true;
	return by_library(leg, &a);
}
