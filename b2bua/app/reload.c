/* b2bua/app/reload.c
 *
 * The configuration is read again while calls go on. A thread reads and checks the file (secrets fetched: that takes
 * time); without a fault it becomes app->config, for everything that begins from then on. Calls, and requests under
 * way, hold the one they began with; it is freed with the last of them. A file with a fault changes nothing at all.
 * What was started once (config_diff.h) stays as it is until a restart.
 */
#include "b2bua/app/dial.h"

#include "b2bua/app/config_diff.h"
#include "lib/base/str.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { REPLIES_MAX = 16, ERRORS_TEXT_MAX = 8192 };

struct reload {
	struct app *app;
	int fd; /* the thread is done */
	struct loop_watch *watch;
	struct api_reply *replies[REPLIES_MAX]; /* asked for before it began */
	size_t reply_count;
	struct api_reply *next[REPLIES_MAX]; /* asked for since: the file may be another by now */
	size_t next_count;
	bool again;
	/* the thread's until it is joined: */
	pthread_t thread;
	const char *path; /* of app->boot */
	struct config *fresh;
	struct conf_errors errors;
	int result;
};

static void *read_file(void *arg)
{
	struct reload *r = arg;
	const uint64_t one = 1;

	r->result = config_load(r->path, &r->fresh, &r->errors);
	(void)!write(r->fd, &one, sizeof(one)); /* the first write of an eventfd cannot fail */
	return NULL;
}

/* ---- a file with faults ---- */

static void refuse_all(struct reload *r, const char *text)
{
	const struct api_fault fault = {.problem = API_BAD_CONFIGURATION, .detail = text};

	for (size_t i = 0; i < r->reply_count; i++)
		api_refuse(r->replies[i], &fault);
	r->reply_count = 0;
}

static void refused(struct reload *r)
{
	char text[ERRORS_TEXT_MAX];
	struct strbuf sb;

	strbuf_init(&sb, text, sizeof(text));
	for (size_t i = 0; i < r->errors.count; i++) {
		log_error("config_fault", "text=\"%.300s\"", r->errors.text[i]);
		strbuf_printf(&sb, "%s%s", i ? "\n" : "", r->errors.text[i]);
	}
	if (!r->errors.count)
		strbuf_put(&sb, strerror(-r->result));
	log_error("reload_refused", "faults=%zu reason=\"%s\"", r->errors.count + r->errors.dropped,
		r->errors.count ? "the file has faults; the running configuration stays" : strerror(-r->result));
	refuse_all(r, text);
}

/* ---- a good one ---- */

/* Indexes of secrets are the receiver's, which keeps those it knows: deliveries under way name them. */
static int take_secrets(struct app *app, struct config *fresh)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < fresh->number_count; i++) {
		struct config_number *n = &fresh->numbers[i];
		r = webhook_receiver_add_secret(
			app->webhook, fresh->webhook.app_secrets[n->secret_index], &n->secret_index);
	}
	return r;
}

/* What was known of a number's users by its former tenant. */
static void forget_chats(struct app *app, const struct config *fresh)
{
	for (size_t i = 0; i < app->config->number_count; i++) {
		const struct config_number *was = &app->config->numbers[i],
					   *is = config_number_by_id(fresh, was->phone_number_id);
		if (!is || !str_equal(is->tenant, was->tenant))
			chat_forget(app, was->phone_number_id);
	}
}

static void taken(struct reload *r)
{
	struct app *app = r->app;
	struct config *fresh = r->fresh;
	const char *fixed[CONFIG_FIXED_MAX];
	size_t count = config_fixed_changes(app->boot, fresh, fixed);

	r->fresh = NULL;
	forget_chats(app, fresh);
	registrations_take(app, fresh);
	config_free(app->config);
	app->config = fresh;
	for (size_t i = 0; i < count; i++)
		log_warn("reload_needs_restart", "key=\"%s\" note=\"it stays as it was at start\"", fixed[i]);
	log_info("reloaded", "numbers=%zu gateways=%zu rules=%zu users=%zu needs_restart=%zu", fresh->number_count,
		fresh->gateway_count, dialplan_rule_count(fresh->dialplan), fresh->sip.user_count, count);
	for (size_t i = 0; i < r->reply_count; i++)
		api_done_reload(r->replies[i], fixed, count);
	r->reply_count = 0;
}

static void take(struct reload *r)
{
	struct app *app = r->app;

	if (r->result == 0)
		r->result = take_secrets(app, r->fresh);
	if (r->result == 0 && r->fresh->sip.tls.certificate)
		r->result = sip_stack_set_tls(app->sip, &r->fresh->sip.tls);
	if (r->result == 0)
		r->result = sip_stack_set_users(app->sip, r->fresh->sip.users, r->fresh->sip.user_count);
	if (r->result == 0)
		r->result = gateways_take(app, r->fresh);
	if (r->result == 0)
		r->result = on_admin_take(app, r->fresh);
	if (r->result)
		refused(r);
	else
		taken(r);
}

/* ---- the thread ---- */

static void end(struct reload *r)
{
	loop_unwatch(r->watch);
	if (r->fd >= 0)
		close(r->fd);
	config_free(r->fresh);
	conf_errors_done(&r->errors);
	free(r);
}

static int begin(struct app *app, struct api_reply *const *replies, size_t count);

static void on_read(void *arg, int ready)
{
	struct reload *r = arg;
	struct app *app = r->app;

	(void)ready;
	pthread_join(r->thread, NULL);
	take(r);
	app->reload = NULL;
	if (r->again && begin(app, r->next, r->next_count)) {
		memcpy(r->replies, r->next, sizeof(r->next));
		r->reply_count = r->next_count;
		refuse_all(r, "out of memory");
	}
	end(r);
}

static int begin(struct app *app, struct api_reply *const *replies, size_t count)
{
	struct reload *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->app = app;
	r->path = app->boot->path;
	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e = r->fd < 0 ? -errno : loop_watch(app->loop, r->fd, LOOP_READ, on_read, r, &r->watch);
	if (e == 0)
		e = -pthread_create(&r->thread, NULL, read_file, r);
	if (e) {
		end(r);
		return e;
	}
	for (; r->reply_count < count; r->reply_count++)
		r->replies[r->reply_count] = replies[r->reply_count];
	app->reload = r;
	return 0;
}

/* ---- the door ---- */

void reload_ask(struct app *app, struct api_reply *reply)
{
	const struct api_fault busy = {.problem = API_BUSY, .detail = "Too many reloads at once"};
	struct reload *r = app->reload;

	if (app->stopping) {
		api_refuse(reply, &busy);
	} else if (!r) {
		if (begin(app, &reply, 1))
			api_refuse(reply, &busy);
	} else if (r->next_count < REPLIES_MAX) {
		r->again = true;
		r->next[r->next_count++] = reply;
	} else {
		api_refuse(reply, &busy);
	}
}

void reload_start(struct app *app)
{
	int r = 0;

	if (app->stopping)
		return;
	log_info("reload", "file=\"%s\"", app->boot->path);
	if (app->reload)
		app->reload->again = true;
	else
		r = begin(app, NULL, 0);
	if (r)
		log_error("reload_refused", "reason=\"%s\"", strerror(-r));
}

void reload_drop(struct app *app)
{
	const struct api_fault busy = {.problem = API_BUSY};
	struct reload *r = app->reload;

	if (!r)
		return;
	app->reload = NULL;
	pthread_join(r->thread, NULL);
	for (size_t i = 0; i < r->reply_count; i++)
		api_refuse(r->replies[i], &busy);
	for (size_t i = 0; i < r->next_count; i++)
		api_refuse(r->next[i], &busy);
	end(r);
}
