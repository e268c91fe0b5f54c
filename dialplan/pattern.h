/* dialplan/pattern.h
 *
 * Inside dialplan: a regular expression that cannot hurt, whoever wrote the text it is held against. The only home of
 * PCRE2.
 */
#ifndef DIALPLAN_PATTERN_H
#define DIALPLAN_PATTERN_H

#include <stddef.h>

struct pattern;

/* Returns 0, -EBADMSG (why[cap]: what and at which offset) or -ENOMEM. */
int pattern_new(const char *text, struct pattern **ret_pattern, char *why, size_t cap);
struct pattern *pattern_free(struct pattern *p);

/* Returns 1 match, 0 no match, -EILSEQ (subject is not UTF-8), -EOVERFLOW (subject too long, or match limits reached)
 * or -ENOMEM. */
int pattern_match(const struct pattern *p, const char *subject);
int pattern_match_n(const struct pattern *p, const char *subject, size_t length);

#endif
