#include "cm.h"

#include <signal.h>

#include "os/thread.h"

struct seen {
	sigset_t mask;
};

static void *look(void *arg)
{
	struct seen *s = arg;
	(void)pthread_sigmask(SIG_SETMASK, NULL, &s->mask);
	return NULL;
}

static void signals_are_blocked_but_for_faults(void **state)
{
	struct seen s = {0};
	sigset_t before, after;
	pthread_t t;
	(void)state;
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
	assert_int_equal(thread_start(&t, "looker", look, &s), 0);
	thread_join(t);
	assert_int_equal(sigismember(&s.mask, SIGTERM), 1);
	assert_int_equal(sigismember(&s.mask, SIGHUP), 1);
	assert_int_equal(sigismember(&s.mask, SIGPIPE), 1);
	assert_int_equal(sigismember(&s.mask, SIGSEGV), 0);
	assert_int_equal(sigismember(&s.mask, SIGABRT), 0);
	/* The caller's own mask is as it was. */
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

static void *wait_at(void *arg)
{
	(void)pthread_barrier_wait(arg);
	return NULL;
}

static void names_are_cut(void **state)
{
	pthread_barrier_t b;
	pthread_t t;
	char name[32] = "";
	(void)state;
	assert_int_equal(pthread_barrier_init(&b, NULL, 2), 0);
	assert_int_equal(thread_start(&t, "a name of more than fifteen", wait_at, &b), 0);
	assert_int_equal(pthread_getname_np(t, name, sizeof name), 0);
	(void)pthread_barrier_wait(&b);
	thread_join(t);
	(void)pthread_barrier_destroy(&b);
	assert_string_equal(name, "a name of more ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_are_blocked_but_for_faults),
		cmocka_unit_test(names_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
