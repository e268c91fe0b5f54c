/* b2bua/sip/rehearsal.c
 *
 * One function that stands before the library's own, tport_bind_socket: of a listener: loopback, any port. Also the
 * place where listening sockets get what the library does not give them.
 */
#include "b2bua/sip/rehearsal.h"

#include "b2bua/sip/flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sofia-sip/msg.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/tport.h>
#include <string.h>

static bool binding; /* rehearsal_begin() */

void rehearsal_begin(const struct sip_stack *s)
{
	binding = s->conf.on_rehearsed != NULL;
}

void rehearsal_end(void)
{
	binding = false;
}

/* Of the library; it is not in its headers. */
int tport_bind_socket(int fd, su_addrinfo_t *ai, char const **ret_culprit);

int tport_bind_socket(int fd, su_addrinfo_t *ai, char const **ret_culprit)
{
	static int (*real)(int, su_addrinfo_t *, char const **);
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int r;

	if (!real)
		stack_next_symbol("tport_bind_socket", &real, sizeof(real));
	if (!binding && ai->ai_socktype == SOCK_STREAM)
		flow_listening(fd);
	if (!binding)
		return real(fd, ai, ret_culprit);
	r = ai->ai_family == AF_INET6 ? bind(fd, (struct sockaddr *)&six, sizeof(six))
				      : bind(fd, (struct sockaddr *)&four, sizeof(four));
	if (r < 0)
		*ret_culprit = "bind";
	return r;
}

static void tell(const struct sip_stack *s, msg_t *msg)
{
	su_home_t home[1] = {SU_HOME_INIT(home)};
	const sip_t *sip = sip_object(msg);
	size_t length = 0;
	char *text;

	if (!sip || !sip->sip_request)
		return;
	su_home_init(home);
	text = msg_as_string(home, msg, NULL, 0, &length);
	if (text)
		s->conf.on_rehearsed(text, length, s->conf.arg);
	su_home_deinit(home);
}

bool rehearsal_takes(msg_t *msg)
{
	const struct sip_stack *s = msg ? stack_of_message(msg) : NULL;

	if (!s || !s->conf.on_rehearsed)
		return false;
	tell(s, msg);
	msg_set_errno(msg, EHOSTUNREACH);
	return true;
}

bool rehearsal_place(const struct sip_stack *s, const struct sip_uri *uri, struct place *ret_place)
{
	struct place p = {.transport = uri->transport};
	bool v4 = false;

	if (!s->conf.on_rehearsed)
		return false;
	for (size_t i = 0; i < s->listener_count; i++)
		v4 = v4 || !addr_is_v6(&s->listeners[i]->addr);
	/* RFC 5737, RFC 3849: addresses of nobody's */
	if (addr_set(&p.addr, v4 ? "192.0.2.1" : "2001:db8::1",
		    uri->port                   ? uri->port
		    : uri->transport == SIP_TLS ? 5061
						: 5060))
		return false;
	*ret_place = p;
	return true;
}
