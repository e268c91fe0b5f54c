/* media/webrtc/stun.h
 *
 * STUN messages (RFC 8489) as far as ICE (RFC 8445) needs them: Binding requests, indications, success and error
 * responses with short-term credentials. Text in, struct out and back; pure. No other file knows STUN's bytes.
 */
#ifndef MEDIA_WEBRTC_STUN_H
#define MEDIA_WEBRTC_STUN_H

#include "lib/base/addr.h"
#include "lib/base/rd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STUN_HEADER_BYTES = 20,
	STUN_TXID_BYTES = 12,
	STUN_MESSAGE_MAX = 1280, /* longer ones are refused; ours stay below 700 */
	STUN_USERNAME_MAX = 513, /* RFC 8489 s14.3: two ICE user names of 256 and a colon */
	STUN_UNKNOWN_MAX = 8,
	STUN_METHOD_BINDING = 1,
};

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };

enum stun_error_code {
	STUN_BAD_REQUEST = 400,
	STUN_UNAUTHENTICATED = 401,
	STUN_UNKNOWN_ATTRIBUTE = 420,
	STUN_ROLE_CONFLICT = 487, /* RFC 8445 s7.1.3 */
};

/* A decoded message. Of an attribute that occurs twice the first counts; those behind MESSAGE-INTEGRITY are not
 * protected and do not count. */
struct stun_msg {
	enum stun_class class;
	uint16_t method;
	uint8_t txid[STUN_TXID_BYTES];
	const uint8_t *username; /* borrowed from the message, not terminated; NULL: absent */
	size_t username_length;
	bool has_priority, use_candidate, has_controlling, has_controlled, has_mapped, has_fingerprint;
	uint32_t priority;
	uint64_t tie_breaker;               /* of ICE-CONTROLLING or ICE-CONTROLLED */
	struct addr mapped;                 /* XOR-MAPPED-ADDRESS */
	uint16_t error_code;                /* 0: none */
	uint16_t unknown[STUN_UNKNOWN_MAX]; /* comprehension-required attributes that we do not know */
	size_t unknown_count;
	size_t integrity_at; /* offset of MESSAGE-INTEGRITY; 0: absent */
};

/* Does it look like STUN at all: two zero bits, magic cookie, a length that fits exactly? */
bool stun_is(const void *bytes, size_t length);

/* Returns 0, -EPROTO (malformed) or -EBADMSG (wrong FINGERPRINT). Integrity is checked apart: the key depends on what
 * the message says. */
int stun_decode(const void *bytes, size_t length, struct stun_msg *ret_msg);

/* Is there a MESSAGE-INTEGRITY and does it hold under this key (short-term: the password)? bytes: as given to
 * stun_decode(). */
bool stun_check_integrity(const struct stun_msg *m, const void *bytes, const void *key, size_t key_length);

/* Writing: begin, attributes in any order, finish. What does not fit makes stun_finish() fail. */
void stun_begin(struct wr *w, enum stun_class class, const uint8_t txid[STUN_TXID_BYTES]);
/* "remote:local", as a request names the two ends (RFC 8445 s7.2.2). */
void stun_put_username(struct wr *w, const char *remote_ufrag, const char *local_ufrag);
void stun_put_priority(struct wr *w, uint32_t priority);
void stun_put_role(struct wr *w, bool controlling, uint64_t tie_breaker);
void stun_put_use_candidate(struct wr *w);
void stun_put_mapped(
	struct wr *w, const struct addr *mapped); /* XOR-MAPPED-ADDRESS; after stun_begin() in the same buffer */
void stun_put_error(struct wr *w, enum stun_error_code code);
void stun_put_unknown(struct wr *w, const uint16_t *types, size_t count);
/* Adds MESSAGE-INTEGRITY (key not NULL) and FINGERPRINT. Returns the message's length or -ENOBUFS. */
int stun_finish(struct wr *w, const void *key, size_t key_length);

#endif
