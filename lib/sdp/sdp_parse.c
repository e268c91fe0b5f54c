/* lib/sdp/sdp_audio_parse.c
 *
 * Text -> struct sdp_audio, in two passes over at most SDP_TEXT_MAX bytes: the first lists the m= lines and takes one,
 * the second reads the lines of the session and of the taken one. Strict about what a call stands on (v=, m=, an
 * address to send to), tolerant about the rest.
 */
#include "lib/sdp/sdp_reader.h"

#include "lib/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *text;
	enum sdp_proto proto;
} protos[] = {
	{"RTP/AVP", SDP_RTP_AVP},
	{"RTP/SAVP", SDP_RTP_SAVP},
	{"RTP/AVPF", SDP_RTP_AVPF},
	{"RTP/SAVPF", SDP_RTP_SAVPF},
	{"UDP/TLS/RTP/SAVP", SDP_UDP_TLS_RTP_SAVP},
	{"UDP/TLS/RTP/SAVPF", SDP_UDP_TLS_RTP_SAVPF},
};

/* One m= line. */
struct media {
	int line;
	bool is_audio, known_proto;
	enum sdp_proto proto;
	uint16_t port;
	struct sdp_word formats;
	struct sdp_other_media words;
};

static int refuse(struct sdp_error *error, int line, const char *what)
{
	error->line = line;
	str_copy(error->what, sizeof(error->what), what);
	return -EBADMSG;
}

/* "audio 40000 UDP/TLS/RTP/SAVPF 111 126"; the port may be "40000/2" (RFC 8866 s5.14). */
static int media_read(const struct sdp_line *line, struct media *m, struct sdp_error *error)
{
	struct sdp_word rest = line->value, type = sdp_word_next(&rest), ports = sdp_word_next(&rest);
	struct sdp_word proto = sdp_word_next(&rest), format;
	uint64_t port;

	memset(m, 0, sizeof(*m));
	m->line = line->number;
	if (!sdp_word_copy(type, m->words.media, sizeof(m->words.media)))
		return refuse(error, line->number, "m=: bad media type");
	if (!sdp_word_number(sdp_word_until(&ports, '/'), UINT16_MAX, &port))
		return refuse(error, line->number, "m=: bad port");
	if (!sdp_word_copy(proto, m->words.proto, sizeof(m->words.proto)))
		return refuse(error, line->number, "m=: bad protocol");
	m->formats = sdp_word_trim(rest);
	format = sdp_word_next(&rest);
	if (!sdp_word_copy(format, m->words.fmt, sizeof(m->words.fmt)))
		str_copy(m->words.fmt, sizeof(m->words.fmt), "0");
	m->port = (uint16_t)port;
	m->is_audio = sdp_word_is(type, "audio");
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (sdp_word_is(proto, protos[i].text)) {
			m->known_proto = true;
			m->proto = protos[i].proto;
		}
	}
	return 0;
}

static int next_line(struct sdp_lines *lines, struct sdp_line *line, struct sdp_error *error)
{
	int r = sdp_lines_next(lines, line);
	return r < 0 ? refuse(error, line->number, "not a line of the form x=...") : r;
}

/* First pass: all m= lines. */
static int media_list(const char *text, size_t length, struct media *list, size_t *ret_count, struct sdp_error *error)
{
	struct sdp_lines lines;
	struct sdp_line line;
	size_t count = 0;
	int r;

	sdp_lines_init(&lines, text, length);
	r = next_line(&lines, &line, error);
	if (r < 0)
		return r;
	if (r == 0 || line.type != 'v' || !sdp_word_is(line.value, "0"))
		return refuse(error, r ? line.number : 0, "does not begin with v=0");
	while ((r = next_line(&lines, &line, error)) > 0) {
		if (line.type != 'm')
			continue;
		if (count == SDP_MEDIA_MAX) {
			refuse(error, line.number, "too many m= lines");
			return -E2BIG;
		}
		r = media_read(&line, &list[count], error);
		if (r < 0)
			return r;
		count++;
	}
	*ret_count = count;
	return r;
}

/* The first audio line that can carry a call; failing that, the first that was refused. */
static int media_take(const struct media *list, size_t first, size_t count, size_t *ret_index, struct sdp_error *error)
{
	const struct media *refused = NULL, *empty = NULL;

	for (size_t i = first; i < count; i++) {
		const struct media *m = &list[i];
		if (!m->is_audio || !m->known_proto)
			continue;
		if (m->port && m->formats.length) {
			*ret_index = i;
			return 0;
		}
		if (m->port)
			empty = empty ? empty : m;
		else
			refused = refused ? refused : m;
	}
	if (empty)
		return refuse(error, empty->line, "m=: no payload types");
	if (!refused) {
		refuse(error, 0, "no audio stream over RTP");
		return -ENOENT;
	}
	*ret_index = (size_t)(refused - list);
	return 0;
}

/* "IN IP4 203.0.113.20/127": the host, without what belongs to multicast. */
static struct sdp_word net_host(struct sdp_word value)
{
	struct sdp_word net = sdp_word_next(&value), family = sdp_word_next(&value), host = sdp_word_next(&value);

	if (!sdp_word_is(net, "IN") || (!sdp_word_is(family, "IP4") && !sdp_word_is(family, "IP6")))
		return (struct sdp_word){"", 0};
	return sdp_word_until(&host, '/');
}

static bool host_to_addr(struct sdp_word host, uint16_t port, struct addr *ret_addr)
{
	char text[64];
	struct addr a = {0};
	if (!sdp_word_copy(host, text, sizeof(text)) || addr_set(&a, text, port) < 0)
		return false;
	*ret_addr = a;
	return true;
}

/* Ids are meant as numbers of any length: what does not fit is as good as the largest. */
static uint64_t number_saturating(struct sdp_word w)
{
	uint64_t value = 0;
	for (size_t i = 0; i < w.length; i++)
		if (w.at[i] < '0' || w.at[i] > '9')
			return 0;
	return w.length == 0 || sdp_word_number(w, UINT64_MAX, &value) ? value : UINT64_MAX;
}

/* "- 1790000000123 2 IN IP4 127.0.0.1" */
static void origin_read(struct sdp_reader *r, struct sdp_word value)
{
	(void)sdp_word_next(&value);
	r->sdp.origin_id = number_saturating(sdp_word_next(&value));
	r->sdp.origin_version = number_saturating(sdp_word_next(&value));
	(void)host_to_addr(net_host(value), 0, &r->sdp.origin);
}

static void connection_read(struct sdp_reader *r, const struct sdp_line *line, int *level_host_line)
{
	if (*level_host_line)
		return;
	*level_host_line = line->number;
	r->host = net_host(line->value);
	r->host_line = line->number;
}

/* Second pass: session lines, then those below the taken m= line. Lines were checked by the first pass. */
static void body_read(struct sdp_reader *r, const char *text, size_t length, const struct media *taken)
{
	struct sdp_lines lines;
	struct sdp_line line;
	bool in_session = true, have_origin = false;
	int host_line = 0;

	sdp_lines_init(&lines, text, length);
	while (sdp_lines_next(&lines, &line) > 0) {
		if (line.type == 'm') {
			in_session = false;
			r->in_media = line.number == taken->line;
			r->seen = 0;
			r->fingerprint_here = false;
			host_line = 0;
		} else if (!in_session && !r->in_media) {
			continue;
		} else if (line.type == 'o' && in_session && !have_origin) {
			have_origin = true;
			origin_read(r, line.value);
		} else if (line.type == 'c') {
			connection_read(r, &line, &host_line);
		} else if (line.type == 'a') {
			sdp_attr_read(r, line.value);
		}
	}
}

static bool has_dtls(enum sdp_proto proto)
{
	return proto == SDP_UDP_TLS_RTP_SAVP || proto == SDP_UDP_TLS_RTP_SAVPF;
}

/* c= and the port of m= together. Names are not looked up: with ICE the candidates say where, without it there is no
 * call. */
static int rtp_resolve(struct sdp_reader *r, uint16_t port, struct sdp_error *error)
{
	struct addr a = {0};
	bool numeric = host_to_addr(r->host, port, &a);

	if (port == 0) {
		if (numeric && !addr_is_any(&a))
			r->sdp.rtp = a;
		return 0;
	}
	if (!numeric && !has_dtls(r->sdp.proto)) {
		if (r->host_line == 0)
			return refuse(error, r->media_line, "no c= line for the audio stream");
		return refuse(error, r->host_line, "c=: not a numeric IP address");
	}
	if (!numeric)
		(void)addr_set(&a, "0.0.0.0", port);
	r->sdp.rtp = a;
	r->sdp.hold_address = addr_is_any(&a) && !has_dtls(r->sdp.proto);
	return 0;
}

/* a=rtcp:PORT [IN IP4 host] (RFC 3605 s2.1), else the next port (RFC 3550 s11). */
static void rtcp_resolve(struct sdp_reader *r, uint16_t rtp_port)
{
	struct sdp_word value = r->rtcp;
	struct addr a = {0};
	uint64_t port;

	if (r->sdp.rtcp_mux || rtp_port == 0)
		return;
	if (!sdp_word_number(sdp_word_next(&value), UINT16_MAX, &port) || port == 0) {
		port = rtp_port + 1u;
		value.length = 0;
	}
	if (port > UINT16_MAX)
		return;
	if (!host_to_addr(net_host(value), (uint16_t)port, &a) || addr_is_any(&a)) {
		a = r->sdp.rtp;
		addr_set_port(&a, (uint16_t)port);
	}
	if (!addr_is_any(&a))
		r->sdp.rtcp = a;
}

static int finish(struct sdp_reader *r, const struct media *taken, struct sdp_error *error)
{
	int result = rtp_resolve(r, taken->port, error);

	if (result < 0)
		return result;
	rtcp_resolve(r, taken->port);
	if (taken->port == 0)
		return 0;
	sdp_codecs_resolve(r);
	if (r->sdp.codec_count == 0)
		return refuse(error, taken->line, "m=: no payload type with a meaning");
	return 0;
}

static int parse(const char *text, size_t length, size_t first, struct sdp_reader *r, struct sdp_error *error)
{
	struct media list[SDP_MEDIA_MAX];
	size_t count = 0, index = 0;
	int result;

	if (length > SDP_TEXT_MAX) {
		refuse(error, 0, "longer than accepted");
		return -E2BIG;
	}
	if (length && memchr(text, '\0', length))
		return refuse(error, 0, "holds a NUL byte");
	result = media_list(text, length, list, &count, error);
	if (result < 0)
		return result;
	result = media_take(list, first, count, &index, error);
	if (result < 0)
		return result;
	r->sdp.proto = list[index].proto;
	r->sdp.media_count = count;
	r->sdp.media_index = index;
	for (size_t i = 0; i < count; i++)
		if (i != index)
			r->sdp.others[i] = list[i].words;
	r->media_line = list[index].line;
	r->formats = list[index].formats;
	body_read(r, text, length, &list[index]);
	return finish(r, &list[index], error);
}

int sdp_audio_parse_from(
	const char *text, size_t length, size_t first, struct sdp_audio *ret_sdp, struct sdp_error *error)
{
	struct sdp_reader reader = {0};
	struct sdp_error e = {0};
	int r = parse(text, length, first, &reader, &e);

	if (r == 0)
		*ret_sdp = reader.sdp;
	if (error)
		*error = e;
	return r;
}

int sdp_audio_parse(const char *text, size_t length, struct sdp_audio *ret_sdp, struct sdp_error *error)
{
	return sdp_audio_parse_from(text, length, 0, ret_sdp, error);
}
