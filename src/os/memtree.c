#include "os/priv/memtree.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct mementry {
	struct memnode *now, *durable;
	uint64_t pending; /* changes that name it */
	size_t name_n;
	char name[];
};
enum change_kind { CHANGE_LINK, CHANGE_DROP, CHANGE_MOVE };
/* A change of names that no sync_dir has covered. */
struct memchange {
	struct memchange *next;
	enum change_kind kind;
	struct memnode *node;
	struct memnode *dir, *to_dir; /* to_dir, to: MOVE only */
	struct mementry *at, *to;
	bool to_done, from_synced; /* MOVE between folders: its halves */
};

static void node_drop(struct memtree *t, struct memnode *n);

static struct mementry *entry_of(uint64_t value) { return (struct mementry *)(uintptr_t)value; }

static struct mementry *entry_find(const struct memnode *dir, struct span name)
{
	const uint64_t *value = map_get(&dir->names, name);
	return value ? entry_of(*value) : NULL;
}

/* ---- nodes and entries ---- */

static struct memnode *node_new(struct memtree *t, bool is_dir)
{
	struct memnode *n = calloc(1, sizeof *n);
	if (!n)
		return NULL;
	n->is_dir = is_dir;
	n->mtime_ns = t->now_ns;
	map_init(&n->names);
	return n;
}

/* A name or a handle sees it. */
void memtree_use(struct memtree *t, struct memnode *n)
{
	n->refs++;
	if (n->uses++ == 0)
		t->used_bytes += n->file.size;
}

void memtree_unuse(struct memtree *t, struct memnode *n)
{
	if (--n->uses == 0)
		t->used_bytes -= n->file.size;
	node_drop(t, n);
}

static void entry_now(struct memtree *t, struct memnode *dir, struct mementry *e, struct memnode *n)
{
	struct memnode *old = e->now;
	if (n)
		memtree_use(t, n);
	e->now = n;
	dir->n_now += (n ? 1u : 0u);
	dir->n_now -= (old ? 1u : 0u);
	dir->mtime_ns = t->now_ns;
	if (old)
		memtree_unuse(t, old);
}

static void entry_durable(struct memtree *t, struct mementry *e, struct memnode *n)
{
	struct memnode *old = e->durable;
	if (n)
		n->refs++;
	e->durable = n;
	if (old)
		node_drop(t, old);
}

/* Takes an entry away that nothing needs any more. */
static void entry_sweep(struct memnode *dir, struct mementry *e)
{
	if (e->now || e->durable || e->pending)
		return;
	(void)map_remove(&dir->names, span_of(e->name, e->name_n));
	free(e);
}

static void node_drop(struct memtree *t, struct memnode *n)
{
	if (--n->refs)
		return;
	const struct map_slot *s;
	for (size_t pos = 0; (s = map_next(&n->names, &pos));) {
		struct mementry *e = entry_of(s->value);
		if (e->now)
			memtree_unuse(t, e->now);
		if (e->durable)
			node_drop(t, e->durable);
		free(e);
	}
	map_free(&n->names);
	memfile_free(&n->file);
	free(n);
}

/* The entry of a name, made (empty) when absent. */
static int entry_get(struct mementry **ret, struct memnode *dir, struct span name)
{
	struct mementry *e = entry_find(dir, name);
	if (!e) {
		if (name.n > NAME_MAX)
			return MO_EINVAL;
		e = calloc(1, sizeof *e + name.n + 1);
		if (!e)
			return MO_ENOMEM;
		e->name_n = name.n;
		memcpy(e->name, name.p, name.n);
		int r = map_put(&dir->names, name, (uint64_t)(uintptr_t)e);
		if (r) {
			free(e);
			return r;
		}
	}
	*ret = e;
	return 0;
}

/* The folder in which a path's last name stands. The name is empty for the root. MO_ENOENT; MO_EINVAL for "..". */
static int walk(struct memtree *t, struct memnode **ret_dir, struct span *ret_name, const char *path)
{
	struct memnode *dir = t->root;
	struct span name = {NULL, 0};
	const char *p = path;
	for (;;) {
		while (*p == '/')
			p++;
		size_t n = strcspn(p, "/");
		if (n == 0)
			break;
		struct span part = span_of(p, n);
		p += n;
		if (span_is(part, "."))
			continue;
		if (span_is(part, ".."))
			return MO_EINVAL;
		if (name.n) {
			const struct mementry *e = entry_find(dir, name);
			if (!e || !e->now || !e->now->is_dir)
				return MO_ENOENT;
			dir = e->now;
		}
		name = part;
	}
	*ret_dir = dir;
	*ret_name = name;
	return 0;
}

int memtree_find(struct memtree *t, struct memnode **ret, const char *path)
{
	struct memnode *dir = NULL;
	struct span name = {NULL, 0};
	int r = walk(t, &dir, &name, path);
	if (r)
		return r;
	if (name.n == 0) {
		*ret = t->root;
		return 0;
	}
	const struct mementry *e = entry_find(dir, name);
	if (!e || !e->now)
		return MO_ENOENT;
	*ret = e->now;
	return 0;
}

/* ---- pending changes of names ---- */

/* Takes c, filled but for its references. */
static void change_add(struct memtree *t, struct memchange *c)
{
	c->node->refs++;
	c->dir->refs++;
	c->at->pending++;
	if (c->kind == CHANGE_MOVE) {
		c->to_dir->refs++;
		c->to->pending++;
	}
	c->next = NULL;
	if (t->last)
		t->last->next = c;
	else
		t->first = c;
	t->last = c;
}

static void change_free(struct memtree *t, struct memchange *c)
{
	c->at->pending--;
	entry_sweep(c->dir, c->at);
	if (c->kind == CHANGE_MOVE) {
		c->to->pending--;
		entry_sweep(c->to_dir, c->to);
		node_drop(t, c->to_dir);
	}
	node_drop(t, c->dir);
	node_drop(t, c->node);
	free(c);
}

/* A move between folders: the new name first, the old one never goes without it. */
static void move_halves(struct memtree *t, struct memchange *c, bool to, bool from)
{
	if (to && !c->to_done) {
		entry_durable(t, c->to, c->node);
		c->to_done = true;
	}
	/* A folder has one parent, whatever happens. */
	if (from || c->node->is_dir)
		c->from_synced = true;
	/* Meanwhile something else may have become durable under the old name. */
	if (c->to_done && c->from_synced && c->at->durable == c->node)
		entry_durable(t, c->at, NULL);
}

static void change_apply(struct memtree *t, struct memchange *c)
{
	switch (c->kind) {
	case CHANGE_LINK:
		entry_durable(t, c->at, c->node);
		break;
	case CHANGE_DROP:
		entry_durable(t, c->at, NULL);
		break;
	case CHANGE_MOVE:
		entry_durable(t, c->to, c->node);
		entry_durable(t, c->at, NULL);
		break;
	}
}

/* true: nothing of it is pending any more. */
static bool change_sync(struct memtree *t, struct memchange *c, const struct memnode *dir)
{
	if (c->kind == CHANGE_MOVE && c->dir != c->to_dir) {
		move_halves(t, c, c->to_dir == dir, c->dir == dir);
		return c->to_done && c->from_synced;
	}
	if (c->dir != dir)
		return false;
	change_apply(t, c);
	return true;
}

void memtree_sync(struct memtree *t, const struct memnode *dir)
{
	struct memchange **p = &t->first;
	t->last = NULL;
	while (*p) {
		struct memchange *c = *p;
		if (change_sync(t, c, dir)) {
			*p = c->next;
			change_free(t, c);
		} else {
			t->last = c;
			p = &c->next;
		}
	}
}

/* ---- operations ---- */

/* A new file or folder under an entry that holds nothing now. */
static int link_new(struct memtree *t, struct memnode *dir, struct span name, bool is_dir, struct memnode **ret)
{
	struct memchange *c = calloc(1, sizeof *c);
	struct memnode *n = node_new(t, is_dir);
	struct mementry *e = NULL;
	int r = c && n ? entry_get(&e, dir, name) : MO_ENOMEM;
	if (r) {
		free(c);
		free(n);
		return r;
	}
	entry_now(t, dir, e, n);
	*c = (struct memchange){.kind = CHANGE_LINK, .node = n, .dir = dir, .at = e};
	change_add(t, c);
	*ret = n;
	return 0;
}

int memtree_open(struct memtree *t, struct memnode **ret, const char *path, bool create, bool excl)
{
	struct memnode *dir = NULL;
	struct span name = {NULL, 0};
	int r = walk(t, &dir, &name, path);
	if (r)
		return r;
	if (name.n == 0)
		return MO_EINVAL;
	const struct mementry *e = entry_find(dir, name);
	if (e && e->now) {
		if (create && excl)
			return MO_EEXIST;
		if (e->now->is_dir)
			return MO_EINVAL;
		*ret = e->now;
		return 0;
	}
	return create ? link_new(t, dir, name, false, ret) : MO_ENOENT;
}

int memtree_drop(struct memtree *t, const char *path, bool is_dir)
{
	struct memnode *dir = NULL;
	struct span name = {NULL, 0};
	int r = walk(t, &dir, &name, path);
	if (r)
		return r;
	struct mementry *e = name.n ? entry_find(dir, name) : NULL;
	if (!e || !e->now)
		return name.n ? MO_ENOENT : MO_EINVAL;
	if (e->now->is_dir != is_dir)
		return is_dir ? MO_ENOENT : MO_EINVAL;
	if (is_dir && e->now->n_now)
		return MO_ESTATE;
	struct memchange *c = calloc(1, sizeof *c);
	if (!c)
		return MO_ENOMEM;
	*c = (struct memchange){.kind = CHANGE_DROP, .node = e->now, .dir = dir, .at = e};
	change_add(t, c);
	entry_now(t, dir, e, NULL);
	return 0;
}

/* Whether folder n is dir itself or holds it at any depth. Names form a tree, so the recursion is as deep as the folders. */
static bool holds(const struct memnode *n, const struct memnode *dir)
{
	if (n == dir)
		return true;
	const struct map_slot *s;
	for (size_t pos = 0; (s = map_next(&n->names, &pos));) {
		const struct mementry *e = entry_of(s->value);
		if (e->now && e->now->is_dir && holds(e->now, dir))
			return true;
	}
	return false;
}

int memtree_rename(struct memtree *t, const char *from, const char *to)
{
	struct memnode *dir = NULL, *to_dir = NULL;
	struct span name = {NULL, 0}, to_name = {NULL, 0};
	struct mementry *b = NULL;
	int r = walk(t, &dir, &name, from);
	if (!r)
		r = walk(t, &to_dir, &to_name, to);
	if (r)
		return r;
	if (name.n == 0 || to_name.n == 0)
		return MO_EINVAL;
	struct mementry *a = entry_find(dir, name);
	if (!a || !a->now)
		return MO_ENOENT;
	b = entry_find(to_dir, to_name);
	if (a == b)
		return 0;
	if (a->now->is_dir && holds(a->now, to_dir))
		return MO_EINVAL;
	if (b && b->now && b->now->is_dir != a->now->is_dir)
		return b->now->is_dir ? MO_EINVAL : MO_ENOENT;
	if (b && b->now && b->now->n_now)
		return MO_ESTATE;
	struct memchange *c = calloc(1, sizeof *c);
	if (!c)
		return MO_ENOMEM;
	r = entry_get(&b, to_dir, to_name);
	if (r) {
		free(c);
		return r;
	}
	*c = (struct memchange){.kind = CHANGE_MOVE, .node = a->now, .dir = dir, .to_dir = to_dir, .at = a, .to = b};
	change_add(t, c);
	entry_now(t, to_dir, b, a->now);
	entry_now(t, dir, a, NULL);
	return 0;
}

int memtree_mkdir(struct memtree *t, const char *path)
{
	struct memnode *dir = NULL, *made = NULL;
	struct span name = {NULL, 0};
	int r = walk(t, &dir, &name, path);
	if (r || name.n == 0)
		return r;
	const struct mementry *e = entry_find(dir, name);
	if (e && e->now)
		return e->now->is_dir ? 0 : MO_EEXIST;
	return link_new(t, dir, name, true, &made);
}

int memtree_names(const struct memnode *dir, char **ret, size_t *ret_n)
{
	const struct map_slot *s;
	size_t bytes = 0, n = 0;
	for (size_t pos = 0; (s = map_next(&dir->names, &pos));)
		bytes += entry_of(s->value)->name_n + 1;
	char *names = malloc(bytes ? bytes : 1);
	if (!names)
		return MO_ENOMEM;
	for (size_t pos = 0; (s = map_next(&dir->names, &pos));) {
		const struct mementry *e = entry_of(s->value);
		if (!e->now)
			continue;
		memcpy(names + n, e->name, e->name_n + 1);
		n += e->name_n + 1;
	}
	*ret = names;
	*ret_n = n;
	return 0;
}

/* ---- the power fails ---- */

/* Each pending change of names is kept or forgotten, in order; those kept stand for what the disk wrote by itself. */
static void settle_names(struct memtree *t, struct prng *r, bool lose_all)
{
	uint64_t mode = prng_u64(r) & 3; /* 0: none, 1: all, else each by itself */
	while (t->first) {
		struct memchange *c = t->first;
		t->first = c->next;
		bool keep = mode == 1 || (mode > 1 && (prng_u64(r) & 1));
		bool both = mode == 1 || (prng_u64(r) & 1);
		if (!lose_all && c->kind == CHANGE_MOVE && c->dir != c->to_dir)
			move_halves(t, c, keep, keep && both);
		else if (!lose_all && keep)
			change_apply(t, c);
		change_free(t, c);
	}
	t->last = NULL;
}

/* What is reachable by durable names is all there is. */
static void revert(struct memtree *t, struct memnode *n, struct prng *r, bool lose_all)
{
	const struct map_slot *s;
	if (!n->is_dir) {
		uint64_t before = n->file.size;
		memfile_crash(&n->file, r, lose_all);
		t->used_bytes = t->used_bytes - before + n->file.size;
		return;
	}
	for (size_t pos = 0; (s = map_next(&n->names, &pos));) {
		struct mementry *e = entry_of(s->value);
		if (e->now != e->durable)
			entry_now(t, n, e, e->durable);
		if (e->now)
			revert(t, e->now, r, lose_all);
	}
	/* Entries that hold nothing any more; the walk starts again, since removal moves slots. */
	for (size_t pos = 0; (s = map_next(&n->names, &pos));) {
		struct mementry *e = entry_of(s->value);
		if (e->now || e->durable || e->pending)
			continue;
		entry_sweep(n, e);
		pos = 0;
	}
}

void memtree_crash(struct memtree *t, struct prng *r, bool lose_all)
{
	settle_names(t, r, lose_all);
	revert(t, t->root, r, lose_all);
}

int memtree_init(struct memtree *t)
{
	*t = (struct memtree){0};
	t->root = node_new(t, true);
	if (!t->root)
		return MO_ENOMEM;
	t->root->refs = 1;
	return 0;
}

void memtree_free(struct memtree *t)
{
	while (t->first) {
		struct memchange *c = t->first;
		t->first = c->next;
		change_free(t, c);
	}
	if (t->root)
		node_drop(t, t->root);
	*t = (struct memtree){0};
}

void memtree_resized(struct memtree *t, struct memnode *n, uint64_t before)
{
	t->used_bytes = t->used_bytes - before + n->file.size;
	n->mtime_ns = t->now_ns;
}
