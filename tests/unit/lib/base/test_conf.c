/* tests/unit/lib/base/test_conf.c */
#include "lib/base/conf.h"

#include "tests/support/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum mode { MODE_SLOW, MODE_FAST };

struct gateway {
	char *uri;
	uint16_t port;
	bool tls;
};

struct sample {
	char *name;
	enum mode mode;
	int8_t gain;
	uint64_t big;
	double ratio;
	char code[5];
	unsigned features;
	struct gateway *gateways;
	unsigned gateways_count;
	struct gateway *spare;
	char **words;
	unsigned words_count;
};

static const cyaml_strval_t modes[] = {{"slow", MODE_SLOW}, {"fast", MODE_FAST}};
static const cyaml_strval_t features[] = {{"dtmf", 1}, {"hold", 2}, {"transfer", 4}};

static const cyaml_schema_field_t gateway_fields[] = {
	CYAML_FIELD_STRING_PTR("uri", CYAML_FLAG_POINTER, struct gateway, uri, 1, CYAML_UNLIMITED),
	CYAML_FIELD_UINT("port", CYAML_FLAG_OPTIONAL, struct gateway, port),
	CYAML_FIELD_BOOL("tls", CYAML_FLAG_OPTIONAL, struct gateway, tls),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t gateway_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct gateway, gateway_fields)};
static const cyaml_schema_value_t word_value = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, 8)};

static const cyaml_schema_field_t sample_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct sample, name, 1, 16),
	CYAML_FIELD_ENUM("mode", CYAML_FLAG_OPTIONAL, struct sample, mode, modes, 2),
	CYAML_FIELD_INT("gain", CYAML_FLAG_OPTIONAL, struct sample, gain),
	CYAML_FIELD_UINT("big", CYAML_FLAG_OPTIONAL, struct sample, big),
	CYAML_FIELD_FLOAT("ratio", CYAML_FLAG_OPTIONAL, struct sample, ratio),
	CYAML_FIELD_STRING("code", CYAML_FLAG_OPTIONAL, struct sample, code, 0),
	CYAML_FIELD_FLAGS("features", CYAML_FLAG_OPTIONAL, struct sample, features, features, 3),
	CYAML_FIELD_SEQUENCE("gateways", CYAML_FLAG_POINTER, struct sample, gateways, &gateway_value, 1, 3),
	CYAML_FIELD_MAPPING_PTR(
		"spare", CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL, struct sample, spare, gateway_fields),
	CYAML_FIELD_SEQUENCE("words", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct sample, words, &word_value, 0,
		CYAML_UNLIMITED),
	CYAML_FIELD_IGNORE("notes", CYAML_FLAG_OPTIONAL),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct sample, sample_fields)};

static const char good[] = "# comment\n"
			   "name: trunk one\n"
			   "mode: fast\n"
			   "gain: -128\n"
			   "big: 18446744073709551615\n"
			   "ratio: 0.25\n"
			   "code: abcd\n"
			   "features: [dtmf, transfer]\n"
			   "gateways:\n"
			   "  - uri: sip:a@example.com\n"
			   "    port: 0x1F90\n"
			   "  - uri: sip:b@example.com\n"
			   "    tls: Yes\n"
			   "spare:\n"
			   "words: [a, \"\", ünï]\n"
			   "notes: {anything: [goes, {here: 1}]}\n";

struct loaded {
	struct conf_file *file;
	struct sample *sample;
	struct conf_errors errors;
};

static int load(struct loaded *l, const char *text, size_t length)
{
	void *data = NULL;
	int r;

	memset(l, 0, sizeof(*l));
	r = conf_load_text("t.yaml", text, length, &schema, &l->file, &data, &l->errors);
	l->sample = data;
	return r;
}

static void unload(struct loaded *l)
{
	conf_data_free(&schema, l->sample);
	conf_file_free(l->file);
	conf_errors_done(&l->errors);
}

/* It was a syntax error of the second line. */
static void a_byte_order_mark_is_passed_over(void **state)
{
	char text[4096];
	struct loaded l;
	int n = snprintf(text, sizeof(text), "\xef\xbb\xbf%s", good);

	(void)state;
	assert_int_equal(load(&l, text, (size_t)n), 0);
	assert_string_equal(l.sample->name, "trunk one");
	assert_int_equal(conf_line(l.file, "name"), 2);
	unload(&l);
}

/* Unknown keys only: the rest is there for further checks. */
static void unknown_keys_are_told_and_the_rest_is_loaded(void **state)
{
	char path[] = "/tmp/watrunk-conf-XXXXXX", text[4096];
	int fd = mkstemp(path), n = snprintf(text, sizeof(text), "%snmae: x\n", good);
	struct loaded l = {0};
	void *data = NULL;

	(void)state;
	assert_true(fd >= 0 && write(fd, text, (size_t)n) == n);
	close(fd);
	assert_int_equal(conf_load(path, &schema, &l.file, &data, &l.errors), -EBADMSG);
	unlink(path);
	l.sample = data;
	assert_int_equal(l.errors.count, 1);
	assert_non_null(strstr(l.errors.text[0], "did you mean \"name\""));
	assert_non_null(l.sample);
	assert_string_equal(l.sample->name, "trunk one");
	unload(&l);
	assert_int_equal(load(&l, text, (size_t)n), -EBADMSG); /* from memory: all or nothing */
	assert_null(l.sample);
	unload(&l);
}

static void loads_every_type(void **state)
{
	struct loaded l;

	(void)state;
	assert_int_equal(load(&l, good, strlen(good)), 0);
	assert_int_equal(l.errors.count, 0);
	assert_string_equal(l.sample->name, "trunk one");
	assert_int_equal(l.sample->mode, MODE_FAST);
	assert_int_equal(l.sample->gain, -128);
	assert_true(l.sample->big == UINT64_MAX);
	assert_true(l.sample->ratio == 0.25);
	assert_string_equal(l.sample->code, "abcd");
	assert_int_equal(l.sample->features, 5);
	assert_int_equal(l.sample->gateways_count, 2);
	assert_int_equal(l.sample->gateways[0].port, 8080);
	assert_true(l.sample->gateways[1].tls);
	assert_null(l.sample->spare);
	assert_int_equal(l.sample->words_count, 3);
	assert_string_equal(l.sample->words[2], "ünï");
	unload(&l);
}

static void knows_lines(void **state)
{
	static const struct {
		const char *path;
		int line;
	} lines[] = {
		{"name", 2},
		{"gateways", 9},
		{"gateways[0]", 10},
		{"gateways[0].uri", 10},
		{"gateways[0].port", 11},
		{"gateways[1].tls", 13},
		{"gateways[1].absent", 12},
		{"gateways[7].uri", 9},
		{"gateways[x", 10},
		{"name.sub", 2},
		{"words[1]", 15},
		{"nothing", 0},
		{"", 0},
		{"[0]", 0},
	};
	struct loaded l;

	(void)state;
	assert_int_equal(load(&l, good, strlen(good)), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (conf_line(l.file, lines[i].path) != lines[i].line)
			fail_msg("%s: line %d", lines[i].path, conf_line(l.file, lines[i].path));
	conf_error(&l.errors, l.file, "gateways[1].uri", "not %s", "reachable");
	assert_string_equal(l.errors.text[0], "t.yaml:12: gateways[1].uri: not reachable");
	unload(&l);
}

#define NEED "name: n\ngateways: [{uri: u}]\n"

/* Texts with one fault each, and the whole message. */
static const struct {
	const char *text, *message;
} faults[] = {
	{"gateways: [{uri: u}]\n", "t.yaml:1: name: is missing; it is required"},
	{"name: n\n", "t.yaml:1: gateways: is missing; it is required"},
	{"name: n\ngateways:\n  - port: 1\n", "t.yaml:3: gateways[0].uri: is missing; it is required"},
	{"name: n\ngateways: []\n", "t.yaml:2: gateways: has 0 entries; at least 1 are needed"},
	{"name: n\ngateways: [{uri: u},{uri: u},{uri: u},{uri: u}]\n",
		"t.yaml:2: gateways: has 4 entries; at most 3 are allowed"},
	{"name: n\ngateways:\n", "t.yaml:2: gateways: must be a list, not nothing"},
	{"name: n\ngateways: {uri: u}\n", "t.yaml:2: gateways: must be a list, not keys and values"},
	{"name: n\ngateways: [sip]\n", "t.yaml:2: gateways[0]: must be keys and values, not \"sip\""},
	{NEED "mod: fast\n",
		"t.yaml:3: mod: unknown key \"mod\"; did you mean \"mode\"? Known: name, mode, gain, big, ratio, code, "
		"features, gateways, spare, words, notes"},
	{NEED "spare: {uri: u, elsewhere: 1}\n",
		"t.yaml:3: spare.elsewhere: unknown key \"elsewhere\"; known: uri, port, tls"},
	{NEED "mode: fsat\n", "t.yaml:3: mode: unknown value \"fsat\"; did you mean \"fast\"? Known: slow, fast"},
	{NEED "mode: 1\n", "t.yaml:3: mode: unknown value \"1\"; known: slow, fast"},
	{NEED "mode: [fast]\n", "t.yaml:3: mode: must be a single value, not a list"},
	{NEED "features: [dtmf, park]\n", "t.yaml:3: features[1]: unknown value \"park\"; known: dtmf, hold, transfer"},
	{NEED "features: dtmf\n", "t.yaml:3: features: must be a list, not \"dtmf\""},
	{NEED "features: [[dtmf]]\n", "t.yaml:3: features[0]: must be a word, not a list"},
	{NEED "gain: 128\n", "t.yaml:3: gain: must be a whole number from -128 to 127, not \"128\""},
	{NEED "gain: -129\n", "t.yaml:3: gain: must be a whole number from -128 to 127, not \"-129\""},
	{NEED "gain: 10ms\n", "t.yaml:3: gain: must be a whole number from -128 to 127, not \"10ms\""},
	{NEED "gain: 010\n", "t.yaml:3: gain: must be a whole number from -128 to 127, not \"010\""},
	{NEED "gain: ''\n", "t.yaml:3: gain: must be a whole number from -128 to 127, not empty text"},
	{NEED "gain:\n", "t.yaml:3: gain: must be a whole number from -128 to 127, not nothing"},
	{NEED "gain: 1.5\n", "t.yaml:3: gain: must be a whole number from -128 to 127, not \"1.5\""},
	{NEED "big: -1\n", "t.yaml:3: big: must be a whole number from 0 to 18446744073709551615, not \"-1\""},
	{NEED "big: 18446744073709551616\n",
		"t.yaml:3: big: must be a whole number from 0 to 18446744073709551615, not \"18446744073709551616\""},
	{NEED "ratio: half\n", "t.yaml:3: ratio: must be a number, not \"half\""},
	{NEED "ratio: 1e999\n", "t.yaml:3: ratio: must be a number, not \"1e999\""},
	{NEED "ratio: .nan\n", "t.yaml:3: ratio: must be a number, not \".nan\""},
	{NEED "spare: {uri: u, tls: ja}\n", "t.yaml:3: spare.tls: must be true or false, not \"ja\""},
	{NEED "code: abcde\n", "t.yaml:3: code: is too long: 5 bytes, at most 4"},
	{NEED "words: [123456789]\n", "t.yaml:3: words[0]: is too long: 9 bytes, at most 8"},
	{NEED "words: [\"a\\0b\"]\n", "t.yaml:3: words[0]: holds a zero byte"},
	{NEED "spare: {uri: ''}\n", "t.yaml:3: spare.uri: is empty: at least 1 bytes"},
	{NEED "name: m\n", "t.yaml:3: name: given twice; first on line 1"},
	{NEED "? [a, b]\n: c\n", "t.yaml:3: a key must be a word, not a list or a mapping"},
	{NEED "words: [&x a, *x]\n", "t.yaml:3: YAML aliases (*name) are not supported; write the value out"},
	{NEED "--- \nname: n\n", "t.yaml:3: a second YAML document begins here; one file is one document"},
	{NEED "\tgain: 1\n", "t.yaml:3: YAML syntax: a tab; indent with spaces"},
	{NEED "words: [a\nmode: fast\n", "t.yaml:4: YAML syntax: did not find expected ',' or ']' (while parsing a "
					 "flow sequence that began on line 3)"},
	{NEED "# \xff\n", "t.yaml:3: not valid UTF-8 text: invalid leading UTF-8 octet"},
	{NEED "\"a\\0\": 1\n", "t.yaml:3: a zero byte in a key"},
	{NEED "\"a\\n\\e[0m\": 1\n",
		"t.yaml:3: a??[0m: unknown key \"a??[0m\"; known: name, mode, gain, big, ratio, code, "
		"features, gateways, spare, words, notes"},
	{"", "t.yaml:1: holds no configuration"},
	{"# only a comment\n", "t.yaml:1: holds no configuration"},
	{"---\n", "t.yaml:1: holds no configuration"},
	{"just text\n", "t.yaml:1: must be keys and values, not \"just text\""},
	{"- a\n", "t.yaml:1: must be keys and values, not a list"},
};

static void each_fault_has_place_and_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct loaded l;
		int r = load(&l, faults[i].text, strlen(faults[i].text));

		if (r != -EBADMSG || l.errors.count != 1 || strcmp(l.errors.text[0], faults[i].message) != 0) {
			for (size_t k = 0; k < l.errors.count; k++)
				print_error("%s\n", l.errors.text[k]);
			fail_msg("case %zu: r %d, %zu errors, wanted: %s", i, r, l.errors.count, faults[i].message);
		}
		assert_null(l.file);
		assert_null(l.sample);
		unload(&l);
	}
}

static void all_faults_in_one_go(void **state)
{
	static const char text[] = "nmae: x\n"
				   "mode: quick\n"
				   "gateways:\n"
				   "  - uri: u\n"
				   "    port: 70000\n"
				   "  - port: x\n";
	static const char *const starts[] = {"t.yaml:1: nmae: unknown key", "t.yaml:2: mode: unknown value",
		"t.yaml:5: gateways[0].port: must be", "t.yaml:6: gateways[1].port: must be",
		"t.yaml:6: gateways[1].uri: is missing", "t.yaml:1: name: is missing"};
	struct loaded l;

	(void)state;
	assert_int_equal(load(&l, text, strlen(text)), -EBADMSG);
	assert_int_equal(l.errors.count, 6);
	for (size_t i = 0; i < 6; i++)
		if (strncmp(l.errors.text[i], starts[i], strlen(starts[i])) != 0)
			fail_msg("%zu: %s", i, l.errors.text[i]);
	unload(&l);
}

static void errors_are_bounded(void **state)
{
	char text[64 + 150 * 8];
	size_t n = (size_t)snprintf(text, sizeof(text), NEED);
	struct loaded l;

	(void)state;
	for (int i = 0; i < 150; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "x%d: 1\n", i);
	assert_int_equal(load(&l, text, n), -EBADMSG);
	assert_int_equal(l.errors.count, CONF_ERRORS_MAX);
	assert_int_equal(l.errors.dropped, 50);
	unload(&l);
}

static void nesting_is_bounded(void **state)
{
	char text[4096] = NEED "notes: ";
	struct loaded l;

	(void)state;
	memset(text + strlen(text), '[', 3000);
	assert_int_equal(load(&l, text, strlen(text)), -EBADMSG);
	assert_int_equal(l.errors.count, 1);
	assert_string_equal(l.errors.text[0], "t.yaml:3: nested too deeply");
	unload(&l);
}

static void string_values_are_never_shown(void **state)
{
	static const char text[] = NEED "code: topsecret\nwords: [topsecret]\nspare: {uri: u, tls: [topsecret]}\n";
	struct loaded l;

	(void)state;
	assert_int_equal(load(&l, text, strlen(text)), -EBADMSG);
	for (size_t i = 0; i < l.errors.count; i++)
		assert_null(strstr(l.errors.text[i], "topsecret"));
	unload(&l);
}

static void out_of_memory_anywhere(void **state)
{
	(void)state;
	for (unsigned n = 1; oom_next(n); n++) {
		struct loaded l;
		int r = load(&l, good, strlen(good));
		bool failed = oom_off();
		if (r != (failed ? -ENOMEM : 0))
			fail_msg("allocation %u: %d", n, r);
		unload(&l);
	}
	/* Where errors themselves cannot be stored, they still count. */
	for (unsigned n = 1; oom_next(n); n++) {
		struct loaded l;
		int r = load(&l, NEED "gain: x\n", strlen(NEED "gain: x\n"));
		oom_off();
		assert_true(r == -ENOMEM || (r == -EBADMSG && l.errors.count + l.errors.dropped == 1));
		unload(&l);
	}
}

static void make_file(char *path, const char *bytes, size_t length)
{
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	close(fd);
}

static void loads_files(void **state)
{
	char path[] = "/tmp/test_conf_XXXXXX";
	struct conf_errors errors = {0};
	struct conf_file *file;
	void *data;

	(void)state;
	make_file(path, good, strlen(good));
	for (unsigned n = 1; oom_next(n); n++) {
		int r = conf_load(path, &schema, &file, &data, &errors);
		assert_int_equal(r, oom_off() ? -ENOMEM : 0);
		if (r == 0) {
			conf_data_free(&schema, data);
			conf_file_free(file);
		}
	}
	unlink(path);
	assert_int_equal(conf_load("/tmp/no/such.yaml", &schema, &file, &data, &errors), -EBADMSG);
	assert_string_equal(errors.text[0], "/tmp/no/such.yaml: cannot be read: No such file or directory");
	assert_int_equal(conf_load("/", &schema, &file, &data, &errors), -EBADMSG);
	assert_string_equal(errors.text[1], "/: cannot be read: Is a directory");
	assert_int_equal(conf_load("/dev/zero", &schema, &file, &data, &errors), -EBADMSG);
	assert_string_equal(errors.text[2], "/dev/zero: longer than 4194304 bytes");
	conf_errors_done(&errors);
}

static void secret_is(const char *text, int expected, const char *value, const char *reason)
{
	char why[128] = "", *secret = NULL;
	int r = conf_secret(text, &secret, why, sizeof(why));

	if (r != expected || strcmp(why, reason) != 0)
		fail_msg("%s: %d %s", text, r, why);
	if (value)
		assert_string_equal(secret, value);
	else
		assert_null(secret);
	conf_secret_free(secret);
}

static void secrets(void **state)
{
	char path[] = "/tmp/test_conf_XXXXXX", text[64], reason[128];
	static char big[20000];

	(void)state;
	secret_is("plain", 0, "plain", "");
	secret_is("", -EINVAL, NULL, "the value is empty");
	secret_is(NULL, -EINVAL, NULL, "the value is empty");
	setenv("TEST_CONF_SECRET", "from env", 1);
	secret_is("env:TEST_CONF_SECRET", 0, "from env", "");
	setenv("TEST_CONF_SECRET", "", 1);
	secret_is("env:TEST_CONF_SECRET", -EINVAL, NULL, "environment variable TEST_CONF_SECRET is empty");
	unsetenv("TEST_CONF_SECRET");
	secret_is("env:TEST_CONF_SECRET", -ENOENT, NULL, "environment variable TEST_CONF_SECRET is not set");
	secret_is("env:", -ENOENT, NULL, "environment variable  is not set");
	secret_is("file:/no/such", -ENOENT, NULL, "file /no/such cannot be read: No such file or directory");

	static const struct {
		const char *bytes;
		size_t length;
		const char *value, *reason;
	} files[] = {
		{"abc\n", 4, "abc", ""},
		{"abc\r\n", 5, "abc", ""},
		{"abc\n\n", 5, "abc\n", ""},
		{"abc", 3, "abc", ""},
		{"\n", 1, NULL, " is empty"},
		{"", 0, NULL, " is empty"},
		{"a\0b", 3, NULL, " holds a zero byte"},
		{big, sizeof(big), NULL, " is longer than 16384 bytes"},
	};
	memset(big, 'x', sizeof(big));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		strcpy(path, "/tmp/test_conf_XXXXXX");
		make_file(path, files[i].bytes, files[i].length);
		snprintf(text, sizeof(text), "file:%s", path);
		snprintf(reason, sizeof(reason), "file %s%s", path, files[i].reason);
		secret_is(text, files[i].value ? 0 : -EINVAL, files[i].value, files[i].value ? "" : reason);
		unlink(path);
	}
	oom_fail_nth(1);
	secret_is("plain", -ENOMEM, NULL, "out of memory");
	oom_off();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_every_type),
		cmocka_unit_test(a_byte_order_mark_is_passed_over),
		cmocka_unit_test(unknown_keys_are_told_and_the_rest_is_loaded),
		cmocka_unit_test(knows_lines),
		cmocka_unit_test(each_fault_has_place_and_reason),
		cmocka_unit_test(all_faults_in_one_go),
		cmocka_unit_test(errors_are_bounded),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(string_values_are_never_shown),
		cmocka_unit_test(out_of_memory_anywhere),
		cmocka_unit_test(loads_files),
		cmocka_unit_test(secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
