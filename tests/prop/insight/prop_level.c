/* Level shifts against families of signals (families.c): what is planted is
 * found, what is normal is not; the same at every scale; what is left of
 * findings when the planted shifts are half as large is printed. */
#include "cm.h"
#include "prop.h"

#include <math.h>
#include <stdio.h>

#include "judge.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEEDS 20u
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SEEDS 20u
#endif
#endif
#ifndef SEEDS
#define SEEDS 200u
#endif
#define SEEDS_OF_BOUNDS 200u
#define NEAR 30u   /* cycles from the planted begin: further off is another finding */
#define WITHIN 10u /* cycles: the begin counts as found */

static struct level_sample samples[FAMILY_MAX];

struct count {
	unsigned missed, off, wrong, open; /* open: a planted end not seen */
	double weeks, delay;
};

static void draw(const struct family *f, unsigned seed, double size, struct sheet *s)
{
	struct prng r;
	prng_seed(&r, seed * 1000u + (unsigned)(f - families) * 7u + 1u);
	*s = (struct sheet){.x = samples};
	f->draw(s, &r, size, f);
	assert_true(s->n > 30 && s->n < FAMILY_MAX);
}

static void count_one(const struct sheet *s, struct count *c)
{
	struct judged j;
	bool found = false;
	judge(s, 1, &j);
	c->weeks += (double)(s->x[s->n - 1].t_ns - s->x[0].t_ns) / (7 * 86400e9);
	for (size_t i = 0; i < j.n; i++) {
		double off = fabs((double)j.f[i].begin_seq - (double)s->begin_seq) / (double)s->cycles_per_sample;
		assert_true(j.f[i].begin_ns <= s->x[j.raised_at[i]].t_ns && j.f[i].noise > 0 && isfinite(j.f[i].after));
		if (!s->planted || found || off > NEAR) {
			c->wrong++;
			continue;
		}
		found = true;
		c->off += off > WITHIN;
		c->delay += ((double)s->x[j.raised_at[i]].seq - (double)s->begin_seq) / (double)s->cycles_per_sample;
		c->open += s->end_seq && !j.ended[i];
	}
	c->missed += s->planted && !found;
}

static void counted(double size, bool assert_them)
{
	for (size_t k = 0; k < n_families; k++) {
		const struct family *f = &families[k];
		struct count c = {0};
		struct sheet s;
		if (!assert_them && !f->planted)
			continue;
		for (unsigned seed = 0; seed < SEEDS; seed++) {
			draw(f, seed, size, &s);
			count_one(&s, &c);
		}
		printf("%-36s %3u seeds", f->name, SEEDS);
		if (f->planted)
			printf(", %u missed, %u dated worse than %u cycles, %u ends not seen, told after %.0f cycles", c.missed, c.off,
			        WITHIN, c.open, c.delay / fmax(SEEDS - c.missed, 1));
		printf(", %u false (%.4f a signal-week)\n", c.wrong, c.wrong / c.weeks);
		if (!assert_them)
			continue;
		unsigned share = SEEDS_OF_BOUNDS / SEEDS; /* with fewer seeds the bounds stay generous */
		assert_true(c.wrong <= f->false_max / share + (f->false_max ? share - 1 : 0));
		assert_true(c.missed <= f->missed_max / share + (f->missed_max ? share - 1 : 0));
		assert_true(c.off <= f->off_max / share + (f->off_max ? share - 1 : 0));
		if (f->planted && s.end_seq && s.cycles_per_sample == 1)
			assert_true(c.open <= (SEEDS + 49) / 50);
	}
}

static void planted_found_normal_silent(void **state)
{
	(void)state;
	counted(1, true);
}

static void half_as_large(void **state)
{
	(void)state;
	printf("half as large:\n");
	counted(0.5, false);
}

static void same_at_every_scale(void **state)
{
	(void)state;
	static const double scales[] = {0.01, 100, 1e-20, 1e20, 0.25};
	static struct judged one, other;
	for (size_t k = 0; k < n_families; k++) {
		for (unsigned seed = 0; seed < (SEEDS < 8 ? SEEDS : 8); seed++) {
			struct sheet s;
			draw(&families[k], seed, 1, &s);
			judge(&s, 1, &one);
			for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
				judge(&s, scales[i], &other);
				assert_int_equal(one.n, other.n);
				for (size_t q = 0; q < one.n; q++) {
					assert_int_equal(one.f[q].begin_ns, other.f[q].begin_ns);
					assert_int_equal(one.f[q].begin_seq, other.f[q].begin_seq);
					assert_int_equal(one.f[q].end_ns, other.f[q].end_ns);
					assert_int_equal(one.f[q].samples, other.f[q].samples);
					assert_int_equal(one.ended[q], other.ended[q]);
					assert_true(fabs(other.f[q].after / scales[i] / one.f[q].after - 1) < 1e-4);
				}
			}
		}
	}
}

/* Anything finite: no trap, no finding that contradicts itself. */
static bool takes_anything(struct prop *p, void *arg)
{
	(void)arg;
	struct level_store st;
	struct level_finding f;
	bool shifted = false, ok = true;
	int64_t t = prop_range(p, -1000, 1000), first = t;
	double base = prop_f64(p);
	level_init(&st);
	for (size_t n = prop_size(p, 600); n && ok; n--) {
		t += prop_range(p, 0, 5);
		double v = prop_below(p, 8) ? base + (double)prop_range(p, -9, 9) * base / 100 : prop_f64(p);
		enum level_verdict got = level_feed(&st, &(struct level_sample){t, prop_bool(p) ? (uint64_t)n : 0, v}, &f);
		ok = got == LEVEL_NOTHING || (got == LEVEL_SHIFTED ? !shifted : shifted);
		ok = ok && (got == LEVEL_NOTHING || (f.begin_ns >= first && f.begin_ns <= t && f.noise > 0 &&
		                                            (got == LEVEL_ENDED) == (f.end_ns != INT64_MIN)));
		shifted = got == LEVEL_SHIFTED || (shifted && got != LEVEL_ENDED);
	}
	return ok;
}

static void anything(void **state)
{
	(void)state;
	assert_int_equal(prop_check("level_feed takes anything", takes_anything, NULL, 300), 0);
}

/* The pressure's sharp step dates the metering time's blurred one. */
static void joined_begins_are_better(void **state)
{
	(void)state;
	const struct family *sharp = &families[0], *blurred = &families[2];
	unsigned alone = 0, joined = 0, both = 0;
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct sheet a, b;
		struct judged ja, jb;
		draw(sharp, seed, 1, &a);
		judge(&a, 1, &ja);
		uint64_t true_a = a.begin_seq;
		int64_t begin_a = a.begin_ns;
		draw(blurred, seed, 1, &b);
		judge(&b, 1, &jb);
		if (ja.n != 1 || jb.n != 1)
			continue;
		both++;
		double off = fabs((double)jb.f[0].begin_seq - (double)b.begin_seq);
		alone += off > WITHIN;
		/* Two draws begin at different times: the sharp one is moved onto the other's. */
		ja.f[0].begin_ns += b.begin_ns - begin_a;
		ja.f[0].begin_seq += b.begin_seq - true_a;
		if (level_join(&jb.f[0], &ja.f[0]))
			off = fabs((double)jb.f[0].begin_seq - (double)b.begin_seq);
		joined += off > WITHIN;
	}
	printf("metering's begin off by more than %u cycles: %u of %u alone, %u joined with the pressure's\n", WITHIN, alone, both, joined);
	assert_true(both > SEEDS * 9 / 10);
	assert_int_equal(joined, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(planted_found_normal_silent),
	        cmocka_unit_test(half_as_large),
	        cmocka_unit_test(same_at_every_scale),
	        cmocka_unit_test(anything),
	        cmocka_unit_test(joined_begins_are_better),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
