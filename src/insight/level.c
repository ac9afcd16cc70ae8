/* Level shift of one signal.
 *
 *   LEARNING --LEARN_MIN samples--> WATCHING --established--> SHIFTED --back, or normal by now--> WATCHING
 *                                      | candidate fails: what it held is learnt
 *
 * 1. What is normal (struct learnt). Level and spread of single values: winsorised recursive means with gain 1/n, at
 *    least 1/MEMORY; deviations are from the level as believed before the sample, so that a saw-tooth, a wave or a
 *    drift counts as spread and raises its own bar. `step` is the same of successive differences; 1 - step / spread is
 *    how much successive values hang together. `block` is how far means over 4, 16, 64 and 256 samples lay from the
 *    level of their time: for independent noise this falls with 1/sqrt n; lots, campaigns, days and drifts keep it up.
 *    It is what an average has been seen to do by itself (the between-run variance of analysis of variance, streaming).
 * 2. Candidates: one-sided cumulative sums of log-likelihood ratios (Page, Biometrika 1954), three a side:
 *    matched to a shift of SHIFT_SMALL sigma, to SHIFT_LARGE with SPREAD_LARGE times the spread, and to SHIFT_SHARP, which
 *    samples merely somewhat off (another lot just before) don't start. Values are clipped at CLIP sigma, so that a few outliers are not enough. The last zero of a sum is the maximum-likelihood estimate of the
 *    change point (Basseville, Nikiforov, Detection of Abrupt Changes, 1993, 2.2; Montgomery, Introduction to
 *    Statistical Quality Control, 9.1); the sum whose shift lies nearest to what was found gives the begin.
 *    While a sum is above HOT nothing of the candidate is believed to be normal: learning goes on in a copy, which
 *    replaces the original when the candidate is gone. A candidate that lasts longer than what it is held against, is
 *    too small to matter after SETTLED samples, or stands unproven for UNPROVEN_MAX, is where the signal is now: the
 *    level moves there.
 * 3. A shift is established when all of these hold for the candidate's samples:
 *    - at least SAMPLES_MIN of them and a sum over PROVEN (for independent noise e^18 = 6.6e7 samples between false
 *      alarms at least: Lorden, Annals of Mathematical Statistics 1971);
 *    - what was learnt is worth WORTH_MIN independent values, and for a clock signal spans LEARN_CLOCK_NS;
 *    - their mean lies SURE standard errors off; the error holds the candidate's own scatter (inflated by its
 *      correlation, as of a first-order process), what averages have been seen to do (1), and how well the level is known;
 *    - it is a step: a straight line through the samples doesn't rise by more than STEP_RISE of the shift, nor fall by
 *      more than STEP_FALL (small shifts must show this with two standard errors to spare);
 *    - it lasts LASTS times as long, or lies BEYOND times as far off, as the largest excursion to that side that came back
 *      by itself lately: breaks and nights are no shifts (struct excursion);
 *    - it is large enough to matter: PRACTICAL of the level after a standard error is taken off, or PRACTICAL_SIGMA of
 *      noise; and STRENGTH_MIN of noise, more the more successive values hang together: what wanders must leave its range.
 * 4. It is over when a sum matched to the way back passes BACK (end: its last zero), or when NORMAL_AFTER samples have
 *    made the new level normal. From the second return on such excursions are learnt: the signal has two levels.
 *
 * Not judged: the first RESTART samples after a stop (a gap of over STOP_GAP usual intervals; by cycle numbers, where
 * there are some, the first RESTART cycles); signals whose values mostly repeat exactly (codes, set points, rare counts,
 * constants, on and off) or mostly go one way (counters, tools' ages).
 *
 * Limits, on purpose: shifts under 3 % of the level that are also under 2.5 sigma, and shifts under 1.25 sigma, are not
 * found; a drift is no shift; a clock signal's first day isn't judged. The 3 % are of the value as it stands: they mean
 * little for a signal whose zero is arbitrary (degrees Celsius). A shift that begins while the machine stands is dated to
 * the first sample after the stop. Misses and false findings as counted: docs/insight.md, tests/prop/insight. */
#include "insight/level.h"

#include <math.h>
#include <string.h>

#define LEARN_MIN 20u                                    /* samples */
#define LEARN_CLOCK_NS (INT64_C(24) * 3600 * 1000000000) /* signals by the clock follow the day: a whole one is seen first */
#define MEMORY 256u                                      /* samples */
#define CLIP 4.0                                         /* sigmas */
#define WORTH_MIN 6.0
#define CORRELATION_MAX 0.98
#define BLOCK_SCALES 4u /* 4, 16, 64, 256 samples */
#define BLOCKS_MIN 4u   /* before a scale is believed */
#define BLOCK_MEMORY 32u
#define HOT 3.0f
#define UNPROVEN_MAX 250u /* samples */
#define SETTLED 64.0      /* samples after which a candidate under the practical limit is where the signal is now */
#define STOP_PRIOR 8.0f   /* what a candidate must have said by a stop to have begun before it */
#define SHIFT_SMALL 1.6   /* sigmas that the sums are matched to */
#define SHIFT_LARGE 4.0
#define SPREAD_LARGE 2.5
#define LOG_SPREAD_LARGE 0.9162907318741551 /* ln 2.5 */
#define SHIFT_SHARP 5.0
#define LARGE_FROM 2.5 /* sigmas from which the large sum's begin is the better one... */
#define SHARP_FROM 4.5 /* ...and the sharp one's, when... */
#define BEFORE_SHARP 0.4 /* ...what was before it lies so much nearer to what is normal */
#define SAMPLES_MIN 8u
#define PROVEN 18.0f
#define SURE 4.5
#define STEP_RISE 0.6
#define STEP_FALL 0.8
#define SMALL_STEP 2.0 /* sigmas: under it a slope must be two standard errors away, */
#define LARGE_STEP 2.5 /* under it one; over it one is forgiven */
#define PRACTICAL 0.03
#define PRACTICAL_SIGMA 2.5
#define FEW 12u /* samples: fewer don't tell 2.5 sigma */
#define STRENGTH_MIN 1.25
#define CORRELATED 2.4       /* sigmas more for a correlation of 1... */
#define CORRELATED_FROM 0.15 /* ...over this */
#define UNSURE 40.0          /* samples over the squared strength: a begin is off by more one time in 1,000 */
#define LATE 3               /* times that: a sum that began anew by chance dates a small shift late, never early */
#define EXCURSION_FROM 2.5 /* sigmas */
#define EXCURSION_MIN 4u   /* samples */
#define LASTS 2.0          /* times as long, */
#define BEYOND 1.25        /* or as far off, as what came back by itself */
#define BACK 10.0f
#define BACK_SAMPLES 8u
#define BACK_WITHIN 0.35  /* of the shift */
#define NORMAL_AFTER 500u /* samples */
#define RELEARN 64u       /* samples that a level which became normal counts as */
#define RETURNS 2u
#define RETURNS_FORGOTTEN 2048u /* samples after which one is forgotten; a power of two */
#define RESTART 5u
#define STOP_GAP 3.0
#define PACE_OVER 50.0   /* samples over which the usual interval is found */
#define SIGNS_OVER 32.0f /* samples over which repeats and directions are counted */
#define REPEATS_MAX 0.5f
#define ONE_WAY_MAX 0.4f
#define FAR 1e15 /* values are held in units of the first one, no further than this */

struct learnt {
	double level;
	float spread, step; /* variances: about the level; half of that of successive differences */
	float block[BLOCK_SCALES];
	uint16_t blocks[BLOCK_SCALES];
	uint16_t n; /* at most MEMORY */
};
/* A cumulative sum and the samples since its last zero, as deviations from the level. */
struct cusum {
	float s, sum, sum2, sum_i, steps2;
	uint32_t n;
	int64_t t_ns;
	uint64_t seq;
};
/* SHARP: for a shift far out of the noise, which samples merely somewhat off do not start. */
enum { SMALL_UP, SMALL_DOWN, LARGE_UP, LARGE_DOWN, SHARP_UP, SHARP_DOWN, CUSUMS };
struct candidates {
	struct cusum c[CUSUMS];
};
/* Samples in a row that were off to one side; and the largest such excursion that came back by itself, for each side. */
struct excursion {
	float mean; /* deviation; > 0 */
	uint16_t n;
};
struct shift {
	struct cusum back;
	int64_t begin_ns;
	uint64_t begin_seq;
	double mean, noise;
	float scatter2; /* sum of squares about the mean */
	uint32_t n;
	bool up;
};
enum phase { LEARNING, WATCHING, SHIFTED };
struct level {
	struct learnt ref, now; /* believed; with what a candidate would add */
	union {
		struct candidates k;
		struct shift shift;
	};
	double unit; /* a power of two near the first value: everything here is in it; 0: no value but 0 yet */
	double last, pace_ns;
	int64_t since_ns, last_ns, stop_ns; /* first sample; last one; first one after the last stop */
	uint64_t stop_seq;
	struct excursion off, past[2]; /* the present one; up, down */
	bool off_down, off_back; /* side of the present one; its last sample was back */
	float block_sum[BLOCK_SCALES];
	float repeats, one_way;
	uint32_t in_blocks, learnt; /* samples */
	uint16_t restart;           /* samples left to skip */
	uint8_t phase, returns;     /* returns: from shifts, lately */
	bool any, has_last, resumed;
};
_Static_assert(sizeof(struct level) <= LEVEL_STATE_MAX, "fits where callers keep it");

void level_init(struct level_store *s)
{
	memset(s, 0, sizeof *s);
}

static double noise_of(const struct learnt *l)
{
	return sqrt(l->spread);
}
static double clip(double x, double most)
{
	return x > most ? most : x < -most ? -most : x;
}
/* Of successive values, as far as n of them prove it (less one standard error). */
static double correlation(double spread, double step, double n)
{
	double phi = spread > step ? 1 - step / spread : 0;
	return clip(fmax(0, phi - sqrt((1 - phi * phi) / n)), CORRELATION_MAX);
}
/* Of a mean's variance, when successive values hang together as in a first-order process. */
static double inflation(double phi)
{
	return (1 + phi) / (1 - phi);
}

/* ---- what is normal ---- */
static void learn_blocks(struct level *q, double r)
{
	q->in_blocks++;
	q->learnt++;
	for (unsigned k = 0, size = 4; k < BLOCK_SCALES; k++, size *= 4) {
		q->block_sum[k] += (float)r;
		if (q->in_blocks & (size - 1))
			continue;
		float mean = q->block_sum[k] / (float)size;
		uint16_t *n = &q->now.blocks[k];
		q->block_sum[k] = 0;
		if (*n < BLOCK_MEMORY)
			++*n;
		q->now.block[k] += (mean * mean - q->now.block[k]) / (float)*n;
	}
}

static void learn(struct level *q, double x)
{
	struct learnt *l = &q->now;
	if (l->n == 0) {
		l->level = x;
		l->n = 1;
		return;
	}
	double r = x - l->level, most = INFINITY;
	if (l->n >= 8)
		most = CLIP * noise_of(l);
	r = clip(r, most);
	float gain = 1.0f / (float)l->n;
	l->spread += gain * ((float)(r * r) * (float)l->n / (float)(l->n + 1) - l->spread); /* the level itself is uncertain by 1/n */
	if (q->has_last) {
		double d = clip(x - q->last, 1.5 * most);
		l->step += gain * ((float)(d * d / 2) - l->step);
	}
	if (l->n < MEMORY)
		l->n++;
	l->level += r / l->n;
	learn_blocks(q, r);
}

/* ---- candidates ---- */
static void cusum_add(struct cusum *c, double gain, const struct level_sample *x, double r, double d, const struct level *q)
{
	double s = c->s + gain;
	if (s <= 0) {
		c->s = 0;
		return;
	}
	if (c->s == 0) {
		*c = (struct cusum){.t_ns = q->resumed ? q->stop_ns : x->t_ns, .seq = q->resumed ? q->stop_seq : x->seq};
		d = 0;
	}
	c->s = (float)s;
	c->sum += (float)r;
	c->sum2 += (float)(r * r);
	c->sum_i += (float)r * (float)c->n;
	c->steps2 += (float)(d * d);
	c->n++;
}

static void cusums_add(struct level *q, const struct level_sample *x)
{
	/* Changes happen while a machine stands rather than just before: a candidate that had little to say by then begins anew. */
	if (q->resumed) {
		for (unsigned i = 0; i < CUSUMS; i++)
			if (q->k.c[i].s <= STOP_PRIOR)
				q->k.c[i].s = 0;
	}
	double r = x->value - q->ref.level, y = clip(r / noise_of(&q->ref), CLIP);
	double d = q->has_last ? x->value - q->last : 0;
	double large = y * y / 2 - LOG_SPREAD_LARGE;
	double up = (y - SHIFT_LARGE) / SPREAD_LARGE, down = (y + SHIFT_LARGE) / SPREAD_LARGE;
	cusum_add(&q->k.c[SMALL_UP], SHIFT_SMALL * (y - SHIFT_SMALL / 2), x, r, d, q);
	cusum_add(&q->k.c[SMALL_DOWN], SHIFT_SMALL * (-y - SHIFT_SMALL / 2), x, r, d, q);
	cusum_add(&q->k.c[LARGE_UP], y > 0 ? large - up * up / 2 : -LOG_SPREAD_LARGE, x, r, d, q);
	cusum_add(&q->k.c[LARGE_DOWN], y < 0 ? large - down * down / 2 : -LOG_SPREAD_LARGE, x, r, d, q);
	cusum_add(&q->k.c[SHARP_UP], SHIFT_SHARP * (y - SHIFT_SHARP / 2), x, r, d, q);
	cusum_add(&q->k.c[SHARP_DOWN], SHIFT_SHARP * (-y - SHIFT_SHARP / 2), x, r, d, q);
}

/* ---- excursions: breaks, nights, a batch: off for a while, then back ---- */
static void excursion_add(struct level *q, double r)
{
	struct excursion *o = &q->off;
	double off = q->off_down ? -r : r;
	if (o->n && off <= 2 * (double)o->mean) {
		if (off >= (double)o->mean / 3) {
			q->off_back = false;
			if (o->n < UINT16_MAX)
				o->n++;
			o->mean += (float)(off - (double)o->mean) / (float)o->n;
			return;
		}
		if (!q->off_back) { /* a single sample may be back by chance */
			q->off_back = true;
			return;
		}
	}
	struct excursion *past = &q->past[q->off_down];
	if (o->n >= EXCURSION_MIN && o->mean * o->mean * (float)o->n >= past->mean * past->mean * (float)past->n)
		*past = *o;
	q->off_down = r < 0;
	q->off_back = false;
	*o = fabs(r) >= EXCURSION_FROM * noise_of(&q->ref) ? (struct excursion){(float)fabs(r), 1} : (struct excursion){0};
}

/* Whether the like has come back by itself: the candidate must last longer, or lie further off. */
static bool came_back(const struct level *q, bool down, double n, double size)
{
	const struct excursion *past = &q->past[down];
	return past->n && n <= LASTS * past->n && size <= BEYOND * (double)past->mean;
}

/* What a mean over n samples has been seen to do, squared: that of the longest average known that is no longer than n,
 * shrunk further (to four times its length at most) the way averages have shrunk up to there. */
static double seen(const struct learnt *l, uint32_t n, double noise)
{
	double best = noise * noise, shorter = best;
	for (unsigned k = 0, size = 4; k < BLOCK_SCALES && size <= n; k++, size *= 4) {
		if (l->blocks[k] < BLOCKS_MIN)
			break;
		/* Few blocks tell little: independence counts as BLOCKS_MIN blocks more, and the whole for less sure. */
		double m = l->blocks[k], v = (m * l->block[k] + BLOCKS_MIN * noise * noise / size) / (m + BLOCKS_MIN),
		       shrinks = shorter > v && v > 0 ? fmin(log(shorter / v) / log(4), 1) : 0;
		double further = pow(1 / fmin(n / (double)size, 4), shrinks);
		best = fmin(best, v * further * (1 + 2 / m));
		shorter = v;
	}
	return best;
}

static bool established(const struct level *q, unsigned i)
{
	const struct learnt *l = &q->ref;
	const struct cusum *c = &q->k.c[i];
	if (c->n < SAMPLES_MIN || c->s < PROVEN || c->n > l->n)
		return false;
	/* A signal that wanders tells little with each value: watched for longer before it is judged. */
	double raw = l->spread > l->step ? 1 - l->step / l->spread : 0;
	if (q->learnt * (1 - raw) < WORTH_MIN * (1 + raw))
		return false;
	double n = c->n, noise = noise_of(l), shift = c->sum / n, size = fabs(shift);
	double scatter = fmax((c->sum2 - n * shift * shift) / (n - 1), noise * noise / 4);
	double phi = correlation(l->spread, l->step, l->n);
	double own = scatter / n * inflation(fmax(phi, correlation(scatter, c->steps2 / (2 * (n - 1)), n)));
	double known = noise * noise / l->n * inflation(phi);
	double error = sqrt(own + seen(l, c->n, noise) + known);
	if (size < SURE * error || (i >= SHARP_UP && size < SHARP_FROM * noise))
		return false;
	double slope = (c->sum_i - n * shift * (n - 1) / 2) / (n * (n * n - 1) / 12);
	double rise = slope * n / shift, rise_error = sqrt(12 / n) / size;
	double less_sure = size < SMALL_STEP * noise ? 2 * noise : size < LARGE_STEP * noise ? noise : -sqrt(scatter);
	if (rise + less_sure * rise_error > STEP_RISE || rise + rise_error * sqrt(scatter) < -STEP_FALL ||
	        (rise > STEP_RISE / 2 && rise > 3 * rise_error * sqrt(scatter)))
		return false;
	if (came_back(q, i & 1u, n, size))
		return false;
	if (size < (STRENGTH_MIN + CORRELATED * fmax(phi - CORRELATED_FROM, 0)) * noise)
		return false;
	return size - error >= PRACTICAL * fabs(l->level) || (n >= FEW && size - sqrt(own) >= PRACTICAL_SIGMA * noise);
}

/* Whether a candidate has lasted long enough to say that it will never be large enough. */
static bool too_small(const struct level *q, double n, double size)
{
	double noise = noise_of(&q->ref);
	return n >= SETTLED && size + 2 * noise / sqrt(n) < fmin(PRACTICAL * fabs(q->ref.level), PRACTICAL_SIGMA * noise);
}

/* ---- a shift ---- */
static void fill(const struct level *q, int64_t end_ns, struct level_finding *ret)
{
	const struct shift *h = &q->shift;
	*ret = (struct level_finding){.begin_ns = h->begin_ns,
	        .begin_seq = h->begin_seq,
	        .end_ns = end_ns,
	        .before = q->ref.level,
	        .after = h->mean,
	        .noise = h->noise,
	        .strength = fabs(h->mean - q->ref.level) / h->noise,
	        .samples = h->n};
	double unsure = (1 + UNSURE / (ret->strength * ret->strength)) * q->pace_ns;
	ret->unsure_ns = unsure < (double)INT64_MAX / 4 ? (int64_t)unsure : INT64_MAX / 4;
}

bool level_join(struct level_finding *f, const struct level_finding *surer)
{
	int64_t apart, unsure = f->unsure_ns + surer->unsure_ns;
	if (surer->unsure_ns >= f->unsure_ns || __builtin_sub_overflow(surer->begin_ns, f->begin_ns, &apart) || apart > unsure || apart / LATE < -unsure)
		return false;
	f->begin_ns = surer->begin_ns;
	f->begin_seq = surer->begin_seq;
	return true;
}

/* The sum whose shift lies nearest to what was found gives the begin. */
static const struct cusum *best_dated(const struct level *q, bool down)
{
	const struct cusum *small = &q->k.c[SMALL_UP + down], *large = &q->k.c[LARGE_UP + down], *sharp = &q->k.c[SHARP_UP + down];
	const struct cusum *c = small->s <= 0 || (large->s > 0 && fabs(large->sum) >= LARGE_FROM * noise_of(&q->ref) * large->n) ? large : small;
	/* Samples that were off before, by a lot's difference say, belong to what was normal when the shift is far larger. */
	double before = fabs(c->sum - sharp->sum) * sharp->n, after = fabs(sharp->sum) * (c->n - (double)sharp->n);
	bool far = sharp->s > 0 && sharp->n >= SAMPLES_MIN / 2 && fabs(sharp->sum) >= SHARP_FROM * noise_of(&q->ref) * sharp->n;
	return far && (c->s <= 0 || before < BEFORE_SHARP * after) ? sharp : c;
}

static void enter(struct level *q, bool down)
{
	const struct cusum *c = best_dated(q, down);
	double n = c->n, mean = c->sum / n;
	q->shift = (struct shift){.begin_ns = c->t_ns,
	        .begin_seq = c->seq,
	        .mean = q->ref.level + mean,
	        .noise = noise_of(&q->ref),
	        .n = c->n,
	        .up = mean > 0,
	        .scatter2 = (float)fmax(c->sum2 - n * mean * mean, 0)};
	q->now = q->ref;
	q->phase = SHIFTED;
}

static void watch_again(struct level *q)
{
	memset(&q->k, 0, sizeof q->k);
	memset(q->block_sum, 0, sizeof q->block_sum);
	q->in_blocks = 0;
	q->phase = WATCHING;
}

/* A signal that has left and come back again and again has two levels: the excursion is learnt. */
static void learn_excursion(struct level *q)
{
	const struct shift *h = &q->shift;
	struct learnt *l = &q->ref;
	double d = h->mean - l->level, n = h->n < MEMORY ? h->n : MEMORY, w = n / (n + l->n);
	l->level += w * d;
	l->spread = (float)((1 - w) * (l->spread + w * d * d) + w * h->scatter2 / h->n);
	for (unsigned k = 0, size = 4; k < BLOCK_SCALES && size <= h->n; k++, size *= 4) {
		unsigned more = h->n / size < BLOCK_MEMORY ? h->n / size : BLOCK_MEMORY, all = more + l->blocks[k];
		l->block[k] = (float)((l->block[k] * (float)l->blocks[k] + (double)more * d * d) / all);
		l->blocks[k] = (uint16_t)(all < BLOCK_MEMORY ? all : BLOCK_MEMORY);
	}
	q->now = *l;
}

static enum level_verdict shifted(struct level *q, const struct level_sample *x, struct level_finding *ret)
{
	struct shift *h = &q->shift;
	double apart = fabs(h->mean - q->ref.level);
	double sigma = fmax(h->noise, sqrt(h->scatter2 / fmax(h->n - 1.0, 1)));
	/* The new level is known by n samples chosen for being far off: it may lie nearer by one and a half standard errors. */
	double bias = fmin(1.5 * sigma / sqrt(h->n), apart / 2), d = fmin((apart - bias) / sigma, CLIP);
	double y = (h->up ? h->mean - x->value : x->value - h->mean) / sigma - bias / sigma;
	y = y < -2 ? -2 : y > d + 2 ? d + 2 : y;
	cusum_add(&h->back, d * (y - d / 2), x, x->value - q->ref.level, 0, q);
	h->n++;
	if (h->back.s >= BACK && h->back.n >= BACK_SAMPLES && (h->up ? 1 : -1) * h->back.sum / (float)h->back.n < BACK_WITHIN * apart) {
		fill(q, h->back.t_ns, ret);
		if (++q->returns >= RETURNS) {
			q->returns = RETURNS - 1;
			learn_excursion(q);
		}
		watch_again(q);
		return LEVEL_ENDED;
	}
	if (h->back.s < HOT) {
		double e = clip(x->value - h->mean, CLIP * sigma);
		h->mean += e / h->n;
		h->scatter2 += (float)(e * (x->value - h->mean));
	}
	if (h->n < NORMAL_AFTER) {
		fill(q, INT64_MIN, ret);
		return LEVEL_UPDATE;
	}
	fill(q, x->t_ns, ret);
	float spread = h->scatter2 / (float)(h->n - 1);
	struct learnt l = {.level = h->mean, .spread = spread, .step = q->ref.step < spread ? q->ref.step : spread, .n = RELEARN};
	q->ref = q->now = l;
	watch_again(q);
	return LEVEL_ENDED;
}

static enum level_verdict watch(struct level *q, const struct level_sample *x, struct level_finding *ret)
{
	bool fit = q->repeats < REPEATS_MAX && fabsf(q->one_way) < ONE_WAY_MAX && q->ref.spread > 0 &&
	           (x->seq != 0 || x->t_ns - q->since_ns >= LEARN_CLOCK_NS);
	if (q->ref.spread > 0)
		excursion_add(q, x->value - q->ref.level);
	if (!fit) {
		memset(&q->k, 0, sizeof q->k);
	} else {
		cusums_add(q, x);
		for (unsigned i = 0; i < CUSUMS; i++) {
			if (established(q, i)) {
				enter(q, i & 1u);
				fill(q, INT64_MIN, ret);
				return LEVEL_SHIFTED;
			}
		}
	}
	learn(q, x->value);
	if ((q->learnt & (RETURNS_FORGOTTEN - 1)) == 0) {
		if (q->returns)
			q->returns--;
		memset(q->past, 0, sizeof q->past);
	}
	bool hot = false;
	for (unsigned i = 0; i < CUSUMS; i++) {
		struct cusum *c = &q->k.c[i];
		if (c->s <= HOT)
			continue;
		double n = c->n, mean = c->sum / n;
		if (c->n <= UNPROVEN_MAX && c->n <= q->ref.n && !too_small(q, n, fabs(mean))) {
			hot = true;
			continue;
		}
		/* Longer than what it is held against, unproven for long, or too small to matter: that is where the signal is now. */
		double slope = (c->sum_i - n * mean * (n - 1) / 2) / (n * (n * n - 1) / 12);
		q->now.level = q->ref.level + mean + slope * n / 2;
		memset(&q->k, 0, sizeof q->k);
		hot = false;
		break;
	}
	if (!hot)
		q->ref = q->now;
	return LEVEL_NOTHING;
}

/* ---- one sample ---- */
/* Whether the sample is to be judged: not one of the first after a stop. */
static bool pace(struct level *q, const struct level_sample *x)
{
	bool stop = !q->any;
	if (stop)
		q->since_ns = x->t_ns;
	if (q->any) {
		double dt = (double)(x->t_ns - q->last_ns);
		if (q->pace_ns > 0 && dt > STOP_GAP * q->pace_ns)
			stop = true;
		if (dt > 0) {
			double n = q->now.n < PACE_OVER ? q->now.n + 1.0 : PACE_OVER;
			q->pace_ns = q->pace_ns > 0 ? q->pace_ns * (dt > q->pace_ns          ? 1 + 1 / n
			                                                   : dt < q->pace_ns ? 1 / (1 + 1 / n)
			                                                                     : 1)
			                            : dt;
		}
	}
	q->any = true;
	q->last_ns = x->t_ns;
	if (stop) {
		q->stop_ns = x->t_ns;
		q->stop_seq = x->seq;
		q->restart = RESTART;
		q->has_last = false;
	}
	if (q->restart == 0)
		return true;
	if (x->seq != 0 && x->seq - q->stop_seq >= RESTART) {
		q->restart = 0;
	} else {
		q->restart--;
		q->resumed = true;
		return false;
	}
	return true;
}

static void habits(struct level *q, double x)
{
	if (!q->has_last)
		return;
	float up = x > q->last ? 1 : x < q->last ? -1 : 0, over = q->now.n < SIGNS_OVER ? (float)q->now.n : SIGNS_OVER;
	q->repeats += ((up == 0 ? 1.0f : 0.0f) - q->repeats) / over;
	q->one_way += (up - q->one_way) / over;
}

/* Values in the signal's own unit, so that squares fit whatever the scale: exact, since a power of two. */
static double in_unit(struct level *q, double x)
{
	if (q->unit == 0 && x != 0) {
		int e;
		frexp(x, &e);
		q->unit = ldexp(1, e < -1000 ? -1000 : e > 1000 ? 1000 : e);
	}
	return q->unit == 0 ? 0 : clip(x / q->unit, FAR);
}

enum level_verdict level_feed(struct level_store *s, const struct level_sample *x, struct level_finding *ret)
{
	struct level *q = (struct level *)(void *)s;
	enum level_verdict v = LEVEL_NOTHING;
	if (!isfinite(x->value) || !pace(q, x))
		return v;
	struct level_sample y = {x->t_ns, x->seq, in_unit(q, x->value)};
	habits(q, y.value);
	switch ((enum phase)q->phase) {
	case LEARNING:
		learn(q, y.value);
		q->ref = q->now;
		if (q->now.n >= LEARN_MIN)
			q->phase = WATCHING;
		break;
	case WATCHING:
		v = watch(q, &y, ret);
		break;
	case SHIFTED:
		v = shifted(q, &y, ret);
		break;
	}
	if (v != LEVEL_NOTHING) {
		ret->before *= q->unit;
		ret->after *= q->unit;
		ret->noise *= q->unit;
	}
	q->last = y.value;
	q->has_last = true;
	q->resumed = false;
	return v;
}
