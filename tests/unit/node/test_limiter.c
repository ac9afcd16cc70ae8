/* Who fails waits longer and longer, in room of a fixed size. */
#include "cm.h"

#include "node/limiter.h"

#define S INT64_C(1000000000)

static struct limiter l;

static void test_back_off(void **state)
{
	int64_t now = 5 * S;
	(void)state;
	memset(&l, 0, sizeof l);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(limiter_wait(&l, 7, now), 0);
		limiter_try(&l, 7, 5, now);
	}
	/* The sixth costs a second, each next one twice as much, up to a minute. */
	static const int64_t waits[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		assert_int_equal(limiter_wait(&l, 7, now), 0);
		limiter_try(&l, 7, 5, now);
		assert_int_equal(limiter_wait(&l, 7, now), waits[i] * S);
		assert_int_equal(limiter_wait(&l, 7, now + waits[i] * S - 1), 1);
		assert_int_equal(limiter_wait(&l, 8, now), 0); /* others don't wait */
		now += waits[i] * S;
	}
	assert_int_equal(limiter_failures(&l, 7, now), 5 + sizeof waits / sizeof *waits);
	assert_int_equal(limiter_failures(&l, 7, now + LIMITER_FORGET_NS), 0);
	assert_int_equal(limiter_failures(&l, 8, now), 0);
	limiter_ok(&l, 7);
	limiter_try(&l, 7, 5, now);
	assert_int_equal(limiter_wait(&l, 7, now), 0);
	/* An hour without a failure is forgotten. */
	for (unsigned i = 0; i < 9; i++)
		limiter_try(&l, 7, 5, now);
	limiter_try(&l, 7, 5, now + LIMITER_FORGET_NS);
	assert_int_equal(limiter_wait(&l, 7, now + LIMITER_FORGET_NS), 0);
}

static void test_undo(void **state)
{
	(void)state;
	memset(&l, 0, sizeof l);
	for (unsigned i = 0; i < 100; i++) {
		limiter_try(&l, 7, 5, 0);
		limiter_undo(&l, 7);
	}
	assert_int_equal(limiter_wait(&l, 7, 0), 0);
	for (unsigned i = 0; i < 5; i++)
		limiter_try(&l, 7, 5, 0);
	assert_int_equal(limiter_wait(&l, 7, 0), 0);
	limiter_undo(&l, 9);
	limiter_ok(&l, 9);
}

/* 100,000 names tried once each don't wash out the one that is tried again and again. */
static void test_flood(void **state)
{
	int64_t now = 0;
	(void)state;
	memset(&l, 0, sizeof l);
	for (unsigned i = 0; i < 20; i++)
		limiter_try(&l, 7, 5, now);
	for (uint64_t k = 0; k < 100000; k++)
		limiter_try(&l, 1000 + k, 5, now + (int64_t)k);
	assert_int_equal(limiter_wait(&l, 7, now), LIMITER_LONGEST_NS);
	limiter_try(&l, 7, 5, now);
	assert_int_equal(limiter_wait(&l, 7, now), LIMITER_LONGEST_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_back_off), cmocka_unit_test(test_undo), cmocka_unit_test(test_flood)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
