/* b2bua/app/config.h
 *
 * The configuration file, read, checked and resolved: secrets fetched, addresses parsed, dialplan built. Immutable once
 * loaded. etc/watrunk.yaml documents every key. Errors name file, line and key; all of them are listed.
 */
#ifndef B2BUA_APP_CONFIG_H
#define B2BUA_APP_CONFIG_H

#include "b2bua/app/manners.h"
#include "b2bua/app/preset.h"
#include "b2bua/call/call.h"
#include "b2bua/sip/sip.h"
#include "events/events.h"
#include "lib/base/conf.h"
#include "lib/base/log.h"
#include "media/engine.h"
#include "permission/permission.h"

struct config;

/* Numbers, gateways, rules, SIP users and receivers of events each belong to one of these, and to nobody else. Without
 * any, everything belongs to the tenant "". docs/tenants.md */
struct config_tenant {
	const char *name;
	char **tokens; /* fetched */
	size_t token_count;
	unsigned max_calls; /* 0: as many as come */
	char **transfer_domains;
	size_t transfer_domain_count;
	const struct call_gateway *tel_gateway; /* NULL: the one of the call */
};

struct config_number {
	struct config *config; /* that it is part of */
	const char *tenant;
	const char *phone_number_id;
	char number[24];          /* +E.164 */
	char *token, *app_secret; /* app_secret NULL: the global one */
	size_t secret_index;      /* in webhook.app_secrets: the one that signs for this number */
	bool offer_active;        /* our offers to Meta say setup:active instead of actpass */
	bool enabled, inbound, outbound;
	unsigned accept_window_s, max_calls;
	struct call_settings call; /* the global ones with this number's accept window */
};

enum { CONFIG_GATEWAY_ADDRS_MAX = 8 };
struct config_gateway {                              /* beside its call_gateway, same index */
	struct addr addrs[CONFIG_GATEWAY_ADDRS_MAX]; /* that may send us SIP as this gateway, of hosts given as such; */
	size_t addr_count;                           /* names are the stack's: sip_name_holds() */
	const char *proxy;                           /* NULL none */
	bool inbound;                                /* may it call us by its address alone */
	const char *tenant;
	const char *registered_as;          /* one of sip.users, who registers; NULL: at its uri */
	struct sip_credentials credentials; /* user NULL: none; the password fetched */
	bool do_register;
	const char *contact_user;
	unsigned expires_s, ping_s;
	bool call_when_down;
	unsigned max_calls, calls_per_second; /* 0: as many as come */
	struct sip_dialog_policy dialog;
	struct sip_tls tls; /* of connections toward it; certificate NULL: none */
	enum config_number_format { NUMBERS_AS_THEY_ARE, NUMBERS_E164, NUMBERS_DIGITS } number_format;
	struct manners manners;
};

enum config_announce { ANNOUNCE_NONE, ANNOUNCE_USER, ANNOUNCE_BOTH };

struct config_file; /* as libcyaml loads it: config_schema.h */

struct config {
	char *path;
	struct {
		struct addr listen;
		const char *path;
		char *verify_token;
		char **app_secrets; /* every different one */
		size_t app_secret_count;
	} webhook;
	struct {
		struct addr listen;
		char *token;
	} admin;
	struct {
		const char *base_url, *version;
		unsigned timeout_ms;
	} graph;
	struct config_tenant *tenants;
	size_t tenant_count; /* 0: there is one, "" */
	struct config_number *numbers;
	size_t number_count;
	struct {
		struct {
			enum sip_transport transport;
			struct addr addr;
		} listen[SIP_LISTEN_MAX];
		size_t listen_count;
		struct sip_tls tls; /* certificate NULL: none */
		const char *domain, *public_address, *resolver;
		bool drop_strangers;
		unsigned t1x64_ms;
		struct addr_net *allow;
		size_t allow_count;
		struct sip_user *users;    /* passwords fetched */
		const char **user_tenants; /* same index */
		size_t user_count;
		const char *realm;
		enum sip_digest digest;
		struct sip_registrar registrar;
		struct sip_ban_limits bans;
	} sip;
	struct {
		char **domains; /* borrowed from raw */
		size_t domain_count;
		const struct call_gateway *tel_gateway; /* NULL: the one of the call */
	} transfer;
	struct permission_limits permission;
	struct {
		unsigned context_texts, context_minutes; /* texts 0: off */
	} messages;
	struct events_receiver *events; /* secrets fetched */
	size_t event_count;
	char events_source[280];
	struct media_engine_conf media; /* without on_event, arg */
	bool keep_greeting;
	struct call_gateway *gateways;
	struct config_gateway *gateway_sources;
	char *registered_uri; /* of gateways that register: ours */
	size_t gateway_count;
	struct presets presets; /* what gateways took from them */
	struct dialplan *dialplan;
	struct {
		const char *url;
		bool keep_sdp;
	} store;
	struct {
		const char *directory; /* NULL: nothing can be recorded */
		const char *path;      /* template: media/tap/record_path.h */
		bool opus;             /* else WAV */
		enum config_announce announce;
		uint64_t max_ms, max_bytes; /* bytes 0: none */
	} recording;
	struct {
		struct addr_net *allow; /* where copies may go */
		size_t allow_count;
	} media_fork;
	struct {
		enum log_level level;
		enum log_format format;
	} log;
	unsigned refs; /* a reload replaces it, calls and requests made under it hold it: config_hold() */
	/* owned: */
	struct conf_file *file;
	struct config_file *raw;
};

/* Returns 0, -EBADMSG (errors filled in) or -ENOMEM. Reads secrets from the environment and files: at start, or on a
 * thread of its own. */
int config_load(const char *path, struct config **ret_config, struct conf_errors *errors);
struct config *config_hold(struct config *c); /* one more owner; each calls config_free(). Control thread only */
struct config *config_free(struct config *c); /* the last owner's wipes secrets; accepts NULL; returns NULL */

/* ADDRESS:PORT that copies of calls may go to. Returns 0, -EINVAL (no such thing) or -EPERM (not in the allow list). */
int config_fork_addr(const struct config *c, const char *text, struct addr *ret_addr);
bool config_announce_parse(const char *word, enum config_announce *ret); /* "none", "user", "both" */

/* The same number of Meta's, perhaps of two configurations. */
bool config_same_number(const struct config_number *a, const struct config_number *b);
const struct call_gateway *config_gateway_by_name(const struct config *c, const char *name);
/* Is this an address of the gateway at that place? names: NULL, or knows the addresses of names now. */
bool config_gateway_has(const struct config *c, size_t i, const struct sip_stack *names, const struct addr *addr);
/* The one that may call us from there; NULL: none, or two tenants have it. */
const struct call_gateway *config_gateway_by_source(
	const struct config *c, const struct sip_stack *names, const struct addr *source);
/* Is there an entry of sip.listen with this transport, for requests to leave from? */
bool config_has_listener(const struct config *c, enum sip_transport transport);
/* The URI that requests to it are sent to: its proxy's or its own; "": where it registered. */
const char *config_gateway_place(const struct config *c, const struct call_gateway *gateway);
/* What the file says of it beside; NULL: not one of the file's. */
const struct config_gateway *config_gateway_of(const struct config *c, const struct call_gateway *gateway);
/* What holds for TLS connections toward it; NULL: no TLS, or it is none of them. */
const struct sip_tls *config_gateway_tls(const struct config *c, const struct call_gateway *gateway);
/* How dialogs with it live; gateway NULL: who is none of them. */
const struct sip_dialog_policy *config_dialog_policy(const struct config *c, const struct call_gateway *gateway);
/* NULL: no such tenant, or there are none. */
const struct config_tenant *config_tenant_by_name(const struct config *c, const char *name);
/* As the functions above and below, but what is another tenant's is not there. */
const struct call_gateway *config_gateway_of_tenant(const struct config *c, const char *tenant, const char *name);
const struct config_number *config_number_of_tenant(const struct config *c, const char *tenant, const char *e164);
/* NULL: none, or several. */
const struct call_gateway *config_only_gateway(const struct config *c, const char *tenant);
const struct config_number *config_only_number(const struct config *c, const char *tenant);
const char *config_tenant_of_gateway(
	const struct config *c, const struct call_gateway *gateway);             /* "": not the file's */
const char *config_tenant_of_user(const struct config *c, const char *sip_user); /* "": no such user */
const struct config_number *config_number_by_id(const struct config *c, const char *phone_number_id);
const struct config_number *config_number_by_number(const struct config *c, const char *e164);

#endif
