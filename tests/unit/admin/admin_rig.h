/* tests/unit/admin/admin_rig.h
 *
 * The admin interface over real HTTP on loopback; calls, the shell and the store are the test's. Every answer's status
 * is held against the route table.
 */
#ifndef TESTS_UNIT_ADMIN_ADMIN_RIG_H
#define TESTS_UNIT_ADMIN_ADMIN_RIG_H

#include "admin/admin.h"
#include "tests/unit/lib/http/raw_client.h"

#include <jansson.h>

struct events;
struct http_client;

#define TOKEN "correct horse battery staple"
#define AUTH  "Authorization: Bearer " TOKEN "\r\n"

struct rig {
	struct loop *loop;
	struct admin *admin;
	struct addr addr;
	const struct admin_call *calls;
	size_t call_count;
	char hung_up[64];
	struct raw_client client;
	char method[16], target[512]; /* of the last rig_say() */
};
extern struct rig rig;
extern const struct admin_call rig_two_calls[2];

struct admin_conf rig_conf(void);
int rig_up_with(const struct admin_conf *conf);
int rig_up(void **state);
int rig_down(void **state);

/* One request on a connection of its own; rig_hear() waits for the answer: its status, and its body as JSON where
 * ret_body is given. */
void rig_say(const char *method, const char *target, const char *headers);
void rig_say_body(const char *method, const char *target, const char *headers, const char *body);
unsigned rig_hear(json_t **ret_body);
unsigned rig_ask(const char *method, const char *target, json_t **ret_body);
unsigned rig_post(const char *target, const char *body, json_t **ret_body);
const char *rig_text(const json_t *o, const char *key);

#endif
