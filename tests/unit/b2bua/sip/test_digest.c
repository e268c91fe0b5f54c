/* Digest responses against the RFCs' examples, and what the server takes. Time is an argument. */
#include "b2bua/sip/digest.h"
#include "lib/base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *source;
	enum digest_algorithm algorithm;
	const char *password, *method;
	struct digest_credentials c;
} examples[] = {
	{"RFC 2617 s3.5", DIGEST_MD5, "Circle Of Life", "GET",
		{.username = "Mufasa",
			.realm = "testrealm@host.com",
			.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093",
			.uri = "/dir/index.html",
			.response = "6629fae49393a05397450978507c4ef1",
			.cnonce = "0a4f113b",
			.qop = "auth",
			.nc = "00000001"}},
	{"RFC 7616 s3.9.1, MD5", DIGEST_MD5, "Circle of Life", "GET",
		{.username = "Mufasa",
			.realm = "http-auth@example.org",
			.nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
			.uri = "/dir/index.html",
			.response = "8ca523f5e9506fed4657c9700eebdbec",
			.cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
			.qop = "auth",
			.nc = "00000001"}},
	{"RFC 7616 s3.9.1, SHA-256", DIGEST_SHA256, "Circle of Life", "GET",
		{.username = "Mufasa",
			.realm = "http-auth@example.org",
			.nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
			.uri = "/dir/index.html",
			.response = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
			.cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
			.qop = "auth",
			.nc = "00000001"}},
	{"RFC 2069 s2.4 as corrected by erratum 749", DIGEST_MD5, "CircleOfLife", "GET",
		{.username = "Mufasa",
			.realm = "testrealm@host.com",
			.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093",
			.uri = "/dir/index.html",
			.response = "1949323746fe6a43ef61f9606e7febea"}},
};

static void test_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		char ha1[DIGEST_HEX_MAX], response[DIGEST_HEX_MAX];
		digest_ha1(
			examples[i].algorithm, examples[i].c.username, examples[i].c.realm, examples[i].password, ha1);
		digest_response(examples[i].algorithm, ha1, examples[i].method, &examples[i].c, response);
		if (strcmp(response, examples[i].c.response) != 0)
			fail_msg("%s: %s", examples[i].source, response);
	}
}

static const struct sip_user users[] = {{"ann", "pa:ss"}, {"bob", "b"}};

struct client {
	char nonce[128], response[DIGEST_HEX_MAX];
	struct digest_credentials c;
};

static void take_nonce(struct client *cl, const char *challenge)
{
	const char *at = strstr(challenge, "nonce=\"") + 7;

	str_copy_n(cl->nonce, sizeof(cl->nonce), at, strcspn(at, "\""));
}

static const struct digest_credentials *answer(
	struct client *cl, const char *user, const char *password, const char *nc)
{
	char ha1[DIGEST_HEX_MAX];

	cl->c = (struct digest_credentials){.username = user,
		.realm = "r",
		.nonce = cl->nonce,
		.uri = "sip:1@h",
		.response = cl->response,
		.cnonce = "c",
		.qop = "auth",
		.nc = nc};
	digest_ha1(DIGEST_MD5, user, "r", password, ha1);
	digest_response(DIGEST_MD5, ha1, "INVITE", &cl->c, cl->response);
	return &cl->c;
}

/* Seconds since the challenge, and what comes out. The clock is a column. */
static void test_over_time(void **state)
{
	static const struct {
		unsigned at_s;
		const char *user, *password, *nc;
		bool use;
		enum digest_result result;
	} rows[] = {
		{0, "ann", "pa:ss", "00000001", false, DIGEST_OK}, /* only looked at */
		{0, "ann", "pa:ss", "00000001", true, DIGEST_OK},
		{1, "ann", "pa:ss", "00000001", false, DIGEST_STALE},
		{1, "ann", "pa:ss", "00000001", true, DIGEST_STALE},
		{2, "bob", "b", "00000002", true, DIGEST_OK},
		{2, "ann", "pa:ss", "00000002", true, DIGEST_STALE}, /* a count belongs to the nonce */
		{3, "ann", "pa:ss", "00000000", true, DIGEST_WRONG},
		{3, "ann", "pa:ss", "0000000g", true, DIGEST_WRONG},
		{3, "ann", "pa:ss", "3", true, DIGEST_WRONG},
		{3, "ann", "b", "00000003", true, DIGEST_WRONG},
		{3, "eve", "pa:ss", "00000003", true, DIGEST_WRONG},
		{3, "", "", "00000003", true, DIGEST_WRONG},
		{300, "ann", "pa:ss", "0000000a", true, DIGEST_OK},
		{301, "ann", "pa:ss", "0000000b", true, DIGEST_STALE},
		{100000, "ann", "pa:ss", "ffffffff", true, DIGEST_STALE},
	};
	enum { START_S = 5000 };
	char challenge[DIGEST_CHALLENGE_MAX];
	struct digest *d;
	struct client cl;
	const char *user;

	(void)state;
	assert_int_equal(digest_new("r", users, 2, &d), 0);
	digest_challenge(d, START_S * 1000000ull, false, challenge);
	take_nonce(&cl, challenge);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct digest_credentials *c = answer(&cl, rows[i].user, rows[i].password, rows[i].nc);
		enum digest_result r =
			digest_check(d, (START_S + rows[i].at_s) * 1000000ull, "INVITE", c, rows[i].use, &user);
		if (r != rows[i].result)
			fail_msg("row %zu: %d", i, r);
		if (r == DIGEST_OK)
			assert_string_equal(user, rows[i].user);
	}
	digest_free(d);
}

static void test_forms(void **state)
{
	char challenge[DIGEST_CHALLENGE_MAX], big[1000];
	struct digest *d;
	struct client cl;
	struct digest_credentials c;
	const char *user;
	uint64_t now_us = 1000000;

	(void)state;
	memset(big, 'a', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(digest_new("r", users, 2, &d), 0);
	digest_challenge(d, now_us, true, challenge);
	assert_non_null(strstr(challenge, "stale=true"));
	take_nonce(&cl, challenge);
	c = *answer(&cl, "ann", "pa:ss", "00000001");
	assert_int_equal(digest_check(d, now_us, "INVITE", &c, false, &user), DIGEST_OK);
	assert_int_equal(digest_check(d, now_us, "BYE", &c, false, &user), DIGEST_WRONG);
	for (char *p = cl.response; *p; p++)
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 'a' + 'A');
	assert_int_equal(digest_check(d, now_us, "INVITE", &c, false, &user), DIGEST_OK); /* in capitals */
	const char **fields[] = {&c.username, &c.realm, &c.nonce, &c.uri, &c.response, &c.nc, &c.cnonce};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *kept = *fields[i];
		const char *const bad[] = {NULL, "", "x", big};
		for (size_t b = i == 6 ? 3 : 0; b < 4; b++) { /* an empty cnonce gives another response: tested below */
			*fields[i] = bad[b];
			assert_int_equal(digest_check(d, now_us, "INVITE", &c, false, &user), DIGEST_WRONG);
		}
		*fields[i] = kept;
	}
	c.qop = "auth-int";
	assert_int_equal(digest_check(d, now_us, "INVITE", &c, false, &user), DIGEST_WRONG);
	c.qop = "auth";
	c.cnonce = NULL;
	assert_int_equal(digest_check(d, now_us, "INVITE", &c, false, &user), DIGEST_WRONG);
	c.cnonce = "c";
	c.algorithm = "MD5-sess";
	assert_int_equal(digest_check(d, now_us, "INVITE", &c, false, &user), DIGEST_WRONG);
	c.algorithm = "md5";
	assert_int_equal(digest_check(d, now_us, "INVITE", &c, true, &user), DIGEST_OK);
	digest_free(d);
}

/* baresip 1.0 gives up at a challenge that names SHA-256 anywhere: it must be possible not to. */
static void test_one_algorithm_only(void **state)
{
	char challenge[DIGEST_CHALLENGE_MAX];
	struct digest *d;
	struct client cl;
	const char *user;

	(void)state;
	assert_int_equal(digest_new("r", users, 2, &d), 0);
	digest_only(d, DIGEST_MD5);
	digest_challenge(d, 1000000, false, challenge);
	assert_non_null(strstr(challenge, "algorithm=MD5,"));
	assert_null(strstr(challenge, "SHA"));
	take_nonce(&cl, challenge);
	assert_int_equal(
		digest_check(d, 1000000, "INVITE", answer(&cl, "ann", "pa:ss", "00000001"), true, &user), DIGEST_OK);
	digest_only(d, DIGEST_SHA256);
	digest_challenge(d, 1000000, false, challenge);
	assert_non_null(strstr(challenge, "algorithm=SHA-256,"));
	assert_null(strstr(challenge, "MD5"));
	assert_int_equal(
		digest_check(d, 1000000, "INVITE", answer(&cl, "ann", "pa:ss", "00000002"), true, &user), DIGEST_WRONG);
	digest_free(d);
}

/* A nonce that fell out of the table is stale, never new again. */
static void test_many_nonces(void **state)
{
	char challenge[DIGEST_CHALLENGE_MAX];
	struct digest *d;
	struct client first = {0}, last = {0};
	const char *user;

	(void)state;
	assert_int_equal(digest_new("r", users, 2, &d), 0);
	digest_challenge(d, 0, false, challenge);
	take_nonce(&first, challenge);
	assert_int_equal(
		digest_check(d, 0, "INVITE", answer(&first, "ann", "pa:ss", "00000001"), true, &user), DIGEST_OK);
	for (int i = 0; i < DIGEST_NONCES; i++)
		digest_challenge(d, 0, false, challenge);
	take_nonce(&last, challenge);
	assert_int_equal(
		digest_check(d, 0, "INVITE", answer(&last, "ann", "pa:ss", "00000001"), true, &user), DIGEST_OK);
	assert_int_equal(
		digest_check(d, 0, "INVITE", answer(&first, "ann", "pa:ss", "00000002"), true, &user), DIGEST_STALE);
	digest_free(d);
	assert_null(digest_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples), cmocka_unit_test(test_over_time),
		cmocka_unit_test(test_forms), cmocka_unit_test(test_one_algorithm_only),
		cmocka_unit_test(test_many_nonces)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
