/* A directory for one test's database, and shell-free removal of what is in it. */
#ifndef TESTS_UNIT_STORE_TEMP_DIR_H
#define TESTS_UNIT_STORE_TEMP_DIR_H

struct temp_dir {
	char path[64];
	char file[96]; /* PATH/calls.db */
	char url[128]; /* sqlite:PATH/calls.db */
};

void temp_dir_make(struct temp_dir *d);
void temp_dir_remove(struct temp_dir *d);

#endif
