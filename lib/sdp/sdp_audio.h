/* lib/sdp/sdp_audio.h
 *
 * Session descriptions with one audio stream: text <-> flat struct. Reads what Meta, PBXs and voice services send,
 * writes what they accept. Pure: no allocation, no look-ups. Several m= lines are understood (the first usable audio
 * line is taken; how many there were and where it stood is kept, so that an answer can refuse the others with port 0).
 * Sources: RFC 8866 (SDP), 3264 (offer/answer), 8839 (ICE), 5763 and 8122 (DTLS fingerprint), 4568 (SDES), 3605
 * (a=rtcp), 5761 (rtcp-mux), 4733 (telephone-event).
 */
#ifndef LIB_SDP_SDP_AUDIO_H
#define LIB_SDP_SDP_AUDIO_H

#include "lib/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SDP_TEXT_MAX = 16 * 1024, /* refuse longer text unread */
	SDP_CODECS_MAX = 16,
	SDP_CANDIDATES_MAX = 16, /* further ones are ignored */
	SDP_MEDIA_MAX = 8,
	SDP_CRYPTO_MAX = 16, /* FreeSWITCH lists every suite it has, the common ones last */
	SDP_FINGERPRINT_BYTES = 32,
};

enum sdp_proto { SDP_RTP_AVP, SDP_RTP_SAVP, SDP_RTP_AVPF, SDP_RTP_SAVPF, SDP_UDP_TLS_RTP_SAVP, SDP_UDP_TLS_RTP_SAVPF };
enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };
enum sdp_setup { SDP_SETUP_NONE, SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE, SDP_SETUP_ACTPASS, SDP_SETUP_HOLDCONN };
enum sdp_candidate_type { SDP_CAND_HOST, SDP_CAND_SRFLX, SDP_CAND_PRFLX, SDP_CAND_RELAY };

struct sdp_codec {
	uint8_t pt;
	char name[24];     /* as written; compare without case. Static payload types 0, 8, 9, 13 ... are filled in when
			      rtpmap is missing */
	uint32_t clock_hz; /* rtpmap clock */
	uint8_t channels;  /* 1 when not given */
	char fmtp[192];    /* format parameters without the pt, "" when none */
};

struct sdp_candidate {
	char foundation[33];
	uint8_t component;
	uint32_t priority;
	struct addr addr; /* UDP only; TCP, mDNS names and unparsable candidates are skipped */
	enum sdp_candidate_type type;
};

struct sdp_crypto {
	uint16_t tag;
	char suite[40];
	char inline_key[96]; /* base64 key||salt, without "inline:" and without lifetime and MKI */
	bool has_mki;
};

/* The refused m= lines beside ours, as an answer must repeat them (RFC 3264 s6: same order, media type and protocol).
 */
struct sdp_other_media {
	char media[16], proto[32], fmt[32]; /* "": written as "audio", "RTP/AVP", "0" */
};

struct sdp_audio {
	uint64_t origin_id, origin_version;
	struct addr origin; /* host only; unset when not numeric */
	enum sdp_proto proto;
	/* c= host with m= port. Port 0, or unset: refused stream (then codecs are not read). Host 0.0.0.0 or "::"
	 * (addr_is_any): there is nowhere to send to, because of hold_address, or, with a DTLS proto, because the
	 * candidates say where (often port 9). */
	struct addr rtp;
	struct addr rtcp; /* a=rtcp, else RTP port + 1; unset with rtcp_mux, or when nothing says where */
	bool rtcp_mux;
	bool xr_voip;      /* a=rtcp-xr:voip-metrics (RFC 3611 s5.1): who says so wants them */
	bool hold_address; /* c=0.0.0.0 without DTLS: the old way to hold (RFC 3264 s8.4); written as such when set */
	enum sdp_direction direction;
	uint16_t ptime_ms, maxptime_ms; /* 0: not given */
	size_t codec_count;
	struct sdp_codec codecs[SDP_CODECS_MAX]; /* in order of preference, telephone-event and CN among them */
	/* WebRTC part */
	bool ice_lite;
	char ice_ufrag[257], ice_pwd[257]; /* "" when none; characters outside ice-char (such as '=') are accepted: Meta
					      sends them */
	size_t candidate_count;
	struct sdp_candidate candidates[SDP_CANDIDATES_MAX];
	bool has_fingerprint; /* a sha-256 one; other hashes are ignored */
	uint8_t fingerprint[SDP_FINGERPRINT_BYTES];
	size_t fingerprint_lines; /* of any hash, for strict checkers */
	enum sdp_setup setup;
	char mid[64];
	char msid[128]; /* "stream track", "" when none */
	uint32_t ssrc;  /* first a=ssrc; 0 when none */
	char cname[64];
	/* SDES */
	size_t crypto_count;
	struct sdp_crypto crypto[SDP_CRYPTO_MAX];
	/* where the taken m= line stood */
	size_t media_count, media_index;
	struct sdp_other_media others[SDP_MEDIA_MAX]; /* by position; the one at media_index is not used */
};

/* Why a text was refused, fit for a log line; never quotes secrets. */
struct sdp_error {
	int line; /* 1-based; 0: the text as a whole */
	char what[96];
};

/* Read text[length]; lines end with CRLF or LF. Returns 0, -EBADMSG (not SDP, or malformed where it matters), -ENOENT
 * (no audio stream), -E2BIG (over SDP_TEXT_MAX or SDP_MEDIA_MAX). *ret_sdp is written on success only; error may be
 * NULL. */
int sdp_audio_parse(const char *text, size_t length, struct sdp_audio *ret_sdp, struct sdp_error *error);

/* The same, of the m= lines from position `first` on (0-based): where the audio stream taken before will not do. */
int sdp_audio_parse_from(
	const char *text, size_t length, size_t first, struct sdp_audio *ret_sdp, struct sdp_error *error);

/* Write as text with CRLF line ends. Order and spelling of lines follow what Meta is known to accept for WebRTC protos,
 * and plain RFC 3264 style for RTP/AVP. With media_count > 1 the other m= lines are written with port 0 ("m=audio 0
 * RTP/AVP 0" where `others` says nothing); media_count 0 counts as 1. An unset origin is written as the RTP host.
 * Returns the length without terminator, or -ENOBUFS. */
int sdp_write(const struct sdp_audio *sdp, char *text, size_t cap);

/* The stream was refused: port 0. */
bool sdp_is_refused(const struct sdp_audio *sdp);

/* First codec of this name (no case) and clock (0: any), or NULL. */
const struct sdp_codec *sdp_find_codec(const struct sdp_audio *sdp, const char *name, uint32_t clock_hz);
/* Append; fmtp may be NULL. -ENOSPC when full, -EINVAL when pt > 127 or a text is too long. */
int sdp_add_codec(
	struct sdp_audio *sdp, uint8_t pt, const char *name, uint32_t clock_hz, uint8_t channels, const char *fmtp);
/* Integer value of one fmtp parameter ("maxaveragebitrate"); fallback when absent. */
long sdp_fmtp_int(const struct sdp_codec *codec, const char *key, long fallback);

/* Key and salt out of an a=crypto line. Returns 0, or -EBADMSG: not base64 of exactly length bytes. */
int sdp_crypto_key(const struct sdp_crypto *crypto, uint8_t *ret_key, size_t length);
/* Append an a=crypto line. -ENOSPC when full, -EINVAL when suite or key are too long. */
int sdp_add_crypto(struct sdp_audio *sdp, uint16_t tag, const char *suite, const uint8_t *key, size_t length);
/* Overwrite keys that are no longer needed. */
void sdp_wipe(void *secret, size_t length);
/* For texts that are kept: what follows "inline:" becomes "x", in place. */
void sdp_redact_keys(char *text);

/* The direction an answer must carry (RFC 3264 s6.1): sendonly -> recvonly, inactive -> inactive, ...; hold_address
 * counts as sendonly. */
enum sdp_direction sdp_answer_direction(const struct sdp_audio *offer, enum sdp_direction wanted);
/* Take over the places of the offer's m= lines, so that the answer refuses the others and keeps its own where it was.
 */
void sdp_answer_media(struct sdp_audio *answer, const struct sdp_audio *offer);

#endif
