/* media/loss_follower.h
 *
 * What loss the Opus encoder is to prepare for, from what the listener's RTCP reports say. In-band redundancy takes up
 * to a third of the bits from the speech, so it is for those who lose packets: up with the first bad report, down
 *slowly, off when next to nothing has been lost for a while. Until the first report it is what the configuration
 *expects.
 *
 *	report                                  then
 *	more than what is prepared for          as the report says, at once
 *	less                                    nearer to it, by half in some 10 s
 *	redundancy off, the mean 2 % or more    on
 *	on, the mean below 1 % for 20 s         off
 *
 * Pure: time is an argument. Embedded in its owner.
 */
#ifndef MEDIA_LOSS_FOLLOWER_H
#define MEDIA_LOSS_FOLLOWER_H

#include <stdbool.h>
#include <stdint.h>

enum {
	LOSS_FOLLOWER_MAX_PERCENT = 30, /* beyond, redundancy only takes more bits from the speech */
	LOSS_FOLLOWER_ON_PERCENT = 2,
	LOSS_FOLLOWER_OFF_PERCENT = 1,
	LOSS_FOLLOWER_OFF_AFTER_US = 20000000,
	LOSS_FOLLOWER_DECAY_US = 15000000,
};

struct loss_follower {
	uint8_t percent; /* for the encoder; 0: no redundancy */
	bool heard;      /* a report has come */
	double mean_percent;
	uint64_t at_us;       /* of the last report */
	uint64_t lossy_at_us; /* when the mean was last not next to nothing */
};

void loss_follower_init(struct loss_follower *f, unsigned expected_percent);
/* fraction_lost: of 256, as in RFC 3550 s6.4.1. Returns f->percent. */
unsigned loss_follower_report(struct loss_follower *f, uint8_t fraction_lost, uint64_t now_us);

#endif
