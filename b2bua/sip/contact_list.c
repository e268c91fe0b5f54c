/* b2bua/sip/contact_list.c -- see contact_list.h */
#include "b2bua/sip/contact_list.h"

#include "lib/base/str.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum { MALFORMED_EXPIRES_S = 3600, EXPIRES_MAX_S = 0x7fffffff, Q_ONE = 1000 };

/* What is left to read. */
struct cursor {
	const char *p, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct cursor *c)
{
	while (c->p < c->end && is_blank(*c->p))
		c->p++;
}

static bool at(const struct cursor *c, char wanted)
{
	return c->p < c->end && *c->p == wanted;
}

/* Past the quoted-string that begins here. False: it does not end. */
static bool skip_quoted(struct cursor *c)
{
	for (c->p++; c->p < c->end && *c->p != '"'; c->p++)
		if (*c->p == '\\' && ++c->p == c->end)
			return false;
	if (c->p == c->end)
		return false;
	c->p++;
	return true;
}

/* The URI: between brackets after a display name, or as far as it goes. */
static int read_uri(struct cursor *c, char uri[SIP_CONTACT_MAX])
{
	const char *start = c->p;

	if (at(c, '"') && !skip_quoted(c))
		return -EINVAL;
	while (c->p < c->end && *c->p != '<' && *c->p != ',' && *c->p != ';')
		c->p++;
	if (at(c, '<')) {
		start = ++c->p;
		while (c->p < c->end && *c->p != '>')
			c->p++;
		if (c->p == c->end)
			return -EINVAL;
		c->p++;
		return str_copy_n(uri, SIP_CONTACT_MAX, start, (size_t)(c->p - 1 - start)) ? -EINVAL : 0;
	}
	if (*start == '"')
		return -EINVAL;
	for (const char *end = c->p;; end--)
		if (end == start || !is_blank(end[-1]))
			return str_copy_n(uri, SIP_CONTACT_MAX, start, (size_t)(end - start)) ? -EINVAL : 0;
}

static unsigned expires_of(const char *value, size_t length)
{
	unsigned s = 0;

	for (size_t i = 0; i < length; i++) {
		if (value[i] < '0' || value[i] > '9')
			return MALFORMED_EXPIRES_S;
		s = s > EXPIRES_MAX_S / 10 - 1 ? EXPIRES_MAX_S : s * 10 + (unsigned)(value[i] - '0');
	}
	return length ? s : MALFORMED_EXPIRES_S;
}

/* "1", "0.5", "0.125" (RFC 3261 s25.1, qvalue) */
static unsigned q_of(const char *value, size_t length)
{
	unsigned q = 0, weight = 100;

	if (length == 0 || length > 5 || (value[0] != '0' && value[0] != '1') || (length > 1 && value[1] != '.'))
		return Q_ONE;
	q = value[0] == '1' ? Q_ONE : 0;
	for (size_t i = 2; i < length; i++, weight /= 10) {
		if (value[i] < '0' || value[i] > '9')
			return Q_ONE;
		q += (unsigned)(value[i] - '0') * weight;
	}
	return q > Q_ONE ? Q_ONE : q;
}

/* ;name=value, value perhaps quoted */
static int read_param(struct cursor *c, struct contact_item *item)
{
	const char *name, *value;
	size_t name_length, length = 0;

	c->p++;
	skip_blanks(c);
	for (name = c->p; c->p < c->end && !is_blank(*c->p) && !memchr("=;,", *c->p, 3);)
		c->p++;
	name_length = (size_t)(c->p - name);
	skip_blanks(c);
	if (!at(c, '='))
		return 0;
	c->p++;
	skip_blanks(c);
	value = c->p;
	if (at(c, '"')) {
		if (!skip_quoted(c))
			return -EINVAL;
	} else {
		while (c->p < c->end && !is_blank(*c->p) && !memchr(";,", *c->p, 2))
			c->p++;
	}
	length = (size_t)(c->p - value);
	if (name_length == 7 && strncasecmp(name, "expires", 7) == 0) {
		item->expires_given = true;
		item->expires_s = expires_of(value, length);
	} else if (name_length == 1 && (*name == 'q' || *name == 'Q')) {
		item->q = q_of(value, length);
	}
	return 0;
}

static int read_item(struct cursor *c, struct contact_item *item)
{
	int r;

	*item = (struct contact_item){.q = Q_ONE};
	r = read_uri(c, item->uri);
	skip_blanks(c);
	while (r == 0 && at(c, ';')) {
		r = read_param(c, item);
		skip_blanks(c);
	}
	return r == 0 && c->p < c->end && *c->p != ',' ? -EINVAL : r;
}

int contact_list_parse(struct contact_list *list, const char *value, size_t length)
{
	struct cursor c = {value, value + length};

	skip_blanks(&c);
	if (at(&c, '*')) {
		c.p++;
		skip_blanks(&c);
		if (c.p < c.end || list->count || list->all)
			return -EINVAL;
		list->all = true;
		return 0;
	}
	while (c.p < c.end) {
		int r;

		if (list->all || memchr(value, '\0', length))
			return -EINVAL;
		if (list->count == list->max)
			return -E2BIG;
		r = read_item(&c, &list->items[list->count]);
		if (r)
			return r;
		list->count++;
		if (c.p == c.end)
			return 0;
		c.p++; /* the comma */
		skip_blanks(&c);
		if (c.p == c.end)
			return -EINVAL;
	}
	return 0;
}
