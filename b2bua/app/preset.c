/* b2bua/app/preset.c
 *
 * Which keys there are is not repeated here: libcyaml's table of a gateway's fields is walked, so that a preset may
 * have whatever a gateway may have.
 */
#include "b2bua/app/preset.h"

#include "lib/base/assert.h"
#include "lib/base/str.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FIELDS_MAX = 96, NAMES_MAX = 600, PRESET_FILE_MAX_BYTES = 65536 };

/* ---- those compiled in ---- */

const struct preset_text *preset_find(const char *name)
{
	for (size_t i = 0; i < preset_text_count; i++)
		if (strcmp(preset_texts[i].name, name) == 0)
			return &preset_texts[i];
	return NULL;
}

void preset_summary(const struct preset_text *preset, char *dst, size_t cap)
{
	const char *line = preset->text + strspn(preset->text, "# ");

	(void)str_copy_n(dst, cap, line, strcspn(line, "\n"));
}

/* ---- reading one ---- */

/* A gateway's fields without its name, and without another preset. */
static cyaml_schema_field_t fields[FIELDS_MAX];
static const cyaml_schema_value_t schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct gateway_yaml, fields)};

static void make_fields(void)
{
	size_t n = 0;

	for (const cyaml_schema_field_t *f = config_gateway_fields; f->key; f++) {
		ASSERT(n + 1 < FIELDS_MAX);
		if (strcmp(f->key, "name") != 0 && strcmp(f->key, "preset") != 0)
			fields[n++] = *f;
	}
	fields[n] = (cyaml_schema_field_t)CYAML_FIELD_END;
}

/* A configuration is read on one thread and freed on another. */
static const cyaml_schema_value_t *preset_schema(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_fields);
	return &schema;
}

static bool is_path(const char *name)
{
	size_t length = strlen(name);

	return strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".yaml") == 0);
}

/* From the configuration's folder, wherever watrunk was started. */
static char *path_of(struct arena *a, const char *config_path, const char *name)
{
	const char *slash = strrchr(config_path, '/');

	if (*name == '/' || !slash)
		return arena_strdup(a, name);
	return arena_printf(a, "%.*s/%s", (int)(slash - config_path), config_path, name);
}

struct reading {
	struct presets *p;
	const char *config_path;
	const struct conf_file *file; /* the configuration */
	struct conf_errors *errors;
	char key[64];
};

static int load_text(struct reading *rd, const char *name, const char *text, size_t length, void **ret_data)
{
	struct conf_file *file = NULL;
	int r = conf_load_text(name, text, length, preset_schema(), &file, ret_data, rd->errors);

	conf_file_free(file);
	return r;
}

static int load_path(struct reading *rd, const char *name, void **ret_data)
{
	char *path = path_of(&rd->p->arena, rd->config_path, name);
	struct conf_file *file = NULL;
	struct stat st;
	int r;

	if (!path)
		return -ENOMEM;
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > PRESET_FILE_MAX_BYTES) {
		conf_error(rd->errors, rd->file, rd->key, "\"%s\" is not a file with a preset", path);
		return -EBADMSG;
	}
	r = conf_load(path, preset_schema(), &file, ret_data, rd->errors);
	conf_file_free(file);
	return r;
}

static void unknown(struct reading *rd, const char *name)
{
	char names[NAMES_MAX];
	struct strbuf sb;

	strbuf_init(&sb, names, sizeof(names));
	for (size_t i = 0; i < preset_text_count; i++)
		strbuf_printf(&sb, "%s%s", i ? ", " : "", preset_texts[i].name);
	conf_error(rd->errors, rd->file, rd->key, "there is no preset \"%s\"; known: %s; or the path of a file", name,
		names);
}

/* *ret_preset NULL: there were faults, which have been told. */
static int load_preset(struct reading *rd, const char *name, struct gateway_yaml **ret_preset)
{
	const struct preset_text *known = is_path(name) ? NULL : preset_find(name);
	char title[96];
	void *data = NULL;
	int r = 0;

	*ret_preset = NULL;
	if (is_path(name)) {
		r = load_path(rd, name, &data);
	} else if (known) {
		snprintf(title, sizeof(title), "preset %s", known->name);
		r = load_text(rd, title, known->text, known->length, &data);
	} else {
		unknown(rd, name);
	}
	*ret_preset = data;
	return r == -ENOMEM ? r : 0;
}

/* ---- merging ---- */

static int merge(struct arena *a, const cyaml_schema_field_t *known, char *own, const char *preset)
{
	for (const cyaml_schema_field_t *f = known; f->key; f++) {
		void **mine = (void **)(own + f->data_offset);
		void *const *theirs = (void *const *)(preset + f->data_offset);
		char *both;
		if (!(f->value.flags & CYAML_FLAG_POINTER) || !*theirs)
			continue;
		if (!*mine) {
			*mine = *theirs;
			if (f->value.type == CYAML_SEQUENCE)
				memcpy(own + f->count_offset, preset + f->count_offset, f->count_size);
			continue;
		}
		if (f->value.type != CYAML_MAPPING)
			continue;
		both = arena_alloc(a, f->value.data_size);
		if (!both)
			return -ENOMEM;
		memcpy(both, *mine, f->value.data_size); /* the file's own stays as libcyaml made it */
		*mine = both;
		if (merge(a, f->value.mapping.fields, both, *theirs))
			return -ENOMEM;
	}
	return 0;
}

/* ---- placeholders of `uri` ---- */

static int put_value(struct reading *rd, size_t i, struct strbuf *sb, const char *name, size_t length)
{
	const struct gateway_yaml *g = &rd->p->merged[i];
	const bool is_host = length == 4 && memcmp(name, "host", 4) == 0;
	const char *value = is_host ? g->host : g->account;

	if (!is_host && !(length == 7 && memcmp(name, "account", 7) == 0))
		conf_error(rd->errors, rd->file, rd->key, "\"{%.*s}\": only {host} and {account} are known here",
			(int)length, name);
	else if (!value)
		conf_error(rd->errors, rd->file, rd->key, "is %s: give %s", g->uri, is_host ? "host" : "account");
	else if (value[strcspn(value, "{}<>\"@;? \t")] || !*value)
		conf_error(rd->errors, rd->file, rd->key, "%s \"%s\" cannot stand in a URI",
			is_host ? "host" : "account", value);
	else {
		strbuf_put(sb, value);
		return 0;
	}
	return -EBADMSG;
}

static int fill_uri(struct reading *rd, size_t i)
{
	struct gateway_yaml *g = &rd->p->merged[i];
	char text[1024];
	struct strbuf sb;

	if (!g->uri || !strchr(g->uri, '{'))
		return 0;
	strbuf_init(&sb, text, sizeof(text));
	snprintf(rd->key, sizeof(rd->key), "gateways[%zu].uri", i);
	for (const char *p = g->uri; *p;) {
		size_t literal = strcspn(p, "{"), name;
		strbuf_put_n(&sb, p, literal);
		p += literal;
		if (!*p)
			break;
		name = strcspn(p + 1, "}");
		if (put_value(rd, i, &sb, p + 1, name)) {
			g->uri = NULL;
			rd->p->told[i] = true;
			return 0;
		}
		p += name + 1;
		p += *p == '}';
	}
	g->uri = arena_strdup(&rd->p->arena, sb.truncated ? "" : text);
	return g->uri ? 0 : -ENOMEM;
}

/* ---- the door ---- */

static int merge_one(struct reading *rd, size_t i)
{
	struct presets *p = rd->p;
	char *own_uri = p->merged[i].uri;
	int r;

	snprintf(rd->key, sizeof(rd->key), "gateways[%zu].preset", i);
	if (!p->merged[i].preset)
		return fill_uri(rd, i);
	r = load_preset(rd, p->merged[i].preset, &p->loaded[i]);
	p->told[i] = !p->loaded[i];
	if (r == 0 && p->loaded[i])
		r = merge(&p->arena, config_gateway_fields, (char *)&p->merged[i], (const char *)p->loaded[i]);
	if (p->merged[i].registered_as)
		p->merged[i].uri = own_uri; /* it says itself where it is */
	return r ? r : fill_uri(rd, i);
}

int presets_merge(struct presets *p, const struct gateway_yaml *gateways, size_t count, const char *config_path,
	const struct conf_file *file, struct conf_errors *errors)
{
	struct reading rd = {.p = p, .config_path = config_path, .file = file, .errors = errors};
	int r = 0;

	memset(p, 0, sizeof(*p));
	arena_init(&p->arena, 0);
	p->merged = calloc(count ? count : 1, sizeof(*p->merged));
	p->loaded = calloc(count ? count : 1, sizeof(void *));
	p->told = calloc(count ? count : 1, sizeof(*p->told));
	if (!p->merged || !p->loaded || !p->told)
		return -ENOMEM;
	p->count = count;
	memcpy(p->merged, gateways, count * sizeof(*gateways));
	for (size_t i = 0; r == 0 && i < count; i++)
		r = merge_one(&rd, i);
	return r;
}

void presets_free(struct presets *p)
{
	for (size_t i = 0; p->loaded && i < p->count; i++)
		if (p->loaded[i])
			conf_data_free(preset_schema(), p->loaded[i]);
	free(p->merged);
	free(p->loaded);
	free(p->told);
	arena_done(&p->arena);
	memset(p, 0, sizeof(*p));
}
