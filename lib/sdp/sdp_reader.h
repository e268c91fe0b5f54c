/* lib/sdp/sdp_reader.h
 *
 * Inside lib/sdp: what a parse gathers on its way through the text. sdp_audio_parse.c walks the lines, sdp_attr.c
 * understands a= lines, sdp_codec.c makes codecs of the payload types met.
 */
#ifndef LIB_SDP_SDP_READER_H
#define LIB_SDP_SDP_READER_H

#include "lib/sdp/sdp_audio.h"
#include "lib/sdp/sdp_line.h"

enum { SDP_PT_COUNT = 128 };

struct sdp_reader {
	struct sdp_audio sdp;
	/* The level being read: session lines first, then those of the taken m= line, which overrule them. */
	bool in_media;
	uint32_t seen; /* groups of attributes met on this level: the first one counts */
	bool fingerprint_here;
	/* Kept for the end, when all that belongs together has been seen. */
	int media_line;
	struct sdp_word host;    /* of c= */
	int host_line;           /* 0: no c= */
	struct sdp_word rtcp;    /* value of a=rtcp */
	struct sdp_word formats; /* payload types of the m= line */
	struct sdp_word rtpmap[SDP_PT_COUNT], fmtp[SDP_PT_COUNT];
};

/* One a= line. What is unknown or malformed is left alone: RFC 8866 s5.13, an unknown attribute MUST be ignored. */
void sdp_attr_read(struct sdp_reader *r, struct sdp_word value);
/* sdp.codecs from formats, rtpmap and fmtp. */
void sdp_codecs_resolve(struct sdp_reader *r);

#endif
