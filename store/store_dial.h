/* store/store_dial.h
 *
 * What must survive a crash beside the call log: permissions, dials parked until a user agrees, messages not yet dealt
 * with, answers already given to an Idempotency-Key. Same thread, file and mailbox as store.h; the functions named load
 * are synchronous, for start-up before loop_run(): they read what a previous run left and return 0 or what store_open()
 * may. Other return values where nothing else is said: 0, -EAGAIN (queue full), -ENOMEM; callbacks come on the control
 * thread, once, only after 0. A callback with status 0 means: on disk, to be found after kill -9 and after a power cut.
 * While the database refuses writes it comes after some seconds with negative errno, and nothing was written.
 * Owner: control thread.
 */
#ifndef STORE_STORE_DIAL_H
#define STORE_STORE_DIAL_H

#include "permission/permission.h"
#include "store/store.h"

/* ---- permissions: one row for (number_id, user) ---- */
int store_put_permission(struct store *s, const struct permission *p);
int store_load_permissions(struct store *s, void (*fn)(const struct permission *p, void *arg), void *arg);

/* ---- dials parked until the user agrees ---- */
enum { PARKED_JSON_MAX = 8192 };
struct parked_dial {
	char id[40], number_id[40], user[PERMISSION_USER_MAX];
	uint64_t created_ms, expires_ms;
	const char *json; /* what to dial, in the shell's words; at most PARKED_JSON_MAX */
};
/* fn when it is on disk; may be NULL. The same id replaces. -EMSGSIZE: json is too long. */
int store_put_parked(struct store *s, const struct parked_dial *p, void (*fn)(int status, void *arg), void *arg);
int store_drop_parked(struct store *s, const char *id);
int store_load_parked(struct store *s, void (*fn)(const struct parked_dial *p, void *arg), void *arg);

/* ---- inbox: messages that Meta was told we have ---- */
enum { INBOX_ITEMS_MAX = 1000, INBOX_KEEP_MS = 8 * 24 * 3600 * 1000 }; /* Meta repeats messages for up to 7 days */
struct inbox_item {
	const char *message_id, *json;
	size_t length;
	uint64_t received_ms;
};
/* At most INBOX_ITEMS_MAX (else -EINVAL, also for an id of more than 512 bytes), one transaction. is_new[i] false: had
 * been received before (and is not given again). Texts are copied. */
int store_put_inbox(struct store *s, const struct inbox_item *items, size_t count,
	void (*fn)(int status, const bool *is_new, size_t count, void *arg), void *arg);
/* Dealt with: its text is forgotten, its id kept for INBOX_KEEP_MS (as is a text that is never dealt with). */
int store_done_inbox(struct store *s, const char *message_id);
/* What a previous run had not dealt with, oldest first. */
int store_load_inbox(struct store *s, void (*fn)(const struct inbox_item *item, void *arg), void *arg);

/* ---- idempotency ---- */
struct idempotent_answer {
	char key[128], request_hash[65]; /* SHA-256 of method, path and body, hex */
	int status;                      /* HTTP; 0: under way */
	const char *body;
	uint64_t created_ms; /* forgotten after 24 h */
};
/* Claims the key: fn with existing NULL when it was free (and is now taken, on disk, status 0), else with what is there
 * (borrowed for the callback). One that is under way (status 0) may be a previous run's: see created_ms. -EINVAL: key
 * or hash too long. */
int store_claim_key(struct store *s, const char *key, const char *request_hash, uint64_t now_ms,
	void (*fn)(int status, const struct idempotent_answer *existing, void *arg), void *arg);
int store_answer_key(struct store *s, const char *key, int http_status, const char *body);

#endif
