/* webhook/wa_event.h
 *
 * One thing Meta told us, taken out of a webhook delivery. All text is borrowed for the duration of the callback;
 * absent fields are "". Source: Meta, "WhatsApp Business Calling API", calls webhook; "Business-scoped user ids".
 */
#ifndef WEBHOOK_WA_EVENT_H
#define WEBHOOK_WA_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wa_event_kind {
	WA_EVENT_CONNECT,   /* calls[].event "connect": user-initiated with an SDP offer, business-initiated with an
			       answer */
	WA_EVENT_TERMINATE, /* calls[].event "terminate" */
	WA_EVENT_STATUS,    /* statuses[]: business-initiated RINGING, ACCEPTED, REJECTED */
	WA_EVENT_ERROR,     /* value.errors[] without a call: e.g. 131044, no payment method */
	WA_EVENT_MESSAGE,   /* messages[]: what a user wrote or tapped; message says what */
	WA_EVENT_PERMISSION_REPLY, /* messages[] interactive call_permission_reply */
	WA_EVENT_OTHER,            /* anything else: counted, never an error */
};

enum wa_direction { WA_DIRECTION_UNKNOWN, WA_USER_INITIATED, WA_BUSINESS_INITIATED };

struct wa_event {
	enum wa_event_kind kind;
	const char *field;           /* "calls", "messages", "account_update" ... */
	const char *name;            /* event or status text as sent, for logs */
	const char *phone_number_id; /* metadata: the route key */
	/* Which of the receiver's app_secrets proved the delivery (the first that fits): an app may speak of its own
	 * numbers only. WA_SECRET_NONE from webhook_parse(). */
	size_t secret_index;
	const char *display_phone_number;
	const char *call_id;     /* wacid, at most WA_CALL_ID_MAX characters */
	const char *from, *to;   /* digits without '+'; "" when the user shows only a BSUID */
	const char *user_number; /* the user's side of from/to (or wa_id, recipient_id) */
	const char *user_id;     /* BSUID from whichever field carried it */
	const char *profile_name, *username;
	const char *payload;         /* cta_payload, else deeplink_payload */
	const char *opaque;          /* biz_opaque_callback_data */
	enum wa_direction direction; /* inferred from sdp_type when absent */
	uint64_t timestamp_s;        /* 0 when absent or unreadable */
	const char *sdp_type, *sdp;  /* "offer" | "answer" */
	size_t sdp_length;
	/* terminate */
	bool failed;                                   /* status FAILED, without case */
	uint64_t start_time_s, end_time_s, duration_s; /* 0 when the call was not picked up */
	/* error, from calls[].errors[] or value.errors[] */
	int error_code; /* 0: none */
	const char *error_title, *error_details;
	/* MESSAGE, PERMISSION_REPLY */
	const char *message_type; /* "text", "button", "interactive" ... as sent */
	const char *message_id;   /* wamid */
	const char *context_id;   /* what it answers: wamid, or the wacid of a call; "" none */
	const char *text; /* text.body, button.text, list_reply.title, button_reply.title; "" for other types; cut at a
			     whole character when longer than WA_TEXT_MAX_BYTES */
	const char *reply_id; /* button.payload, list_reply.id, button_reply.id */
	bool permission_accepted, permission_permanent;
	uint64_t permission_expires_s; /* 0: absent */
	bool permission_automatic;     /* response_source "automatic": no person tapped */
};

enum {
	WA_CALL_ID_MAX = 256, /* and of message_id */
	WA_TEXT_MAX_BYTES = 4096,
	WA_EVENTS_PER_POST_MAX = 1000,
	WA_JSON_DEPTH_MAX = 32,
};

#define WA_SECRET_NONE SIZE_MAX

#endif
