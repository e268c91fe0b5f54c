/* Any bytes as a body, a path and a cursor of the HTTP API. The first byte chooses the body's table. */
#include "admin/admin_internal.h"
#include "admin/problem.h"
#include "lib/base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is what the table promises. */
static void check_fields(const struct body_schema *schema, const void *whole)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct body_field *f = &schema->fields[i];
		const void *place = (const char *)whole + f->offset;
		if (f->kind == BODY_TEXT || f->kind == BODY_LINES) {
			const char *text = *(const char *const *)place;
			ASSERT(text && strlen(text) <= f->max);
			for (; f->kind == BODY_TEXT && *text; text++)
				ASSERT((unsigned char)*text >= 0x20 && *text != 0x7f);
		} else if (f->kind == BODY_PHONE) {
			const char *number = *(const char *const *)place;
			ASSERT(number && (!*number || (*number == '+' && strlen(number) < 24)));
		} else if (f->kind == BODY_UINT) {
			unsigned n = *(const unsigned *)place;
			ASSERT(n == 0 || (n >= f->min && n <= f->max));
		}
	}
}

static void read_body(const struct body_schema *schema, const char *text, size_t size)
{
	void *whole = malloc(schema->size);
	struct body body;
	int r;

	ASSERT(whole);
	r = body_read(&body, schema, text, size, whole);
	ASSERT(r == 0 || r == -EINVAL || r == -ENOMEM);
	ASSERT(r != -EINVAL || *body.why);
	if (r == 0)
		check_fields(schema, whole);
	body_done(&body);
	free(whole);
}

static void read_path(const char *text)
{
	char id[API_ID_MAX], allow[64], instance[160];
	const struct api_route *route = route_find("POST", text, id, sizeof(id), allow, sizeof(allow));

	ASSERT(!route || *allow);
	ASSERT(!strchr(id, '/') || !route);
	problem_instance(text, instance, sizeof(instance));
	for (const char *c = instance; *c; c++)
		ASSERT(*c > ' ' && *c < 0x7f && *c != '"');
}

static void read_cursor(const char *text)
{
	char one[64], two[64], again[CURSOR_MAX], one_again[64], two_again[64];

	if (cursor_read(text, one, sizeof(one), two, sizeof(two)))
		return;
	cursor_write(again, one, two);
	ASSERT(cursor_read(again, one_again, sizeof(one_again), two_again, sizeof(two_again)) == 0);
	ASSERT(strcmp(one, one_again) == 0 && strcmp(two, two_again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct body_schema *const schemas[] = {&call_body, &transfer_body, &hold_body, &mute_body,
		&dtmf_body, &permission_request_body, &message_body, &revive_body};
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	ASSERT(text);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	read_body(schemas[data[0] % 8], text, size - 1);
	read_path(text);
	read_cursor(text);
	free(text);
	return 0;
}
