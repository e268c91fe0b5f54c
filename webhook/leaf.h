/* webhook/leaf.h
 *
 * Single values out of Meta's JSON, which mixes types from page to page. All take NULL and values of any type. Inside
 * this folder only.
 */
#ifndef WEBHOOK_LEAF_H
#define WEBHOOK_LEAF_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Borrowed from the tree. "" when absent, not a text, or with a NUL in it. */
const char *leaf_text(const json_t *object, const char *name);
/* A telephone number, without a '+' it may have. */
const char *leaf_number_text(const json_t *object, const char *name);
/* An integer, or a text with one: samples mix both. 0 for anything else. */
uint64_t leaf_u64(const json_t *object, const char *name);
/* true, or the text "true". */
bool leaf_bool(const json_t *object, const char *name);
/* The first that is not "". */
const char *leaf_first(const char *a, const char *b);

#endif
