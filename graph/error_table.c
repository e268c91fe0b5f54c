/* graph/error_table.c
 *
 * The table, and what may be read from an error's words where its code does not tell: Meta gives no code of its own to
 * "the call is over already", only texts, which have changed before. So they are matched loosely, and only on codes
 * that could mean it.
 */
#include "graph/error_table.h"

#include <string.h>

static const struct graph_error_info table[] = {
#define GRAPH_ERROR(code, class, name, meaning) {code, GRAPH_ERR_##class, name, meaning},
#include "graph/error_table.def"
#undef GRAPH_ERROR
};

static const struct graph_error_info unknown = {0, GRAPH_ERR_UNKNOWN, "unknown", "An error that is not in our table"};

enum {
	PERMISSION_FIRST = 200,
	PERMISSION_LAST = 299,
	PARAMETER = 100,
	CALLING_FIRST = 138000,
	CALLING_LAST = 138999,
};

const struct graph_error_info *graph_error_info(int code)
{
	if (code > PERMISSION_FIRST && code <= PERMISSION_LAST)
		code = PERMISSION_FIRST;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].code == code)
			return &table[i];
	}
	return &unknown;
}

bool graph_error_is_passing(int code, unsigned http_status)
{
	enum graph_error_class class = graph_error_info(code)->class;

	if (class != GRAPH_ERR_UNKNOWN)
		return class == GRAPH_ERR_TRANSIENT || class == GRAPH_ERR_RATE;
	return http_status >= 500 || http_status == 429 || (http_status == 0 && code == 0);
}

bool graph_may_retry(enum graph_verb verb, int code, unsigned http_status, unsigned attempt)
{
	if (attempt > 1 || (verb != GRAPH_ACCEPT && verb != GRAPH_REJECT && verb != GRAPH_TERMINATE))
		return false;
	return graph_error_is_passing(code, http_status);
}

static bool any_in(const char *text, const char *const *phrases)
{
	for (; *phrases; phrases++) {
		if (strcasestr(text, *phrases))
			return true;
	}
	return false;
}

enum graph_call_state graph_text_call_state(int code, const char *text)
{
	static const char *const ended[] = {"already terminated", "was terminated", "been terminated", "is terminated",
		"call terminated", "user terminated", "terminated call", "terminated state", "already completed",
		"was completed", "been completed", "is completed", "call completed", "completed call",
		"completed state", "already ended", "has ended", "was ended", "is ended", "call ended", "ended call",
		"ended state", "already rejected", "reject already", "rejected state", "already failed", "failed call",
		"failed state", "already hung up", "hung up", "already over", "already canceled", "already cancelled",
		"no longer active", "no longer exists", "is not active", "not in progress", "not ongoing",
		"call not found", "call id not found", "call does not exist", "unknown call", NULL};
	static const char *const live[] = {"in progress", "in-progress", "already accepted", "been accepted",
		"already connected", "already active", "already ongoing", NULL};
	enum graph_error_class class = graph_error_info(code)->class;

	/* The code speaks for itself: "authorization has been terminated" is about a token. */
	if (code != PARAMETER && (code < CALLING_FIRST || code > CALLING_LAST) && class != GRAPH_ERR_UNKNOWN)
		return GRAPH_CALL_UNTOLD;
	if (any_in(text, ended))
		return GRAPH_CALL_ENDED;
	return any_in(text, live) ? GRAPH_CALL_LIVE : GRAPH_CALL_UNTOLD;
}
