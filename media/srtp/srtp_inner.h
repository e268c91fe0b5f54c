/* media/srtp/srtp_inner.h
 *
 * What the two back ends share with srtp.c. Not for use outside this folder.
 */
#ifndef MEDIA_SRTP_SRTP_INNER_H
#define MEDIA_SRTP_SRTP_INNER_H

#include "media/srtp/srtp.h"

struct srtp_ops {
	int (*protect_rtp)(struct srtp_session *s, uint8_t *bytes, size_t length, size_t cap, size_t *ret_length);
	int (*protect_rtcp)(struct srtp_session *s, uint8_t *bytes, size_t length, size_t cap, size_t *ret_length);
	int (*unprotect_rtp)(struct srtp_session *s, uint8_t *bytes, size_t length, size_t *ret_length);
	int (*unprotect_rtcp)(struct srtp_session *s, uint8_t *bytes, size_t length, size_t *ret_length);
	void (*free)(struct srtp_session *s);
};

/* First member of each back end's session. */
struct srtp_session {
	const struct srtp_ops *ops;
};

int srtp_evp_new(const struct srtp_conf *conf, struct srtp_session **ret_session);
int srtp_lib_new(const struct srtp_conf *conf, struct srtp_session **ret_session);

/* Bytes of tag that the profile puts on RTP and on RTCP. 0: unknown profile. */
size_t srtp_rtp_tag_bytes(enum srtp_profile profile);
size_t srtp_rtcp_tag_bytes(enum srtp_profile profile);

enum { SRTP_RTP_HEADER_MIN = 12, SRTP_RTCP_HEADER_BYTES = 8, SRTP_RTCP_INDEX_BYTES = 4 };

/* Bytes of RTP header: fixed part, CSRCs and header extension; none of it is encrypted. 0: does not fit into length. */
size_t srtp_rtp_header_bytes(const uint8_t *bytes, size_t length);

static inline uint32_t srtp_get_u32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline void srtp_put_u32(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 24);
	b[1] = (uint8_t)(v >> 16);
	b[2] = (uint8_t)(v >> 8);
	b[3] = (uint8_t)v;
}

#endif
