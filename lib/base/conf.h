/* lib/base/conf.h
 *
 * YAML configuration. Schemas are libcyaml's; this module adds what an operator needs and libcyaml does not give: every
 * fault of the file in one go, each with file, line and key path, and lines for the checks that modules make
 * afterwards. Start-up and reload only.
 */
#ifndef LIB_BASE_CONF_H
#define LIB_BASE_CONF_H

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stddef.h>

/* One fault: "etc/watrunk.yaml:12: gateways[0].uri: not a SIP URI". Collected, never printed here. */
struct conf_errors {
	char **text;
	size_t count;
	size_t dropped; /* beyond CONF_ERRORS_MAX */
};
enum { CONF_ERRORS_MAX = 100 };

struct conf_file; /* a parsed file: knows the line of every key path */

/* Read and parse the file, hold it against the schema (unknown keys, wrong types, missing required keys, duplicate
 * keys: all of them are reported), and load it into *ret_data (cyaml memory: conf_data_free()). Returns 0 (*ret_file
 * set, also usable for conf_error()), -EBADMSG when errors were added, -ENOMEM. Where keys that nobody knows are all
 * that is wrong the rest is loaded nonetheless, with -EBADMSG, so that the caller's own checks find the other faults.
 */
int conf_load(const char *path, const cyaml_schema_value_t *schema, struct conf_file **ret_file, void **ret_data,
	struct conf_errors *errors);
/* Same, from memory, and all or nothing; name stands for the file in messages. */
int conf_load_text(const char *name, const char *text, size_t length, const cyaml_schema_value_t *schema,
	struct conf_file **ret_file, void **ret_data, struct conf_errors *errors);
void conf_data_free(const cyaml_schema_value_t *schema, void *data);
struct conf_file *conf_file_free(struct conf_file *f);

/* Line of "gateways[0].uri"; of the nearest existing parent when the key itself is absent; 0 when nothing matches. */
int conf_line(const struct conf_file *f, const char *key_path);
/* Add an error about a key: used by the modules' own checks. */
void conf_error(struct conf_errors *errors, const struct conf_file *f, const char *key_path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void conf_errors_done(struct conf_errors *errors);

/* A secret: literal text, "env:NAME" or "file:PATH" (one trailing newline is cut). *ret_value is malloc'd, to be wiped
 * by conf_secret_free(). Returns 0 or -ENOENT (variable unset, file unreadable), -EINVAL (empty), -ENOMEM; the reason,
 * fit for a person and without the secret, in why[why_cap]. */
int conf_secret(const char *text, char **ret_value, char *why, size_t why_cap);
void conf_secret_free(char *value);

#endif
