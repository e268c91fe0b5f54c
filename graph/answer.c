/* graph/answer.c
 *
 * Success is {"success":true}, with or without messaging_product, or for connect {"calls":[{"id":...}]}; an error is
 * {"error":{...}} with most members optional (Meta: Graph API, "Handling errors"). The error counts whatever the HTTP
 * status says.
 */
#include "graph/answer.h"

#include "lib/base/str.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_INVALID = 190 };

void graph_answer_copy_text(char *dst, size_t cap, const char *src)
{
	size_t n = src ? strlen(src) : 0;

	if (n >= cap) {
		n = cap - 1;
		while (n && ((unsigned char)src[n] & 0xc0) == 0x80) /* not inside a UTF-8 character */
			n--;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)src[i];
		dst[i] = (char)(c < 0x20 || c == 0x7f ? ' ' : c == '"' ? '\'' : c);
	}
	dst[n] = '\0';
}

static const char *get_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static int get_int(const json_t *object, const char *name)
{
	const json_t *json = json_object_get(object, name);
	uint64_t value;

	if (json_is_integer(json) && json_integer_value(json) >= 0 && json_integer_value(json) <= INT32_MAX)
		return (int)json_integer_value(json);
	if (json_is_string(json) && str_to_u64(json_string_value(json), 0, INT32_MAX, &value) == 0)
		return (int)value;
	return 0;
}

static bool is_true(const json_t *json)
{
	return json_is_true(json) || str_equal(json_string_value(json), "true");
}

static void read_error(const json_t *error, struct graph_answer *a)
{
	const json_t *data = json_object_get(error, "error_data");
	const char *message = get_text(error, "message"), *user_message = get_text(error, "error_user_msg");
	const char *details = json_is_string(data) ? json_string_value(data) : get_text(data, "details");
	char words[1024];

	a->refused = true;
	a->code = get_int(error, "code");
	a->subcode = get_int(error, "error_subcode");
	a->transient = is_true(json_object_get(error, "is_transient"));
	if (!a->code && json_object_get(error, "code"))
		a->code = TOKEN_INVALID; /* Meta: code 0, "AuthException"; ours means "none" */
	if (!details)
		details = user_message ? user_message : get_text(error, "error_user_title");
	graph_answer_copy_text(a->message, sizeof(a->message), message ? message : "error without a message");
	graph_answer_copy_text(a->details, sizeof(a->details), details);
	graph_answer_copy_text(a->trace_id, sizeof(a->trace_id), get_text(error, "fbtrace_id"));
	(void)snprintf(words, sizeof(words), "%s|%s|%s", a->message, a->details, user_message ? user_message : "");
	a->call_state = graph_text_call_state(a->code, words);
}

bool graph_answer_is_error(const json_t *root, unsigned http_status, struct graph_answer *a)
{
	const json_t *error = json_object_get(root, "error");

	memset(a, 0, sizeof(*a));
	if (json_is_object(error)) {
		read_error(error, a);
	} else if (json_is_string(error)) { /* a gateway between us and Meta */
		a->refused = true;
		graph_answer_copy_text(a->message, sizeof(a->message), json_string_value(error));
	} else if (http_status < 200 || http_status > 299) {
		a->refused = http_status >= 400 && http_status <= 499 && http_status != 408 && http_status != 429;
		(void)snprintf(a->message, sizeof(a->message), "HTTP %u without an error in it", http_status);
	} else {
		return false;
	}
	return true;
}

enum graph_outcome graph_answer_outcome(const struct graph_answer *a)
{
	enum graph_error_class class = graph_error_info(a->code)->class;
	return !a->refused || a->transient || class == GRAPH_ERR_TRANSIENT ? GRAPH_FAILED : GRAPH_REFUSED;
}

static void read_success(enum graph_verb verb, const json_t *root, struct graph_answer *a)
{
	const json_t *success = json_object_get(root, "success");
	const char *id = get_text(json_array_get(json_object_get(root, "calls"), 0), "id");

	if (verb == GRAPH_CONNECT) {
		a->ok = id && *id && str_copy(a->call_id, sizeof(a->call_id), id) == 0;
		if (!a->ok) {
			a->call_id[0] = '\0';
			(void)str_copy(a->message, sizeof(a->message), "answer without a usable call id");
		}
	} else if (is_true(success)) {
		a->ok = true;
	} else {
		a->refused = json_is_false(success);
		(void)str_copy(a->message, sizeof(a->message), "answer without success");
	}
}

void graph_answer_read(
	enum graph_verb verb, unsigned http_status, const void *body, size_t length, struct graph_answer *ret_answer)
{
	json_t *root = json_loadb(body, length, JSON_ALLOW_NUL, NULL);

	if (!graph_answer_is_error(root, http_status, ret_answer))
		read_success(verb, root, ret_answer);
	json_decref(root);
}
