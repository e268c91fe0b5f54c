/* lib/base/conf_secret.c
 *
 * Secrets: given in the file, in the environment (containers) or in a file of their own (systemd credentials, Docker
 * secrets).
 */
#include "lib/base/conf.h"

#include "lib/base/crypto.h"
#include "lib/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_MAX_BYTES = 16 * 1024 };

static int give(const char *text, size_t length, const char *where, char **ret_value, char *why, size_t why_cap)
{
	char *copy;

	if (!length) {
		snprintf(why, why_cap, "%s is empty", where);
		return -EINVAL;
	}
	if (memchr(text, '\0', length)) {
		snprintf(why, why_cap, "%s holds a zero byte", where);
		return -EINVAL;
	}
	copy = malloc(length + 1);
	if (!copy) {
		snprintf(why, why_cap, "out of memory");
		return -ENOMEM;
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	*ret_value = copy;
	return 0;
}

/* Up to cap bytes; the count, or negative errno. */
static ssize_t read_file(const char *path, char *dst, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (used < cap && n) {
		n = read(fd, dst + used, cap - used);
		if (n > 0)
			used += (size_t)n;
		else if (n < 0 && errno != EINTR)
			break;
	}
	n = n < 0 ? -errno : (ssize_t)used;
	close(fd);
	return n;
}

static int from_file(const char *path, char **ret_value, char *why, size_t why_cap)
{
	char bytes[SECRET_MAX_BYTES + 1];
	ssize_t n = read_file(path, bytes, sizeof(bytes));
	char where[256];
	int r;

	if (n < 0) {
		snprintf(why, why_cap, "file %s cannot be read: %s", path, strerror((int)-n));
		return -ENOENT;
	}
	snprintf(where, sizeof(where), "file %s", path);
	if (n > SECRET_MAX_BYTES) {
		snprintf(why, why_cap, "%s is longer than %d bytes", where, SECRET_MAX_BYTES);
		r = -EINVAL;
	} else {
		if (n && bytes[n - 1] == '\n') {
			n--;
			if (n && bytes[n - 1] == '\r')
				n--;
		}
		r = give(bytes, (size_t)n, where, ret_value, why, why_cap);
	}
	crypto_wipe(bytes, sizeof(bytes));
	return r;
}

static int from_environment(const char *name, char **ret_value, char *why, size_t why_cap)
{
	const char *value = *name ? getenv(name) : NULL;
	char where[256];

	snprintf(where, sizeof(where), "environment variable %s", name);
	if (!value) {
		snprintf(why, why_cap, "%s is not set", where);
		return -ENOENT;
	}
	return give(value, strlen(value), where, ret_value, why, why_cap);
}

int conf_secret(const char *text, char **ret_value, char *why, size_t why_cap)
{
	if (str_starts(text, "env:"))
		return from_environment(text + strlen("env:"), ret_value, why, why_cap);
	if (str_starts(text, "file:"))
		return from_file(text + strlen("file:"), ret_value, why, why_cap);
	return give(text ? text : "", text ? strlen(text) : 0, "the value", ret_value, why, why_cap);
}

void conf_secret_free(char *value)
{
	if (value) {
		crypto_wipe(value, strlen(value));
		free(value);
	}
}
