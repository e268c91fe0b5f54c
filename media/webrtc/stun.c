/* media/webrtc/stun.c */
#include "media/webrtc/stun.h"
#include "lib/base/crypto.h"

#include <errno.h>
#include <string.h>

enum {
	ATTR_MAPPED_ADDRESS = 0x0001,
	ATTR_USERNAME = 0x0006,
	ATTR_MESSAGE_INTEGRITY = 0x0008,
	ATTR_ERROR_CODE = 0x0009,
	ATTR_UNKNOWN_ATTRIBUTES = 0x000a,
	ATTR_REALM = 0x0014,
	ATTR_NONCE = 0x0015,
	ATTR_XOR_MAPPED_ADDRESS = 0x0020,
	ATTR_PRIORITY = 0x0024,
	ATTR_USE_CANDIDATE = 0x0025,
	ATTR_COMPREHENSION_OPTIONAL = 0x8000, /* from here on unknown ones are skipped */
	ATTR_FINGERPRINT = 0x8028,
	ATTR_ICE_CONTROLLED = 0x8029,
	ATTR_ICE_CONTROLLING = 0x802a,
};

enum {
	ATTR_HEADER_BYTES = 4,
	INTEGRITY_BYTES = 20,
	FINGERPRINT_BYTES = 4,
	FAMILY_IPV4 = 1,
	FAMILY_IPV6 = 2,
};

#define MAGIC_COOKIE    UINT32_C(0x2112a442)
#define FINGERPRINT_XOR UINT32_C(0x5354554e)

/* ITU V.42 CRC-32 (RFC 8489 s14.7), four bits at a time: messages are short and rare. */
static uint32_t crc32_of(const uint8_t *bytes, size_t length)
{
	static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4,
		0xa00ae278, 0xbdbdf21c};
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < length; i++) {
		crc = table[(crc ^ bytes[i]) & 15] ^ crc >> 4;
		crc = table[(crc ^ (uint32_t)bytes[i] >> 4) & 15] ^ crc >> 4;
	}
	return ~crc;
}

/* HMAC-SHA1 over all before MESSAGE-INTEGRITY, with a header length that ends behind it (RFC 8489 s14.5). */
static void integrity_of(
	const uint8_t *bytes, size_t at, const void *key, size_t key_length, uint8_t mac[INTEGRITY_BYTES])
{
	uint8_t copy[STUN_MESSAGE_MAX];
	size_t end = at + ATTR_HEADER_BYTES + INTEGRITY_BYTES - STUN_HEADER_BYTES;

	memcpy(copy, bytes, at);
	copy[2] = (uint8_t)(end >> 8);
	copy[3] = (uint8_t)end;
	crypto_hmac_sha1(key, key_length, copy, at, mac);
}

bool stun_is(const void *bytes, size_t length)
{
	const uint8_t *b = bytes;

	return length >= STUN_HEADER_BYTES && b[0] < 4 && length % 4 == 0 && length <= STUN_MESSAGE_MAX &&
	       (size_t)(b[2] << 8 | b[3]) == length - STUN_HEADER_BYTES && memcmp(b + 4, "\x21\x12\xa4\x42", 4) == 0;
}

/* value: family, port and host, the last two XORed with cookie and transaction id (RFC 8489 s14.2). */
static bool decode_xor_address(struct rd value, const uint8_t txid[STUN_TXID_BYTES], struct addr *ret)
{
	uint8_t family, mask[16];
	uint16_t port;
	const uint8_t *host;
	size_t n;

	rd_skip(&value, 1);
	family = rd_u8(&value);
	port = (uint16_t)(rd_u16(&value) ^ MAGIC_COOKIE >> 16);
	n = family == FAMILY_IPV6 ? 16 : 4;
	host = rd_bytes(&value, n);
	if (!rd_ok(&value) || rd_left(&value) != 0 || (family != FAMILY_IPV4 && family != FAMILY_IPV6))
		return false;
	memcpy(mask, "\x21\x12\xa4\x42", 4);
	memcpy(mask + 4, txid, STUN_TXID_BYTES);
	for (size_t i = 0; i < n; i++)
		mask[i] ^= host[i];
	memset(ret, 0, sizeof(*ret));
	if (family == FAMILY_IPV4) {
		ret->u.in.sin_family = AF_INET;
		memcpy(&ret->u.in.sin_addr, mask, 4);
	} else {
		ret->u.in6.sin6_family = AF_INET6;
		memcpy(&ret->u.in6.sin6_addr, mask, 16);
	}
	addr_set_port(ret, port);
	return true;
}

static bool decode_username(struct stun_msg *m, struct rd value)
{
	size_t n = rd_left(&value);

	if (n > STUN_USERNAME_MAX)
		return false;
	if (!m->username) {
		m->username_length = n;
		m->username = rd_bytes(&value, n);
	}
	return true;
}

static bool decode_role(struct stun_msg *m, struct rd value, bool controlling)
{
	uint64_t tie_breaker = rd_u64(&value);

	if (!m->has_controlling && !m->has_controlled) {
		m->tie_breaker = tie_breaker;
		m->has_controlling = controlling;
		m->has_controlled = !controlling;
	}
	return rd_ok(&value) && rd_left(&value) == 0;
}

static bool decode_error(struct stun_msg *m, struct rd value)
{
	uint32_t v = rd_u32(&value);
	uint16_t code = (uint16_t)((v >> 8 & 7) * 100 + (v & 0xff));

	if (!m->error_code)
		m->error_code = code;
	return rd_ok(&value) && code >= 300 && (v & 0xff) < 100;
}

/* One attribute in front of MESSAGE-INTEGRITY. False: malformed. */
static bool decode_attribute(struct stun_msg *m, uint16_t type, struct rd value)
{
	struct addr mapped;

	switch (type) {
	case ATTR_USERNAME: return decode_username(m, value);
	case ATTR_PRIORITY:
		m->priority = m->has_priority ? m->priority : rd_u32(&value);
		m->has_priority = true;
		return rd_ok(&value);
	case ATTR_USE_CANDIDATE: m->use_candidate = true; return rd_left(&value) == 0;
	case ATTR_ICE_CONTROLLING: return decode_role(m, value, true);
	case ATTR_ICE_CONTROLLED: return decode_role(m, value, false);
	case ATTR_ERROR_CODE: return decode_error(m, value);
	case ATTR_XOR_MAPPED_ADDRESS:
		if (!decode_xor_address(value, m->txid, &mapped))
			return false;
		if (!m->has_mapped)
			m->mapped = mapped;
		m->has_mapped = true;
		return true;
	case ATTR_MAPPED_ADDRESS:
	case ATTR_UNKNOWN_ATTRIBUTES:
	case ATTR_REALM:
	case ATTR_NONCE: return true; /* known, of no use to ICE */
	default:
		if (type < ATTR_COMPREHENSION_OPTIONAL && m->unknown_count < STUN_UNKNOWN_MAX)
			m->unknown[m->unknown_count++] = type;
		return true;
	}
}

int stun_decode(const void *bytes, size_t length, struct stun_msg *ret_msg)
{
	const uint8_t *b = bytes;
	struct rd r = rd_init(bytes, length);
	struct stun_msg m = {0};
	uint16_t type;

	if (!stun_is(bytes, length))
		return -EPROTO;
	type = rd_u16(&r);
	/* RFC 8489 s5: class bits 8 and 4 stand amid the method bits */
	m.class = (enum stun_class)((type >> 7 & 2) | (type >> 4 & 1));
	m.method = (uint16_t)((type & 0x000f) | (type & 0x00e0) >> 1 | (type & 0x3e00) >> 2);
	rd_skip(&r, 6);
	memcpy(m.txid, rd_bytes(&r, STUN_TXID_BYTES), STUN_TXID_BYTES);
	while (rd_left(&r) > 0) {
		size_t at = length - rd_left(&r);
		uint16_t attr = rd_u16(&r), n = rd_u16(&r);
		const uint8_t *value = rd_bytes(&r, n);

		rd_skip(&r, (4u - n % 4u) % 4u);
		if (!rd_ok(&r) || m.has_fingerprint)
			return -EPROTO; /* FINGERPRINT is the last */
		if (attr == ATTR_FINGERPRINT) {
			struct rd v = rd_init(value, n);
			uint32_t crc = rd_u32(&v);
			if (!rd_ok(&v) || rd_left(&v) != 0)
				return -EPROTO;
			if ((crc ^ FINGERPRINT_XOR) != crc32_of(b, at))
				return -EBADMSG;
			m.has_fingerprint = true;
		} else if (m.integrity_at) {
			continue;
		} else if (attr == ATTR_MESSAGE_INTEGRITY) {
			if (n != INTEGRITY_BYTES)
				return -EPROTO;
			m.integrity_at = at;
		} else if (!decode_attribute(&m, attr, rd_init(value, n))) {
			return -EPROTO;
		}
	}
	*ret_msg = m;
	return 0;
}

bool stun_check_integrity(const struct stun_msg *m, const void *bytes, const void *key, size_t key_length)
{
	const uint8_t *b = bytes;
	uint8_t mac[INTEGRITY_BYTES];

	if (m->integrity_at == 0)
		return false;
	integrity_of(b, m->integrity_at, key, key_length, mac);
	return crypto_equal(mac, b + m->integrity_at + ATTR_HEADER_BYTES, INTEGRITY_BYTES);
}

static void put_header(struct wr *w, uint16_t type, size_t length)
{
	wr_u16(w, type);
	wr_u16(w, (uint16_t)length);
}

static void put_padding(struct wr *w)
{
	while (w->length % 4 && !w->failed)
		wr_u8(w, 0);
}

void stun_begin(struct wr *w, enum stun_class class, const uint8_t txid[STUN_TXID_BYTES])
{
	unsigned c = (unsigned)class;

	put_header(w, (uint16_t)((c & 2) << 7 | (c & 1) << 4 | STUN_METHOD_BINDING), 0);
	wr_u32(w, MAGIC_COOKIE);
	wr_bytes(w, txid, STUN_TXID_BYTES);
}

void stun_put_username(struct wr *w, const char *remote_ufrag, const char *local_ufrag)
{
	size_t remote = strlen(remote_ufrag), local = strlen(local_ufrag);

	put_header(w, ATTR_USERNAME, remote + 1 + local);
	wr_bytes(w, remote_ufrag, remote);
	wr_u8(w, ':');
	wr_bytes(w, local_ufrag, local);
	put_padding(w);
}

void stun_put_priority(struct wr *w, uint32_t priority)
{
	put_header(w, ATTR_PRIORITY, 4);
	wr_u32(w, priority);
}

void stun_put_role(struct wr *w, bool controlling, uint64_t tie_breaker)
{
	put_header(w, controlling ? ATTR_ICE_CONTROLLING : ATTR_ICE_CONTROLLED, 8);
	wr_u64(w, tie_breaker);
}

void stun_put_use_candidate(struct wr *w)
{
	put_header(w, ATTR_USE_CANDIDATE, 0);
}

void stun_put_mapped(struct wr *w, const struct addr *mapped)
{
	bool v6 = addr_is_v6(mapped);
	size_t n = v6 ? 16 : 4;
	uint8_t host[16];

	if (w->failed || w->length < STUN_HEADER_BYTES)
		return;
	memcpy(host, v6 ? (const void *)&mapped->u.in6.sin6_addr : (const void *)&mapped->u.in.sin_addr, n);
	for (size_t i = 0; i < n; i++)
		host[i] ^= w->start[4 + i]; /* cookie, then transaction id */
	put_header(w, ATTR_XOR_MAPPED_ADDRESS, 4 + n);
	wr_u8(w, 0);
	wr_u8(w, v6 ? FAMILY_IPV6 : FAMILY_IPV4);
	wr_u16(w, (uint16_t)(addr_port(mapped) ^ MAGIC_COOKIE >> 16));
	wr_bytes(w, host, n);
}

static const char *reason_of(enum stun_error_code code)
{
	switch (code) {
	case STUN_BAD_REQUEST: return "Bad Request";
	case STUN_UNAUTHENTICATED: return "Unauthenticated";
	case STUN_UNKNOWN_ATTRIBUTE: return "Unknown Attribute";
	case STUN_ROLE_CONFLICT: return "Role Conflict";
	}
	return "";
}

void stun_put_error(struct wr *w, enum stun_error_code code)
{
	const char *reason = reason_of(code);

	put_header(w, ATTR_ERROR_CODE, 4 + strlen(reason));
	wr_u16(w, 0);
	wr_u8(w, (uint8_t)(code / 100));
	wr_u8(w, (uint8_t)(code % 100));
	wr_bytes(w, reason, strlen(reason));
	put_padding(w);
}

void stun_put_unknown(struct wr *w, const uint16_t *types, size_t count)
{
	put_header(w, ATTR_UNKNOWN_ATTRIBUTES, 2 * count);
	for (size_t i = 0; i < count; i++)
		wr_u16(w, types[i]);
	put_padding(w);
}

static void set_length(struct wr *w, size_t more)
{
	size_t n = w->length + more - STUN_HEADER_BYTES;

	w->start[2] = (uint8_t)(n >> 8);
	w->start[3] = (uint8_t)n;
}

int stun_finish(struct wr *w, const void *key, size_t key_length)
{
	uint8_t mac[INTEGRITY_BYTES];

	if (w->failed || w->length < STUN_HEADER_BYTES || w->length > STUN_MESSAGE_MAX - 32)
		return -ENOBUFS;
	if (key) {
		integrity_of(w->start, w->length, key, key_length, mac);
		put_header(w, ATTR_MESSAGE_INTEGRITY, INTEGRITY_BYTES);
		wr_bytes(w, mac, INTEGRITY_BYTES);
		if (w->failed)
			return -ENOBUFS;
	}
	set_length(w, ATTR_HEADER_BYTES + FINGERPRINT_BYTES);
	uint32_t crc = crc32_of(w->start, w->length);
	put_header(w, ATTR_FINGERPRINT, FINGERPRINT_BYTES);
	wr_u32(w, crc ^ FINGERPRINT_XOR);
	return w->failed ? -ENOBUFS : (int)w->length;
}
