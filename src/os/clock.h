/* The node's clock. REAL follows the operating system; SCALED runs 1..120
 * times as fast from a given start; STEPPED stands still until somebody
 * advances it. The last two exist only in a demo folder (DESIGN: clock and
 * zones). Thread-safe. Durations for time-outs are monotonic and always real. */
#ifndef MO_OS_CLOCK_H
#define MO_OS_CLOCK_H

#include "base/civil.h"
#include "base/err.h"

enum clock_mode { CLOCK_REAL, CLOCK_SCALED, CLOCK_STEPPED };
struct clock;

MO_MUST_USE int clock_new_real(struct clock **ret);
/* Starts at start_ns, standing still. */
MO_MUST_USE int clock_new_stepped(struct clock **ret, int64_t start_ns);
void clock_free(struct clock *c);

/* Node time, ns UTC; never goes backwards within one process. When the system's clock is set back, REAL goes on at 15/16 of the pace until
 * the two agree again, so that no two values get one time and nothing waits; it counts what was set back. */
int64_t clock_now(struct clock *c);
enum clock_mode clock_mode(struct clock *c);
double clock_scale(struct clock *c); /* 1 REAL, 0 STEPPED */
/* STEPPED only; MO_ESTATE otherwise, MO_EINVAL backwards. */
MO_MUST_USE int clock_advance(struct clock *c, int64_t to_ns);
/* STEPPED or SCALED -> SCALED from now on; scale 1..120 (MO_EINVAL). */
MO_MUST_USE int clock_run(struct clock *c, double scale);
/* SCALED -> STEPPED at its present time; nothing to do when STEPPED. MO_ESTATE: REAL. */
MO_MUST_USE int clock_halt(struct clock *c);
/* Real nanoseconds until node time t; 0 when past; INT64_MAX when STEPPED and in the future. */
int64_t clock_until(struct clock *c, int64_t t_ns);
/* How far the system's clock ran backwards under us, all jumps together, ns; seen only at readings. */
int64_t clock_backwards(struct clock *c);
/* How far node time is before the system's clock for that reason, ns; 0: they agree. */
int64_t clock_ahead(struct clock *c);

/* Blocks this thread, monotonic; <= 0 not at all. Never on the loop. */
void mono_sleep(int64_t duration_ns);
int64_t mono_now(void); /* monotonic ns of the machine */
int64_t wall_now(void); /* the system's clock, whatever the node's says */
int64_t cpu_now(void);  /* CPU ns of this process, all threads */

#endif
