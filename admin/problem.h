/* admin/problem.h
 *
 * Problems as JSON, RFC 9457. Internal to admin/.
 */
#ifndef ADMIN_PROBLEM_H
#define ADMIN_PROBLEM_H

#include "admin/api_ops.h"

#include <jansson.h>

unsigned problem_status(enum api_problem problem);
const char *problem_type(enum api_problem problem); /* "no-permission" */
/* New reference; NULL when out of memory. instance: URI reference of what was asked. */
json_t *problem_json(const struct api_fault *fault, const char *instance);
/* A decoded path as a URI reference: what RFC 3986 s3.3 does not allow there is escaped; cut at cap. */
void problem_instance(const char *path, char *dst, size_t cap);

#endif
