/* media/placement.h
 *
 * Which media worker gets a new call: the least loaded, and what load is. A call stays where it begins, rings without
 * any load for up to a minute, and calls are not equal: where Opus is passed on as it is, a call costs a tenth of one
 * that is transcoded. So neither number says enough by itself. While a worker has time to spare each of its calls
 * counts as an ordinary one, whether it talks yet or not; beyond that the time it is at work counts, too, and twice.
 *
 * Time to spare begins where the governor sees calm (governor.h), with the encoders' effort left out: effort fills the
 * time that is left and says nothing of how much there is.
 *
 *   calls    at work      weight
 *      80       35 %         400
 *     200        8 %        1000     Opus passed on
 *     120       60 %        1000     transcoded: the next one may go to either
 *      80       70 %        1000     somebody else is on this processor
 *
 * Pure.
 */
#ifndef MEDIA_PLACEMENT_H
#define MEDIA_PLACEMENT_H

enum {
	PLACEMENT_CALL_PERMILLE = 5, /* of a processor: a transcoded call, 100 us in 20 ms */
	PLACEMENT_MEASURED_TIMES = 2,
};

/* busy_permille: governor_load_permille(). The worker with the least weight gets the call. */
unsigned placement_weight(unsigned calls, unsigned busy_permille);

#endif
