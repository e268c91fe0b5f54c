/* Any sequence of REGISTERs, restorings and pauses. Whatever comes: no user has more than max_contacts, nothing that
 * has expired is handed out, each Contact comes back byte for byte, refusals change nothing, and what was told of
 * changes adds up to what the table holds.
 *
 * The input: limits (1 byte), then operations: kind and user (1 byte), and what the kind needs (see read_*).
 */
#include "b2bua/sip/bindings.h"
#include "b2bua/sip/uri.h"
#include "lib/base/assert.h"
#include "lib/base/rd.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { USERS = 3, WISHES = 8, MIN_S = 60, MAX_S = 600, OPERATIONS_MAX = 400 };

struct model {
	struct bindings *table;
	size_t told, added, removed, restored;
	uint64_t now_ms;
	unsigned max_contacts;
	const struct binding_request *request; /* the one being carried out */
};

static const char *const user_names[USERS] = {"desk1", "desk2", "a"};

static bool was_wished(const struct binding_request *r, const char *contact)
{
	for (size_t i = 0; i < r->wish_count; i++)
		if (strcmp(r->wishes[i].contact, contact) == 0)
			return true;
	return false;
}

static void on_change(enum binding_change change, const struct sip_binding *b, void *arg)
{
	struct model *m = arg;
	struct sip_uri uri;

	m->told++;
	ASSERT(b->id[0] && sip_uri_parse(b->contact, &uri) == 0);
	if (change == BINDING_REMOVED) {
		m->removed++;
		return;
	}
	m->added += change == BINDING_ADDED;
	/* A refresh takes the Contact of the refresh, for an equal URI may be written otherwise. */
	ASSERT(m->request && was_wished(m->request, b->contact));
	ASSERT(b->refreshed_ms == m->now_ms && b->expires_ms > m->now_ms && b->expires_ms <= m->now_ms + MAX_S * 1000u);
}

/* ---- what must hold ---- */

static void check_user(const struct model *m, const char *user)
{
	const struct sip_binding *found[BINDINGS_CONTACTS_MAX + 1];
	size_t count = bindings_of(m->table, user, m->now_ms, found, BINDINGS_CONTACTS_MAX + 1);

	ASSERT(count <= m->max_contacts);
	for (size_t i = 0; i < count; i++) {
		ASSERT(strcmp(found[i]->user, user) == 0 && found[i]->expires_ms > m->now_ms);
		ASSERT(i == 0 || found[i - 1]->q >= found[i]->q);
		for (size_t j = 0; j < i; j++)
			ASSERT(strcmp(found[i]->contact, found[j]->contact) != 0);
	}
}

static void check_all(const struct model *m)
{
	ASSERT(bindings_count(m->table) == m->restored + m->added - m->removed);
	for (size_t i = 0; i < USERS; i++)
		check_user(m, user_names[i]);
}

static const struct sip_binding *handed_out(const struct model *m, const char *user, const char *contact)
{
	const struct sip_binding *found[BINDINGS_CONTACTS_MAX];
	size_t count = bindings_of(m->table, user, m->now_ms, found, BINDINGS_CONTACTS_MAX);

	for (size_t i = 0; i < count; i++)
		if (strcmp(found[i]->contact, contact) == 0)
			return found[i];
	return NULL;
}

/* ---- the operations ---- */

/* A length, then as many bytes of any kind. */
static void read_contact(struct rd *rd, char dst[SIP_CONTACT_MAX + 8])
{
	size_t length = rd_u8(rd);
	const uint8_t *bytes;

	length = length < rd_left(rd) ? length : rd_left(rd);
	bytes = rd_bytes(rd, length);
	dst[0] = '\0';
	if (bytes && length)
		memcpy(dst, bytes, length);
	dst[length] = '\0';
}

static void do_register(struct model *m, struct rd *rd, const char *user, bool all)
{
	static char contacts[WISHES][SIP_CONTACT_MAX + 8];
	struct binding_wish wishes[WISHES];
	struct sip_binding common = {0};
	struct binding_request r = {.common = &common, .wishes = wishes, .all = all, .now_ms = m->now_ms};
	const struct sip_binding *none;
	size_t before;
	int status;

	str_copy(common.user, sizeof(common.user), user);
	(void)snprintf(common.call_id, sizeof(common.call_id), "call-%u", rd_u8(rd) % 4u);
	common.cseq = rd_u8(rd);
	r.wish_count = rd_u8(rd) % (WISHES + 1u);
	for (size_t i = 0; i < r.wish_count; i++) {
		unsigned expires = rd_u8(rd), q = rd_u8(rd);
		read_contact(rd, contacts[i]);
		wishes[i] = (struct binding_wish){contacts[i], expires != 255, expires * 4, q * 4};
	}
	(void)bindings_expire(m->table, m->now_ms);
	before = m->told;
	m->request = &r;
	status = bindings_register(m->table, &r);
	m->request = NULL;
	ASSERT(status == 200 || status == 400 || status == 403 || status == 423 || status == 500);
	ASSERT(status == 200 || m->told == before);
	for (size_t i = 0; status == 200 && i < r.wish_count; i++) {
		bool wanted = !wishes[i].expires_given || wishes[i].expires_s;
		const struct sip_binding *b = handed_out(m, user, contacts[i]);
		ASSERT(wanted ? b && b->q == wishes[i].q && b->cseq == common.cseq : !b);
	}
	ASSERT(status != 200 || !all || bindings_of(m->table, user, m->now_ms, &none, 1) == 0);
}

static void do_restore(struct model *m, struct rd *rd, const char *user)
{
	static char contact[SIP_CONTACT_MAX + 8];
	struct sip_binding kept = {.id = "b-kept", .q = BINDINGS_Q_MAX};
	const struct sip_binding *b;
	int r;

	/* Of a store that this program wrote: never more than it would have held itself. */
	if (bindings_count(m->table) >= m->max_contacts)
		return;
	str_copy(kept.user, sizeof(kept.user), user);
	kept.expires_ms = m->now_ms + rd_u8(rd) * 1000ull;
	read_contact(rd, contact);
	str_copy(kept.contact, sizeof(kept.contact), contact);
	r = bindings_restore(m->table, &kept, m->now_ms);
	ASSERT(r == 0 || r == -EINVAL || r == -EEXIST || r == -ETIME);
	if (r)
		return;
	m->restored++;
	b = handed_out(m, user, contact);
	ASSERT(b && b->expires_ms == kept.expires_ms);
}

static bool is_of(const struct sip_binding *b, void *arg)
{
	return strcmp(b->user, arg) == 0;
}

static void do_remove(struct model *m, const char *user)
{
	const struct sip_binding *found[1];
	char name[SIP_USER_NAME_MAX];

	str_copy(name, sizeof(name), user);
	(void)bindings_remove_if(m->table, is_of, name);
	ASSERT(bindings_of(m->table, user, m->now_ms, found, 1) == 0);
}

static void one_operation(struct model *m, struct rd *rd)
{
	unsigned what = rd_u8(rd);
	const char *user = user_names[(what >> 4) % USERS];
	uint64_t next;

	switch (what % 8) {
	case 0: m->now_ms += rd_u8(rd) * 1000ull; break; /* not told: what has expired is still in the table */
	case 1:
		next = bindings_expire(m->table, m->now_ms);
		ASSERT(next > m->now_ms);
		ASSERT((next == UINT64_MAX) == (bindings_count(m->table) == 0));
		break;
	case 2: do_restore(m, rd, user); break;
	case 3: do_remove(m, user); break;
	case 4: do_register(m, rd, user, true); break;
	default: do_register(m, rd, user, false); break;
	}
	check_all(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model m = {.now_ms = 1700000000000};
	struct sip_registrar limits = {.min_expires_s = MIN_S, .max_expires_s = MAX_S};
	struct rd rd = rd_init(data, size);

	limits.max_contacts = m.max_contacts = 1 + rd_u8(&rd) % 4u;
	ASSERT(bindings_new(&limits, on_change, &m, &m.table) == 0);
	for (unsigned i = 0; i < OPERATIONS_MAX && rd_left(&rd); i++)
		one_operation(&m, &rd);
	bindings_free(m.table);
	return 0;
}
