#include "sim/build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- small things ---- */

double draw_unit(struct build *b) { return prng_unit(&b->rng); }

double draw(struct build *b, enum sim_range r)
{
	const struct sim_range_def *d = sim_range(r);
	return d->lo + (d->hi - d->lo) * prng_unit(&b->rng);
}

int draw_int(struct build *b, int lo, int hi) { return lo + (int)prng_below(&b->rng, (uint64_t)(hi - lo + 1)); }

void *vec_add(struct build *b, struct vec *v)
{
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 64;
		void *p = b->err ? NULL : realloc(v->p, cap * v->size);
		if (!p) {
			b->err = b->err ? b->err : MO_ENOMEM;
			memset(b->scratch, 0, sizeof b->scratch);
			return b->scratch;
		}
		v->p = p;
		v->cap = cap;
	}
	void *at = (char *)v->p + v->n++ * v->size;
	memset(at, 0, v->size);
	return at;
}

const char *build_text(struct build *b, const char *fmt, ...)
{
	char text[128];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof text) {
		b->err = MO_EBUG;
		return "";
	}
	const char *kept = arena_strdup(&b->p->arena, span_of(text, (size_t)n));
	if (!kept) {
		b->err = MO_ENOMEM;
		return "";
	}
	return kept;
}

/* ---- lots and records ---- */

uint32_t add_lot(struct build *b, const char *firm, const char *number, const char *item, const char *unit, int64_t made_ns, double quantity)
{
	struct plan_lot *l = vec_add(b, &b->lots);
	*l = (struct plan_lot){firm, number, item, unit, made_ns, quantity};
	return b->lots.n ? (uint32_t)(b->lots.n - 1) : 0;
}

struct plan_lot *lot_of(struct build *b, uint32_t lot)
{
	if (lot >= b->lots.n) {
		b->err = b->err ? b->err : MO_EBUG;
		memset(b->scratch, 0, sizeof b->scratch);
		return (struct plan_lot *)b->scratch;
	}
	return (struct plan_lot *)b->lots.p + lot;
}

static struct plan_rec *rec_add(struct build *b, enum sim_firm node, enum rec_type type, int64_t t_ns, uint32_t lot)
{
	struct plan_rec *r = vec_add(b, &b->recs);
	r->t_ns = r->at_ns = t_ns;
	r->id = (uint32_t)b->recs.n;
	r->node = (uint8_t)node;
	r->type = (uint8_t)type;
	r->state = REC_NO_STATE;
	r->machine = 0xFF;
	r->pass = -1;
	r->lot = lot;
	r->other = r->cycle = r->signal = PLAN_NONE;
	r->value = r->lower = r->upper = r->scrap = NAN;
	return r;
}

struct plan_rec *rec_lot(struct build *b, enum sim_firm node, int64_t t_ns, uint32_t lot, unsigned state, const char *place, double quantity, bool made)
{
	struct plan_rec *r = rec_add(b, node, REC_LOT, t_ns, lot);
	r->state = (uint8_t)state;
	r->place = place;
	r->value = quantity;
	r->made = made;
	return r;
}

struct plan_rec *rec_link(struct build *b, enum sim_firm node, int64_t t_ns, uint32_t parent, uint32_t child, double quantity, const char *unit)
{
	struct plan_rec *r = rec_add(b, node, REC_LINK, t_ns, parent);
	r->other = child;
	r->value = quantity;
	r->unit = unit;
	return r;
}

struct plan_rec *rec_op(struct build *b, enum sim_firm node, size_t machine, const char *step, uint32_t lot, int64_t start_ns, int64_t end_ns, double good, double scrap)
{
	struct plan_rec *r = rec_add(b, node, REC_OP, end_ns, lot);
	r->machine = (uint8_t)machine;
	r->kind = step;
	r->start_ns = start_ns;
	r->end_ns = end_ns;
	r->value = good;
	r->scrap = scrap;
	return r;
}

struct plan_rec *rec_event(struct build *b, enum sim_firm node, int64_t t_ns, const char *kind, uint32_t lot, double quantity, const char *unit)
{
	struct plan_rec *r = rec_add(b, node, REC_EVENT, t_ns, lot);
	r->kind = kind;
	r->value = quantity;
	r->unit = unit;
	return r;
}

struct plan_rec *rec_char(struct build *b, enum sim_firm node, int64_t t_ns, const char *name, uint32_t lot, double value, const char *unit, double lower, double upper, int pass)
{
	struct plan_rec *r = rec_add(b, node, REC_CHAR, t_ns, lot);
	r->kind = name;
	r->value = value;
	r->unit = unit;
	r->lower = lower;
	r->upper = upper;
	r->pass = (int8_t)pass;
	return r;
}

/* ---- time ---- */

int64_t grid_before(int64_t t_ns, int64_t grid_ns, int period_h)
{
	int64_t period = period_h * HOUR, d = (t_ns - grid_ns) % period;
	return t_ns - (d < 0 ? d + period : d);
}

int64_t grid_after(int64_t t_ns, int64_t grid_ns, int period_h)
{
	int64_t at = grid_before(t_ns, grid_ns, period_h);
	return at == t_ns ? at : at + period_h * HOUR;
}

void cut_add(struct build *b, int64_t from_ns, int64_t to_ns, enum sim_code code, int alarm, bool planned, int rank, const char *why)
{
	struct cut *c = vec_add(b, &b->cuts);
	*c = (struct cut){from_ns, to_ns, code, alarm, planned, rank, why};
}

void cut_daily(struct build *b, int period_h, int64_t from_s, int64_t to_s, int64_t shift_ns, const char *why)
{
	int64_t from = from_s * SEC + shift_ns, length = (to_s - from_s) * SEC;
	for (int64_t t = grid_before(b->p->begin_ns, from, period_h); t < b->p->end_ns; t += period_h * HOUR)
		cut_add(b, t, t + length, CODE_OFF, 0, true, 9, why);
}

void seg_add(struct build *b, size_t machine, int64_t from_ns, int64_t to_ns, enum sim_code code, int alarm, bool planned, const char *why)
{
	if (from_ns < b->p->begin_ns)
		from_ns = b->p->begin_ns;
	if (to_ns > b->p->end_ns)
		to_ns = b->p->end_ns;
	if (from_ns >= to_ns)
		return;
	struct plan_seg *s = vec_add(b, &b->segs[machine]);
	*s = (struct plan_seg){from_ns, to_ns, code, alarm, planned, why};
}

static int by_rank(const void *a, const void *b)
{
	const struct cut *x = a, *y = b;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->from_ns < y->from_ns ? -1 : x->from_ns > y->from_ns;
}

static int by_from(const void *a, const void *b)
{
	const struct cut *x = a, *y = b;
	return x->from_ns < y->from_ns ? -1 : x->from_ns > y->from_ns;
}

#define KEEP_OFF (10 * MIN)

void cuts_apply(struct build *b, size_t machine)
{
	struct cut *c = b->cuts.p;
	size_t n = b->cuts.n, kept = 0;
	if (n)
		qsort(c, n, sizeof *c, by_rank);
	for (size_t i = 0; i < n; i++) {
		struct cut x = c[i];
		bool out = false;
		for (size_t k = 0; k < kept && !out; k++) {
			if (x.to_ns + KEEP_OFF <= c[k].from_ns || x.from_ns >= c[k].to_ns + KEEP_OFF)
				continue;
			if (!x.planned) { /* a set-up that meets a stop is left out */
				out = x.to_ns > c[k].from_ns && x.from_ns < c[k].to_ns;
				continue;
			}
			int64_t keep_off = c[k].planned ? 0 : KEEP_OFF;
			int64_t before = c[k].from_ns - keep_off - x.from_ns, after = x.to_ns - c[k].to_ns - keep_off;
			if (x.to_ns + keep_off <= c[k].from_ns || x.from_ns >= c[k].to_ns + keep_off)
				continue;
			if (before >= after)
				x.to_ns = c[k].from_ns - keep_off;
			else
				x.from_ns = c[k].to_ns + keep_off;
			out = x.to_ns - x.from_ns < KEEP_OFF;
		}
		if (!out)
			c[kept++] = x;
	}
	if (kept)
		qsort(c, kept, sizeof *c, by_from);
	int64_t t = b->p->begin_ns;
	for (size_t i = 0; i < kept; i++) {
		if (c[i].to_ns <= t)
			continue;
		seg_add(b, machine, t, c[i].from_ns, CODE_RUN, 0, false, NULL);
		seg_add(b, machine, c[i].from_ns > t ? c[i].from_ns : t, c[i].to_ns, c[i].code, c[i].alarm, c[i].planned, c[i].why);
		t = c[i].to_ns;
	}
	seg_add(b, machine, t, b->p->end_ns, CODE_RUN, 0, false, NULL);
	b->cuts.n = 0;
}

struct plan_cycle *cycle_add(struct build *b, size_t machine, int64_t end_ns, uint32_t lot)
{
	struct plan_cycle *c = vec_add(b, &b->cycles[machine]);
	c->end_ns = end_ns;
	c->lot = lot;
	return c;
}

void slots_fill(struct build *b, size_t machine, int64_t takt_ns)
{
	const struct plan_seg *s = b->segs[machine].p;
	for (size_t i = 0; i < b->segs[machine].n; i++) {
		if (s[i].code != CODE_RUN)
			continue;
		for (int64_t t = s[i].from_ns; t + takt_ns <= s[i].to_ns; t += takt_ns)
			*(int64_t *)vec_add(b, &b->slots[machine]) = t;
	}
}

size_t slot_at(const struct build *b, size_t machine, int64_t t_ns)
{
	const int64_t *s = b->slots[machine].p;
	size_t lo = 0, hi = b->slots[machine].n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (s[mid] < t_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* ---- the plan ---- */

size_t plan_machine_index(const char *code)
{
	for (size_t i = 0; i < SIM_MACHINES; i++)
		if (strcmp(sim_machine_at(i)->code, code) == 0)
			return i;
	return SIM_MACHINES;
}

static int64_t jitter_min(struct build *b, enum sim_range r)
{
	const struct sim_range_def *d = sim_range(r);
	return draw_int(b, (int)d->lo, (int)d->hi) * MIN;
}

static void plan_stops(struct build *b)
{
	static const struct {
		const char *code;
		long begin_s;
		int length_min;
		enum sim_code state;
		int alarm;
		const char *kind;
	} planted[] = {
		{"MLD-02", STOP_MLD02_BEGIN, STOP_MLD02_MIN, CODE_ALARM, 31, "breakdown"},
		{"MCH-03", STOP_MCH03_BEGIN, STOP_MCH03_MIN, CODE_IDLE, 0, "waiting"},
		{"MOT-05", STOP_MOT05_BEGIN, STOP_MOT05_MIN, CODE_ALARM, 52, "breakdown"},
	};
	struct plan *p = b->p;
	for (size_t i = 0; i < 3; i++) {
		int64_t begin = planted[i].begin_s * SEC + b->shift3_ns + jitter_min(b, STOP_BEGIN_JITTER);
		int64_t length = planted[i].length_min * MIN + jitter_min(b, STOP_LENGTH_JITTER);
		if (p->opts.without[3])
			continue;
		if (p->opts.halve[3])
			length = length / 2 / MIN * MIN;
		p->stops[p->n_stops++] = (struct plan_stop){(uint32_t)plan_machine_index(planted[i].code), begin, begin + length, planted[i].state,
			planted[i].alarm, planted[i].kind, true};
	}
	if (!p->opts.without[3]) {
		int64_t begin = p->stops[2].begin_ns;
		for (size_t i = 0; i < 5; i++) /* well before, each shorter than any poll of history */
			p->protective_ns[i] = begin - (100 - 17 * (int64_t)i) * MIN + draw_int(b, 0, 300) * SEC;
		p->n_protective = 5;
	}
	double length_h = (double)(NIGHT_END - NIGHT_BEGIN) / 3600 * (p->opts.halve[6] ? 0.5 : 1);
	p->night_on = !p->opts.without[6];
	p->night_begin_ns = NIGHT_BEGIN * SEC + (int64_t)(p->opts.shift_h[6] * (double)HOUR);
	p->night_end_ns = p->night_begin_ns + (int64_t)(length_h * 3600) * SEC;
	p->night_arrived_ns = p->night_end_ns + (NIGHT_ARRIVED - NIGHT_END) * SEC;
}

static void plan_sizes(struct build *b)
{
	struct plan_bad *x = &b->p->bad;
	double k = b->p->opts.halve[1] ? 0.5 : 1;
	double pressure = draw(b, BAD_PRESSURE), cushion = draw(b, BAD_CUSHION), force = draw(b, BAD_FORCE), hipot = draw(b, BAD_HIPOT);
	x->on = !b->p->opts.without[1];
	x->pressure = 95 + (pressure - 95) * k;
	x->cushion = 6 + (cushion - 6) * k;
	x->metering = draw(b, BAD_METERING) * k;
	x->weight = draw(b, BAD_WEIGHT) * k;
	x->force = 2.10 + (force - 2.10) * k;
	x->ins_median = 3000 * exp(log(draw(b, BAD_INSULATION) / 3000) * k);
	x->ins_sigma = 0.25 + (draw(b, BAD_INSULATION_SIGMA) - 0.25) * k;
	x->hipot_level = 3.20 + (hipot - 3.20) * k;
	x->hipot_sigma = 0.15 + (draw(b, BAD_HIPOT_SIGMA) - 0.15) * k;
	x->n_failed = !x->on ? 0 : b->p->opts.halve[1] ? BAD_FAILED / 2 : BAD_FAILED;
	bool chosen[BAD_MOTORS] = {false};
	for (int i = 0; i < x->n_failed;) {
		int m = draw_int(b, 0, BAD_MOTORS - 1);
		if (!chosen[m]) {
			chosen[m] = true;
			i++;
		}
	}
	/* Drawn until on its side of the limit: exactly so many fail, for every seed. Halved, the side below 100 MOhm is far out in the
	 * tail, so the value is bent there. */
	for (int i = 0; i < BAD_MOTORS; i++) {
		double v;
		int tries = 0;
		do
			v = x->ins_median * exp(x->ins_sigma * prng_normal(&b->rng));
		while ((chosen[i] ? v >= 99 : v <= 101) && ++tries < 4000);
		if (chosen[i] && v >= 99)
			v = 60 + 38 * draw_unit(b);
		double h;
		do
			h = x->hipot_level + x->hipot_sigma * prng_normal(&b->rng);
		while (h > 4.95 || h < 2.0);
		x->failed[i] = chosen[i];
		x->insulation[i] = v;
		x->hipot[i] = h;
	}
	x->cracked[0] = x->on ? draw_int(b, 1, BAD_CRACKED - 1) : 0;
	x->cracked[1] = x->on ? BAD_CRACKED - x->cracked[0] : 0;
}

static void plan_planned_stops(struct build *b)
{
	for (size_t m = 0; m < SIM_MACHINES; m++) {
		const struct plan_seg *s = b->segs[m].p;
		for (size_t i = 0; i < b->segs[m].n; i++) {
			if (!s[i].planned)
				continue;
			struct plan_rec *r = rec_event(b, sim_machine_at(m)->firm, s[i].from_ns - 2 * MIN, "planned_stop", PLAN_NONE, NAN, NULL);
			r->at_ns = s[i].from_ns;
			r->end_ns = s[i].to_ns;
			r->machine = (uint8_t)m;
			r->text = s[i].why;
		}
	}
}

struct due {
	int64_t t_ns;
	uint32_t index;
};

static int by_time(const void *a, const void *b)
{
	const struct due *x = a, *y = b;
	if (x->t_ns != y->t_ns)
		return x->t_ns < y->t_ns ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* By time, and as they were made where the time is the same. */
static void records_sort(struct build *b)
{
	size_t n = b->recs.n;
	const struct plan_rec *from = b->recs.p;
	struct due *order = malloc((n ? n : 1) * sizeof *order);
	struct plan_rec *to = malloc((n ? n : 1) * sizeof *to);
	if (!order || !to) {
		b->err = MO_ENOMEM;
		free(order);
		free(to);
		return;
	}
	for (size_t i = 0; i < n; i++)
		order[i] = (struct due){from[i].t_ns, (uint32_t)i};
	qsort(order, n, sizeof *order, by_time);
	for (size_t i = 0; i < n; i++)
		to[i] = from[order[i].index];
	free(order);
	free(b->recs.p);
	b->recs.p = to;
	b->recs.cap = n;
}

int plan_new(struct plan **ret, const struct plan_opts *opts)
{
	if (opts->life_h < 0 || opts->life_h > PLAN_LIFE_H_MAX)
		return MO_EINVAL;
	for (size_t i = 0; i < PLAN_EVENTS; i++)
		if (!(fabs(opts->shift_h[i]) <= PLAN_SHIFT_H_MAX))
			return MO_EINVAL;
	struct plan *p = calloc(1, sizeof *p);
	struct build *b = calloc(1, sizeof *b);
	if (!p || !b) {
		free(p);
		free(b);
		return MO_ENOMEM;
	}
	arena_init(&p->arena, 0);
	p->opts = *opts;
	p->begin_ns = -(PLAN_HISTORY_H_MAX + PLAN_BEFORE_H) * HOUR;
	/* The chain of event 1 is planned back from what is needed after it: never less than a day past T0. */
	p->end_ns = ((opts->life_h > 24 ? opts->life_h : 24) + 1) * HOUR;
	b->p = p;
	prng_seed(&b->rng, opts->seed);
	b->shift1_ns = (int64_t)(opts->shift_h[1] * (double)HOUR);
	b->shift3_ns = (int64_t)(opts->shift_h[3] * (double)HOUR);
	b->lots.size = sizeof(struct plan_lot);
	b->recs.size = sizeof(struct plan_rec);
	b->cuts.size = sizeof(struct cut);
	b->containers.size = sizeof(struct container);
	b->modules.size = sizeof(struct module);
	b->motors.size = sizeof(struct motor);
	b->trays.size = b->pallets.size = sizeof(struct tray);
	for (size_t i = 0; i < SIM_MACHINES; i++) {
		p->machine[i].def = sim_machine_at(i);
		p->machine[i].first_seq = 1;
		b->segs[i].size = sizeof(struct plan_seg);
		b->cycles[i].size = sizeof(struct plan_cycle);
		b->slots[i].size = sizeof(int64_t);
	}
	plan_stops(b);
	plan_sizes(b);
	build_mld(b);
	build_mot_line(b);
	build_mch_modules(b);
	build_mch_rest(b);
	build_mot_records(b);
	plan_planned_stops(b);
	if (!b->err)
		records_sort(b);
	for (size_t i = 0; i < SIM_MACHINES; i++) {
		p->machine[i].segs = b->segs[i].p;
		p->machine[i].n_segs = b->segs[i].n;
		p->machine[i].cycles = b->cycles[i].p;
		p->machine[i].n_cycles = b->cycles[i].n;
		free(b->slots[i].p);
	}
	p->lots = b->lots.p;
	p->n_lots = b->lots.n;
	p->recs = b->recs.p;
	p->n_recs = b->recs.n;
	free(b->cuts.p);
	free(b->containers.p);
	free(b->modules.p);
	free(b->motors.p);
	free(b->trays.p);
	free(b->pallets.p);
	int err = b->err;
	free(b);
	if (err) {
		plan_free(p);
		return err;
	}
	*ret = p;
	return 0;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < SIM_MACHINES; i++) {
		free(p->machine[i].segs);
		free(p->machine[i].cycles);
	}
	free(p->lots);
	free(p->recs);
	arena_free(&p->arena);
	free(p);
}

const struct plan_seg *plan_seg_at(const struct plan *p, size_t machine, int64_t t_ns)
{
	static const struct plan_seg off = {INT64_MIN, INT64_MAX, CODE_OFF, 0, true, NULL};
	const struct plan_machine *m = &p->machine[machine];
	size_t lo = 0, hi = m->n_segs;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (m->segs[mid].to_ns <= t_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->n_segs && m->segs[lo].from_ns <= t_ns ? &m->segs[lo] : &off;
}

size_t plan_cycles_at(const struct plan *p, size_t machine, int64_t t_ns)
{
	const struct plan_machine *m = &p->machine[machine];
	size_t lo = 0, hi = m->n_cycles;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (m->cycles[mid].end_ns <= t_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
