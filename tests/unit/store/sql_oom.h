/* tests/unit/store/sql_oom.h
 *
 * SQLite's allocations sent through ours, so that tests/support/oom.h makes them fail too.
 */
#ifndef TESTS_UNIT_STORE_SQL_OOM_H
#define TESTS_UNIT_STORE_SQL_OOM_H

int sql_oom_set_up(void **state); /* for cmocka, once a program, before SQLite is used */

#endif
