#include "sim/values.h"

#include <math.h>

#define SIGMAS_MOST 3.8 /* noise is cut there: no good part fails by chance */
#define HOUR (3600 * NS_PER_S)

int signal_decimals(const struct sim_signal *s)
{
	if (signal_is_integer(s))
		return 0;
	if (s->model == SM_LOGNOISE)
		return 1;
	double d = s->sigma > 0 ? ceil(-log10(s->sigma)) + 1 : 1;
	return d < 0 ? 0 : d > 5 ? 5 : (int)d;
}

bool signal_is_integer(const struct sim_signal *s)
{
	switch (s->model) {
	case SM_STATE:
	case SM_ALARM:
	case SM_COUNT:
	case SM_TOOL:
	case SM_OFFSET:
	case SM_FIXED:
	case SM_EVENTS:
		return true;
	default:
		return false;
	}
}

bool signal_is_cycle(const struct sim_signal *s) { return s->rate == RATE_C; }

static double rounded(const struct sim_signal *s, double v)
{
	static const double tens[] = {1, 10, 100, 1000, 10000, 100000};
	double k = tens[signal_decimals(s)];
	return round(v * k) / k;
}

static void seeded(struct prng *r, const struct plan *p, uint64_t stream, size_t machine, uint64_t n)
{
	prng_seed(r, (p->opts.seed * UINT64_C(0x9E3779B97F4A7C15)) ^ (stream << 56) ^ ((uint64_t)(machine + 1) << 44) ^ (n * UINT64_C(0xD1342543DE82EF95)));
}

static double noise(struct prng *r)
{
	double n = prng_normal(r);
	return n > SIGMAS_MOST ? SIGMAS_MOST : n < -SIGMAS_MOST ? -SIGMAS_MOST : n;
}

static double item_mean(const struct sim_machine_def *d, const struct sim_signal *s, const char *item)
{
	if (d->firm == FIRM_MLD)
		for (size_t i = 0; sim_item_level_at(i); i++) {
			const struct sim_item_level *l = sim_item_level_at(i);
			if (strcmp(l->machine, d->code) == 0 && strcmp(l->item, item) == 0 && strcmp(l->signal, s->name) == 0)
				return l->mean;
		}
	return s->mean;
}

/* The first shots after a stop: off by a few sigmas, less with each. */
static double restart(const struct plan *p, size_t machine, size_t signal, const struct plan_cycle *c)
{
	struct prng r;
	const struct sim_range_def *size = sim_range(NORMAL_RESTART_SIZE);
	seeded(&r, p, 3, machine, (uint64_t)c->stop * SIGNALS_MAX + signal);
	double sigmas = size->lo + (size->hi - size->lo) * prng_unit(&r);
	return (prng_unit(&r) < 0.5 ? -sigmas : sigmas) * pow(0.55, c->after - 1);
}

static double tooth(const struct plan *p, size_t cycle)
{
	const struct sim_range_def *every = sim_range(NORMAL_TOOL_EVERY), *drift = sim_range(NORMAL_TOOL_DRIFT);
	struct prng r;
	seeded(&r, p, 4, 0, 0);
	uint64_t parts = (uint64_t)every->lo + prng_below(&r, (uint64_t)(every->hi - every->lo) + 1);
	return drift->lo * ((double)(cycle % parts) - (double)parts / 2);
}

static double cycle_value(const struct plan *p, size_t machine, size_t cycle, size_t signal, double n, double u)
{
	const struct plan_machine *m = &p->machine[machine];
	const struct plan_cycle *c = &m->cycles[cycle];
	const struct sim_signal *s = &m->def->signals[signal];
	const struct plan_bad *bad = &p->bad;
	bool is_bad = bad->on && c->flags & CYCLE_BAD;
	double mean = item_mean(m->def, s, p->lots[c->lot].item);
	if (s->model == SM_TOOL)
		return c->nth % (int)s->a + (m->def->firm == FIRM_MCH && strcmp(m->def->code, "MCH-02") == 0 ? 0 : 1);
	if (s->model == SM_FIFTH)
		return cycle % 5 ? NAN : mean + s->sigma * n + tooth(p, cycle) / 1000;
	if (s->model == SM_LOGNOISE)
		return is_bad ? bad->insulation[c->nth] : mean * exp(s->sigma * n);
	if (m->def->firm == FIRM_MLD) {
		if (strcmp(s->name, "peak_pressure") == 0)
			mean = is_bad ? bad->pressure : mean * (1 + (double)c->factor);
		if (is_bad && strcmp(s->name, "cushion") == 0)
			mean = bad->cushion;
		if (is_bad && strcmp(s->name, "metering_time") == 0)
			mean += bad->metering;
		if (is_bad && strcmp(s->name, "weight") == 0)
			mean += bad->weight;
		if (c->after && strcmp(s->name, "cycle_time") != 0 && s->rate == RATE_C)
			mean += s->sigma * restart(p, machine, signal, c);
	} else if (is_bad && strcmp(s->name, "force") == 0)
		mean = bad->force;
	else if (is_bad && strcmp(s->name, "hipot") == 0)
		return bad->hipot[c->nth];
	else if (c->flags & CYCLE_EMF && strcmp(s->name, "back_emf") == 0)
		return mean + (u < 0.5 ? -1 : 1) * (1.4 + u * 0.6);
	else if (c->flags & CYCLE_VIBRATION && strcmp(s->name, "vibration") == 0)
		return 1.95 + u * 0.5;
	double v = mean + s->sigma * n;
	return v < 0 && s->mean > 0 ? 0 : v; /* a residual imbalance of less than nothing */
}

void cycle_values(const struct plan *p, size_t machine, size_t cycle, double out[SIGNALS_MAX])
{
	const struct sim_machine_def *d = p->machine[machine].def;
	struct prng r;
	seeded(&r, p, 1, machine, cycle);
	for (size_t i = 0; i < d->n_signals; i++) {
		const struct sim_signal *s = &d->signals[i];
		out[i] = NAN;
		if (s->rate != RATE_C && s->rate != RATE_HAND)
			continue;
		double n = noise(&r), u = prng_unit(&r);
		out[i] = rounded(s, cycle_value(p, machine, cycle, i, n, u));
	}
}

/* ---- by the clock ---- */

static int64_t modulo(int64_t t, int64_t period)
{
	int64_t m = t % period;
	return m < 0 ? m + period : m;
}

/* 0..1 over one cycle: injection, holding, metering, opening. */
static double rhythm(double phase)
{
	return phase < 0.06 ? 1.0 : phase < 0.2 ? 0.45 : phase < 0.45 ? 0.7 : phase < 0.9 ? 0.15 : 0.4;
}

static double run_hours(const struct plan_machine *m, int64_t t_ns)
{
	double h = 0;
	for (size_t i = 0; i < m->n_segs && m->segs[i].from_ns < t_ns; i++)
		if (m->segs[i].code == CODE_RUN)
			h += (double)((m->segs[i].to_ns < t_ns ? m->segs[i].to_ns : t_ns) - m->segs[i].from_ns) / (double)HOUR;
	return h;
}

static double counted(const struct plan *p, size_t machine, const struct sim_signal *s, int64_t t_ns)
{
	const struct plan_machine *m = &p->machine[machine];
	if (m->n_cycles)
		return s->mean + (double)plan_cycles_at(p, machine, t_ns);
	if (strcmp(m->def->code, "MOT-04") == 0)
		return s->mean + (double)plan_cycles_at(p, plan_machine_index("MOT-03"), t_ns - INT64_C(150) * 60 * NS_PER_S);
	return s->mean + floor(run_hours(m, t_ns) * (strcmp(m->def->code, "MCH-04") == 0 ? 1800 : 0.5));
}

static double events(const struct plan *p, size_t machine, const struct sim_signal *s, int64_t t_ns)
{
	const struct plan_machine *m = &p->machine[machine];
	size_t n = plan_cycles_at(p, machine, t_ns);
	double k = s->mean;
	for (size_t i = 0; i < p->n_protective && strcmp(s->name, "protective_stops") == 0; i++)
		k += p->protective_ns[i] <= t_ns;
	if (strcmp(s->name, "crack_count") == 0)
		for (size_t i = 0; i < n; i++)
			k += (m->cycles[i].flags & CYCLE_SCRAP) != 0;
	if (strcmp(s->name, "ng_count") == 0)
		for (size_t i = 0; i < n; i++) {
			const struct plan_cycle *c = &m->cycles[i];
			k += (c->flags & (CYCLE_EMF | CYCLE_VIBRATION)) != 0 || (c->flags & CYCLE_BAD && p->bad.failed[c->nth]);
		}
	return k;
}

/* Power of a machine without its noise. */
static double power_of(const struct plan *p, size_t machine, int64_t t_ns)
{
	const struct sim_machine_def *d = p->machine[machine].def;
	const struct sim_signal *s = sim_signal_find(d, "power");
	if (!s)
		return 0;
	enum sim_code code = plan_seg_at(p, machine, t_ns)->code;
	if (s->model == SM_FOLLOWS)
		return code == CODE_RUN ? s->mean : code == CODE_OFF ? s->b : s->a;
	if (s->model == SM_RHYTHM)
		return code == CODE_RUN ? s->a + (s->b - s->a) * 0.4 : s->mean;
	if (s->model == SM_LOAD_ON)
		return s->a;
	return s->mean;
}

/* The take-out robot's suction gives out over the twenty minutes before the stop. */
static double vacuum(const struct plan *p, size_t machine, double mean, int64_t t_ns)
{
	for (size_t i = 0; i < p->n_stops; i++) {
		const struct plan_stop *s = &p->stops[i];
		const int64_t before = INT64_C(20) * 60 * NS_PER_S;
		if (s->machine != machine || !s->must || t_ns < s->begin_ns - before || t_ns >= s->end_ns)
			continue;
		double part = t_ns >= s->begin_ns ? 1 : (double)(t_ns - (s->begin_ns - before)) / (double)before;
		return mean + (-41 - mean) * part;
	}
	return mean;
}

static double clock_value(const struct plan *p, size_t machine, const struct sim_signal *s, const struct plan_seg *seg, int64_t t_ns, double n)
{
	const struct plan_machine *m = &p->machine[machine];
	switch (s->model) {
	case SM_NOISE:
		return (strcmp(s->name, "vacuum") == 0 ? vacuum(p, machine, s->mean, t_ns) : s->mean) + s->sigma * n;
	case SM_FOLLOWS:
		return seg->code == CODE_RUN ? s->mean + s->sigma * n : (seg->code == CODE_OFF ? s->b : s->a) * (1 + 0.01 * n);
	case SM_RHYTHM: {
		double cycle_s = m->def->cycle_s > 0 ? m->def->cycle_s : 180;
		if (seg->code != CODE_RUN)
			return s->mean * (1 + 0.01 * n);
		double phase = (double)modulo(t_ns - seg->from_ns, (int64_t)(cycle_s * 1e9)) / (cycle_s * 1e9);
		return s->a + (s->b - s->a) * rhythm(phase) + s->sigma * n;
	}
	case SM_SAW: {
		int64_t period = (int64_t)(s->mean * (double)HOUR);
		return s->a + (s->b - s->a) * (double)modulo(t_ns, period) / (double)period + s->sigma * n;
	}
	case SM_DAY:
		return s->mean + s->a * sin(2 * M_PI * (double)modulo(t_ns, NS_PER_DAY) / (double)NS_PER_DAY) + s->sigma * n;
	case SM_LOAD:
	case SM_LOAD_ON: {
		int64_t period = (int64_t)(s->mean * 1e9);
		double phase = (double)modulo(t_ns, period) / (double)period;
		if (s->model == SM_LOAD_ON)
			return (phase < 0.65 ? s->a : s->b) + s->sigma * n;
		return s->a + (s->b - s->a) * (phase < 0.65 ? phase / 0.65 : (1 - phase) / 0.35) + s->sigma * n;
	}
	case SM_STATE:
		return seg->code;
	case SM_ALARM:
		return seg->alarm;
	case SM_COUNT:
		return counted(p, machine, s, t_ns);
	case SM_OFFSET:
		return -3.0 * (double)(plan_cycles_at(p, machine, t_ns) / 84 % 6);
	case SM_FIXED:
		return strcmp(s->name, "hours") == 0 ? s->mean + floor((double)(t_ns - p->begin_ns) / (double)HOUR) : s->mean;
	case SM_EVENTS:
		return events(p, machine, s, t_ns);
	case SM_METER: {
		double kw = sim_signal_find(m->def, "active_power")->mean;
		for (size_t i = 0; i < SIM_MACHINES; i++)
			if (p->machine[i].def->firm == m->def->firm)
				kw += power_of(p, i, t_ns);
		return (strcmp(s->name, "active_power") == 0 ? kw : kw * s->mean) + s->sigma * n;
	}
	case SM_LOGNOISE:
	case SM_FIFTH:
	case SM_TOOL:
		break;
	}
	return NAN;
}

void clock_values(const struct plan *p, size_t machine, int64_t t_ns, double out[SIGNALS_MAX])
{
	const struct sim_machine_def *d = p->machine[machine].def;
	const struct plan_seg *seg = plan_seg_at(p, machine, t_ns);
	struct prng r;
	seeded(&r, p, 2, machine, (uint64_t)t_ns);
	for (size_t i = 0; i < d->n_signals; i++) {
		const struct sim_signal *s = &d->signals[i];
		out[i] = s->rate == RATE_C || s->rate == RATE_HAND ? NAN : rounded(s, clock_value(p, machine, s, seg, t_ns, noise(&r)));
	}
}
