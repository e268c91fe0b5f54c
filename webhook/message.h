/* webhook/message.h
 *
 * What a message says: text, tapped button, chosen list row, answer to a permission request (Meta: messages webhook;
 * "User call permissions"). Inside this folder only.
 */
#ifndef WEBHOOK_MESSAGE_H
#define WEBHOOK_MESSAGE_H

#include "webhook/wa_event.h"

#include <jansson.h>

/* Fills in what the message itself says; ev->message_type is set already. Kind: MESSAGE, PERMISSION_REPLY, or OTHER for
 * a permission reply that is neither yes nor no. text: holds ev->text when it had to be cut. */
void webhook_message_read(const json_t *message, struct wa_event *ev, char text[WA_TEXT_MAX_BYTES + 1]);

#endif
