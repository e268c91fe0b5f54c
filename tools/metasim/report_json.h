/* tools/metasim/report_json.h -- one call's report as JSON, one message's */
#ifndef TOOLS_METASIM_REPORT_JSON_H
#define TOOLS_METASIM_REPORT_JSON_H

#include "tools/metasim/meta.h"

#include <jansson.h>

json_t *report_json(const struct meta_call_report *rep);
json_t *report_message_json(const struct meta_message_report *rep);

#endif
