/* media/srtp/srtp_key.h
 *
 * Session keys out of a master key (RFC 3711 s4.3, AES-CM; key derivation rate 0: derived once).
 */
#ifndef MEDIA_SRTP_SRTP_KEY_H
#define MEDIA_SRTP_SRTP_KEY_H

#include "media/srtp/srtp.h"

enum srtp_label { /* RFC 3711 s4.3.1; SRTCP: plus 3, s4.3.2 */
	SRTP_LABEL_CIPHER = 0,
	SRTP_LABEL_AUTH = 1,
	SRTP_LABEL_SALT = 2,
	SRTP_LABEL_RTCP = 3,
};

enum { SRTP_KEY_MAX = 128 }; /* bytes that one derivation can give here */

/* label: an enum srtp_label, plus SRTP_LABEL_RTCP for SRTCP. Returns 0, -EINVAL (length) or -EIO (the library refused).
 */
int srtp_key_derive(const struct srtp_master *master, unsigned label, uint8_t *ret_key, size_t length);

#endif
