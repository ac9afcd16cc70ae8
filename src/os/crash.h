/* What is left of a process that dies by its own fault. A file is opened while
 * all is well; a handler of SIGSEGV and its like writes into it what is known,
 * by async-signal-safe calls alone; the next start reads it. A file that is
 * there without such a part is told apart as well: the process ended without a
 * word (kill -9, a power cut). After an orderly end there is none.
 *
 *   moru-crash 1              first line; the next four stand from the start on
 *   version 0.1.0
 *   build 6f1c...             build id of the program (ELF note), hexadecimal
 *   pid 4711
 *   started 1763770000000000000   ns since 1970, UTC
 *   signal 11                 from here on: the handler's
 *   code 1                    si_code
 *   address 0x10              si_addr, where the kernel raised it
 *   sender 4700               si_pid, where a process sent it
 *   time 1763770100000000000
 *   thread 4713 worker        id and name
 *   pc moru+0x1f00            module and address within it (addr2line -e MODULE ADDRESS)
 *   note 1763770099000000000 error log_flush   last lines of the node's log, oldest first: codes alone, nobody's data
 *   frame moru+0x1eff         innermost first; of a caller the byte before the return address
 *   end
 *
 * The stack is walked by the unwinder of libgcc over .eh_frame, as C++ does it:
 * it needs no frame pointers, and goes through libraries that have none. It was
 * called once before, so that it has loaded what it needs. */
#ifndef MO_OS_CRASH_H
#define MO_OS_CRASH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define CRASH_FRAMES_MAX 48u
#define CRASH_NOTES 32u
#define CRASH_FILE_MAX 16384u /* bytes of the file */
#define CRASH_STACK_BYTES 65536u /* of a signal stack on which the handler runs */

/* ---- writing ---- */
struct crash;
/* program: what its own code is called in a trace; version: a word. */
MO_MUST_USE int crash_new(struct crash **ret, const char *program, const char *version);
/* Makes the file (mode 0600) and reserves its blocks; replaces what is there. Copies path. */
MO_MUST_USE int crash_open(struct crash *c, const char *path);
/* Any thread, never blocks: remembers a line of the log. Both texts must live for ever. */
void crash_note(struct crash *c, const char *level, const char *code);
/* From a signal handler, or a test: writes the trace. Another thread that comes here meanwhile never gets out again. info and context may be NULL. */
void crash_write(struct crash *c, int signal, const siginfo_t *info, const void *context);
/* An orderly end: the file goes. */
void crash_close(struct crash *c);
/* Not while a handler may still come. Leaves the file. NULL is fine. */
void crash_free(struct crash *c);
/* Has SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT of the whole process call fn, on the thread's signal stack: threads of thread_start() have one, the
 * calling one gets `stack` of n bytes. MO_EIO. */
MO_MUST_USE int crash_catch(void (*fn)(int signal, siginfo_t *info, void *context), void *stack, size_t n);
/* The end of such a handler: the default action of the signal, which ends the process. */
void crash_pass_on(int signal);

/* ---- reading ---- */
#define CRASH_WORD_MAX 64u
struct crash_line {
	int64_t t_ns;
	char level[8], code[CRASH_WORD_MAX];
};
struct crash_report {
	char version[CRASH_WORD_MAX], build[CRASH_WORD_MAX], thread[CRASH_WORD_MAX], pc[CRASH_WORD_MAX]; /* "" when not told */
	int64_t started_ns, t_ns; /* 0: not told */
	int64_t pid, thread_id, sender; /* 0: not told */
	int signal;   /* 0: it ended without a word */
	int code;
	bool has_address, whole; /* whole: the trace was written to its end */
	uint64_t address;
	unsigned n_frames, n_lines;
	char frames[CRASH_FRAMES_MAX][CRASH_WORD_MAX];
	struct crash_line lines[CRASH_NOTES];
};
/* Any bytes. Lines that make no sense, or are more than there may be, are left out; texts hold printable ASCII alone. MO_EINVAL: no such file;
 * MO_EVERSION: a newer one. */
MO_MUST_USE int crash_read(struct crash_report *ret, struct span text);
/* "SIGSEGV"; "signal" for one that has no name here. */
const char *crash_signal_name(int signal);

#endif
