/* b2bua/app/config_recording.c
 *
 * The sections about those who listen along: recording and media_fork, and what rules may ask of them.
 */
#include "b2bua/app/config_load.h"
#include "lib/base/str.h"
#include "media/tap/record_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MAX_MINUTES = 240, MAX_MINUTES = 24 * 60, MAX_MEGABYTES = 1 << 20 };

bool config_announce_parse(const char *word, enum config_announce *ret)
{
	static const char *const words[] = {"none", "user", "both"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!str_equal(words[i], word))
			continue;
		*ret = (enum config_announce)i;
		return true;
	}
	return false;
}

static void load_announcement(struct load *ld, const struct recording_yaml *y)
{
	struct config *c = ld->c;
	char why[200];

	c->recording.announce = y->announcement ? ANNOUNCE_USER : ANNOUNCE_NONE;
	c->media.announcement_path = y->announcement;
	if (y->announcement && media_music_check(y->announcement, why, sizeof(why)))
		FAULT(ld, "recording.announcement", "\"%s\": %s", y->announcement, why);
	if (y->announce && !config_announce_parse(y->announce, &c->recording.announce))
		FAULT(ld, "recording.announce", "\"%s\" is not none, user or both", y->announce);
	else if (c->recording.announce != ANNOUNCE_NONE && !y->announcement)
		FAULT(ld, "recording.announce", "needs recording.announcement: a file to be played");
}

static void load_recording(struct load *ld, const struct recording_yaml *y)
{
	struct config *c = ld->c;
	char why[200];

	if (!y)
		return;
	c->recording.directory = y->directory;
	if (y->directory[0] != '/') /* whether it is there is for the moment of recording: disks come and go */
		FAULT(ld, "recording.directory", "\"%s\" must begin with /", y->directory);
	c->recording.path = y->path ? y->path : RECORD_PATH_DEFAULT;
	if (record_path_check(c->recording.path, why, sizeof(why)))
		FAULT(ld, "recording.path", "\"%s\": %s", c->recording.path, why);
	c->recording.opus = y->format && str_equal(y->format, "opus");
	if (y->format && !c->recording.opus && !str_equal(y->format, "wav"))
		FAULT(ld, "recording.format", "\"%s\" is not wav or opus", y->format);
	c->recording.max_ms =
		60000ull * load_uint(ld, "recording.max_minutes", y->max_minutes, DEFAULT_MAX_MINUTES, 1, MAX_MINUTES);
	c->recording.max_bytes =
		1000000ull * load_uint(ld, "recording.max_megabytes", y->max_megabytes, 0, 0, MAX_MEGABYTES);
	load_announcement(ld, y);
}

static void load_media_fork(struct load *ld, const struct media_fork_yaml *y)
{
	struct config *c = ld->c;
	char key[40];

	if (!y)
		return;
	c->media_fork.allow = calloc(y->allow_count, sizeof(*c->media_fork.allow));
	if (!c->media_fork.allow) {
		ld->out_of_memory = true;
		return;
	}
	c->media_fork.allow_count = y->allow_count;
	for (size_t i = 0; i < y->allow_count; i++) {
		snprintf(key, sizeof(key), "media_fork.allow[%zu]", i);
		if (addr_net_parse(y->allow[i], &c->media_fork.allow[i]))
			FAULT(ld, key, "\"%s\" is not an address or network, such as 10.0.0.0/8", y->allow[i]);
	}
}

void load_listeners(struct load *ld, const struct config_file *y)
{
	load_recording(ld, y->recording);
	load_media_fork(ld, y->media_fork);
}

void free_listeners(struct config *c)
{
	free(c->media_fork.allow);
}

/* ---- what rules and the API ask ---- */

int config_fork_addr(const struct config *c, const char *text, struct addr *ret_addr)
{
	struct addr a;

	if (addr_parse(text, &a) || !addr_port(&a) || addr_is_any(&a))
		return -EINVAL;
	for (size_t i = 0; i < c->media_fork.allow_count; i++) {
		if (addr_net_holds(&c->media_fork.allow[i], &a)) {
			*ret_addr = a;
			return 0;
		}
	}
	return -EPERM;
}

int config_check_record(const struct route_record *record, char *why, size_t cap, void *arg)
{
	const struct config *c = arg;
	enum config_announce announce;
	char what[160];

	if (!c->recording.directory) {
		snprintf(why, cap, "needs the section recording, with a directory");
		return -EINVAL;
	}
	if (*record->path && record_path_check(record->path, what, sizeof(what))) {
		snprintf(why, cap, "path \"%.60s\": %s", record->path, what);
		return -EINVAL;
	}
	if (config_announce_parse(record->announce, &announce) && announce != ANNOUNCE_NONE &&
		!c->media.announcement_path) {
		snprintf(why, cap, "announce needs recording.announcement: a file to be played");
		return -EINVAL;
	}
	return 0;
}

int config_check_fork(const struct route_fork *fork, char *why, size_t cap, void *arg)
{
	struct addr a;
	int r = config_fork_addr(arg, fork->to, &a);

	if (r == -EINVAL)
		snprintf(why, cap, "\"%.60s\" is not ADDRESS:PORT", fork->to);
	else if (r)
		snprintf(why, cap, "%.60s is not in media_fork.allow", fork->to);
	return r;
}
