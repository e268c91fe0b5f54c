/* tools/loadgen/proc.c
 *
 * The whole process's time comes from its CPU clock, the threads' from schedstat: both count nanoseconds, where the
 * utime and stime of /proc/PID/stat count ticks of 10 ms. A kernel without schedstat leaves the ticks.
 */
#include "tools/loadgen/proc.h"

#include "lib/base/str.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int read_text(const char *path, char *text, size_t cap)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	n = fread(text, 1, cap - 1, f);
	text[n] = '\0';
	fclose(f);
	return n ? 0 : -ESRCH;
}

static int thread_ticks_us(const char *folder, uint64_t *ret_us)
{
	char path[96], text[1024];
	unsigned long user, sys;
	const char *after;
	int r;

	snprintf(path, sizeof(path), "%s/stat", folder);
	r = read_text(path, text, sizeof(text));
	if (r)
		return r;
	after = strrchr(text, ')'); /* the name may hold anything */
	if (!after || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2)
		return -EPROTO;
	*ret_us = (user + sys) * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	return 0;
}

static int thread_us(const char *folder, uint64_t *ret_us)
{
	char path[96], text[128];
	unsigned long long ns;

	snprintf(path, sizeof(path), "%s/schedstat", folder);
	if (read_text(path, text, sizeof(text)) || sscanf(text, "%llu", &ns) != 1 || !ns)
		return thread_ticks_us(folder, ret_us);
	*ret_us = ns / 1000;
	return 0;
}

static void add_thread(struct proc_cpu *cpu, const char *folder, bool first)
{
	char path[96], name[32] = "";
	uint64_t us;

	snprintf(path, sizeof(path), "%s/comm", folder);
	if (thread_us(folder, &us) || read_text(path, name, sizeof(name)))
		return; /* it ended meanwhile */
	if (first)
		cpu->control_us += us;
	else if (str_starts(name, "media"))
		cpu->media_us += us;
	else
		cpu->other_us += us;
}

int proc_cpu(pid_t pid, struct proc_cpu *ret_cpu)
{
	struct proc_cpu cpu = {0};
	char folder[64];
	struct timespec ts;
	struct dirent *e;
	clockid_t clock;
	DIR *d;
	int r = clock_getcpuclockid(pid, &clock);

	if (r || clock_gettime(clock, &ts))
		return r ? -r : -ESRCH;
	cpu.total_us = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	snprintf(folder, sizeof(folder), "/proc/%d/task", (int)pid);
	d = opendir(folder);
	if (!d)
		return -ESRCH;
	while ((e = readdir(d))) {
		int tid = atoi(e->d_name);
		if (tid <= 0)
			continue;
		snprintf(folder, sizeof(folder), "/proc/%d/task/%d", (int)pid, tid);
		add_thread(&cpu, folder, tid == (int)pid);
	}
	closedir(d);
	*ret_cpu = cpu;
	return 0;
}

int proc_rss_kb(pid_t pid, uint64_t *ret_kb)
{
	char path[64], text[4096];
	const char *at;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	r = read_text(path, text, sizeof(text));
	if (r)
		return r;
	at = strstr(text, "VmRSS:");
	if (!at)
		return -ESRCH; /* a process that has ended and was not waited for */
	*ret_kb = strtoull(at + 6, NULL, 10);
	return 0;
}

int proc_fds(pid_t pid, unsigned *ret_count)
{
	char path[64];
	struct dirent *e;
	unsigned count = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	if (!d)
		return -errno;
	while ((e = readdir(d)))
		count += e->d_name[0] != '.';
	closedir(d);
	*ret_count = count;
	return 0;
}
