/* Walks over small graphs in memory; every allocation fails once. */
#include <math.h>

#include "cm.h"
#include "faultalloc.h"

#include "lots/genealogy.h"

struct graph {
	const int64_t (*pairs)[2];
	size_t n;
	struct gen_link out[64];
	int err;
	bool wrong;
};

static int links(void *arg, int64_t lot, bool down, const struct gen_link **ret, size_t *ret_n, struct diag *d)
{
	struct graph *g = arg;
	size_t n = 0;
	if (g->err)
		return diag_set(d, g->err, MSG_OUT_OF_MEMORY);
	for (size_t i = 0; i < g->n; i++)
		if (g->pairs[i][down ? 0 : 1] == lot)
			g->out[n++] = (struct gen_link){g->pairs[i][0] + g->wrong, g->pairs[i][1], (double)i};
	*ret = g->out;
	*ret_n = n;
	return 0;
}

/* 1 -> 2 -> 4 -> 5, 1 -> 3 -> 4, and a loop 5 -> 2 as only bad data has it; a pair given twice */
static const int64_t pairs[][2] = {{1, 2}, {1, 3}, {2, 4}, {3, 4}, {4, 5}, {5, 2}, {1, 2}};
#define N_PAIRS (sizeof pairs / sizeof pairs[0])

static void test_walk(void **state)
{
	(void)state;
	struct graph g = {.pairs = pairs, .n = N_PAIRS};
	struct arena a;
	struct gen_tree t;
	static const int64_t order[] = {1, 2, 3, 4, 5};
	static const uint32_t depths[] = {0, 1, 1, 2, 3};
	arena_init(&a, 0);
	assert_int_equal(genealogy_walk(&t, &a, 1, true, 0, 0, links, &g, NULL), 0);
	assert_int_equal(t.n_nodes, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(t.nodes[i].lot, order[i]);
		assert_int_equal(t.nodes[i].depth, depths[i]);
	}
	assert_int_equal(t.n_links, 6);
	assert_false(t.cut);
	assert_true(t.links[0].quantity == 0); /* the first of the pair given twice */
	/* two levels: 5 is further, the links among the four are all there */
	assert_int_equal(genealogy_walk(&t, &a, 1, true, 2, 0, links, &g, NULL), 0);
	assert_int_equal(t.n_nodes, 4);
	assert_int_equal(t.n_links, 4);
	assert_true(t.cut);
	/* exactly deep enough is not cut */
	assert_int_equal(genealogy_walk(&t, &a, 1, true, 3, 0, links, &g, NULL), 0);
	assert_int_equal(t.n_nodes, 5);
	assert_int_equal(t.n_links, 6);
	assert_false(t.cut);
	/* at most three lots, the nearest ones */
	assert_int_equal(genealogy_walk(&t, &a, 1, true, 0, 3, links, &g, NULL), 0);
	assert_int_equal(t.n_nodes, 3);
	assert_true(t.cut);
	/* upwards */
	assert_int_equal(genealogy_walk(&t, &a, 4, false, 1, 0, links, &g, NULL), 0);
	assert_int_equal(t.n_nodes, 3);
	assert_int_equal(t.n_links, 2);
	assert_true(t.cut);
	/* a lot with no links, a lot nobody knows */
	assert_int_equal(genealogy_walk(&t, &a, 1, false, 0, 0, links, &g, NULL), 0);
	assert_int_equal(t.n_nodes, 1);
	assert_int_equal(t.n_links, 0);
	assert_false(t.cut);
	arena_free(&a);
}

static void test_errors(void **state)
{
	(void)state;
	struct graph g = {.pairs = pairs, .n = N_PAIRS, .err = MO_EIO};
	struct arena a;
	struct gen_tree t = {.n_nodes = 77};
	struct diag d;
	arena_init(&a, 0);
	assert_int_equal(genealogy_walk(&t, &a, 1, true, 0, 0, links, &g, &d), MO_EIO);
	assert_int_equal(t.n_nodes, 77);
	g.err = 0;
	g.wrong = true;
	assert_int_equal(genealogy_walk(&t, &a, 1, true, 0, 0, links, &g, &d), MO_EBUG);
	assert_int_equal(d.msg, MSG_LOTS_WALK_FAILED);
	arena_free(&a);
}

static int chain(void *arg, int64_t lot, bool down, const struct gen_link **ret, size_t *ret_n, struct diag *d)
{
	struct gen_link *l = arg;
	(void)down, (void)d;
	*l = (struct gen_link){lot, lot + 1, NAN};
	*ret = l;
	*ret_n = 1;
	return 0;
}

/* An endless chain ends at the named limit; the depth has no limit of its own. */
static void test_endless(void **state)
{
	(void)state;
	struct gen_link l;
	struct arena a;
	struct gen_tree t;
	arena_init(&a, 0);
	assert_int_equal(genealogy_walk(&t, &a, 1, true, 0, GENEALOGY_LOTS_MAX + 1, chain, &l, NULL), 0);
	assert_int_equal(t.n_nodes, GENEALOGY_LOTS_MAX);
	assert_int_equal(t.n_links, GENEALOGY_LOTS_MAX - 1);
	assert_int_equal(t.nodes[GENEALOGY_LOTS_MAX - 1].depth, GENEALOGY_LOTS_MAX - 1);
	assert_true(t.cut);
	arena_free(&a);
}

static void test_allocations(void **state)
{
	(void)state;
	struct gen_link l;
	for (uint64_t nth = 1;; nth++) {
		struct arena a;
		struct gen_tree t = {0};
		struct diag d;
		arena_init(&a, 0);
		faultalloc_arm(nth);
		int err = genealogy_walk(&t, &a, 1, true, 0, 500, chain, &l, &d);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		assert_int_equal(err, fired ? MO_ENOMEM : 0);
		if (fired)
			assert_int_equal(d.msg, MSG_OUT_OF_MEMORY);
		arena_free(&a);
		if (!fired)
			break;
		assert_true(nth < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_walk), cmocka_unit_test(test_errors), cmocka_unit_test(test_endless),
		cmocka_unit_test(test_allocations)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
