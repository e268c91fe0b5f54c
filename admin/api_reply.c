/* admin/api_reply.c -- see api_reply.h
 *
 * Idempotency-Key: the key and a digest of the request are claimed in the store before anything is done, and the answer
 * is kept there for a day. What was not done for a reason of the moment (429, 501, 503) leaves the key free: the same
 * request may be tried again under it. A claimed key without an answer belongs to a request that is under way here, or,
 * after a crash, to one of which nobody knows how far it came: that one is not done again.
 */
#include "admin/api_reply.h"

#include "admin/admin_internal.h"
#include "admin/admin_json.h"
#include "admin/problem.h"
#include "lib/base/assert.h"
#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "lib/http/http_server.h"
#include "store/store_dial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

static const char JSON_TYPE[] = "application/json", PROBLEM_TYPE[] = "application/problem+json";

/* ---- life ---- */

static void on_client_gone(void *arg)
{
	((struct api_reply *)arg)->req = NULL;
}

struct api_reply *reply_new(struct admin *a, struct http_request *req, const struct api_route *route, const char *id,
	const char *instance, const struct asker *asker)
{
	struct api_reply *r = a->reply_count < API_REPLIES_MAX ? calloc(1, sizeof(*r)) : NULL;

	if (!r)
		return NULL;
	r->admin = a;
	r->req = req;
	r->route = route;
	r->asker = *asker;
	str_copy(r->id, sizeof(r->id), id);
	str_copy(r->instance, sizeof(r->instance), instance);
	DL_APPEND(a->replies, r);
	a->reply_count++;
	http_request_on_gone(req, on_client_gone, r);
	return r;
}

bool reply_may_see(const struct api_reply *r, const char *tenant)
{
	return !*r->asker.tenant || str_equal(r->asker.tenant, tenant);
}

const char *api_tenant(const struct api_reply *r)
{
	return r->asker.tenant;
}

static void reply_free(struct api_reply *r)
{
	if (r->admin) {
		DL_DELETE(r->admin->replies, r);
		r->admin->reply_count--;
	}
	json_decref(r->done);
	free(r->body);
	free(r);
}

void reply_answered(struct api_reply *r)
{
	reply_free(r);
}

void reply_detach_all(struct admin *a)
{
	struct api_reply *r, *next;

	DL_FOREACH_SAFE (a->replies, r, next) {
		DL_DELETE(a->replies, r);
		r->req = NULL;
		r->admin = NULL;
	}
}

/* ---- answering ---- */

static bool is_of_the_moment(unsigned status)
{
	return status == 429 || status == 501 || status == 503;
}

static void reply_text(struct api_reply *r, unsigned status, const char *text, const char *const *headers)
{
	static const char no_memory[] = "out of memory\n";

	if (r->key_state == KEY_CLAIMED && r->admin && text)
		(void)store_answer_key(r->admin->store, r->key, (int)status, text);
	if (r->req && text)
		http_reply(r->req, status, status < 400 ? JSON_TYPE : PROBLEM_TYPE, text, strlen(text), headers);
	else if (r->req)
		http_reply(r->req, 500, NULL, no_memory, sizeof(no_memory) - 1, NULL);
	reply_free(r);
}

static void reply_with(struct api_reply *r, unsigned status, json_t *body, const char *const *headers)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	reply_text(r, status, text, headers);
	free(text);
}

void reply_json(struct api_reply *r, unsigned status, json_t *body)
{
	reply_with(r, status, body, NULL);
}

void reply_ok(struct api_reply *r, json_t *body)
{
	reply_with(r, r->route->ok, body, NULL);
}

void reply_list(struct api_reply *r, const char *name, json_t *list, bool incomplete)
{
	json_t *top = list && !incomplete ? json_pack("{s:O}", name, list) : NULL;

	json_decref(list);
	reply_ok(r, top);
}

void reply_page(struct api_reply *r, const char *name, json_t *list, bool incomplete, const char *cursor)
{
	json_t *top = list && !incomplete ? json_pack("{s:O, s:s?}", name, list, "next", cursor) : NULL;

	json_decref(list);
	reply_ok(r, top);
}

void api_refuse(struct api_reply *r, const struct api_fault *fault)
{
	char retry_after[40];
	const char *const headers[] = {fault->retry_after_s ? retry_after : NULL, NULL};

	snprintf(retry_after, sizeof(retry_after), "Retry-After: %u", fault->retry_after_s);
	reply_with(r, problem_status(fault->problem), problem_json(fault, r->instance), headers);
}

void reply_problem(struct api_reply *r, enum api_problem problem, const char *detail)
{
	const struct api_fault fault = {.problem = problem, .detail = detail};

	api_refuse(r, &fault);
}

void api_done(struct api_reply *r)
{
	json_t *body = r->done ? json_incref(r->done) : json_object();

	reply_ok(r, body);
}

void api_done_originate(struct api_reply *r, const char *id, const char *state, uint64_t expires_ms)
{
	json_t *body = json_pack("{s:s, s:s}", "id", id, "state", state);

	if (body && expires_ms)
		json_object_set_new(body, "expires_ms", json_integer((json_int_t)expires_ms));
	reply_ok(r, body);
}

void api_done_message(struct api_reply *r, const char *wamid)
{
	reply_ok(r, json_pack("{s:s}", "wamid", wamid));
}

void api_done_permission(struct api_reply *r, const struct permission *p, const char *number)
{
	reply_ok(r, r->admin ? admin_json_permission(p, number, loop_wall_ms(r->admin->loop)) : NULL);
}

void api_done_reload(struct api_reply *r, const char *const *keys, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(keys[i]));
	reply_ok(r, json_pack("{s:b, s:o}", "reloaded", 1, "needs_restart", list));
}

/* ---- reading ---- */

bool reply_read_body(struct api_reply *r, struct body *body, void *ret_struct)
{
	size_t length = r->body_length;
	const char *text = r->body;
	int result;

	if (!text)
		text = (const char *)http_request_body(r->req, &length);
	result = body_read(body, r->route->body, text, length, ret_struct);
	if (result == 0)
		return true;
	if (result == -ENOMEM) {
		body_done(body);
		reply_problem(r, API_INTERNAL, "out of memory");
		return false;
	}
	reply_refuse_body(r, body);
	return false;
}

void reply_refuse_body(struct api_reply *r, struct body *body)
{
	reply_problem(r, API_BAD_REQUEST, body->why);
	body_done(body);
}

const char *reply_query(const struct api_reply *r, const char *name)
{
	const char *text = http_request_query(r->req, name);

	ASSERT(strstr(r->route->query, name)); /* or the documents do not know it */
	return text;
}

int reply_query_uint(const struct api_reply *r, const char *name, uint64_t max, uint64_t *ret_value)
{
	const char *text = http_request_query(r->req, name);

	ASSERT(strstr(r->route->query, name));
	*ret_value = 0;
	return text ? str_to_u64(text, 0, max, ret_value) : 0;
}

int reply_query_phone(const struct api_reply *r, const char *name, char *dst, size_t cap)
{
	const char *text = reply_query(r, name);

	*dst = '\0';
	return text && *text ? str_e164(text, dst, cap) : 0;
}

/* ---- Idempotency-Key ---- */

static bool is_key(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length >= API_KEY_MAX)
		return false;
	for (; *text; text++) {
		if (*text < 0x21 || *text > 0x7e)
			return false;
	}
	return true;
}

/* Method, path and body, so that a key used for something else is noticed. */
static void hash_request(struct api_reply *r)
{
	char head[256];
	uint8_t parts[2][32], digest[32];

	snprintf(head, sizeof(head), "%s %s", r->route->method, r->instance);
	crypto_sha256(head, strlen(head), parts[0]);
	crypto_sha256(r->body, r->body_length, parts[1]);
	crypto_sha256(parts, sizeof(parts), digest);
	str_hex(r->hash, digest, sizeof(digest));
}

/* Each asker has keys of his own. A tenant's are kept under a name that no operator's key can have: those have no
 * blank. */
static void name_key(struct api_reply *r, const char *key)
{
	char text[API_TENANT_MAX + API_KEY_MAX], hex[65];
	uint8_t digest[32];
	int n;

	if (!*r->asker.tenant) {
		str_copy(r->key, sizeof(r->key), key);
		return;
	}
	n = snprintf(text, sizeof(text), "%s %s", r->asker.tenant, key);
	crypto_sha256(text, (size_t)n, digest);
	str_hex(hex, digest, sizeof(digest));
	snprintf(r->key, sizeof(r->key), "tenant %s", hex);
}

static bool under_way_here(const struct api_reply *r)
{
	const struct api_reply *other;

	DL_FOREACH (r->admin->replies, other) {
		if (other != r && other->key_state >= KEY_ASKED && strcmp(other->key, r->key) == 0)
			return true;
	}
	return false;
}

static void replay(struct api_reply *r, const struct idempotent_answer *answer)
{
	static const char *const headers[] = {"Idempotency-Replayed: true", NULL};

	r->key_state = KEY_NONE;
	reply_text(r, (unsigned)answer->status, answer->body ? answer->body : "{}", headers);
}

static void on_claimed(int status, const struct idempotent_answer *existing, void *arg)
{
	struct api_reply *r = arg;

	if (!r->admin) {
		reply_free(r);
		return;
	}
	if (status) {
		r->key_state = KEY_NONE;
		reply_problem(r, API_BUSY, "the store cannot keep the Idempotency-Key");
	} else if (!existing ||
		   (strcmp(existing->request_hash, r->hash) == 0 && is_of_the_moment((unsigned)existing->status))) {
		r->key_state = KEY_CLAIMED;
		r->route->run(r);
	} else if (strcmp(existing->request_hash, r->hash) != 0) {
		r->key_state = KEY_NONE;
		reply_problem(r, API_KEY_REUSED, "it was sent before with another request");
	} else if (existing->status == 0) {
		r->key_state = KEY_NONE;
		reply_problem(r, API_UNDER_WAY,
			"it was begun before watrunk was restarted, and is not done again: see /v1/history");
	} else {
		replay(r, existing);
	}
}

static int ask_for_key(struct api_reply *r)
{
	const uint8_t *bytes = http_request_body(r->req, &r->body_length);

	r->body = malloc(r->body_length + 1);
	if (!r->body)
		return -ENOMEM;
	memcpy(r->body, bytes, r->body_length);
	r->body[r->body_length] = '\0';
	hash_request(r);
	return store_claim_key(r->admin->store, r->key, r->hash, loop_wall_ms(r->admin->loop), on_claimed, r);
}

bool reply_waits_for_key(struct api_reply *r)
{
	const char *key;

	if (r->key_state != KEY_NONE)
		return false; /* claimed */
	key = http_request_header(r->req, "Idempotency-Key");
	if (!key)
		return false;
	if (!is_key(key)) {
		reply_problem(r, API_BAD_REQUEST, "Idempotency-Key: 1 to 127 visible ASCII characters");
		return true;
	}
	name_key(r, key);
	if (under_way_here(r)) {
		reply_problem(r, API_UNDER_WAY, NULL);
		return true;
	}
	r->key_state = KEY_ASKED;
	if (ask_for_key(r)) {
		r->key_state = KEY_NONE;
		reply_problem(r, API_BUSY, "the store is busy");
	}
	return true;
}
