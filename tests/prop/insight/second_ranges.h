/* A second factory, for an examination of the level detector (prop_second.c) over ranges that its maker had not seen: whoever wrote them
 * had read level.h and how a node feeds a detector, and neither level.c nor the families of signals it grew up with. The firm: gas
 * cartridges and camping stoves - die casting, heat treatment, a deep-drawing press, a seam welder, rubber seals, filling, paint, air
 * and cooling water. One week, Monday 00:00 to Sunday 24:00, values from a seed. Words, sizes and bars: docs/second-factory.md. */
#ifndef MO_TESTS_SECOND_RANGES_H
#define MO_TESTS_SECOND_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECOND_MACHINES 10u
#define SECOND_SIGNALS_MAX 10u /* of one machine */
#define SECOND_ITEMS_MAX 4u
#define SECOND_CHANGES 14u
#define SECOND_MINUTES 10080u
#define SECOND_CYCLES_MAX 8192u

/* What a signal does of itself; each class has its bar of false findings. */
enum second_class {
	SECOND_STEADY,  /* a level and noise: white, correlated, quantised, with outliers or holes */
	SECOND_SKEWED,  /* log-normal */
	SECOND_COURSE,  /* by the clock or the weather: day and night, hunting controllers, batches, tanks, load */
	SECOND_WANDER,  /* its level truly moves: wear and new tools, clogging, coils and mixtures */
	SECOND_PRODUCT, /* by the clock and the product's: every change of product is a step. No bar, counted apart */
	SECOND_CLASSES
};

/* Points are cycles, or minutes in which the machine runs. What is 0 is not there. */
struct second_signal {
	const char *name, *unit;
	enum second_class class;
	bool clock;                    /* one value a minute instead of one a cycle */
	double level;                  /* of the first item */
	double item[SECOND_ITEMS_MAX]; /* levels of the items over the first one's; 0: the same */
	double sigma, tau;             /* noise, correlated over tau points */
	double log_sigma;              /* log-normal: level x exp(log_sigma z) */
	double quantum;                /* step of the gauge */
	double ambient, lag_min;       /* unit per K of outside air about 24 °C, following with this lag */
	double load;                   /* between the halls at rest and in full work */
	double hunt, hunt_min;         /* amplitude and period of a controller */
	double batch, batch_min;       /* what loading does, gone by the next */
	double tank, tank_min;         /* from +tank down to -tank, then quickly filled (negative: up, then drained) */
	double duty, duty_min;         /* added while on; on for longer with more load */
	double wear, life;             /* over a tool's life in points, then a new tool */
	double drift;                  /* by the week's end, faster towards it */
	double lot, lot_len;           /* sigma between coils, mixtures; their length in points */
	double crew;                   /* early shift above the mean, late shift below */
	double warm, warm_tau;         /* after each start, gone after some tau points */
	double outlier_p, outlier;     /* share and size of outliers, to one side */
	double missing_p;
	const char *why;
};

enum second_calendar {
	SECOND_TWO,   /* Monday to Friday, 06:00 to 22:00, breaks */
	SECOND_ROUND, /* Monday 06:00 to Saturday 06:00 */
	SECOND_UTIL   /* Monday 05:00 to Saturday 07:00 */
};
struct second_machine {
	const char *code, *name;
	enum second_calendar calendar;
	double cycle_s; /* 0: no cycles. A press tells one stroke in a hundred: so this is the time between values */
	unsigned n_items;
	double lot_low, lot_high; /* cycles of one item in a row */
	double stops_day;         /* short stops */
	struct second_signal signals[SECOND_SIGNALS_MAX];
};
extern const struct second_machine second_machines[SECOND_MACHINES];
size_t second_n_signals(const struct second_machine *m);

struct second_change {
	const char *machine, *signal;
	double by;        /* in the signal's unit ... */
	double times;     /* ... or, of a log-normal one, the factor */
	double percent;   /* of the first item's level */
	double sigmas;    /* by / spread of single values (five-minute means), reckoned from the table */
	unsigned lasts;   /* points; 0: to the week's end */
	unsigned earlier; /* cycles of the same item before */
	unsigned within;  /* points by which a found begin may be off */
	bool must;        /* whether an honest detector has to find it */
	const char *cause;
};
extern const struct second_change second_changes[SECOND_CHANGES];

struct second_cycle {
	int64_t t_ns;
	uint16_t minute, since; /* of the week; cycles since the start */
	uint8_t item;
};
struct second_line {
	uint16_t ran[SECOND_MINUTES]; /* minutes since the start, from 1; 0: does not run */
	uint8_t item[SECOND_MINUTES];
	struct second_cycle cycles[SECOND_CYCLES_MAX];
	size_t n_cycles;
};
struct second_week {
	uint64_t seed;
	int64_t begin_ns;
	double air[SECOND_MINUTES], load[SECOND_MINUTES];
	struct second_line lines[SECOND_MACHINES];
	struct {
		size_t machine, signal, from, to; /* cycle or minute; the first after it */
	} begun[SECOND_CHANGES];
};

/* false: no place for a planted change, a defect of the tables. */
bool second_week_make(struct second_week *ret, uint64_t seed);
/* Fills ret by cycle, or by minute of the week (SECOND_MINUTES, NaN while it doesn't run); NaN where missing. plain: as if nothing had
 * changed, all else equal. */
void second_values(const struct second_week *w, size_t machine, size_t signal, bool plain, double *ret);

#endif
