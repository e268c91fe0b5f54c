/* admin/permissions_api.c -- may users be called: list, look up, ask them */
#include "admin/admin_internal.h"

#include "admin/admin_json.h"
#include "lib/base/str.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 1000, NUMBER_MAX = 24 };

static const struct body_field request_fields[] = {
	{"number", BODY_PHONE, offsetof(struct api_permission_request, party.number)},
	{"text", BODY_LINES, offsetof(struct api_permission_request, text), 1, 1024},
	{"template", BODY_TEMPLATE, offsetof(struct api_permission_request, template)},
};
const struct body_schema permission_request_body = {
	request_fields, sizeof(request_fields) / sizeof(request_fields[0]), sizeof(struct api_permission_request)};

/* ---- the list, by user and number ---- */

struct row {
	struct permission p;
	char number[NUMBER_MAX];
};

/* The shell's entries come in any order: of those behind the cursor the first `limit` are kept, sorted. */
struct page {
	char number[NUMBER_MAX], user[PERMISSION_USER_MAX]; /* wanted, "" any */
	bool has_status;
	enum permission_status status;
	char after_user[PERMISSION_USER_MAX], after_number_id[40];
	const struct api_reply *asker;
	struct row *rows;
	size_t count, limit;
	bool more;
};

static int compare(const char *user, const char *number_id, const struct permission *p)
{
	int order = strcmp(user, p->user);

	return order ? order : strcmp(number_id, p->number_id);
}

static bool is_wanted(const struct page *page, const struct permission *p, const char *number)
{
	if (*page->number && strcmp(page->number, number) != 0)
		return false;
	if (*page->user && strcmp(page->user, p->user) != 0)
		return false;
	return !page->has_status || page->status == p->status;
}

static void take_permission(const struct permission *p, const char *number, const char *tenant, void *arg)
{
	struct page *page = arg;
	size_t low = 0, high = page->count;

	if (!reply_may_see(page->asker, tenant) || !is_wanted(page, p, number) ||
		(*page->after_user && compare(page->after_user, page->after_number_id, p) >= 0))
		return;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(page->rows[middle].p.user, page->rows[middle].p.number_id, p) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (page->count == page->limit) {
		page->more = true;
		if (low == page->limit)
			return;
		page->count--;
	}
	memmove(&page->rows[low + 1], &page->rows[low], (page->count - low) * sizeof(page->rows[0]));
	page->rows[low].p = *p;
	str_copy(page->rows[low].number, sizeof(page->rows[low].number), number);
	page->count++;
}

/* NULL, or what is wrong. */
static const char *read_query(struct api_reply *r, struct page *page)
{
	const char *user = reply_query(r, "user"), *status = reply_query(r, "status"),
		   *cursor = reply_query(r, "cursor");
	uint64_t limit;

	if (reply_query_phone(r, "number", page->number, sizeof(page->number)))
		return "number: not a phone number";
	if (user && *user && str_e164(user, page->user, sizeof(page->user)) &&
		str_copy(page->user, sizeof(page->user), user))
		return "user: neither a phone number nor a user id";
	if (status && permission_status_parse(status, &page->status))
		return "status: unknown, none, temporary or permanent";
	page->has_status = status != NULL;
	if (reply_query_uint(r, "limit", LIMIT_MAX, &limit))
		return "limit: 1 to 1000";
	page->limit = limit ? (size_t)limit : LIMIT_DEFAULT;
	if (cursor && (cursor_read(cursor, page->after_user, sizeof(page->after_user), page->after_number_id,
			       sizeof(page->after_number_id)) ||
			      !*page->after_user))
		return "cursor: not one that this interface gave";
	return NULL;
}

static void reply_with_page(struct api_reply *r, const struct page *page)
{
	uint64_t now_ms = loop_wall_ms(r->admin->loop);
	json_t *list = json_array();
	char cursor[CURSOR_MAX];
	bool incomplete = false;

	for (size_t i = 0; i < page->count; i++) {
		const struct row *row = &page->rows[i];
		incomplete |= json_array_append_new(list, admin_json_permission(&row->p, row->number, now_ms)) != 0;
	}
	if (page->more) {
		const struct permission *last = &page->rows[page->count - 1].p;
		cursor_write(cursor, last->user, last->number_id);
	}
	reply_page(r, "permissions", list, incomplete, page->more ? cursor : NULL);
}

void get_permissions(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	struct page page = {0};
	const char *wrong = read_query(r, &page);

	if (wrong) {
		reply_problem(r, API_BAD_REQUEST, wrong);
		return;
	}
	if (!ops->each_permission) {
		reply_problem(r, API_NOT_OFFERED, NULL);
		return;
	}
	page.rows = calloc(page.limit + 1, sizeof(page.rows[0]));
	if (!page.rows) {
		reply_ok(r, NULL);
		return;
	}
	page.asker = r;
	ops->each_permission(take_permission, &page, ops->arg);
	reply_with_page(r, &page);
	free(page.rows);
}

/* ---- one user ---- */

/* A phone number, or a business-scoped user id. */
static bool read_user(const char *text, char number[NUMBER_MAX], struct api_party *party)
{
	bool plain = *text && strlen(text) < PERMISSION_USER_MAX;

	for (const char *c = text; *c; c++)
		plain = plain && *c > ' ' && *c <= '~';
	if (str_e164(text, number, NUMBER_MAX) == 0 && number[1] != '0')
		party->user_number = number;
	else if (plain)
		party->user_id = text;
	else
		return false;
	return true;
}

void get_permission(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	char number[NUMBER_MAX], user[NUMBER_MAX];
	struct api_party party = {number, "", ""};
	const char *refresh = reply_query(r, "refresh");

	if (reply_query_phone(r, "number", number, sizeof(number)))
		reply_problem(r, API_BAD_REQUEST, "number: not a phone number");
	else if (refresh && strcmp(refresh, "true") != 0 && strcmp(refresh, "false") != 0)
		reply_problem(r, API_BAD_REQUEST, "refresh: true or false");
	else if (!read_user(r->id, user, &party))
		reply_problem(r, API_BAD_REQUEST, "neither a phone number nor a user id");
	else if (!ops->get_permission)
		reply_problem(r, API_NOT_OFFERED, NULL);
	else
		ops->get_permission(&party, refresh && strcmp(refresh, "true") == 0, r, ops->arg);
}

void post_permission_request(struct api_reply *r)
{
	const struct api_ops *ops = &r->admin->api;
	struct api_permission_request request;
	char user[NUMBER_MAX];
	struct body body;

	if (!reply_read_body(r, &body, &request))
		return;
	request.party.user_number = request.party.user_id = "";
	if (!read_user(r->id, user, &request.party))
		reply_problem(r, API_BAD_REQUEST, "neither a phone number nor a user id");
	else if (!ops->request_permission)
		reply_problem(r, API_NOT_OFFERED, NULL);
	else if (!reply_waits_for_key(r))
		ops->request_permission(&request, r, ops->arg);
	body_done(&body);
}
