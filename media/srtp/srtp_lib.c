/* media/srtp/srtp_lib.c
 *
 * SRTP by libsrtp2: the reference that srtp_evp.c is tested against, and a way out should the other one ever prove
 * wrong in the field.
 */
#include "lib/base/crypto.h"
#include "media/srtp/srtp_inner.h"
#include "media/srtp/srtp_window.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <srtp2/srtp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct lib_session {
	struct srtp_session base;
	enum srtp_profile profile;
	srtp_t tx, rx;
	/* libsrtp2 makes a stream for any SSRC that authenticates; we bound their number. */
	uint32_t tx_ssrc[SRTP_SSRC_MAX], rx_ssrc[SRTP_SSRC_MAX];
	uint8_t tx_ssrcs, rx_ssrcs;
};

static struct lib_session *lib(struct srtp_session *s)
{
	return (struct lib_session *)s;
}

static bool ssrc_known(const uint32_t *list, uint8_t count, uint32_t ssrc)
{
	for (uint8_t i = 0; i < count; i++)
		if (list[i] == ssrc)
			return true;
	return false;
}

static int error_of(srtp_err_status_t st, bool receiving)
{
	switch (st) {
	case srtp_err_status_ok: return 0;
	case srtp_err_status_auth_fail: return -EBADMSG;
	case srtp_err_status_replay_fail: return -EALREADY;
	case srtp_err_status_replay_old: return -ESTALE;
	case srtp_err_status_key_expired: return -EKEYEXPIRED;
	case srtp_err_status_alloc_fail: return -ENOMEM;
	case srtp_err_status_parse_err:
	case srtp_err_status_bad_param: return receiving ? -EPROTO : -EINVAL;
	default: return receiving ? -EBADMSG : -EIO;
	}
}

typedef srtp_err_status_t (*srtp_step)(srtp_t ctx, void *packet, int *length);

static int protect(struct lib_session *l, srtp_step step, uint8_t *bytes, size_t length, size_t cap, size_t overhead,
	uint32_t ssrc, size_t *ret_length)
{
	bool known = ssrc_known(l->tx_ssrc, l->tx_ssrcs, ssrc);
	int n = (int)length, r;

	if (cap < length || cap - length < overhead || length > INT_MAX)
		return -ENOBUFS;
	if (!known && l->tx_ssrcs == SRTP_SSRC_MAX)
		return -ENOSPC;
	r = error_of(step(l->tx, bytes, &n), false);
	if (r < 0)
		return r;
	if (!known)
		l->tx_ssrc[l->tx_ssrcs++] = ssrc;
	*ret_length = (size_t)n;
	return 0;
}

static int unprotect(
	struct lib_session *l, srtp_step step, uint8_t *bytes, size_t length, uint32_t ssrc, size_t *ret_length)
{
	bool known = ssrc_known(l->rx_ssrc, l->rx_ssrcs, ssrc);
	int n = (int)length, r;

	if (length > INT_MAX)
		return -EPROTO;
	if (!known && l->rx_ssrcs == SRTP_SSRC_MAX)
		return -ENOSPC;
	r = error_of(step(l->rx, bytes, &n), true);
	if (r < 0)
		return r;
	if (!known)
		l->rx_ssrc[l->rx_ssrcs++] = ssrc;
	*ret_length = (size_t)n;
	return 0;
}

static int lib_protect_rtp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t cap, size_t *ret_length)
{
	return protect(lib(s), srtp_protect, bytes, length, cap, srtp_rtp_tag_bytes(lib(s)->profile),
		srtp_get_u32(bytes + 8), ret_length);
}

static int lib_protect_rtcp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t cap, size_t *ret_length)
{
	size_t overhead = srtp_rtcp_tag_bytes(lib(s)->profile) + SRTP_RTCP_INDEX_BYTES;

	return protect(lib(s), srtp_protect_rtcp, bytes, length, cap, overhead, srtp_get_u32(bytes + 4), ret_length);
}

static int lib_unprotect_rtp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t *ret_length)
{
	size_t tag = srtp_rtp_tag_bytes(lib(s)->profile);

	if (length < tag || srtp_rtp_header_bytes(bytes, length - tag) == 0)
		return -EPROTO;
	return unprotect(lib(s), srtp_unprotect, bytes, length, srtp_get_u32(bytes + 8), ret_length);
}

static int lib_unprotect_rtcp(struct srtp_session *s, uint8_t *bytes, size_t length, size_t *ret_length)
{
	struct lib_session *l = lib(s);
	size_t tag = srtp_rtcp_tag_bytes(l->profile), index_from_end = SRTP_RTCP_INDEX_BYTES;

	if (length < SRTP_RTCP_HEADER_BYTES + SRTP_RTCP_INDEX_BYTES + tag)
		return -EPROTO;
	/* Clear E bit: libsrtp2 refuses it with AES-CM and takes it with GCM. Refused here, see srtp_evp.c. */
	if (l->profile != SRTP_PROFILE_AEAD_AES_128_GCM)
		index_from_end += tag;
	if (!(bytes[length - index_from_end] & 0x80))
		return -EPROTO;
	return unprotect(l, srtp_unprotect_rtcp, bytes, length, srtp_get_u32(bytes + 4), ret_length);
}

static void lib_free(struct srtp_session *s)
{
	struct lib_session *l = lib(s);

	if (l->tx)
		srtp_dealloc(l->tx);
	if (l->rx)
		srtp_dealloc(l->rx);
	free(l);
}

static const struct srtp_ops lib_ops = {
	.protect_rtp = lib_protect_rtp,
	.protect_rtcp = lib_protect_rtcp,
	.unprotect_rtp = lib_unprotect_rtp,
	.unprotect_rtcp = lib_unprotect_rtcp,
	.free = lib_free,
};

static void set_crypto(srtp_policy_t *p, enum srtp_profile profile)
{
	switch (profile) {
	case SRTP_PROFILE_AEAD_AES_128_GCM:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&p->rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&p->rtcp);
		break;
	case SRTP_PROFILE_AES128_CM_SHA1_32:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&p->rtp);
		srtp_crypto_policy_set_rtcp_default(&p->rtcp);
		break;
	case SRTP_PROFILE_AES128_CM_SHA1_80:
	case SRTP_PROFILE_NONE:
		srtp_crypto_policy_set_rtp_default(&p->rtp);
		srtp_crypto_policy_set_rtcp_default(&p->rtcp);
		break;
	}
}

static int make_context(
	const struct srtp_conf *conf, const struct srtp_master *master, srtp_ssrc_type_t type, srtp_t *ret_ctx)
{
	uint8_t key[SRTP_MASTER_KEY_BYTES + SRTP_MASTER_SALT_BYTES];
	srtp_policy_t policy;
	int r;

	memset(&policy, 0, sizeof(policy));
	set_crypto(&policy, conf->profile);
	memcpy(key, master->key, SRTP_MASTER_KEY_BYTES);
	memcpy(key + SRTP_MASTER_KEY_BYTES, master->salt, SRTP_MASTER_SALT_BYTES);
	policy.ssrc.type = type;
	policy.key = key;
	policy.window_size = SRTP_WINDOW_PACKETS;
	r = srtp_create(ret_ctx, &policy) == srtp_err_status_ok ? 0 : -EIO;
	crypto_wipe(key, sizeof(key));
	return r;
}

static bool library_ok;

static void init_library(void)
{
	library_ok = srtp_init() == srtp_err_status_ok;
}

int srtp_lib_new(const struct srtp_conf *conf, struct srtp_session **ret_session)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct lib_session *l;
	int r;

	pthread_once(&once, init_library);
	if (!library_ok)
		return -EIO;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->base.ops = &lib_ops;
	l->profile = conf->profile;
	r = make_context(conf, &conf->tx, ssrc_any_outbound, &l->tx);
	if (r == 0)
		r = make_context(conf, &conf->rx, ssrc_any_inbound, &l->rx);
	if (r < 0) {
		lib_free(&l->base);
		return r;
	}
	*ret_session = &l->base;
	return 0;
}
