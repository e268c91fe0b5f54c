/* b2bua/app/config_schema.c
 *
 * libcyaml's description of etc/watrunk.yaml. Optional scalars are pointers, so that "absent" and "zero" stay apart.
 */
#include "b2bua/app/config_schema.h"

#define OPTIONAL                         (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(key, type, member)          CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 0, CYAML_UNLIMITED)
#define TEXT_OPTIONAL(key, type, member) CYAML_FIELD_STRING_PTR(key, OPTIONAL, type, member, 0, CYAML_UNLIMITED)
#define UINT_OPTIONAL(key, type, member) CYAML_FIELD_UINT_PTR(key, OPTIONAL, type, member)
#define BOOL_OPTIONAL(key, type, member) CYAML_FIELD_BOOL_PTR(key, OPTIONAL, type, member)

static const cyaml_schema_value_t text_value = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t webhook_fields[] = {
	TEXT("listen", struct webhook_yaml, listen),
	TEXT_OPTIONAL("path", struct webhook_yaml, path),
	TEXT("verify_token", struct webhook_yaml, verify_token),
	TEXT("app_secret", struct webhook_yaml, app_secret),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t admin_fields[] = {
	TEXT("listen", struct admin_yaml, listen),
	TEXT("token", struct admin_yaml, token),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t graph_fields[] = {
	TEXT_OPTIONAL("base_url", struct graph_yaml, base_url),
	TEXT_OPTIONAL("version", struct graph_yaml, version),
	UINT_OPTIONAL("timeout_ms", struct graph_yaml, timeout_ms),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t tenant_fields[] = {
	TEXT("name", struct tenant_yaml, name),
	CYAML_FIELD_SEQUENCE("tokens", OPTIONAL, struct tenant_yaml, tokens, &text_value, 0, 16),
	UINT_OPTIONAL("max_calls", struct tenant_yaml, max_calls),
	CYAML_FIELD_SEQUENCE("transfer_domains", OPTIONAL, struct tenant_yaml, transfer_domains, &text_value, 0, 256),
	TEXT_OPTIONAL("tel_gateway", struct tenant_yaml, tel_gateway),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t tenant_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct tenant_yaml, tenant_fields)};

static const cyaml_schema_field_t number_fields[] = {
	TEXT("phone_number_id", struct number_yaml, phone_number_id),
	TEXT("number", struct number_yaml, number),
	TEXT("token", struct number_yaml, token),
	TEXT_OPTIONAL("app_secret", struct number_yaml, app_secret),
	TEXT_OPTIONAL("offer_setup", struct number_yaml, offer_setup),
	BOOL_OPTIONAL("enabled", struct number_yaml, enabled),
	BOOL_OPTIONAL("inbound", struct number_yaml, inbound),
	BOOL_OPTIONAL("outbound", struct number_yaml, outbound),
	UINT_OPTIONAL("accept_window", struct number_yaml, accept_window),
	UINT_OPTIONAL("max_calls", struct number_yaml, max_calls),
	TEXT_OPTIONAL("tenant", struct number_yaml, tenant),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t number_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct number_yaml, number_fields)};

static const cyaml_schema_field_t sip_user_fields[] = {
	TEXT("name", struct sip_user_yaml, name),
	TEXT("password", struct sip_user_yaml, password),
	TEXT_OPTIONAL("tenant", struct sip_user_yaml, tenant),
	BOOL_OPTIONAL("register", struct sip_user_yaml, may_register),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t sip_user_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct sip_user_yaml, sip_user_fields)};

static const cyaml_schema_field_t sip_registrar_fields[] = {
	UINT_OPTIONAL("min_expires", struct sip_registrar_yaml, min_expires),
	UINT_OPTIONAL("max_expires", struct sip_registrar_yaml, max_expires),
	UINT_OPTIONAL("max_contacts", struct sip_registrar_yaml, max_contacts),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t sip_bans_fields[] = {
	UINT_OPTIONAL("failures", struct sip_bans_yaml, failures),
	UINT_OPTIONAL("window", struct sip_bans_yaml, window),
	UINT_OPTIONAL("ban", struct sip_bans_yaml, ban),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t sip_tls_fields[] = {
	TEXT("certificate", struct sip_tls_yaml, certificate),
	TEXT("key", struct sip_tls_yaml, key),
	TEXT_OPTIONAL("ca", struct sip_tls_yaml, ca),
	BOOL_OPTIONAL("verify", struct sip_tls_yaml, verify),
	TEXT_OPTIONAL("min_version", struct sip_tls_yaml, min_version),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t sip_fields[] = {
	CYAML_FIELD_MAPPING_PTR("tls", OPTIONAL, struct sip_yaml, tls, sip_tls_fields),
	CYAML_FIELD_MAPPING_PTR("registrar", OPTIONAL, struct sip_yaml, registrar, sip_registrar_fields),
	CYAML_FIELD_MAPPING_PTR("bans", OPTIONAL, struct sip_yaml, bans, sip_bans_fields),
	CYAML_FIELD_SEQUENCE("listen", CYAML_FLAG_POINTER, struct sip_yaml, listen, &text_value, 1, 8),
	TEXT("domain", struct sip_yaml, domain),
	TEXT_OPTIONAL("public_address", struct sip_yaml, public_address),
	CYAML_FIELD_SEQUENCE("allow", OPTIONAL, struct sip_yaml, allow, &text_value, 0, 256),
	CYAML_FIELD_SEQUENCE("users", OPTIONAL, struct sip_yaml, users, &sip_user_value, 0, 10000),
	TEXT_OPTIONAL("realm", struct sip_yaml, realm),
	TEXT_OPTIONAL("resolver", struct sip_yaml, resolver),
	TEXT_OPTIONAL("digest", struct sip_yaml, digest),
	BOOL_OPTIONAL("drop_strangers", struct sip_yaml, drop_strangers),
	UINT_OPTIONAL("t1x64_ms", struct sip_yaml, t1x64_ms),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t media_fields[] = {
	TEXT("public_address", struct media_yaml, public_address),
	TEXT_OPTIONAL("bind_address", struct media_yaml, bind_address),
	TEXT_OPTIONAL("webrtc_ports", struct media_yaml, webrtc_ports),
	TEXT_OPTIONAL("rtp_ports", struct media_yaml, rtp_ports),
	TEXT_OPTIONAL("music", struct media_yaml, music),
	TEXT_OPTIONAL("ringback", struct media_yaml, ringback),
	UINT_OPTIONAL("workers", struct media_yaml, workers),
	UINT_OPTIONAL("max_calls", struct media_yaml, max_calls),
	UINT_OPTIONAL("jitter_min_ms", struct media_yaml, jitter_min_ms),
	UINT_OPTIONAL("jitter_max_ms", struct media_yaml, jitter_max_ms),
	UINT_OPTIONAL("opus_bitrate", struct media_yaml, opus_bitrate),
	TEXT_OPTIONAL("opus_complexity", struct media_yaml, opus_complexity),
	UINT_OPTIONAL("opus_complexity_max", struct media_yaml, opus_complexity_max),
	UINT_OPTIONAL("expected_loss_percent", struct media_yaml, expected_loss_percent),
	BOOL_OPTIONAL("keep_greeting", struct media_yaml, keep_greeting),
	UINT_OPTIONAL("ice_timeout", struct media_yaml, ice_timeout),
	UINT_OPTIONAL("wa_silence_timeout", struct media_yaml, wa_silence_timeout),
	UINT_OPTIONAL("sip_silence_timeout", struct media_yaml, sip_silence_timeout),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t gateway_headers_fields[] = {
	TEXT_OPTIONAL("call_id", struct gateway_headers_yaml, call_id),
	TEXT_OPTIONAL("number_id", struct gateway_headers_yaml, number_id),
	TEXT_OPTIONAL("user", struct gateway_headers_yaml, user),
	TEXT_OPTIONAL("user_id", struct gateway_headers_yaml, user_id),
	TEXT_OPTIONAL("name", struct gateway_headers_yaml, name),
	TEXT_OPTIONAL("payload", struct gateway_headers_yaml, payload),
	TEXT_OPTIONAL("tenant", struct gateway_headers_yaml, tenant),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t gateway_caller_fields[] = {
	TEXT_OPTIONAL("from", struct gateway_caller_yaml, from),
	TEXT_OPTIONAL("name", struct gateway_caller_yaml, name),
	TEXT_OPTIONAL("domain", struct gateway_caller_yaml, domain),
	BOOL_OPTIONAL("pai", struct gateway_caller_yaml, pai),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t gateway_tls_fields[] = {
	TEXT_OPTIONAL("certificate", struct gateway_tls_yaml, certificate),
	TEXT_OPTIONAL("key", struct gateway_tls_yaml, key),
	TEXT_OPTIONAL("ca", struct gateway_tls_yaml, ca),
	BOOL_OPTIONAL("verify", struct gateway_tls_yaml, verify),
	TEXT_OPTIONAL("min_version", struct gateway_tls_yaml, min_version),
	TEXT_OPTIONAL("server_name", struct gateway_tls_yaml, server_name),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t gateway_fields[] = {
	TEXT("name", struct gateway_yaml, name),
	TEXT_OPTIONAL("preset", struct gateway_yaml, preset),
	TEXT_OPTIONAL("uri", struct gateway_yaml, uri),
	TEXT_OPTIONAL("host", struct gateway_yaml, host),
	TEXT_OPTIONAL("account", struct gateway_yaml, account),
	TEXT_OPTIONAL("dtmf", struct gateway_yaml, dtmf),
	UINT_OPTIONAL("ring_timeout", struct gateway_yaml, ring_timeout),
	CYAML_FIELD_MAPPING_PTR("headers", OPTIONAL, struct gateway_yaml, headers, gateway_headers_fields),
	CYAML_FIELD_MAPPING_PTR("caller", OPTIONAL, struct gateway_yaml, caller, gateway_caller_fields),
	CYAML_FIELD_MAPPING_PTR("tls", OPTIONAL, struct gateway_yaml, tls, gateway_tls_fields),
	TEXT_OPTIONAL("registered_as", struct gateway_yaml, registered_as),
	CYAML_FIELD_SEQUENCE("codecs", OPTIONAL, struct gateway_yaml, codecs, &text_value, 1, 4),
	UINT_OPTIONAL("ptime_ms", struct gateway_yaml, ptime_ms),
	BOOL_OPTIONAL("inbound", struct gateway_yaml, inbound),
	TEXT_OPTIONAL("user", struct gateway_yaml, user),
	TEXT_OPTIONAL("password", struct gateway_yaml, password),
	TEXT_OPTIONAL("realm", struct gateway_yaml, realm),
	TEXT_OPTIONAL("proxy", struct gateway_yaml, proxy),
	TEXT_OPTIONAL("srtp", struct gateway_yaml, srtp),
	UINT_OPTIONAL("session_expires", struct gateway_yaml, session_expires),
	UINT_OPTIONAL("min_se", struct gateway_yaml, min_se),
	TEXT_OPTIONAL("refresher", struct gateway_yaml, refresher),
	TEXT_OPTIONAL("refresh_method", struct gateway_yaml, refresh_method),
	TEXT_OPTIONAL("rel100", struct gateway_yaml, rel100),
	BOOL_OPTIONAL("register", struct gateway_yaml, do_register),
	UINT_OPTIONAL("expires", struct gateway_yaml, expires),
	TEXT_OPTIONAL("contact_user", struct gateway_yaml, contact_user),
	UINT_OPTIONAL("ping", struct gateway_yaml, ping),
	BOOL_OPTIONAL("call_when_down", struct gateway_yaml, call_when_down),
	UINT_OPTIONAL("max_calls", struct gateway_yaml, max_calls),
	UINT_OPTIONAL("calls_per_second", struct gateway_yaml, calls_per_second),
	TEXT_OPTIONAL("number_format", struct gateway_yaml, number_format),
	TEXT_OPTIONAL("tenant", struct gateway_yaml, tenant),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t gateway_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct gateway_yaml, gateway_fields)};

static const cyaml_schema_field_t store_fields[] = {
	TEXT("url", struct store_yaml, url),
	BOOL_OPTIONAL("keep_sdp", struct store_yaml, keep_sdp),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t recording_fields[] = {
	TEXT("directory", struct recording_yaml, directory),
	TEXT_OPTIONAL("path", struct recording_yaml, path),
	TEXT_OPTIONAL("format", struct recording_yaml, format),
	TEXT_OPTIONAL("announcement", struct recording_yaml, announcement),
	TEXT_OPTIONAL("announce", struct recording_yaml, announce),
	UINT_OPTIONAL("max_minutes", struct recording_yaml, max_minutes),
	UINT_OPTIONAL("max_megabytes", struct recording_yaml, max_megabytes),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t media_fork_fields[] = {
	CYAML_FIELD_SEQUENCE("allow", CYAML_FLAG_POINTER, struct media_fork_yaml, allow, &text_value, 1, 64),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t log_fields[] = {
	TEXT_OPTIONAL("level", struct log_yaml, level),
	TEXT_OPTIONAL("format", struct log_yaml, format),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t call_fields[] = {
	BOOL_OPTIONAL("pre_accept", struct call_yaml, pre_accept),
	UINT_OPTIONAL("ring_timeout", struct call_yaml, ring_timeout),
	UINT_OPTIONAL("media_wait_ms", struct call_yaml, media_wait_ms),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t transfer_fields[] = {
	CYAML_FIELD_SEQUENCE("domains", OPTIONAL, struct transfer_yaml, domains, &text_value, 0, 256),
	TEXT_OPTIONAL("tel_gateway", struct transfer_yaml, tel_gateway),
	UINT_OPTIONAL("ring_timeout", struct transfer_yaml, ring_timeout),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t permission_fields[] = {
	UINT_OPTIONAL("requests_per_day", struct permission_yaml, requests_per_day),
	UINT_OPTIONAL("requests_per_week", struct permission_yaml, requests_per_week),
	UINT_OPTIONAL("calls_per_day", struct permission_yaml, calls_per_day),
	UINT_OPTIONAL("unanswered", struct permission_yaml, unanswered),
	UINT_OPTIONAL("fresh", struct permission_yaml, fresh),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t messages_fields[] = {
	UINT_OPTIONAL("context_texts", struct messages_yaml, context_texts),
	UINT_OPTIONAL("context_minutes", struct messages_yaml, context_minutes),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t event_receiver_fields[] = {
	TEXT("name", struct event_receiver_yaml, name),
	TEXT("url", struct event_receiver_yaml, url),
	TEXT_OPTIONAL("secret", struct event_receiver_yaml, secret),
	TEXT_OPTIONAL("tenant", struct event_receiver_yaml, tenant),
	CYAML_FIELD_SEQUENCE("types", OPTIONAL, struct event_receiver_yaml, types, &text_value, 0, 64),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t event_receiver_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct event_receiver_yaml, event_receiver_fields)};

static const cyaml_schema_field_t file_fields[] = {
	CYAML_FIELD_SEQUENCE("tenants", OPTIONAL, struct config_file, tenants, &tenant_value, 0, 1000),
	CYAML_FIELD_MAPPING("webhook", CYAML_FLAG_DEFAULT, struct config_file, webhook, webhook_fields),
	CYAML_FIELD_MAPPING("admin", CYAML_FLAG_DEFAULT, struct config_file, admin, admin_fields),
	CYAML_FIELD_MAPPING_PTR("graph", OPTIONAL, struct config_file, graph, graph_fields),
	CYAML_FIELD_SEQUENCE(
		"numbers", CYAML_FLAG_POINTER, struct config_file, numbers, &number_value, 1, CYAML_UNLIMITED),
	CYAML_FIELD_MAPPING("sip", CYAML_FLAG_DEFAULT, struct config_file, sip, sip_fields),
	CYAML_FIELD_MAPPING("media", CYAML_FLAG_DEFAULT, struct config_file, media, media_fields),
	CYAML_FIELD_SEQUENCE(
		"gateways", CYAML_FLAG_POINTER, struct config_file, gateways, &gateway_value, 1, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE("dialplan", CYAML_FLAG_POINTER, struct config_file, dialplan, &dialplan_rule_schema, 1,
		CYAML_UNLIMITED),
	CYAML_FIELD_MAPPING("store", CYAML_FLAG_DEFAULT, struct config_file, store, store_fields),
	CYAML_FIELD_MAPPING_PTR("recording", OPTIONAL, struct config_file, recording, recording_fields),
	CYAML_FIELD_MAPPING_PTR("media_fork", OPTIONAL, struct config_file, media_fork, media_fork_fields),
	CYAML_FIELD_MAPPING_PTR("log", OPTIONAL, struct config_file, log, log_fields),
	CYAML_FIELD_MAPPING_PTR("call", OPTIONAL, struct config_file, call, call_fields),
	CYAML_FIELD_MAPPING_PTR("transfer", OPTIONAL, struct config_file, transfer, transfer_fields),
	CYAML_FIELD_MAPPING_PTR("permission", OPTIONAL, struct config_file, permission, permission_fields),
	CYAML_FIELD_MAPPING_PTR("messages", OPTIONAL, struct config_file, messages, messages_fields),
	CYAML_FIELD_SEQUENCE("events", OPTIONAL, struct config_file, events, &event_receiver_value, 0, 16),
	CYAML_FIELD_END,
};

const cyaml_schema_value_t config_file_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config_file, file_fields)};
const cyaml_schema_field_t *const config_gateway_fields = gateway_fields;
