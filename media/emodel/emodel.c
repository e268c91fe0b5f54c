/* The E-model. Equation numbers are those of ITU-T G.107 (06/2015).
 *
 *   R = Ro - Is - Id - Ie,eff + A                                                        (7-1)
 *
 * Ro and Is depend only on parameters that stay at their defaults, A is 0. With all defaults R is 93.2 (clause 7.7), a
 * value that includes the small Id of a connection without delay.
 */
#include "media/emodel/emodel.h"

#include <math.h>

static const double R_DEFAULT = 93.2;
static const double RO = 94.77;      /* (7-2) at the default values */
static const double TELR_DB = 65;    /* talker echo loudness rating */
static const double WEPL_DB = 110;   /* weighted echo path loss */
static const double SENSITIVITY = 1; /* sT and mT of G.107 Table 1, default class of users */
static const double DELAY_NOTICED_MS = 100;
static const double DELAY_MAX_MS = 10000; /* R is 0 long before */

/* Equipment impairment at no loss, and robustness against loss. */
static const struct {
	double ie, bpl;
} codecs[] = {
	/* ITU-T G.113 Appendix I, Tables I.1 and I.3: G.711 at random loss, without and with G.711 Appendix I
	   concealment */
	[EMODEL_G711] = {0, 4.3},
	[EMODEL_G711_PLC] = {0, 25.1},
	/* The ITU-T has no narrowband values for Opus. Estimate: what M. Alahmadi published in 2021 (coefficients of
	 * "Opus_emodel", from instrumental measurement) for narrowband Opus at 11 kbit/s constant rate and random loss,
	 * Ie 2.03 and Bpl 15.95. It is the highest rate there; calls use more, so the true Ie is nearer to 0, and
	 * in-band FEC makes them more robust than this. */
	[EMODEL_OPUS_NB] = {2.03, 15.95},
};

static double at_least(double value, double low)
{
	return value > low ? value : low; /* NAN compares false: low */
}

/* Talker echo, Idte, (7-19) to (7-22): grows with the delay even at a high echo loss. t_ms: one-way. */
static double talker_echo(double t_ms)
{
	double terv = TELR_DB - 40 * log10((1 + t_ms / 10) / (1 + t_ms / 150)) + 6 * exp(-0.3 * t_ms * t_ms);
	double re = 80 + 2.5 * (terv - 14);
	double half = (RO - re) / 2;

	return (half + sqrt(half * half + 100) - 1) * (1 - exp(-t_ms));
}

/* Listener echo, Idle, (7-25) and (7-26), over the round trip. */
static double listener_echo(double t_ms)
{
	double rle = 10.5 * (WEPL_DB + 7) * pow(2 * t_ms + 1, -0.25);
	double half = (RO - rle) / 2;

	return half + sqrt(half * half + 169);
}

/* Delay itself, however free of echo, Idd, (7-27) and (7-28). */
static double absolute_delay(double t_ms)
{
	double x, n = 6 * SENSITIVITY;

	if (t_ms <= DELAY_NOTICED_MS)
		return 0;
	x = log(t_ms / DELAY_NOTICED_MS) / log(2);
	return 25 * (pow(1 + pow(x, n), 1 / n) - 3 * pow(1 + pow(x / 3, n), 1 / n) + 2);
}

static double delay_impairment(double t_ms)
{
	return talker_echo(t_ms) + listener_echo(t_ms) + absolute_delay(t_ms);
}

/* Ie,eff, (7-29). */
static double equipment_impairment(const struct emodel_input *in)
{
	double ie = codecs[in->codec].ie;
	double loss = fmin(at_least(in->loss_percent, 0), 100);
	double burst_ratio = at_least(in->burst_ratio, 1);

	return ie + (95 - ie) * loss / (loss / burst_ratio + codecs[in->codec].bpl);
}

double emodel_r(const struct emodel_input *in)
{
	double delay_ms = fmin(at_least(in->one_way_delay_ms, 0), DELAY_MAX_MS);
	double id = delay_impairment(delay_ms) - delay_impairment(0);

	return at_least(R_DEFAULT - id - equipment_impairment(in), 0);
}

double emodel_mos_of_r(double r)
{
	if (!(r > 0))
		return 1;
	if (r >= 100)
		return 4.5;
	/* (B-4). The cubic falls a little below 1 for R under 6.5; no opinion is worse than 1. */
	return at_least(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1);
}

double emodel_mos(const struct emodel_input *in)
{
	return emodel_mos_of_r(emodel_r(in));
}
