/* Loaded before the C library (LD_PRELOAD) into a program under test: its clocks stand beside the PC's by what stands in the file that
 * MORU_CLOCK names, two 64-bit integers in this machine's order: nanoseconds that the wall clock is ahead, and nanoseconds that the
 * monotonic one is (that one must only grow). The file is looked at with every reading, so a test jumps while the program runs.
 * What the kernel waits for by itself is as long as ever: a deadline that the monotonic clock jumped over is noticed with the next
 * event. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))
#define NS INT64_C(1000000000)

static const int64_t *offsets(void)
{
	static _Atomic(const int64_t *) at;
	static const int64_t none[2];
	const int64_t *p = atomic_load(&at);
	if (p)
		return p;
	const char *path = getenv("MORU_CLOCK");
	int e = errno, fd = path ? (int)syscall(SYS_open, path, O_RDONLY | O_CLOEXEC) : -1;
	p = none;
	if (fd >= 0) {
		void *m = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
		if (m != MAP_FAILED)
			p = m;
		(void)close(fd);
	}
	errno = e;
	atomic_store(&at, p); /* two threads at once: two equal maps */
	return p;
}

static int64_t read_one(const int64_t *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }

static void add(struct timespec *t, int64_t ns)
{
	int64_t sum = (int64_t)t->tv_nsec + ns % NS;
	t->tv_sec += ns / NS + (sum < 0 ? -1 : sum / NS);
	t->tv_nsec = (sum + NS) % NS;
}

SHOWN int clock_gettime(clockid_t id, struct timespec *t)
{
	long r = syscall(SYS_clock_gettime, id, t);
	if (r != 0)
		return (int)r;
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		add(t, read_one(offsets()));
	else if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_MONOTONIC_RAW || id == CLOCK_BOOTTIME)
		add(t, read_one(offsets() + 1));
	return 0;
}

SHOWN int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;
	(void)zone;
	int r = clock_gettime(CLOCK_REALTIME, &now);
	if (r == 0)
		*t = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
	return r;
}

SHOWN time_t time(time_t *ret)
{
	struct timespec now;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}
