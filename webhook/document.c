/* webhook/document.c
 *
 * Bytes -> JSON tree, with bounds that the JSON library does not offer by itself: nesting (its own limit is 2048) and
 * Meta's envelope. Liberal otherwise: unknown members, any order of keys, repeated keys (the last one counts), "\u0000"
 * in texts nobody reads.
 */
#include "webhook/document.h"

#include "lib/base/str.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct webhook_document {
	json_t *root;
};

/* Brackets outside strings never open more than WA_JSON_DEPTH_MAX levels. Right for all valid JSON; the rest is refused
 * later anyway. */
static bool depth_ok(const char *text, size_t length)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < length; i++) {
		switch (text[i]) {
		case '"': in_string = !in_string; break;
		case '\\':
			if (in_string)
				i++;
			break;
		case '{':
		case '[':
			if (!in_string && ++depth > WA_JSON_DEPTH_MAX)
				return false;
			break;
		case '}':
		case ']':
			if (!in_string && depth)
				depth--;
			break;
		}
	}
	return true;
}

static int envelope_check(const json_t *root, char what[128])
{
	const json_t *object = json_object_get(root, "object");

	if (!json_is_object(root))
		(void)str_copy(what, 128, "not an object");
	else if (object && !str_equal(json_string_value(object), "whatsapp_business_account"))
		(void)str_copy(what, 128, "object: not \"whatsapp_business_account\"");
	else if (!json_is_array(json_object_get(root, "entry")))
		(void)str_copy(what, 128, "entry: not an array");
	else
		return 0;
	return -EBADMSG;
}

int webhook_document_load(const void *body, size_t length, struct webhook_document **ret_doc, char what[128])
{
	struct webhook_document *doc;
	json_error_t error;
	int r = -EBADMSG;

	what[0] = '\0';
	if (!depth_ok(body, length)) {
		(void)str_copy(what, 128, "nested too deeply");
		return r;
	}
	doc = calloc(1, sizeof(*doc));
	if (!doc)
		return -ENOMEM;
	doc->root = json_loadb(body, length, JSON_ALLOW_NUL, &error);
	if (doc->root) {
		r = envelope_check(doc->root, what);
		if (r == 0) {
			*ret_doc = doc;
			return 0;
		}
	} else if (json_error_code(&error) == json_error_out_of_memory) {
		r = -ENOMEM;
	} else {
		/* Where, but not the library's sentence: that quotes the body. */
		(void)snprintf(what, 128, "not JSON: at byte %d", error.position);
	}
	webhook_document_free(doc);
	return r;
}

void webhook_document_walk(const struct webhook_document *doc, size_t secret_index, webhook_walk_fn *fn, void *arg,
	struct webhook_parse_report *ret_report)
{
	webhook_walk(doc->root, secret_index, fn, arg, ret_report);
}

struct webhook_document *webhook_document_free(struct webhook_document *doc)
{
	if (doc)
		json_decref(doc->root);
	free(doc);
	return NULL;
}

struct listener {
	void (*fn)(const struct wa_event *ev, void *arg);
	void *arg;
};

static void tell(const struct wa_event *ev, const struct webhook_place *place, void *arg)
{
	const struct listener *listener = arg;
	(void)place;
	listener->fn(ev, listener->arg);
}

int webhook_parse(const void *body, size_t length, void (*fn)(const struct wa_event *ev, void *arg), void *arg,
	struct webhook_parse_report *ret_report)
{
	struct listener listener = {fn, arg};
	struct webhook_document *doc;
	int r;

	*ret_report = (struct webhook_parse_report){0};
	r = webhook_document_load(body, length, &doc, ret_report->what);
	if (r)
		return r;
	webhook_document_walk(doc, WA_SECRET_NONE, tell, &listener, ret_report);
	webhook_document_free(doc);
	return 0;
}
