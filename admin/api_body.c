/* admin/api_body.c -- see api_body.h */
#include "admin/api_body.h"

#include "admin/api_ops.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	ARENA_LIMIT = 64 * 1024,
	PHONE_MAX = 24,
	NAME_MAX_BYTES = 512,    /* a template's name, Meta: "Message templates" */
	LANGUAGE_MAX_BYTES = 15, /* "zh_CN" */
	PARAMETER_MAX_BYTES = 1024,
	HEADER_NAME_MAX = 63,
	HEADER_VALUE_MAX = 255,
};

int body_refuse(struct body *body, const char *key, const char *what)
{
	char safe[64];
	size_t n = 0;

	/* Of an unknown key at most so much, whole characters. */
	for (size_t c; key[n] && (c = str_utf8_char(key + n, strlen(key + n))) > 0 && n + c < sizeof(safe); n += c)
		;
	str_copy_n(safe, sizeof(safe), key, n);
	snprintf(body->why, sizeof(body->why), "%s%s%s", safe, *safe ? ": " : "", what);
	return -EINVAL;
}

static int refuse_with(struct body *body, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int refuse_with(struct body *body, const char *key, const char *fmt, ...)
{
	char what[180];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return body_refuse(body, key, what);
}

/* ---- one value ---- */

static int read_text(
	struct body *body, const char *key, const json_t *v, size_t min, size_t max, bool lines, const char **ret_text)
{
	const char *text = json_string_value(v);
	size_t length = json_string_length(v);

	if (!text)
		return body_refuse(body, key, "must be a string");
	if (length < min)
		return body_refuse(body, key, "must not be empty");
	if (length > max)
		return refuse_with(body, key, "longer than %zu bytes", max);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		bool is_break = c == '\n' || c == '\r' || c == '\t';
		if ((c < 0x20 && !(lines && is_break)) || c == 0x7f)
			return body_refuse(body, key, "has control characters");
	}
	*ret_text = text;
	return 0;
}

static int read_phone(struct body *body, const char *key, const json_t *v, const char **ret_text)
{
	char number[PHONE_MAX];
	const char *text;
	int r = read_text(body, key, v, 1, 64, false, &text);

	if (r)
		return r;
	if (str_e164(text, number, sizeof(number)))
		return body_refuse(body, key, "not a phone number");
	if (number[1] ==
		'0') /* as dialled within a country, or with 00 before it (ITU-T E.164 s6: no code begins so) */
		return body_refuse(body, key, "not a phone number with its country code");
	*ret_text = arena_strdup(&body->arena, number);
	return *ret_text ? 0 : -ENOMEM;
}

static int read_integer(
	struct body *body, const char *key, const json_t *v, json_int_t min, json_int_t max, json_int_t *ret_value)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < min || n > max)
		return refuse_with(
			body, key, "must be a whole number from %lld to %lld", (long long)min, (long long)max);
	*ret_value = n;
	return 0;
}

static int read_word(struct body *body, const struct body_field *f, const json_t *v, int *ret_index)
{
	const char *text = json_string_value(v);
	char all[160];
	struct strbuf sb;

	for (int i = 0; text && f->words[i]; i++) {
		if (strcmp(text, f->words[i]) == 0) {
			*ret_index = i;
			return 0;
		}
	}
	strbuf_init(&sb, all, sizeof(all));
	for (int i = 0; f->words[i]; i++)
		strbuf_printf(&sb, "%s%s", i ? ", " : "", f->words[i]);
	return refuse_with(body, f->name, "must be one of: %s", all);
}

static int read_template(struct body *body, const char *key, const json_t *v, struct api_template *t)
{
	const char *name;
	json_t *value, *parameter;
	size_t i;
	int r = 0;

	if (!json_is_object(v))
		return body_refuse(body, key, "must be an object");
	json_object_foreach((json_t *)(uintptr_t)v, name, value)
	{
		if (strcmp(name, "name") == 0) {
			r = read_text(body, "template.name", value, 1, NAME_MAX_BYTES, false, &t->name);
		} else if (strcmp(name, "language") == 0) {
			r = read_text(body, "template.language", value, 1, LANGUAGE_MAX_BYTES, false, &t->language);
		} else if (strcmp(name, "parameters") == 0) {
			if (!json_is_array(value) || json_array_size(value) > API_PARAMETERS_MAX)
				return refuse_with(body, "template.parameters", "must be a list of at most %d",
					API_PARAMETERS_MAX);
			json_array_foreach(value, i, parameter)
			{
				r = read_text(body, "template.parameters", parameter, 1, PARAMETER_MAX_BYTES, false,
					&t->parameters[t->parameter_count++]);
				if (r)
					return r;
			}
		} else {
			return body_refuse(body, name, "no such key in a template");
		}
		if (r)
			return r;
	}
	if (!*t->name || !*t->language)
		return body_refuse(body, key, "needs name and language");
	return 0;
}

/* RFC 3261 s25.1 token, of which we take the plain ones; and only extension headers: nobody sets a Via here. */
static bool is_header_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
	size_t length = strlen(name);

	return (name[0] == 'X' || name[0] == 'x') && name[1] == '-' && length > 2 && length <= HEADER_NAME_MAX &&
	       strspn(name, allowed) == length;
}

static int read_header(struct body *body, const json_t *v, struct api_header *h)
{
	const json_t *name = json_object_get(v, "name"), *value = json_object_get(v, "value");
	int r;

	if (!name || !value || json_object_size(v) != 2)
		return body_refuse(body, "headers", "each is an object of name and value");
	r = read_text(body, "headers.name", name, 1, HEADER_NAME_MAX, false, &h->name);
	if (r)
		return r;
	if (!is_header_name(h->name))
		return body_refuse(body, "headers.name", "must begin with X- and have only letters, digits and -");
	return read_text(body, "headers.value", value, 0, HEADER_VALUE_MAX, false, &h->value);
}

static int read_headers(struct body *body, const char *key, const json_t *v, struct api_originate *o)
{
	json_t *header;
	size_t i;
	int r;

	if (!json_is_array(v) || json_array_size(v) > API_HEADERS_MAX)
		return refuse_with(body, key, "must be a list of at most %d", API_HEADERS_MAX);
	json_array_foreach((json_t *)(uintptr_t)v, i, header)
	{
		r = read_header(body, header, &o->headers[o->header_count++]);
		if (r)
			return r;
	}
	return 0;
}

/* ---- the object ---- */

static int read_number_field(struct body *body, const struct body_field *f, const json_t *v, void *place)
{
	json_int_t n = 0;
	int r = f->kind == BODY_UINT ? read_integer(body, f->name, v, f->min, f->max, &n)
				     : read_integer(body, f->name, v, 0, INT64_MAX, &n);

	if (r)
		return r;
	if (f->kind == BODY_UINT)
		*(unsigned *)place = (unsigned)n;
	else
		*(int64_t *)place = n;
	return 0;
}

static int read_word_field(struct body *body, const struct body_field *f, const json_t *v, void *place)
{
	int index = 0, r = read_word(body, f, v, &index);

	if (r)
		return r;
	if (f->kind == BODY_WORD_BOOL)
		*(bool *)place = index == 1;
	else
		memcpy(place, &index, sizeof(index));
	return 0;
}

static int read_field(struct body *body, const struct body_field *f, const json_t *v, void *whole)
{
	void *place = (char *)whole + f->offset;

	switch (f->kind) {
	case BODY_TEXT:
	case BODY_LINES: return read_text(body, f->name, v, f->min, f->max, f->kind == BODY_LINES, place);
	case BODY_PHONE: return read_phone(body, f->name, v, place);
	case BODY_UINT:
	case BODY_INT64: return read_number_field(body, f, v, place);
	case BODY_BOOL:
		if (!json_is_boolean(v))
			return body_refuse(body, f->name, "must be true or false");
		*(bool *)place = json_is_true(v);
		return 0;
	case BODY_WORD:
	case BODY_WORD_BOOL: return read_word_field(body, f, v, place);
	case BODY_TEMPLATE: return read_template(body, f->name, v, place);
	case BODY_HEADERS: return read_headers(body, f->name, v, whole);
	}
	return 0;
}

static const struct body_field *field_named(const struct body_schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->count; i++) {
		if (strcmp(schema->fields[i].name, name) == 0)
			return &schema->fields[i];
	}
	return NULL;
}

static void set_empty_texts(const struct body_schema *schema, void *whole)
{
	memset(whole, 0, schema->size);
	for (size_t i = 0; i < schema->count; i++) {
		const struct body_field *f = &schema->fields[i];
		void *place = (char *)whole + f->offset;
		if (f->kind == BODY_TEXT || f->kind == BODY_LINES || f->kind == BODY_PHONE)
			*(const char **)place = "";
		else if (f->kind == BODY_TEMPLATE)
			((struct api_template *)place)->name = ((struct api_template *)place)->language = "";
	}
}

int body_read(struct body *body, const struct body_schema *schema, const char *text, size_t length, void *ret_struct)
{
	json_error_t error;
	const char *name;
	json_t *value;
	int r;

	*body = (struct body){0};
	arena_init(&body->arena, ARENA_LIMIT);
	set_empty_texts(schema, ret_struct);
	body->top = length ? json_loadb(text, length, JSON_REJECT_DUPLICATES, &error) : json_object();
	if (!body->top && length && json_error_code(&error) != json_error_out_of_memory)
		return refuse_with(body, "", "not JSON: line %d, column %d", error.line, error.column);
	if (!body->top)
		return -ENOMEM;
	if (!json_is_object(body->top))
		return body_refuse(body, "", "the body must be a JSON object");
	json_object_foreach(body->top, name, value)
	{
		const struct body_field *f = field_named(schema, name);
		if (!f)
			return body_refuse(body, name, "no such key");
		r = json_is_null(value) ? 0 : read_field(body, f, value, ret_struct);
		if (r)
			return r;
	}
	for (size_t i = 0; i < schema->count; i++) {
		value = json_object_get(body->top, schema->fields[i].name);
		if (schema->fields[i].required && (!value || json_is_null(value)))
			return body_refuse(body, schema->fields[i].name, "is needed");
	}
	return 0;
}

void body_done(struct body *body)
{
	json_decref(body->top);
	arena_done(&body->arena);
	*body = (struct body){0};
}
