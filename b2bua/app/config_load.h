/* b2bua/app/config_load.h
 *
 * Shared by config.c and its companions: one load in progress, and how a value is taken from the file.
 */
#ifndef B2BUA_APP_CONFIG_LOAD_H
#define B2BUA_APP_CONFIG_LOAD_H

#include "b2bua/app/config.h"
#include "b2bua/app/config_schema.h"

struct load {
	struct config *c;
	struct conf_errors *errors;
	bool out_of_memory;
};

#define FAULT(ld, key, ...) conf_error((ld)->errors, (ld)->c->file, (key), __VA_ARGS__)

bool load_bool(const bool *value, bool fallback);
/* A value out of its range is a fault; the fallback stands in for it. */
uint32_t load_uint(
	struct load *ld, const char *key, const uint32_t *value, uint32_t fallback, uint32_t min, uint32_t max);
char *load_secret(struct load *ld, const char *key, const char *text); /* NULL: a fault, or no memory */

/* config_tenants.c: first of all; and what holds between tenants, last. */
void load_tenants(struct load *ld, const struct config_file *y);
void check_tenants(struct load *ld, const struct config_file *y);
void free_tenants(struct config *c);
/* Whose it is, "" when there are no tenants, and after a fault. */
const char *load_tenant(struct load *ld, const char *key, const char *text);

/* config_tls.c: of sip; of a gateway, after its uri and proxy. y NULL: it says nothing. */
void load_tls(struct load *ld, const struct sip_tls_yaml *y);
void load_gateway_tls(struct load *ld, size_t i, const struct gateway_tls_yaml *y);

/* config_gateways.c; after sip */
void load_gateways(struct load *ld, const struct config_file *y);
void free_gateways(struct config *c);

/* config_recording.c: recording and media_fork; after media, before the dialplan, which asks it. */
void load_listeners(struct load *ld, const struct config_file *y);
void free_listeners(struct config *c);
int config_check_record(const struct route_record *record, char *why, size_t cap, void *config);
int config_check_fork(const struct route_fork *fork, char *why, size_t cap, void *config);

/* config_out.c: what concerns calls toward WhatsApp, and what is told of calls. After everything else. */
void load_way_out(struct load *ld, const struct config_file *y);
void free_way_out(struct config *c);

#endif
