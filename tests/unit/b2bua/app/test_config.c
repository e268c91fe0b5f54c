/* Configuration files good and bad (tests/golden/config), secrets, defaults, memory. */
#include "b2bua/app/config.h"

#include "tests/support/oom.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define GOLDEN "tests/golden/config/"

static struct config *load(const char *path)
{
	struct conf_errors errors = {0};
	struct config *c = NULL;
	int r = config_load(path, &c, &errors);

	for (size_t i = 0; i < errors.count; i++)
		print_message("%s\n", errors.text[i]);
	assert_int_equal(r, 0);
	assert_int_equal(errors.count + errors.dropped, 0);
	conf_errors_done(&errors);
	return c;
}

static bool read_file(const char *path, char *text, size_t cap)
{
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	text[fread(text, 1, cap - 1, f)] = '\0';
	fclose(f);
	return true;
}

/* The lines of NAME.errors, in their order, and no other. */
static void check_refused(const char *path, const char *expected)
{
	struct conf_errors errors = {0};
	struct config *c = NULL;
	const char *at = expected;

	assert_int_equal(config_load(path, &c, &errors), -EBADMSG);
	assert_null(c);
	for (size_t i = 0; i < errors.count; i++) {
		size_t length = strcspn(at, "\n");
		if (strlen(errors.text[i]) != length || strncmp(errors.text[i], at, length) != 0)
			fail_msg("%s\n     not: %.*s", errors.text[i], (int)length, at);
		at += length + (at[length] == '\n');
	}
	if (*at)
		fail_msg("%s: this fault was not told: %s", path, at);
	conf_errors_done(&errors);
}

static void test_golden_files(void **state)
{
	(void)state;
	static char expected[65536];
	DIR *dir = opendir(GOLDEN);
	const struct dirent *entry;
	unsigned good = 0, bad = 0;

	assert_non_null(dir);
	setenv("WATRUNK_TEST_EMPTY", "", 1);
	unsetenv("WATRUNK_TEST_UNSET");
	while ((entry = readdir(dir))) {
		char path[512], errors[512];
		size_t stem = strlen(entry->d_name) - 5;
		if (strlen(entry->d_name) < 6 || strcmp(entry->d_name + stem, ".yaml") != 0)
			continue;
		snprintf(path, sizeof(path), GOLDEN "%s", entry->d_name);
		snprintf(errors, sizeof(errors), GOLDEN "%.*s.errors", (int)stem, entry->d_name);
		if (read_file(errors, expected, sizeof(expected))) {
			check_refused(path, expected);
			bad++;
		} else {
			config_free(load(path));
			good++;
		}
	}
	closedir(dir);
	assert_true(good >= 2 && bad >= 8);
}

static void test_unreadable_file(void **state)
{
	(void)state;
	check_refused(
		"tests/golden/nowhere.yaml", "tests/golden/nowhere.yaml: cannot be read: No such file or directory");
	check_refused("tests/golden", "tests/golden: cannot be read: Is a directory");
	assert_null(config_free(NULL));
}

static void test_defaults(void **state)
{
	(void)state;
	struct config *c = load(GOLDEN "minimal.yaml");

	assert_string_equal(c->path, GOLDEN "minimal.yaml");
	assert_string_equal(c->webhook.path, "/webhook");
	assert_string_equal(c->graph.base_url, "https://graph.facebook.com");
	assert_int_equal(c->graph.timeout_ms, 5000);
	assert_int_equal(c->webhook.app_secret_count, 1);
	const struct config_number *n = &c->numbers[0];
	assert_true(n->enabled && n->inbound && n->outbound);
	assert_int_equal(n->max_calls, 1000);
	assert_int_equal(n->call.accept_window_ms, 29000);
	assert_int_equal(n->call.default_ring_ms, 60000);
	assert_int_equal(n->call.media_wait_ms, 2000);
	assert_true(n->call.use_pre_accept);
	assert_ptr_equal(n->call.dialplan, c->dialplan);
	assert_int_equal(n->call.gateway_count, 1);
	assert_int_equal(c->gateways[0].codecs[0], AUDIO_PCMU);
	assert_int_equal(c->gateways[0].codecs[1], AUDIO_PCMA);
	assert_int_equal(c->gateways[0].codecs[2], AUDIO_NONE);
	assert_int_equal(c->gateways[0].ptime_ms, 20);
	assert_int_equal(c->gateways[0].srtp, MEDIA_SRTP_OFF);
	assert_int_equal(c->media.wa_port_min, 40000);
	assert_int_equal(c->media.sip_port_max, 29999);
	assert_int_equal(c->media.max_sessions, 2000);
	assert_int_equal(c->media.opus_complexity, 0);
	assert_int_equal(c->media.opus_complexity_max, 5);
	assert_true(addr_is_any(&c->media.bind));
	assert_int_equal(c->sip.t1x64_ms, 32000);
	assert_int_equal(c->sip.digest, SIP_DIGEST_MD5);
	assert_string_equal(c->sip.public_address, "");
	assert_int_equal(c->log.level, LOG_LEVEL_INFO);
	assert_int_equal(c->log.format, LOG_FORMAT_TEXT);
	assert_false(c->store.keep_sdp);
	config_free(c);
}

static void test_every_key(void **state)
{
	(void)state;
	struct config *c = load(GOLDEN "everything.yaml");
	char host[ADDR_TEXT_MAX];

	assert_string_equal(c->webhook.path, "/hooks/whatsapp");
	assert_string_equal(c->webhook.verify_token, "verify-me");
	assert_string_equal(c->admin.token, "admin-token");
	assert_int_equal(c->graph.timeout_ms, 100);
	assert_int_equal(c->sip.listen_count, 2);
	assert_int_equal(c->sip.listen[1].transport, SIP_TCP);
	assert_int_equal(addr_port(&c->sip.listen[1].addr), 5061);
	assert_true(c->sip.drop_strangers);
	assert_int_equal(c->sip.digest, SIP_DIGEST_SHA256);
	assert_int_equal(c->sip.t1x64_ms, 1000);
	assert_string_equal(addr_host(&c->media.bind, host, sizeof(host)), "127.0.0.1");
	assert_int_equal(c->media.wa_port_max, 30010);
	assert_int_equal(c->media.workers, 64);
	assert_int_equal(c->media.jbuf_min_ms, 40);
	assert_int_equal(c->media.jbuf_max_ms, 500);
	assert_int_equal(c->media.opus_bitrate, 6000);
	assert_int_equal(c->media.opus_complexity, 10);
	assert_int_equal(c->media.opus_complexity_max, 10); /* a number is that, always */
	assert_int_equal(c->media.opus_loss_percent, 50);
	assert_false(c->keep_greeting);
	assert_int_equal(c->media.ice_timeout_ms, 1000);
	assert_int_equal(c->media.wa_silence_timeout_ms, 3600000);
	assert_int_equal(c->media.sip_silence_timeout_ms, 1000);
	assert_int_equal(c->gateways[0].codecs[0], AUDIO_PCMA);
	assert_int_equal(c->gateways[0].codecs[1], AUDIO_NONE);
	assert_int_equal(c->gateways[0].ptime_ms, 60);
	assert_int_equal(c->gateways[0].srtp, MEDIA_SRTP_REQUIRE);
	assert_int_equal(c->gateway_sources[1].addr_count, 1);
	assert_true(addr_is_v6(&c->gateway_sources[1].addrs[0]));
	assert_int_equal(dialplan_rule_count(c->dialplan), 2);
	assert_true(c->store.keep_sdp);
	assert_int_equal(c->log.level, LOG_LEVEL_DEBUG);
	assert_int_equal(c->log.format, LOG_FORMAT_JSON);
	assert_false(c->numbers[0].call.use_pre_accept);
	assert_int_equal(c->numbers[0].call.default_ring_ms, 120000);
	assert_int_equal(c->numbers[0].call.media_wait_ms, 0);
	config_free(c);
}

/* What a number says for itself goes before what is said for all. */
static void test_number_overrides(void **state)
{
	(void)state;
	struct config *c = load(GOLDEN "everything.yaml");
	const struct config_number *one = config_number_by_id(c, "1"),
				   *two = config_number_by_number(c, "+12025550124");

	assert_int_equal(c->number_count, 3);
	assert_string_equal(one->number, "+12025550123"); /* written as people write it */
	assert_false(one->enabled || one->inbound || one->outbound);
	assert_int_equal(one->max_calls, 1);
	assert_int_equal(one->call.accept_window_ms, 119000);
	assert_null(one->app_secret);
	assert_string_equal(two->phone_number_id, "2");
	assert_string_equal(two->app_secret, "secret-two");
	assert_true(two->enabled && two->inbound);
	assert_int_equal(two->call.accept_window_ms, 29000);
	/* The receiver takes each different secret, once. */
	assert_int_equal(c->webhook.app_secret_count, 2);
	assert_string_equal(c->webhook.app_secrets[0], "secret-one");
	assert_string_equal(c->webhook.app_secrets[1], "secret-two");
	assert_null(config_number_by_id(c, "4"));
	assert_null(config_number_by_id(c, ""));
	assert_null(config_number_by_number(c, "12025550123"));
	config_free(c);
}

/* ---- secrets from elsewhere ---- */

static const char secrets_yaml[] =
	"webhook: {listen: \"127.0.0.1:0\", verify_token: \"env:WATRUNK_TEST_VERIFY\", app_secret: \"file:%s\"}\n"
	"admin: {listen: \"127.0.0.1:0\", token: \"env:WATRUNK_TEST_ADMIN\"}\n"
	"numbers:\n"
	"  - {phone_number_id: \"1\", number: \"+12025550123\", token: \"file:%s\"}\n"
	"sip: {listen: [\"udp:127.0.0.1:5062\"], domain: pbx.example.com}\n"
	"media: {public_address: 203.0.113.10}\n"
	"gateways: [{name: pbx, uri: \"sip:127.0.0.1:5070\"}]\n"
	"dialplan: [{name: all, actions: [{bridge: {gateways: [pbx]}}]}]\n"
	"store: {url: \"sqlite::memory:\"}\n";

struct temp {
	char path[32];
};

static void write_temp(struct temp *t, const char *text)
{
	strcpy(t->path, "/tmp/watrunk-config-XXXXXX");
	int fd = mkstemp(t->path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void test_secrets_from_environment_and_files(void **state)
{
	(void)state;
	char yaml[2048];
	struct temp secret, conf;

	write_temp(&secret, "from a file\n");
	snprintf(yaml, sizeof(yaml), secrets_yaml, secret.path, secret.path);
	write_temp(&conf, yaml);
	setenv("WATRUNK_TEST_VERIFY", "from the environment", 1);
	setenv("WATRUNK_TEST_ADMIN", "env:not again", 1);
	struct config *c = load(conf.path);
	assert_string_equal(c->webhook.verify_token, "from the environment");
	assert_string_equal(c->webhook.app_secrets[0], "from a file");
	assert_string_equal(c->numbers[0].token, "from a file");
	assert_string_equal(c->admin.token, "env:not again"); /* what it holds is the secret, not a reference */
	config_free(c);
	unlink(secret.path);
	unlink(conf.path);
}

/* No message quotes a secret, also not beside a fault. */
static void test_faults_tell_no_secret(void **state)
{
	(void)state;
	static const char yaml[] = "webhook: {listen: here, verify_token: hush-1, app_secret: hush-2}\n"
				   "admin: {listen: there, token: hush-3}\n"
				   "numbers:\n"
				   "  - {phone_number_id: x, number: x, token: hush-4, app_secret: hush-5}\n"
				   "sip: {listen: [x], domain: pbx.example.com}\n"
				   "media: {public_address: x}\n"
				   "gateways: [{name: pbx, uri: x}]\n"
				   "dialplan: [{name: all, actions: [{bridge: {gateways: [pbx]}}]}]\n"
				   "store: {url: x}\n";
	struct conf_errors errors = {0};
	struct config *c = NULL;
	struct temp conf;

	write_temp(&conf, yaml);
	assert_int_equal(config_load(conf.path, &c, &errors), -EBADMSG);
	assert_true(errors.count >= 8);
	for (size_t i = 0; i < errors.count; i++)
		assert_null(strstr(errors.text[i], "hush"));
	conf_errors_done(&errors);
	unlink(conf.path);
}

static void test_ways_of_digits(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum call_dtmf dtmf;
	} ways[] = {{"rfc4733", CALL_DTMF_EVENTS}, {"info", CALL_DTMF_INFO}, {"both", CALL_DTMF_BOTH},
		{"inband", CALL_DTMF_INBAND}, {"auto", CALL_DTMF_AUTO}};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		char yaml[2048];
		struct temp conf;
		snprintf(yaml, sizeof(yaml),
			"webhook: {listen: \"127.0.0.1:8080\", verify_token: a, app_secret: b}\n"
			"admin: {listen: \"127.0.0.1:8081\", token: c}\n"
			"numbers: [{phone_number_id: \"1\", number: \"+15550000001\", token: d}]\n"
			"sip: {listen: [udp:127.0.0.1:5060], domain: pbx.example.com}\n"
			"media: {public_address: 127.0.0.1}\n"
			"gateways: [{name: pbx, uri: \"sip:127.0.0.1:5070\", dtmf: %s}]\n"
			"dialplan: [{name: all, actions: [{bridge: {gateways: [pbx]}}]}]\n"
			"store: {url: \"sqlite::memory:\"}\n",
			ways[i].name);
		write_temp(&conf, yaml);
		struct config *c = load(conf.path);
		assert_int_equal(c->gateways[0].dtmf, ways[i].dtmf);
		config_free(c);
		unlink(conf.path);
	}
}

/* What a gateway says itself stands, what its preset says fills the rest, key by key. */
static void test_presets(void **state)
{
	(void)state;
	struct config *c = load(GOLDEN "presets.yaml");
	const struct call_gateway *pbx = &c->gateways[0];
	const struct manners *m = &c->gateway_sources[0].manners;

	assert_string_equal(pbx->uri, "sip:room7@127.0.0.1:5070;transport=tcp");
	assert_int_equal(pbx->codecs[0], AUDIO_PCMU); /* its own list, not both */
	assert_int_equal(pbx->codecs[1], AUDIO_NONE);
	assert_int_equal(pbx->srtp, MEDIA_SRTP_OFFER);
	assert_int_equal(pbx->dtmf, CALL_DTMF_BOTH);
	assert_int_equal(pbx->ring_ms, 25000);
	assert_int_equal(c->gateway_sources[0].ping_s, 45);
	assert_string_equal(m->header[MANNERS_CALL_ID], "X-Call");
	assert_string_equal(m->header[MANNERS_USER], "X-From");
	assert_null(m->header[MANNERS_NAME]);
	assert_int_equal(m->from, MANNERS_FROM_NUMBER);
	assert_true(m->has_name);
	assert_false(m->pai);
	assert_string_equal(m->domain, "pbx.example.com");
	assert_string_equal(c->gateways[1].uri, "sip:127.0.0.1:5080;transport=udp");
	assert_int_equal(c->gateways[1].codecs[2], AUDIO_G722);
	assert_true(c->gateway_sources[1].manners.pai);
	assert_string_equal(c->gateways[2].uri, "sip:127.0.0.1;transport=tcp");
	assert_false(c->gateway_sources[2].inbound);
	config_free(c);
}

static void test_presets_compiled_in(void **state)
{
	(void)state;
	char summary[200];

	assert_true(preset_text_count >= 21);
	for (size_t i = 0; i < preset_text_count; i++) {
		assert_ptr_equal(preset_find(preset_texts[i].name), &preset_texts[i]);
		assert_int_equal(strlen(preset_texts[i].text), preset_texts[i].length);
		assert_int_equal(preset_texts[i].text[0], '#');
		preset_summary(&preset_texts[i], summary, sizeof(summary));
		assert_true(strlen(summary) > 10);
	}
	assert_null(preset_find("asterisk.yaml"));
}

static void test_every_allocation_fails_once(void **state)
{
	(void)state;
	static const char *const files[] = {
		GOLDEN "everything.yaml", GOLDEN "bad_values.yaml", GOLDEN "presets.yaml", GOLDEN "bad_presets.yaml"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const size_t f = i % 2;
		unsigned rounds = 0;
		for (unsigned n = 1; oom_next(n); n++) {
			struct conf_errors errors = {0};
			struct config *c = NULL;
			int r = config_load(files[i], &c, &errors);
			bool failed = oom_off();
			/* A fault that found no memory is a fault all the same: the bad file is never taken. */
			assert_true(r == -ENOMEM || r == (f == 0 && !errors.dropped ? 0 : -EBADMSG));
			assert_true(r != 0 || c);
			if (!failed)
				assert_int_equal(r, f == 0 ? 0 : -EBADMSG);
			if (r)
				assert_null(c);
			config_free(c);
			conf_errors_done(&errors);
			rounds = n;
		}
		assert_true(rounds > 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_files),
		cmocka_unit_test(test_unreadable_file),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_number_overrides),
		cmocka_unit_test(test_secrets_from_environment_and_files),
		cmocka_unit_test(test_faults_tell_no_secret),
		cmocka_unit_test(test_ways_of_digits),
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_presets_compiled_in),
		cmocka_unit_test(test_every_allocation_fails_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
