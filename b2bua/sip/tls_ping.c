/* b2bua/sip/tls_ping.c
 *
 * Keep-alives over TLS: a peer that sends CRLF CRLF between messages waits for a CRLF, and gives its connection up
 * without one (RFC 5626 s4.4.1, s3.5.1). The library answers them over TCP alone. Here as well one stands between it
 * and OpenSSL: what is read and is nothing but line ends is counted. Line ends that come one by one at the end of a
 * message's head look the same, and get a CRLF, too: before a message it means nothing (RFC 3261 s7.5).
 */
#include "b2bua/sip/tls.h"

#include "b2bua/sip/stack.h"

#include <stdlib.h>
#include <string.h>

enum { PING_BYTES = 4 };

static const char PONG[] = "\r\n";

struct line {
	unsigned crlf;     /* bytes of line ends since the last other one */
	bool library_owes; /* its last write is unfinished: the next one must be that again */
	bool we_owe;       /* so is our pong */
};

static int line_index = -1;

bool tls_ping_init(void)
{
	if (line_index < 0)
		line_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, tls_data_free);
	return line_index >= 0;
}

void tls_ping_begin(SSL *ssl)
{
	struct line *line = calloc(1, sizeof(*line));

	if (line && SSL_set_ex_data(ssl, line_index, line) != 1)
		free(line); /* without memory: no pong */
}

static int write_ssl(SSL *ssl, const void *buffer, int length)
{
	static int (*real)(SSL *, const void *, int);

	if (!real)
		stack_next_symbol("SSL_write", &real, sizeof(real));
	return real(ssl, buffer, length);
}

int SSL_write(SSL *ssl, const void *buffer, int length)
{
	struct line *line = line_index >= 0 ? SSL_get_ex_data(ssl, line_index) : NULL;
	int r;

	if (!line)
		return write_ssl(ssl, buffer, length);
	if (line->we_owe) {
		r = write_ssl(ssl, PONG, sizeof(PONG) - 1);
		if (r <= 0)
			return r;
		line->we_owe = false;
	}
	r = write_ssl(ssl, buffer, length);
	line->library_owes = r <= 0;
	return r;
}

void tls_ping_heard(SSL *ssl, const void *bytes, int length)
{
	struct line *line = line_index >= 0 ? SSL_get_ex_data(ssl, line_index) : NULL;
	const char *text = bytes;

	if (!line || length <= 0)
		return;
	for (int i = 0; i < length; i++) {
		if (text[i] != '\r' && text[i] != '\n') {
			line->crlf = 0;
			return;
		}
	}
	line->crlf += (unsigned)length;
	if (line->crlf < PING_BYTES)
		return;
	line->crlf = 0;
	/* What waits to be written says as well that we live. */
	if (!line->library_owes && !line->we_owe)
		line->we_owe = write_ssl(ssl, PONG, sizeof(PONG) - 1) <= 0;
}
