/* What will happen in the three firms, drawn from one seed before the first
 * step: machine states, cycles, lots and records from eight hours before the
 * history to the end of the life planned. All times are nanoseconds relative
 * to T0 (negative: before). The plan never looks at a clock. */
#ifndef MO_SIM_PLAN_H
#define MO_SIM_PLAN_H

#include <math.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/civil.h"
#include "base/err.h"
#include "base/prng.h"
#include "sim/ranges.h"

#define PLAN_EVENTS 10u /* numbers 1..9 of the scenario */
#define PLAN_BEFORE_H 8
#define PLAN_NONE UINT32_MAX
#define PLAN_HISTORY_H_MAX 168
#define PLAN_LIFE_H_MAX 1000
#define PLAN_SHIFT_H_MAX 2.5

struct plan_opts {
	uint64_t seed;
	int life_h; /* how far past T0 the plan reaches */
	bool without[PLAN_EVENTS];
	bool halve[PLAN_EVENTS];
	double shift_h[PLAN_EVENTS]; /* positive: later; at most PLAN_SHIFT_H_MAX either way, whole minutes */
};

enum sim_code { CODE_OFF, CODE_RUN, CODE_IDLE, CODE_ALARM, CODE_SETUP };
/* A stretch of one state; a machine's cover the whole plan without gap. */
struct plan_seg {
	int64_t from_ns, to_ns;
	enum sim_code code;
	int alarm;
	bool planned; /* told to the node as planned_stop */
	const char *why;
};
enum cycle_flag {
	CYCLE_BAD = 1,     /* touched by the bad resin lot */
	CYCLE_SCRAP = 2,   /* shot or module scrapped */
	CYCLE_WEIGHED = 4, /* weighed by hand */
	CYCLE_EMF = 8,     /* this motor fails back-EMF */
	CYCLE_VIBRATION = 16
};
struct plan_cycle {
	int64_t end_ns;
	uint32_t lot;      /* index into lots */
	uint32_t stop;     /* number of the stop it follows, for the restart's offsets */
	float factor;      /* resin lot: part of the peak pressure */
	uint16_t after;    /* 1..5: the nth shot after that stop; 0 none */
	uint16_t flags;
	int32_t nth;       /* MOT: motor number relative to the first of the 41; MCH-02: parts of the insert */
};
struct plan_machine {
	const struct sim_machine_def *def;
	struct plan_seg *segs;
	size_t n_segs;
	struct plan_cycle *cycles;
	size_t n_cycles;
	uint64_t first_seq; /* number of cycles[0] */
};

struct plan_lot {
	const char *firm, *number, *item, *unit;
	int64_t made_ns;
	double quantity; /* when made */
};

enum rec_type { REC_LOT, REC_LINK, REC_OP, REC_EVENT, REC_CHAR };
#define REC_NO_STATE 0xFFu
enum rec_state { RS_OK, RS_HOLD, RS_QUARANTINE, RS_SHIPPED, RS_SCRAPPED };
struct plan_rec {
	int64_t t_ns; /* when it is sent, and the time of an event or characteristic */
	int64_t at_ns;/* event: its own time where it is told before */
	uint32_t id;
	uint8_t node, type, state, machine; /* state, machine: 0xFF none */
	int8_t pass;  /* 1, 0, -1 not said */
	bool made;    /* lot: with time and unit */
	uint32_t lot, other; /* other: child of a link */
	uint32_t cycle;      /* characteristic: value of this cycle ... */
	uint32_t signal;     /* ... and signal; PLAN_NONE: `value` */
	double value;        /* quantity or value; NaN none */
	double lower, upper; /* NaN none */
	const char *kind;    /* event's kind, operation's step, characteristic's name */
	const char *unit, *place, *to, *partner, *text, *tool, *person, *mould;
	int64_t start_ns, end_ns;
	double scrap;
	uint64_t seq_first, seq_last;
};

struct plan_stop {
	uint32_t machine;
	int64_t begin_ns, end_ns;
	enum sim_code code;
	int alarm;
	const char *kind; /* "breakdown", "waiting" */
	bool must;        /* planted; else a lawful consequence */
};

/* Event 1, in numbers that the truth and the tests read. */
struct plan_bad {
	bool on;
	int64_t begin_ns, end_ns;          /* MLD-01 */
	uint64_t mld_seq, mld_seq_end;     /* first bad shot, first good one after */
	int64_t mch_begin_ns, mch_end_ns;
	uint64_t mch_seq;
	int64_t mot_begin_ns, mot_end_ns;
	uint64_t mot_seq;
	uint32_t resin;                    /* lot */
	uint32_t container[16];
	size_t n_containers;
	uint32_t module[2];
	int cracked[2];
	uint32_t rack[4];
	uint32_t stator[BAD_MOTORS], motor[BAD_MOTORS];
	bool failed[BAD_MOTORS];
	double insulation[BAD_MOTORS], hipot[BAD_MOTORS];
	int n_failed;
	int scrapped, mld_stock, mch_waiting, mot_hold;
	int64_t hold_ns;
	/* sizes drawn */
	double pressure, cushion, metering, weight, force, ins_median, ins_sigma, hipot_level, hipot_sigma;
};

struct plan {
	struct plan_opts opts;
	struct arena arena;
	int64_t begin_ns, end_ns;
	struct plan_machine machine[SIM_MACHINES];
	struct plan_lot *lots;
	size_t n_lots;
	struct plan_rec *recs; /* sorted by t_ns */
	size_t n_recs;
	struct plan_stop stops[8];
	size_t n_stops;
	struct plan_bad bad;
	uint32_t other_failures[OTHER_FAILURES]; /* motor lots */
	size_t n_other;
	bool night_on;
	int64_t night_begin_ns, night_end_ns, night_arrived_ns;
	int64_t protective_ns[5]; /* MOT-05 before its stop */
	size_t n_protective;
};

/* MO_ENOMEM, MO_EINVAL (life_h, shift out of range). */
MO_MUST_USE int plan_new(struct plan **ret, const struct plan_opts *opts);
void plan_free(struct plan *p);
/* What the machine is at t; segs cover begin_ns..end_ns, outside it is off. */
const struct plan_seg *plan_seg_at(const struct plan *p, size_t machine, int64_t t_ns);
/* Number of cycles that ended at or before t. */
size_t plan_cycles_at(const struct plan *p, size_t machine, int64_t t_ns);
size_t plan_machine_index(const char *code); /* SIM_MACHINES when none */

#endif
