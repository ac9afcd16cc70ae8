#include "os/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "os/crash.h"

#define NAME_BYTES 16u /* with NUL; the kernel's limit */

/* What a thread begins with. Its signal stack lets a handler say that its own stack ran over; untouched it costs no memory. */
struct begin {
	void *(*fn)(void *arg);
	void *arg;
	char stack[CRASH_STACK_BYTES];
};

/* All but those that a thread raises by its own fault: blocked, they would end
 * the process without a trace. */
static void blocked_signals(sigset_t *set)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
	(void)sigfillset(set);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		(void)sigdelset(set, faults[i]);
}

static void *run(void *arg)
{
	struct begin *b = arg;
	stack_t own = {.ss_sp = b->stack, .ss_size = sizeof b->stack}, before;
	bool set = sigaltstack(&own, &before) == 0;
	(void)thread_rank(THREAD_USUAL); /* an urgent starter's rank is its own */
	void *ret = b->fn(b->arg);
	if (set) {
		/* A sanitizer's, which it takes down itself. */
		if (before.ss_flags & SS_DISABLE)
			before = (stack_t){.ss_flags = SS_DISABLE};
		(void)sigaltstack(&before, NULL);
	}
	free(b);
	return ret;
}

int thread_start(pthread_t *ret, const char *name, void *(*fn)(void *), void *arg)
{
	sigset_t block, before;
	pthread_t t;
	char cut[NAME_BYTES] = {0};
	size_t n = strlen(name);
	struct begin *b = malloc(sizeof *b);
	if (!b)
		return MO_ENOMEM;
	b->fn = fn;
	b->arg = arg;
	memcpy(cut, name, n < sizeof cut ? n : sizeof cut - 1);
	blocked_signals(&block);
	/* The new thread inherits the mask. */
	if (pthread_sigmask(SIG_SETMASK, &block, &before) != 0) {
		free(b);
		return MO_EIO;
	}
	int e = pthread_create(&t, NULL, run, b);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (e) {
		free(b);
		return e == EAGAIN ? MO_ELIMIT : e == ENOMEM ? MO_ENOMEM : MO_EIO;
	}
	/* Only for ps; not joined yet, so t is valid even when it ended. */
	(void)pthread_setname_np(t, cut);
	*ret = t;
	return 0;
}

void thread_join(pthread_t t) { (void)pthread_join(t, NULL); }

bool thread_rank(enum thread_rank rank)
{
	static const int nice_of[] = {[THREAD_URGENT] = -5, [THREAD_USUAL] = 0, [THREAD_PATIENT] = 5};
	int now = getpriority(PRIO_PROCESS, 0);
	if (now == nice_of[rank])
		return true;
	if (now != 0 && now != nice_of[THREAD_URGENT])
		return false;
	return setpriority(PRIO_PROCESS, 0, nice_of[rank]) == 0;
}
