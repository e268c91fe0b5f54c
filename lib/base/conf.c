/* lib/base/conf.c
 *
 *   text -> conf_tree_parse() -> tree with lines -> conf_check() against the schema -> libcyaml loads what is known to
 * be right
 *
 * The tree stays with the conf_file, so that later checks can name lines.
 */
#include "lib/base/conf.h"

#include "lib/base/assert.h"
#include "lib/base/conf_tree.h"
#include "lib/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MESSAGE_MAX_BYTES = 1200 };

/* ---- errors ---- */

const char *conf_quote(char *dst, size_t cap, const char *text)
{
	size_t left = strlen(text), n = 0;
	const size_t dots = 3;

	ASSERT(cap > dots);
	while (left) {
		size_t bytes = str_utf8_char(text, left);
		bool odd = bytes == 0 || (unsigned char)*text < 0x20 || *text == 0x7f;
		bytes = bytes ? bytes : 1;
		if (n + bytes > cap - 1 - (left > bytes ? dots : 0)) {
			memcpy(dst + n, "...", dots);
			n += dots;
			break;
		}
		if (odd)
			dst[n++] = '?';
		else
			memcpy(dst + n, text, bytes);
		n += odd ? 0 : bytes;
		text += bytes;
		left -= bytes;
	}
	dst[n] = '\0';
	return dst;
}

static void errors_take(struct conf_errors *errors, const char *message)
{
	char **text, *copy;

	if (errors->count == CONF_ERRORS_MAX) {
		errors->dropped++;
		return;
	}
	text = realloc(errors->text, (errors->count + 1) * sizeof(*text));
	if (text)
		errors->text = text;
	copy = text ? strdup(message) : NULL;
	if (copy)
		errors->text[errors->count++] = copy;
	else
		errors->dropped++;
}

void conf_errors_add_v(struct conf_errors *errors, const struct conf_file *f, unsigned line, const char *path,
	const char *fmt, va_list ap)
{
	char message[MESSAGE_MAX_BYTES], what[MESSAGE_MAX_BYTES / 2];
	struct strbuf sb;

	strbuf_init(&sb, message, sizeof(message));
	strbuf_put(&sb, f->name);
	if (line)
		strbuf_printf(&sb, ":%u", line);
	strbuf_put(&sb, ": ");
	if (*path)
		strbuf_printf(&sb, "%s: ", path);
	vsnprintf(what, sizeof(what), fmt, ap);
	for (char *p = what; *p; p++) { /* a value with a line end in it must not look like two faults */
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	strbuf_put(&sb, what);
	errors_take(errors, message);
}

void conf_errors_add(
	struct conf_errors *errors, const struct conf_file *f, unsigned line, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conf_errors_add_v(errors, f, line, path, fmt, ap);
	va_end(ap);
}

void conf_error(struct conf_errors *errors, const struct conf_file *f, const char *key_path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conf_errors_add_v(errors, f, (unsigned)conf_line(f, key_path), key_path, fmt, ap);
	va_end(ap);
}

void conf_errors_done(struct conf_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		free(errors->text[i]);
	free(errors->text);
	*errors = (struct conf_errors){0};
}

/* ---- lines ---- */

static const struct conf_node *child_by_key(const struct conf_node *node, const char *key, size_t length)
{
	const struct conf_node *child = node->type == CONF_MAPPING ? node->first : NULL;

	while (child && (strncmp(child->key, key, length) != 0 || child->key[length]))
		child = child->next;
	return child;
}

/* text points at "[12]"; moves *ret_end behind it. */
static const struct conf_node *child_by_index(const struct conf_node *node, const char *text, const char **ret_end)
{
	const struct conf_node *child = node->type == CONF_SEQUENCE ? node->first : NULL;
	char *end;
	unsigned long index = strtoul(text + 1, &end, 10);

	*ret_end = *end == ']' ? end + 1 : end + strlen(end);
	while (child && index--)
		child = child->next;
	return child;
}

int conf_line(const struct conf_file *f, const char *key_path)
{
	const struct conf_node *node = f->root, *child;
	const char *at = key_path;
	int line = 0;

	while (*at) {
		if (*at == '[') {
			child = child_by_index(node, at, &at);
		} else {
			size_t length = strcspn(at, ".[");
			child = child_by_key(node, at, length);
			at += length;
		}
		at += *at == '.';
		if (!child)
			return line;
		node = child;
		line = (int)node->line;
	}
	return line;
}

/* ---- loading ---- */

/* cyaml_mem(), but through our own realloc, so that the tests can make it fail. */
static void *memory(void *ctx, void *at, size_t size)
{
	(void)ctx;
	if (size == 0) {
		free(at);
		return NULL;
	}
	return realloc(at, size);
}

/* No log function: its messages name no lines, and quote values. */
static const cyaml_config_t cyaml_config = {.mem_fn = memory, .flags = CYAML_CFG_NO_ALIAS};
static const cyaml_config_t cyaml_known_keys = {
	.mem_fn = memory, .flags = CYAML_CFG_NO_ALIAS | CYAML_CFG_IGNORE_UNKNOWN_KEYS};

static int load_data(const struct conf_file *f, const char *text, size_t length, const cyaml_schema_value_t *schema,
	const cyaml_config_t *how, void **ret_data, struct conf_errors *errors)
{
	cyaml_err_t err = cyaml_load_data((const uint8_t *)text, length, how, schema, ret_data, NULL);

	if (err == CYAML_OK)
		return 0;
	if (err == CYAML_ERR_OOM)
		return -ENOMEM;
	/* A fault that conf_check() does not know: worse to stay silent than to name no line. */
	conf_errors_add(errors, f, 0, "", "%s", cyaml_strerror(err));
	return -EBADMSG;
}

/* What some editors put before UTF-8. libyaml, told that the text is UTF-8, takes it for a document of its own. */
static void skip_mark(const char **text, size_t *length)
{
	static const char mark[] = "\xef\xbb\xbf";
	const size_t n = sizeof(mark) - 1;

	if (*length < n || memcmp(*text, mark, n) != 0)
		return;
	*text += n;
	*length -= n;
}

/* -EBADMSG and data: all that is wrong are unknown keys. */
static int load_text(const char *name, const char *text, size_t length, const cyaml_schema_value_t *schema,
	bool known_keys, struct conf_file **ret_file, void **ret_data, struct conf_errors *errors)
{
	size_t errors_before = errors->count + errors->dropped;
	struct conf_file *f = calloc(1, sizeof(*f));
	void *data = NULL;
	size_t unknown, faults;
	int r = -ENOMEM;

	ASSERT(schema->type != CYAML_SEQUENCE); /* its count would have no place to go */
	if (!f)
		return r;
	skip_mark(&text, &length);
	arena_init(&f->arena, 0);
	f->name = strdup(name);
	if (!f->name)
		goto fail;
	r = conf_tree_parse(f, text, length, errors);
	if (r)
		goto fail;
	unknown = conf_check(f, schema, errors);
	faults = errors->count + errors->dropped - errors_before;
	r = -EBADMSG;
	if (faults == 0 || (known_keys && faults == unknown))
		r = load_data(f, text, length, schema, faults ? &cyaml_known_keys : &cyaml_config, &data, errors);
	if (r)
		goto fail;
	*ret_file = f;
	*ret_data = data;
	return faults ? -EBADMSG : 0;
fail:
	conf_file_free(f);
	return r;
}

int conf_load_text(const char *name, const char *text, size_t length, const cyaml_schema_value_t *schema,
	struct conf_file **ret_file, void **ret_data, struct conf_errors *errors)
{
	return load_text(name, text, length, schema, false, ret_file, ret_data, errors);
}

static int read_whole(const char *path, char **ret_text, size_t *ret_length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;
	size_t cap = 0, used = 0;
	char *text = NULL;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	/* One byte past the limit is enough for the parse to refuse it. */
	while (n && used <= CONF_FILE_MAX_BYTES) {
		if (used == cap) {
			char *more = realloc(text, cap = cap ? cap * 2 : 8192);
			if (!more) {
				r = -ENOMEM;
				break;
			}
			text = more;
		}
		n = read(fd, text + used, cap - used);
		if (n < 0 && errno != EINTR) {
			r = -errno;
			break;
		}
		used += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	if (r) {
		free(text);
		return r;
	}
	*ret_text = text;
	*ret_length = used;
	return 0;
}

int conf_load(const char *path, const cyaml_schema_value_t *schema, struct conf_file **ret_file, void **ret_data,
	struct conf_errors *errors)
{
	struct conf_file unread = {.name = (char *)path};
	char *text = NULL;
	size_t length = 0;
	int r = read_whole(path, &text, &length);

	if (r == -ENOMEM)
		return r;
	if (r) {
		conf_errors_add(errors, &unread, 0, "", "cannot be read: %s", strerror(-r));
		return -EBADMSG;
	}
	r = load_text(path, text, length, schema, true, ret_file, ret_data, errors);
	free(text);
	return r;
}

void conf_data_free(const cyaml_schema_value_t *schema, void *data)
{
	if (data)
		(void)cyaml_free(&cyaml_config, schema, data, 0);
}

struct conf_file *conf_file_free(struct conf_file *f)
{
	if (f) {
		arena_done(&f->arena);
		free(f->name);
		free(f);
	}
	return NULL;
}
