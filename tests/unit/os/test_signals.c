#include "cm.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/signals.h"

static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, timeout_ms) == 1;
}

static void they_come_as_bytes(void **state)
{
	static const int sent[] = {SIGHUP, SIGTERM, SIGINT};
	struct signals *s = NULL;
	sigset_t before, during, after;
	int got = 0, fd[2];
	(void)state;
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
	assert_int_equal(signals_new(&s), 0);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &during), 0);
	assert_int_equal(sigismember(&during, SIGTERM), 1);
	assert_int_equal(sigismember(&during, SIGPIPE), 1);
	assert_int_equal(signals_read(s, &got), MO_EAGAIN);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(kill(getpid(), sent[i]), 0);
		assert_true(readable(signals_fd(s), 5000));
		assert_int_equal(signals_read(s, &got), 0);
		assert_int_equal(got, sent[i]);
		assert_int_equal(signals_read(s, &got), MO_EAGAIN);
	}
	/* A broken pipe is an error of the write, nothing more. */
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(close(fd[0]), 0);
	assert_int_equal(write(fd[1], "x", 1), -1);
	assert_int_equal(close(fd[1]), 0);
	signals_free(s); /* and does not strike us now, either */
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
	signals_free(NULL);
}

static void begins_and_ends_again(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		struct signals *s = NULL;
		assert_int_equal(signals_new(&s), 0);
		signals_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_come_as_bytes),
		cmocka_unit_test(begins_and_ends_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
