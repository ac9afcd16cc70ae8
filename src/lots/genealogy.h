/* Genealogy: lots and their links as a graph, walked to any depth both ways.
 * Pure: the caller gives the links by a function (store or memory). Cycles in
 * bad data end the walk at the lot seen before. */
#ifndef MO_LOTS_GENEALOGY_H
#define MO_LOTS_GENEALOGY_H

#include "base/arena.h"
#include "base/diag.h"

#define GENEALOGY_LOTS_MAX 200000u
#define GENEALOGY_LINKS_MAX 2000000u

struct gen_link {
	int64_t parent, child; /* lot row ids */
	double quantity;       /* NaN: not said */
};
/* Gives all links of one lot: its children (down) or parents (up), in an array that lives until the next call. */
typedef int (*gen_links_fn)(void *arg, int64_t lot, bool down, const struct gen_link **ret, size_t *ret_n, struct diag *d);

struct gen_node {
	int64_t lot;
	uint32_t depth; /* shortest distance from the start */
};
struct gen_tree {
	struct gen_node *nodes; /* breadth first, the start first; arena's */
	size_t n_nodes;
	struct gen_link *links; /* each pair once, both its ends among the nodes; arena's */
	size_t n_links;
	bool cut; /* the depth or a count limit was met: links lead further than the nodes given */
};
/* depth 0: without limit. max_lots 0 (or more): GENEALOGY_LOTS_MAX. MO_ENOMEM, MO_EBUG (a link given that doesn't touch the lot asked
 * for), or what `links` answered. */
MO_MUST_USE int genealogy_walk(struct gen_tree *ret, struct arena *a, int64_t start, bool down, uint32_t depth, size_t max_lots,
	gen_links_fn links, void *arg, struct diag *d);

#endif
