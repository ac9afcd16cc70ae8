#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/priv/oserr.h"
#include "os/thread.h"

#define FIRST_FREE_FD 3
#define PATH_BYTES_FIRST 256u
#define PATH_BYTES_MAX 65536u
#define ROLLUP_BYTES 4096u

extern char **environ;

/* What the child needs, made before the fork: it may call async-signal-safe functions only. */
struct child {
	const struct proc_spawn *s;
	pid_t parent;
	int fd_error; /* close-on-exec: an errno comes through it, or the end when exec worked */
};

/* A descriptor over 2 for each place, so that no dup2 covers one that is still wanted. */
static int lift(int fd, int null_flags)
{
	if (fd >= 0)
		return fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	int null = open("/dev/null", null_flags | O_CLOEXEC);
	if (null < 0 || null >= FIRST_FREE_FD)
		return null;
	return fcntl(null, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
}

static int prepare(const struct child *c)
{
	const struct proc_spawn *s = c->s;
	int from[3];
	struct sigaction act = {.sa_handler = SIG_DFL};
	struct rlimit limit = {s->memory_limit_bytes, s->memory_limit_bytes};
	sigset_t none;
	if (s->die_with_parent) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
			return -1;
		/* It may have died before we asked. */
		if (getppid() != c->parent) {
			errno = ESRCH;
			return -1;
		}
	}
	from[0] = lift(s->fd_in, O_RDONLY);
	from[1] = lift(s->fd_out, O_WRONLY);
	from[2] = lift(s->fd_err, O_WRONLY);
	for (int i = 0; i < 3; i++)
		if (from[i] < 0 || dup2(from[i], i) < 0)
			return -1;
	/* Ours are all close-on-exec; a library's may not be. Old kernels lack it, and then only that belt is missing. */
#ifdef SYS_close_range
	(void)syscall(SYS_close_range, (unsigned)FIRST_FREE_FD, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
#endif
	if (s->memory_limit_bytes && setrlimit(RLIMIT_AS, &limit) != 0)
		return -1;
	/* Ignored signals and the mask would be inherited. */
	for (int i = 1; i < NSIG; i++)
		if (i != SIGKILL && i != SIGSTOP)
			(void)sigaction(i, &act, NULL);
	(void)sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void run_child(const struct child *c)
{
	(void)thread_rank(THREAD_USUAL); /* an urgent thread's rank is its own */
	if (prepare(c) == 0)
		(void)execve(c->s->path, (char *const *)(uintptr_t)c->s->argv, environ);
	int e = errno;
	while (write(c->fd_error, &e, sizeof e) < 0 && errno == EINTR) {
	}
	_exit(127);
}

/* No inlining: the child of vfork() runs on this frame, and nothing else may live in it. */
static __attribute__((noinline)) pid_t start_child(const struct child *c)
{
	pid_t pid = vfork();
	if (pid == 0)
		run_child(c);
	return pid;
}

/* 0 when the other end closed without a word: exec worked. */
static int read_errno(int fd)
{
	int e = 0;
	ssize_t n;
	do
		n = read(fd, &e, sizeof e);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof e ? e : 0;
}

int proc_spawn(pid_t *ret, const struct proc_spawn *s)
{
	int fd[2] = {-1, -1};
	sigset_t all, before;
	int r = proc_pipe(fd);
	if (r)
		return r;
	/* The child's end must not lie where its own 0, 1, 2 will be. */
	int lifted = fcntl(fd[1], F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	int e = errno;
	(void)close(fd[1]);
	if (lifted < 0) {
		(void)close(fd[0]);
		return os_errno(e);
	}
	struct child c = {s, getpid(), lifted};
	/* No handler may run in the child while it shares our memory. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = start_child(&c);
	e = errno;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)close(lifted);
	if (pid > 0) {
		e = read_errno(fd[0]);
		if (e) {
			int status = 0;
			r = proc_wait(pid, &status, true);
		}
	}
	(void)close(fd[0]);
	if (pid < 0 || e)
		return e == EAGAIN ? MO_ELIMIT : os_errno(e);
	*ret = pid;
	return 0;
}

int proc_wait(pid_t pid, int *ret_status, bool block)
{
	int status = 0;
	pid_t got;
	do
		got = waitpid(pid, &status, block ? 0 : WNOHANG);
	while (got < 0 && errno == EINTR);
	if (got == 0)
		return MO_EAGAIN;
	if (got < 0)
		return errno == ECHILD ? MO_ENOENT : os_errno(errno);
	*ret_status = status;
	return 0;
}

int proc_kill(pid_t pid, int signal)
{
	/* 0 and negative numbers would mean groups of processes. */
	if (pid <= 0)
		return MO_EINVAL;
	if (kill(pid, signal) == 0)
		return 0;
	return errno == ESRCH ? MO_ENOENT : os_errno(errno);
}

int proc_pipe(int ret_fd[2])
{
	int fd[2];
	if (pipe2(fd, O_CLOEXEC) != 0)
		return os_errno(errno);
	ret_fd[0] = fd[0];
	ret_fd[1] = fd[1];
	return 0;
}

char *proc_self_dir(void)
{
	for (size_t cap = PATH_BYTES_FIRST; cap <= PATH_BYTES_MAX; cap *= 2) {
		char *p = malloc(cap);
		if (!p)
			return NULL;
		ssize_t n = readlink("/proc/self/exe", p, cap);
		if (n > 0 && (size_t)n < cap) {
			p[n] = 0;
			char *slash = strrchr(p, '/');
			if (slash) {
				slash[slash == p ? 1 : 0] = 0;
				return p;
			}
		}
		free(p);
		if (n <= 0)
			return NULL;
	}
	return NULL;
}

int proc_no_core(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_CORE, &l) != 0)
		return MO_EIO;
	l.rlim_max = l.rlim_max < 1 ? l.rlim_max : 1;
	l.rlim_cur = l.rlim_max;
	return setrlimit(RLIMIT_CORE, &l) == 0 ? 0 : MO_EIO;
}

uint64_t proc_files_limit(void)
{
	struct rlimit l;
	return getrlimit(RLIMIT_NOFILE, &l) == 0 ? (uint64_t)l.rlim_cur : 0;
}

uint64_t proc_raise_files(uint64_t wanted)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return 0;
	if (l.rlim_cur < wanted && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max < wanted ? l.rlim_max : (rlim_t)wanted;
		if (setrlimit(RLIMIT_NOFILE, &l) != 0)
			return proc_files_limit();
	}
	return (uint64_t)l.rlim_cur;
}

void proc_trim(void) { (void)malloc_trim(0); }

/* The beginning of a file of /proc as text; false: none. */
static bool read_proc(const char *path, char *text, size_t size)
{
	size_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (n < size - 1) {
		ssize_t k = read(fd, text + n, size - 1 - n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	(void)close(fd);
	text[n] = 0;
	return n > 0;
}

int proc_written_bytes(uint64_t *ret)
{
	static const char key[] = "\nwrite_bytes:";
	char text[ROLLUP_BYTES];
	const char *p = read_proc("/proc/self/io", text, sizeof text) ? strstr(text, key) : NULL;
	if (!p)
		return MO_EIO;
	*ret = strtoull(p + strlen(key), NULL, 10);
	return 0;
}

uint64_t proc_pss_bytes(void)
{
	char text[ROLLUP_BYTES];
	if (!read_proc("/proc/self/smaps_rollup", text, sizeof text))
		return 0;
	const char *p = strstr(text, "\nPss:");
	if (!p)
		return 0;
	uint64_t kb = strtoull(p + strlen("\nPss:"), NULL, 10);
	return kb <= UINT64_MAX / 1024 ? kb * 1024 : 0;
}
