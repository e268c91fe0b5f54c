/* tests/unit/admin/fake_store.c -- see fake_store.h */
#include "tests/unit/admin/fake_store.h"

#include "lib/base/assert.h"
#include "lib/base/str.h"

#include <errno.h>
#include <string.h>

struct fake_store fake_store;
static struct {
	void (*fn)(int status, const struct call_record *const *records, size_t count, void *arg);
	void *arg;
} waiting[FAKE_STORE_MAX];

void fake_store_reset(void)
{
	ASSERT(fake_store.asked_count == fake_store.answered_count);
	fake_store = (struct fake_store){0};
}

int store_find(struct store *s, const struct store_query *query,
	void (*fn)(int status, const struct call_record *const *records, size_t count, void *arg), void *arg)
{
	(void)s;
	if (fake_store.refuse)
		return fake_store.refuse;
	ASSERT(fake_store.asked_count < FAKE_STORE_MAX);
	waiting[fake_store.asked_count].fn = fn;
	waiting[fake_store.asked_count].arg = arg;
	fake_store.asked[fake_store.asked_count++] = *query;
	return 0;
}

void fake_store_answer(int status, const struct call_record *const *records, size_t count)
{
	unsigned n = fake_store.answered_count++;

	ASSERT(n < fake_store.asked_count);
	waiting[n].fn(status, records, count, waiting[n].arg);
}

/* ---- keys ---- */

static struct {
	char key[128], hash[65];
	void (*fn)(int status, const struct idempotent_answer *existing, void *arg);
	void *arg;
} claims[FAKE_STORE_MAX];

int store_claim_key(struct store *s, const char *key, const char *request_hash, uint64_t now_ms,
	void (*fn)(int status, const struct idempotent_answer *existing, void *arg), void *arg)
{
	(void)s;
	ASSERT(now_ms > 0);
	if (fake_store.refuse)
		return fake_store.refuse;
	ASSERT(fake_store.claims_waiting < FAKE_STORE_MAX);
	str_copy(claims[fake_store.claims_waiting].key, 128, key);
	str_copy(claims[fake_store.claims_waiting].hash, 65, request_hash);
	claims[fake_store.claims_waiting].fn = fn;
	claims[fake_store.claims_waiting++].arg = arg;
	return 0;
}

void fake_store_answer_claim(void)
{
	void (*fn)(int, const struct idempotent_answer *, void *) = claims[0].fn;
	void *arg = claims[0].arg;
	const struct idempotent_answer *existing = NULL;

	ASSERT(fake_store.claims_waiting > 0);
	for (unsigned i = 0; i < fake_store.key_count; i++) {
		if (strcmp(fake_store.keys[i].a.key, claims[0].key) == 0)
			existing = &fake_store.keys[i].a;
	}
	if (!existing && !fake_store.fail_claims) {
		struct idempotent_answer *a = &fake_store.keys[fake_store.key_count++].a;
		ASSERT(fake_store.key_count <= FAKE_STORE_MAX);
		str_copy(a->key, sizeof(a->key), claims[0].key);
		str_copy(a->request_hash, sizeof(a->request_hash), claims[0].hash);
	}
	memmove(&claims[0], &claims[1], sizeof(claims) - sizeof(claims[0]));
	fake_store.claims_waiting--;
	fn(fake_store.fail_claims, fake_store.fail_claims ? NULL : existing, arg);
}

int store_answer_key(struct store *s, const char *key, int http_status, const char *body)
{
	(void)s;
	for (unsigned i = 0; i < fake_store.key_count; i++) {
		if (strcmp(fake_store.keys[i].a.key, key) != 0)
			continue;
		fake_store.keys[i].a.status = http_status;
		str_copy(fake_store.keys[i].body, sizeof(fake_store.keys[i].body), body);
		fake_store.keys[i].a.body = fake_store.keys[i].body;
		return 0;
	}
	ASSERT(false);
	return -ENOENT;
}

/* ---- dead events ---- */

static struct {
	void (*list)(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg);
	void (*count)(int status, size_t count, void *arg);
	void *arg;
} dead;

int store_dead_events(struct store *s, const char *receiver, unsigned limit,
	void (*fn)(int status, const struct outbox_event *events, size_t count, uint64_t next_due_ms, void *arg),
	void *arg)
{
	(void)s;
	if (fake_store.refuse)
		return fake_store.refuse;
	str_copy(fake_store.receiver, sizeof(fake_store.receiver), receiver);
	fake_store.limit = limit;
	dead.list = fn;
	dead.arg = arg;
	return 0;
}

int store_revive_events(
	struct store *s, const char *receiver, int64_t seq, void (*fn)(int status, size_t count, void *arg), void *arg)
{
	(void)s;
	if (fake_store.refuse)
		return fake_store.refuse;
	str_copy(fake_store.receiver, sizeof(fake_store.receiver), receiver);
	fake_store.revived_seq = seq;
	dead.count = fn;
	dead.arg = arg;
	return 0;
}

void fake_store_answer_dead(void)
{
	if (dead.list)
		dead.list(fake_store.fail_dead, fake_store.dead, fake_store.dead_count, UINT64_MAX, dead.arg);
	else if (dead.count)
		dead.count(fake_store.fail_dead, fake_store.dead_count, dead.arg);
	dead.list = NULL;
	dead.count = NULL;
}
