/* What must hold for every seed: the numbers of the scenario, exact by
 * construction, and that nothing is used before it exists. */
#include "cm.h"

#include <math.h>
#include <stdlib.h>

#include "sim/truth.h"
#include "sim/values.h"

#define HOUR (3600 * NS_PER_S)
#define SEEDS 200
#define SEEDS_PERTURBED 6

static struct plan *plan_of(const struct plan_opts *o)
{
	struct plan *p = NULL;
	assert_int_equal(plan_new(&p, o), 0);
	return p;
}

/* Sums of a walk over the plan's own records, as a node would see them. */
struct seen {
	double scrap, cracked;/* operations */
	double stock, waiting, hold;
	int stators, motors;
};

/* One pass over the records, so that 200 seeds stay quick. */
struct view {
	const struct plan *p;
	uint32_t *last[SIM_FIRMS]; /* per lot: its last record until T0 that says a quantity, + 1 */
	uint32_t *link[SIM_FIRMS]; /* per lot: its last link as parent, + 1 */
	uint32_t *before;          /* per record: the parent's link before it, + 1 */
	uint32_t *op;              /* per lot: its first operation, + 1 */
};

static void view_open(struct view *v, const struct plan *p)
{
	v->p = p;
	v->before = calloc(p->n_recs, sizeof *v->before);
	v->op = calloc(p->n_lots, sizeof *v->op);
	assert_non_null(v->before);
	assert_non_null(v->op);
	for (size_t f = 0; f < SIM_FIRMS; f++) {
		v->last[f] = calloc(p->n_lots, sizeof **v->last);
		v->link[f] = calloc(p->n_lots, sizeof **v->link);
		assert_non_null(v->last[f]);
		assert_non_null(v->link[f]);
	}
	for (size_t i = 0; i < p->n_recs; i++) {
		const struct plan_rec *r = &p->recs[i];
		if (r->type == REC_LOT && r->t_ns <= 0 && !isnan(r->value))
			v->last[r->node][r->lot] = (uint32_t)i + 1;
		if (r->type == REC_LINK) {
			v->before[i] = v->link[r->node][r->lot];
			v->link[r->node][r->lot] = (uint32_t)i + 1;
		}
		if (r->type == REC_OP && !v->op[r->lot])
			v->op[r->lot] = (uint32_t)i + 1;
	}
}

static void view_close(struct view *v)
{
	for (size_t f = 0; f < SIM_FIRMS; f++) {
		free(v->last[f]);
		free(v->link[f]);
	}
	free(v->before);
	free(v->op);
}

static const struct plan_rec *last_of(const struct view *v, enum sim_firm node, uint32_t lot)
{
	assert_true(v->last[node][lot] > 0);
	return &v->p->recs[v->last[node][lot] - 1];
}

static int children(const struct view *v, enum sim_firm node, uint32_t parent, uint32_t *out, int most)
{
	int n = 0;
	for (uint32_t i = v->link[node][parent]; i; i = v->before[i - 1]) {
		assert_true(n < most);
		out[n++] = v->p->recs[i - 1].other;
	}
	return n;
}

static double op_scrap(const struct view *v, uint32_t lot)
{
	assert_true(v->op[lot] > 0);
	return v->p->recs[v->op[lot] - 1].scrap;
}

/* Node by node, by the suppliers' lot numbers, as the check does it. */
static void walk(const struct view *v, struct seen *s)
{
	uint32_t box[64], module[64], stator[128], motor[4];
	memset(s, 0, sizeof *s);
	int n = children(v, FIRM_MLD, v->p->bad.resin, box, 64);
	for (int i = 0; i < n; i++) {
		const struct plan_rec *r = last_of(v, FIRM_MLD, box[i]);
		s->scrap += op_scrap(v, box[i]);
		if (r->state != RS_SHIPPED) {
			assert_string_equal(r->place, "MLD-WH");
			s->stock += r->value;
			continue;
		}
		const struct plan_rec *at_mch = last_of(v, FIRM_MCH, box[i]);
		int m = children(v, FIRM_MCH, box[i], module, 64);
		if (m == 0) {
			assert_string_equal(at_mch->place, "MCH-WH");
			s->waiting += at_mch->value;
		}
		for (int k = 0; k < m; k++) {
			s->cracked += op_scrap(v, module[k]);
			const struct plan_rec *at_mot = last_of(v, FIRM_MOT, module[k]);
			assert_string_equal(at_mot->place, "MOT-LS");
			if (at_mot->state == RS_HOLD)
				s->hold += at_mot->value;
			int st = children(v, FIRM_MOT, module[k], stator, 128);
			s->stators += st;
			for (int j = 0; j < st; j++)
				s->motors += children(v, FIRM_MOT, stator[j], motor, 4);
		}
	}
}

static void scenario(const struct view *v)
{
	const struct plan *p = v->p;
	const struct plan_bad *b = &p->bad;
	struct seen s;
	walk(v, &s);
	assert_int_equal(b->end_ns - b->begin_ns, 260 * 42 * NS_PER_S);
	assert_int_equal(b->mld_seq_end - b->mld_seq, 260);
	assert_true(fabs(s.scrap - 24) < 1e-9);
	assert_true(fabs(s.stock - 376) < 1e-9);
	assert_true(fabs(s.waiting - 40) < 1e-9);
	assert_true(fabs(s.cracked - 4) < 1e-9);
	assert_true(fabs(s.hold - 35) < 1e-9);
	assert_int_equal(s.stators, 41);
	assert_int_equal(s.motors, 41);
	assert_true(fabs(s.scrap + s.stock + s.waiting + s.cracked + s.hold + s.motors - 520) < 1e-9);
	assert_int_equal(p->n_other, 8);
	assert_true(b->hold_ns > b->mot_begin_ns && b->hold_ns < b->mot_end_ns + HOUR);
}

static void times(const struct plan *p)
{
	const struct plan_bad *b = &p->bad;
	int64_t shift = (int64_t)(p->opts.shift_h[1] * (double)HOUR);
	assert_int_equal(b->begin_ns, BAD_BAG_BEGIN * NS_PER_S + shift);
	assert_int_equal(b->mch_begin_ns, BAD_PRESS_FIT * NS_PER_S + shift);
	assert_int_equal(b->mot_begin_ns, BAD_TESTS * NS_PER_S + shift);
	assert_int_equal(b->mot_end_ns, BAD_TESTS * NS_PER_S + shift + (40 * 240 + 210) * NS_PER_S);
	for (size_t m = 0; m < SIM_MACHINES; m++) {
		const struct plan_machine *x = &p->machine[m];
		assert_int_equal(x->segs[0].from_ns, p->begin_ns);
		assert_int_equal(x->segs[x->n_segs - 1].to_ns, p->end_ns);
		for (size_t i = 1; i < x->n_segs; i++)
			assert_int_equal(x->segs[i].from_ns, x->segs[i - 1].to_ns);
		for (size_t i = 1; i < x->n_cycles; i++)
			assert_true(x->cycles[i].end_ns > x->cycles[i - 1].end_ns);
		/* Idle and alarm only where a stop is planted or follows from one. */
		for (size_t i = 0; i < x->n_segs; i++) {
			bool listed = false;
			for (size_t k = 0; k < p->n_stops; k++)
				listed = listed || (p->stops[k].machine == m && p->stops[k].begin_ns == x->segs[i].from_ns && p->stops[k].end_ns == x->segs[i].to_ns);
			assert_int_equal(listed, x->segs[i].code == CODE_IDLE || x->segs[i].code == CODE_ALARM);
			assert_int_equal(x->segs[i].planned, x->segs[i].code == CODE_OFF);
		}
	}
}

/* Made before it is used, delivered before it is used, in every node's own view. */
static void causes(const struct plan *p)
{
	int64_t *known = malloc(SIM_FIRMS * p->n_lots * sizeof *known);
	assert_non_null(known);
	for (size_t i = 0; i < SIM_FIRMS * p->n_lots; i++)
		known[i] = INT64_MAX;
	for (size_t i = 0; i < p->n_recs; i++) {
		const struct plan_rec *r = &p->recs[i];
		if (i > 0)
			assert_true(r->t_ns >= p->recs[i - 1].t_ns);
		int64_t *mine = known + (size_t)r->node * p->n_lots;
		if (r->type == REC_LOT && mine[r->lot] == INT64_MAX)
			mine[r->lot] = r->t_ns;
		if (r->type == REC_LINK) {
			assert_true(mine[r->lot] <= r->t_ns);
			assert_true(mine[r->other] <= r->t_ns);
		} else if (r->type != REC_LOT && r->lot != PLAN_NONE)
			assert_true(mine[r->lot] <= r->t_ns);
		if (r->type == REC_OP)
			assert_true(r->start_ns <= r->end_ns);
		assert_true(r->type != REC_LOT || isnan(r->value) || r->value >= 0);
	}
	/* A lot is told before the first cycle that names it could be read. */
	for (size_t m = 0; m < SIM_MACHINES; m++)
		for (size_t i = 0; i < p->machine[m].n_cycles; i++) {
			const struct plan_cycle *c = &p->machine[m].cycles[i];
			assert_true(known[(size_t)p->machine[m].def->firm * p->n_lots + c->lot] < c->end_ns - 120 * NS_PER_S);
			assert_true(strlen(p->lots[c->lot].number) <= 16);
		}
	free(known);
}

/* A stator is cured before its motor is put together, and that before it is tested; a module arrived before it is wound in. */
static void line(const struct plan *p)
{
	size_t m1 = plan_machine_index("MOT-01"), m2 = plan_machine_index("MOT-02"), m3 = plan_machine_index("MOT-03"), m5 = plan_machine_index("MOT-05"), m6 = plan_machine_index("MOT-06");
	for (size_t i = 0; i < p->machine[m5].n_cycles; i++) {
		int64_t screwed = p->machine[m5].cycles[i].end_ns - 228 * NS_PER_S;
		assert_true(p->machine[m3].cycles[i].end_ns + 150 * 60 * NS_PER_S <= screwed);
		assert_true(p->machine[m2].cycles[i].end_ns <= screwed);
		assert_true(p->machine[m1].cycles[i].end_ns < p->machine[m2].cycles[i].end_ns);
		if (i < p->machine[m6].n_cycles)
			assert_true(p->machine[m5].cycles[i].end_ns <= p->machine[m6].cycles[i].end_ns - 210 * NS_PER_S);
	}
	for (size_t i = 0; i < p->n_recs; i++) {
		const struct plan_rec *r = &p->recs[i];
		if (r->type == REC_LOT && r->node == FIRM_MOT && r->place && strcmp(r->place, "MOT-LS") == 0)
			assert_true(r->value >= 0 && r->value < 41);
	}
}

/* Four racks, each also in good modules; good and bad alike see both heads and both persons. */
static void decoys(const struct view *v)
{
	const struct plan *p = v->p;
	uint32_t module[8];
	for (size_t i = 0; i < 4; i++) {
		int n = children(v, FIRM_MCH, p->bad.rack[i], module, 8), good = 0, bad = 0;
		for (int k = 0; k < n; k++) {
			bool is_bad = module[k] == p->bad.module[0] || module[k] == p->bad.module[1];
			bad += is_bad;
			good += !is_bad;
		}
		assert_true(bad >= 1 && good >= 1);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(p->bad.rack[i], p->bad.rack[k]);
		for (size_t k = 0; k < p->n_recs; k++) {
			const struct plan_rec *r = &p->recs[k];
			if (r->type == REC_OP && r->lot == p->bad.rack[i] && strcmp(r->kind, "tin plating") == 0) {
				int64_t shift = (int64_t)(p->opts.shift_h[1] * (double)HOUR);
				assert_true(r->start_ns >= -(27 * 60 + 40) * 60 * NS_PER_S + shift && r->end_ns <= -(22 * 60 + 20) * 60 * NS_PER_S + shift);
			}
		}
	}
	int heads[2][2] = {{0}}, persons[2][2] = {{0}};
	for (size_t i = 0; i < p->n_recs; i++) {
		const struct plan_rec *r = &p->recs[i];
		if (r->type != REC_OP || r->machine != plan_machine_index("MOT-03"))
			continue;
		bool bad = false;
		for (size_t k = 0; k < BAD_MOTORS; k++)
			bad = bad || p->bad.stator[k] == r->lot;
		heads[bad][strstr(r->tool, "1") != NULL]++;
		persons[bad][strcmp(r->person, "P-07") == 0]++;
	}
	for (int i = 0; i < 4; i++)
		assert_true(heads[i / 2][i % 2] > 0 && persons[i / 2][i % 2] > 0);
}

/* Exactly the failures that were planted: no good part fails by chance. */
static void tests_of_motors(const struct plan *p)
{
	size_t machine = plan_machine_index("MOT-06"), bad = 0, other = 0;
	const struct sim_machine_def *d = p->machine[machine].def;
	long ins = sim_signal_find(d, "insulation") - d->signals, hipot = sim_signal_find(d, "hipot") - d->signals, emf = sim_signal_find(d, "back_emf") - d->signals,
	     vib = sim_signal_find(d, "vibration") - d->signals;
	for (size_t i = 0; i < p->machine[machine].n_cycles; i++) {
		double v[SIGNALS_MAX];
		cycle_values(p, machine, i, v);
		bool fails = v[ins] < 100 || v[hipot] > 5 || v[emf] < 40.3 || v[emf] > 42.7 || v[vib] > 1.8;
		unsigned flags = p->machine[machine].cycles[i].flags;
		if (fails && flags & CYCLE_BAD)
			bad++;
		else if (fails) {
			assert_true(flags & (CYCLE_EMF | CYCLE_VIBRATION));
			other++;
		}
	}
	assert_int_equal(bad, p->bad.on ? (p->opts.halve[1] ? 3 : 6) : 0);
	assert_int_equal(other, OTHER_FAILURES);
}

static void campaigns(const struct plan *p)
{
	const struct plan_machine *m = &p->machine[plan_machine_index("MLD-01")];
	size_t first = (size_t)(p->bad.mld_seq - m->first_seq), before = 0, after = 0, earlier = 0;
	while (strcmp(p->lots[m->cycles[first - 1 - before].lot].item, "HLD-A") == 0)
		before++;
	while (strcmp(p->lots[m->cycles[first + 260 + after].lot].item, "HLD-A") == 0)
		after++;
	for (size_t i = 1; i < first - before; i++) {
		bool a = strcmp(p->lots[m->cycles[i].lot].item, "HLD-A") == 0, b = strcmp(p->lots[m->cycles[i - 1].lot].item, "HLD-A") == 0;
		earlier += a && !b && m->cycles[i].end_ns > -168 * HOUR;
	}
	assert_true(before >= 40 && after >= 40 && earlier >= 2);
	for (size_t i = 0; i < 260; i++)
		assert_true(m->cycles[first + i].flags & CYCLE_BAD && m->cycles[first + i].after == 0);
}

/* What a firm shipped it never again calls its own (lots/records.h lot_may), in the order in which it is told. */
static void shipped_is_gone(const struct plan *p)
{
	for (unsigned f = 0; f < SIM_FIRMS; f++) {
		bool *gone = calloc(p->n_lots, sizeof *gone);
		assert_non_null(gone);
		for (size_t i = 0; i < p->n_recs; i++) {
			const struct plan_rec *r = &p->recs[i];
			if (r->node != f || r->type != REC_LOT || r->state == REC_NO_STATE)
				continue;
			if (gone[r->lot] && r->state != RS_SHIPPED)
				fail_msg("%s %s at %lld s", p->lots[r->lot].firm, p->lots[r->lot].number, (long long)(r->t_ns / NS_PER_S));
			gone[r->lot] = r->state == RS_SHIPPED;
		}
		free(gone);
	}
}

static uint64_t half; /* the seeds are checked in two runs of this program */

static void all_seeds(void **state)
{
	(void)state;
	for (uint64_t seed = half; seed < SEEDS; seed += 2) {
		struct plan_opts o = {.seed = seed * 7919 + 1, .life_h = 2};
		struct plan *p = plan_of(&o);
		struct view v;
		view_open(&v, p);
		scenario(&v);
		times(p);
		campaigns(p);
		shipped_is_gone(p);
		if (seed % 20 < 2) {
			causes(p);
			line(p);
			decoys(&v);
			tests_of_motors(p);
		}
		view_close(&v);
		plan_free(p);
	}
}

static void perturbed(void **state)
{
	(void)state;
	for (int k = 0; k < SEEDS_PERTURBED * 8; k++) {
		struct plan_opts o = {.seed = (uint64_t)(500 + k / 8), .life_h = 2};
		static const double shift[] = {2, -2, 2, -2};
		if (k % 8 < 2)
			o.shift_h[1] = shift[k % 8];
		else if (k % 8 < 4)
			o.shift_h[3] = shift[k % 8];
		else if (k % 8 == 4)
			o.without[1] = true;
		else if (k % 8 == 5)
			o.without[3] = true;
		else if (k % 8 == 6)
			o.halve[1] = true;
		else
			o.halve[3] = o.halve[6] = true;
		struct plan *p = plan_of(&o);
		struct view v;
		view_open(&v, p);
		if (!o.without[1])
			scenario(&v);
		times(p);
		campaigns(p);
		line(p);
		causes(p);
		tests_of_motors(p);
		if (!o.without[1])
			decoys(&v);
		view_close(&v);
		assert_int_equal(p->n_stops, o.without[3] ? 0 : 4);
		plan_free(p);
	}
}

static void same_seed_same_plan(void **state)
{
	(void)state;
	struct buf a, b;
	buf_init(&a, 0);
	buf_init(&b, 0);
	struct plan_opts o = {.seed = 42, .life_h = 1};
	struct plan *p = plan_of(&o), *q = plan_of(&o);
	truth_write(&a, p, 0, 168 * HOUR);
	truth_write(&b, q, 0, 168 * HOUR);
	assert_true(a.n > 5000 && span_eq(buf_span(&a), buf_span(&b)));
	assert_int_equal(p->n_recs, q->n_recs);
	double v[SIGNALS_MAX], w[SIGNALS_MAX];
	for (size_t m = 0; m < SIM_MACHINES; m++) {
		clock_values(p, m, -3 * HOUR, v);
		clock_values(q, m, -2 * HOUR, w); /* another moment between changes nothing */
		clock_values(q, m, -3 * HOUR, w);
		for (size_t i = 0; i < p->machine[m].def->n_signals; i++)
			assert_true(v[i] == w[i] || (isnan(v[i]) && isnan(w[i])));
	}
	plan_free(q);
	o.seed = 43;
	q = plan_of(&o);
	buf_reset(&b);
	truth_write(&b, q, 0, 168 * HOUR);
	assert_false(span_eq(buf_span(&a), buf_span(&b)));
	plan_free(p);
	plan_free(q);
	buf_free(&a);
	buf_free(&b);
}

static void refuses(void **state)
{
	(void)state;
	struct plan *p = NULL;
	struct plan_opts o = {.life_h = -1};
	assert_int_equal(plan_new(&p, &o), MO_EINVAL);
	o.life_h = 1;
	o.shift_h[1] = 9;
	assert_int_equal(plan_new(&p, &o), MO_EINVAL);
	assert_null(p);
}

/* "perturbed" runs that part alone, "odd" the odd seeds, nothing the even ones and the rest. */
int main(int argc, char **argv)
{
	const struct CMUnitTest some[] = {cmocka_unit_test(all_seeds), cmocka_unit_test(same_seed_same_plan), cmocka_unit_test(refuses)};
	const struct CMUnitTest others[] = {cmocka_unit_test(perturbed)};
	if (argc > 1 && strcmp(argv[1], "perturbed") == 0)
		return cmocka_run_group_tests(others, NULL, NULL);
	half = argc > 1 && strcmp(argv[1], "odd") == 0;
	return cmocka_run_group_tests(some, NULL, NULL);
}
