#include "tests/unit/lib/sdp/sdp_tests.h"

#include <string.h>

int parse_text(const char *text, struct sdp_audio *ret_sdp, struct sdp_error *error)
{
	return sdp_audio_parse(text, strlen(text), ret_sdp, error);
}

struct sdp_audio parsed(const char *text)
{
	struct sdp_audio sdp;
	struct sdp_error error;
	if (parse_text(text, &sdp, &error) < 0)
		fail_msg("line %d: %s in\n%s", error.line, error.what, text);
	return sdp;
}

const char *addr_text(const struct addr *a)
{
	static char text[ADDR_TEXT_MAX];
	return addr_format(a, text, sizeof(text));
}

int main(void)
{
	return sdp_tests_read() + sdp_tests_write() + sdp_tests_hostile() + sdp_tests_helpers() + sdp_tests_crypto();
}
