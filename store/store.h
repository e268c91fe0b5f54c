/* store/store.h
 *
 * The call log, on a thread of its own. Requests go through a bounded mailbox; answers come back to the control loop.
 * Also keeps the list of calls that are live, so that after a crash those that Meta or the PBX may still hold can be
 * found and ended. URL: "sqlite:/path/calls.db" ("sqlite::memory:" for tests). Other schemes are refused with
 * -EPROTONOSUPPORT. Owner of the handle: control thread.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "store/call_record.h"

#include <stddef.h>

struct loop;
struct store;

/* Open (creating or migrating the schema) and start the thread. why: reason for people, names the path. Returns 0 or
 * negative errno: -EPROTONOSUPPORT, -EINVAL (no path), -ENOENT, -EACCES, -EROFS, -EBUSY (locked, or in use by another
 * watrunk), -EBADMSG (damaged, or not ours), -EPROTO (written by a newer watrunk), -ENOSPC, -EIO, -ENOMEM. A new file
 * is readable by its owner only. */
int store_open(struct loop *l, const char *url, struct store **ret_store, char *why, size_t why_cap);

/* Take over the record and write it; also forgets the live entry of the same id. Returns 0, or -EAGAIN (queue full:
 * record freed, counted). */
int store_give_record(struct store *s, struct call_record *record);

/* A call that must be ended at Meta should we die: written in the background before pre_accept. */
struct live_call {
	char id[40], wacid[257], number_id[40], user_number[24], tenant[40];
	uint64_t started_ms;
	bool outbound; /* business-initiated; with wacid "" it is a dial intent: `connect` was about to be posted */
};
int store_put_live(struct store *s, const struct live_call *live); /* 0, -EAGAIN (queue full) or -ENOMEM */
/* The same, and fn on the control thread when it is on disk, safe from a power cut too (status 0), or could not be put
 * there in some seconds (negative errno; nothing was written). drop_parked: a parked dial that this call carries out,
 * removed in the same transaction; NULL none. Returns 0 (fn is called once), -EAGAIN, -ENOMEM (never). */
int store_put_live_then(struct store *s, const struct live_call *live, const char *drop_parked,
	void (*fn)(int status, void *arg), void *arg);
/* Synchronous, for start-up before loop_run(): entries that a previous run left (seen when the store was opened); then
 * forgets them. fn may be called any number of times. Returns 0; -EAGAIN or -ENOMEM: fn was not called, nothing is
 * forgotten. */
int store_take_leftovers(struct store *s, void (*fn)(const struct live_call *live, void *arg), void *arg);

/* Newest first. Empty text and 0 mean "any". Numbers match with and without '+'. Calls that started in [from_ms,
 * to_ms). */
struct store_query {
	char id[40], user_number[24], number[24], status[12], direction[12], gateway[64], tenant[40];
	uint64_t from_ms, to_ms;
	unsigned limit, offset; /* limit 0: 100; at most 1000 */
	/* Paging that new calls do not disturb: only what comes after this record in the order of answers. 0 and "":
	 * from the newest. */
	uint64_t after_started_ms;
	char after_id[40];
};
/* Returns 0: fn is called on the control thread, once: status 0 and records (borrowed for the callback), or negative
 * errno. Otherwise fn is never called: -EINVAL (no such status), -EAGAIN (too many questions are waiting), -ENOMEM. */
int store_find(struct store *s, const struct store_query *query,
	void (*fn)(int status, const struct call_record *const *records, size_t count, void *arg), void *arg);

/* fn on the control thread when everything given so far is on disk (or was given up and counted). Returns 0, -EAGAIN or
 * -ENOMEM. */
int store_flush(struct store *s, void (*fn)(void *arg), void *arg);
/* fn on the control thread when writing begins to fail (status negative, why for people: names the database) and when
 * it works again (status 0). Records are kept and tried again meanwhile; those that had to be given up are counted
 * (CNT_STORE_ERRORS). */
void store_on_health(struct store *s, void (*fn)(int status, const char *why, void *arg), void *arg);

/* Writes what is queued (waiting a few seconds at most for a database that refuses it), answers what is outstanding,
 * stops the thread. Not from a callback of this module. Accepts NULL; returns NULL. */
struct store *store_close(struct store *s);

/* Without a loop and thread, for the command line: read straight from the database. Returns 0 or negative errno with
 * why. */
int store_read(const char *url, const struct store_query *query,
	void (*fn)(const struct call_record *record, void *arg), void *arg, char *why, size_t why_cap);

#endif
