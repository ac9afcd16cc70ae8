#include "cm.h"

#include "base/civil.h"
#include "base/prng.h"

static void test_known_days(void **state)
{
	(void)state;
	static const struct {
		int32_t y;
		int m, d;
		int64_t days;
		int weekday;
	} t[] = {{1970, 1, 1, 0, 3}, {1969, 12, 31, -1, 2}, {2000, 2, 29, 11016, 1}, {2000, 3, 1, 11017, 2}, {1900, 3, 1, -25508, 3},
		{2026, 11, 22, 20779, 6}, {0, 3, 1, -719468, 2}, {-4713, 11, 24, -2440588, 0}};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		int64_t days = 77;
		int32_t y;
		int m, d;
		assert_int_equal(civil_days(&days, t[i].y, t[i].m, t[i].d), 0);
		assert_true(days == t[i].days);
		civil_from_days(days, &y, &m, &d);
		assert_int_equal(y, t[i].y);
		assert_int_equal(m, t[i].m);
		assert_int_equal(d, t[i].d);
		assert_int_equal(civil_weekday(days), t[i].weekday);
	}
}

static void test_no_such_day(void **state)
{
	(void)state;
	int64_t days = 77;
	static const int bad[][3] = {{2026, 2, 29}, {1900, 2, 29}, {2026, 4, 31}, {2026, 0, 1}, {2026, 13, 1}, {2026, 1, 0}, {2026, 1, 32},
		{2026, -1, 1}, {2026, 1, -1}};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(civil_days(&days, bad[i][0], bad[i][1], bad[i][2]), MO_EINVAL);
	assert_int_equal(days, 77);
	assert_int_equal(civil_days(&days, 2000, 2, 29), 0);
	assert_int_equal(civil_days(&days, INT32_MAX, 12, 31), 0);
	assert_int_equal(civil_days(&days, INT32_MIN, 1, 1), 0);
}

static void test_instants(void **state)
{
	(void)state;
	int64_t t = 5;
	struct civil c = {2262, 4, 11, 23, 47, 16, 854775807}, first = {1677, 9, 21, 0, 12, 43, 145224193}, back;
	assert_int_equal(civil_to_ns(&t, &c), 0);
	assert_true(t == INT64_MAX);
	c.ns++;
	assert_int_equal(civil_to_ns(&t, &c), MO_ELIMIT);
	assert_int_equal(civil_to_ns(&t, &first), 0);
	assert_true(t == INT64_MIN + 1);
	civil_from_ns(&back, t);
	assert_int_equal(back.year, 1677);
	assert_int_equal(back.month, 9);
	assert_int_equal(back.day, 21);
	assert_int_equal(back.hour, 0);
	assert_int_equal(back.minute, 12);
	assert_int_equal(back.second, 43);
	assert_int_equal(back.ns, 145224193);
	first.ns--; /* this one means "no time" */
	assert_int_equal(civil_to_ns(&t, &first), MO_ELIMIT);
	c = (struct civil){INT32_MAX, 1, 1, 0, 0, 0, 0};
	assert_int_equal(civil_to_ns(&t, &c), MO_ELIMIT);
	static const struct civil bad[] = {{2026, 1, 1, 24, 0, 0, 0}, {2026, 1, 1, 0, 60, 0, 0}, {2026, 12, 31, 23, 59, 60, 0},
		{2026, 1, 1, 0, 0, 0, 1000000000}, {2026, 2, 30, 0, 0, 0, 0}};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(civil_to_ns(&t, &bad[i]), MO_EINVAL);
	assert_true(t == INT64_MIN + 1);
}

static void test_thousand_random(void **state)
{
	(void)state;
	struct prng r;
	prng_seed(&r, 3);
	for (int i = 0; i < 1000; i++) {
		struct civil c;
		int64_t t = (int64_t)prng_u64(&r), back;
		if (t == T_NONE)
			continue;
		civil_from_ns(&c, t);
		assert_int_equal(civil_to_ns(&back, &c), 0);
		assert_true(back == t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_days),
		cmocka_unit_test(test_no_such_day),
		cmocka_unit_test(test_instants),
		cmocka_unit_test(test_thousand_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
