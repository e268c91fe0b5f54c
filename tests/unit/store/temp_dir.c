#include "tests/unit/store/temp_dir.h"

#include "lib/base/assert.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void temp_dir_make(struct temp_dir *d)
{
	snprintf(d->path, sizeof(d->path), "/tmp/watrunk-store-XXXXXX");
	ASSERT(mkdtemp(d->path));
	snprintf(d->file, sizeof(d->file), "%s/calls.db", d->path);
	snprintf(d->url, sizeof(d->url), "sqlite:%s", d->file);
}

void temp_dir_remove(struct temp_dir *d)
{
	DIR *dir = opendir(d->path);
	const struct dirent *e;

	while (dir && (e = readdir(dir)))
		(void)unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	(void)rmdir(d->path);
}
