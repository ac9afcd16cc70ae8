/* Which lots saw a condition, and which did not. */
#include "cm.h"

#include "faultalloc.h"

#include "lots/condition.h"

static struct arena arena;

static size_t join(struct cond_work *work, size_t n, const int64_t (*held)[3], size_t n_held, const struct cond_lot **ret)
{
	struct condition *c = NULL;
	size_t lots = 0;
	assert_int_equal(condition_new(&c, &arena, work, n), 0);
	for (size_t i = 0; i < n_held; i++)
		condition_held(c, held[i][0], held[i][1], (uint64_t)held[i][2]);
	assert_int_equal(condition_lots(c, ret, &lots, &arena), 0);
	return lots;
}

static void by_cycle_number(void **state)
{
	(void)state;
	/* Two lots alternate cycle by cycle in the same hour: only the number tells them apart. */
	struct cond_work w[] = {{7, 0, 100, 10, 19}, {8, 0, 100, 20, 29}, {9, 200, 300, 30, 39}};
	const int64_t held[][3] = {{20, 20, 12}, {30, 30, 21}, {40, 40, 13}, {90, 90, 99}, {250, 250, 40}};
	const struct cond_lot *l = NULL;
	assert_int_equal(join(w, 3, held, 5, &l), 2);
	assert_int_equal(l[0].lot, 7);
	assert_int_equal(l[0].times, 2);
	assert_int_equal(l[0].first_ns, 20);
	assert_int_equal(l[0].last_ns, 40);
	assert_int_equal(l[1].lot, 8);
	assert_int_equal(l[1].times, 1);
}

static void by_time(void **state)
{
	(void)state;
	/* Unsorted; lot 5 came twice; lot 6 goes on; lot 4 was over before. */
	struct cond_work w[] = {{5, 100, 199, 0, 0}, {6, 300, INT64_MAX, 0, 0}, {5, 10, 50, 0, 0}, {4, 0, 9, 0, 0}, {3, 60, 70, 0, 0}};
	const int64_t held[][3] = {{20, 40, 0}, {150, 350, 0}, {400, 500, 0}};
	const struct cond_lot *l = NULL;
	assert_int_equal(join(w, 5, held, 3, &l), 2);
	assert_int_equal(l[0].lot, 5);
	assert_int_equal(l[0].times, 2);
	assert_int_equal(l[0].first_ns, 20);
	assert_int_equal(l[0].last_ns, 150);
	assert_int_equal(l[1].lot, 6);
	assert_int_equal(l[1].times, 2);
	assert_int_equal(l[1].first_ns, 300); /* its own begin: the condition is older than the work */
	assert_int_equal(l[1].last_ns, 400);
}

static void at_the_edges(void **state)
{
	(void)state;
	struct cond_work w[] = {{1, 0, 10, 0, 0}, {2, 10, 20, 0, 0}, {3, 21, 30, 0, 0}};
	const int64_t held[][3] = {{10, 10, 0}, {20, 20, 0}};
	const struct cond_lot *l = NULL;
	assert_int_equal(join(w, 3, held, 2, &l), 2); /* an end belongs to its work, as a cycle ends with its operation */
	assert_int_equal(l[0].lot, 1);
	assert_int_equal(l[1].lot, 2);
	assert_int_equal(l[1].times, 2);
	assert_int_equal(join(NULL, 0, held, 2, &l), 0);
	assert_int_equal(join(w, 3, NULL, 0, &l), 0);
}

static void without_memory(void **state)
{
	(void)state;
	for (uint64_t nth = 1;; nth++) {
		struct cond_work w[] = {{1, 0, 10, 0, 0}, {2, 10, 20, 0, 0}, {3, 21, 30, 0, 0}};
		struct condition *c = NULL;
		const struct cond_lot *l = NULL;
		size_t n = 0;
		struct arena a;
		arena_init(&a, 0);
		faultalloc_arm(nth);
		int err = condition_new(&c, &a, w, 3);
		if (err == 0) {
			condition_held(c, 5, 15, 0);
			err = condition_lots(c, &l, &n, &a);
		}
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		assert_int_equal(err, fired ? MO_ENOMEM : 0);
		if (err == 0)
			assert_int_equal(n, 2);
		arena_free(&a);
		if (!fired) {
			assert_true(nth > 1);
			break;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(by_cycle_number), cmocka_unit_test(by_time), cmocka_unit_test(at_the_edges), cmocka_unit_test(without_memory)};
	arena_init(&arena, 1 << 20);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(&arena);
	return failed;
}
