/* b2bua/app/config_diff.h
 *
 * What a reload cannot change: listeners, media, the store and the like were started once.
 */
#ifndef B2BUA_APP_CONFIG_DIFF_H
#define B2BUA_APP_CONFIG_DIFF_H

#include "b2bua/app/config.h"

enum { CONFIG_FIXED_MAX = 16 };
/* Keys and sections of which `fresh` wants something else than what was started with `boot`. Returns how many. */
size_t config_fixed_changes(const struct config *boot, const struct config *fresh, const char *ret[CONFIG_FIXED_MAX]);

#endif
