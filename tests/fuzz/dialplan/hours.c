/* tests/fuzz/dialplan/hours.c
 *
 * Opening hours: refused with a reason, or good for any moment.
 */
#include "dialplan/hours.h"
#include "lib/base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t moments[] = {0, 1774746000000, 1793494800000, UINT64_MAX};
	struct hours *h = NULL;
	char why[64] = "";
	char *text = malloc(size + 1);
	bool always = true;

	ASSERT(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	int r = hours_new(text, &h, why, sizeof(why));
	ASSERT(r == 0 ? h != NULL : r == -EBADMSG && !h && why[0]);
	for (size_t i = 0; h && i < sizeof(moments) / sizeof(moments[0]); i++)
		always = hours_hold(h, moments[i]) && always;
	if (h && strcmp(text, "Mon-Sun 00:00-24:00") == 0)
		ASSERT(always);
	hours_free(h);
	free(text);
	return 0;
}
