#include "cm.h"

#include <math.h>

#include "base/prng.h"

static void test_first_numbers(void **state)
{
	(void)state;
	struct prng r;
	/* SplitMix64 of 1234567, as its authors' reference prints it. */
	prng_seed(&r, 1234567);
	assert_true(r.s[0] == UINT64_C(6457827717110365317));
	assert_true(r.s[1] == UINT64_C(3203168211198807973));
	assert_true(r.s[2] == UINT64_C(9817491932198370423));
	assert_true(r.s[3] == UINT64_C(4593380528125082431));
	/* xoshiro256** from 1, 2, 3, 4 */
	r = (struct prng){{1, 2, 3, 4}};
	static const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240};
	for (unsigned i = 0; i < 4; i++)
		assert_true(prng_u64(&r) == want[i]);
}

static void test_ranges(void **state)
{
	(void)state;
	struct prng r;
	unsigned hits[7] = {0};
	prng_seed(&r, 5);
	for (int i = 0; i < 70000; i++)
		hits[prng_below(&r, 7)]++;
	for (unsigned i = 0; i < 7; i++)
		assert_in_range(hits[i], 9500, 10500);
	assert_int_equal(prng_below(&r, 1), 0);
	for (int i = 0; i < 100; i++)
		assert_true(prng_below(&r, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
}

static void test_moments(void **state)
{
	(void)state;
	struct prng r;
	double sum = 0, squares = 0, unit = 0;
	prng_seed(&r, 9);
	enum { N = 100000 };
	for (int i = 0; i < N; i++) {
		double x = prng_normal(&r), u = prng_unit(&r);
		assert_true(u >= 0 && u < 1);
		sum += x;
		squares += x * x;
		unit += u;
	}
	assert_true(fabs(sum / N) < 0.02);
	assert_true(fabs(squares / N - 1) < 0.03);
	assert_true(fabs(unit / N - 0.5) < 0.01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_numbers),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_moments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
