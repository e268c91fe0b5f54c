/* webhook/leaf.c */
#include "webhook/leaf.h"

#include "lib/base/str.h"

#include <string.h>

static const char *text_of(const json_t *json)
{
	const char *s = json_string_value(json);
	return s && strlen(s) == json_string_length(json) ? s : "";
}

const char *leaf_text(const json_t *object, const char *name)
{
	return text_of(json_object_get(object, name));
}

const char *leaf_number_text(const json_t *object, const char *name)
{
	const char *s = leaf_text(object, name);
	return *s == '+' ? s + 1 : s;
}

uint64_t leaf_u64(const json_t *object, const char *name)
{
	const json_t *json = json_object_get(object, name);
	uint64_t value = 0;

	if (json_is_integer(json))
		return json_integer_value(json) > 0 ? (uint64_t)json_integer_value(json) : 0;
	if (json_is_real(json))
		return json_real_value(json) > 0 && json_real_value(json) < 1e15 ? (uint64_t)json_real_value(json) : 0;
	(void)str_to_u64(text_of(json), 0, INT64_MAX, &value);
	return value;
}

bool leaf_bool(const json_t *object, const char *name)
{
	const json_t *json = json_object_get(object, name);
	return json_is_true(json) || str_equal_nocase(text_of(json), "true");
}

const char *leaf_first(const char *a, const char *b)
{
	return *a ? a : b;
}
