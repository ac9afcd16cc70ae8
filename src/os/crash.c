/* See crash.h: the writing half. Between the handler's first line and its last: no allocation, no lock, no stdio. */
#include "os/crash.h"

#include <elf.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/priv/oserr.h"

#define MODULES_MAX 64u
#define MODULE_NAME 40u
#define BUILD_ID_MAX 20u
#define RAW_FRAMES (CRASH_FRAMES_MAX + 8u) /* the handler's own come first */
#define SECONDS_MAX 5u /* an unwinder that hangs must not keep a dead process alive */

struct module {
	uintptr_t begin, end; /* of its code */
	uintptr_t base;       /* what its addresses are relative to */
	char name[MODULE_NAME];
};
struct note {
	_Atomic int64_t t_ns;
	_Atomic(const char *) level;
	_Atomic(const char *) code;
};
struct crash {
	int fd; /* -1: no file */
	char *path;
	const char *program;
	char version[CRASH_WORD_MAX];
	uint8_t build[BUILD_ID_MAX];
	size_t build_n;
	struct module modules[MODULES_MAX];
	unsigned n_modules;
	struct note notes[CRASH_NOTES];
	atomic_uint n_notes;
	atomic_flag entered;
	/* the handler's */
	off_t at;
	size_t n;
	char text[1024];
	void *raw[RAW_FRAMES];
};

/* ---- text without stdio ---- */
static void flush(struct crash *c)
{
	size_t done = 0;
	while (done < c->n && c->fd >= 0 && (size_t)c->at < CRASH_FILE_MAX) {
		ssize_t n = pwrite(c->fd, c->text + done, c->n - done, c->at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
		c->at += (off_t)n;
	}
	c->n = 0;
}

static void add(struct crash *c, const char *s)
{
	for (; *s; s++) {
		if (c->n == sizeof c->text)
			flush(c);
		c->text[c->n++] = *s;
	}
}

static void add_number(struct crash *c, uint64_t v, unsigned base)
{
	char digits[24];
	size_t at = sizeof digits;
	digits[--at] = 0;
	do {
		digits[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	add(c, digits + at);
}

static void add_int(struct crash *c, int64_t v)
{
	if (v < 0)
		add(c, "-");
	add_number(c, v < 0 ? UINT64_C(0) - (uint64_t)v : (uint64_t)v, 10);
}

static void add_row(struct crash *c, const char *name, int64_t v)
{
	add(c, name);
	add(c, " ");
	add_int(c, v);
	add(c, "\n");
}

static void add_place(struct crash *c, const char *name, uintptr_t address)
{
	const struct module *m = c->modules, *end = m + c->n_modules;
	while (m < end && (address < m->begin || address >= m->end))
		m++;
	add(c, name);
	add(c, " ");
	add(c, m < end ? m->name : "?");
	add(c, "+0x");
	add_number(c, m < end ? address - m->base : address, 16);
	add(c, "\n");
}

/* ---- made beforehand ---- */
static void read_build_id(struct crash *c, const struct dl_phdr_info *info, const ElfW(Phdr) *ph)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)(info->dlpi_addr + ph->p_vaddr), *end = p + ph->p_memsz;
	while ((size_t)(end - p) >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) h;
		memcpy(&h, p, sizeof h);
		p += sizeof h;
		size_t name = ((size_t)h.n_namesz + 3) & ~(size_t)3, desc = ((size_t)h.n_descsz + 3) & ~(size_t)3;
		if (name > (size_t)(end - p) || desc > (size_t)(end - p) - name)
			return;
		if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == sizeof ELF_NOTE_GNU && memcmp(p, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0 && h.n_descsz <= BUILD_ID_MAX) {
			memcpy(c->build, p + name, h.n_descsz);
			c->build_n = h.n_descsz;
			return;
		}
		p += name + desc;
	}
}

static int add_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct crash *c = arg;
	bool own = c->n_modules == 0; /* the program is the first */
	(void)size;
	for (unsigned i = 0; i < info->dlpi_phnum && c->n_modules < MODULES_MAX; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		if (own && ph->p_type == PT_NOTE && !c->build_n)
			read_build_id(c, info, ph);
		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		struct module *m = &c->modules[c->n_modules++];
		const char *slash = strrchr(info->dlpi_name, '/'), *name = own ? c->program : slash ? slash + 1 : info->dlpi_name;
		m->base = (uintptr_t)info->dlpi_addr;
		m->begin = m->base + (uintptr_t)ph->p_vaddr;
		m->end = m->begin + (uintptr_t)ph->p_memsz;
		for (size_t k = 0; k < MODULE_NAME - 1 && name[k]; k++)
			m->name[k] = name[k];
	}
	return 0;
}

int crash_new(struct crash **ret, const char *program, const char *version)
{
	struct crash *c = calloc(1, sizeof *c);
	if (!c)
		return MO_ENOMEM;
	c->fd = -1;
	c->program = program;
	for (size_t i = 0; i < sizeof c->version - 1 && version[i]; i++)
		c->version[i] = version[i];
	/* Loads the unwinder now: in the handler it must not. It is a module, too. */
	(void)backtrace(c->raw, 1);
	(void)dl_iterate_phdr(add_module, c);
	*ret = c;
	return 0;
}

int crash_open(struct crash *c, const char *path)
{
	char *copy = strdup(path);
	if (!copy)
		return MO_ENOMEM;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		int err = os_errno(errno);
		free(copy);
		return err;
	}
	free(c->path);
	c->path = copy;
	c->fd = fd;
	c->at = 0;
	/* So that a full disk does not swallow it; where that is not to be had, it is written all the same. */
	(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, CRASH_FILE_MAX);
	add(c, "moru-crash 1\nversion ");
	add(c, c->version);
	add(c, "\nbuild ");
	for (size_t i = 0; i < c->build_n; i++) {
		add_number(c, c->build[i] >> 4, 16);
		add_number(c, c->build[i] & 15, 16);
	}
	add(c, "\n");
	add_row(c, "pid", getpid());
	add_row(c, "started", wall_now());
	flush(c);
	return 0;
}

void crash_note(struct crash *c, const char *level, const char *code)
{
	struct note *n = &c->notes[atomic_fetch_add(&c->n_notes, 1) % CRASH_NOTES];
	atomic_store(&n->code, NULL); /* not whole */
	atomic_store(&n->t_ns, wall_now());
	atomic_store(&n->level, level);
	atomic_store(&n->code, code);
}

/* ---- the handler's ---- */
static uintptr_t program_counter(const void *context)
{
	const ucontext_t *u = context;
	if (!u)
		return 0;
#if defined(__x86_64__)
	return (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)u->uc_mcontext.pc;
#else
	return 0;
#endif
}

static void add_notes(struct crash *c)
{
	unsigned last = atomic_load(&c->n_notes), first = last > CRASH_NOTES ? last - CRASH_NOTES : 0;
	for (unsigned i = first; i < last; i++) {
		struct note *n = &c->notes[i % CRASH_NOTES];
		const char *level = atomic_load(&n->level), *code = atomic_load(&n->code);
		if (!level || !code)
			continue;
		add(c, "note ");
		add_int(c, atomic_load(&n->t_ns));
		add(c, " ");
		add(c, level);
		add(c, " ");
		add(c, code);
		add(c, "\n");
	}
}

static void add_frames(struct crash *c, uintptr_t pc)
{
	int n = backtrace(c->raw, (int)RAW_FRAMES), at = 0;
	while (at < n && (!pc || (uintptr_t)c->raw[at] != pc))
		at++;
	/* Frames before the one that faulted are the handler's. Not found: all of them, rather than none. */
	bool exact = at < n;
	unsigned said = 0;
	for (at = exact ? at : 0; at < n && said < CRASH_FRAMES_MAX; at++, said++) {
		/* A return address may stand on the line behind the call. */
		add_place(c, "frame", (uintptr_t)c->raw[at] - !(exact && said == 0));
		flush(c);
	}
}

void crash_write(struct crash *c, int signal, const siginfo_t *info, const void *context)
{
	char name[17] = "";
	struct timespec now = {0};
	uintptr_t pc = program_counter(context);
	int before = errno;
	while (atomic_flag_test_and_set(&c->entered))
		(void)pause();
	(void)alarm(SECONDS_MAX);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)prctl(PR_GET_NAME, name);
	add_row(c, "signal", signal);
	if (info) {
		add_row(c, "code", info->si_code);
		if (info->si_code > 0 && signal != SIGABRT) {
			add(c, "address 0x");
			add_number(c, (uintptr_t)info->si_addr, 16);
			add(c, "\n");
		} else if (info->si_code <= 0) {
			add_row(c, "sender", info->si_pid);
		}
	}
	add_row(c, "time", (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
	add(c, "thread ");
	add_int(c, syscall(SYS_gettid));
	add(c, " ");
	add(c, name);
	add(c, "\n");
	if (pc)
		add_place(c, "pc", pc);
	flush(c);
	add_notes(c);
	flush(c);
	/* Last: a stack that was overwritten may end us here. */
	add_frames(c, pc);
	add(c, "end\n");
	flush(c);
	(void)alarm(0);
	errno = before;
}

int crash_catch(void (*fn)(int signal, siginfo_t *info, void *context), void *stack, size_t n)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	struct sigaction act = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t s = {.ss_sp = stack, .ss_size = n};
	if (sigaltstack(&s, NULL) != 0)
		return MO_EIO;
	/* A fault in the handler is blocked then, and so ends the process at once. */
	(void)sigfillset(&act.sa_mask);
	(void)sigdelset(&act.sa_mask, SIGALRM);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		if (sigaction(faults[i], &act, NULL) != 0)
			return MO_EIO;
	return 0;
}

void crash_pass_on(int signal)
{
	struct sigaction act = {.sa_handler = SIG_DFL};
	sigset_t set;
	(void)sigaction(signal, &act, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, signal);
	(void)raise(signal);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + signal); /* where the default action does not end it */
}

/* ---- the end ---- */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		(void)fsync(fd); /* else a power cut within seconds makes it look as if there had been no orderly end: said, not more */
		(void)close(fd);
	}
	free(folder);
}

void crash_close(struct crash *c)
{
	if (c->fd < 0)
		return;
	(void)unlink(c->path);
	sync_folder(c->path);
	(void)close(c->fd);
	c->fd = -1;
}

void crash_free(struct crash *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c->path);
	free(c);
}
