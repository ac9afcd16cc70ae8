#include "families.h"

#include <math.h>

#include "sim/ranges.h"

#define PI 3.14159265358979323846
#define MIN (60 * FAMILY_SEC)
#define HOUR (60 * MIN)
#define DAY (24 * HOUR)

static double uniform(struct prng *r, double lo, double hi)
{
	return lo + (hi - lo) * prng_unit(r);
}
static double ranged(struct prng *r, enum sim_range w)
{
	return uniform(r, sim_range(w)->lo, sim_range(w)->hi);
}

static void add(struct sheet *s, int64_t t, uint64_t seq, double v)
{
	if (s->n < FAMILY_MAX)
		s->x[s->n++] = (struct level_sample){t, seq, v};
}

/* ---- machines with cycles ---- */
/* A machine that makes cycle after cycle, stands now and then, and is looked at each poll (0: every cycle is seen). */
struct maker {
	struct sheet *s;
	struct prng *r;
	int64_t t, takt, poll, polled;
	uint64_t seq;
	int after; /* cycles since the restart; its deviation */
	double start;
	double sigma;   /* of the signal */
	unsigned every; /* one in so many is measured */
};

static void restart(struct maker *m)
{
	m->after = 0;
	m->start = ranged(m->r, NORMAL_RESTART_SIZE) * (prng_below(m->r, 2) ? 1 : -1);
}

static void stand(struct maker *m, int64_t for_ns)
{
	m->t += for_ns;
	if (for_ns >= 10 * MIN)
		restart(m);
}

/* One cycle; what of it is seen. */
static void cycle(struct maker *m, double value)
{
	if (m->after < (int)sim_range(NORMAL_RESTART_SHOTS)->lo)
		value += m->sigma * m->start * pow(0.55, m->after);
	m->after++;
	m->t += m->takt;
	m->seq++;
	if (m->every > 1 && m->seq % m->every)
		return;
	if (m->poll == 0) {
		add(m->s, m->t, m->seq, value);
		return;
	}
	/* Seen when a poll comes before the next cycle ends. */
	int64_t next = (m->t + m->poll - 1) / m->poll * m->poll;
	if (next < m->t + m->takt)
		add(m->s, next, m->seq, value);
}

static double resin(struct prng *r)
{
	double cut = sim_range(NORMAL_RESIN_CUT)->lo, sigma = sim_range(NORMAL_RESIN_SIGMA)->lo, f;
	do
		f = sigma * prng_normal(r);
	while (fabs(f) > cut);
	return f;
}

/* Campaigns of one item every two days. p: level, sigma, resin lot moves it (0/1), one in so many measured, planted lo, hi. */
static void campaigns(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	double level = f->p[0], sigma = f->p[1];
	struct maker m = {.s = s,
	        .r = r,
	        .t = 0,
	        .takt = 42 * FAMILY_SEC,
	        .poll = f->p[3] > 1 ? 0 : MIN,
	        .seq = 1000,
	        .sigma = sigma,
	        .every = (unsigned)f->p[3]};
	for (int k = 0; k < 3; k++) {
		m.t = k * 2 * DAY + (int64_t)(uniform(r, -40, 40) * 60) * FAMILY_SEC + HOUR;
		m.seq += 3000;
		restart(&m);
		double lot = f->p[2] > 0 ? resin(r) : 0;
		for (int i = 0; i < (k == 2 ? BAD_BAG_SHOTS + 80 : BAD_BAG_SHOTS); i++) {
			if (k == 2 && f->planted && i == 40) {
				s->begin_seq = m.seq + 1;
				s->begin_ns = m.t;
			}
			if (k == 2 && f->planted && i == 40 + BAD_BAG_SHOTS) {
				s->end_seq = m.seq + 1;
				s->end_ns = m.t;
				lot = f->p[2] > 0 ? resin(r) : 0;
			}
			double at = level * (1 + lot);
			if (k == 2 && f->planted && i >= 40 && i < 40 + BAD_BAG_SHOTS) {
				if (i == 40)
					lot = uniform(r, f->p[4], f->p[5]) - level; /* drawn once */
				at = level + lot * size;
			}
			cycle(&m, at + sigma * prng_normal(r));
		}
	}
	s->planted = f->planted;
	s->cycles_per_sample = m.every ? m.every : 1;
}

/* MCH-06: lots of 40, a few a day, in pairs with a short set-up between; the last two planted. p: level, sigma, -, -, planted lo, hi. */
static void press_fit(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	struct maker m = {.s = s, .r = r, .takt = 55 * FAMILY_SEC, .seq = 71000, .sigma = f->p[1]};
	double bad = uniform(r, f->p[4], f->p[5]) - f->p[0];
	int lots = 2 * (8 + (int)prng_below(r, 6));
	for (int k = 0; k < lots; k++) {
		stand(&m, k % 2 ? (int64_t)(ranged(r, NORMAL_LOT_GAP) * 60) * FAMILY_SEC : (int64_t)(uniform(r, 3, 9) * 60) * MIN);
		m.seq += k % 2 ? 0 : 40 * prng_below(r, 3);
		bool planted = f->planted && k >= lots - 2;
		if (f->planted && k == lots - 2) {
			s->begin_seq = m.seq + 1;
			s->begin_ns = m.t;
		}
		int parts = planted ? 40 : 34 + (int)prng_below(r, 7);
		for (int i = 0; i < parts; i++)
			cycle(&m, f->p[0] + (planted ? bad * size : 0) + f->p[1] * prng_normal(r));
	}
	s->planted = f->planted;
	s->cycles_per_sample = 1;
}

/* MOT-06: blocks of one model, breaks, 240 s. p: level, sigma (negative: of the logarithm), -, bad sigma, bad lo, hi (of the level). */
static void motors(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	double level = f->p[0], sigma = fabs(f->p[1]);
	bool lognormal = f->p[1] < 0;
	struct maker m = {.s = s, .r = r, .takt = 240 * FAMILY_SEC, .seq = 30000, .sigma = lognormal ? sigma * level : sigma};
	double bad = uniform(r, f->p[4], f->p[5]), bad_sigma = f->p[3];
	if (lognormal)
		bad = exp(log(level) + size * (log(bad) - log(level)));
	else
		bad = level + size * (bad - level);
	int blocks = 6 + (int)prng_below(r, 3);
	static const int pauses[] = {10, 40, 10, 30};
	unsigned pause = 0;
	int64_t next_pause = 3 * HOUR;
	for (int k = 0; k < blocks; k++) {
		bool last = k == blocks - 1;
		int n = last ? (int)prng_below(r, 90) + BAD_MOTORS : (int)(ranged(r, NORMAL_BLOCK) * 15);
		stand(&m, (int64_t)(uniform(r, 4, 8) * 60) * MIN);
		next_pause = m.t + 2 * HOUR;
		for (int i = 0; i < n; i++) {
			bool planted = f->planted && last && i >= n - BAD_MOTORS;
			if (planted && i == n - BAD_MOTORS) {
				s->begin_seq = m.seq + 1;
				s->begin_ns = m.t;
			}
			if (m.t > next_pause) {
				stand(&m, pauses[pause++ % 4] * MIN);
				next_pause = m.t + 3 * HOUR;
			}
			double v = lognormal ? planted ? bad * exp(bad_sigma * prng_normal(r)) : level * exp(sigma * prng_normal(r))
			           : planted ? bad + bad_sigma * prng_normal(r)
			                     : level + sigma * prng_normal(r);
			cycle(&m, lognormal ? fmax(v, level / 100) : v);
		}
	}
	s->planted = f->planted;
	s->cycles_per_sample = 1;
}

/* A week of cycles with stops. p: level, sigma (negative: of the logarithm), takt s, poll s, resin lot every so many cycles, stops a day. */
static void cycles(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	double level = f->p[0], sigma = fabs(f->p[1]), lot = f->p[4] > 0 ? resin(r) : 0;
	struct maker m = {.s = s,
	        .r = r,
	        .takt = (int64_t)(f->p[2] * 1e9),
	        .poll = (int64_t)(f->p[3] * 1e9),
	        .seq = 5000,
	        .sigma = f->p[1] < 0 ? sigma * level : sigma};
	int64_t end = (int64_t)(f->days * (double)DAY), stop = HOUR;
	uint64_t next_lot = m.seq + (uint64_t)f->p[4];
	restart(&m);
	while (m.t < end) {
		if (m.t > stop && f->p[5] > 0) {
			stand(&m, (int64_t)(uniform(r, 10, 60) * 60) * FAMILY_SEC);
			stop = m.t + (int64_t)(uniform(r, 0.5, 1.5) * (double)DAY / f->p[5]);
		}
		if (f->p[4] > 0 && m.seq >= next_lot) {
			lot = resin(r);
			next_lot = m.seq + (uint64_t)f->p[4];
		}
		double v = f->p[1] < 0 ? level * exp(sigma * prng_normal(r)) : level * (1 + lot) + sigma * prng_normal(r);
		cycle(&m, v);
	}
	s->cycles_per_sample = 1;
}

/* MCH-02 diameter: every fifth part, drift, corrections, insert changes. */
static void tool(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	struct maker m = {.s = s, .r = r, .takt = 225 * FAMILY_SEC, .seq = 61000, .sigma = 0.0012, .every = 5};
	double drift = 0, mean = 25.0065;
	int correct = (int)ranged(r, NORMAL_TOOL_EVERY), insert = 250;
	restart(&m);
	while (m.t < (int64_t)(f->days * (double)DAY)) {
		drift += ranged(r, NORMAL_TOOL_DRIFT);
		if (--correct == 0) {
			drift += ranged(r, NORMAL_TOOL_CORRECTION);
			correct = (int)ranged(r, NORMAL_TOOL_EVERY);
		}
		if (--insert == 0) {
			drift = 0;
			insert = 250;
			stand(&m, 12 * MIN);
			correct = (int)ranged(r, NORMAL_TOOL_EVERY);
		}
		if (prng_below(r, 100) == 0)
			stand(&m, (prng_below(r, 2) ? 10 : 40) * MIN);
		cycle(&m, mean + (drift - 1.4) / 1000 + 0.0012 * prng_normal(r));
	}
	s->cycles_per_sample = 5;
}

static void tool_count(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	struct maker m = {.s = s, .r = r, .takt = 225 * FAMILY_SEC, .seq = 61000, .after = 99};
	unsigned at = (unsigned)prng_below(r, (uint64_t)f->p[0]);
	while (m.t < (int64_t)(f->days * (double)DAY)) {
		cycle(&m, at);
		at = (at + 1) % (unsigned)f->p[0];
	}
	s->cycles_per_sample = 1;
}

/* ---- clock signals, as means over five minutes ---- */
typedef double clock_fn(struct prng *r, const struct family *f, double *state, int64_t t);

static void means(struct sheet *s, struct prng *r, const struct family *f, clock_fn *fn, double *state, double stops_a_day)
{
	int64_t end = (int64_t)(f->days * (double)DAY), live = end - HOUR, stop = stops_a_day > 0 ? HOUR : INT64_MAX;
	for (int64_t t = 0; t < end; t += 5 * MIN) {
		if (t > stop) {
			t += 5 * MIN * (int64_t)(8 + prng_below(r, 8)); /* stop, and the half hour after it */
			stop = t + (int64_t)(uniform(r, 0.5, 1.5) * (double)DAY / stops_a_day);
		}
		int n = t < live ? 5 : 30;
		double sum = 0;
		for (int i = 0; i < n; i++)
			sum += fn(r, f, state, t + 5 * MIN * i / n);
		add(s, t, 0, sum / n);
	}
	s->cycles_per_sample = 1;
}

/* p: mean, sigma. */
static double fn_noise(struct prng *r, const struct family *f, double *state, int64_t t)
{
	(void)state, (void)t;
	return f->p[0] + f->p[1] * prng_normal(r);
}
static void clock_noise(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	means(s, r, f, fn_noise, NULL, f->p[2]);
}

/* p: mean, sigma, amplitude, period h, phase drawn. */
static double fn_sine(struct prng *r, const struct family *f, double *state, int64_t t)
{
	return f->p[0] + f->p[2] * sin(2 * PI * ((double)t / (f->p[3] * (double)HOUR) + state[0])) + f->p[1] * prng_normal(r);
}
static void clock_sine(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	double phase = prng_unit(r);
	means(s, r, f, fn_sine, &phase, f->p[4]);
}

/* p: from, sigma, to, period s. */
static double fn_saw(struct prng *r, const struct family *f, double *state, int64_t t)
{
	double x = fmod((double)t / (f->p[3] * 1e9) + state[0], 1.0);
	return f->p[0] + (f->p[2] - f->p[0]) * x + f->p[1] * prng_normal(r);
}
static void clock_saw(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	double phase = prng_unit(r);
	means(s, r, f, fn_saw, &phase, f->p[4]);
}

/* p: low, sigma, high, period s, share high. */
static double fn_onoff(struct prng *r, const struct family *f, double *state, int64_t t)
{
	double x = fmod((double)t / (f->p[3] * 1e9) + state[0], 1.0);
	return (x < f->p[4] ? f->p[2] : f->p[0]) + f->p[1] * prng_normal(r);
}
static void clock_onoff(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	double phase = prng_unit(r);
	means(s, r, f, fn_onoff, &phase, 0);
}

/* Power in the rhythm of a cycle whose length varies. p: low, sigma, high, cycle s, its sigma. */
static double fn_rhythm(struct prng *r, const struct family *f, double *state, int64_t t)
{
	while (state[0] <= (double)t) {
		state[1] = state[0];
		state[0] += (f->p[3] + f->p[4] * prng_normal(r)) * 1e9;
	}
	double x = ((double)t - state[1]) / (state[0] - state[1]);
	return f->p[0] + (f->p[2] - f->p[0]) * 0.5 * (1 - cos(2 * PI * x)) + f->p[1] * prng_normal(r);
}
static void clock_rhythm(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	double state[2] = {0, 0};
	means(s, r, f, fn_rhythm, state, 3);
}

/* A firm's meter: machines that start and stop. p: base. */
static void meter(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	static const struct {
		double on, off, mean_on_h, mean_off_h, daily_from, daily_to; /* daily: no orders */
	} machine[] = {{20, 5, 6, 0.3, 0, 0}, {24, 6, 9, 0.5, 13, 16}, {15, 4, 9, 0.5, 1, 4}, {11, 2.4, 4, 1, 20, 24},
	        {11, 2, 4, 0.5, 20, 24}, {14, 2.2, 0.8, 0.5, 0, 0}, {26, 12, 2, 0.3, 0, 0}, {8.4, 1.9, 5, 0.5, 0, 0},
	        {7.2, 1.8, 5, 0.5, 0, 0}, {9, 2.1, 5, 0.5, 0, 0}};
	bool on[10];
	double left[10];
	double maintenance = uniform(r, 48, 96);
	for (int i = 0; i < 10; i++) {
		on[i] = prng_below(r, 2);
		left[i] = -log(1 - prng_unit(r)) * (on[i] ? machine[i].mean_on_h : machine[i].mean_off_h);
	}
	for (int64_t t = 0; t < (int64_t)(f->days * (double)DAY); t += 5 * MIN) {
		double sum = f->p[0], h = (double)t / (double)HOUR, of_day = fmod(h, 24);
		for (int i = 0; i < 10; i++) {
			left[i] -= 5.0 / 60;
			if (left[i] < 0) {
				on[i] = !on[i];
				left[i] = -log(1 - prng_unit(r)) * (on[i] ? machine[i].mean_on_h : machine[i].mean_off_h);
			}
			bool runs = on[i] && !(of_day >= machine[i].daily_from && of_day < machine[i].daily_to);
			if (i == 6 && h >= maintenance && h < maintenance + 4)
				runs = false;
			sum += runs ? machine[i].on : machine[i].off;
		}
		sum += (fmod((double)t / 95e9, 1) < 0.5 ? 24 : 0) / 3.0 * prng_unit(r);
		add(s, t, 0, sum + prng_normal(r));
	}
	s->cycles_per_sample = 1;
}

/* ---- other behaviours; 4,000 samples a minute apart ---- */
#define OTHERS 4000

/* p[5]: by cycles rather than by the clock. */
static uint64_t number(const struct family *f, int i)
{
	return f->p[5] > 0 ? 1000 + (uint64_t)i : 0;
}

/* First-order process. p: mean, sigma, phi. */
static void ar1(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	double x = prng_normal(r);
	for (int i = 0; i < OTHERS; i++) {
		x = f->p[2] * x + sqrt(1 - f->p[2] * f->p[2]) * prng_normal(r);
		add(s, i * MIN, number(f, i), f->p[0] + f->p[1] * x);
	}
}
/* p: mean, sigma, drift a sample, from sample. */
static void drift(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	double sign = prng_below(r, 2) ? 1 : -1;
	for (int i = 0; i < OTHERS; i++)
		add(s, i * MIN, number(f, i), f->p[0] + (i > f->p[3] ? sign * f->p[2] * (i - f->p[3]) : 0) + f->p[1] * prng_normal(r));
}
/* p: mean, sigma, size of outliers in sigmas, one in so many, at most so many together. */
static void outliers(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	int left = 0;
	double sign = 1;
	for (int i = 0; i < OTHERS; i++) {
		if (left == 0 && prng_below(r, (uint64_t)f->p[3]) == 0) {
			left = 1 + (int)prng_below(r, (uint64_t)f->p[4]);
			sign = prng_below(r, 2) ? 1 : -1;
		}
		double v = f->p[0] + f->p[1] * prng_normal(r);
		if (left) {
			left--;
			v += sign * f->p[2] * f->p[1] * uniform(r, 0.5, 1.5);
		}
		add(s, i * MIN, number(f, i), v);
	}
}
/* p: value. */
static void constant(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size, (void)r;
	for (int i = 0; i < OTHERS; i++)
		add(s, i * MIN, 0, f->p[0]);
}
/* p: start, mean step, one in so many steps. */
static void counter(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	double v = f->p[0];
	for (int i = 0; i < OTHERS; i++) {
		if (prng_below(r, (uint64_t)f->p[2]) == 0)
			v += floor(f->p[1] * (0.8 + 0.4 * prng_unit(r)) + 0.5);
		add(s, i * MIN, 0, v);
	}
}
/* Two levels, dwell drawn. p: low, sigma, high, mean dwell, every sample independent when 0. */
static void bimodal(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size;
	bool high = prng_below(r, 2);
	for (int i = 0; i < OTHERS; i++) {
		if (f->p[3] == 0 ? prng_below(r, 2) : prng_unit(r) < 1 / f->p[3])
			high = !high;
		add(s, i * MIN, number(f, i), (high ? f->p[2] : f->p[0]) + f->p[1] * prng_normal(r));
	}
}
/* Tool offset: 0, -3, -6, then 0 again, held for about 60 samples. */
static void staircase(struct sheet *s, struct prng *r, double size, const struct family *f)
{
	(void)size, (void)f;
	int step = 0;
	for (int i = 0, left = 60; i < OTHERS; i++) {
		if (--left == 0) {
			step = (step + 1) % 4;
			left = 57 + (int)prng_below(r, 13);
		}
		add(s, i * MIN, 0, -3.0 * step);
	}
}

const struct family families[] = {
        /* planted: event 1 */
        {"pressure 95 -> 87.5", true, 0, 0, 0, 6, campaigns, {95, 1.2, 1, 1, 87.2, 87.8}},
        {"cushion 6.0 -> 4.8", true, 0, 0, 0, 6, campaigns, {6, 0.12, 0, 1, 4.75, 4.85}},
        {"metering 9.5 -> 9.9", true, 2, 1, 6, 6, campaigns, {9.5, 0.25, 0, 1, 9.90, 9.94}},
        {"weight 42.0 -> 41.7, 1 in 20", true, 1, 20, 0, 6, campaigns, {42, 0.08, 0, 20, 41.68, 41.72}},
        {"force 2.10 -> 1.86, 80 parts", true, 0, 0, 0, 6, press_fit, {2.10, 0.06, 0, 0, 1.85, 1.87}},
        {"insulation 3000 -> 260, 41 motors", true, 0, 0, 0, 6, motors, {3000, -0.25, 0, 0.9, 250, 270}},
        {"hipot 3.2 -> 3.9, 41 motors", true, 1, 0, 2, 6, motors, {3.2, 0.15, 0, 0.5, 3.85, 3.95}},
        /* normal, in the demo */
        {"pressure, campaigns", false, 0, 0, 0, 6, campaigns, {95, 1.2, 1, 1, 0, 0}},
        {"metering, campaigns", false, 0, 0, 0, 6, campaigns, {9.5, 0.25, 0, 1, 0, 0}},
        {"weight 1 in 20, campaigns", false, 0, 0, 0, 6, campaigns, {42, 0.08, 0, 20, 0, 0}},
        {"force, lots", false, 0, 0, 0, 6, press_fit, {2.10, 0.06, 0, 0, 0, 0}},
        {"insulation, blocks", false, 0, 0, 0, 6, motors, {3000, -0.25, 0, 0, 0, 0}},
        {"hipot, blocks", false, 0, 0, 0, 6, motors, {3.2, 0.15, 0, 0, 0, 0}},
        {"pressure MLD-02, resin lots", false, 1, 0, 0, 7, cycles, {88, 1.1, 55, 60, 1900, 4}},
        {"pressure MLD-03, resin lots", false, 1, 0, 0, 7, cycles, {74, 1.0, 28, 60, 2500, 4}},
        {"pressure, resin lots each 200", false, 0, 0, 0, 7, cycles, {95, 1.2, 42, 60, 200, 4}},
        {"metering MLD-03", false, 0, 0, 0, 7, cycles, {6.3, 0.18, 28, 60, 0, 4}},
        {"spindle load", false, 0, 0, 0, 7, cycles, {32, 1.5, 225, 0, 0, 6}},
        {"vibration", false, 0, 0, 0, 7, cycles, {0.9, 0.12, 240, 0, 0, 8}},
        {"residual", false, 0, 0, 0, 7, cycles, {45, 15, 240, 0, 0, 8}},
        {"xrf", false, 0, 0, 0, 7, cycles, {8, 0.6, 720, 0, 0, 3}},
        {"back-EMF", false, 0, 0, 0, 7, cycles, {41.5, 0.3, 240, 0, 0, 8}},
        {"diameter, tool saw-tooth", false, 0, 0, 0, 7, tool, {0}},
        {"tool count", false, 0, 0, 0, 7, tool_count, {250}},
        {"barrel", false, 0, 0, 0, 7, clock_noise, {275, 1.5, 0}},
        {"rinse conductivity", false, 0, 0, 0, 7, clock_noise, {35, 10, 3}},
        {"heater duty", false, 0, 0, 0, 7, clock_noise, {48, 12, 3}},
        {"clamp force", false, 0, 0, 0, 7, clock_noise, {1760, 8, 4}},
        {"room temperature", false, 0, 0, 0, 7, clock_sine, {24.5, 0.25, 1.8, 24, 0}},
        {"room humidity", false, 0, 0, 0, 7, clock_sine, {48, 0.8, -4, 24, 0}},
        {"dryer dew point", false, 0, 0, 0, 7, clock_saw, {-45, 0.4, -33, 14400, 0}},
        {"compressor pressure", false, 0, 0, 0, 7, clock_saw, {0.65, 0.003, 0.71, 95, 0}},
        {"compressor power", false, 0, 0, 0, 7, clock_onoff, {12, 0.5, 36, 95, 0.6}},
        {"injection power", false, 0, 0, 0, 7, clock_rhythm, {5, 0.6, 38, 42, 0.3}},
        {"firm's meter", false, 6, 0, 0, 7, meter, {46}},
        {"shot counter", false, 0, 0, 0, 7, counter, {305000, 7, 1}},
        {"rare events", false, 0, 0, 0, 7, counter, {37, 1, 100}},
        {"constant", false, 0, 0, 0, 7, constant, {1129}},
        {"tool offset", false, 0, 0, 0, 7, staircase, {0}},
        /* normal elsewhere */
        {"AR(1) 0.5", false, 0, 0, 0, 7, ar1, {100, 2, 0.5}},
        {"AR(1) 0.8", false, 3, 0, 0, 7, ar1, {100, 2, 0.8}},
        {"AR(1) 0.95", false, 4, 0, 0, 7, ar1, {100, 5, 0.95}},
        {"AR(1) 0.99", false, 16, 0, 0, 7, ar1, {100, 10, 0.99}},
        {"slow drift 0.001", false, 0, 0, 0, 7, drift, {100, 2, 0.002, 500}},
        {"slow drift 0.003", false, 2, 0, 0, 7, drift, {100, 2, 0.006, 500}},
        {"drift 0.01", false, 0, 0, 0, 7, drift, {100, 2, 0.02, 500}},
        {"drift from the start", false, 0, 0, 0, 7, drift, {100, 2, 0.02, 0}},
        {"single outliers", false, 0, 0, 0, 7, outliers, {100, 2, 20, 100, 1}},
        {"spikes", false, 6, 0, 0, 7, outliers, {100, 2, 10, 200, 4}},
        {"log-normal 0.9", false, 0, 0, 0, 7, cycles, {3000, -0.9, 240, 0, 0, 3}},
        {"log-normal 0.5", false, 0, 0, 0, 7, cycles, {3000, -0.5, 60, 0, 0, 3}},
        {"two modes, mixed", false, 0, 0, 0, 7, bimodal, {5, 0.2, 38, 0}},
        {"two modes, dwell 4", false, 0, 0, 0, 7, bimodal, {5, 0.2, 38, 4}},
        {"two modes, dwell 20", false, 0, 0, 0, 7, bimodal, {5, 0.2, 38, 20}},
        {"AR(1) 0.5, cycles", false, 3, 0, 0, 7, ar1, {100, 2, 0.5, 0, 0, 1}},
        {"AR(1) 0.8, cycles", false, 28, 0, 0, 7, ar1, {100, 2, 0.8, 0, 0, 1}},
        {"slow drift 0.001, cycles", false, 0, 0, 0, 7, drift, {100, 2, 0.002, 500, 0, 1}},
        {"slow drift 0.003, cycles", false, 2, 0, 0, 7, drift, {100, 2, 0.006, 500, 0, 1}},
        {"drift 0.01, cycles", false, 220, 0, 0, 7, drift, {100, 2, 0.02, 500, 0, 1}},
        {"spikes, cycles", false, 14, 0, 0, 7, outliers, {100, 2, 10, 200, 4, 1}},
        {"two modes, mixed, cycles", false, 3, 0, 0, 7, bimodal, {5, 0.2, 38, 0, 0, 1}},
        {"two modes, dwell 4, cycles", false, 54, 0, 0, 7, bimodal, {5, 0.2, 38, 4, 0, 1}},
        {"two modes, dwell 20, cycles", false, 400, 0, 0, 7, bimodal, {5, 0.2, 38, 20, 0, 1}},
        {"energy counter", false, 0, 0, 0, 7, counter, {88000, 120, 1}},
};
const size_t n_families = sizeof families / sizeof families[0];
