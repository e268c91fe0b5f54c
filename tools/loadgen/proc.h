/* tools/loadgen/proc.h
 *
 * What the kernel says about another process: processor time, memory, descriptors. Linux only, by /proc.
 */
#ifndef TOOLS_LOADGEN_PROC_H
#define TOOLS_LOADGEN_PROC_H

#include <stdint.h>
#include <sys/types.h>

/* Microseconds of processor time, user and system. The parts are by thread: the first one is control, "media-*" media;
 * they may add up to a little more or less than the whole, which is read separately. */
struct proc_cpu {
	uint64_t total_us, control_us, media_us, other_us;
};

/* All return 0 or negative errno (-ESRCH: no such process). */
int proc_cpu(pid_t pid, struct proc_cpu *ret_cpu);
int proc_rss_kb(pid_t pid, uint64_t *ret_kb);
int proc_fds(pid_t pid, unsigned *ret_count);

#endif
