#include "lots/genealogy.h"

#include <stdlib.h>

#include "base/num.h"

#define TABLE_FIRST 64u /* slots; a power of two */

/* Open addressing over pairs of row ids; `index` is the entry's place in the list it stands for, UINT32_MAX marks a free slot. */
struct slot {
	int64_t a, b;
	uint32_t index;
};
struct seen {
	struct slot *slots;
	size_t cap, n;
};

static uint64_t mix(int64_t a, int64_t b)
{
	uint64_t x = (uint64_t)a * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)b;
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static struct slot *seen_find(const struct seen *s, int64_t a, int64_t b)
{
	size_t i = (size_t)mix(a, b) & (s->cap - 1);
	while (s->slots[i].index != UINT32_MAX && (s->slots[i].a != a || s->slots[i].b != b))
		i = (i + 1) & (s->cap - 1);
	return &s->slots[i];
}

static int seen_grow(struct seen *s)
{
	struct seen next = {NULL, s->cap ? s->cap * 2 : TABLE_FIRST, s->n};
	size_t bytes;
	if (!size_mul(&bytes, next.cap, sizeof *next.slots))
		return MO_ELIMIT;
	next.slots = malloc(bytes);
	if (!next.slots)
		return MO_ENOMEM;
	for (size_t i = 0; i < next.cap; i++)
		next.slots[i].index = UINT32_MAX;
	for (size_t i = 0; i < s->cap; i++)
		if (s->slots[i].index != UINT32_MAX)
			*seen_find(&next, s->slots[i].a, s->slots[i].b) = s->slots[i];
	free(s->slots);
	*s = next;
	return 0;
}

/* *ret is the entry's index; *is_new says that it was put in now as number `index`. */
static int seen_add(struct seen *s, int64_t a, int64_t b, uint32_t index, bool *is_new)
{
	if (s->n * 4 >= s->cap * 3) {
		int err = seen_grow(s);
		if (err)
			return err;
	}
	struct slot *at = seen_find(s, a, b);
	*is_new = at->index == UINT32_MAX;
	if (*is_new) {
		*at = (struct slot){a, b, index};
		s->n++;
	}
	return 0;
}

static bool seen_has(const struct seen *s, int64_t a, int64_t b) { return s->cap && seen_find(s, a, b)->index != UINT32_MAX; }

/* What the walk grows; copied into the arena at its end, so that growing costs the arena nothing. */
struct walk {
	struct seen lots, pairs;
	struct gen_node *nodes;
	size_t n_nodes, cap_nodes;
	struct gen_link *links;
	size_t n_links, cap_links;
	bool cut;
};

static int grow(void **p, size_t *cap, size_t size)
{
	size_t next = *cap ? *cap * 2 : 32, bytes;
	if (!size_mul(&bytes, next, size))
		return MO_ELIMIT;
	void *q = realloc(*p, bytes);
	if (!q)
		return MO_ENOMEM;
	*p = q;
	*cap = next;
	return 0;
}

static int add_node(struct walk *w, int64_t lot, uint32_t depth)
{
	int err;
	bool is_new;
	if (w->n_nodes == w->cap_nodes && (err = grow((void **)&w->nodes, &w->cap_nodes, sizeof *w->nodes)))
		return err;
	if ((err = seen_add(&w->lots, lot, 0, (uint32_t)w->n_nodes, &is_new)))
		return err;
	if (is_new)
		w->nodes[w->n_nodes++] = (struct gen_node){lot, depth};
	return 0;
}

static int add_link(struct walk *w, const struct gen_link *l)
{
	int err;
	bool is_new;
	if (seen_has(&w->pairs, l->parent, l->child))
		return 0;
	if (w->n_links == GENEALOGY_LINKS_MAX) {
		w->cut = true;
		return 0;
	}
	if (w->n_links == w->cap_links && (err = grow((void **)&w->links, &w->cap_links, sizeof *w->links)))
		return err;
	if ((err = seen_add(&w->pairs, l->parent, l->child, (uint32_t)w->n_links, &is_new)))
		return err;
	w->links[w->n_links++] = *l;
	return 0;
}

/* One lot's links: what is new and within the limits becomes a node; a link is kept when both its ends are nodes. */
static int expand(struct walk *w, size_t at, bool down, uint32_t depth, size_t max_lots, const struct gen_link *links, size_t n)
{
	struct gen_node from = w->nodes[at];
	for (size_t i = 0; i < n; i++) {
		int err;
		if ((down ? links[i].parent : links[i].child) != from.lot)
			return MO_EBUG;
		int64_t next = down ? links[i].child : links[i].parent;
		if (!seen_has(&w->lots, next, 0)) {
			if ((depth && from.depth >= depth) || w->n_nodes >= max_lots) {
				w->cut = true;
				continue;
			}
			if ((err = add_node(w, next, from.depth + 1)))
				return err;
		}
		if ((err = add_link(w, &links[i])))
			return err;
	}
	return 0;
}

int genealogy_walk(struct gen_tree *ret, struct arena *a, int64_t start, bool down, uint32_t depth, size_t max_lots, gen_links_fn links,
	void *arg, struct diag *d)
{
	struct walk w = {0};
	struct gen_tree t = {0};
	if (max_lots == 0 || max_lots > GENEALOGY_LOTS_MAX)
		max_lots = GENEALOGY_LOTS_MAX;
	int err = add_node(&w, start, 0);
	for (size_t at = 0; !err && at < w.n_nodes; at++) {
		const struct gen_link *l = NULL;
		size_t n = 0;
		if ((err = links(arg, w.nodes[at].lot, down, &l, &n, d)))
			goto out; /* the giver said why */
		err = expand(&w, at, down, depth, max_lots, l, n);
	}
	if (!err) {
		t = (struct gen_tree){arena_calloc(a, w.n_nodes, sizeof *t.nodes), w.n_nodes, arena_calloc(a, w.n_links ? w.n_links : 1, sizeof *t.links),
			w.n_links, w.cut};
		if (t.nodes && t.links) {
			memcpy(t.nodes, w.nodes, w.n_nodes * sizeof *t.nodes);
			if (w.n_links)
				memcpy(t.links, w.links, w.n_links * sizeof *t.links);
			*ret = t;
		} else {
			err = MO_ENOMEM;
		}
	}
	if (err == MO_ENOMEM)
		diag_set(d, err, MSG_OUT_OF_MEMORY);
	else if (err)
		diag_set(d, err, MSG_LOTS_WALK_FAILED);
out:
	free(w.lots.slots);
	free(w.pairs.slots);
	free(w.nodes);
	free(w.links);
	return err;
}
