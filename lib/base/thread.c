/* lib/base/thread.c */
#include "lib/base/thread.h"

#include "lib/base/assert.h"
#include "lib/base/str.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { NAME_CAP = 16 }; /* the kernel's limit, terminator included: pthread_setname_np(3) */

struct thread {
	pthread_t id;
	void (*fn)(void *arg);
	void *arg;
	char name[NAME_CAP];
};

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	pthread_setname_np(pthread_self(), t->name);
	t->fn(t->arg);
	return NULL;
}

/* All but those that a thread's own fault raises: blocked, they would kill the process without a word from the
 * sanitizers. */
static void block_signals(sigset_t *ret_before)
{
	static const int own_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
	sigset_t blocked;

	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof(own_faults) / sizeof(own_faults[0]); i++)
		sigdelset(&blocked, own_faults[i]);
	ASSERT(pthread_sigmask(SIG_SETMASK, &blocked, ret_before) == 0);
}

int thread_start(const char *name, void (*fn)(void *arg), void *arg, struct thread **ret_thread)
{
	struct thread *t = calloc(1, sizeof(*t));
	sigset_t before;
	int r;

	if (!t)
		return -ENOMEM;
	t->fn = fn;
	t->arg = arg;
	(void)str_copy(t->name, sizeof(t->name), name);

	/* A new thread inherits the mask; set here, no signal can slip in between its birth and its first line. */
	block_signals(&before);
	r = pthread_create(&t->id, NULL, thread_main, t);
	ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (r) {
		free(t);
		return r == ENOMEM ? -ENOMEM : -EAGAIN;
	}
	*ret_thread = t;
	return 0;
}

struct thread *thread_join(struct thread *t)
{
	if (t) {
		ASSERT(pthread_join(t->id, NULL) == 0);
		free(t);
	}
	return NULL;
}
