/* dialplan/limits.h
 *
 * Inside dialplan: bounds of what a rule may say, and whose they are.
 */
#ifndef DIALPLAN_LIMITS_H
#define DIALPLAN_LIMITS_H

enum {
	DIALPLAN_NAME_MAX_CHARS = 64,
	DIALPLAN_TIMEOUT_MAX_S = 300,
	DIALPLAN_WEIGHT_MAX = 1000,
	DIALPLAN_PARK_MAX_S = 7 * 24 * 3600, /* Meta: a permission request can be answered for 7 days */
	DIALPLAN_TEXT_MAX_CHARS = 4096,      /* Meta: text messages, body */
	DIALPLAN_BODY_MAX_CHARS = 1024,      /* Meta: interactive messages, body */
	DIALPLAN_BUTTON_MAX_CHARS = 20,      /* Meta: call button messages, display_text */
	DIALPLAN_PAYLOAD_MAX_CHARS = 512,    /* Meta: call button messages, payload */
	DIALPLAN_TTL_MIN_MINUTES = 1,        /* Meta: call button messages, ttl_minutes */
	DIALPLAN_TTL_MAX_MINUTES = 43200,
	DIALPLAN_PARAMETER_MAX_CHARS = 1024,    /* Meta: message templates, body */
	DIALPLAN_TEMPLATE_NAME_MAX_CHARS = 512, /* Meta: message templates, name */
	DIALPLAN_LANGUAGE_MAX_CHARS = 16,
	DIALPLAN_URL_MAX_BYTES = 1024,
	DIALPLAN_ASK_DEFAULT_MS = 1000,
	DIALPLAN_ASK_MIN_MS = 10,
	DIALPLAN_ASK_MAX_MS =
		10000, /* Meta gives up an unanswered call after 30 to 60 s; the SIP side must still ring */
	DIALPLAN_KEYWORDS_MAX = 64,
	DIALPLAN_ANSWER_MAX_BYTES = 64 * 1024,
};

#endif
