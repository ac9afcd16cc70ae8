#include "cm.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void *my_nice(void *arg)
{
	*(int *)arg = getpriority(PRIO_PROCESS, 0);
	return NULL;
}

static int nice_of_started(void)
{
	int got = 99;
	pthread_t t;
	assert_int_equal(thread_start(&t, "started", my_nice, &got), 0);
	thread_join(t);
	return got;
}

struct ranked {
	enum thread_rank rank;
	bool so, again;
	int own, started;
};

static void *be_ranked(void *arg)
{
	struct ranked *r = arg;
	r->so = thread_rank(r->rank);
	r->own = getpriority(PRIO_PROCESS, 0);
	r->started = nice_of_started();
	r->again = thread_rank(THREAD_USUAL);
	return NULL;
}

static struct ranked rank_in_thread(enum thread_rank rank)
{
	struct ranked r = {.rank = rank};
	pthread_t t;
	assert_int_equal(thread_start(&t, "ranked", be_ranked, &r), 0);
	thread_join(t);
	return r;
}

/* Asked of the system by a process that ends at once. */
static bool urgency_is_allowed(void)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(setpriority(PRIO_PROCESS, 0, -5) == 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void ranks_are_of_one_thread(void **state)
{
	int mine = getpriority(PRIO_PROCESS, 0);
	bool may = urgency_is_allowed();
	(void)state;
	if (mine != 0)
		skip();
	struct ranked r = rank_in_thread(THREAD_PATIENT);
	assert_true(r.so);
	assert_int_equal(r.own, 5);
	assert_int_equal(r.started, 5);
	assert_false(r.again); /* there is no way back */
	r = rank_in_thread(THREAD_URGENT);
	assert_int_equal(r.so, may);
	assert_int_equal(r.own, may ? -5 : 0);
	assert_int_equal(r.started, 0);
	assert_true(r.again);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), mine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_are_blocked_but_for_faults),
		cmocka_unit_test(names_are_cut),
		cmocka_unit_test(ranks_are_of_one_thread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
