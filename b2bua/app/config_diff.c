/* b2bua/app/config_diff.c */
#include "b2bua/app/config_diff.h"

#include "lib/base/str.h"

static bool same_text(const char *a, const char *b)
{
	return a && b ? str_equal(a, b) : a == b;
}

static bool same_addr(const struct addr *a, const struct addr *b)
{
	return addr_equal_host(a, b) && addr_port(a) == addr_port(b);
}

static bool same_webhook(const struct config *a, const struct config *b)
{
	return same_addr(&a->webhook.listen, &b->webhook.listen) && same_text(a->webhook.path, b->webhook.path) &&
	       same_text(a->webhook.verify_token, b->webhook.verify_token);
}

static bool same_admin(const struct config *a, const struct config *b)
{
	return same_addr(&a->admin.listen, &b->admin.listen) && same_text(a->admin.token, b->admin.token);
}

static bool same_graph(const struct config *a, const struct config *b)
{
	return same_text(a->graph.base_url, b->graph.base_url) && same_text(a->graph.version, b->graph.version) &&
	       a->graph.timeout_ms == b->graph.timeout_ms;
}

static bool same_listen(const struct config *a, const struct config *b)
{
	if (a->sip.listen_count != b->sip.listen_count)
		return false;
	for (size_t i = 0; i < a->sip.listen_count; i++)
		if (a->sip.listen[i].transport != b->sip.listen[i].transport ||
			!same_addr(&a->sip.listen[i].addr, &b->sip.listen[i].addr))
			return false;
	return true;
}

static bool same_names(const struct config *a, const struct config *b)
{
	return same_text(a->sip.domain, b->sip.domain) && same_text(a->sip.public_address, b->sip.public_address) &&
	       same_text(a->sip.realm, b->sip.realm) && a->sip.digest == b->sip.digest;
}

static bool same_stack(const struct config *a, const struct config *b)
{
	return same_text(a->sip.resolver, b->sip.resolver) && a->sip.drop_strangers == b->sip.drop_strangers &&
	       a->sip.t1x64_ms == b->sip.t1x64_ms;
}

static bool same_sockets(const struct media_engine_conf *a, const struct media_engine_conf *b)
{
	return addr_equal_host(&a->bind, &b->bind) && addr_equal_host(&a->public_addr, &b->public_addr) &&
	       a->wa_port_min == b->wa_port_min && a->wa_port_max == b->wa_port_max &&
	       a->sip_port_min == b->sip_port_min && a->sip_port_max == b->sip_port_max && a->workers == b->workers &&
	       a->max_sessions == b->max_sessions;
}

static bool same_sound(const struct media_engine_conf *a, const struct media_engine_conf *b)
{
	return a->jbuf_min_ms == b->jbuf_min_ms && a->jbuf_max_ms == b->jbuf_max_ms &&
	       a->opus_bitrate == b->opus_bitrate && a->opus_complexity == b->opus_complexity &&
	       a->opus_complexity_max == b->opus_complexity_max && a->opus_loss_percent == b->opus_loss_percent &&
	       a->ice_timeout_ms == b->ice_timeout_ms && a->wa_silence_timeout_ms == b->wa_silence_timeout_ms &&
	       a->sip_silence_timeout_ms == b->sip_silence_timeout_ms && same_text(a->music_path, b->music_path) &&
	       same_text(a->tone_country, b->tone_country);
}

static bool same_media(const struct config *a, const struct config *b)
{
	return same_sockets(&a->media, &b->media) && same_sound(&a->media, &b->media);
}

static bool same_announcement(const struct config *a, const struct config *b)
{
	return same_text(a->media.announcement_path, b->media.announcement_path);
}

static bool same_receiver(const struct events_receiver *a, const struct events_receiver *b)
{
	if (!same_text(a->name, b->name) || !same_text(a->tenant, b->tenant) || !same_text(a->url, b->url) ||
		!same_text(a->secret, b->secret) || a->type_count != b->type_count)
		return false;
	for (size_t i = 0; i < a->type_count; i++)
		if (!same_text(a->types[i], b->types[i]))
			return false;
	return true;
}

static bool same_events(const struct config *a, const struct config *b)
{
	if (a->event_count != b->event_count)
		return false;
	for (size_t i = 0; i < a->event_count; i++)
		if (!same_receiver(&a->events[i], &b->events[i]))
			return false;
	return true;
}

static bool same_store(const struct config *a, const struct config *b)
{
	return same_text(a->store.url, b->store.url);
}

static bool same_log(const struct config *a, const struct config *b)
{
	return a->log.level == b->log.level && a->log.format == b->log.format;
}

size_t config_fixed_changes(const struct config *boot, const struct config *fresh, const char *ret[CONFIG_FIXED_MAX])
{
	static const struct {
		const char *name;
		bool (*same)(const struct config *, const struct config *);
	} parts[] = {
		{"webhook", same_webhook},
		{"admin", same_admin},
		{"graph", same_graph},
		{"sip.listen", same_listen},
		{"sip.domain, public_address, realm, digest", same_names},
		{"sip.resolver, drop_strangers, t1x64_ms", same_stack},
		{"media", same_media},
		{"recording.announcement", same_announcement},
		{"events", same_events},
		{"store.url", same_store},
		{"log", same_log},
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!parts[i].same(boot, fresh))
			ret[n++] = parts[i].name;
	return n;
}
