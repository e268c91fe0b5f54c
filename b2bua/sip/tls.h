/* b2bua/sip/tls.h
 *
 * Inside of b2bua/sip: certificates for the library, which wants them in files of its own names in a directory, says
 * nothing when they are missing or wrong, and never frees an SSL object.
 */
#ifndef B2BUA_SIP_TLS_H
#define B2BUA_SIP_TLS_H

#include "b2bua/sip/sip.h"

enum { TLS_DIR_MAX = 64 };

/* A directory of mode 0700 with agent.pem and cafile.pem; read once, while a listener is opened. Returns 0 or negative
 * errno. */
int tls_dir_new(const struct sip_tls *tls, char dst[TLS_DIR_MAX]);
void tls_dir_free(const char *dir);

#endif
