/* admin/problem.c -- see problem.h */
#include "admin/problem.h"

#include "lib/base/str.h"

#include <stdio.h>
#include <string.h>

static const struct {
	unsigned status;
	const char *type, *title;
} problems[] = {
#define API_PROBLEM(id, status, type, title) {status, type, title},
#include "admin/api_problem.def"
#undef API_PROBLEM
};

unsigned problem_status(enum api_problem problem)
{
	return problems[problem].status;
}

const char *problem_type(enum api_problem problem)
{
	return problems[problem].type;
}

json_t *problem_json(const struct api_fault *fault, const char *instance)
{
	const char *title = problems[fault->problem].title, *detail = fault->detail ? fault->detail : title;
	char type[64];
	json_t *o, *text;

	snprintf(type, sizeof(type), "/problems/%s", problems[fault->problem].type);
	o = json_pack("{s:s, s:s, s:i, s:s}", "type", type, "title", title, "status",
		(int)problems[fault->problem].status, "instance", instance);
	/* Text of a peer may not be UTF-8: then the title has to do. */
	text = json_string(detail);
	if (!text)
		text = json_string(title);
	if (json_object_set_new(o, "detail", text)) { /* or o is NULL; drops text in any case */
		json_decref(o);
		return NULL;
	}
	if (fault->meta_code)
		json_object_set_new(o, "meta_code", json_integer(fault->meta_code));
	if (fault->meta_text && *fault->meta_text)
		json_object_set_new(o, "meta_text", json_string(fault->meta_text));
	if (fault->until_ms)
		json_object_set_new(o, "until_ms", json_integer((json_int_t)fault->until_ms));
	return o;
}

void problem_instance(const char *path, char *dst, size_t cap)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/:@!$&'()*+,;=";
	struct strbuf sb;

	strbuf_init(&sb, dst, cap);
	for (; *path && sb.length + 4 < cap; path++) {
		if (strchr(plain, *path))
			strbuf_put_n(&sb, path, 1);
		else
			strbuf_printf(&sb, "%%%02X", (unsigned char)*path);
	}
}
