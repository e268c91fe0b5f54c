/* tests/fuzz/replay_main.c
 *
 * Runs a libFuzzer target over the files of a corpus folder once each, and over seeded mutations of them, so that
 * ordinary builds (gcc, any sanitizer) exercise the same code. Linked where libFuzzer is not.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT_BYTES = 64 * 1024, MUTATIONS_PER_FILE = 200 };

static uint64_t rng_state = 0x9e3779b97f4a7c15u;

static uint32_t rng_next(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (uint32_t)(rng_state >> 16);
}

/* An exact-size heap copy, so that AddressSanitizer sees a read past the end. */
static void run_once(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = calloc(1, length ? length : 1);
	if (!copy)
		abort();
	memcpy(copy, bytes, length);
	LLVMFuzzerTestOneInput(copy, length);
	free(copy);
}

static void run_mutations(const uint8_t *bytes, size_t length)
{
	static uint8_t work[MAX_INPUT_BYTES];
	for (int i = 0; i < MUTATIONS_PER_FILE; i++) {
		size_t n = length;
		memcpy(work, bytes, length);
		for (uint32_t flips = 1 + rng_next() % 8; flips && n; flips--)
			work[rng_next() % n] = (uint8_t)rng_next();
		if (n && rng_next() % 4 == 0)
			n = rng_next() % n;
		run_once(work, n);
	}
}

static int run_file(const char *path)
{
	static uint8_t bytes[MAX_INPUT_BYTES];
	FILE *f = fopen(path, "rb");
	if (!f) {
		perror(path);
		return -1;
	}
	size_t length = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	run_once(bytes, length);
	run_mutations(bytes, length);
	return 0;
}

int main(int argc, char **argv)
{
	size_t files = 0;
	run_once((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		struct dirent *e;
		if (!d) {
			perror(argv[i]);
			return 1;
		}
		while ((e = readdir(d))) {
			char path[1024];
			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", argv[i], e->d_name);
			if (run_file(path))
				return 1;
			files++;
		}
		closedir(d);
	}
	printf("%zu corpus files, %d mutations each\n", files, MUTATIONS_PER_FILE);
	return files ? 0 : 1;
}
