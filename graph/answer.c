/* graph/answer.c -- see answer.h */
#include "graph/answer.h"

#include "graph/error_table.h"
#include "lib/base/str.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static bool contains_nocase(const char *text, const char *what)
{
	size_t n = strlen(what);

	for (; *text; text++) {
		size_t i = 0;
		while (i < n && text[i] && tolower((unsigned char)text[i]) == what[i])
			i++;
		if (i == n)
			return true;
	}
	return false;
}

/* Meta documents that such errors exist ("user already terminated", "reject already in progress", "accept/reject of an
 * in-progress, completed or failed call"), but not their codes: so by their words. */
static bool says_over(const char *text)
{
	static const char *const words[] = {"already been terminated", "already terminated", "already ended",
		"already rejected", "already completed", "already in progress", "has ended", "has been terminated",
		"is completed", "is not active", "no longer active", "call not found", "failed call", "completed call"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (contains_nocase(text, words[i]))
			return true;
	}
	return false;
}

static bool says_accepted(const char *text)
{
	return contains_nocase(text, "already accepted") || contains_nocase(text, "already been accepted");
}

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static void read_error(enum graph_verb verb, const json_t *error, unsigned attempt, struct graph_result *r)
{
	const json_t *data = json_object_get(error, "error_data");

	r->outcome = GRAPH_REFUSED;
	r->code = (int)json_integer_value(json_object_get(error, "code"));
	r->subcode = (int)json_integer_value(json_object_get(error, "error_subcode"));
	str_copy(r->message, sizeof(r->message), text_at(error, "message"));
	/* error_data is an object, in some answers a plain text */
	str_copy(r->details, sizeof(r->details),
		json_is_string(data) ? json_string_value(data) : text_at(data, "details"));
	if (!*r->details)
		str_copy(r->details, sizeof(r->details), text_at(error, "error_user_msg"));
	str_copy(r->trace_id, sizeof(r->trace_id), text_at(error, "fbtrace_id"));
	if (verb == GRAPH_ACCEPT && attempt > 1 && (says_accepted(r->message) || says_accepted(r->details)))
		r->outcome = GRAPH_OK;
	else if (verb != GRAPH_CONNECT && (says_over(r->message) || says_over(r->details)))
		r->outcome = GRAPH_ALREADY_OVER;
}

static void read_success(enum graph_verb verb, const json_t *top, struct graph_result *r)
{
	const char *wacid = text_at(json_array_get(json_object_get(top, "calls"), 0), "id");

	if (verb == GRAPH_CONNECT) {
		r->outcome = *wacid && str_copy(r->call_id, sizeof(r->call_id), wacid) == 0 ? GRAPH_OK : GRAPH_FAILED;
		if (r->outcome != GRAPH_OK)
			str_copy(r->message, sizeof(r->message), "answer to connect has no usable calls[0].id");
	} else if (json_is_true(json_object_get(top, "success"))) {
		r->outcome = GRAPH_OK;
	} else {
		r->outcome = GRAPH_FAILED;
		str_copy(r->message, sizeof(r->message), "answer has no \"success\": true");
	}
}

void graph_answer_read(enum graph_verb verb, unsigned http_status, const char *body, size_t length, unsigned attempt,
	struct graph_result *r)
{
	json_t *top = json_loadb(body, length, 0, NULL);
	const json_t *error = json_object_get(top, "error");

	r->http_status = http_status;
	if (json_is_object(error)) {
		read_error(verb, error, attempt, r);
	} else if (json_is_object(top) && http_status >= 200 && http_status < 300) {
		read_success(verb, top, r);
	} else {
		r->outcome = GRAPH_FAILED;
		snprintf(r->message, sizeof(r->message), "HTTP status %u without Meta's JSON", http_status);
	}
	json_decref(top);
}
