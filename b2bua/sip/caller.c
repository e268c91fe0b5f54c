/* b2bua/sip/caller.c */
#include "b2bua/sip/caller.h"

#include "b2bua/sip/text.h"
#include "lib/base/str.h"

#include <errno.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/url.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX = 64, VALUE_MAX = 1024, CREDENTIALS_MAX = 4 };

/* ---- text ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int caller_unescape(char *dst, size_t cap, const char *src, size_t length)
{
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; src && i < length && src[i]; i++) {
		unsigned char c = (unsigned char)src[i];
		if (c == '%' && length - i > 2 && hex_value(src[i + 1]) >= 0 && hex_value(src[i + 2]) >= 0) {
			c = (unsigned char)(hex_value(src[i + 1]) * 16 + hex_value(src[i + 2]));
			i += 2;
		}
		if (n + 1 >= cap)
			return -ENAMETOOLONG;
		dst[n++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
		dst[n] = '\0';
	}
	return 0;
}

/* What follows is another text. */
static void keep_terminator(struct strbuf *sb)
{
	if (sb->length + 1 >= sb->cap) {
		sb->truncated = true;
		return;
	}
	sb->text[++sb->length] = '\0';
}

static int user_of(char *dst, size_t cap, const url_t *url)
{
	const char *user = url->url_user;

	if (!user && url->url_type == url_tel)
		user = url->url_host;
	return caller_unescape(dst, cap, user, user ? strlen(user) : 0);
}

static void host_of(char *dst, size_t cap, const url_t *url)
{
	struct strbuf sb;

	strbuf_init(&sb, dst, cap);
	if (url->url_host && url->url_type != url_tel)
		text_put_line(&sb, url->url_host, cap - 1);
}

/* A display name as it stands in a header: a quoted-string or tokens. */
static void display_of(char *dst, size_t cap, const char *display)
{
	char plain[512];
	size_t n = 0, length = display ? strlen(display) : 0;
	bool quoted = length >= 2 && display[0] == '"' && display[length - 1] == '"';
	struct strbuf sb;

	for (size_t i = quoted; i < length - quoted && n + 1 < sizeof(plain); i++) {
		if (quoted && display[i] == '\\' && i + 1 < length - quoted)
			i++;
		plain[n++] = display[i];
	}
	plain[n] = '\0';
	strbuf_init(&sb, dst, cap);
	text_put_line(&sb, plain, cap - 1);
}

/* User part of the first sip:, sips: or tel: URI of a P-Asserted-Identity value (RFC 3325 s9.1). */
static void pai_user_of(char *dst, size_t cap, const char *value)
{
	const char *uri, *end;

	value += strspn(value, " \t");
	if (*value == '"') { /* a name may hold anything */
		for (value++; *value && *value != '"'; value++)
			value += *value == '\\' && value[1];
	}
	uri = strchr(value, '<');
	uri = uri ? uri + 1 : value + strspn(value, " \t");
	if (strncasecmp(uri, "tel:", 4) == 0) {
		uri += 4;
		end = uri + strcspn(uri, ";,> \t");
	} else if (strncasecmp(uri, "sip:", 4) == 0 || strncasecmp(uri, "sips:", 5) == 0) {
		uri = strchr(uri, ':') + 1;
		end = uri + strcspn(uri, "@>, \t");
		if (*end != '@')
			end = uri;
	} else {
		end = uri;
	}
	(void)caller_unescape(dst, cap, uri, (size_t)(end - uri));
}

/* ---- INVITE ---- */

static void add_header(const msg_unknown_t *un, struct strbuf *values, struct sip_incoming *in)
{
	struct strbuf before = *values;

	if (in->header_count == SIP_IN_HEADERS_MAX || strlen(un->un_name) > NAME_MAX)
		return;
	in->headers[in->header_count].value = values->text + values->length;
	in->headers[in->header_count].name = un->un_name;
	text_put_line(values, un->un_value ? un->un_value : "", VALUE_MAX);
	keep_terminator(values);
	if (values->truncated)
		*values = before;
	else
		in->header_count++;
}

static void read_unknown(const sip_t *sip, struct caller_text *t, struct sip_incoming *in)
{
	struct strbuf values;

	strbuf_init(&values, t->values, sizeof(t->values));
	for (const msg_unknown_t *un = sip->sip_unknown; un; un = un->un_next) {
		if (!un->un_name)
			continue;
		if (strncasecmp(un->un_name, "X-", 2) == 0 && text_is_token(un->un_name, strlen(un->un_name)))
			add_header(un, &values, in);
		else if (str_equal_nocase(un->un_name, "P-Asserted-Identity") && un->un_value && !t->pai_user[0])
			pai_user_of(t->pai_user, sizeof(t->pai_user), un->un_value);
	}
}

int caller_read(const sip_t *sip, struct caller_text *t, struct sip_incoming *ret_in)
{
	struct sip_incoming in = {
		.request_user = t->request_user,
		.request_host = t->request_host,
		.to_user = t->to_user,
		.from_user = t->from_user,
		.from_display = t->from_display,
		.from_host = t->from_host,
		.pai_user = t->pai_user,
	};

	memset(t, 0, sizeof(*t));
	if (user_of(t->request_user, sizeof(t->request_user), sip->sip_request->rq_url))
		return -ENAMETOOLONG;
	host_of(t->request_host, sizeof(t->request_host), sip->sip_request->rq_url);
	if (sip->sip_to)
		(void)user_of(t->to_user, sizeof(t->to_user), sip->sip_to->a_url);
	if (sip->sip_from) {
		(void)user_of(t->from_user, sizeof(t->from_user), sip->sip_from->a_url);
		host_of(t->from_host, sizeof(t->from_host), sip->sip_from->a_url);
		display_of(t->from_display, sizeof(t->from_display), sip->sip_from->a_display);
	}
	read_unknown(sip, t, &in);
	*ret_in = in;
	return 0;
}

/* ---- credentials ---- */

/* The value after "name=", unquoted into the store. */
static const char *param_value(const char *value, struct strbuf *store)
{
	const char *start = store->text + store->length;
	size_t length = strlen(value);
	bool quoted = length >= 2 && value[0] == '"' && value[length - 1] == '"';

	for (size_t i = quoted; i < length - quoted; i++) {
		if (quoted && value[i] == '\\' && i + 1 < length - quoted)
			i++;
		strbuf_put_n(store, &value[i], 1);
	}
	keep_terminator(store);
	return start;
}

static void read_params(const msg_auth_t *au, struct strbuf *store, struct digest_credentials *c)
{
	const struct {
		const char *name;
		const char **to;
	} known[] = {{"username", &c->username}, {"realm", &c->realm}, {"nonce", &c->nonce}, {"uri", &c->uri},
		{"response", &c->response}, {"algorithm", &c->algorithm}, {"cnonce", &c->cnonce}, {"qop", &c->qop},
		{"nc", &c->nc}};

	for (const msg_param_t *p = au->au_params; p && *p; p++) {
		size_t name = strcspn(*p, " \t=");
		const char *value = *p + name + strspn(*p + name, " \t");
		if (*value++ != '=')
			continue;
		value += strspn(value, " \t");
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strlen(known[i].name) == name && strncasecmp(*p, known[i].name, name) == 0 && !*known[i].to)
				*known[i].to = param_value(value, store);
	}
}

bool caller_credentials(
	const sip_t *sip, const char *realm, struct credentials_text *store, struct digest_credentials *ret_c)
{
	unsigned seen = 0;

	for (const msg_auth_t *au = sip->sip_authorization; au && seen < CREDENTIALS_MAX; au = au->au_next, seen++) {
		struct digest_credentials c = {0};
		struct strbuf sb;
		if (!au->au_scheme || !str_equal_nocase(au->au_scheme, "Digest"))
			continue;
		strbuf_init(&sb, store->text, sizeof(store->text));
		read_params(au, &sb, &c);
		if (sb.truncated || !c.realm || strcmp(c.realm, realm) != 0)
			continue;
		*ret_c = c;
		return true;
	}
	return false;
}

bool caller_credentials_fit(const sip_t *sip, const struct digest_credentials *c)
{
	char asked[CALLER_USER_MAX], proved[CALLER_USER_MAX];
	const char *start, *end;

	if (!c->uri || user_of(asked, sizeof(asked), sip->sip_request->rq_url))
		return false;
	start = strchr(c->uri, ':');
	start = start ? start + 1 : c->uri;
	end = strchr(start, '@');
	if (!end)
		end = strncasecmp(c->uri, "tel:", 4) == 0 ? start + strcspn(start, ";") : start;
	return caller_unescape(proved, sizeof(proved), start, (size_t)(end - start)) == 0 && strcmp(asked, proved) == 0;
}

/* ---- REFER ---- */

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* "Replaces" among the headers of a URI: name=value&name=value, escaped. */
static int read_replaces(const char *headers, char *dst, size_t cap)
{
	while (headers && *headers) {
		size_t length = strcspn(headers, "&"), name = strcspn(headers, "=&");
		if (name == 8 && strncasecmp(headers, "Replaces", 8) == 0 && name < length) {
			for (size_t i = name; i + 2 < length; i++)
				if (headers[i] == '%' &&
					(headers[i + 1] < '2' || strncasecmp(&headers[i + 1], "7f", 2) == 0))
					return -EINVAL;
			return caller_unescape(dst, cap, headers + name + 1, length - name - 1);
		}
		headers += length;
		headers += *headers == '&';
	}
	return 0;
}

int caller_refer(const sip_t *sip, struct refer_text *ret_t)
{
	url_t url;
	struct sip_uri parsed;
	char params[SIP_URI_MAX], method[16];
	issize_t n;

	memset(ret_t, 0, sizeof(*ret_t));
	if (!sip->sip_refer_to)
		return -EINVAL;
	url = *sip->sip_refer_to->r_url;
	if (url.url_type != url_sip && url.url_type != url_sips && url.url_type != url_tel)
		return -EINVAL;
	if (read_replaces(url.url_headers, ret_t->replaces, sizeof(ret_t->replaces)))
		return -EINVAL;
	url.url_headers = NULL;
	if (url.url_params) { /* ;method=INVITE is what a REFER means without saying (RFC 3515 s2.1) */
		if (str_copy(params, sizeof(params), url.url_params) ||
			(url_has_param(&url, "method") && (url_param(params, "method", method, sizeof(method)) == 0 ||
								  !str_equal_nocase(method, "INVITE"))))
			return -EINVAL;
		url.url_params = url_strip_param_string(params, "method");
		if (url.url_params && !*url.url_params)
			url.url_params = NULL;
	}
	n = url_e(ret_t->to, sizeof(ret_t->to), &url);
	if (n <= 0 || (size_t)n >= sizeof(ret_t->to) || has_control(ret_t->to) || strpbrk(ret_t->to, " <>\""))
		return -EINVAL;
	if (url.url_type != url_tel && sip_uri_parse(ret_t->to, &parsed))
		return -EINVAL;
	if (sip->sip_referred_by) {
		n = sip_header_field_e(
			ret_t->referred_by, sizeof(ret_t->referred_by), (const sip_header_t *)sip->sip_referred_by, 0);
		if (n <= 0 || (size_t)n >= sizeof(ret_t->referred_by) || has_control(ret_t->referred_by))
			ret_t->referred_by[0] = '\0';
	}
	return 0;
}
