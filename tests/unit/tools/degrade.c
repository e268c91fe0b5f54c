/* degrade CODEC LOSS_PERCENT IN.wav OUT.wav: mono 16-bit speech through a codec over a lossy link, in packets of 20 ms.
 * CODEC: opus (24 kbit/s, concealment by the decoder), opus6 (6 kbit/s), plain (no codec; a lost packet is silence).
 * Seeded: always the same. */
#include <opus.h>
#include <sndfile.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES_MAX = 960, PACKET_MAX = 1275 };

struct codec {
	OpusEncoder *encoder; /* NULL: plain */
	OpusDecoder *decoder;
};

static int lost(unsigned percent)
{
	static uint32_t state = 12345;

	state = state * 1664525u + 1013904223u;
	return (state >> 8) % 100 < percent;
}

static int open_codec(struct codec *c, const char *name, int rate)
{
	int error = 0;

	if (strcmp(name, "plain") == 0)
		return 0;
	c->encoder = opus_encoder_create(rate, 1, OPUS_APPLICATION_VOIP, &error);
	if (c->encoder)
		c->decoder = opus_decoder_create(rate, 1, &error);
	if (!c->decoder)
		return -1;
	opus_encoder_ctl(c->encoder, OPUS_SET_BITRATE(strcmp(name, "opus6") == 0 ? 6000 : 24000));
	return 0;
}

static void pass(struct codec *c, int is_lost, int16_t *pcm, int count)
{
	unsigned char packet[PACKET_MAX];
	int length;

	if (!c->encoder) {
		if (is_lost)
			memset(pcm, 0, (size_t)count * sizeof(*pcm));
		return;
	}
	length = opus_encode(c->encoder, pcm, count, packet, sizeof(packet));
	if (length < 0 || opus_decode(c->decoder, is_lost ? NULL : packet, is_lost ? 0 : length, pcm, count, 0) < 0)
		exit(1);
}

int main(int argc, char **argv)
{
	SF_INFO info = {0};
	struct codec codec = {0};
	int16_t pcm[SAMPLES_MAX];
	SNDFILE *in, *out;
	int count;

	if (argc != 5)
		return 2;
	in = sf_open(argv[3], SFM_READ, &info);
	if (!in || info.channels != 1)
		return 2;
	out = sf_open(argv[4], SFM_WRITE, &info);
	count = info.samplerate / 50;
	if (!out || count > SAMPLES_MAX || open_codec(&codec, argv[1], info.samplerate) < 0)
		return 2;
	while (sf_readf_short(in, pcm, count) == count) {
		pass(&codec, lost((unsigned)atoi(argv[2])), pcm, count);
		sf_writef_short(out, pcm, count);
	}
	sf_close(in);
	sf_close(out);
	if (codec.encoder) {
		opus_encoder_destroy(codec.encoder);
		opus_decoder_destroy(codec.decoder);
	}
	return 0;
}
