/* tests/scenario/sip/raw_peer.h
 *
 * A SIP peer as a bare UDP socket, for what no well-behaved peer does. It answers the message it received last, and
 * makes requests in the dialog of the INVITE it received last.
 */
#ifndef TESTS_SCENARIO_SIP_RAW_PEER_H
#define TESTS_SCENARIO_SIP_RAW_PEER_H

#include "tests/scenario/sip/rig.h"

#include <netinet/in.h>

struct raw_peer {
	int fd;
	uint16_t port;
	struct sockaddr_storage from; /* of msg */
	socklen_t from_length;
	char msg[65536];
	char invite[65536];
};

void raw_open(struct raw_peer *p);
void raw_open_on(struct raw_peer *p, bool v6);
void raw_close(struct raw_peer *p);
/* Receive the next message if there is one. */
bool raw_poll(struct raw_peer *p);
/* Run the rig until a message that starts so has come ("INVITE ", "SIP/2.0 200"); others are passed over. */
bool raw_expect(struct rig *r, struct raw_peer *p, const char *start, unsigned ms);
/* Run the rig for so long; false when such a message has come. */
bool raw_silent(struct rig *r, struct raw_peer *p, const char *start, unsigned ms);
/* Value of the first header of that name, "" without. */
const char *raw_header(const char *msg, const char *name, char *dst, size_t cap);
/* Answer msg (a request): "180 Ringing". extra: whole lines. sdp NULL: none. */
void raw_reply(struct raw_peer *p, const char *msg, const char *status, const char *extra, const char *sdp);
/* A request in the dialog of p->invite; dst gets its text when not NULL (65536 bytes), else it is sent. */
void raw_request(struct raw_peer *p, const char *method, unsigned cseq, const char *extra, const char *sdp, char *dst);
/* Any bytes to a port of 127.0.0.1. */
void raw_send(struct raw_peer *p, uint16_t port, const void *bytes, size_t length);
/* The ACK to msg, a final refusal of an INVITE made by raw_send_new(). */
void raw_ack(struct raw_peer *p, uint16_t port);
/* A request outside of a dialog. */
void raw_send_new(struct raw_peer *p, uint16_t port, const char *method, unsigned number, const char *extra);

/* ---- as the caller ---- */

struct raw_call {
	char target[256]; /* Request-URI; our Contact once a response to the INVITE has come */
	char to[256];     /* To, with our tag once it is known */
	char call_id[64], tag[32], branch[64];
	unsigned cseq; /* of the INVITE */
};

/* A new call, nothing sent. user: "600". */
void raw_call_new(struct raw_call *c, struct rig *r, const char *user);
/* INVITE, ACK and CANCEL keep the CSeq of the INVITE (ACK: a branch of its own), others count up. type NULL: no body.
 */
void raw_call_send(struct raw_peer *p, struct rig *r, struct raw_call *c, const char *method, const char *extra,
	const char *type, const char *body);
/* Take our tag and Contact out of p->msg. */
void raw_call_learn(struct raw_peer *p, struct raw_call *c);

#endif
