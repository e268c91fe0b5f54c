/* admin/admin_json.h
 *
 * The JSON faces of what the admin interface shows. Internal to admin/.
 */
#ifndef ADMIN_ADMIN_JSON_H
#define ADMIN_ADMIN_JSON_H

#include "admin/admin.h"

#include <jansson.h>

/* New references; NULL when out of memory. Times of 0 and measurements of -1 become null. */
json_t *admin_json_call(const struct admin_call *call);
json_t *admin_json_record(const struct call_record *record);
json_t *admin_json_permission(const struct permission *p, const char *number, uint64_t now_ms);
json_t *admin_json_parked(const struct api_parked *p);
json_t *admin_json_registration(const struct api_registration *r);
json_t *admin_json_ban(const struct api_ban *b);
json_t *admin_json_gateway(const struct api_gateway *g);
json_t *admin_json_text(const char *text); /* null when empty or not UTF-8 */

#endif
