/* b2bua/sip/contact_list.h
 *
 * The values of Contact headers as they came, before anything normalises them: some who register look for their own
 * bytes again. Pure.
 */
#ifndef B2BUA_SIP_CONTACT_LIST_H
#define B2BUA_SIP_CONTACT_LIST_H

#include "b2bua/sip/sip.h"

struct contact_item {
	char uri[SIP_CONTACT_MAX];
	bool expires_given;
	unsigned expires_s;
	unsigned q; /* thousandths; 1000 when not given */
};

struct contact_list {
	struct contact_item *items;
	size_t count, max;
	bool all; /* "*" */
};

/* Appends what one header says, several separated by commas (RFC 3261 s20.10); line folding is a blank. A lifetime that
 * is no number counts as 3600 s (s20.10), a q that is none as 1. Returns 0, -EINVAL (not to be understood, or "*"
 * beside others) or -E2BIG. */
int contact_list_parse(struct contact_list *list, const char *value, size_t length);

#endif
