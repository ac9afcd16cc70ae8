/* The motor maker: one line on a takt of 240 s. Motors are numbered from the
 * first of the 41 with a module from the bad containers; each machine's slots
 * are anchored so that their stators are wound from -9:00 and tested from
 * -5:30, and every other motor keeps its place in the row. */
#include "sim/build.h"

#include <stdlib.h>

#define TAKT (240 * SEC)
#define CURE (150 * MIN)
#define TRAY 60
#define PALLET 24
#define MAGNETS 48
#define BOX_ROTORS 40

enum { S_01, S_02, S_03, S_05, S_06, STATIONS };
static const char *const station_code[STATIONS] = {"MOT-01", "MOT-02", "MOT-03", "MOT-05", "MOT-06"};
static const int64_t station_work[STATIONS] = {230 * SEC, 230 * SEC, 234 * SEC, 228 * SEC, 210 * SEC};

/* The line's breaks; one that comes near the stop of MOT-05 is left out on the whole line, so that all machines lose the same slots. */
static void breaks(struct build *b, const struct plan_stop *stop)
{
	static const struct {
		long from_s, to_s;
		const char *why;
	} times[] = {{H(11, 40), H(11, 10), "청소·조회"}, {H(9, 50), H(9, 40), "휴식"}, {H(6, 10), H(5, 30), "식사"}, {H(1, 50), H(1, 40), "휴식"}};
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		for (int64_t t = grid_before(b->p->begin_ns, times[i].from_s * SEC + b->shift1_ns, 12); t < b->p->end_ns; t += 12 * HOUR) {
			int64_t to = t + (times[i].to_s - times[i].from_s) * SEC;
			if (!stop || to < stop->begin_ns - 15 * MIN || t > stop->end_ns + 35 * MIN)
				cut_add(b, t, to, CODE_OFF, 0, true, 9, times[i].why);
		}
}

static void line_states(struct build *b)
{
	const struct plan_stop *stop = NULL;
	for (size_t i = 0; i < b->p->n_stops; i++)
		if (b->p->stops[i].machine == plan_machine_index("MOT-05"))
			stop = &b->p->stops[i];
	for (size_t s = 0; s < STATIONS; s++) {
		breaks(b, stop);
		if (stop && s == S_05)
			cut_add(b, stop->begin_ns, stop->end_ns, stop->code, stop->alarm, false, 0, NULL);
		if (stop && s == S_06) /* nothing comes to be tested */
			cut_add(b, stop->begin_ns + 10 * MIN, stop->end_ns + 8 * MIN, CODE_IDLE, 0, false, 0, NULL);
		if (stop && s < S_05) /* the store before MOT-05 is full: cleaning is brought forward */
			cut_add(b, stop->begin_ns + 12 * MIN, stop->end_ns + 20 * MIN, CODE_OFF, 0, true, 3, "재공 상한, 청소 앞당김");
		size_t machine = plan_machine_index(station_code[s]);
		cuts_apply(b, machine);
		slots_fill(b, machine, TAKT);
		b->p->machine[machine].first_seq = 30000;
	}
	if (stop) {
		struct plan_stop *waits = &b->p->stops[b->p->n_stops++];
		*waits = (struct plan_stop){(uint32_t)plan_machine_index("MOT-06"), stop->begin_ns + 10 * MIN, stop->end_ns + 8 * MIN, CODE_IDLE, 0, "waiting", false};
	}
	static const char *const always[] = {"MOT-04", "MOT-PM", "MOT-RM"};
	for (size_t i = 0; i < 3; i++)
		cuts_apply(b, plan_machine_index(always[i]));
}

static struct motor *motor_at(struct build *b, size_t i) { return (struct motor *)b->motors.p + i; }

static void line_motors(struct build *b)
{
	const int64_t *slots[STATIONS];
	size_t anchor[STATIONS], n[STATIONS], least = SIZE_MAX;
	for (size_t s = 0; s < STATIONS; s++) {
		size_t machine = plan_machine_index(station_code[s]);
		slots[s] = b->slots[machine].p;
		n[s] = b->slots[machine].n;
		anchor[s] = slot_at(b, machine, (s < S_05 ? BAD_STATORS : BAD_TESTS) * SEC + b->shift1_ns);
	}
	anchor[S_02] += 1;
	anchor[S_05] -= 3;
	for (size_t s = 0; s < STATIONS; s++)
		least = anchor[s] < least ? anchor[s] : least;
	b->first_motor = -(int)least;
	for (size_t i = 0;; i++) {
		size_t at[STATIONS];
		for (size_t s = 0; s < STATIONS; s++)
			at[s] = anchor[s] - least + i;
		if (at[S_03] >= n[S_03] || at[S_02] >= n[S_02] || b->err)
			break;
		struct motor *m = vec_add(b, &b->motors);
		for (size_t s = 0; s < STATIONS; s++)
			m->start[s] = at[s] < n[s] ? slots[s][at[s]] : INT64_MAX;
		m->module = PLAN_NONE;
	}
}

/* Blocks of one model: the 41 are the last of a block of A; B follows as planned. */
static void line_models(struct build *b)
{
	int zero = -b->first_motor, n = (int)b->motors.n, at = zero + BAD_MOTORS;
	bool is_b = true;
	for (bool first = true; at < n; is_b = !is_b, first = false)
		for (int k = first ? draw_int(b, 110, 135) : is_b ? draw_int(b, 85, 130) : draw_int(b, 130, 195); k > 0 && at < n; k--, at++)
			motor_at(b, (size_t)at)->b = is_b;
	at = zero + BAD_MOTORS - 1;
	is_b = false;
	for (bool first = true; at >= 0; is_b = !is_b, first = false)
		for (int k = first ? draw_int(b, 141, 175) : is_b ? draw_int(b, 85, 130) : draw_int(b, 130, 195); k > 0 && at >= 0; k--, at--)
			motor_at(b, (size_t)at)->b = is_b;
}

static uint32_t module_new(struct build *b, bool is_b, int bad, int cracked, int64_t first_use_ns)
{
	struct module *m = vec_add(b, &b->modules);
	m->b = is_b;
	m->bad = bad;
	m->cracked = cracked;
	m->size = 40 - cracked;
	m->first_use_ns = first_use_ns;
	return b->modules.n ? (uint32_t)(b->modules.n - 1) : 0;
}

static int cracks(struct build *b) { return draw_unit(b) < 0.25 ? 1 : 0; }

/* Which module lot each stator takes its module from: in the order in which they were made, 40 or a little fewer each. */
static void line_modules(struct build *b)
{
	size_t zero = (size_t)-b->first_motor, n = b->motors.n;
	const struct plan_bad *bad = &b->p->bad;
	for (int model = 0; model < 2; model++) {
		uint32_t lot = PLAN_NONE;
		int left = 0, bad_lots = 0, bad_motors = 0;
		for (size_t i = model ? 0 : zero; i < n; i++) {
			struct motor *m = motor_at(b, i);
			if (m->b != (model == 1))
				continue;
			if (model == 0 && bad_motors == BAD_MOTORS)
				left = 0; /* what is left of the second bad lot is never used */
			if (left == 0) {
				bool is_bad = model == 0 && bad_lots < 2;
				lot = module_new(b, m->b, is_bad ? bad_lots + 1 : 0, is_bad ? bad->cracked[bad_lots] : cracks(b), m->start[S_03]);
				left = ((struct module *)b->modules.p + lot)->size;
				bad_lots += is_bad;
				if (model == 1 && bad_motors == 0) /* begun before the plan */
					left = draw_int(b, 5, left);
			}
			m->module = lot;
			left--;
			bad_motors++;
		}
		if (model == 1)
			continue;
		left = 0; /* back from the first of the 41: the lot before is used up just then */
		for (size_t i = zero; i-- > 0;) {
			struct motor *m = motor_at(b, i);
			if (m->b)
				continue;
			if (left == 0) {
				lot = module_new(b, false, 0, cracks(b), 0);
				left = ((struct module *)b->modules.p + lot)->size;
			}
			m->module = lot;
			((struct module *)b->modules.p + lot)->first_use_ns = m->start[S_03];
			left--;
		}
	}
}

void build_mot_line(struct build *b)
{
	line_states(b);
	line_motors(b);
	if (b->err) /* the motors are counted from the anchor: none may be missing */
		return;
	line_models(b);
	line_modules(b);
}

/* ---- what is written down about it ---- */

static const char *person(int64_t t_ns)
{
	int64_t two_hours = grid_before(t_ns, 0, 2) / (2 * HOUR);
	return two_hours % 2 ? "P-07" : "P-12";
}

static void op(struct build *b, size_t station, uint32_t lot, const char *step, const char *tool, int64_t start_ns, uint64_t seq)
{
	struct plan_rec *r = rec_op(b, FIRM_MOT, plan_machine_index(station_code[station]), step, lot, start_ns, start_ns + station_work[station], 1, NAN);
	r->person = person(start_ns);
	r->tool = tool;
	r->seq_first = r->seq_last = seq;
}

static uint64_t cycle_of(struct build *b, size_t station, uint32_t lot, int64_t start_ns, int nth, unsigned flags)
{
	size_t machine = plan_machine_index(station_code[station]);
	struct plan_cycle *c = cycle_add(b, machine, start_ns + station_work[station], lot);
	c->nth = nth;
	c->flags = (uint16_t)flags;
	return b->p->machine[machine].first_seq + b->cycles[machine].n - 1;
}

/* Eight motors of the week that fail for reasons of their own. */
static void choose_failures(struct build *b, unsigned *flags)
{
	size_t n = b->motors.n, zero = (size_t)-b->first_motor;
	int vibration = draw_int(b, 2, 5);
	for (int k = 0; k < OTHER_FAILURES;) {
		size_t i = (size_t)prng_below(&b->rng, n);
		const struct motor *m = motor_at(b, i);
		bool in_time = m->start[S_06] > -165 * HOUR && m->start[S_06] < -8 * HOUR;
		if (!in_time || flags[i] || (i >= zero && i < zero + BAD_MOTORS))
			continue;
		flags[i] = k < vibration ? CYCLE_VIBRATION : CYCLE_EMF;
		k++;
	}
}

static void test_records(struct build *b, const struct motor *m, uint32_t lot, unsigned flags, bool insulation_fails)
{
	static const struct {
		const char *signal;
		double lower, upper;
	} checks[] = {{"insulation", 100, NAN}, {"hipot", NAN, 5.0}, {"back_emf", 40.3, 42.7}, {"vibration", NAN, 1.8}};
	size_t machine = plan_machine_index("MOT-06");
	const struct sim_machine_def *d = sim_machine_at(machine);
	int64_t end = m->start[S_06] + station_work[S_06];
	uint64_t seq = b->p->machine[machine].first_seq + b->cycles[machine].n - 1;
	for (size_t i = 0; i < 4; i++) {
		bool fails = (i == 0 && insulation_fails) || (i == 2 && flags & CYCLE_EMF) || (i == 3 && flags & CYCLE_VIBRATION);
		const struct sim_signal *s = sim_signal_find(d, checks[i].signal);
		struct plan_rec *r = rec_char(b, FIRM_MOT, end, s->name, lot, NAN, s->unit, checks[i].lower, checks[i].upper, !fails);
		r->cycle = (uint32_t)(b->cycles[machine].n - 1);
		r->signal = (uint32_t)(s - d->signals);
		r->machine = (uint8_t)machine;
		r->seq_first = seq;
	}
	bool failed = insulation_fails || flags & (CYCLE_EMF | CYCLE_VIBRATION);
	rec_lot(b, FIRM_MOT, end, lot, failed ? RS_QUARANTINE : RS_OK, failed ? "MOT-QA" : "MOT-WH", 1, true);
}

static void motor_records(struct build *b, size_t i, unsigned flags)
{
	struct motor *m = motor_at(b, i);
	struct plan_bad *bad = &b->p->bad;
	int nth = b->first_motor + (int)i, number = 50000 + nth;
	bool is_41 = nth >= 0 && nth < BAD_MOTORS;
	bool is_bad = is_41 && bad->on;
	const struct module *module = (struct module *)b->modules.p + m->module;
	size_t tray = i / TRAY, pallet = i / PALLET;
	uint32_t rotor = add_lot(b, "MOT", build_text(b, "R%06d", number), "ROT", "EA", m->start[S_02] + station_work[S_02], 1);
	uint32_t stator = add_lot(b, "MOT", build_text(b, "S%06d", number), m->b ? "STA-B" : "STA-A", "EA", m->start[S_03] + station_work[S_03], 1);
	rec_lot(b, FIRM_MOT, m->start[S_01] - 3 * MIN, rotor, RS_OK, "MOT-01", NAN, false);
	uint64_t seq = cycle_of(b, S_01, rotor, m->start[S_01], nth, 0);
	op(b, S_01, rotor, "magnet insertion", NULL, m->start[S_01], seq);
	int64_t t = m->start[S_01] + station_work[S_01];
	if (tray < b->trays.n)
		rec_link(b, FIRM_MOT, t, ((struct tray *)b->trays.p)[tray].lot, rotor, 1, "EA");
	/* A box of 1,920 magnets makes 40 rotors. */
	if (i % BOX_ROTORS == 0) {
		int64_t received = t - draw_int(b, 30, 60) * HOUR;
		uint32_t box = add_lot(b, "MAG", build_text(b, "NDF-%05d", 31000 + (int)i / BOX_ROTORS), "MAG-48H", "EA", received - 40 * NS_PER_DAY, MAGNETS * BOX_ROTORS);
		rec_lot(b, FIRM_MOT, received, box, RS_OK, "MOT-WH", MAGNETS * BOX_ROTORS, true);
		struct plan_rec *r = rec_event(b, FIRM_MOT, received, "receipt", box, MAGNETS * BOX_ROTORS, "EA");
		r->partner = r->place = "MAG";
		r->to = "MOT-WH";
		m->rotor = box;
	} else
		m->rotor = motor_at(b, i - 1)->rotor; /* the box, while rotors are being made */
	rec_link(b, FIRM_MOT, t, m->rotor, rotor, MAGNETS, "EA");
	seq = cycle_of(b, S_02, rotor, m->start[S_02], nth, 0);
	op(b, S_02, rotor, "shaft press, balancing", NULL, m->start[S_02], seq);
	rec_lot(b, FIRM_MOT, m->start[S_02] + station_work[S_02], rotor, RS_OK, "MOT-WH", 1, true);

	rec_lot(b, FIRM_MOT, m->start[S_03] - 3 * MIN, stator, RS_OK, "MOT-03", NAN, false);
	seq = cycle_of(b, S_03, stator, m->start[S_03], nth, 0);
	op(b, S_03, stator, "winding, busbar fusing", draw_unit(b) < 0.5 ? "권선헤드 1" : "권선헤드 2", m->start[S_03], seq);
	t = m->start[S_03] + station_work[S_03];
	rec_link(b, FIRM_MOT, t, module->lot, stator, 1, "EA");
	rec_lot(b, FIRM_MOT, t, stator, RS_OK, "MOT-04", 1, true);
	struct plan_rec *cure = rec_op(b, FIRM_MOT, plan_machine_index("MOT-04"), "impregnation, curing", stator, m->start[S_03] + TAKT, m->start[S_03] + TAKT + CURE, 1, NAN);
	cure->person = person(m->start[S_03]);

	m->stator = stator;
	m->lot = PLAN_NONE;
	if (is_41)
		bad->stator[nth] = stator;
	if (m->start[S_05] == INT64_MAX)
		return;
	m->lot = add_lot(b, "MOT", build_text(b, "M60%c-%05d", m->b ? 'B' : 'A', number), m->b ? "MTR-60B" : "MTR-60A", "EA", m->start[S_05] + station_work[S_05], 1);
	if (is_41)
		bad->motor[nth] = m->lot;
	rec_lot(b, FIRM_MOT, m->start[S_05] - 3 * MIN, m->lot, RS_OK, "MOT-05", NAN, false);
	seq = cycle_of(b, S_05, m->lot, m->start[S_05], nth, 0);
	op(b, S_05, m->lot, "assembly, screws", NULL, m->start[S_05], seq);
	t = m->start[S_05] + station_work[S_05];
	rec_link(b, FIRM_MOT, t, rotor, m->lot, 1, "EA");
	rec_link(b, FIRM_MOT, t, stator, m->lot, 1, "EA");
	if (pallet < b->pallets.n)
		rec_link(b, FIRM_MOT, t, ((struct tray *)b->pallets.p)[pallet].lot, m->lot, 1, "EA");
	rec_lot(b, FIRM_MOT, t, m->lot, RS_OK, "MOT-06", 1, true);
	if (m->start[S_06] == INT64_MAX)
		return;
	seq = cycle_of(b, S_06, m->lot, m->start[S_06], nth, flags | (is_bad ? CYCLE_BAD : 0u));
	op(b, S_06, m->lot, "end-of-line test", NULL, m->start[S_06], seq);
	test_records(b, m, m->lot, flags, is_bad && bad->failed[nth]);
	if (is_41 && nth == 0) {
		bad->mot_begin_ns = m->start[S_06];
		bad->mot_seq = seq;
	}
	if (is_41 && nth == BAD_MOTORS - 1)
		bad->mot_end_ns = m->start[S_06] + station_work[S_06];
}

/* The modules beside the line: used one by one; what is left of the second bad lot is held after the third failure. */
static void module_places(struct build *b)
{
	struct plan_bad *bad = &b->p->bad;
	int *left = calloc(b->modules.n ? b->modules.n : 1, sizeof *left);
	if (!left) {
		b->err = MO_ENOMEM;
		return;
	}
	for (size_t i = 0; i < b->modules.n; i++)
		left[i] = ((struct module *)b->modules.p)[i].size;
	for (size_t i = 0; i < b->motors.n; i++) {
		const struct motor *m = motor_at(b, i);
		rec_lot(b, FIRM_MOT, m->start[S_03] + station_work[S_03], ((struct module *)b->modules.p)[m->module].lot, RS_OK, "MOT-LS", --left[m->module], false);
	}
	for (size_t i = 0; i < b->modules.n; i++)
		if (((struct module *)b->modules.p)[i].bad == 2)
			bad->mot_hold = left[i];
	free(left);
	int failures = 0;
	for (int k = 0; k < BAD_MOTORS && bad->on; k++) {
		if (!bad->failed[k] || ++failures != (bad->n_failed < 3 ? bad->n_failed : 3))
			continue;
		bad->hold_ns = motor_at(b, (size_t)(k - b->first_motor))->start[S_06] + station_work[S_06] + 6 * MIN;
		rec_lot(b, FIRM_MOT, bad->hold_ns, bad->module[1], RS_HOLD, "MOT-LS", bad->mot_hold, false);
		rec_event(b, FIRM_MOT, bad->hold_ns, "hold", bad->module[1], bad->mot_hold, "EA")->place = "MOT-LS";
		struct plan_rec *r = rec_event(b, FIRM_MOT, bad->hold_ns, "note", bad->module[1], NAN, NULL);
		r->machine = (uint8_t)plan_machine_index("MOT-06");
		r->text = "절연 NG 3EA 연속 발생, 잔여모듈 보류";
	}
}

void build_mot_records(struct build *b)
{
	if (b->err)
		return;
	unsigned *flags = calloc(b->motors.n ? b->motors.n : 1, sizeof *flags);
	if (!flags) {
		b->err = MO_ENOMEM;
		return;
	}
	choose_failures(b, flags);
	for (size_t i = 0; i < b->motors.n && !b->err; i++) {
		motor_records(b, i, flags[i]);
		if (flags[i] && b->p->n_other < OTHER_FAILURES)
			b->p->other_failures[b->p->n_other++] = motor_at(b, i)->lot;
	}
	free(flags);
	module_places(b);
}
