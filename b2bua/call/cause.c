/* b2bua/call/cause.c
 *
 * The table of causes, and what codes from SIP and from Meta mean in its terms.
 */
#include "b2bua/call/cause.h"

#include "lib/base/assert.h"
#include "lib/base/str.h"

#include <errno.h>
#include <stddef.h>

static const struct cause_info causes[CAUSE_COUNT] = {
#define CAUSE(id, name, sip, q850, status, text) [CAUSE_##id] = {name, sip, q850, status, text},
#include "b2bua/call/cause.def"
#undef CAUSE
};

struct code_row {
	int first, last;
	enum cause cause;
};

/* SIP codes that leave no doubt; a Q.850 value beside them adds nothing. */
static const struct code_row sip_exact[] = {
	{404, 404, CAUSE_NOT_FOUND},
	{410, 410, CAUSE_NOT_FOUND},
	{415, 415, CAUSE_NO_CODEC},
	{484, 485, CAUSE_NOT_FOUND}, /* address incomplete, ambiguous */
	{486, 486, CAUSE_BUSY},
	{488, 488, CAUSE_NO_CODEC},
	{600, 600, CAUSE_BUSY},
	{604, 604, CAUSE_NOT_FOUND},
	{606, 606, CAUSE_NO_CODEC},
};

/* SIP codes that gateways use for more than one thing: a Q.850 value of the table below wins over them. */
static const struct code_row sip_loose[] = {
	{403, 403, CAUSE_NOT_ALLOWED}, {408, 408, CAUSE_NO_ANSWER}, {480, 480, CAUSE_NO_ANSWER},
	{487, 487, CAUSE_NO_ANSWER}, /* ended by the peer's own timer: we have not cancelled */
	{503, 503, CAUSE_GATEWAY_DOWN}, {603, 603, CAUSE_DECLINED},
	{607, 608, CAUSE_DECLINED}, /* RFC 8197 unwanted, RFC 8688 rejected */
};

/* ITU-T Q.850 values that say what happened; 16, 31, 41, 127 and the like do not. */
static const struct code_row q850_exact[] = {
	{1, 3, CAUSE_NOT_FOUND},
	{17, 17, CAUSE_BUSY},
	{18, 20, CAUSE_NO_ANSWER},
	{21, 21, CAUSE_DECLINED},
	{22, 22, CAUSE_NOT_FOUND},
	{27, 27, CAUSE_GATEWAY_DOWN},
	{28, 28, CAUSE_NOT_FOUND},
	{34, 34, CAUSE_CONGESTION},
	{38, 38, CAUSE_GATEWAY_DOWN},
	{42, 42, CAUSE_CONGESTION},
	{44, 44, CAUSE_CONGESTION},
	{47, 47, CAUSE_CONGESTION},
	{58, 58, CAUSE_NO_CODEC},
	{65, 65, CAUSE_NO_CODEC},
	{88, 88, CAUSE_NO_CODEC},
};

/* Meta: Calling API, "Error codes". Both directions: codes of business-initiated calls do not come for others. */
static const struct code_row meta_codes[] = {
	{4, 4, CAUSE_META_LIMIT},           /* application rate */
	{613, 613, CAUSE_META_LIMIT},       /* reads of permissions */
	{80007, 80007, CAUSE_META_LIMIT},   /* account rate */
	{130429, 130429, CAUSE_META_LIMIT}, /* throughput */
	{138002, 138002, CAUSE_META_LIMIT}, /* simultaneous calls of the number */
	{138005, 138005, CAUSE_META_LIMIT}, /* calls a day */
	{0, 0, CAUSE_CALLING_OFF},          /* with 3, 10, 190, 200..299: token or permission of the app */
	{3, 3, CAUSE_CALLING_OFF}, {10, 10, CAUSE_CALLING_OFF}, {190, 190, CAUSE_CALLING_OFF},
	{200, 299, CAUSE_CALLING_OFF}, {130497, 130497, CAUSE_CALLING_OFF}, /* country of the user */
	{131044, 131044, CAUSE_CALLING_OFF},                                /* no payment method */
	{131055, 131055, CAUSE_CALLING_OFF},                                /* number is in SIP mode */
	{138000, 138000, CAUSE_CALLING_OFF},                                /* calling not enabled */
	{138013, 138014, CAUSE_CALLING_OFF},  /* country of the number; paused for quality */
	{138038, 138038, CAUSE_CALLING_OFF},  /* another app handles the calls */
	{100, 100, CAUSE_META_REFUSED},       /* parameter, SDP among them */
	{138008, 138008, CAUSE_META_REFUSED}, /* SDP */
	{138006, 138006, CAUSE_NO_PERMISSION}, {138012, 138012, CAUSE_USER_CALL_LIMIT}, /* calls a day with this user */
	{131026, 131026, CAUSE_UNREACHABLE}, /* not on WhatsApp, old client */
	{131030, 131030, CAUSE_UNREACHABLE}, /* not on the allow list of a test number */
	{138001, 138001, CAUSE_UNREACHABLE}, {138003, 138003, CAUSE_USER_BUSY},
	{138021, 138022, CAUSE_MEDIA_TIMEOUT}, /* no media from us, from the user */
	{138019, 138020, CAUSE_MEDIA_FAILED},  /* user's client: set-up failed, relay not reached */
	{138023, 138023, CAUSE_MEDIA_FAILED},  /* accepted, then ended without media */
};

#define ROWS(table) (table), sizeof(table) / sizeof((table)[0])

/* CAUSE_COUNT when the table has no such code. */
static enum cause find_code(const struct code_row *rows, size_t count, int code)
{
	for (size_t i = 0; i < count; i++)
		if (code >= rows[i].first && code <= rows[i].last)
			return rows[i].cause;
	return CAUSE_COUNT;
}

const struct cause_info *cause_info(enum cause c)
{
	ASSERT((unsigned)c < CAUSE_COUNT);
	return &causes[c];
}

int cause_parse(const char *name, enum cause *ret_cause)
{
	if (!name)
		return -ENOENT;
	for (int i = 0; i < CAUSE_COUNT; i++) {
		if (str_equal(causes[i].name, name)) {
			*ret_cause = (enum cause)i;
			return 0;
		}
	}
	return -ENOENT;
}

enum cause cause_from_sip(int sip_code, int q850)
{
	enum cause cause = find_code(ROWS(sip_exact), sip_code);
	if (cause == CAUSE_COUNT)
		cause = find_code(ROWS(q850_exact), q850);
	if (cause == CAUSE_COUNT)
		cause = find_code(ROWS(sip_loose), sip_code);
	return cause == CAUSE_COUNT ? CAUSE_GATEWAY_FAILED : cause;
}

enum cause cause_from_meta(int code)
{
	enum cause cause = find_code(ROWS(meta_codes), code);
	return cause == CAUSE_COUNT ? CAUSE_META_FAILED : cause;
}
