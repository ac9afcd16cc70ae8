/* What a machine that sends by itself sends, as InfluxDB line protocol:
 *   MCH-06 _cycle=71003i,force=2.11,distance=14.2,lot="BBM-A-1000" 1763770000000000000
 *   MCH-06 power=2.9,air_pressure=0.55,state=1i,alarm=0i 1763770020000000000
 * One line for each cycle; a line every 10 s with what is measured then, with
 * the slow signals and the state every minute; the state also at once when it
 * changes. No two lines of a machine have the same kind and time. */
#ifndef MO_SIM_LINEPROTO_H
#define MO_SIM_LINEPROTO_H

#include "base/buf.h"
#include "sim/values.h"

/* Called for each line, which lies in out from `at` to its end, '\n' included. */
typedef void (*line_seen)(void *arg, const struct buf *out, size_t at, int64_t t_ns);

/* Appends all lines with from < t <= to (relative to T0); times written are t + t0 + ahead. Gives the number of values (fields but _cycle). */
uint64_t lineproto_machine(struct buf *out, const struct plan *p, size_t machine, int64_t from_ns, int64_t to_ns, int64_t t0_ns, int64_t ahead_ns,
	line_seen seen, void *arg);

#endif
