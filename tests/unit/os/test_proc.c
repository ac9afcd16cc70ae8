/* Children are /bin/sh, and this program itself for what a shell cannot show. */
#include "cm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/proc.h"
#include "os/thread.h"

#define SH "/bin/sh"

static int run(struct proc_spawn *s, const char *script)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	pid_t pid = -1;
	int status = -1;
	s->path = SH;
	s->argv = argv;
	assert_int_equal(proc_spawn(&pid, s), 0);
	assert_int_equal(proc_wait(pid, &status, true), 0);
	return status;
}

/* Everything until the end; the caller's text. */
static size_t read_all(int fd, char *text, size_t size)
{
	size_t n = 0;
	ssize_t k;
	while (n < size - 1 && (k = read(fd, text + n, size - 1 - n)) > 0)
		n += (size_t)k;
	text[n] = 0;
	return n;
}

static void output_comes_through_a_pipe(void **state)
{
	int in[2], out[2];
	char text[64];
	(void)state;
	assert_int_equal(proc_pipe(in), 0);
	assert_int_equal(proc_pipe(out), 0);
	assert_int_equal(write(in[1], "hello\n", 6), 6);
	assert_int_equal(close(in[1]), 0);
	struct proc_spawn s = {.fd_in = in[0], .fd_out = out[1], .fd_err = out[1]};
	int status = run(&s, "read x; echo got $x; echo err >&2; exit 7");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_int_equal(close(out[1]), 0);
	read_all(out[0], text, sizeof text);
	assert_string_equal(text, "got hello\nerr\n");
	close(in[0]);
	close(out[0]);
}

static void no_descriptor_leaks_and_null_is_there(void **state)
{
	int out[2];
	char text[256];
	int stray = open("/dev/null", O_RDONLY); /* not close-on-exec: as a library might */
	(void)state;
	assert_true(stray > 2);
	assert_int_equal(proc_pipe(out), 0);
	struct proc_spawn s = {.fd_in = -1, .fd_out = out[1], .fd_err = -1};
	char script[128];
	(void)snprintf(script, sizeof script, "cat; echo x >&2; if [ -e /proc/self/fd/%d ]; then echo leak; else echo none; fi", stray);
	assert_int_equal(run(&s, script), 0);
	close(out[1]);
	read_all(out[0], text, sizeof text);
	assert_string_equal(text, "none\n");
	close(out[0]);
	close(stray);
}

/* The child's places may be asked for crosswise. */
static void descriptors_may_be_swapped(void **state)
{
	int out[2], err[2], saved1 = dup(1), saved2 = dup(2);
	char a[16], b[16];
	(void)state;
	assert_int_equal(proc_pipe(out), 0);
	assert_int_equal(proc_pipe(err), 0);
	assert_int_equal(fflush(NULL), 0);
	assert_int_equal(dup2(out[1], 1), 1);
	assert_int_equal(dup2(err[1], 2), 2);
	struct proc_spawn s = {.fd_in = -1, .fd_out = 2, .fd_err = 1};
	const char *argv[] = {"sh", "-c", "echo o; echo e >&2", NULL};
	pid_t pid = -1;
	int status = -1;
	s.path = SH;
	s.argv = argv;
	int r = proc_spawn(&pid, &s);
	int w = r ? r : proc_wait(pid, &status, true);
	(void)dup2(saved1, 1);
	(void)dup2(saved2, 2);
	assert_int_equal(r, 0);
	assert_int_equal(w, 0);
	close(out[1]);
	close(err[1]);
	read_all(out[0], a, sizeof a);
	read_all(err[0], b, sizeof b);
	assert_string_equal(a, "e\n");
	assert_string_equal(b, "o\n");
	close(out[0]);
	close(err[0]);
	close(saved1);
	close(saved2);
}

static void what_cannot_run_is_an_error(void **state)
{
	const char *argv[] = {"x", NULL};
	pid_t pid = -1;
	int status = 0;
	(void)state;
	struct proc_spawn s = {.path = "/nonexistent/program", .argv = argv, .fd_in = -1, .fd_out = -1, .fd_err = -1};
	assert_int_equal(proc_spawn(&pid, &s), MO_ENOENT);
	s.path = "/etc/passwd";
	assert_int_equal(proc_spawn(&pid, &s), MO_EDENIED);
	s.path = SH;
	s.fd_in = 9999;
	assert_int_equal(proc_spawn(&pid, &s), MO_ESTATE);
	assert_int_equal(pid, -1);
	/* No child was left behind. */
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
	assert_int_equal(proc_wait(1, &status, false), MO_ENOENT);
}

static void signals_are_the_default_again(void **state)
{
	sigset_t set, before;
	(void)state;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
	void (*old)(int) = signal(SIGTERM, SIG_IGN);
	struct proc_spawn s = {.fd_in = -1, .fd_out = -1, .fd_err = -1};
	int status = run(&s, "kill -TERM $$; exit 3");
	(void)signal(SIGTERM, old);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void memory_has_a_limit(void **state)
{
	int out[2];
	char text[32];
	(void)state;
	assert_int_equal(proc_pipe(out), 0);
	struct proc_spawn s = {.fd_in = -1, .fd_out = out[1], .fd_err = -1, .memory_limit_bytes = UINT64_C(64) << 20};
	assert_int_equal(run(&s, "ulimit -v"), 0);
	close(out[1]);
	read_all(out[0], text, sizeof text);
	assert_string_equal(text, "65536\n");
	close(out[0]);
	/* And it is one: a variable that doubles until there is no room. */
	s.fd_out = -1;
	int status = run(&s, "x=0123456789abcdef; while :; do x=$x$x; done");
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
}

static void waiting_and_killing(void **state)
{
	const char *argv[] = {"sh", "-c", "read x", NULL};
	int in[2], status = -1;
	pid_t pid = -1;
	(void)state;
	assert_int_equal(proc_pipe(in), 0);
	struct proc_spawn s = {.path = SH, .argv = argv, .fd_in = in[0], .fd_out = -1, .fd_err = -1};
	assert_int_equal(proc_spawn(&pid, &s), 0);
	assert_int_equal(proc_wait(pid, &status, false), MO_EAGAIN);
	assert_int_equal(proc_kill(pid, SIGKILL), 0);
	assert_int_equal(proc_wait(pid, &status, true), 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(proc_kill(0, SIGKILL), MO_EINVAL);
	assert_int_equal(proc_kill(-1, SIGKILL), MO_EINVAL);
	close(in[0]);
	close(in[1]);
}

/* A parent in between spawns a shell that holds our pipe and dies; the pipe must end. */
static int be_parent(void)
{
	const char *argv[] = {"sh", "-c", "echo up; exec sleep 30", NULL};
	pid_t pid = -1;
	struct proc_spawn s = {.path = SH, .argv = argv, .fd_in = -1, .fd_out = 1, .fd_err = -1, .die_with_parent = true};
	if (proc_spawn(&pid, &s) != 0)
		return 1;
	printf("%d\n", (int)pid);
	(void)fflush(stdout);
	(void)pause();
	return 0;
}

static char *self;

static void a_child_dies_with_its_parent(void **state)
{
	int out[2], status = -1;
	char text[64] = "";
	size_t n = 0;
	pid_t pid = -1;
	const char *argv[] = {self, "parent", NULL};
	(void)state;
	assert_int_equal(proc_pipe(out), 0);
	struct proc_spawn s = {.path = self, .argv = argv, .fd_in = -1, .fd_out = out[1], .fd_err = -1};
	assert_int_equal(proc_spawn(&pid, &s), 0);
	close(out[1]);
	/* Both are up: two lines. */
	while (n < sizeof text - 1 && (!strchr(text, '\n') || strchr(text, '\n') == strrchr(text, '\n'))) {
		ssize_t k = read(out[0], text + n, 1);
		assert_int_equal(k, 1);
		n++;
	}
	int64_t t = mono_now();
	assert_int_equal(proc_kill(pid, SIGKILL), 0);
	assert_int_equal(proc_wait(pid, &status, true), 0);
	/* The end comes only when the grandchild is gone too; left alone it would sleep 30 s. */
	assert_int_equal(read(out[0], text, 1), 0);
	assert_true(mono_now() - t < INT64_C(10000000000));
	close(out[0]);
}

static void about_ourselves(void **state)
{
	char *dir = proc_self_dir();
	(void)state;
	assert_non_null(dir);
	assert_int_equal(dir[0], '/');
	assert_true(strlen(dir) > 1);
	assert_int_equal(access(dir, X_OK), 0);
	free(dir);
	uint64_t pss = proc_pss_bytes();
	if (access("/proc/self/smaps_rollup", R_OK) == 0)
		assert_true(pss > 10000 && pss < UINT64_C(1) << 40);
}

static void the_starter_s_urgency_stays_its_own(void **state)
{
	int out[2];
	char text[16];
	(void)state;
	if (!thread_rank(THREAD_URGENT))
		skip(); /* not allowed here */
	assert_int_equal(proc_pipe(out), 0);
	struct proc_spawn s = {.fd_in = -1, .fd_out = out[1], .fd_err = -1};
	int status = run(&s, "nice");
	assert_true(thread_rank(THREAD_USUAL));
	assert_int_equal(status, 0);
	assert_int_equal(close(out[1]), 0);
	read_all(out[0], text, sizeof text);
	assert_string_equal(text, "0\n");
	close(out[0]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_comes_through_a_pipe),
		cmocka_unit_test(no_descriptor_leaks_and_null_is_there),
		cmocka_unit_test(descriptors_may_be_swapped),
		cmocka_unit_test(what_cannot_run_is_an_error),
		cmocka_unit_test(signals_are_the_default_again),
		cmocka_unit_test(memory_has_a_limit),
		cmocka_unit_test(waiting_and_killing),
		cmocka_unit_test(a_child_dies_with_its_parent),
		cmocka_unit_test(the_starter_s_urgency_stays_its_own),
		cmocka_unit_test(about_ourselves),
	};
	if (argc > 1 && strcmp(argv[1], "parent") == 0)
		return be_parent();
	self = argv[0];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
