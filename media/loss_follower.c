/* media/loss_follower.c */
#include "media/loss_follower.h"

#include <string.h>

static uint8_t for_encoder(double percent)
{
	unsigned rounded = (unsigned)(percent + 0.5);

	if (rounded < LOSS_FOLLOWER_ON_PERCENT)
		rounded = LOSS_FOLLOWER_ON_PERCENT;
	return (uint8_t)(rounded < LOSS_FOLLOWER_MAX_PERCENT ? rounded : LOSS_FOLLOWER_MAX_PERCENT);
}

/* Reports come at intervals of the listener's choice: nearness goes by time, not by their number. */
static void approach(struct loss_follower *f, double reported_percent, uint64_t now_us)
{
	double passed_us = (double)(now_us - f->at_us);

	if (!f->heard || reported_percent >= f->mean_percent)
		f->mean_percent = reported_percent;
	else
		f->mean_percent +=
			(reported_percent - f->mean_percent) * passed_us / (passed_us + LOSS_FOLLOWER_DECAY_US);
}

unsigned loss_follower_report(struct loss_follower *f, uint8_t fraction_lost, uint64_t now_us)
{
	bool was_on = f->percent > 0, is_clear;

	approach(f, fraction_lost * 100.0 / 256.0, now_us);
	is_clear = f->mean_percent < LOSS_FOLLOWER_OFF_PERCENT;
	if (!f->heard || !is_clear)
		f->lossy_at_us = now_us;
	f->heard = true;
	f->at_us = now_us;
	if (was_on ? now_us - f->lossy_at_us < LOSS_FOLLOWER_OFF_AFTER_US : f->mean_percent >= LOSS_FOLLOWER_ON_PERCENT)
		f->percent = for_encoder(f->mean_percent);
	else
		f->percent = 0;
	return f->percent;
}

void loss_follower_init(struct loss_follower *f, unsigned expected_percent)
{
	memset(f, 0, sizeof(*f));
	f->percent =
		(uint8_t)(expected_percent < LOSS_FOLLOWER_MAX_PERCENT ? expected_percent : LOSS_FOLLOWER_MAX_PERCENT);
}
