/* Ports for a test on 127.0.0.1, from the blocks that scripts/ports.py shares out: of a port got by binding port 0 and
 * closing it, the kernel may make some other test's connection a moment later. The block is held by a lock on a file,
 * which ends with the process.
 */
#include "tests/scenario/sip/ports.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const uint16_t firsts[] = {
	61000, 62000, 63000, 64000, 6000, 7000, 8000, 9000, 10000, 11000}; /* scripts/ports.py */
enum { BLOCK = 1000 };

static bool lock_block(uint16_t first)
{
	const char *directory = getenv("TMPDIR");
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/watrunk-ports-%u-%u.lock", directory ? directory : "/tmp",
		(unsigned)getuid(), first);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true; /* and kept open */
	close(fd);
	return false;
}

static uint16_t my_block(void)
{
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		if (lock_block(firsts[i]))
			return firsts[i];
	}
	fail_msg("no free block of ports: too many runs at once");
	return 0;
}

static bool bindable(int type, uint16_t port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	bool ok = bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

	close(fd);
	return ok;
}

/* Two apart: the one above is free for RTCP. A port comes again only after all the others of the block. */
uint16_t free_port(void)
{
	static uint16_t first, next;

	if (!first)
		first = next = my_block();
	for (int i = 0; i < BLOCK / 2; i++) {
		uint16_t port = next;

		next = (uint16_t)(next + 2 < first + BLOCK ? next + 2 : first);
		if (bindable(SOCK_DGRAM, port) && bindable(SOCK_STREAM, port) &&
			bindable(SOCK_DGRAM, (uint16_t)(port + 1)))
			return port;
	}
	fail_msg("no free port from %u on", first);
	return 0;
}
