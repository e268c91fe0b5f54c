/* b2bua/call/cause.h
 *
 * Why a call ended: a closed list, one table (cause.def) with every face of a cause. The dialplan's reject action names
 * causes from it.
 */
#ifndef B2BUA_CALL_CAUSE_H
#define B2BUA_CALL_CAUSE_H

#include <stdbool.h>

/* How the call is counted; the same order and names as the call log's. */
enum call_end_status { CALL_END_COMPLETED, CALL_END_MISSED, CALL_END_REJECTED, CALL_END_FAILED, CALL_END_CANCELLED };

enum cause {
#define CAUSE(id, name, sip, q850, status, text) CAUSE_##id,
#include "b2bua/call/cause.def"
#undef CAUSE
	CAUSE_COUNT
};

struct cause_info {
	const char *name; /* in records, logs, dialplan: "no_answer" */
	int sip_code;     /* SIP face */
	int q850;         /* ITU-T Q.850 face, in Reason headers (RFC 3326) */
	enum call_end_status status;
	const char *text; /* for people */
};

const struct cause_info *cause_info(enum cause c);
/* By name; returns 0 or -ENOENT. */
int cause_parse(const char *name, enum cause *ret_cause);
/* What a SIP final failure response means (RFC 3398 s8 and usage); q850 from its Reason header wins where it is more
 * exact (0: none). */
enum cause cause_from_sip(int sip_code, int q850);
/* What Meta's error code in a terminate webhook or a Graph answer means. */
enum cause cause_from_meta(int code);

#endif
