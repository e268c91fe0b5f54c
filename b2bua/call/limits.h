/* b2bua/call/limits.h
 *
 * Every time and size of the call logic, with its source beside it.
 */
#ifndef B2BUA_CALL_LIMITS_H
#define B2BUA_CALL_LIMITS_H

enum {
	/* Times */
	LIMIT_WINDOW_MS =
		29000, /* Meta: a call not accepted in 30 to 60 s is "not answered"; 30 s less 1 s for the way there */
	LIMIT_WINDOW_GRACE_MS = 500,  /* timers fire late; half of the margin above */
	LIMIT_RING_MS = 60000,        /* ring time when neither route nor settings say one */
	LIMIT_MEDIA_SETUP_MS = 15000, /* Meta drops a call after 20 s without media from us (138021); we notice first */
	LIMIT_CLOSE_MS = 10000,       /* two Graph attempts of 5 s each */
	LIMIT_HELD_VERB_MS = 3000,    /* of these, terminate waits so long for an accept: the phone rings on */
	LIMIT_PERMISSION_MS = 10000, /* from DIAL until the answer to ASK_PERMISSION: one Graph request of 5 s, twice */
	LIMIT_WA_RING_MS = 45000, /* business-initiated; Meta states no time: plan for up to 60 s, end it ourselves */
	LIMIT_AGENT_RING_MS = 30000,
	LIMIT_TRANSFER_RING_MS = 30000,
	LIMIT_RETRY_AFTER_S = 30,         /* with 503: Meta's limits count by the minute or longer */
	LIMIT_REDIRECTS = 3,              /* 3xx answers followed one after the other */
	LIMIT_TRANSFERS = 32,             /* of one call: what they leave in its arena is bounded */
	LIMIT_CALL_MS = 12 * 3600 * 1000, /* neither Meta nor SIP state a longest call */

	LIMIT_WHY_CHARS = 200, /* of what was wrong with a connection */
	LIMIT_ATTEMPTS = 32, /* INVITEs to gateways that the record tells: eight of them, redirected three times each */

	/* Sizes */
	LIMIT_ARENA_BYTES = 256 * 1024, /* what one call may hold, however hostile its peers */
	LIMIT_ID_CHARS = 256,           /* Meta: wacid of 90 to 120 characters, base64 alphabet */
	LIMIT_NAME_CHARS = 128,
	LIMIT_PAYLOAD_CHARS = 512, /* Meta: call button payload */
	LIMIT_USER_CHARS = 128,    /* user part of a SIP URI */
	LIMIT_URI_CHARS = 1024,    /* a whole one; Replaces in it makes it long */
	LIMIT_META_TEXT_CHARS = 255,
	LIMIT_SIP_CALL_ID_CHARS = 127,
	LIMIT_SIP_SDP_BYTES = 2048,        /* ours: one stream, six codecs, two keys, other streams refused */
	LIMIT_SIP_REMOTE_SDP_BYTES = 4096, /* as much of the peer's as is kept for the record */
	LIMIT_WA_SDP_BYTES = 4096,         /* ours: ICE credentials, one candidate, one fingerprint */
};

#endif
