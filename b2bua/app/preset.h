/* b2bua/app/preset.h
 *
 * Presets: what is known of a kind of peer, as data with a gateway's keys. Those of etc/presets are compiled in; a path
 * names one of somebody's own. What a gateway says itself stands before what its preset says, key by key, also within
 * `headers` and `caller`.
 */
#ifndef B2BUA_APP_PRESET_H
#define B2BUA_APP_PRESET_H

#include "b2bua/app/config_schema.h"
#include "lib/base/arena.h"
#include "lib/base/conf.h"

#include <stddef.h>

struct preset_text {
	const char *name, *text; /* YAML; its first line is a comment: what it is for */
	size_t length;
};
/* Those compiled in, by name in alphabetical order: made from etc/presets by cmake/presets.cmake. */
extern const struct preset_text preset_texts[];
extern const size_t preset_text_count;

/* NULL: none has this name. */
const struct preset_text *preset_find(const char *name);
/* What it is for: one line, without its end. */
void preset_summary(const struct preset_text *preset, char *dst, size_t cap);

/* What the gateways of one configuration took from presets. */
struct presets {
	struct arena arena; /* merged texts and nested mappings */
	struct gateway_yaml
		*merged; /* one for each gateway of the file; members borrowed from the file and from loaded */
	struct gateway_yaml **loaded; /* libcyaml's */
	bool *told;                   /* one for each: it has no `uri`, and why is among the faults */
	size_t count;
};

/* gateways: of the file `file`, at path `config_path`, from whose folder relative paths of presets are taken. Faults go
 * into errors. {host} and {account} in the preset's `uri` become the gateway's values. Returns 0 or -ENOMEM; to be
 * freed in either case. */
int presets_merge(struct presets *p, const struct gateway_yaml *gateways, size_t count, const char *config_path,
	const struct conf_file *file, struct conf_errors *errors);
void presets_free(struct presets *p);

#endif
