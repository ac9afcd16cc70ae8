/* Machine states and stops from signals: pure functions over columns. */
#ifndef MO_INSIGHT_STATES_H
#define MO_INSIGHT_STATES_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the machine itself says, as mapped by its device document. */
enum mcode { MCODE_OFF, MCODE_RUN, MCODE_IDLE, MCODE_ALARM, MCODE_SETUP, MCODES };
const char *mcode_name(enum mcode c); /* "off", "run", "idle", "alarm", "setup" */
/* As enum machine_state of the store, same order. */
enum istate { ISTATE_NO_DATA, ISTATE_RUNNING, ISTATE_WAITING, ISTATE_STOPPED, ISTATE_PLANNED, ISTATES };
struct istate_sample {
	int64_t t_ns;
	enum mcode code;
	int alarm; /* 0: none */
};
struct istate_span {
	int64_t from_ns, to_ns;
};
/* What istate_interval.alarm says besides an alarm's number (> 0) and none (0). */
#define ISTATE_SETUP (-1)         /* with ISTATE_PLANNED: the machine says set-up; a stop made of it is a changeover */
#define ISTATE_ALARM_UNKNOWN (-2) /* with ISTATE_STOPPED: the machine says alarm, but no number */
struct istate_interval {
	int64_t from_ns, to_ns;
	enum istate state;
	int alarm; /* of a stop: the first alarm seen, 0 none */
};
struct istate_rules {
	int64_t from_ns, to_ns;            /* range to answer for; samples just before from_ns are welcome */
	int64_t stale_ns;                  /* no sample for so long: no data since the last one (+ one usual interval) */
	const struct istate_span *planned; /* sorted, not overlapping: breaks, maintenance */
	size_t n_planned;
};
/* What a sample says holds until the next one:
 *   run -> RUNNING; set-up -> PLANNED with ISTATE_SETUP; idle -> WAITING; off -> STOPPED; alarm -> STOPPED with its number.
 *   Idle or off with an alarm's number is STOPPED with that number. Neighbours of the same state are one interval.
 * A planned span turns WAITING, STOPPED and NO_DATA into PLANNED; running stays running.
 * Samples sorted by time (of two at one time the later in the array holds). Fills up to cap intervals that cover [from, to)
 * without gap or overlap; *ret_n may be larger than cap (MO_ELIMIT). MO_EINVAL: samples or spans not sorted. */
MO_MUST_USE int istates(
        struct istate_interval *ret, size_t cap, size_t *ret_n, const struct istate_sample *s, size_t n, const struct istate_rules *r);

/* Neighbours that say the same are one: *last takes *next in, keeping the first alarm with a number; false: they stay two. */
bool istates_join(struct istate_interval *last, const struct istate_interval *next);

/* Stops out of intervals: begin = first sample that did not run, end = first that ran, or what ended it (planned, set-up, no data).
 *   - Planned and set-up intervals are stops of their own kinds.
 *   - The others, together at least min_ns long, are worth a case: a breakdown when an alarm stands anywhere in it, else waiting.
 *   - Less than rejoin_ns of running inside a stop belongs to it; a stop is not over before the machine has run that long.
 *   - No data is never a stop. A hole of less than min_ns between two parts of a stop is bridged; a longer one ends it.
 *   - A planned span with an alarm on both sides is bridged: the machine could not have run (the planned stop is told as well). */
enum stop_kind { STOP_BREAKDOWN, STOP_WAITING, STOP_PLANNED, STOP_CHANGEOVER, STOP_MICRO, STOP_KINDS };
const char *stop_kind_name(enum stop_kind k); /* "breakdown", "waiting", "planned", "changeover", "micro_stop" */
struct istop {
	int64_t from_ns, to_ns; /* to_ns == INT64_MAX while it lasts */
	enum stop_kind kind;
	int alarm;
};
struct istop_rules {
	int64_t min_ns; /* shorter unplanned ones are micro-stops */
	int64_t rejoin_ns;
};
/* in: as from istates(), sorted by time. Fills up to cap, sorted by begin; *ret_n may be larger than cap (MO_ELIMIT); n stops are always enough. */
MO_MUST_USE int istops(
        struct istop *ret, size_t cap, size_t *ret_n, const struct istate_interval *in, size_t n, const struct istop_rules *r);

#endif
