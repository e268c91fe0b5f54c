/* b2bua/app/app.h
 *
 * The shell around the pure call logic: owns every module, translates what they report into call events, steps the
 * call, performs its actions. Control thread. Nothing below sees it.
 */
#ifndef B2BUA_APP_APP_H
#define B2BUA_APP_APP_H

#include "b2bua/app/config.h"

#include <stddef.h>

struct app;

/* Open every listener, the store and the media engine; end what a previous run left live at Meta. Takes over the
 * configuration on success. why: what could not be started, for people. Returns 0 or negative errno. */
int app_new(struct config *config, struct app **ret_app, char *why, size_t why_cap);
/* Until SIGINT or SIGTERM and all calls have ended (bounded), or a second signal. */
void app_run(struct app *app);
struct app *app_free(struct app *app);

#endif
