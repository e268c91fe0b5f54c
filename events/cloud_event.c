/* events/cloud_event.c -- see cloud_event.h. CloudEvents 1.0, "JSON Event Format" s3 */
#include "events/cloud_event.h"

#include "lib/base/crypto.h"
#include "lib/base/str.h"
#include "store/outbox.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* RFC 8259 s7: what must be escaped in a string; the rest goes as it is. */
static void put_text(struct strbuf *sb, const char *text)
{
	size_t left = strlen(text);

	strbuf_put(sb, "\"");
	while (left) {
		size_t n = str_utf8_char(text, left);
		unsigned char c = (unsigned char)*text;

		if (n == 0) {
			strbuf_put(sb, "\xef\xbf\xbd");
			n = 1;
		} else if (c == '"' || c == '\\') {
			strbuf_printf(sb, "\\%c", c);
		} else if (c < 0x20 || c == 0x7f) {
			strbuf_printf(sb, "\\u%04x", c);
		} else {
			strbuf_put_n(sb, text, n);
		}
		text += n;
		left -= n;
	}
	strbuf_put(sb, "\"");
}

static void put_member(struct strbuf *sb, const char *name, const char *value)
{
	put_text(sb, name);
	strbuf_put(sb, ":");
	put_text(sb, value);
	strbuf_put(sb, ",");
}

const char *cloud_event_time(uint64_t ms, char dst[CLOUD_EVENT_TIME_MAX])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	size_t n;

	if (!gmtime_r(&seconds, &tm)) {
		*dst = '\0';
		return dst;
	}
	n = strftime(dst, CLOUD_EVENT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(dst + n, CLOUD_EVENT_TIME_MAX - n, ".%03uZ", (unsigned)(ms % 1000));
	return dst;
}

static bool is_told(const struct event_field *f)
{
	switch (f->kind) {
	case FIELD_TEXT: return f->text && *f->text;
	case FIELD_TIME_MS: return f->number > 0;
	case FIELD_HUNDREDTHS: return f->number >= 0;
	case FIELD_INT:
	case FIELD_BOOL: break;
	}
	return true;
}

static void put_value(struct strbuf *sb, const struct event_field *f)
{
	char time[CLOUD_EVENT_TIME_MAX];

	switch (f->kind) {
	case FIELD_TEXT: put_text(sb, f->text); break;
	case FIELD_INT: strbuf_printf(sb, "%" PRId64, f->number); break;
	case FIELD_HUNDREDTHS: strbuf_printf(sb, "%" PRId64 ".%02d", f->number / 100, (int)(f->number % 100)); break;
	case FIELD_BOOL: strbuf_put(sb, f->number ? "true" : "false"); break;
	case FIELD_TIME_MS: put_text(sb, cloud_event_time((uint64_t)f->number, time)); break;
	}
}

int cloud_event_write(const struct cloud_event *e, char *dst, size_t cap)
{
	char time[CLOUD_EVENT_TIME_MAX], type[80];
	const char *separator = "";
	struct strbuf sb;

	strbuf_init(&sb, dst, cap);
	snprintf(type, sizeof(type), "com.watrunk.%s", e->type);
	strbuf_put(&sb, "{\"specversion\":\"1.0\",");
	put_member(&sb, "id", e->id);
	put_member(&sb, "source", e->source);
	put_member(&sb, "type", type);
	if (*e->subject)
		put_member(&sb, "subject", e->subject);
	put_member(&sb, "time", cloud_event_time(e->time_ms, time));
	strbuf_put(&sb, "\"datacontenttype\":\"application/json\",\"data\":{");
	for (size_t i = 0; i < e->field_count; i++) {
		const struct event_field *f = &e->fields[i];
		if (!is_told(f))
			continue;
		strbuf_put(&sb, separator);
		put_text(&sb, f->name);
		strbuf_put(&sb, ":");
		put_value(&sb, f);
		separator = ",";
	}
	strbuf_put(&sb, "}}");
	return sb.truncated ? -EINVAL : 0;
}

void cloud_event_sign(
	const char *secret, uint64_t unix_s, const char *body, size_t length, char dst[CLOUD_EVENT_SIGNATURE_MAX])
{
	char signed_text[24 + OUTBOX_BODY_MAX], hex[65];
	uint8_t mac[32];
	size_t n = (size_t)snprintf(signed_text, sizeof(signed_text), "%" PRIu64 ".", unix_s);

	if (length > sizeof(signed_text) - n)
		length = sizeof(signed_text) - n; /* never: the outbox keeps no longer ones */
	memcpy(signed_text + n, body, length);
	crypto_hmac_sha256(secret, strlen(secret), signed_text, n + length, mac);
	str_hex(hex, mac, sizeof(mac));
	snprintf(dst, CLOUD_EVENT_SIGNATURE_MAX, "t=%" PRIu64 ",v1=%s", unix_s, hex);
}

bool events_type_matches(const char *pattern, const char *type)
{
	size_t length = strlen(pattern);

	if (strcmp(pattern, "*") == 0)
		return true;
	if (length >= 2 && strcmp(pattern + length - 2, ".*") == 0)
		return strncmp(pattern, type, length - 1) == 0;
	return strcmp(pattern, type) == 0;
}
