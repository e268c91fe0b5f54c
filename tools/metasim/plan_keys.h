/* tools/metasim/plan_keys.h
 *
 * Tables of keys: which JSON key goes where in a struct. Unknown keys are errors: a misspelt fault is a test that tests
 * nothing.
 */
#ifndef TOOLS_METASIM_PLAN_KEYS_H
#define TOOLS_METASIM_PLAN_KEYS_H

#include <jansson.h>
#include <stddef.h>

/* TEXT: char array. UINT: unsigned. REAL: double from 0 to 1. FLAG: bool. WORD: unsigned, place in `words`. PART: an
 * object or array that somebody else reads. */
enum plan_type { TEXT, UINT, REAL, FLAG, WORD, PART };

struct plan_key {
	const char *name;
	enum plan_type type;
	size_t offset, size;
	const char *const *words;
};

/* keys end with a NULL name. object NULL: nothing to set. Returns 0 or -EINVAL with why. */
int plan_keys_set(void *base, const struct plan_key *keys, const json_t *object, char *why, size_t why_cap);

#endif
