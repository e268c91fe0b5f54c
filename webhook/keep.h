/* webhook/keep.h
 *
 * The messages of a delivery, each as a delivery of its own, to be stored before Meta gets its 200. Inside this folder,
 * and its fuzz target.
 */
#ifndef WEBHOOK_KEEP_H
#define WEBHOOK_KEEP_H

#include "webhook/receiver.h"

struct webhook_document;

enum { WEBHOOK_KEEP_MAX_BYTES = 16 << 20 }; /* of all of one delivery, of which Meta sends 3 MB at most */

struct webhook_keep {
	struct webhook_item *items; /* ids borrowed from the document */
	size_t count, cap, bytes;
	int error;
};

/* Is it stored (and told by nobody else), or told at once? */
bool webhook_is_kept(enum wa_event_kind kind);
/* Returns 0 (count may be 0), -ENOMEM, or -EMSGSIZE: longer together than WEBHOOK_KEEP_MAX_BYTES. Give back with
 * webhook_keep_done() in any case. */
int webhook_keep_collect(const struct webhook_document *doc, size_t secret_index, struct webhook_keep *ret_keep);
void webhook_keep_done(struct webhook_keep *keep);

#endif
