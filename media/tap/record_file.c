/* media/tap/record_file.c
 *
 * libsndfile over write() of our own, so that what the disk says is known, and bytes are counted.
 */
#include "media/tap/record_file.h"

#include "media/tap/record_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sndfile.h>

enum {
	NAMES_MAX = 99, /* of one template that says the same of several recordings */
	NAME_ROOM = RECORD_PATH_MAX + 16,
};

struct record_file {
	int dir_fd, fd;
	SNDFILE *snd;
	bool opus;
	uint64_t max_bytes;
	sf_count_t at, bytes;
	int error; /* the disk's first, negative */
	char name[NAME_ROOM], part[NAME_ROOM + 8];
};

/* ---- names ---- */

/* Level by level, and never through a link that somebody has put there. */
static int make_levels(int top, const char *name, int *ret_dir)
{
	char level[NAME_ROOM];
	int dir = fcntl(top, F_DUPFD_CLOEXEC, 0), r = dir < 0 ? -errno : 0;

	for (const char *slash; r == 0 && (slash = strchr(name, '/')); name = slash + 1) {
		snprintf(level, sizeof(level), "%.*s", (int)(slash - name), name);
		if (mkdirat(dir, level, 0700) && errno != EEXIST)
			r = -errno;
		int below = r ? -1 : openat(dir, level, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_RDONLY);
		if (r == 0 && below < 0)
			r = -errno;
		close(dir);
		dir = below;
	}
	if (r && dir >= 0)
		close(dir);
	if (r == 0)
		*ret_dir = dir;
	return r;
}

static const char *last_level(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? slash + 1 : name;
}

/* A name that nobody has, and its .part file. */
static int make_part(struct record_file *f, const char *name)
{
	struct stat st;

	for (int i = 1; i <= NAMES_MAX; i++) {
		char number[8] = "";
		if (i > 1)
			snprintf(number, sizeof(number), "-%d", i);
		snprintf(f->name, sizeof(f->name), "%s%s.%s", name, number, f->opus ? "opus" : "wav");
		snprintf(f->part, sizeof(f->part), "%s.part", last_level(f->name));
		if (fstatat(f->dir_fd, last_level(f->name), &st, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		f->fd = openat(f->dir_fd, f->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (f->fd >= 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

/* ---- what libsndfile writes with ---- */

static sf_count_t file_length(void *arg)
{
	const struct record_file *f = arg;
	return f->bytes;
}

static sf_count_t file_seek(sf_count_t offset, int whence, void *arg)
{
	struct record_file *f = arg;
	f->at = whence == SEEK_SET ? offset : whence == SEEK_CUR ? f->at + offset : f->bytes + offset;
	return f->at;
}

static sf_count_t file_read(void *to, sf_count_t count, void *arg)
{
	struct record_file *f = arg;
	ssize_t n = pread(f->fd, to, (size_t)count, f->at);
	if (n > 0)
		f->at += n;
	return n > 0 ? n : 0;
}

static sf_count_t file_write(const void *from, sf_count_t count, void *arg)
{
	struct record_file *f = arg;
	sf_count_t done = 0;

	while (done < count) {
		ssize_t n = pwrite(f->fd, (const char *)from + done, (size_t)(count - done), f->at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (!f->error)
				f->error = n < 0 ? -errno : -EIO;
			break;
		}
		done += n;
		f->at += n;
		if (f->at > f->bytes)
			f->bytes = f->at;
	}
	return done;
}

static sf_count_t file_tell(void *arg)
{
	const struct record_file *f = arg;
	return f->at;
}

/* ---- entry points ---- */

uint64_t record_file_limit(const struct record_file_conf *conf)
{
	bool says_less = conf->max_bytes && conf->max_bytes < RECORD_WAV_BYTES_MAX;
	return conf->opus || says_less ? conf->max_bytes : RECORD_WAV_BYTES_MAX;
}

int record_file_new(const struct record_file_conf *conf, struct record_file **ret_file)
{
	struct record_file *f = calloc(1, sizeof(*f));
	int top, r;

	if (!f)
		return -ENOMEM;
	f->dir_fd = f->fd = -1;
	f->opus = conf->opus;
	f->max_bytes = record_file_limit(conf);
	top = open(conf->directory, O_DIRECTORY | O_CLOEXEC | O_RDONLY);
	r = top < 0 ? -errno : make_levels(top, conf->name, &f->dir_fd);
	if (top >= 0)
		close(top);
	if (r == 0)
		r = make_part(f, conf->name);
	if (r) {
		record_file_free(f);
		return r;
	}
	*ret_file = f;
	return 0;
}

int record_file_begin(struct record_file *f, uint32_t rate_hz)
{
	SF_VIRTUAL_IO io = {file_length, file_seek, file_read, file_write, file_tell};
	SF_INFO info = {.samplerate = (int)rate_hz,
		.channels = 2,
		.format = f->opus ? SF_FORMAT_OGG | SF_FORMAT_OPUS : SF_FORMAT_WAV | SF_FORMAT_PCM_16};

	f->snd = sf_open_virtual(&io, SFM_WRITE, &info, f);
	if (f->snd)
		return f->error;
	return f->error ? f->error : -ENOTSUP;
}

int record_file_write(struct record_file *f, const int16_t *stereo, size_t frames)
{
	if (f->max_bytes && (uint64_t)f->bytes + (f->opus ? 0 : frames * 4) > f->max_bytes)
		return -EFBIG;
	sf_count_t n = sf_writef_short(f->snd, stereo, (sf_count_t)frames);
	if (f->error)
		return f->error;
	return n == (sf_count_t)frames ? 0 : -EIO;
}

int record_file_finish(struct record_file *f)
{
	int r;

	if (f->snd)
		sf_close(f->snd); /* writes the lengths into its beginning */
	f->snd = NULL;
	r = f->error;
	if (fsync(f->fd) && r == 0)
		r = -errno;
	/* also what came before the disk was full is a recording */
	if (renameat2(f->dir_fd, f->part, f->dir_fd, last_level(f->name), RENAME_NOREPLACE) == 0)
		return r;
	if (errno == EINVAL && renameat(f->dir_fd, f->part, f->dir_fd, last_level(f->name)) == 0)
		return r; /* a file system that cannot promise it; the .part file was ours alone */
	return r ? r : -errno;
}

const char *record_file_name(const struct record_file *f)
{
	return f->name;
}

uint64_t record_file_bytes(const struct record_file *f)
{
	return (uint64_t)f->bytes;
}

struct record_file *record_file_free(struct record_file *f)
{
	if (!f)
		return NULL;
	if (f->snd)
		sf_close(f->snd);
	if (f->fd >= 0)
		close(f->fd);
	if (f->dir_fd >= 0)
		close(f->dir_fd);
	free(f);
	return NULL;
}
