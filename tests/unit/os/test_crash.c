/* The trace of a crash: what is written is read back; a torn or hostile file gives what can be told and nothing more. */
#include "cm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/crash.h"
#include "os/thread.h"

static char dir[] = "/tmp/moru-crash-XXXXXX", path[64];

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/crash", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static size_t slurp(char *to, size_t size)
{
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(to, 1, size, f);
	fclose(f);
	return n;
}

static struct crash_report *read_back(void)
{
	char *text = calloc(1, 2 * CRASH_FILE_MAX);
	struct crash_report *r = calloc(1, sizeof *r);
	size_t n = slurp(text, 2 * CRASH_FILE_MAX);
	assert_in_range(n, 1, CRASH_FILE_MAX);
	assert_int_equal(crash_read(r, span_of(text, n)), 0);
	free(text);
	return r;
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	struct crash *c = NULL;
	struct stat st;
	int64_t before = wall_now();
	assert_int_equal(crash_new(&c, "prog", "1.2.3"), 0);
	assert_int_equal(crash_open(c, path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* As it stands while all is well. */
	struct crash_report *r = read_back();
	assert_int_equal(r->signal, 0);
	assert_false(r->whole);
	assert_string_equal(r->version, "1.2.3");
	assert_int_equal(r->pid, getpid());
	assert_in_range(strlen(r->build), 16, 40);
	assert_int_equal(strspn(r->build, "0123456789abcdef"), strlen(r->build));
	free(r);
	for (unsigned i = 0; i < CRASH_NOTES + 3; i++)
		crash_note(c, i % 2 ? "warn" : "info", i < 3 ? "too_old" : i == CRASH_NOTES + 2 ? "the_last" : "some");
	siginfo_t info = {.si_signo = SIGSEGV, .si_code = 1};
	info.si_addr = (void *)(uintptr_t)0x10;
	errno = EXDEV;
	crash_write(c, SIGSEGV, &info, NULL);
	assert_int_equal(errno, EXDEV);
	r = read_back();
	assert_true(r->whole);
	assert_int_equal(r->signal, SIGSEGV);
	assert_int_equal(r->code, 1);
	assert_true(r->has_address);
	assert_int_equal(r->address, 0x10);
	assert_true(r->t_ns >= before && r->t_ns <= wall_now() && r->started_ns >= before && r->started_ns <= r->t_ns);
	assert_int_equal(r->thread_id, getpid());
	assert_true(r->thread[0] != 0);
	assert_int_equal(r->n_lines, CRASH_NOTES);
	assert_string_equal(r->lines[0].code, "some");
	assert_string_equal(r->lines[CRASH_NOTES - 1].code, "the_last");
	assert_in_range(r->lines[0].t_ns, before, r->t_ns);
	/* At least this function and what called it, in a module that is named. */
	assert_in_range(r->n_frames, 2, CRASH_FRAMES_MAX);
	bool own = false;
	for (unsigned i = 0; i < r->n_frames; i++)
		own |= strncmp(r->frames[i], "prog+0x", 7) == 0;
	assert_true(own);
	free(r);
	/* An orderly end leaves nothing. */
	crash_close(c);
	assert_int_equal(stat(path, &st), -1);
	crash_free(c);
}

static void who_sent_it(void **state)
{
	(void)state;
	struct crash *c = NULL;
	assert_int_equal(crash_new(&c, "prog", "1.2.3"), 0);
	assert_int_equal(crash_open(c, path), 0);
	siginfo_t info = {.si_signo = SIGABRT, .si_code = SI_USER};
	info.si_pid = 4700;
	crash_write(c, SIGABRT, &info, NULL);
	struct crash_report *r = read_back();
	assert_int_equal(r->signal, SIGABRT);
	assert_int_equal(r->sender, 4700);
	assert_false(r->has_address);
	assert_string_equal(crash_signal_name(r->signal), "SIGABRT");
	free(r);
	crash_free(c);
	assert_int_equal(access(path, F_OK), 0);
	/* The next one replaces it whole. */
	assert_int_equal(crash_new(&c, "prog", "1.2.4"), 0);
	assert_int_equal(crash_open(c, path), 0);
	r = read_back();
	assert_int_equal(r->signal, 0);
	free(r);
	crash_close(c);
	crash_free(c);
}

static void a_place_that_cannot_be_written(void **state)
{
	(void)state;
	struct crash *c = NULL;
	assert_int_equal(crash_new(&c, "prog", "1.2.3"), 0);
	assert_int_equal(crash_open(c, "/nonexistent/crash"), MO_ENOENT);
	crash_write(c, SIGSEGV, NULL, NULL); /* says nothing, and comes back */
	crash_close(c);
	crash_free(c);
}

static void torn_and_hostile(void **state)
{
	(void)state;
	static const char whole[] = "moru-crash 1\nversion 9\nsignal 6\nthread 12 a\x01" "b<script>\nnote 5 error log_flush\nframe moru+0x1\nend\n";
	struct crash_report *r = calloc(1, sizeof *r);
	/* Cut anywhere: never whole before its end, never a line that was torn. */
	for (size_t n = 0; n < sizeof whole - 1; n++) {
		int err = crash_read(r, span_of(whole, n));
		assert_int_equal(err, n < sizeof "moru-crash 1" - 1 ? MO_EINVAL : 0);
		if (err == 0) {
			assert_false(r->whole);
			assert_true(r->n_frames == 0 || strcmp(r->frames[0], "moru+0x1") == 0);
		}
	}
	assert_int_equal(crash_read(r, span_of(whole, sizeof whole - 1)), 0);
	assert_true(r->whole);
	assert_string_equal(r->thread, "a?b<script>");
	assert_int_equal(r->n_lines, 1);
	/* More than there may be. */
	char *text = malloc(CRASH_FILE_MAX);
	size_t n = (size_t)snprintf(text, CRASH_FILE_MAX, "moru-crash 1\nsignal 99999\ncode 99999999999\naddress 0xfffffffffffffffff\npid x\n");
	while (n < CRASH_FILE_MAX - 64)
		n += (size_t)snprintf(text + n, CRASH_FILE_MAX - n, "frame %060d\nnote 1 e c\n", (int)n);
	assert_int_equal(crash_read(r, span_of(text, n)), 0);
	assert_int_equal(r->signal, 0);
	assert_int_equal(r->code, 0);
	assert_false(r->has_address);
	assert_int_equal(r->pid, 0);
	assert_int_equal(r->n_frames, CRASH_FRAMES_MAX);
	assert_int_equal(r->n_lines, CRASH_NOTES);
	assert_int_equal(crash_read(r, SPAN_LIT("moru-crash 2\n")), MO_EVERSION);
	assert_int_equal(crash_read(r, SPAN_LIT("")), MO_EINVAL);
	free(text);
	free(r);
}

/* A thread of ours has a stack for handlers, and nobody else's: else a stack that runs over would leave no trace. */
static void *has_stack(void *arg)
{
	stack_t s;
	*(bool *)arg = sigaltstack(NULL, &s) == 0 && !(s.ss_flags & SS_DISABLE) && s.ss_size >= CRASH_STACK_BYTES;
	return NULL;
}

static void threads_have_a_signal_stack(void **state)
{
	(void)state;
	pthread_t t;
	bool has = false;
	assert_int_equal(thread_start(&t, "x", has_stack, &has), 0);
	thread_join(t);
	assert_true(has);
}

/* ---- a real fault, in a process of its own ---- */
static struct crash *faulty;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	crash_write(faulty, signal, info, context);
	crash_pass_on(signal);
}

static __attribute__((noinline)) unsigned deeper(volatile unsigned *at, unsigned n)
{
	volatile unsigned page[1024] = {0};
	page[n % 1024] = *at + n;
	return n == 0xffffffffu ? page[0] : deeper(&page[n % 1024], n + 1) + page[1];
}

static void *run_over(void *arg)
{
	volatile unsigned zero = 0;
	*(volatile unsigned *)arg = deeper(&zero, 0);
	return NULL;
}

static int child(bool overflow)
{
	static char stack[CRASH_STACK_BYTES];
	unsigned never = 0;
	pthread_t t;
	if (crash_new(&faulty, "prog", "1") != 0 || crash_open(faulty, path) != 0 || crash_catch(on_fault, stack, sizeof stack) != 0)
		return 3;
	if (overflow) {
		if (thread_start(&t, "deep", run_over, &never) == 0)
			thread_join(t);
	} else {
		abort();
	}
	return 4;
}

static struct crash_report *dies_by(bool overflow, int *ret_status)
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(child(overflow));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, ret_status, 0), pid);
	struct crash_report *r = read_back();
	(void)unlink(path);
	return r;
}

static void a_stack_that_runs_over(void **state)
{
	(void)state;
	int status;
	struct crash_report *r = dies_by(true, &status);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	assert_int_equal(r->signal, SIGSEGV);
	assert_string_equal(r->thread, "deep");
	assert_true(r->has_address && r->whole);
	assert_int_equal(strncmp(r->pc, "prog+0x", 7), 0);
	/* The innermost frame is the one that faulted. */
	assert_int_equal(r->n_frames, CRASH_FRAMES_MAX);
	assert_string_equal(r->frames[0], r->pc);
	free(r);
}

static void an_abort(void **state)
{
	(void)state;
	int status;
	struct crash_report *r = dies_by(false, &status);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_int_equal(r->signal, SIGABRT);
	assert_true(r->whole && !r->has_address);
	bool own = false;
	for (unsigned i = 0; i < r->n_frames; i++)
		own |= strncmp(r->frames[i], "prog+0x", 7) == 0;
	assert_true(own);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back), cmocka_unit_test(who_sent_it), cmocka_unit_test(a_place_that_cannot_be_written),
		cmocka_unit_test(torn_and_hostile), cmocka_unit_test(threads_have_a_signal_stack),
		cmocka_unit_test(a_stack_that_runs_over), cmocka_unit_test(an_abort),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
