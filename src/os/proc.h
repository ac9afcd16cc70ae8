/* Child processes (the helper, the demo's nodes), pipes, limits. */
#ifndef MO_OS_PROC_H
#define MO_OS_PROC_H

#include <sys/types.h>

#include "base/err.h"
#include "base/span.h"

struct proc_spawn {
	const char *path;          /* executable */
	const char *const *argv;   /* NULL-terminated */
	int fd_in, fd_out, fd_err; /* -1: /dev/null; otherwise becomes 0, 1, 2 of the child */
	uint64_t memory_limit_bytes; /* RLIMIT_AS; 0: none */
	/* Killed when the *thread* that spawned it ends (PR_SET_PDEATHSIG): spawn from one that lives as long as the child may. */
	bool die_with_parent;
};
/* Returns once the program runs: MO_ENOENT, MO_EDENIED ... when it cannot be executed; MO_ELIMIT: too many processes.
 * The child has our environment and working folder, no other descriptors, default signals. The caller waits for it. */
MO_MUST_USE int proc_spawn(pid_t *ret, const struct proc_spawn *s);
/* *ret_status as waitpid; MO_EAGAIN while it runs and !block; MO_ENOENT: no child of ours. */
MO_MUST_USE int proc_wait(pid_t pid, int *ret_status, bool block);
/* One process by its id, never a group. MO_ENOENT when it is gone. */
MO_MUST_USE int proc_kill(pid_t pid, int signal);
/* Read end, write end; close-on-exec, blocking. */
MO_MUST_USE int proc_pipe(int ret_fd[2]);
/* Folder of the running executable, malloc'ed; NULL without memory or /proc. */
char *proc_self_dir(void);
/* No core of this process or of one it starts: a core would hold keys and passwords. A limit of 0 would still let a program that takes cores
 * by a pipe have it; of 1 keeps the kernel from both (core(5), fs/coredump.c), and leaves the process open to a debugger of its owner. MO_EIO. */
MO_MUST_USE int proc_no_core(void);
/* Raises the number of files that may be open (RLIMIT_NOFILE) to at most `wanted`, as far as the hard limit goes; never lowers it. Gives what
 * holds from now on; 0: not known. */
uint64_t proc_raise_files(uint64_t wanted);
uint64_t proc_files_limit(void); /* 0: not known */
/* Bytes that this process made file systems write to their devices since it began (write_bytes of /proc/self/io: pages as they are made dirty,
 * journal and device's own writing not included; files that live in memory cost none). MO_EIO: not known. */
MO_MUST_USE int proc_written_bytes(uint64_t *ret);
/* Gives free memory of the heap back to the system (malloc_trim(3)): some milliseconds, in which threads that want memory wait. */
void proc_trim(void);
/* From /proc/self/smaps_rollup; 0 where not known. */
uint64_t proc_pss_bytes(void);

#endif
