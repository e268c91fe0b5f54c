#include "tests/scenario/sip/sipp.h"

#include "tests/scenario/sip/ports.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

/* Asked of the kernel's tables: who waits for a program by trying to bind its port takes it from the program every now
 * and then. */
static bool taken(bool tcp, uint16_t port)
{
	FILE *table = fopen(tcp ? "/proc/net/tcp" : "/proc/net/udp", "re");
	char line[256], wanted[8];
	bool found = false;

	assert_non_null(table);
	(void)snprintf(wanted, sizeof(wanted), ":%04X ", port);
	while (!found && fgets(line, sizeof(line), table)) {
		const char *local = strstr(line, wanted);
		/* "  sl: ADDRESS:PORT ADDRESS:PORT STATE": the first of them, with nobody at the other end */
		found = local && strncmp(local + strlen(wanted), "00000000:0000", 13) == 0;
	}
	(void)fclose(table);
	return found;
}

void sipp_start(struct sipp *p, const char *name, bool tcp)
{
	char xml[256], port[8], media_port[8];
	char *argv[] = {"sipp", "-sf", xml, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", port, "-mp", media_port, "-m",
		"1", "-nostdin", "-timeout", "20", "-recv_timeout", "15000", "-t", tcp ? "t1" : "u1", NULL};
	posix_spawn_file_actions_t fa;
	const char *log = getenv("WATRUNK_SIPP_LOG");

	p->port = free_port();
	p->status = -1;
	(void)snprintf(xml, sizeof(xml), "tests/scenario/sip/xml/%s.xml", name);
	(void)snprintf(port, sizeof(port), "%u", p->port);
	(void)snprintf(media_port, sizeof(media_port), "%u", free_port());
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&fa, 1, log ? log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&fa, 1, 2);
	for (int fd = 3; fd < 64; fd++)
		posix_spawn_file_actions_addclose(&fa, fd);
	assert_int_equal(posix_spawnp(&p->pid, "sipp", &fa, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&fa);
	for (int i = 0; i < 5000 && !taken(tcp, p->port) && !sipp_ended(p); i++)
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	assert_int_equal(p->status, -1);
}

bool sipp_ended(void *sipp)
{
	struct sipp *p = sipp;
	int status;

	if (p->status < 0 && waitpid(p->pid, &status, WNOHANG) == p->pid)
		p->status = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
	return p->status >= 0;
}

void sipp_stop(struct sipp *p)
{
	if (p->status >= 0 || p->pid <= 0)
		return;
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	p->status = 255;
}
