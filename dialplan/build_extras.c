/* dialplan/build_extras.c -- what a rule wants beside its actions: the call recorded, or copied somewhere */
#include "dialplan/build.h"

#include <string.h>

static const char *word(struct build *b, const char *key, const char *text, const char *const *words)
{
	if (!text)
		return "";
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return *words;
	build_error(b, key, "unknown word \"%.40s\"", text);
	return "";
}

static const struct route_record *build_record(struct build *b, const struct dialplan_record_conf *conf)
{
	static const char *const formats[] = {"wav", "opus", NULL}, *const announce[] = {"none", "user", "both", NULL};
	struct route_record *record = build_alloc(b, sizeof(*record));
	char why[BUILD_WHY_MAX] = "";

	if (!record)
		return NULL;
	record->path = build_copy(b, conf->path ? conf->path : "");
	record->format = word(b, "format", conf->format, formats);
	record->announce = word(b, "announce", conf->announce, announce);
	if (record->path && b->names->check_record && b->names->check_record(record, why, sizeof(why), b->names->arg))
		build_error(b, "", "%s", why);
	return record;
}

static const struct route_fork *build_fork(struct build *b, const struct dialplan_fork_conf *conf)
{
	static const char *const formats[] = {"pcmu", "l16", NULL}, *const sides[] = {"both", "user", "agent", NULL};
	struct route_fork *fork = build_alloc(b, sizeof(*fork));
	char why[BUILD_WHY_MAX] = "";

	if (!fork)
		return NULL;
	fork->to = build_copy(b, conf->to ? conf->to : "");
	fork->directions = word(b, "directions", conf->directions, sides);
	fork->format = word(b, "format", conf->format, formats);
	if (fork->to && b->names->check_fork && b->names->check_fork(fork, why, sizeof(why), b->names->arg))
		build_error(b, "to", "%s", why);
	return fork;
}

void build_extras(struct build *b, size_t index, const struct dialplan_rule_conf *conf, struct rule *rule)
{
	bool call = rule->direction == CALL_INBOUND || rule->direction == CALL_OUTBOUND;

	build_at(b, "dialplan[%zu]", index);
	if (!call && (conf->record || conf->fork)) {
		build_error(b, conf->record ? "record" : "fork", "only where calls are routed: inbound or outbound");
		return;
	}
	if (conf->record) {
		build_at(b, "dialplan[%zu].record", index);
		rule->extras.record = build_record(b, conf->record);
	}
	if (conf->fork) {
		build_at(b, "dialplan[%zu].fork", index);
		rule->extras.fork = build_fork(b, conf->fork);
	}
}
