/* lib/base/mailbox.h
 *
 * Bounded ring of fixed-size messages from exactly one thread to exactly one other, with an eventfd that the reader
 * polls. Lock-free, no allocation after mailbox_new(). A full ring refuses the message: the writer decides what that
 * means (media commands: the new call is refused; statistics: dropped and counted).
 */
#ifndef LIB_BASE_MAILBOX_H
#define LIB_BASE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

struct mailbox;

/* capacity: messages, rounded up to a power of two. Returns 0, -EINVAL, -ENOMEM or -EMFILE. */
int mailbox_new(size_t message_bytes, size_t capacity, struct mailbox **ret_mb);

/* Writer thread. Copies one message in and wakes the reader. Returns 0 or -EAGAIN (full). */
int mailbox_put(struct mailbox *mb, const void *message);

/* Writer thread: room for at least n more messages right now. */
bool mailbox_has_room(const struct mailbox *mb, size_t n);

/* Reader thread: the descriptor to poll for EPOLLIN. */
int mailbox_fd(const struct mailbox *mb);

/* Reader thread: reset the descriptor. Call before draining with mailbox_get() until it returns false. */
void mailbox_clear(struct mailbox *mb);

/* Reader thread. Copies the oldest message out; false when empty. */
bool mailbox_get(struct mailbox *mb, void *ret_message);

/* Only when neither thread uses it any more. Accepts NULL; always returns NULL. */
struct mailbox *mailbox_free(struct mailbox *mb);

#endif
