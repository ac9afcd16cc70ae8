/* Loaded before the C library (LD_PRELOAD) into a program under test: it names every call that changes a file by its *event*, such as
 * "sync log" or "rename segment", tells them (MORU_FAULT_TRACE), and ends the process by SIGKILL, or fails the call, at the one that
 * MORU_FAULT names.
 *
 * MORU_FAULT=ACTION:EVENT:N    the N-th event of that name, counted from 1; N+: from the N-th on
 *   ACTION: kill-before, kill-after, kill-half (of a write, half is done), eio, enospc
 *   EVENT:  create, write, sync, cut, reserve, rename, unlink, mkdir, read; a blank; the kind of file (kinds[] below); * is any kind.
 *           "poll other" is epoll_ctl(), by which a program says what it waits for: its failing makes libevent speak
 * MORU_FAULT_FLAG=PATH         nothing counts but while this file is there
 * MORU_FAULT_TRACE=PATH        appends a line "EVENT<TAB>PATH" for each event (reads are not told)
 *
 * SIGKILL ends a process and no machine: what was written and not synced is still there afterwards. A missing sync cannot be seen by
 * it; tests/fault has the file system that forgets. */
#include <errno.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))
#define PATH_BYTES 4096
#define EVENT_BYTES 64

enum action { NOTHING, KILL_BEFORE, KILL_HALF, KILL_AFTER, FAIL_EIO, FAIL_ENOSPC };
static const char *const action_name[] = {"", "kill-before", "kill-half", "kill-after", "eio", "enospc"};

/* What a path is, by a piece of it; the first that fits. */
static const struct {
	const char *piece, *kind;
} kinds[] = {{"/objects/", "piece"}, {"/snapshots/", "snapshot"}, {"/moru-backup", "target"}, {"/restoring", "restoring"}, {"/series/log-", "log"}, {"/series/seg-", "segment"},
	{"/series/manifest", "manifest"}, {"/series/catalogue", "catalogue"}, {"/store.db-wal", "wal"}, {"/store.db-journal", "journal"}, {"/store.db.v", "copy"},
	{"/store.db", "store"}, {"/blobs/", "blob"}, {"/secrets/", "key"}, {"/tls/", "key"}, {"/crashes/", "trace"}, {"/run/crash", "trace"}, {"/inbox/", "inbox"},
	{"/format", "format"}, {"/node.json", "identity"}, {"/moru.yaml", "settings"}};

static struct {
	_Atomic(int) state; /* 0 unread, 1 being read, 2 read */
	enum action action;
	char event[EVENT_BYTES];
	unsigned long at;
	bool onward;
	const char *flag;
	int trace;
	atomic_ulong seen;
} plan;
static _Thread_local bool merging; /* the segment that this thread writes is a merge of others */

static long raw_write(int fd, const void *p, size_t n) { return syscall(SYS_write, fd, p, n); }

static void read_plan(void)
{
	int unread = 0;
	if (!atomic_compare_exchange_strong(&plan.state, &unread, 1)) {
		while (atomic_load(&plan.state) != 2)
			(void)usleep(10);
		return;
	}
	const char *p = getenv("MORU_FAULT"), *trace = getenv("MORU_FAULT_TRACE");
	plan.flag = getenv("MORU_FAULT_FLAG");
	plan.trace = trace ? (int)syscall(SYS_open, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	const char *event = p ? strchr(p, ':') : NULL, *n = event ? strchr(event + 1, ':') : NULL;
	if (n && (size_t)(n - event) < sizeof plan.event) {
		for (int a = KILL_BEFORE; a <= FAIL_ENOSPC; a++)
			if (strncmp(p, action_name[a], (size_t)(event - p)) == 0 && action_name[a][event - p] == 0)
				plan.action = (enum action)a;
		memcpy(plan.event, event + 1, (size_t)(n - event - 1));
		char *end = NULL;
		plan.at = strtoul(n + 1, &end, 10);
		plan.onward = *end == '+';
	}
	if (p && (plan.action == NOTHING || plan.at == 0)) {
		static const char wrong[] = "filefault: MORU_FAULT makes no sense\n";
		(void)raw_write(2, wrong, sizeof wrong - 1);
		_exit(99);
	}
	atomic_store(&plan.state, 2);
}

static const char *kind_of(const char *path)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strstr(path, kinds[i].piece))
			return merging && strcmp(kinds[i].kind, "segment") == 0 ? "merged" : kinds[i].kind;
	return NULL;
}

static bool same(const char *event, const char *wanted)
{
	size_t n = strlen(wanted);
	return n && wanted[n - 1] == '*' ? strncmp(event, wanted, n - 1) == 0 : strcmp(event, wanted) == 0;
}

/* What is to happen at this call, which has not been made yet. */
static enum action begin(const char *what, const char *path)
{
	char event[EVENT_BYTES], line[PATH_BYTES + EVENT_BYTES + 2];
	if (atomic_load_explicit(&plan.state, memory_order_acquire) != 2)
		read_plan();
	if (plan.action == NOTHING && plan.trace < 0)
		return NOTHING;
	struct stat st;
	const char *kind = kind_of(path);
	if (plan.flag && syscall(SYS_access, plan.flag, F_OK) != 0)
		return NOTHING;
	if (!kind)
		kind = strcmp(what, "mkdir") == 0 || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) ? "folder" : "other";
	snprintf(event, sizeof event, "%s %s", what, kind);
	if (plan.trace >= 0 && strcmp(what, "read") != 0 && *path) {
		int n = snprintf(line, sizeof line, "%s\t%s\n", event, path);
		if (n > 0 && (size_t)n < sizeof line)
			(void)raw_write(plan.trace, line, (size_t)n);
	}
	if (plan.action == NOTHING || !same(event, plan.event))
		return NOTHING;
	unsigned long n = atomic_fetch_add(&plan.seen, 1) + 1;
	if (n != plan.at && !(plan.onward && n > plan.at))
		return NOTHING;
	if (plan.action == KILL_BEFORE)
		(void)kill(getpid(), SIGKILL);
	return plan.action;
}

static enum action begin_fd(const char *what, int fd)
{
	char link[64], path[PATH_BYTES];
	int e = errno;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = 0;
	if (n > 10 && strcmp(path + n - 10, " (deleted)") == 0)
		path[n - 10] = 0;
	errno = e;
	return n > 0 && path[0] == '/' && strncmp(path, "/dev/", 5) != 0 && strncmp(path, "/proc/", 6) != 0 ? begin(what, path) : NOTHING;
}

static bool fails(enum action a)
{
	if (a == FAIL_EIO || a == FAIL_ENOSPC)
		errno = a == FAIL_EIO ? EIO : ENOSPC;
	return a == FAIL_EIO || a == FAIL_ENOSPC;
}

static void end(enum action a)
{
	if (a == KILL_AFTER || a == KILL_HALF)
		(void)kill(getpid(), SIGKILL);
}

/* The next of that name behind this library. */
#define NEXT(type, name)                                        \
	static __typeof__(type) *next;                          \
	if (!next)                                              \
	*(void **)(&next) = dlsym(RTLD_NEXT, name)
#define THEN(expression)                \
	__typeof__(expression) r = (expression); \
	int e = errno;                  \
	end(a);                         \
	errno = e;                      \
	return r

SHOWN ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	NEXT(ssize_t(int, const void *, size_t, off_t), "pwrite64");
	uint64_t lo, hi;
	if (at == 0 && n >= 64 && memcmp(p, "morusSEG", 8) == 0) { /* docs/formats/series.md: flushes B to C */
		memcpy(&lo, (const char *)p + 24, 8);
		memcpy(&hi, (const char *)p + 32, 8);
		merging = lo != hi;
	}
	enum action a = begin_fd("write", fd);
	if (fails(a))
		return -1;
	THEN(next(fd, p, a == KILL_HALF ? n / 2 : n, at));
}

SHOWN ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	NEXT(ssize_t(int, void *, size_t, off_t), "pread64");
	return fails(begin_fd("read", fd)) ? -1 : next(fd, p, n, at);
}

SHOWN int fdatasync(int fd)
{
	NEXT(int(int), "fdatasync");
	enum action a = begin_fd("sync", fd);
	if (fails(a))
		return -1;
	THEN(next(fd));
}

SHOWN int fsync(int fd)
{
	NEXT(int(int), "fsync");
	enum action a = begin_fd("sync", fd);
	if (fails(a))
		return -1;
	THEN(next(fd));
}

SHOWN int ftruncate(int fd, off_t n)
{
	NEXT(int(int, off_t), "ftruncate64");
	enum action a = begin_fd("cut", fd);
	if (fails(a))
		return -1;
	THEN(next(fd, n));
}

SHOWN int fallocate(int fd, int mode, off_t at, off_t n)
{
	NEXT(int(int, int, off_t, off_t), "fallocate64");
	enum action a = begin_fd("reserve", fd);
	if (fails(a))
		return -1;
	THEN(next(fd, mode, at, n));
}

SHOWN int rename(const char *from, const char *to)
{
	NEXT(int(const char *, const char *), "rename");
	enum action a = begin("rename", to);
	if (fails(a))
		return -1;
	THEN(next(from, to));
}

SHOWN int unlink(const char *path)
{
	NEXT(int(const char *), "unlink");
	merging = false;
	enum action a = begin("unlink", path);
	if (fails(a))
		return -1;
	THEN(next(path));
}

SHOWN int mkdir(const char *path, mode_t mode)
{
	NEXT(int(const char *, mode_t), "mkdir");
	enum action a = begin("mkdir", path);
	if (fails(a))
		return -1;
	THEN(next(path, mode));
}

SHOWN int epoll_ctl(int set, int what, int fd, struct epoll_event *ev)
{
	NEXT(int(int, int, int, struct epoll_event *), "epoll_ctl");
	return fails(begin("poll", "")) ? -1 : next(set, what, fd, ev);
}

/* Only what makes a file: opening one changes nothing. */
static enum action opening(int dir, const char *path, int flags)
{
	return (flags & O_CREAT) && syscall(SYS_faccessat, dir, path, F_OK) != 0 ? begin("create", path) : NOTHING;
}

#define MODE(flags)                                             \
	mode_t mode = 0;                                        \
	if ((flags) & (O_CREAT | O_TMPFILE)) {                  \
		va_list ap;                                     \
		va_start(ap, flags);                            \
		mode = va_arg(ap, mode_t);                      \
		va_end(ap);                                     \
	}

SHOWN int open(const char *path, int flags, ...)
{
	NEXT(int(const char *, int, ...), "open64");
	MODE(flags)
	enum action a = opening(AT_FDCWD, path, flags);
	if (fails(a))
		return -1;
	THEN(next(path, flags, mode));
}

SHOWN int openat(int dir, const char *path, int flags, ...)
{
	NEXT(int(int, const char *, int, ...), "openat64");
	MODE(flags)
	enum action a = opening(dir, path, flags);
	if (fails(a))
		return -1;
	THEN(next(dir, path, flags, mode));
}
