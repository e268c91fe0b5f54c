/* Prints the route table and what bodies may have as JSON, for test_openapi.py. */
#include "admin/admin_internal.h"
#include "admin/problem.h"

#include <stdio.h>

static const char *const kinds[] = {
	"text", "text", "phone", "integer", "integer", "boolean", "word", "word", "template", "headers"};

static json_t *body_json(const struct body_schema *schema)
{
	json_t *o = json_object();

	for (size_t i = 0; i < schema->count; i++) {
		const struct body_field *f = &schema->fields[i];
		json_t *words = json_array();
		for (int w = 0; f->words && f->words[w]; w++)
			json_array_append_new(words, json_string(f->words[w]));
		json_object_set_new(o, f->name,
			json_pack("{s:s, s:i, s:i, s:b, s:o}", "kind", kinds[f->kind], "min", (int)f->min, "max",
				(int)f->max, "required", f->required, "words", words));
	}
	return o;
}

int main(void)
{
	json_t *routes = json_array(), *problems = json_object(), *top;

	for (size_t i = 0; i < api_route_count; i++) {
		const struct api_route *r = &api_routes[i];
		json_array_append_new(routes,
			json_pack("{s:s, s:s, s:i, s:s, s:s, s:b, s:b, s:o}", "method", r->method, "path", r->path,
				"ok", (int)r->ok, "problems", r->problems, "query", r->query, "open", r->open, "keyed",
				r->keyed, "body", r->body ? body_json(r->body) : json_null()));
	}
	for (int p = 0; p < API_PROBLEM_COUNT; p++)
		json_object_set_new(
			problems, problem_type((enum api_problem)p), json_integer(problem_status((enum api_problem)p)));
	top = json_pack("{s:o, s:o}", "routes", routes, "problems", problems);
	json_dumpf(top, stdout, JSON_INDENT(1));
	json_decref(top);
	return 0;
}
