#include "cm.h"

#include "base/table.h"

/* The smallest cursor: counts to three in one batch, then ends. */
struct count {
	struct table_cursor base;
	int calls, closed;
	int64_t v[3];
	struct col col;
};

static int count_next(struct table_cursor *c, struct table_batch *ret, struct diag *d)
{
	struct count *k = (struct count *)c;
	(void)d;
	k->col = (struct col){.i64 = k->v};
	*ret = (struct table_batch){k->calls++ ? 0 : 3, &k->col};
	return 0;
}

static void count_close(struct table_cursor *c) { ((struct count *)c)->closed++; }

static void test_cursor(void **state)
{
	(void)state;
	static const struct table_ops ops = {count_next, count_close};
	static const struct col_def cols[] = {{"n", COL_I64, NULL}};
	struct count k = {.base = {&ops, cols, 1}, .v = {1, 2, 3}};
	struct table_batch b;
	assert_int_equal(table_next(&k.base, &b, NULL), 0);
	assert_int_equal(b.n_rows, 3);
	assert_int_equal(b.cols[0].i64[2], 3);
	assert_null(b.cols[0].null);
	assert_int_equal(table_next(&k.base, &b, NULL), 0);
	assert_int_equal(b.n_rows, 0);
	table_close(&k.base);
	table_close(NULL);
	assert_int_equal(k.closed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cursor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
