/* b2bua/app/config_schema.h
 *
 * The file as libcyaml loads it, key for key. config.c turns it into struct config.
 */
#ifndef B2BUA_APP_CONFIG_SCHEMA_H
#define B2BUA_APP_CONFIG_SCHEMA_H

#include "dialplan/dialplan_conf.h"

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stdint.h>

struct webhook_yaml {
	char *listen, *path, *verify_token, *app_secret;
};
struct admin_yaml {
	char *listen, *token;
};
struct graph_yaml {
	char *base_url, *version;
	uint32_t *timeout_ms;
};
struct number_yaml {
	char *phone_number_id, *number, *token, *app_secret, *offer_setup;
	bool *enabled, *inbound, *outbound;
	uint32_t *accept_window, *max_calls;
	char *tenant;
};
struct sip_user_yaml {
	char *name, *password, *tenant;
	bool *may_register;
};
struct sip_registrar_yaml {
	uint32_t *min_expires, *max_expires, *max_contacts;
};
struct sip_bans_yaml {
	uint32_t *failures, *window, *ban;
};
struct sip_tls_yaml {
	char *certificate, *key, *ca, *min_version;
	bool *verify;
};
struct sip_yaml {
	struct sip_tls_yaml *tls;
	struct sip_registrar_yaml *registrar;
	struct sip_bans_yaml *bans;
	char **listen, **allow;
	unsigned listen_count, allow_count, users_count;
	struct sip_user_yaml *users;
	char *domain, *public_address, *realm, *digest, *resolver;
	bool *drop_strangers;
	uint32_t *t1x64_ms;
};
struct media_yaml {
	char *public_address, *bind_address, *webrtc_ports, *rtp_ports, *music, *ringback, *opus_complexity;
	uint32_t *workers, *max_calls, *jitter_min_ms, *jitter_max_ms, *opus_bitrate, *opus_complexity_max,
		*expected_loss_percent;
	bool *keep_greeting;
	uint32_t *ice_timeout, *wa_silence_timeout, *sip_silence_timeout; /* seconds */
};
struct gateway_headers_yaml { /* in the order of enum manners_fact */
	char *call_id, *number_id, *user, *user_id, *name, *payload, *tenant;
};
struct gateway_caller_yaml {
	char *from, *name, *domain;
	bool *pai;
};
struct gateway_tls_yaml {
	char *certificate, *key, *ca, *min_version, *server_name;
	bool *verify;
};
struct gateway_yaml {
	char *preset, *host, *account, *dtmf;
	uint32_t *ring_timeout;
	struct gateway_headers_yaml *headers;
	struct gateway_caller_yaml *caller;
	struct gateway_tls_yaml *tls;
	char *name, *uri, *proxy, *registered_as, *user, *password, *realm, *contact_user, *number_format;
	bool *do_register, *call_when_down;
	uint32_t *expires, *ping, *max_calls, *calls_per_second;
	char **codecs;
	unsigned codecs_count;
	uint32_t *ptime_ms;
	bool *inbound;
	char *srtp, *tenant;
	uint32_t *session_expires, *min_se;
	char *refresher, *refresh_method, *rel100;
};
struct transfer_yaml {
	char **domains;
	unsigned domains_count;
	char *tel_gateway;
	uint32_t *ring_timeout;
};
struct permission_yaml {
	uint32_t *requests_per_day, *requests_per_week, *calls_per_day, *unanswered, *fresh;
};
struct messages_yaml {
	uint32_t *context_texts, *context_minutes;
};
struct event_receiver_yaml {
	char *name, *url, *secret, *tenant;
	char **types;
	unsigned types_count;
};
struct store_yaml {
	char *url;
	bool *keep_sdp;
};
struct recording_yaml {
	char *directory, *path, *format, *announcement, *announce;
	uint32_t *max_minutes, *max_megabytes;
};
struct media_fork_yaml {
	char **allow;
	unsigned allow_count;
};
struct log_yaml {
	char *level, *format;
};
struct call_yaml {
	bool *pre_accept;
	uint32_t *ring_timeout, *media_wait_ms;
};

struct tenant_yaml {
	char *name, *tel_gateway;
	char **tokens, **transfer_domains;
	unsigned tokens_count, transfer_domains_count;
	uint32_t *max_calls;
};

struct config_file {
	struct tenant_yaml *tenants;
	unsigned tenants_count;
	struct webhook_yaml webhook;
	struct admin_yaml admin;
	struct graph_yaml *graph;
	struct number_yaml *numbers;
	unsigned numbers_count;
	struct sip_yaml sip;
	struct media_yaml media;
	struct gateway_yaml *gateways;
	unsigned gateways_count;
	struct dialplan_rule_conf *dialplan;
	unsigned dialplan_count;
	struct store_yaml store;
	struct recording_yaml *recording;
	struct media_fork_yaml *media_fork;
	struct log_yaml *log;
	struct call_yaml *call;
	struct transfer_yaml *transfer;
	struct permission_yaml *permission;
	struct messages_yaml *messages;
	struct event_receiver_yaml *events;
	unsigned events_count;
};

extern const cyaml_schema_value_t config_file_schema;
/* Of one gateway; presets have the same keys. All but "name" are optional pointers. */
extern const cyaml_schema_field_t *const config_gateway_fields;

#endif
