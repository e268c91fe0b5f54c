/* b2bua/cli/invite_words.h -- an INVITE as it would stand on the wire, for people and for programs */
#ifndef B2BUA_CLI_INVITE_WORDS_H
#define B2BUA_CLI_INVITE_WORDS_H

#include "b2bua/app/invite.h"
#include "b2bua/call/call.h"

/* a: the call logic's action, that p was made of. wire: what rehearse_invite() gave. */
void invite_words_print(const struct invite_parts *p, const struct call_action *a, const char *wire);
void invite_words_print_json(
	const struct invite_parts *p, const struct call_action *a, const struct call_report *rep, const char *wire);

const char *invite_words_mode(const struct call_report *rep);
const char *invite_words_accept(const struct call_report *rep);

#endif
