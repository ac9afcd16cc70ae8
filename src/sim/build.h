/* Building blocks of a plan, shared by plan*.c only. An allocation that fails
 * sets `err`; everything after it works on a scratch place and plan_new()
 * gives the error. */
#ifndef MO_SIM_BUILD_H
#define MO_SIM_BUILD_H

#include "sim/plan.h"

#define SEC NS_PER_S
#define MIN (60 * NS_PER_S)
#define HOUR (3600 * NS_PER_S)

struct vec {
	void *p;
	size_t n, cap, size;
};
/* A stretch taken out of a machine's running time; the lower rank wins where two meet. */
struct cut {
	int64_t from_ns, to_ns;
	enum sim_code code;
	int alarm;
	bool planned;
	int rank;
	const char *why;
};
struct container {
	uint32_t lot;
	int64_t made_ns;
	bool b, full, bad, used; /* b: HLD-B */
};
struct module {
	bool b;
	int bad;              /* 0, 1 or 2: first or second of the bad lots */
	int size, cracked;    /* good ones */
	int64_t first_use_ns; /* at MOT-03 */
	int64_t start_ns, made_ns, delivered_ns;
	uint32_t lot;
};
struct motor {
	int64_t start[6]; /* at MOT-01, 02, 03, 04, 05, 06; PLAN_TIME_NONE when beyond the plan */
	bool b;
	uint32_t module, rotor, stator, lot;
};
struct tray {
	uint32_t lot;
	int64_t made_ns, delivered_ns;
};
struct build {
	struct plan *p;
	int err;
	struct prng rng;
	struct vec lots, recs, cuts, segs[SIM_MACHINES], cycles[SIM_MACHINES], slots[SIM_MACHINES];
	struct vec containers, modules, motors, trays, pallets;
	int64_t shift1_ns, shift3_ns;
	int first_motor; /* relative to the first of the 41 */
	uint64_t scratch[64];
};

double draw(struct build *b, enum sim_range r);
double draw_unit(struct build *b);
int draw_int(struct build *b, int lo, int hi); /* both included */

void *vec_add(struct build *b, struct vec *v); /* zeroed */
const char *build_text(struct build *b, const char *fmt, ...) MO_PRINTF(2, 3);

uint32_t add_lot(struct build *b, const char *firm, const char *number, const char *item, const char *unit, int64_t made_ns, double quantity);
struct plan_lot *lot_of(struct build *b, uint32_t lot);

/* Records; the caller fills in what else it has. */
struct plan_rec *rec_lot(struct build *b, enum sim_firm node, int64_t t_ns, uint32_t lot, unsigned state, const char *place, double quantity, bool made);
struct plan_rec *rec_link(struct build *b, enum sim_firm node, int64_t t_ns, uint32_t parent, uint32_t child, double quantity, const char *unit);
struct plan_rec *rec_op(struct build *b, enum sim_firm node, size_t machine, const char *step, uint32_t lot, int64_t start_ns, int64_t end_ns, double good, double scrap);
struct plan_rec *rec_event(struct build *b, enum sim_firm node, int64_t t_ns, const char *kind, uint32_t lot, double quantity, const char *unit);
struct plan_rec *rec_char(struct build *b, enum sim_firm node, int64_t t_ns, const char *name, uint32_t lot, double value, const char *unit, double lower, double upper, int pass);

void cut_add(struct build *b, int64_t from_ns, int64_t to_ns, enum sim_code code, int alarm, bool planned, int rank, const char *why);
/* Times that repeat every `period` hours: from..to are seconds relative to T0 of one of them. */
void cut_daily(struct build *b, int period_h, int64_t from_s, int64_t to_s, int64_t shift_ns, const char *why);
/* Turns the cuts into the machine's segments and forgets them. A planned cut that comes within ten minutes of one of lower rank is
 * cut short, or left out where less than ten minutes remain. */
void cuts_apply(struct build *b, size_t machine);
void seg_add(struct build *b, size_t machine, int64_t from_ns, int64_t to_ns, enum sim_code code, int alarm, bool planned, const char *why);
struct plan_cycle *cycle_add(struct build *b, size_t machine, int64_t end_ns, uint32_t lot);
/* Fills the running time with cycles of takt_ns: start times into slots. */
void slots_fill(struct build *b, size_t machine, int64_t takt_ns);
/* Index of the first slot that starts at or after t. */
size_t slot_at(const struct build *b, size_t machine, int64_t t_ns);
/* The latest time of a grid (grid_s relative to T0, every period_h) at or before / at or after t. */
int64_t grid_before(int64_t t_ns, int64_t grid_ns, int period_h);
int64_t grid_after(int64_t t_ns, int64_t grid_ns, int period_h);

void build_mld(struct build *b);
void build_mot_line(struct build *b);     /* states, slots, motors, models, module lots needed */
void build_mch_modules(struct build *b);  /* MCH-06, racks, containers used */
void build_mch_rest(struct build *b);
void build_mot_records(struct build *b);

#endif
