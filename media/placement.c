/* media/placement.c */
#include "media/placement.h"

#include "media/governor.h"

unsigned placement_weight(unsigned calls, unsigned busy_permille)
{
	const unsigned calm = GOVERNOR_CALM_PERCENT * 10;

	return calls * PLACEMENT_CALL_PERMILLE +
	       (busy_permille > calm ? (busy_permille - calm) * PLACEMENT_MEASURED_TIMES : 0);
}
