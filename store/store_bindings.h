/* store/store_bindings.h
 *
 * Where users who registered over SIP can be reached: kept, so that they need not register again after a restart. Same
 * thread, file, mailbox and conventions as store_dial.h. What the texts mean is b2bua/sip's. Owner: control thread.
 */
#ifndef STORE_STORE_BINDINGS_H
#define STORE_STORE_BINDINGS_H

#include "store/store.h"

struct kept_binding {
	char id[24], user[64], contact[512], path[512], call_id[256], agent[128];
	char source[56], local[56], transport[8];
	uint32_t cseq, q;
	uint64_t registered_ms, refreshed_ms, expires_ms;
};

int store_put_binding(struct store *s, const struct kept_binding *b); /* the same id replaces */
int store_drop_binding(struct store *s, const char *id);
/* Oldest refresh first; those that have expired, too. */
int store_load_bindings(struct store *s, void (*fn)(const struct kept_binding *b, void *arg), void *arg);

#endif
