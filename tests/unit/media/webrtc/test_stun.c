/* STUN: the vectors of RFC 5769, our own messages read back, and malformed input. */
#include "lib/base/str.h"
#include "media/webrtc/stun.h"

#include <errno.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define RFC5769_PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"

static const char sample_request[] = /* RFC 5769 s2.1 */
	"000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9"
	"b151263b36"
	"000600096576746a3a68367659202020"
	"000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";
static const char sample_ipv4[] = /* s2.2 */
	"0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
	"000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
static const char sample_ipv6[] = /* s2.3 */
	"010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4"
	"b5bed2b9d9"
	"00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";
static const char sample_long_term[] = /* s2.4 */
	"000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b90000"
	"0015001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f726700"
	"00080014f67024656dd64a3e02b8e0712e85c9a28ca89666";

static size_t unhex(const char *text, uint8_t *dst, size_t cap)
{
	int n = str_unhex(text, dst, cap);
	assert_true(n > 0);
	return (size_t)n;
}

static void rfc5769_request(void **state)
{
	uint8_t b[256];
	size_t n = unhex(sample_request, b, sizeof(b));
	struct stun_msg m;

	(void)state;
	assert_int_equal(stun_decode(b, n, &m), 0);
	assert_int_equal(m.class, STUN_REQUEST);
	assert_int_equal(m.method, STUN_METHOD_BINDING);
	assert_int_equal(m.username_length, 9);
	assert_memory_equal(m.username, "evtj:h6vY", 9);
	assert_true(m.has_priority && m.priority == 0x6e0001ff);
	assert_true(m.has_controlled && !m.has_controlling && m.tie_breaker == 0x932ff9b151263b36);
	assert_true(m.has_fingerprint && !m.use_candidate && m.unknown_count == 0);
	assert_true(stun_check_integrity(&m, b, RFC5769_PASSWORD, strlen(RFC5769_PASSWORD)));
	assert_false(stun_check_integrity(&m, b, "wrong", 5));
}

static void rfc5769_responses(void **state)
{
	static const struct {
		const char *hex, *address;
	} rows[] = {
		{sample_ipv4, "192.0.2.1:32853"},
		{sample_ipv6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"},
	};
	uint8_t b[256];
	char text[ADDR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t n = unhex(rows[i].hex, b, sizeof(b));
		struct stun_msg m;

		assert_int_equal(stun_decode(b, n, &m), 0);
		assert_int_equal(m.class, STUN_SUCCESS);
		assert_true(m.has_mapped && m.has_fingerprint);
		assert_string_equal(addr_format(&m.mapped, text, sizeof(text)), rows[i].address);
		assert_true(stun_check_integrity(&m, b, RFC5769_PASSWORD, strlen(RFC5769_PASSWORD)));
		b[30] ^= 1;
		assert_int_equal(stun_decode(b, n, &m), -EBADMSG);
	}
}

static void rfc5769_long_term(void **state)
{
	static const char secret[] =
		"\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9:example.org:TheMatrIX";
	uint8_t b[256], key[16];
	size_t n = unhex(sample_long_term, b, sizeof(b));
	struct stun_msg m;

	(void)state;
	assert_int_equal(EVP_Digest(secret, strlen(secret), key, NULL, EVP_md5(), NULL), 1);
	assert_int_equal(stun_decode(b, n, &m), 0);
	assert_false(m.has_fingerprint);
	assert_true(stun_check_integrity(&m, b, key, sizeof(key)));
}

static const uint8_t txid[STUN_TXID_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static void request_there_and_back(void **state)
{
	uint8_t b[STUN_MESSAGE_MAX];
	struct wr w = wr_init(b, sizeof(b));
	struct stun_msg m;
	int n;

	(void)state;
	stun_begin(&w, STUN_REQUEST, txid);
	stun_put_username(&w, "ExampleUfragMeta", "OurU+/");
	stun_put_priority(&w, 1862270975);
	stun_put_role(&w, true, 0x0123456789abcdef);
	stun_put_use_candidate(&w);
	n = stun_finish(&w, "pass=", 5);
	assert_true(n > 0);
	assert_int_equal(stun_decode(b, (size_t)n, &m), 0);
	assert_int_equal(m.class, STUN_REQUEST);
	assert_memory_equal(m.txid, txid, sizeof(txid));
	assert_int_equal(m.username_length, 23);
	assert_memory_equal(m.username, "ExampleUfragMeta:OurU+/", 23);
	assert_true(m.use_candidate && m.has_controlling && !m.has_controlled);
	assert_true(m.tie_breaker == 0x0123456789abcdef && m.priority == 1862270975);
	assert_true(stun_check_integrity(&m, b, "pass=", 5));
	/* no room, at every size */
	for (size_t cap = 0; cap < (size_t)n; cap++) {
		w = wr_init(b, cap);
		stun_begin(&w, STUN_REQUEST, txid);
		stun_put_username(&w, "ExampleUfragMeta", "OurU+/");
		stun_put_priority(&w, 1862270975);
		stun_put_role(&w, true, 1);
		stun_put_use_candidate(&w);
		assert_int_equal(stun_finish(&w, "pass=", 5), -ENOBUFS);
	}
}

static void responses_there_and_back(void **state)
{
	static const char *const addresses[] = {"203.0.113.20:3484", "[2001:db8:20::1]:65535"};
	static const enum stun_error_code codes[] = {
		STUN_BAD_REQUEST, STUN_UNAUTHENTICATED, STUN_UNKNOWN_ATTRIBUTE, STUN_ROLE_CONFLICT};
	static const uint16_t unknown[] = {0x7001, 0x7002, 0x7003};
	uint8_t b[STUN_MESSAGE_MAX];
	struct stun_msg m;
	struct addr a;
	struct wr w;
	int n;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(addr_parse(addresses[i], &a), 0);
		w = wr_init(b, sizeof(b));
		stun_begin(&w, STUN_SUCCESS, txid);
		stun_put_mapped(&w, &a);
		n = stun_finish(&w, "p", 1);
		assert_true(n > 0);
		assert_int_equal(stun_decode(b, (size_t)n, &m), 0);
		assert_true(m.class == STUN_SUCCESS && m.has_mapped && addr_equal(&m.mapped, &a));
	}
	for (size_t i = 0; i < 4; i++) {
		w = wr_init(b, sizeof(b));
		stun_begin(&w, STUN_ERROR, txid);
		stun_put_error(&w, codes[i]);
		stun_put_unknown(&w, unknown, 3);
		n = stun_finish(&w, NULL, 0);
		assert_true(n > 0);
		assert_int_equal(stun_decode(b, (size_t)n, &m), 0);
		assert_true(m.class == STUN_ERROR && m.error_code == codes[i]);
		assert_false(stun_check_integrity(&m, b, "p", 1));
	}
}

/* Header of a Binding request, then the attributes given in hex; the length is put in. */
static size_t request_with(uint8_t *b, size_t cap, const char *attributes)
{
	size_t n = 20;

	memset(b, 0, 20);
	b[1] = 1;
	memcpy(b + 4, "\x21\x12\xa4\x42", 4);
	if (*attributes)
		n += unhex(attributes, b + 20, cap - 20);
	b[2] = (uint8_t)((n - 20) >> 8);
	b[3] = (uint8_t)(n - 20);
	return n;
}

static void malformed(void **state)
{
	static const struct {
		const char *why, *attributes;
		int want;
	} rows[] = {
		{"empty", "", 0},
		{"attribute longer than the message", "00060010aabbccdd", -EPROTO},
		{"attribute header cut", "0006", -EPROTO},
		{"priority of three bytes", "002400030102030a", -EPROTO},
		{"controlling of four bytes", "802a000401020304", -EPROTO},
		{"use-candidate with a value", "0025000401020304", -EPROTO},
		{"mapped address of no family", "0020000800030000e112a643", -EPROTO},
		{"IPv6 mapped address too short", "0020000800020000e112a643", -EPROTO},
		{"IPv4 mapped address too long", "0020000c00010000e112a64300000000", -EPROTO},
		{"integrity of 16 bytes", "00080010000102030405060708090a0b0c0d0e0f", -EPROTO},
		{"error code cut", "00090002040a0000", -EPROTO},
		{"error class 0", "000900040000000a", -EPROTO},
		{"error number 100", "0009000400000464", -EPROTO},
		{"fingerprint wrong", "8028000412345678", -EBADMSG},
		{"fingerprint of five bytes", "802800051234567800000000", -EPROTO},
		{"nine unknown attributes", "700100007002000070030000700400007005000070060000700700007008000070090000",
			0},
		{"optional unknown attribute", "c057000400000001", 0},
	};
	uint8_t b[256];
	struct stun_msg m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = request_with(b, sizeof(b), rows[i].attributes);
		int r = n % 4 ? -EPROTO : stun_decode(b, n, &m);
		if (r != rows[i].want)
			print_message("%s\n", rows[i].why);
		assert_int_equal(r, rows[i].want);
	}
	assert_int_equal(m.unknown_count, 0);
	request_with(b, sizeof(b), "70010000");
	assert_int_equal(stun_decode(b, 24, &m), 0);
	assert_true(m.unknown_count == 1 && m.unknown[0] == 0x7001);
}

static void cut_anywhere(void **state)
{
	uint8_t b[256], copy[256];
	size_t n = unhex(sample_ipv6, b, sizeof(b));
	struct stun_msg m;

	(void)state;
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(stun_decode(b, cut, &m), -EPROTO);
	/* with a header length that agrees, too */
	for (size_t cut = 20; cut < n; cut += 4) {
		memcpy(copy, b, cut);
		copy[2] = 0;
		copy[3] = (uint8_t)(cut - 20);
		(void)stun_decode(copy, cut, &m);
	}
	assert_false(stun_is("\x80\x6f", 2));
	assert_false(stun_is(b, 0));
}

/* What stands behind MESSAGE-INTEGRITY is not authenticated: it must not count. */
static void attributes_after_integrity_do_not_count(void **state)
{
	uint8_t b[256];
	struct wr w = wr_init(b, sizeof(b));
	struct stun_msg m;
	int n;

	(void)state;
	stun_begin(&w, STUN_REQUEST, txid);
	n = stun_finish(&w, "p", 1);
	w.length = (size_t)n - 8; /* take FINGERPRINT off again */
	stun_put_use_candidate(&w);
	b[3] = (uint8_t)(w.length - 20);
	assert_int_equal(stun_decode(b, w.length, &m), 0);
	assert_false(m.use_candidate);
	assert_true(stun_check_integrity(&m, b, "p", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5769_request),
		cmocka_unit_test(rfc5769_responses),
		cmocka_unit_test(rfc5769_long_term),
		cmocka_unit_test(request_there_and_back),
		cmocka_unit_test(responses_there_and_back),
		cmocka_unit_test(malformed),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(attributes_after_integrity_do_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
