/* tests/unit/store/store_rig.h
 *
 * A store in a directory of its own, and the loop that its answers come to.
 */
#ifndef TESTS_UNIT_STORE_STORE_RIG_H
#define TESTS_UNIT_STORE_STORE_RIG_H

#include "store/store.h"
#include "tests/unit/store/temp_dir.h"

#include <stdint.h>
#include <sys/types.h>

struct sqlite3;

struct store_rig {
	struct temp_dir dir;
	struct loop *loop;
	struct store *store;
	char why[300];
};

/* For cmocka: *state becomes a rig with an open store. */
int store_rig_set_up(void **state);
int store_rig_tear_down(void **state);

void store_rig_open(struct store_rig *rig);
void store_rig_reopen(struct store_rig *rig);
/* Step the loop until *flag is at least `wanted`; fails the test after a minute. */
void store_rig_await(struct store_rig *rig, const int *flag, int wanted);
void store_rig_flush(struct store_rig *rig);

/* The database as another program sees it. */
void store_rig_sql(struct store_rig *rig, const char *sql);
int64_t store_rig_number(struct store_rig *rig, const char *sql);
/* Hold the write lock until sqlite3_close(). */
struct sqlite3 *store_rig_lock(struct store_rig *rig);

/* Run fn on the (closed) store in a child process, which is killed by SIGKILL at the moment it calls store_rig_die();
 * then open it again here. */
void store_rig_killed(struct store_rig *rig, void (*fn)(struct store_rig *rig));
void store_rig_die(void);

#endif
