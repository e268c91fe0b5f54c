/* media/srtp/srtp_window.c */
#include "media/srtp/srtp_window.h"

#include <errno.h>

/* RFC 3711 s3.3.1, appendix A: of the three indices with these low 16 bits near the top, the nearest. Below index 2^15
 * there is no previous ROC to go back to, and a wide jump is forward. */
uint64_t srtp_window_guess(const struct srtp_window *w, uint16_t seq)
{
	uint64_t roc = w->top >> 16;
	int last = (int)(w->top & 0xffff);

	if (w->top <= 0x8000)
		return seq;
	if (last < 0x8000) {
		if (seq - last > 0x8000)
			roc--;
	} else if (last - 0x8000 > seq) {
		roc++;
	}
	return roc << 16 | seq;
}

int srtp_window_check(const struct srtp_window *w, uint64_t index)
{
	uint64_t age;

	if (index > w->top)
		return 0;
	age = w->top - index;
	if (age >= SRTP_WINDOW_PACKETS)
		return -ESTALE;
	return w->seen[age / 64] >> (age % 64) & 1 ? -EALREADY : 0;
}

void srtp_window_add(struct srtp_window *w, uint64_t index)
{
	uint64_t n;

	if (index <= w->top) {
		n = w->top - index;
		w->seen[n / 64] |= UINT64_C(1) << (n % 64);
		return;
	}
	n = index - w->top;
	w->top = index;
	if (n >= SRTP_WINDOW_PACKETS) {
		w->seen[0] = w->seen[1] = 0;
	} else if (n >= 64) {
		w->seen[1] = w->seen[0] << (n - 64);
		w->seen[0] = 0;
	} else {
		w->seen[1] = w->seen[1] << n | w->seen[0] >> (64 - n);
		w->seen[0] <<= n;
	}
	w->seen[0] |= 1;
}
