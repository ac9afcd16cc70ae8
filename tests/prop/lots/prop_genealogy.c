/* genealogy_walk() against brute force: distances by relaxing every link until nothing changes. */
#include <math.h>

#include "cm.h"
#include "prop.h"

#include "lots/genealogy.h"

#define LOTS_MAX 24
#define LINKS_MAX 60

struct graph {
	size_t n_lots, n;
	struct gen_link all[LINKS_MAX], out[LINKS_MAX];
};

static int links(void *arg, int64_t lot, bool down, const struct gen_link **ret, size_t *ret_n, struct diag *d)
{
	struct graph *g = arg;
	size_t n = 0;
	(void)d;
	for (size_t i = 0; i < g->n; i++)
		if ((down ? g->all[i].parent : g->all[i].child) == lot)
			g->out[n++] = g->all[i];
	*ret = g->out;
	*ret_n = n;
	return 0;
}

static bool has_pair(const struct gen_link *l, size_t n, int64_t parent, int64_t child)
{
	for (size_t i = 0; i < n; i++)
		if (l[i].parent == parent && l[i].child == child)
			return true;
	return false;
}

static bool agrees(const struct graph *g, const struct gen_tree *t, bool down, uint32_t depth)
{
	uint32_t far[LOTS_MAX + 1];
	size_t reached = 0, kept = 0;
	bool more = false;
	for (size_t i = 0; i <= LOTS_MAX; i++)
		far[i] = UINT32_MAX;
	far[1] = 0;
	for (bool again = true; again;) {
		again = false;
		for (size_t i = 0; i < g->n; i++) {
			int64_t from = down ? g->all[i].parent : g->all[i].child, to = down ? g->all[i].child : g->all[i].parent;
			if (far[from] != UINT32_MAX && far[from] + 1 < far[to]) {
				far[to] = far[from] + 1;
				again = true;
			}
		}
	}
	for (size_t i = 1; i <= LOTS_MAX; i++)
		reached += far[i] <= (depth ? depth : UINT32_MAX - 1);
	if (t->n_nodes != reached)
		return false;
	for (size_t i = 0; i < t->n_nodes; i++)
		if (t->nodes[i].depth != far[t->nodes[i].lot] || (i && t->nodes[i].depth < t->nodes[i - 1].depth))
			return false;
	for (size_t i = 0; i < g->n; i++) {
		int64_t from = down ? g->all[i].parent : g->all[i].child, to = down ? g->all[i].child : g->all[i].parent;
		uint32_t limit = depth ? depth : UINT32_MAX - 1;
		if (far[from] > limit)
			continue;
		bool in = far[to] <= limit;
		more |= !in;
		if (in != has_pair(t->links, t->n_links, g->all[i].parent, g->all[i].child))
			return false;
		kept += in && !has_pair(g->all, i, g->all[i].parent, g->all[i].child);
	}
	return t->n_links == kept && t->cut == more;
}

static bool walks(struct prop *p, void *arg)
{
	struct graph g = {0};
	struct arena a;
	struct gen_tree t;
	(void)arg;
	g.n_lots = 1 + (size_t)prop_below(p, LOTS_MAX);
	g.n = prop_size(p, LINKS_MAX);
	for (size_t i = 0; i < g.n; i++) {
		g.all[i] = (struct gen_link){1 + (int64_t)prop_below(p, g.n_lots), 1 + (int64_t)prop_below(p, g.n_lots), NAN};
		prop_note(p, "%d>%d", (int)g.all[i].parent, (int)g.all[i].child);
	}
	bool down = prop_bool(p);
	uint32_t depth = (uint32_t)prop_below(p, 6);
	prop_note(p, "down=%d depth=%u", down, depth);
	arena_init(&a, 0);
	bool ok = genealogy_walk(&t, &a, 1, down, depth, 0, links, &g, NULL) == 0 && agrees(&g, &t, down, depth);
	arena_free(&a);
	return ok;
}

static void test_walks(void **state)
{
	(void)state;
	assert_int_equal(prop_check("walks", walks, NULL, 3000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_walks)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
