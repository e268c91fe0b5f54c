/* tests/fuzz/conf/fuzz_conf.c
 *
 * Any bytes as a configuration file. Held: an answer is either data without errors or errors without data; libcyaml
 * never refuses what our own check let pass; every message is one line of clean text.
 */
#include "lib/base/conf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct peer {
	char *uri;
	uint16_t port;
	int32_t weight;
	bool on;
};

struct root {
	char *name;
	char tag[4];
	int kind;
	unsigned options;
	float gain;
	struct peer *peers;
	unsigned peers_count;
	struct peer *spare;
	uint8_t pair[2];
};

static const cyaml_strval_t kinds[] = {{"one", 1}, {"two", 2}};

static const cyaml_schema_field_t peer_fields[] = {
	CYAML_FIELD_STRING_PTR("uri", CYAML_FLAG_POINTER, struct peer, uri, 1, 64),
	CYAML_FIELD_UINT("port", CYAML_FLAG_OPTIONAL, struct peer, port),
	CYAML_FIELD_INT("weight", CYAML_FLAG_OPTIONAL, struct peer, weight),
	CYAML_FIELD_BOOL("on", CYAML_FLAG_OPTIONAL, struct peer, on),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t peer_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct peer, peer_fields)};
static const cyaml_schema_value_t octet_value = {CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint8_t)};

static const cyaml_schema_field_t root_fields[] = {
	CYAML_FIELD_STRING_PTR(
		"name", CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL, struct root, name, 0, CYAML_UNLIMITED),
	CYAML_FIELD_STRING("tag", CYAML_FLAG_OPTIONAL, struct root, tag, 0),
	CYAML_FIELD_ENUM("kind", CYAML_FLAG_OPTIONAL | CYAML_FLAG_CASE_INSENSITIVE, struct root, kind, kinds, 2),
	CYAML_FIELD_FLAGS("options", CYAML_FLAG_OPTIONAL, struct root, options, kinds, 2),
	CYAML_FIELD_FLOAT("gain", CYAML_FLAG_OPTIONAL, struct root, gain),
	CYAML_FIELD_SEQUENCE("peers", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct root, peers, &peer_value, 0, 8),
	CYAML_FIELD_MAPPING_PTR(
		"spare", CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL, struct root, spare, peer_fields),
	CYAML_FIELD_SEQUENCE_FIXED("pair", CYAML_FLAG_OPTIONAL, struct root, pair, &octet_value, 2),
	CYAML_FIELD_IGNORE("notes", CYAML_FLAG_OPTIONAL),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct root, root_fields)};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_errors errors = {0};
	struct conf_file *file = NULL;
	void *root = NULL;
	int r = conf_load_text("f", (const char *)data, size, &schema, &file, &root, &errors);

	if (r == 0) {
		if (!root || !file || errors.count)
			abort();
		if (conf_line(file, "peers[1].uri") < 0)
			abort();
		conf_data_free(&schema, root);
		conf_file_free(file);
	} else if (r != -EBADMSG || root || file || !errors.count) {
		abort();
	}
	for (size_t i = 0; i < errors.count; i++) {
		for (const char *at = errors.text[i]; *at; at++)
			if ((unsigned char)*at < 0x20)
				abort();
		/* What only libcyaml finds has no line. */
		if (errors.text[i][1] != ':' || errors.text[i][2] == ' ')
			abort();
	}
	conf_errors_done(&errors);
	return 0;
}
