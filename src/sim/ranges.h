/* The ranges from which the simulated firms draw noise, levels, sizes and
 * times: one table for the machines, one for what is planted, one for what is
 * normal and never worth a word. docs/demo-ranges.md is this file in prose;
 * detectors are written against it, the simulator draws from it. */
#ifndef MO_SIM_RANGES_H
#define MO_SIM_RANGES_H

#include <stdbool.h>
#include <stddef.h>

enum sim_firm { FIRM_MLD, FIRM_MCH, FIRM_MOT, SIM_FIRMS };
enum sim_door { DOOR_MODBUS, DOOR_PUSH, DOOR_CSV };

/* How often a signal speaks: per cycle, 1 Hz, every 10 s, every minute, by hand (paper). */
enum sim_rate { RATE_C, RATE_F, RATE_M, RATE_S, RATE_HAND };

/* What a signal does. N is one draw of mean 0, sigma 1. */
enum sim_model {
	SM_NOISE,    /* mean + sigma N, whatever the machine does (heaters stay on through stops) */
	SM_LOGNOISE, /* mean * exp(sigma N): mean is the median */
	SM_FOLLOWS,  /* running: mean + sigma N; idle, set-up or alarm: a; off: b (each with a hundredth of itself as noise) */
	SM_RHYTHM,   /* running: between a and b in the rhythm of the cycle, + sigma N; otherwise mean */
	SM_SAW,      /* from a to b within `mean` hours, then back at once, + sigma N */
	SM_DAY,      /* mean + a * sine of 24 h + sigma N */
	SM_LOAD,     /* compressor: a..b and back within `mean` seconds, + sigma N */
	SM_LOAD_ON,  /* compressor: loaded a, unloaded b, + sigma N */
	SM_FIFTH,    /* per cycle, every fifth part only: a slow saw-tooth stands on it (see NORMAL_TOOL_*) */
	SM_STATE,    /* machine state 0 off, 1 run, 2 idle, 3 alarm, 4 set-up */
	SM_ALARM,    /* alarm code, 0 none */
	SM_COUNT,    /* cycles since `mean` */
	SM_TOOL,     /* parts of the present insert: 0..a-1, integer */
	SM_OFFSET,   /* the operator's correction in µm, integer */
	SM_FIXED,    /* integer `mean` while the job lasts */
	SM_EVENTS,   /* integer that counts rare events since `mean` */
	SM_METER,    /* computed from the firm's machines: active power; the others follow it */
};

struct sim_signal {
	const char *name, *label, *unit; /* label: Korean; unit: as shown, "" none */
	enum sim_rate rate;
	enum sim_model model;
	double mean, sigma, a, b;
};
struct sim_machine_def {
	const char *code, *name; /* name: Korean */
	enum sim_firm firm;
	enum sim_door door;
	double cycle_s; /* 0: no cycles */
	const struct sim_signal *signals;
	size_t n_signals;
};
/* Every machine, meter and room sensor; NULL past the end. */
const struct sim_machine_def *sim_machine_at(size_t index);
const struct sim_machine_def *sim_machine_find(const char *code);
const struct sim_signal *sim_signal_find(const struct sim_machine_def *m, const char *name);
#define SIM_MACHINES 26u /* 20 machines, 3 meters, 3 rooms */
#define SIM_SIGNALS 298u

/* MLD-01's other item, MLD-02/03's other items: levels while that item runs (same sigma). */
struct sim_item_level {
	const char *machine, *item, *signal;
	double mean;
};
const struct sim_item_level *sim_item_level_at(size_t index);

/* Sizes and times that a seed may move, uniform in lo..hi. */
enum sim_range {
	/* normal, never to be reported */
	NORMAL_RESIN_SIGMA,     /* of peak pressure by resin lot, part of the level; cut at NORMAL_RESIN_CUT */
	NORMAL_RESIN_CUT,
	NORMAL_RESTART_SHOTS,   /* shots after a stop of 10 min or more that differ */
	NORMAL_RESTART_SIZE,    /* first of them, in sigmas of the signal; each next one 0.55 of the one before */
	NORMAL_TOOL_DRIFT,      /* MCH-02, µm a part */
	NORMAL_TOOL_CORRECTION, /* µm */
	NORMAL_TOOL_EVERY,      /* parts between corrections */
	NORMAL_MOULD_CHANGE,    /* min, state set-up */
	NORMAL_LOT_GAP,         /* MCH-06 between two lots that follow each other, min, state set-up */
	NORMAL_BLOCK,           /* h of one motor model */
	/* event 1 */
	BAD_PRESSURE,           /* MPa, level of the bad bag */
	BAD_CUSHION,            /* mm */
	BAD_METERING,           /* s, added */
	BAD_WEIGHT,             /* g, added */
	BAD_FORCE,              /* kN, level at MCH-06 */
	BAD_INSULATION,         /* MOhm, median */
	BAD_INSULATION_SIGMA,   /* of the logarithm */
	BAD_HIPOT,              /* mA, level */
	BAD_HIPOT_SIGMA,
	/* event 3: begins, minutes added to the scenario's; lengths, minutes added */
	STOP_BEGIN_JITTER,
	STOP_LENGTH_JITTER,
	/* event 6 */
	NIGHT_REPEATED,         /* part of the lines that come twice */
	NIGHT_CLOCK,            /* s that the gateway's clock is ahead while it is cut off */
	SIM_RANGES
};
struct sim_range_def {
	const char *name, *unit;
	double lo, hi;
};
const struct sim_range_def *sim_range(enum sim_range r);

/* Times of the scenario, seconds before T0 (negative: before). */
#define H(hours, minutes) (-((hours) * 3600L + (minutes) * 60L))
#define BAD_BAG_BEGIN H(44, 0)
#define BAD_BAG_SHOTS 260
#define BAD_DELIVERY_MCH H(30, 0)
#define BAD_PRESS_FIT H(21, 30)
#define BAD_PRESS_FIT_2 H(20, 40)
#define BAD_DELIVERY_MOT H(14, 0)
#define BAD_STATORS H(9, 0)
#define BAD_TESTS (H(5, 30))
#define BAD_MOTORS 41
#define BAD_FAILED 6
#define BAD_SCRAPPED_SHOTS 12
#define BAD_CRACKED 4
#define OTHER_FAILURES 8
#define STOP_MLD02_BEGIN H(75, 10)
#define STOP_MLD02_MIN 43
#define STOP_MCH03_BEGIN H(22, 28)
#define STOP_MCH03_MIN 38
#define STOP_MOT05_BEGIN H(15, 20)
#define STOP_MOT05_MIN 67
#define NIGHT_BEGIN H(58, 0)
#define NIGHT_END H(51, 30)
#define NIGHT_ARRIVED H(51, 0)
#define MAINTENANCE_BEGIN H(100, 0)
#define MAINTENANCE_END H(96, 0)

#endif
