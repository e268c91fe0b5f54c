/* media/srtp/srtp.c
 *
 * The face of the two back ends: checks what is common to both, then hands over.
 */
#include "media/srtp/srtp_inner.h"

#include <errno.h>

size_t srtp_rtp_tag_bytes(enum srtp_profile profile)
{
	switch (profile) {
	case SRTP_PROFILE_AES128_CM_SHA1_80: return 10;
	case SRTP_PROFILE_AES128_CM_SHA1_32: return 4;
	case SRTP_PROFILE_AEAD_AES_128_GCM: return 16;
	case SRTP_PROFILE_NONE: break;
	}
	return 0;
}

size_t srtp_rtcp_tag_bytes(enum srtp_profile profile)
{
	return profile == SRTP_PROFILE_AES128_CM_SHA1_32 ? 10 : srtp_rtp_tag_bytes(profile);
}

size_t srtp_rtp_header_bytes(const uint8_t *bytes, size_t length)
{
	size_t header;

	if (length < SRTP_RTP_HEADER_MIN || bytes[0] >> 6 != 2)
		return 0;
	header = SRTP_RTP_HEADER_MIN + 4u * (bytes[0] & 0x0f);
	if (bytes[0] & 0x10) {
		if (length < header + 4)
			return 0;
		header += 4 + 4u * (size_t)(bytes[header + 2] << 8 | bytes[header + 3]);
	}
	return header <= length ? header : 0;
}

static int is_rtcp(const uint8_t *bytes, size_t length)
{
	return length >= SRTP_RTCP_HEADER_BYTES && bytes[0] >> 6 == 2;
}

int srtp_session_new(const struct srtp_conf *conf, struct srtp_session **ret_session)
{
	if (srtp_rtp_tag_bytes(conf->profile) == 0)
		return -EINVAL;
	switch (conf->backend) {
	case SRTP_BACKEND_EVP: return srtp_evp_new(conf, ret_session);
	case SRTP_BACKEND_LIBSRTP: return srtp_lib_new(conf, ret_session);
	}
	return -EINVAL;
}

int srtp_session_protect_rtp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t cap, size_t *ret_length)
{
	if (srtp_rtp_header_bytes(bytes, length) == 0)
		return -EINVAL;
	return s->ops->protect_rtp(s, bytes, length, cap, ret_length);
}

int srtp_session_protect_rtcp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t cap, size_t *ret_length)
{
	if (!is_rtcp(bytes, length))
		return -EINVAL;
	return s->ops->protect_rtcp(s, bytes, length, cap, ret_length);
}

int srtp_session_unprotect_rtp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t *ret_length)
{
	return s->ops->unprotect_rtp(s, bytes, length, ret_length);
}

int srtp_session_unprotect_rtcp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t *ret_length)
{
	if (!is_rtcp(bytes, length))
		return -EPROTO;
	return s->ops->unprotect_rtcp(s, bytes, length, ret_length);
}

struct srtp_session *srtp_session_free(struct srtp_session *s)
{
	if (s)
		s->ops->free(s);
	return NULL;
}
