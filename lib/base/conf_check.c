/* lib/base/conf_check.c
 *
 * The file's tree against a libcyaml schema. libcyaml stops at the first fault and names no line; and it takes "10ms"
 * for the number 10, "010" for 8, and any word it does not know for true. Here each of these is an error, and all are
 * reported together.
 */
#include "lib/base/conf_tree.h"

#include "lib/base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_BYTES = 512, NAMES_MAX_BYTES = 400, QUOTE_MAX_BYTES = 40, NEAR_MAX_DISTANCE = 2, NAME_MAX_BYTES = 40 };

struct check {
	const struct conf_file *file;
	struct conf_errors *errors;
	char path_text[PATH_MAX_BYTES];
	struct strbuf path;
	size_t unknown_keys;
};

/* The value's place is c->path. */
#define FAULT(c, node, ...) conf_errors_add((c)->errors, (c)->file, (node)->line, (c)->path.text, __VA_ARGS__)

static void path_push_key(struct check *c, const char *key)
{
	char quoted[QUOTE_MAX_BYTES + 4];
	strbuf_printf(&c->path, "%s%s", c->path.length ? "." : "", conf_quote(quoted, sizeof(quoted), key));
}

static void path_cut(struct check *c, size_t length)
{
	c->path.length = length;
	c->path.text[length] = '\0';
}

/* ---- names: keys, enum words, and what the writer may have meant ---- */

/* Levenshtein distance, for short words. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_BYTES + 1], la = strlen(a), lb = strlen(b);

	if (la > NAME_MAX_BYTES || lb > NAME_MAX_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[lb];
}

/* Names known at one place, seen one by one: the nearest to a given word, and the list of all. */
struct names {
	const char *word, *nearest;
	size_t nearest_distance;
	char text[NAMES_MAX_BYTES];
	struct strbuf list;
};

static void names_init(struct names *n, const char *word)
{
	size_t half = strlen(word) / 2;

	n->word = word;
	n->nearest = NULL;
	n->nearest_distance = (half < NEAR_MAX_DISTANCE ? half : NEAR_MAX_DISTANCE) + 1;
	strbuf_init(&n->list, n->text, sizeof(n->text));
}

static void names_add(struct names *n, const char *name)
{
	size_t d = distance(n->word, name);

	if (d < n->nearest_distance) {
		n->nearest = name;
		n->nearest_distance = d;
	}
	strbuf_printf(&n->list, "%s%s", n->list.length ? ", " : "", name);
}

static void names_fault(struct check *c, const struct conf_node *node, struct names *n, const char *what)
{
	char quoted[QUOTE_MAX_BYTES + 4];
	const char *more = n->list.truncated ? " ..." : "";

	conf_quote(quoted, sizeof(quoted), n->word);
	if (n->nearest)
		FAULT(c, node, "unknown %s \"%s\"; did you mean \"%s\"? Known: %s%s", what, quoted, n->nearest, n->text,
			more);
	else
		FAULT(c, node, "unknown %s \"%s\"; known: %s%s", what, quoted, n->text, more);
}

/* As libcyaml compares: exactly, unless the schema says otherwise. */
static bool name_equal(const cyaml_schema_value_t *schema, const char *a, const char *b)
{
	return schema->flags & CYAML_FLAG_CASE_INSENSITIVE ? str_equal_nocase(a, b) : str_equal(a, b);
}

/* ---- scalars ---- */

static const char *describe(const struct conf_node *node, char *dst, size_t cap)
{
	char quoted[QUOTE_MAX_BYTES + 4];
	struct strbuf sb;

	strbuf_init(&sb, dst, cap);
	if (node->type == CONF_MAPPING)
		strbuf_put(&sb, "keys and values");
	else if (node->type == CONF_SEQUENCE)
		strbuf_put(&sb, "a list");
	else if (!node->length)
		strbuf_put(&sb, node->plain ? "nothing" : "empty text");
	else
		strbuf_printf(&sb, "\"%s\"", conf_quote(quoted, sizeof(quoted), node->text));
	return dst;
}

static void wrong(struct check *c, const struct conf_node *node, const char *expected)
{
	char found[QUOTE_MAX_BYTES + 16];
	FAULT(c, node, "must be %s, not %s", expected, describe(node, found, sizeof(found)));
}

/* Decimal or 0x, nothing else around it. Returns 0, -EINVAL, -ERANGE. *ret_magnitude without the sign. */
static int parse_integer(const char *text, bool *ret_negative, uint64_t *ret_magnitude)
{
	char *end;

	*ret_negative = *text == '-';
	if (*text == '-' || *text == '+')
		text++;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	if (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
		return -EINVAL; /* octal to libcyaml, decimal to most people */
	errno = 0;
	*ret_magnitude = strtoull(text, &end, 0);
	if (*end)
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

static void check_integer(struct check *c, const struct conf_node *node, const cyaml_schema_value_t *schema)
{
	unsigned bits = schema->data_size * 8;
	uint64_t max = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	uint64_t lowest = 0, magnitude;
	bool negative;
	char expected[96];
	int r = parse_integer(node->text, &negative, &magnitude);

	if (schema->type == CYAML_INT) {
		max >>= 1;
		lowest = max + 1;
	}
	if (r == 0 && magnitude <= (negative ? lowest : max))
		return;
	snprintf(expected, sizeof(expected), "a whole number from %s%" PRIu64 " to %" PRIu64, lowest ? "-" : "", lowest,
		max);
	wrong(c, node, expected);
}

static void check_float(struct check *c, const struct conf_node *node, const cyaml_schema_value_t *schema)
{
	char *end;
	double v;

	errno = 0;
	v = schema->data_size == sizeof(float) ? (double)strtof(node->text, &end) : strtod(node->text, &end);
	if (end == node->text || *end || errno || !isfinite(v))
		wrong(c, node, "a number");
}

static void check_bool(struct check *c, const struct conf_node *node)
{
	static const char *const words[] = {"true", "false", "yes", "no", "on", "off"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_equal_nocase(node->text, words[i]))
			return;
	wrong(c, node, "true or false");
}

static void check_word(struct check *c, const struct conf_node *node, const cyaml_schema_value_t *schema)
{
	struct names names;

	for (uint32_t i = 0; i < schema->enumeration.count; i++)
		if (name_equal(schema, node->text, schema->enumeration.strings[i].str))
			return;
	names_init(&names, node->text);
	for (uint32_t i = 0; i < schema->enumeration.count; i++)
		names_add(&names, schema->enumeration.strings[i].str);
	names_fault(c, node, &names, "value");
}

/* Never shows the text: it may be a secret. */
static void check_string(struct check *c, const struct conf_node *node, const cyaml_schema_value_t *schema)
{
	uint32_t max = schema->string.max;

	if (!(schema->flags & CYAML_FLAG_POINTER) && max > schema->data_size - 1)
		max = schema->data_size - 1;
	if (node->length < schema->string.min)
		FAULT(c, node,
			node->length ? "is too short: at least %" PRIu32 " bytes"
				     : "is empty: at least %" PRIu32 " bytes",
			schema->string.min);
	else if (node->length > max)
		FAULT(c, node, "is too long: %zu bytes, at most %" PRIu32, node->length, max);
}

static void check_scalar(struct check *c, const struct conf_node *node, const cyaml_schema_value_t *schema)
{
	if (strlen(node->text) != node->length) {
		FAULT(c, node, "holds a zero byte");
		return;
	}
	switch (schema->type) {
	case CYAML_INT:
	case CYAML_UINT: check_integer(c, node, schema); break;
	case CYAML_BOOL: check_bool(c, node); break;
	case CYAML_ENUM: check_word(c, node, schema); break;
	case CYAML_FLOAT: check_float(c, node, schema); break;
	case CYAML_STRING: check_string(c, node, schema); break;
	default: break;
	}
}

/* ---- mappings and sequences ---- */

static void check_value(struct check *c, const struct conf_node *node, const cyaml_schema_value_t *schema);

static const cyaml_schema_field_t *field_find(const cyaml_schema_value_t *schema, const char *key)
{
	const cyaml_schema_field_t *field = schema->mapping.fields;

	while (field->key && !name_equal(schema, key, field->key))
		field++;
	return field->key ? field : NULL;
}

/* The first member of this name; NULL: none. */
static const struct conf_node *member_find(
	const struct conf_node *node, const cyaml_schema_value_t *schema, const char *key)
{
	const struct conf_node *child = node->first;

	while (child && !name_equal(schema, child->key, key))
		child = child->next;
	return child;
}

static void check_member(struct check *c, const struct conf_node *node, const struct conf_node *child,
	const cyaml_schema_value_t *schema)
{
	const cyaml_schema_field_t *field = field_find(schema, child->key);
	const struct conf_node *first;
	struct names names;

	if (!field) {
		names_init(&names, child->key);
		for (field = schema->mapping.fields; field->key; field++)
			names_add(&names, field->key);
		names_fault(c, child, &names, "key");
		c->unknown_keys++;
		return;
	}
	first = member_find(node, schema, child->key);
	if (first != child)
		FAULT(c, child, "given twice; first on line %u", first->line);
	else
		check_value(c, child, &field->value);
}

static void check_mapping(struct check *c, const struct conf_node *node, const cyaml_schema_value_t *schema)
{
	size_t here = c->path.length;

	for (const struct conf_node *child = node->first; child; child = child->next) {
		path_push_key(c, child->key);
		check_member(c, node, child, schema);
		path_cut(c, here);
	}
	for (const cyaml_schema_field_t *f = schema->mapping.fields; f->key; f++) {
		if ((f->value.flags & CYAML_FLAG_OPTIONAL) || member_find(node, schema, f->key))
			continue;
		path_push_key(c, f->key);
		FAULT(c, node, "is missing; it is required");
		path_cut(c, here);
	}
}

static void check_sequence(struct check *c, const struct conf_node *node, const cyaml_schema_value_t *schema)
{
	size_t here = c->path.length, index = 0;

	if (node->count < schema->sequence.min)
		FAULT(c, node, "has %zu entries; at least %" PRIu32 " are needed", node->count, schema->sequence.min);
	else if (node->count > schema->sequence.max)
		FAULT(c, node, "has %zu entries; at most %" PRIu32 " are allowed", node->count, schema->sequence.max);
	for (const struct conf_node *child = node->first; child; child = child->next) {
		strbuf_printf(&c->path, "[%zu]", index++);
		check_value(c, child, schema->sequence.entry);
		path_cut(c, here);
	}
}

/* A list of words, each a bit. */
static void check_flags(struct check *c, const struct conf_node *node, const cyaml_schema_value_t *schema)
{
	size_t here = c->path.length, index = 0;

	for (const struct conf_node *child = node->first; child; child = child->next) {
		strbuf_printf(&c->path, "[%zu]", index++);
		if (child->type != CONF_SCALAR)
			wrong(c, child, "a word");
		else
			check_word(c, child, schema);
		path_cut(c, here);
	}
}

static bool means_null(const struct conf_node *node, const cyaml_schema_value_t *schema)
{
	static const char *const words[] = {"~", "null", "Null", "NULL"};

	if (node->type != CONF_SCALAR || (schema->flags & CYAML_FLAG_POINTER_NULL) != CYAML_FLAG_POINTER_NULL)
		return false;
	if (!node->length)
		return true;
	if ((schema->flags & CYAML_FLAG_POINTER_NULL_STR) != CYAML_FLAG_POINTER_NULL_STR)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(node->text, words[i]) == 0)
			return true;
	return false;
}

static void check_value(struct check *c, const struct conf_node *node, const cyaml_schema_value_t *schema)
{
	enum conf_node_type expected = CONF_SCALAR;
	const char *expected_name = "a single value";

	if (schema->type == CYAML_IGNORE || means_null(node, schema))
		return;
	if (schema->type == CYAML_MAPPING || schema->type == CYAML_BITFIELD) {
		expected = CONF_MAPPING;
		expected_name = "keys and values";
	} else if (schema->type == CYAML_SEQUENCE || schema->type == CYAML_SEQUENCE_FIXED ||
		   schema->type == CYAML_FLAGS) {
		expected = CONF_SEQUENCE;
		expected_name = "a list";
	}
	if (node->type != expected)
		wrong(c, node, expected_name);
	else if (schema->type == CYAML_MAPPING)
		check_mapping(c, node, schema);
	else if (schema->type == CYAML_FLAGS)
		check_flags(c, node, schema);
	else if (expected == CONF_SEQUENCE)
		check_sequence(c, node, schema);
	else if (expected == CONF_SCALAR)
		check_scalar(c, node, schema);
}

size_t conf_check(const struct conf_file *f, const cyaml_schema_value_t *schema, struct conf_errors *errors)
{
	struct check c = {.file = f, .errors = errors};

	strbuf_init(&c.path, c.path_text, sizeof(c.path_text));
	check_value(&c, f->root, schema);
	return c.unknown_keys;
}
