/* graph/messages.h
 *
 * What we send to and ask about a WhatsApp user besides calls: POST /{phone_number_id}/messages, GET
 * /{phone_number_id}/call_permissions. Same client, token and error table as graph.h; no retries of messages (a lost
 * answer may have been a sent message), one of call_permissions. Owner: control thread. Source: Meta, "Messages API",
 * "User call permissions", "Call button messages".
 */
#ifndef GRAPH_MESSAGES_H
#define GRAPH_MESSAGES_H

#include "graph/graph.h"

enum graph_message_kind {
	GRAPH_MSG_TEXT,               /* text */
	GRAPH_MSG_CALL_BUTTON,        /* text, button_text, payload, ttl_minutes */
	GRAPH_MSG_PERMISSION_REQUEST, /* text; inside the 24 h customer-service window only (131047 outside) */
	/* template_name, template_language, parameters. A template may ask for permission: that is part of the
	 * approved template itself, so nothing in the message says it. */
	GRAPH_MSG_TEMPLATE,
};

enum { GRAPH_TEMPLATE_PARAMETERS_MAX = 8 };

struct graph_message {
	enum graph_message_kind kind;
	const char *to, *recipient; /* user's number (any form) or BSUID; number wins */
	const char *text;           /* body: at most 4096 characters, 1024 beside a button or request */
	const char *button_text;    /* display_text, at most 20 characters; "" : "Call now" */
	const char *payload;        /* at most 512 characters; "" none */
	unsigned ttl_minutes;       /* 1..43200; 0: Meta's default */
	const char *template_name, *template_language;
	const char *parameters[GRAPH_TEMPLATE_PARAMETERS_MAX]; /* of the BODY: 1 to 1024 characters each */
	size_t parameter_count;
};

struct graph_message_result {
	enum graph_outcome outcome; /* OK, REFUSED, FAILED */
	int code, subcode;
	unsigned http_status;
	bool uncertain; /* FAILED without a word of Meta's: it may have been sent */
	char message[128], details[256], trace_id[48];
	char wamid[257], wa_id[32];
};

/* As graph_send(): on_done once, never from within. Returns 0 with *ret_id (for graph_cancel()), -EINVAL (no recipient,
 * a text missing or too long, not UTF-8), -ENOMEM. */
int graph_send_message(struct graph *g, const struct graph_number *number, const struct graph_message *message,
	void (*on_done)(const struct graph_message_result *result, void *arg), void *arg, uint64_t *ret_id);

enum graph_permission_status { GRAPH_PERMISSION_NONE, GRAPH_PERMISSION_TEMPORARY, GRAPH_PERMISSION_PERMANENT };

struct graph_permission_result {
	enum graph_outcome outcome;
	int code;
	unsigned http_status;
	char message[128], details[256], trace_id[48];
	enum graph_permission_status status;
	uint64_t expires_s; /* 0: none */
	bool has_actions;   /* the next ones were there; else they follow from the status */
	bool may_call, may_request;
	uint64_t call_limit_expires_s, request_limit_expires_s; /* 0: not at a limit */
	unsigned calls_24h, requests_24h, requests_7d;          /* current_usage */
};

/* to, recipient: as in graph_message. Returns and calls as graph_send_message(). A status that is not known: FAILED. */
int graph_ask_permission(struct graph *g, const struct graph_number *number, const char *to, const char *recipient,
	void (*on_done)(const struct graph_permission_result *result, void *arg), void *arg, uint64_t *ret_id);

#endif
