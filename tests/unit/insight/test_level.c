#include "cm.h"

#include <math.h>

#include "base/prng.h"
#include "insight/level.h"

#define S INT64_C(1000000000)

static struct level_store st;
static struct level_finding f;
static struct prng r;
static int64_t t;
static uint64_t seq;
static unsigned told[LEVEL_ENDED + 1];

static int fresh(void **state)
{
	(void)state;
	level_init(&st);
	prng_seed(&r, 5);
	t = 0;
	seq = 100;
	memset(told, 0, sizeof told);
	return 0;
}

static enum level_verdict next(double v)
{
	t += 60 * S;
	enum level_verdict got = level_feed(&st, &(struct level_sample){t, ++seq, v}, &f);
	told[got]++;
	return got;
}
static void noise(unsigned n, double mean, double sigma)
{
	while (n--)
		next(mean + sigma * prng_normal(&r));
}

static void found_told_and_ended(void **state)
{
	(void)state;
	noise(300, 10, 0.1);
	assert_int_equal(told[LEVEL_NOTHING], 300);
	uint64_t begin = seq + 1, end;
	int64_t begin_ns = t + 60 * S;
	noise(100, 12, 0.1);
	assert_int_equal(told[LEVEL_SHIFTED], 1);
	assert_int_equal(told[LEVEL_UPDATE], 100 - 8);
	assert_int_equal(f.begin_seq, begin);
	assert_int_equal(f.begin_ns, begin_ns);
	assert_int_equal(f.end_ns, INT64_MIN);
	assert_int_equal(f.samples, 100);
	assert_true(fabs(f.before - 10) < 0.05 && fabs(f.after - 12) < 0.05 && fabs(f.noise - 0.1) < 0.02);
	assert_true(fabs(f.strength - fabs(f.after - f.before) / f.noise) < 1e-9);
	end = seq + 1;
	noise(40, 10, 0.1);
	assert_int_equal(told[LEVEL_ENDED], 1);
	assert_int_equal(f.end_ns, begin_ns + (int64_t)(end - begin) * 60 * S);
	noise(300, 10, 0.1);
	assert_int_equal(told[LEVEL_SHIFTED], 1);
}

static void the_new_level_becomes_normal(void **state)
{
	(void)state;
	noise(300, 10, 0.1);
	noise(700, 8, 0.1);
	assert_int_equal(told[LEVEL_SHIFTED], 1);
	assert_int_equal(told[LEVEL_ENDED], 1);
	assert_int_equal(f.samples, 500);
	/* From there the old level is a shift. */
	noise(30, 10, 0.1);
	assert_int_equal(told[LEVEL_SHIFTED], 2);
	assert_true(fabs(f.before - 8) < 0.1);
}

static void first_samples_after_a_stop_are_not_judged(void **state)
{
	(void)state;
	for (int run = 0; run < 60; run++) {
		t += 1800 * S;
		for (int i = 0; i < 5; i++)
			next(10 + (run % 2 ? 3 : 2));
		noise(25, 10, 0.1);
	}
	assert_int_equal(told[LEVEL_SHIFTED], 0);
}

static void a_shift_over_a_stop_begins_with_it(void **state)
{
	(void)state;
	noise(300, 10, 0.1);
	t += 3600 * S;
	uint64_t begin = seq + 1;
	noise(30, 11, 0.1);
	assert_int_equal(told[LEVEL_SHIFTED], 1);
	assert_int_equal(f.begin_seq, begin);
}

static void codes_counts_constants_are_not_judged(void **state)
{
	(void)state;
	for (int i = 0; i < 400; i++)
		next(i < 200 ? 1129 : 2204);
	for (int i = 0; i < 400; i++)
		next(37 + i / 50 * 10);
	fresh(state);
	for (int i = 0; i < 2000; i++)
		next(305000 + i * 7 + (int)prng_below(&r, 3));
	fresh(state);
	for (int i = 0; i < 2000; i++)
		next(i / 40 % 2);
	for (int i = 0; i < 400; i++)
		next(0);
	assert_int_equal(told[LEVEL_SHIFTED], 0);
}

static void small_ones_are_not_told(void **state)
{
	(void)state;
	noise(400, 100, 2);
	noise(300, 102.5, 2); /* 2.5 % and 1.25 sigma */
	assert_int_equal(told[LEVEL_SHIFTED], 0);
}

static void not_finite_is_passed_over(void **state)
{
	(void)state;
	noise(100, 10, 0.1);
	assert_int_equal(next(NAN), LEVEL_NOTHING);
	assert_int_equal(next(INFINITY), LEVEL_NOTHING);
	noise(30, 12, 0.1);
	assert_int_equal(told[LEVEL_SHIFTED], 1);
}

static void a_copy_goes_on_alike(void **state)
{
	(void)state;
	noise(300, 10, 0.1);
	noise(5, 12, 0.1);
	struct level_store copy = st;
	struct level_finding g;
	for (int i = 0; i < 40; i++) {
		double v = 12 + 0.1 * prng_normal(&r);
		enum level_verdict a = next(v), b = level_feed(&copy, &(struct level_sample){t, seq, v}, &g);
		assert_int_equal(a, b);
	}
	assert_int_equal(f.begin_ns, g.begin_ns);
	assert_memory_equal(&st, &copy, sizeof st);
}

static void clock_signals_wait_a_day(void **state)
{
	(void)state;
	bool shifted = false;
	for (int i = 0; i < 280; i++)
		shifted |= level_feed(&st, &(struct level_sample){i * 300 * S, 0, (i < 150 ? 10 : 12) + 0.1 * prng_normal(&r)}, &f) !=
		           LEVEL_NOTHING;
	assert_false(shifted);
	fresh(state);
	for (int i = 0; i < 480; i++)
		shifted |= level_feed(&st, &(struct level_sample){i * 300 * S, 0, (i < 400 ? 10 : 12) + 0.1 * prng_normal(&r)}, &f) ==
		           LEVEL_SHIFTED;
	assert_true(shifted);
	assert_int_equal(f.begin_ns, 400 * 300 * S);
}

static void joined(void **state)
{
	(void)state;
	struct level_finding sure = {.begin_ns = 1000, .begin_seq = 10, .unsure_ns = 60},
	                     blurred = {.begin_ns = 1500, .begin_seq = 17, .unsure_ns = 500}, g = sure;
	assert_false(level_join(&g, &blurred));
	assert_int_equal(g.begin_ns, 1000);
	g = blurred;
	assert_true(level_join(&g, &sure));
	assert_int_equal(g.begin_ns, 1000);
	assert_int_equal(g.begin_seq, 10);
	/* Small shifts are dated late at times, never early. */
	blurred.begin_ns = 2600;
	g = blurred;
	assert_true(level_join(&g, &sure));
	assert_int_equal(g.begin_ns, 1000);
	blurred.begin_ns = 2700;
	assert_false(level_join(&blurred, &sure));
	blurred.begin_ns = 400;
	assert_false(level_join(&blurred, &sure));
	sure.begin_ns = INT64_MIN;
	blurred.begin_ns = INT64_MAX;
	assert_false(level_join(&blurred, &sure));
}

static void means(unsigned n, double mean, double sigma)
{
	while (n--) {
		t += 300 * S;
		told[level_feed(&st, &(struct level_sample){t, 0, mean + sigma * prng_normal(&r)}, &f)]++;
	}
}

/* Forty minutes' rest in each twelve hours of a power meter. */
static void breaks_come_back(void **state)
{
	(void)state;
	for (unsigned half = 0; half < 8; half++) {
		means(136, 250, 2);
		means(8, 205, 2);
	}
	assert_int_equal(told[LEVEL_SHIFTED], 0);
	means(136, 250, 2);
	int64_t begin = t + 300 * S;
	means(16, 205, 2);
	assert_int_equal(told[LEVEL_SHIFTED], 0);
	means(4, 205, 2); /* nobody came back from this one */
	assert_int_equal(told[LEVEL_SHIFTED], 1);
	assert_int_equal(f.begin_ns, begin);
}

/* Another lot's small difference just before does not hide a large shift, nor date it. */
static void a_lot_before_hides_nothing(void **state)
{
	(void)state;
	for (unsigned lot = 0; lot < 4; lot++)
		noise(100, lot % 2 ? 100.6 : 99.4, 1);
	noise(43, 98, 1);
	uint64_t begin = seq + 1;
	noise(20, 92, 1);
	assert_int_equal(told[LEVEL_SHIFTED], 1);
	assert_true(f.begin_seq >= begin && f.begin_seq <= begin + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(found_told_and_ended, fresh),
	        cmocka_unit_test_setup(the_new_level_becomes_normal, fresh),
	        cmocka_unit_test_setup(first_samples_after_a_stop_are_not_judged, fresh),
	        cmocka_unit_test_setup(a_shift_over_a_stop_begins_with_it, fresh),
	        cmocka_unit_test_setup(codes_counts_constants_are_not_judged, fresh),
	        cmocka_unit_test_setup(small_ones_are_not_told, fresh),
	        cmocka_unit_test_setup(not_finite_is_passed_over, fresh),
	        cmocka_unit_test_setup(a_copy_goes_on_alike, fresh),
	        cmocka_unit_test_setup(clock_signals_wait_a_day, fresh),
	        cmocka_unit_test_setup(joined, fresh),
	        cmocka_unit_test_setup(breaks_come_back, fresh),
	        cmocka_unit_test_setup(a_lot_before_hides_nothing, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
