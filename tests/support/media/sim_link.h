/* tests/support/media/sim_link.h
 *
 * One direction of a simulated network in virtual time: loss, single and in bursts (Gilbert's two states), delay,
 * jitter, reordering, duplication, a narrow line with a queue that others use, too, and handovers; seeded.
 */
#ifndef TESTS_SUPPORT_MEDIA_SIM_LINK_H
#define TESTS_SUPPORT_MEDIA_SIM_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_link_conf {
	double loss_percent, duplicate_percent;
	unsigned delay_ms, jitter_ms; /* jitter: uniform, added */
	bool reorders;                /* jitter may let packets overtake each other */
	/* Gilbert: chance with each packet to enter, and to leave, a state in which all is lost */
	double burst_enter_percent, burst_leave_percent;
	/* a narrow line; packets that would wait longer than queue_ms are lost. Others send bursts of up to four
	 * packets of 1200 bytes, on average every cross_ms; 0: nobody does */
	unsigned bits_per_second, queue_ms, cross_ms;
	/* nothing gets through for handover_ms, first after handover_first_ms, again so long after its end; late: it
	 * all comes then, at once, else it is lost */
	unsigned handover_ms, handover_first_ms;
	bool handover_late;
	uint64_t seed;
};

enum { SIM_LINK_IN_FLIGHT = 256, SIM_PACKET_MAX = 1500 };

struct sim_link {
	struct sim_link_conf conf;
	uint64_t random;
	uint64_t newest_us;
	bool in_burst, known;
	uint64_t line_free_us, cross_next_us, handover_us; /* when the next one begins, or the one now began */
	uint64_t sent, lost;
	size_t count;
	struct sim_packet {
		uint64_t at_us;
		uint64_t order;
		size_t length;
		uint8_t bytes[SIM_PACKET_MAX];
	} packets[SIM_LINK_IN_FLIGHT];
};

void sim_link_init(struct sim_link *l, const struct sim_link_conf *conf);
void sim_link_send(struct sim_link *l, const void *bytes, size_t length, uint64_t now_us);
uint64_t sim_link_deadline(const struct sim_link *l); /* UINT64_MAX: nothing in flight */
/* The next packet that has arrived by now. Returns false when there is none. */
bool sim_link_receive(struct sim_link *l, uint64_t now_us, struct sim_packet *ret_packet);
double sim_random(uint64_t *state); /* [0, 1) */

#endif
