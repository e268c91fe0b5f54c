/* tools/loadgen/sip_message.h
 *
 * As much of SIP (RFC 3261) and of an audio offer (RFC 4566) as a machine that answers calls needs: read a request,
 * write the responses to it. Pure; every length is bounded, nothing is copied while reading.
 */
#ifndef TOOLS_LOADGEN_SIP_MESSAGE_H
#define TOOLS_LOADGEN_SIP_MESSAGE_H

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text inside a message, not terminated. */
struct sip_text {
	const char *at;
	size_t length;
};

enum { SIP_VIAS_MAX = 8, SIP_ROUTES_MAX = 8 };

struct sip_request {
	struct sip_text method, uri, from, to, call_id, cseq_method;
	uint32_t cseq;
	struct sip_text vias[SIP_VIAS_MAX], routes[SIP_ROUTES_MAX]; /* Via and Record-Route values, in order */
	size_t via_count, route_count;
	struct sip_text wa_call_id; /* X-WA-Call-Id; empty when absent */
	struct sip_text body;
};

bool sip_text_is(struct sip_text t, const char *text);
/* The tag of a From or To value; empty when it has none. */
struct sip_text sip_text_tag(struct sip_text from_or_to);

/* Returns 0; -EPROTO malformed, or a header that every request must have (s8.1.1) is missing; -ENOTSUP a response;
 * -E2BIG more Via or Record-Route lines than we keep. The request borrows from text. */
int sip_request_parse(const char *text, size_t length, struct sip_request *ret_req);

struct sip_response {
	unsigned code;
	const char *reason;
	const char *to_tag;  /* added to To unless that has one; NULL: none */
	const char *contact; /* "<sip:...>"; NULL: none */
	const char *body;    /* application/sdp; NULL: none */
};
/* Returns the length or -ENOBUFS. */
int sip_response_write(const struct sip_request *req, const struct sip_response *resp, char *text, size_t cap);

/* Where the offer wants its audio, and with which telephone-event payload type (-1: none). Returns 0; -EPROTO
 * malformed; -ENOTSUP no PCMU (payload type 0) in it. */
struct sip_offer {
	struct addr rtp;
	int event_pt;
};
int sip_offer_parse(struct sip_text body, struct sip_offer *ret_offer);

#endif
