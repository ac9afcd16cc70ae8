/* Which lots saw a condition: joins the moments at which it held at a machine
 * with the work that was done there. Pure; the caller reads values and
 * operations. */
#ifndef MO_LOTS_CONDITION_H
#define MO_LOTS_CONDITION_H

#include "base/arena.h"
#include "base/diag.h"

/* One operation at the machine. */
struct cond_work {
	int64_t lot;                  /* row id */
	int64_t start_ns, end_ns;     /* [start, end]; INT64_MAX: goes on */
	uint64_t seq_first, seq_last; /* cycles; both 0: not known */
};
struct cond_lot {
	int64_t lot;
	uint64_t times;             /* moments */
	int64_t first_ns, last_ns;  /* begin of the first and of the last */
};
struct condition;
/* Work is sorted here, in place, and stays the caller's; all else is the arena's. MO_ENOMEM. */
MO_MUST_USE int condition_new(struct condition **ret, struct arena *a, struct cond_work *work, size_t n);
/* The condition held in [from, to] (one cycle: from == to, with its number; else seq 0). In order of from. A lot saw it when it was
 * worked on then; where both numbers are known, the cycle must be the operation's own. */
void condition_held(struct condition *c, int64_t from_ns, int64_t to_ns, uint64_t seq);
/* The lots that saw it, in the order in which they did first; the arena's. */
MO_MUST_USE int condition_lots(const struct condition *c, const struct cond_lot **ret, size_t *ret_n, struct arena *a);

#endif
