/* The node's side against the real program: killed, stopped, out of memory,
 * idle, not there. Processes are signalled by the id that helper_pid() gives. */
#include "cm.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "helper/wire.h"
#include "node/helper.h"
#include "node/priv/helper_limit.h"
#include "os/clock.h"

#define SECOND INT64_C(1000000000)
#define ENOUGH (20 * SECOND)

static const char *program;

static void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

/* The process is dead, and still to be waited for by the code under test. */
static void await_death(pid_t pid)
{
	siginfo_t info;
	int r;
	do
		r = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	while (r != 0 && errno == EINTR);
	assert_int_equal(r, 0);
}

static bool gone(pid_t pid)
{
	return kill(pid, 0) != 0 && errno == ESRCH;
}

static struct helper *make(void)
{
	struct helper *h;
	assert_int_equal(helper_new(&h, program), 0);
	assert_int_equal(helper_pid(h), 0); /* on demand */
	return h;
}

/* "secret", salt 0..15, N = 16: a hash that costs nothing (from Python's hashlib.scrypt). */
#define CHEAP SPAN_LIT("$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$FBYrbyejpsRMOOxNjJ4WhxLlIIkIxp/izmMfHJ7w9YU")

/* It works: right is right and wrong is wrong. */
static void works(struct helper *h)
{
	struct diag d = {0};
	bool same = false;
	assert_int_equal(helper_verify(h, &same, CHEAP, SPAN_LIT("secret"), ENOUGH, &d), 0);
	assert_true(same);
	assert_int_equal(helper_verify(h, &same, CHEAP, SPAN_LIT("Secret"), ENOUGH, &d), 0);
	assert_false(same);
	assert_true(helper_pid(h) > 0);
}

static void test_works(void **state)
{
	(void)state;
	struct helper *h = make();
	struct buf text;
	struct diag d = {0};
	bool same = false;
	buf_init(&text, 0);
	assert_int_equal(helper_hash(h, &text, SPAN_LIT("secret"), ENOUGH, &d), 0);
	assert_true(span_starts(buf_span(&text), "$scrypt$ln=15,r=8,p=1$"));
	pid_t pid = helper_pid(h);
	assert_true(pid > 0);
	assert_int_equal(helper_verify(h, &same, buf_span(&text), SPAN_LIT("secret"), ENOUGH, &d), 0);
	assert_true(same);
	assert_int_equal(helper_verify(h, &same, buf_span(&text), SPAN_LIT("Secret"), ENOUGH, &d), 0);
	assert_false(same);
	/* Refusals end nothing. */
	static uint8_t big[HELPER_PASSWORD_MAX + 1];
	assert_int_equal(helper_verify(h, &same, SPAN_LIT("$scrypt$x"), SPAN_LIT("x"), ENOUGH, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_HELPER_NOT_A_HASH);
	assert_int_equal(helper_verify(h, &same, span_of(big, sizeof big), SPAN_LIT("x"), ENOUGH, &d), MO_EINVAL);
	assert_int_equal(helper_hash(h, &text, span_of(big, sizeof big), ENOUGH, &d), MO_ELIMIT);
	assert_int_equal(d.msg, MSG_HELPER_TOO_LONG);
	assert_int_equal(helper_pid(h), pid);
	helper_free(h);
	assert_true(gone(pid));
	buf_free(&text);
	helper_free(NULL);
}

static void test_killed_between(void **state)
{
	(void)state;
	struct helper *h = make();
	for (unsigned i = 0; i < 3; i++) {
		works(h);
		pid_t pid = helper_pid(h);
		assert_int_equal(kill(pid, SIGKILL), 0);
		await_death(pid);
		works(h); /* by another, without a word */
		assert_int_not_equal(helper_pid(h), pid);
		assert_true(gone(pid));
	}
	helper_free(h);
}

static void *kill_soon(void *arg)
{
	pause_ms(50);
	kill(*(pid_t *)arg, SIGKILL);
	return NULL;
}

static void test_killed_during(void **state)
{
	(void)state;
	struct helper *h = make();
	struct diag d = {0};
	works(h);
	for (unsigned i = 0; i < 3; i++) {
		pid_t pid = helper_pid(h);
		pthread_t t;
		bool same;
		/* Stopped, so that the call is surely under way when it dies. */
		assert_int_equal(kill(pid, SIGSTOP), 0);
		assert_int_equal(pthread_create(&t, NULL, kill_soon, &pid), 0);
		assert_int_equal(helper_verify(h, &same, CHEAP, SPAN_LIT("secret"), ENOUGH, &d), MO_EIO);
		assert_int_equal(pthread_join(t, NULL), 0);
		assert_int_equal(d.err, MO_EIO);
		assert_int_equal(d.msg, MSG_HELPER_DIED);
		assert_string_equal(d.file, program);
		assert_int_equal(helper_pid(h), 0);
		assert_true(gone(pid));
		works(h);
	}
	helper_free(h);
}

static void test_silent(void **state)
{
	(void)state;
	struct helper *h = make();
	struct diag d = {0};
	bool same;
	works(h);
	pid_t pid = helper_pid(h);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	int64_t begun = mono_now();
	assert_int_equal(helper_verify(h, &same, CHEAP, SPAN_LIT("secret"), SECOND / 10, &d), MO_ETIMEOUT);
	assert_true(mono_now() - begun >= SECOND / 10);
	assert_int_equal(d.msg, MSG_HELPER_SILENT);
	assert_int_equal(helper_pid(h), 0);
	assert_true(gone(pid)); /* its late answer can never be taken for another's */
	works(h);
	helper_free(h);
}

#if HELPER_LIMITED
/* N = 2^20, r = 8 takes 1 GiB: over the limit an error, and the same helper goes on. (Sanitizers' helpers run without a limit.) */
static void test_memory_limit(void **state)
{
	(void)state;
	struct helper *h = make();
	struct diag d = {0};
	bool same;
	works(h);
	pid_t pid = helper_pid(h);
	assert_int_equal(helper_verify(h, &same, SPAN_LIT("$scrypt$ln=20,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"),
	                         SPAN_LIT("x"), ENOUGH, &d),
	        MO_ENOMEM);
	assert_int_equal(d.msg, MSG_HELPER_MEMORY);
	works(h);
	assert_int_equal(helper_pid(h), pid);
	helper_free(h);
}
#endif

static void test_idle(void **state)
{
	(void)state;
	struct helper *h = make();
	helper_tick(h, mono_now()); /* nothing runs */
	works(h);
	pid_t pid = helper_pid(h);
	helper_tick(h, mono_now() + HELPER_IDLE_NS / 2);
	works(h);
	assert_int_equal(helper_pid(h), pid);
	helper_tick(h, mono_now() + HELPER_IDLE_NS);
	await_death(pid); /* by itself, at the end of its stream */
	helper_tick(h, mono_now());
	assert_int_equal(helper_pid(h), 0);
	assert_true(gone(pid));
	works(h);
	/* Wanted again while it goes. */
	pid = helper_pid(h);
	helper_tick(h, mono_now() + HELPER_IDLE_NS);
	works(h);
	assert_int_not_equal(helper_pid(h), pid);
	assert_true(gone(pid));
	/* Died while nobody called: the tick notices. */
	pid = helper_pid(h);
	assert_int_equal(kill(pid, SIGKILL), 0);
	await_death(pid);
	helper_tick(h, mono_now());
	assert_int_equal(helper_pid(h), 0);
	helper_free(h);
}

static void test_not_there(void **state)
{
	(void)state;
	struct helper *h;
	struct buf text;
	struct diag d = {0};
	buf_init(&text, 0);
	assert_int_equal(helper_new(&h, "/nowhere/moru-helper"), 0);
	assert_int_equal(helper_hash(h, &text, SPAN_LIT("x"), ENOUGH, &d), MO_EIO);
	assert_int_equal(d.msg, MSG_HELPER_NOT_STARTED);
	assert_string_equal(d.file, "/nowhere/moru-helper");
	assert_int_equal(helper_pid(h), 0);
	helper_free(h);
	/* Something that is no helper: it ends at once, or answers otherwise. */
	assert_int_equal(helper_new(&h, "/bin/true"), 0);
	assert_int_equal(helper_hash(h, &text, SPAN_LIT("x"), ENOUGH, &d), MO_EIO);
	assert_int_equal(d.msg, MSG_HELPER_DIED);
	helper_free(h);
	assert_int_equal(helper_new(&h, "/bin/echo"), 0); /* "serve\n": a length of 1.9 GB */
	int err = helper_hash(h, &text, SPAN_LIT("x"), ENOUGH, &d);
	assert_true(err == MO_EPROTO || err == MO_EIO);
	assert_int_equal(helper_pid(h), 0);
	helper_free(h);
	assert_int_equal(text.n, 0);
	buf_free(&text);
}

struct caller {
	struct helper *h;
	int bad;
};
static void *call_some(void *arg)
{
	struct caller *c = arg;
	for (unsigned i = 0; i < 50; i++) {
		bool same = i % 2 == 1;
		if (helper_verify(c->h, &same, CHEAP, i % 2 ? SPAN_LIT("no") : SPAN_LIT("secret"), ENOUGH, NULL) != 0 ||
		        same != (i % 2 == 0))
			c->bad++;
	}
	return NULL;
}

/* Several workers take turns; each gets the answer to its own question. */
static void test_threads(void **state)
{
	(void)state;
	struct helper *h = make();
	pthread_t t[3];
	struct caller c[3];
	works(h);
	for (unsigned i = 0; i < 3; i++) {
		c[i] = (struct caller){h, 0};
		assert_int_equal(pthread_create(&t[i], NULL, call_some, &c[i]), 0);
	}
	for (unsigned i = 0; i < 20; i++) {
		helper_tick(h, mono_now());
		pause_ms(5);
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
		assert_int_equal(c[i].bad, 0);
	}
	helper_free(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_killed_between),
		cmocka_unit_test(test_killed_during),
		cmocka_unit_test(test_silent),
#if HELPER_LIMITED
		cmocka_unit_test(test_memory_limit),
#endif
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_threads)
	};
	if (argc != 2) {
		print_error("usage: %s MORU-HELPER\n", argv[0]);
		return 2;
	}
	program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
