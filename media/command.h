/* media/command.h
 *
 * What the control thread tells a media worker, and what the worker reports back: small structs by value through
 * mailboxes.
 */
#ifndef MEDIA_COMMAND_H
#define MEDIA_COMMAND_H

#include "media/media_types.h"
#include "media/tap/rtp_copy.h"

#include <stdbool.h>
#include <stdint.h>

enum media_command_kind {
	MEDIA_CMD_OPEN,    /* u.open; the worker owns the descriptors from here on and closes them */
	MEDIA_CMD_SET_WA,  /* u.wa: malloc'd by the control thread, freed by the worker */
	MEDIA_CMD_SET_SIP, /* u.sip */
	MEDIA_CMD_KEEP_GREETING,
	MEDIA_CMD_START_WA,
	MEDIA_CMD_PLAY,         /* u.play */
	MEDIA_CMD_MUTE,         /* u.mute */
	MEDIA_CMD_SEND_DTMF,    /* u.dtmf */
	MEDIA_CMD_SIP_DIGIT,    /* u.digit */
	MEDIA_CMD_RECORD,       /* u.record; the worker closes the ring, also where there is no session any more */
	MEDIA_CMD_RECORD_PAUSE, /* u.on */
	MEDIA_CMD_RECORD_STOP,
	MEDIA_CMD_COPY, /* u.copy */
	MEDIA_CMD_COPY_STOP,
	MEDIA_CMD_ASK_STATS,
	MEDIA_CMD_CLOSE,
	MEDIA_CMD_STOP, /* close everything and end the thread */
};

enum { MEDIA_DTMF_MAX = 32 }; /* digits in one command */

struct media_call;

struct media_command {
	enum media_command_kind kind;
	uint64_t session;
	union {
		struct {
			int wa_fd, rtp_fd, rtcp_fd;
			struct media_wa_local wa;
			struct media_call *memory; /* worker_command() fills it in */
		} open;
		struct media_wa_remote *wa;
		struct media_sip_remote sip;
		struct {
			enum media_side side;
			enum media_sound sound;
		} play;
		struct {
			enum media_side side;
			bool on;
		} mute;
		struct {
			struct record_ring *ring;
			bool announce_wa, announce_sip;
		} record;
		bool on;
		struct rtp_copy_conf copy;
		struct {
			enum media_side side;
			char digits[MEDIA_DTMF_MAX + 1];
		} dtmf;
		struct {
			char digit;
			unsigned duration_ms;
		} digit;
	} u;
};

#endif
