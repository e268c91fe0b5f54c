/* tests/unit/admin/api_shell.c -- see api_shell.h */
#include "tests/unit/admin/api_shell.h"

#include "lib/base/assert.h"
#include "lib/base/str.h"

#include <string.h>

struct api_shell shell;
static struct strbuf sb;

void shell_reset(void)
{
	memset(&shell, 0, sizeof(shell));
}

static void begin(const char *what, void *arg)
{
	ASSERT(arg == &shell);
	shell.count++;
	strbuf_init(&sb, shell.asked, sizeof(shell.asked));
	strbuf_put(&sb, what);
}

static void put(const char *name, const char *value)
{
	if (*value)
		strbuf_printf(&sb, " %s=%s", name, value);
}

static void put_party(const struct api_party *p)
{
	put("number", p->number);
	put("user_number", p->user_number);
	put("user_id", p->user_id);
}

static void put_target(const struct api_target *t)
{
	put("gateway", t->gateway);
	put("user", t->user);
	put("uri", t->uri);
}

static void put_template(const struct api_template *t)
{
	put("template", t->name);
	put("language", t->language);
	for (size_t i = 0; i < t->parameter_count; i++)
		put("parameter", t->parameters[i]);
}

/* True: answered, or held. */
static bool refused_or_held(struct api_reply *reply)
{
	put("tenant", api_tenant(reply));
	if (shell.fault) {
		api_refuse(reply, shell.fault);
		return true;
	}
	if (shell.later) {
		ASSERT(shell.held_count < SHELL_HELD_MAX);
		shell.held[shell.held_count++] = reply;
	}
	return shell.later;
}

static void done(struct api_reply *reply)
{
	if (!refused_or_held(reply))
		api_done(reply);
}

static void originate(const struct api_originate *o, struct api_reply *reply, void *arg)
{
	begin("originate", arg);
	put_party(&o->party);
	put_target(&o->target);
	strbuf_printf(&sb, " %s ring=%u/%u park=%u%s", o->user_first ? "user_first" : "agent_first", o->ring_s,
		o->agent_ring_s, o->park_s, o->request_permission ? " request" : "");
	put("caller_id", o->caller_id);
	put("display_name", o->display_name);
	put("payload", o->payload);
	put("request_text", o->request_text);
	put_template(&o->request_template);
	for (size_t i = 0; i < o->header_count; i++)
		strbuf_printf(&sb, " %s: %s", o->headers[i].name, o->headers[i].value);
	if (!refused_or_held(reply))
		api_done_originate(reply, "c-new", "dialing", 0);
}

static void transfer(const char *id, const struct api_target *target, struct api_reply *reply, void *arg)
{
	begin("transfer", arg);
	put("id", id);
	put_target(target);
	done(reply);
}

static void hold(const char *id, bool on, struct api_reply *reply, void *arg)
{
	begin("hold", arg);
	put("id", id);
	put("on", on ? "yes" : "no");
	done(reply);
}

static void mute(const char *id, enum api_side side, bool on, struct api_reply *reply, void *arg)
{
	begin("mute", arg);
	put("id", id);
	put("side", side == API_SIDE_SIP ? "sip" : "user");
	put("on", on ? "yes" : "no");
	done(reply);
}

static void dtmf(const char *id, const char *digits, enum api_side to, struct api_reply *reply, void *arg)
{
	begin("dtmf", arg);
	put("id", id);
	put("digits", digits);
	put("to", to == API_SIDE_SIP ? "sip" : "user");
	done(reply);
}

static void recording(const char *id, enum api_recording action, struct api_reply *reply, void *arg)
{
	static const char *const actions[] = {"start", "pause", "resume", "stop"};
	begin("recording", arg);
	put("id", id);
	put("action", actions[action]);
	done(reply);
}

static void fork_call(const char *id, const struct api_fork *f, struct api_reply *reply, void *arg)
{
	begin("fork", arg);
	put("id", id);
	put("action", f->stop ? "stop" : "start");
	put("to", f->to);
	put("side", f->side == API_FORK_USER ? "user" : f->side == API_FORK_AGENT ? "agent" : "both");
	put("format", f->format == API_FORK_L16 ? "l16" : "pcmu");
	done(reply);
}

static void each_permission(
	void (*fn)(const struct permission *p, const char *number, const char *tenant, void *fn_arg), void *fn_arg,
	void *arg)
{
	begin("permissions", arg);
	for (size_t i = 0; i < shell.permission_count; i++)
		fn(&shell.permissions[i],
			strcmp(shell.permissions[i].number_id, "1") == 0 ? "+12025550123" : "+442071838750",
			strcmp(shell.permissions[i].number_id, "1") == 0 ? "acme" : "other", fn_arg);
}

static void get_permission(const struct api_party *party, bool refresh, struct api_reply *reply, void *arg)
{
	begin("permission", arg);
	put_party(party);
	put("refresh", refresh ? "yes" : "no");
	if (!refused_or_held(reply))
		api_done_permission(reply, &shell.permissions[0], "+12025550123");
}

static void request_permission(const struct api_permission_request *r, struct api_reply *reply, void *arg)
{
	begin("request", arg);
	put_party(&r->party);
	put("text", r->text);
	put_template(&r->template);
	if (!refused_or_held(reply))
		api_done_permission(reply, &shell.permissions[0], "+12025550123");
}

static void each_parked(void (*fn)(const struct api_parked *p, void *fn_arg), void *fn_arg, void *arg)
{
	begin("parked", arg);
	for (size_t i = 0; i < shell.parked_count; i++)
		fn(&shell.parked[i], fn_arg);
}

static void cancel_parked(const char *id, struct api_reply *reply, void *arg)
{
	begin("cancel", arg);
	put("id", id);
	done(reply);
}

static void each_registration(void (*fn)(const struct api_registration *r, void *fn_arg), void *fn_arg, void *arg)
{
	static const struct api_registration two[] = {
		{"b-1", "desk1", "sip:10@192.0.2.1;rinstance=a", "192.0.2.1:5060", "udp", "", "", 0.5, 1000, 2000,
			3000},
		{"b-2", "desk2", "sip:11@192.0.2.2", "192.0.2.2:40000", "tcp", "a phone", "<sip:p;lr>", 1, 1, 2, 3},
	};

	begin("registrations", arg);
	for (size_t i = 0; i < 2; i++)
		fn(&two[i], fn_arg);
}

static void drop_registration(const char *id, struct api_reply *reply, void *arg)
{
	begin("drop", arg);
	put("id", id);
	done(reply);
}

static void each_gateway(void (*fn)(const struct api_gateway *gateway, void *fn_arg), void *fn_arg, void *arg)
{
	static const struct api_gateway two[] = {{.name = "pbx",
							 .tenant = "",
							 .uri = "sip:192.0.2.10",
							 .up = true,
							 .ping_why = "",
							 .register_why = "",
							 .calls = 2},
		{.name = "trunk",
			.tenant = "acme",
			.uri = "sip:192.0.2.11",
			.watched = true,
			.down_since_ms = 5,
			.ping_ms = 6,
			.ping_code = 408,
			.registers = true,
			.register_code = 401,
			.ping_why = "TLS: it closed the connection",
			.register_why = "",
			.max_calls = 3}};

	begin("gateways", arg);
	fn(&two[0], fn_arg);
	fn(&two[1], fn_arg);
}

static void each_ban(void (*fn)(const struct api_ban *ban, void *fn_arg), void *fn_arg, void *arg)
{
	static const struct api_ban one = {"2001:db8::/64", "unproven", 12, 3};

	begin("bans", arg);
	fn(&one, fn_arg);
}

static void lift_ban(const char *source, struct api_reply *reply, void *arg)
{
	begin("lift", arg);
	put("source", source);
	done(reply);
}

static void send_message(const struct api_message *m, struct api_reply *reply, void *arg)
{
	static const char *const kinds[] = {"text", "call_button", "template"};

	begin("message", arg);
	put("kind", kinds[m->kind]);
	put_party(&m->party);
	put("text", m->text);
	put("button", m->button_text);
	put("payload", m->payload);
	if (m->ttl_minutes)
		strbuf_printf(&sb, " ttl=%u", m->ttl_minutes);
	put_template(&m->template);
	if (!refused_or_held(reply))
		api_done_message(reply, "wamid.HBgM");
}

const struct api_ops shell_ops = {
	.originate = originate,
	.transfer = transfer,
	.hold = hold,
	.mute = mute,
	.recording = recording,
	.fork = fork_call,
	.dtmf = dtmf,
	.each_permission = each_permission,
	.get_permission = get_permission,
	.request_permission = request_permission,
	.each_parked = each_parked,
	.cancel_parked = cancel_parked,
	.send_message = send_message,
	.each_registration = each_registration,
	.drop_registration = drop_registration,
	.each_ban = each_ban,
	.each_gateway = each_gateway,
	.lift_ban = lift_ban,
	.arg = &shell,
};
