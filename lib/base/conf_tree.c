/* lib/base/conf_tree.c
 *
 * libyaml's events, made into a tree. What a configuration file has no need of (aliases, several documents, keys that
 * are lists, endless nesting) is refused here, so that neither the checks nor libcyaml ever meet it.
 */
#include "lib/base/conf_tree.h"

#include "lib/base/str.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

struct builder {
	struct conf_file *file;
	struct conf_errors *errors;
	struct conf_node *open; /* innermost mapping or sequence not yet ended */
	const char *key;        /* read, its value not yet; NULL: a key comes next in a mapping */
	unsigned key_line;
	unsigned depth, documents;
};

static unsigned line_of(yaml_mark_t mark)
{
	return (unsigned)mark.line + 1;
}

/* The reader's faults carry an offset in place of a line. */
static unsigned line_of_offset(const char *text, size_t length, size_t offset)
{
	unsigned line = 1;
	for (size_t i = 0; i < length && i < offset; i++)
		line += text[i] == '\n';
	return line;
}

static int syntax_error(const struct builder *b, const yaml_parser_t *parser, const char *text, size_t length)
{
	const char *problem = parser->problem ? parser->problem : "cannot be read";
	size_t at = parser->problem_mark.index;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		conf_errors_add(b->errors, b->file, line_of_offset(text, length, parser->problem_offset), "",
			"not valid UTF-8 text: %s", problem);
	else if (parser->error == YAML_SCANNER_ERROR && at < length && text[at] == '\t')
		conf_errors_add(b->errors, b->file, line_of(parser->problem_mark), "",
			"YAML syntax: a tab; indent with spaces");
	else if (parser->context && parser->context_mark.line != parser->problem_mark.line)
		conf_errors_add(b->errors, b->file, line_of(parser->problem_mark), "",
			"YAML syntax: %s (%s that began on line %u)", problem, parser->context,
			line_of(parser->context_mark));
	else
		conf_errors_add(b->errors, b->file, line_of(parser->problem_mark), "", "YAML syntax: %s", problem);
	return -EBADMSG;
}

static int refuse(const struct builder *b, yaml_mark_t mark, const char *why)
{
	conf_errors_add(b->errors, b->file, line_of(mark), "", "%s", why);
	return -EBADMSG;
}

/* A node of the given type, hung where the parse stands. Consumes the pending key. */
static int add_node(struct builder *b, enum conf_node_type type, yaml_mark_t mark, struct conf_node **ret_node)
{
	struct conf_node *n = arena_alloc(&b->file->arena, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->type = type;
	n->line = line_of(mark);
	n->parent = b->open;
	if (b->key) {
		n->key = b->key;
		n->line = b->key_line;
		b->key = NULL;
	}
	if (!b->open)
		b->file->root = n;
	else if (b->open->last)
		b->open->last->next = n;
	else
		b->open->first = n;
	if (b->open) {
		b->open->last = n;
		b->open->count++;
	}
	*ret_node = n;
	return 0;
}

static bool wants_key(const struct builder *b)
{
	return b->open && b->open->type == CONF_MAPPING && !b->key;
}

static int on_scalar(struct builder *b, const yaml_event_t *ev)
{
	const char *value = (const char *)ev->data.scalar.value;
	size_t length = ev->data.scalar.length;
	char *copy = arena_alloc(&b->file->arena, length + 1);
	struct conf_node *n;
	int r;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, length);
	if (wants_key(b)) {
		if (strlen(copy) != length)
			return refuse(b, ev->start_mark, "a zero byte in a key");
		b->key = copy;
		b->key_line = line_of(ev->start_mark);
		return 0;
	}
	r = add_node(b, CONF_SCALAR, ev->start_mark, &n);
	if (r)
		return r;
	n->text = copy;
	n->length = length;
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

static int on_start(struct builder *b, enum conf_node_type type, const yaml_event_t *ev)
{
	struct conf_node *n;
	int r;

	if (wants_key(b))
		return refuse(b, ev->start_mark, "a key must be a word, not a list or a mapping");
	if (b->depth == CONF_DEPTH_MAX)
		return refuse(b, ev->start_mark, "nested too deeply");
	r = add_node(b, type, ev->start_mark, &n);
	if (r)
		return r;
	b->open = n;
	b->depth++;
	return 0;
}

static int on_event(struct builder *b, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++)
			return refuse(
				b, ev->start_mark, "a second YAML document begins here; one file is one document");
		return 0;
	case YAML_ALIAS_EVENT:
		return refuse(b, ev->start_mark, "YAML aliases (*name) are not supported; write the value out");
	case YAML_SCALAR_EVENT: return on_scalar(b, ev);
	case YAML_MAPPING_START_EVENT: return on_start(b, CONF_MAPPING, ev);
	case YAML_SEQUENCE_START_EVENT: return on_start(b, CONF_SEQUENCE, ev);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		b->open = b->open->parent;
		b->depth--;
		return 0;
	default: return 0;
	}
}

static int parse_events(struct builder *b, yaml_parser_t *parser, const char *text, size_t length)
{
	bool end = false;
	int r = 0;

	while (!end && r == 0) {
		yaml_event_t ev;
		if (!yaml_parser_parse(parser, &ev))
			return syntax_error(b, parser, text, length);
		end = ev.type == YAML_STREAM_END_EVENT;
		r = on_event(b, &ev);
		yaml_event_delete(&ev);
	}
	return r;
}

int conf_tree_parse(struct conf_file *f, const char *text, size_t length, struct conf_errors *errors)
{
	struct builder b = {.file = f, .errors = errors};
	yaml_parser_t parser;
	int r;

	if (length > CONF_FILE_MAX_BYTES) {
		conf_errors_add(errors, f, 0, "", "longer than %d bytes", CONF_FILE_MAX_BYTES);
		return -EBADMSG;
	}
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	r = parse_events(&b, &parser, text, length);
	yaml_parser_delete(&parser);
	if (r == 0 && (!f->root || (f->root->type == CONF_SCALAR && f->root->plain && !f->root->length))) {
		conf_errors_add(errors, f, 1, "", "holds no configuration");
		r = -EBADMSG;
	}
	return r;
}
