/* store/schema.h
 *
 * The versions of the database's schema and the steps between them. Private to store/.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

struct db;

enum { SCHEMA_VERSION = 7 }; /* what this program writes: PRAGMA user_version */

/* Is the database one that this program may read (and, with will_write, bring up to date)? Returns 0, -EPROTO (a newer
 * version; or, for reading, an older one), -EBADMSG (some other program's database) or an error of the database; the
 * reason in why. */
int schema_check(struct db *db, bool will_write, char *why, size_t why_cap);

/* Create the tables or migrate them, all steps in one transaction: afterwards the version is SCHEMA_VERSION, or nothing
 * changed. */
int schema_migrate(struct db *db, char *why, size_t why_cap);

#endif
