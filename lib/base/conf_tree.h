/* lib/base/conf_tree.h
 *
 * A YAML text as a tree that remembers lines. Private to lib/base/conf*.c. One thread.
 */
#ifndef LIB_BASE_CONF_TREE_H
#define LIB_BASE_CONF_TREE_H

#include "lib/base/arena.h"
#include "lib/base/conf.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	CONF_DEPTH_MAX = 32, /* levels of nesting; our own files need six */
	CONF_FILE_MAX_BYTES = 4 * 1024 * 1024,
};

enum conf_node_type { CONF_SCALAR, CONF_MAPPING, CONF_SEQUENCE };

struct conf_node {
	enum conf_node_type type;
	bool plain;       /* scalar without quotes: the only kind that can mean "no value" */
	unsigned line;    /* of the key in a mapping, of the value elsewhere; from 1 */
	const char *key;  /* in a mapping; NULL in a sequence and at the top */
	const char *text; /* scalar; terminated, but may hold further zero bytes */
	size_t length;
	size_t count; /* children */
	struct conf_node *parent, *next, *first, *last;
};

struct conf_file {
	char *name;
	struct arena arena; /* holds the tree */
	struct conf_node *root;
};

/* Builds f->root. f->name and f->arena are set. Returns 0, -EBADMSG with errors added (YAML syntax, aliases, several
 * documents, too deep, not UTF-8, empty) or -ENOMEM. */
int conf_tree_parse(struct conf_file *f, const char *text, size_t length, struct conf_errors *errors);

/* "file:line: path: message"; path may be empty, line 0 is left out. */
void conf_errors_add(struct conf_errors *errors, const struct conf_file *f, unsigned line, const char *path,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void conf_errors_add_v(struct conf_errors *errors, const struct conf_file *f, unsigned line, const char *path,
	const char *fmt, va_list ap) __attribute__((format(printf, 5, 0)));

/* Hold the tree against the schema; every fault becomes an error. Returns how many of them are keys that the schema
 * does not know. lib/base/conf_check.c */
size_t conf_check(const struct conf_file *f, const cyaml_schema_value_t *schema, struct conf_errors *errors);

/* Text of the file made fit for a message: control characters as '?', cut after cap - 1 bytes with "...". Returns dst.
 */
const char *conf_quote(char *dst, size_t cap, const char *text);

#endif
