/* media/emodel/emodel.h
 *
 * How good the speech probably sounds, from what can be counted: the E-model of ITU-T G.107 (06/2015), narrowband, all
 * parameters that we cannot measure at their default values (its clause 7.7, so with the default echo loss TELR 65 dB).
 * A planning model: use it to compare calls and to find bad ones, not as a listening test. Pure.
 */
#ifndef MEDIA_EMODEL_EMODEL_H
#define MEDIA_EMODEL_EMODEL_H

enum emodel_codec {
	EMODEL_G711,     /* a lost packet is silence */
	EMODEL_G711_PLC, /* with concealment (G.711 Appendix I) */
	EMODEL_OPUS_NB,  /* Opus heard through a telephone channel; an estimate, see emodel.c */
};

struct emodel_input {
	enum emodel_codec codec;
	double one_way_delay_ms; /* mouth to ear: network, playout delay, codec. Negative or not a number: 0 */
	double loss_percent;     /* packets lost or too late, 0 to 100. Negative or not a number: 0 */
	double burst_ratio; /* mean length of loss bursts over that of random loss at the same rate; below 1 counts as 1
			       (random) */
};

/* Transmission rating factor R, 0 to 100; 93.2 with no delay and loss on G.711. */
double emodel_r(const struct emodel_input *in);
/* The mean opinion score that R stands for, 1 to 4.5 (G.107 Annex B, MOS-CQE). */
double emodel_mos_of_r(double r);
/* Both steps: estimated conversational MOS. */
double emodel_mos(const struct emodel_input *in);

#endif
