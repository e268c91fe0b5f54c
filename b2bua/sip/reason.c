/* b2bua/sip/reason.c */
#include "b2bua/sip/reason.h"

#include "b2bua/sip/text.h"
#include "lib/base/str.h"

enum { TEXT_MAX = 100 };

static void put_part(struct strbuf *sb, const char *protocol, int code, const char *text)
{
	if (sb->length)
		strbuf_put(sb, ", ");
	strbuf_printf(sb, "%s;cause=%d", protocol, code);
	if (text && *text) {
		strbuf_put(sb, ";text=");
		text_put_quoted(sb, text, TEXT_MAX);
	}
}

const char *reason_build(char dst[REASON_MAX], int sip_code, int q850, const char *text)
{
	struct strbuf sb;

	strbuf_init(&sb, dst, REASON_MAX);
	if (sip_code > 0)
		put_part(&sb, "SIP", sip_code, q850 > 0 ? NULL : text);
	if (q850 > 0)
		put_part(&sb, "Q.850", q850, text);
	return dst;
}

int reason_q850(const sip_reason_t *reason)
{
	for (const sip_reason_t *re = reason; re; re = re->re_next) {
		uint64_t cause;
		if (re->re_protocol && re->re_cause && str_equal_nocase(re->re_protocol, "Q.850") &&
			str_to_u64(re->re_cause, 1, 127, &cause) == 0)
			return (int)cause;
	}
	return 0;
}
