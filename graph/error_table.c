/* graph/error_table.c -- see error_table.h */
#include "graph/error_table.h"

#include <stddef.h>

static const struct graph_error_info table[] = {
#define GRAPH_ERROR(code, class, name, meaning) {code, GRAPH_ERR_##class, name, meaning},
#include "graph/error_table.def"
#undef GRAPH_ERROR
};

static const struct graph_error_info unknown = {
	-1, GRAPH_ERR_UNKNOWN, "unknown", "An error code that is not in our table"};

const struct graph_error_info *graph_error_info(int code)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].code == code)
			return &table[i];
	}
	/* Meta: 200-299 are permissions that the app lacks. */
	if (code >= 200 && code <= 299)
		return graph_error_info(10);
	return &unknown;
}

bool graph_may_retry(enum graph_verb verb, int code, unsigned http_status, unsigned attempt)
{
	if (attempt != 1 || verb == GRAPH_CONNECT || verb == GRAPH_PRE_ACCEPT)
		return false;
	if (code > 0) {
		enum graph_error_class class = graph_error_info(code)->class;
		return class == GRAPH_ERR_TRANSIENT || class == GRAPH_ERR_RATE ||
		       (class == GRAPH_ERR_UNKNOWN && http_status >= 500);
	}
	return http_status == 0 || http_status == 429 || http_status >= 500;
}
