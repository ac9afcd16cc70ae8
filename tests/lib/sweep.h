/* Sweeps: a scenario is run again and again, each time with another of its operations failing, or with the power going there.
 *
 * A scenario is a function that makes its world, arms the pass (sweep_arm), does what is tried, disarms (sweep_disarm) and asks its oracle.
 * What stands here is the rest: how many operations there are (a first pass in which none fails says so), which of them a run takes, how an
 * operation is made to fail, how long a pass may take, what is printed.
 *
 * Which operations: all of a kind where there are no more than `least`; else every k-th, from an offset that differs from run to run, so that
 * runs together see all. Environment:
 *   MORU_SOAK=1             every operation; what went wrong is counted to the end instead of ending the sweep
 *   MORU_SWEEP_OFFSET=N     the offset (each run prints its own)
 *   MORU_SWEEP_KIND=K       only this kind (enum sweep_kind)
 *   MORU_SWEEP_ONE=K:N      only operation N of kind K; a pass that fails prints what to set, MORU_SWEEP_NAME included
 *   MORU_SWEEP_NAME=NAME    only the sweep of this name
 * One thread runs sweeps. Tests are declared by sweep_test(), so that an assertion that fails in a pass says in which. */
#ifndef MO_TESTS_SWEEP_H
#define MO_TESTS_SWEEP_H

#include "cm.h"
#include "faultalloc.h"

#include "os/memvfs.h"

#define SWEEP_NONE UINT64_MAX /* `nth` of the pass in which nothing fails */
#define SWEEP_PASS_S 100u     /* a pass that takes longer hangs: it is named, and the program ends */

enum sweep_kind {
	SWEEP_ONCE,     /* one file operation fails (MO_EIO) */
	SWEEP_FULL,     /* one finds the disk full */
	SWEEP_EVER,     /* one fails, and all after it */
	SWEEP_SHORT,    /* one fails; a write leaves its first part */
	SWEEP_CUT_SOME, /* the power goes; some of what was not synced is kept */
	SWEEP_CUT_ALL,  /* the power goes; what was not synced is lost */
	SWEEP_MEMORY,   /* an allocation of ours fails (faultalloc.h) */
	SWEEP_OTHER,    /* what `other` counts */
	SWEEP_KINDS
};
#define SWEEP_BIT(kind) (1u << (kind))
#define SWEEP_CUTS (SWEEP_BIT(SWEEP_CUT_SOME) | SWEEP_BIT(SWEEP_CUT_ALL))
#define SWEEP_FILES (SWEEP_CUTS | SWEEP_BIT(SWEEP_ONCE) | SWEEP_BIT(SWEEP_FULL) | SWEEP_BIT(SWEEP_EVER) | SWEEP_BIT(SWEEP_SHORT))
#define SWEEP_ALL (SWEEP_FILES | SWEEP_BIT(SWEEP_MEMORY))

/* Another thing that can fail: arm(n) has the n-th from now fail (0: none), count() says how many there were since. */
struct sweep_other {
	const char *name;
	void (*arm)(uint64_t nth);
	uint64_t (*count)(void);
};

/* One pass. sweep_arm() and sweep_disarm() fill the rest. */
struct sweep_pass {
	enum sweep_kind kind;
	uint64_t nth;  /* counted from the first sweep_arm(); SWEEP_NONE: none fails */
	uint64_t seed; /* for memvfs_new() */
	bool short_writes;
	const struct sweep_other *other;
	uint64_t ops;  /* how many there were while it was armed */
	bool fired;    /* the nth was among them */
	struct vfs *armed;
	uint64_t before;
};

struct sweep {
	const char *name;
	/* NULL: all is well; else what is wrong. It may fail by assertions as well. */
	const char *(*pass)(void *arg, struct sweep_pass *p);
	void *arg;
	unsigned kinds;      /* SWEEP_BIT()s */
	unsigned least;      /* passes of a kind, at least, where there are so many operations; 0: all */
	unsigned least_cuts; /* the same of a power cut; 0: as `least` */
	unsigned share;      /* sanitized programs are five times as slow: they take 1/share of `least`, and look for what the others cannot see; 0: 1 */
	unsigned ops_least;  /* fewer operations of a kind, and the scenario has been lost */
	bool short_writes;   /* SWEEP_FULL and SWEEP_EVER leave the first part of a write, too */
	const struct sweep_other *other;
};

/* What a sweep did. */
struct sweep_did {
	uint64_t passes, ops; /* of the last kind; ops: of its pass without a fault */
	bool whole;           /* no variable of the environment left something out: counts may be asserted */
};

/* Every kind in turn. Fails the test with the first pass that fails (MORU_SOAK: at the end). */
struct sweep_did sweep_run(const struct sweep *s);
/* Operations of the scenario count from here, and the nth fails. After sweep_disarm() it may be armed again: counting goes on. mem: the
 * files whose operations count; the other kinds do without. */
void sweep_arm(struct sweep_pass *p, struct vfs *mem);
/* Nothing fails any more, but that power which went stays away until sweep_cut(). Twice is once. */
void sweep_disarm(struct sweep_pass *p);
static inline bool sweep_is_cut(const struct sweep_pass *p) { return p->kind == SWEEP_CUT_SOME || p->kind == SWEEP_CUT_ALL; }
/* The power goes, whether an operation met it or not, and comes back; nothing where the kind is another. */
void sweep_cut(const struct sweep_pass *p, struct vfs *mem);
/* Asserts of the scenario's error: there is none where nothing failed, and one that is has words. */
void sweep_clean_error(const struct sweep_pass *p, int err, const struct diag *d);
const char *sweep_kind_name(const struct sweep_pass *p);
/* Differs from run to run; MORU_SWEEP_OFFSET. */
uint64_t sweep_offset(void);
/* MORU_SOAK */
bool sweep_soaks(void);

int sweep_told(void **state);
#define sweep_test(f) cmocka_unit_test_teardown(f, sweep_told)

#endif
