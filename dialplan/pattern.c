/* dialplan/pattern.c
 *
 * Names and payloads come from strangers, and routing happens on the control thread: so matching is bounded in steps,
 * depth and memory. The limits are far above what a sensible pattern needs for a number or a name, and reached within
 * about a millisecond.
 */
#include "dialplan/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MATCH_LIMIT = 20000, /* calls of the matcher in all */
	DEPTH_LIMIT = 1000,
	HEAP_LIMIT_KIB = 256,
	PATTERN_MAX_BYTES = 1024,
	SUBJECT_MAX_BYTES = 4096, /* what is quadratic in it takes some milliseconds, and no limit above sees it */
};

struct pattern {
	pcre2_code *code;
	pcre2_match_context *limits; /* only read after pattern_new() */
};

/* A "$" means the very end, not before a last line feed; \C could split a character. */
static const uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;

static int explain(int code, size_t offset, char *why, size_t cap)
{
	PCRE2_UCHAR text[160];

	if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
		snprintf((char *)text, sizeof(text), "error %d", code);
	snprintf(why, cap, "bad pattern at offset %zu: %s", offset, (const char *)text);
	return -EBADMSG;
}

int pattern_new(const char *text, struct pattern **ret_pattern, char *why, size_t cap)
{
	struct pattern *p;
	size_t offset = 0, length = strlen(text);
	int code = 0;

	if (length > PATTERN_MAX_BYTES) {
		snprintf(why, cap, "pattern longer than %d bytes", PATTERN_MAX_BYTES);
		return -EBADMSG;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->code = pcre2_compile((PCRE2_SPTR)text, length, options, &code, &offset, NULL);
	if (!p->code) {
		pattern_free(p);
		return explain(code, offset, why, cap);
	}
	p->limits = pcre2_match_context_create(NULL);
	if (!p->limits) {
		pattern_free(p);
		return -ENOMEM;
	}
	pcre2_set_match_limit(p->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(p->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(p->limits, HEAP_LIMIT_KIB);
	*ret_pattern = p;
	return 0;
}

struct pattern *pattern_free(struct pattern *p)
{
	if (p) {
		pcre2_match_context_free(p->limits);
		pcre2_code_free(p->code);
		free(p);
	}
	return NULL;
}

static int match_result(int r)
{
	if (r >= 0)
		return 1;
	if (r == PCRE2_ERROR_NOMATCH)
		return 0;
	if (r == PCRE2_ERROR_NOMEMORY)
		return -ENOMEM;
	if (r <= PCRE2_ERROR_UTF8_ERR1 && r >= PCRE2_ERROR_UTF8_ERR21)
		return -EILSEQ;
	return -EOVERFLOW;
}

int pattern_match(const struct pattern *p, const char *subject)
{
	return pattern_match_n(p, subject, strlen(subject));
}

int pattern_match_n(const struct pattern *p, const char *subject, size_t length)
{
	pcre2_match_data *data;
	int r;

	if (length > SUBJECT_MAX_BYTES)
		return -EOVERFLOW;
	data = pcre2_match_data_create(1, NULL);
	if (!data)
		return -ENOMEM;
	r = pcre2_match(p->code, (PCRE2_SPTR)subject, length, 0, 0, data, p->limits);
	pcre2_match_data_free(data);
	return match_result(r);
}
