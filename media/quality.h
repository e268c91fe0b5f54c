/* media/quality.h
 *
 * What was counted of one direction, put together as what a listener would say of it (media/emodel). Pure.
 * docs/quality.md says where each number comes from.
 */
#ifndef MEDIA_QUALITY_H
#define MEDIA_QUALITY_H

#include "media/emodel/emodel.h"
#include "media/media_types.h"

struct quality_verdict {
	double loss_percent;      /* of the packets expected, on the network. -1: nothing came */
	double discard_percent;   /* came, but too late */
	double concealed_percent; /* of what was played, invented. -1: we play nothing, the listener does */
	double one_way_ms;        /* the path to us, as half of the round trip; our hold; packet and codec */
	double r;                 /* conversation: delay counts. -1 as above */
	double mos_lq, mos_cq;    /* listening, conversation */
};

struct quality_verdict quality_judge(const struct media_rx_stats *rx, enum emodel_codec codec);

#endif
