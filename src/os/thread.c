#include "os/thread.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define NAME_BYTES 16u /* with NUL; the kernel's limit */

/* All but those that a thread raises by its own fault: blocked, they would end
 * the process without a trace. */
static void blocked_signals(sigset_t *set)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
	(void)sigfillset(set);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		(void)sigdelset(set, faults[i]);
}

int thread_start(pthread_t *ret, const char *name, void *(*fn)(void *), void *arg)
{
	sigset_t block, before;
	pthread_t t;
	char cut[NAME_BYTES] = {0};
	size_t n = strlen(name);
	memcpy(cut, name, n < sizeof cut ? n : sizeof cut - 1);
	blocked_signals(&block);
	/* The new thread inherits the mask. */
	if (pthread_sigmask(SIG_SETMASK, &block, &before) != 0)
		return MO_EIO;
	int e = pthread_create(&t, NULL, fn, arg);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (e)
		return e == EAGAIN ? MO_ELIMIT : e == ENOMEM ? MO_ENOMEM : MO_EIO;
	/* Only for ps; not joined yet, so t is valid even when it ended. */
	(void)pthread_setname_np(t, cut);
	*ret = t;
	return 0;
}

void thread_join(pthread_t t) { (void)pthread_join(t, NULL); }
