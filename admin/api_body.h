/* admin/api_body.h
 *
 * The JSON body of a request, read into a struct by a table: unknown keys, wrong types and lengths are refused, numbers
 * are normalised. The same table is held against docs/openapi.yaml by a test. Internal to admin/.
 */
#ifndef ADMIN_API_BODY_H
#define ADMIN_API_BODY_H

#include "lib/base/arena.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum body_kind {
	BODY_TEXT,      /* const char *; no control characters; min to max bytes */
	BODY_LINES,     /* the same, but it may have line breaks and tabs */
	BODY_PHONE,     /* const char *; "+E.164" */
	BODY_UINT,      /* unsigned; min to max */
	BODY_INT64,     /* int64_t; not negative */
	BODY_BOOL,      /* bool */
	BODY_WORD,      /* int or enum: index in words */
	BODY_WORD_BOOL, /* bool: the second word is true */
	BODY_TEMPLATE,  /* struct api_template */
	BODY_HEADERS,   /* struct api_originate: headers and header_count */
};

struct body_field {
	const char *name;
	enum body_kind kind;
	size_t offset; /* in the struct */
	unsigned min, max;
	const char *const *words; /* ends with NULL */
	bool required;
};

struct body_schema {
	const struct body_field *fields;
	size_t count;
	size_t size; /* of the struct */
};

/* What was read, and the memory that it borrows. */
struct body {
	json_t *top;
	struct arena arena;
	char why[256]; /* names the key */
};

/* An empty text is an empty object; null is as if the key were not there; text that is not there is "". Returns 0,
 * -EINVAL with body->why, or -ENOMEM. Call body_done() in any case. */
int body_read(struct body *body, const struct body_schema *schema, const char *text, size_t length, void *ret_struct);
void body_done(struct body *body);
/* For checks of one's own: sets why and returns -EINVAL. */
int body_refuse(struct body *body, const char *key, const char *what);

#endif
