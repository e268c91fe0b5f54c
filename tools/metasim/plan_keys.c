/* tools/metasim/plan_keys.c -- see plan_keys.h */
#include "tools/metasim/plan_keys.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { UINT_MAX_VALUE = 100000000 };

static int set_word(unsigned *at, const struct plan_key *k, const json_t *v)
{
	for (unsigned i = 0; json_is_string(v) && k->words[i]; i++) {
		if (strcmp(k->words[i], json_string_value(v)) == 0) {
			*at = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_key(void *base, const struct plan_key *k, const json_t *v)
{
	char *at = (char *)base + k->offset;
	double real;

	switch (k->type) {
	case TEXT:
		if (!json_is_string(v) || json_string_length(v) >= k->size)
			return -EINVAL;
		strcpy(at, json_string_value(v));
		return 0;
	case UINT:
		if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > UINT_MAX_VALUE)
			return -EINVAL;
		*(unsigned *)at = (unsigned)json_integer_value(v);
		return 0;
	case REAL:
		real = json_is_number(v) ? json_number_value(v) : -1;
		if (real < 0 || real > 1)
			return -EINVAL;
		memcpy(at, &real, sizeof(real));
		return 0;
	case FLAG:
		if (!json_is_boolean(v))
			return -EINVAL;
		*(bool *)at = json_is_true(v);
		return 0;
	case WORD: return set_word((unsigned *)at, k, v);
	case PART: return 0;
	}
	return -EINVAL;
}

int plan_keys_set(void *base, const struct plan_key *keys, const json_t *object, char *why, size_t why_cap)
{
	const char *name;
	json_t *v;

	if (object && !json_is_object(object)) {
		snprintf(why, why_cap, "an object was expected");
		return -EINVAL;
	}
	json_object_foreach((json_t *)object, name, v)
	{
		const struct plan_key *k = keys;
		while (k->name && strcmp(k->name, name) != 0)
			k++;
		if (!k->name || set_key(base, k, v)) {
			snprintf(why, why_cap, "\"%s\": %s", name, k->name ? "wrong kind of value" : "no such key");
			return -EINVAL;
		}
	}
	return 0;
}
