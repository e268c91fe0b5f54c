/* Any text as a parked dial: what is taken is written, and read again, the same. */
#include "b2bua/app/config.h"
#include "b2bua/app/dial.h"
#include "lib/base/assert.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void written_and_read_again(struct app *app, const struct dial *d)
{
	char *json = dial_to_json(d), *again;
	struct dial *copy;

	ASSERT(json);
	copy = dial_from_json(app, json);
	ASSERT(copy);
	again = dial_to_json(copy);
	ASSERT(again && strcmp(json, again) == 0);
	ASSERT(*copy->id && copy->order != DIAL_SIP_CALLS && copy->header_count <= ROUTE_HEADERS_MAX);
	free(again);
	free(json);
	dial_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	static struct app app = {.config = &config};
	char *text = malloc(size + 1);
	struct dial *d;

	ASSERT(text && (app.loop || loop_new(&app.loop) == 0));
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	d = dial_from_json(&app, text);
	if (d)
		written_and_read_again(&app, d);
	dial_free(d);
	free(text);
	return 0;
}
