/* webhook/document.h
 *
 * A delivery between "it is JSON of Meta's shape" (which decides the HTTP answer) and "these are its events" (told
 * later). Inside this folder only.
 */
#ifndef WEBHOOK_DOCUMENT_H
#define WEBHOOK_DOCUMENT_H

#include "webhook/walk.h"

struct webhook_document;

/* Returns 0, -EBADMSG (why: in what[128]) or -ENOMEM. Does not keep body. */
int webhook_document_load(const void *body, size_t length, struct webhook_document **ret_doc, char what[128]);
void webhook_document_walk(const struct webhook_document *doc, size_t secret_index, webhook_walk_fn *fn, void *arg,
	struct webhook_parse_report *ret_report);
struct webhook_document *webhook_document_free(struct webhook_document *doc);

#endif
