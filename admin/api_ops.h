/* admin/api_ops.h
 *
 * What the HTTP interface asks of the shell, and how the shell answers. Syntax has been checked: numbers are "+E.164",
 * text is bounded, well-formed UTF-8 without control characters (message texts may have line breaks); whether such a
 * number, gateway or call exists, and what policy says of a target, is the shell's. Everything given is borrowed for
 * the call; text that was not given is "".
 *
 * Every operation gets a reply, to be completed exactly once, inside the call or later, by one of the functions below;
 * it is gone then. It may be completed after the client has left (the answer still belongs to the request's
 * Idempotency-Key), and after admin_free() (nothing happens). Owner: control thread.
 */
#ifndef ADMIN_API_OPS_H
#define ADMIN_API_OPS_H

#include "permission/permission.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum api_problem {
#define API_PROBLEM(id, status, type, title) API_##id,
#include "admin/api_problem.def"
#undef API_PROBLEM
	API_PROBLEM_COUNT
};

/* Why it was not done. */
struct api_fault {
	enum api_problem problem;
	const char *detail;     /* for people; NULL: the title says it all */
	int meta_code;          /* Meta's error code; 0 none */
	const char *meta_text;  /* its message or details; NULL none */
	uint64_t until_ms;      /* a limit ends, or a permission expired, then; 0 unknown */
	unsigned retry_after_s; /* Retry-After; 0 none */
};

struct api_reply;

/* Who asks: a tenant's name, "" the operator. For a tenant, what is another's does not exist: the very answer. */
const char *api_tenant(const struct api_reply *reply);

void api_refuse(struct api_reply *reply, const struct api_fault *fault);
/* Transfer, hold, mute, dtmf, cancel of a parked dial: done, or well under way (transfer: the target is being rung). */
void api_done(struct api_reply *reply);
/* Originate. state: a call state's name, or "parked" with expires_ms. id: of the call, or of the parked dial. */
void api_done_originate(struct api_reply *reply, const char *id, const char *state, uint64_t expires_ms);
/* Message sent: Meta's id of it. */
void api_done_message(struct api_reply *reply, const char *wamid);
/* Permission get and request. number: the business number's "+E.164". */
void api_done_permission(struct api_reply *reply, const struct permission *p, const char *number);

/* The configuration was read again. keys: what stays as it was until a restart. */
void api_done_reload(struct api_reply *reply, const char *const *keys, size_t count);

/* A SIP target: a gateway with a user part ("" : the shell's default), or a whole URI, sip: or tel:. */
struct api_target {
	const char *gateway, *user, *uri; /* uri "": gateway is not "" */
};

enum { API_HEADERS_MAX = 16, API_PARAMETERS_MAX = 8, API_DIGITS_MAX = 32 };

struct api_header {
	const char *name, *value; /* name begins with "X-" */
};

/* Business number and user; number "": the only one there is, else API_UNKNOWN_NUMBER. At least one of the user's is
 * not "". */
struct api_party {
	const char *number, *user_number, *user_id;
};

struct api_template {
	const char *name, *language; /* name "": none */
	const char *parameters[API_PARAMETERS_MAX];
	size_t parameter_count;
};

struct api_originate {
	struct api_party party;
	struct api_target target;
	bool user_first;               /* else the SIP side is rung first */
	unsigned ring_s, agent_ring_s; /* 0: the default */
	const char *caller_id, *display_name, *payload;
	struct api_header headers[API_HEADERS_MAX];
	size_t header_count;
	bool request_permission; /* when there is none: ask the user and park; else API_NO_PERMISSION */
	unsigned park_s;         /* 0: the default */
	const char *request_text;
	struct api_template request_template; /* outside the 24 h window */
};

enum api_side { API_SIDE_USER, API_SIDE_SIP };

enum api_recording { API_RECORDING_START, API_RECORDING_PAUSE, API_RECORDING_RESUME, API_RECORDING_STOP };

enum api_fork_side { API_FORK_BOTH, API_FORK_USER, API_FORK_AGENT };
enum api_fork_format { API_FORK_PCMU, API_FORK_L16 };

struct api_fork {
	bool stop;      /* else start, in place of one before */
	const char *to; /* ADDRESS:PORT */
	enum api_fork_side side;
	enum api_fork_format format;
};

struct api_permission_request {
	struct api_party party;
	const char *text;             /* "" and no template: the shell's default text */
	struct api_template template; /* name "": interactive, inside the 24 h window only */
};

enum api_message_kind { API_MSG_TEXT, API_MSG_CALL_BUTTON, API_MSG_TEMPLATE };

struct api_message {
	enum api_message_kind kind;
	struct api_party party;
	const char *text;
	const char *button_text, *payload; /* CALL_BUTTON */
	unsigned ttl_minutes;              /* 0: Meta's default */
	struct api_template template;
};

struct api_parked {                                                       /* borrowed for the callback */
	const char *id, *tenant, *number, *user, *gateway, *uri, *source; /* source: "api", or the dialplan's rule */
	uint64_t created_ms, expires_ms;
};

/* A user who registered over SIP. Borrowed for the callback. */
struct api_registration {
	const char *id, *user, *contact, *source, *transport, *agent,
		*path; /* contact: URI; transport: udp, tcp, tls */
	double q;
	uint64_t registered_ms, refreshed_ms, expires_ms;
};

struct api_ban { /* borrowed for the callback */
	const char *source, *reason;
	unsigned left_s;
	uint64_t dropped;
};

struct api_gateway { /* borrowed for the callback */
	const char *name, *tenant, *uri;
	bool watched, up; /* up: as far as is known */
	uint64_t down_since_ms, ping_ms;
	int ping_code; /* of the last OPTIONS; 0 none */
	bool registers, registered;
	int register_code;
	const char *ping_why, *register_why; /* what went wrong with the connection; "" nothing, or unknown */
	unsigned calls, max_calls;           /* 0: no limit */
};

/* An operation that is NULL is answered 501 (API_NOT_OFFERED); a list that is NULL, too. */
struct api_ops {
	/* Refused with API_NO_PERMISSION (until_ms: when it expired), CONFLICT, TARGET_REFUSED, UNKNOWN_NUMBER, LIMIT,
	 * META_*, BUSY. */
	void (*originate)(const struct api_originate *o, struct api_reply *reply, void *arg);
	/* Of a live call: refused with API_NOT_FOUND, CONFLICT (its state does not allow it), TARGET_REFUSED, BUSY. */
	void (*transfer)(const char *id, const struct api_target *target, struct api_reply *reply, void *arg);
	void (*hold)(const char *id, bool on, struct api_reply *reply, void *arg);
	void (*mute)(const char *id, enum api_side side, bool on, struct api_reply *reply, void *arg);
	/* to: who shall hear it. digits: 1 to API_DIGITS_MAX of 0-9 * # A-D. */
	void (*dtmf)(const char *id, const char *digits, enum api_side to, struct api_reply *reply, void *arg);
	void (*recording)(const char *id, enum api_recording action, struct api_reply *reply, void *arg);
	void (*fork)(const char *id, const struct api_fork *f, struct api_reply *reply, void *arg);
	/* Everything known, of all tenants, in any order; number: the business number's "+E.164", tenant: whose it is.
	 */
	void (*each_permission)(
		void (*fn)(const struct permission *p, const char *number, const char *tenant, void *fn_arg),
		void *fn_arg, void *arg);
	/* refresh: ask Meta first. Refused with API_NOT_FOUND only when Meta cannot be asked and nothing is known. */
	void (*get_permission)(const struct api_party *party, bool refresh, struct api_reply *reply, void *arg);
	void (*request_permission)(const struct api_permission_request *r, struct api_reply *reply, void *arg);
	void (*each_parked)(void (*fn)(const struct api_parked *p, void *fn_arg), void *fn_arg, void *arg);
	void (*cancel_parked)(const char *id, struct api_reply *reply, void *arg);
	void (*send_message)(const struct api_message *m, struct api_reply *reply, void *arg);
	void (*each_registration)(void (*fn)(const struct api_registration *r, void *fn_arg), void *fn_arg, void *arg);
	void (*drop_registration)(const char *id, struct api_reply *reply, void *arg); /* or API_NOT_FOUND */
	void (*each_gateway)(void (*fn)(const struct api_gateway *gateway, void *fn_arg), void *fn_arg, void *arg);
	void (*each_ban)(void (*fn)(const struct api_ban *ban, void *fn_arg), void *fn_arg, void *arg);
	/* source: an address, or any of a banned network. API_NOT_FOUND: not banned. */
	void (*lift_ban)(const char *source, struct api_reply *reply, void *arg);
	/* Refused with API_BAD_CONFIGURATION (detail: every fault, a line each), BUSY. */
	void (*reload)(struct api_reply *reply, void *arg);
	void *arg;
};

#endif
