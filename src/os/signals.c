#include "os/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "os/priv/oserr.h"
#include "os/proc.h"
#include "os/thread.h"

struct signals {
	int fd[2]; /* read end, write end; both non-blocking */
	pthread_t thread;
	sigset_t before;
	atomic_bool stop;
};

static void waited_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGHUP);
}

static void *wait_loop(void *arg)
{
	struct signals *s = arg;
	sigset_t set;
	waited_signals(&set);
	while (!atomic_load(&s->stop)) {
		int number = sigwaitinfo(&set, NULL);
		if (number <= 0 || atomic_load(&s->stop))
			continue;
		uint8_t b = (uint8_t)number;
		ssize_t n;
		/* A full pipe holds thousands that nobody has read; one more says nothing new. */
		do
			n = write(s->fd[1], &b, 1);
		while (n < 0 && errno == EINTR);
	}
	return NULL;
}

int signals_new(struct signals **ret)
{
	sigset_t set;
	struct signals *s = calloc(1, sizeof *s);
	if (!s)
		return MO_ENOMEM;
	int r = proc_pipe(s->fd);
	if (r) {
		free(s);
		return r;
	}
	atomic_init(&s->stop, false);
	waited_signals(&set);
	(void)sigaddset(&set, SIGPIPE);
	if (fcntl(s->fd[0], F_SETFL, O_NONBLOCK) != 0 || fcntl(s->fd[1], F_SETFL, O_NONBLOCK) != 0) {
		r = os_errno(errno);
		goto no_mask;
	}
	if (pthread_sigmask(SIG_BLOCK, &set, &s->before) != 0) {
		r = MO_EIO;
		goto no_mask;
	}
	r = thread_start(&s->thread, "signals", wait_loop, s);
	if (r)
		goto no_thread;
	*ret = s;
	return 0;
no_thread:
	(void)pthread_sigmask(SIG_SETMASK, &s->before, NULL);
no_mask:
	(void)close(s->fd[0]);
	(void)close(s->fd[1]);
	free(s);
	return r;
}

int signals_fd(const struct signals *s) { return s->fd[0]; }

int signals_read(struct signals *s, int *ret_signal)
{
	uint8_t b = 0;
	ssize_t n;
	do
		n = read(s->fd[0], &b, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1) {
		*ret_signal = b;
		return 0;
	}
	return n < 0 && errno != EAGAIN ? os_errno(errno) : MO_EAGAIN;
}

void signals_free(struct signals *s)
{
	static const struct timespec at_once;
	sigset_t set;
	if (!s)
		return;
	atomic_store(&s->stop, true);
	/* To that thread alone: it wakes from its wait and sees the flag. */
	(void)pthread_kill(s->thread, SIGHUP);
	thread_join(s->thread);
	(void)close(s->fd[0]);
	(void)close(s->fd[1]);
	/* What waits still would kill us as soon as the mask opens: a late SIGTERM, a SIGPIPE of long ago. */
	waited_signals(&set);
	(void)sigaddset(&set, SIGPIPE);
	while (sigtimedwait(&set, NULL, &at_once) > 0 || errno == EINTR) {
	}
	(void)pthread_sigmask(SIG_SETMASK, &s->before, NULL);
	free(s);
}
