/* lib/loop/loop_su.h
 *
 * The one door through which b2bua/sip reaches the su_root inside a loop. Nobody else includes it.
 */
#ifndef LIB_LOOP_LOOP_SU_H
#define LIB_LOOP_LOOP_SU_H

#include <sofia-sip/su_wait.h>

struct loop;
su_root_t *loop_su_root(struct loop *l);

#endif
