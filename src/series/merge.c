/* Adjacent segments into one. Sizes stand in tiers, each four times the one
 * below; a run of MERGE_RUN_MIN neighbours of at most one tier becomes one,
 * unless one of them is larger than all the others together (a few flushes
 * behind a large segment would have it written again and again). So a point
 * is written again only into a segment of at least twice the size, and a read
 * meets few segments.
 * A segment that replaces much of what is older (a file imported again) goes
 * into its older neighbour at once: every read would have to compare both.
 * Only neighbours without a gap between their flushes are merged, and none
 * that is damaged: it stays as it is for as long as it must be shown. */
#include "base/crc32c.h"
#include "series/priv/mcur.h"
#include "series/priv/sdb.h"

#define MERGE_COOL_POINTS (1u << 19) /* merged: a few MB of each segment */

static unsigned tier(uint64_t bytes)
{
	unsigned t = 0;
	for (uint64_t b = bytes / MERGE_TIER_BYTES; b > 0; b /= 4)
		t++;
	return t;
}

static bool damaged(const struct seg *g)
{
	return atomic_load_explicit(&g->damaged, memory_order_relaxed);
}

static bool choose_stale(const struct sdb *db, size_t *ret_at)
{
	for (size_t i = 1; i < db->nseg; i++) {
		const struct seg *a = db->seg[i - 1], *b = db->seg[i];
		if (b->stale >= b->points / MERGE_STALE_PART + 1 && a->hi + 1 == b->lo && !damaged(a) && !damaged(b) &&
		        a->size + b->size <= MERGE_BYTES_MAX && a->size / MERGE_STALE_RATIO <= b->size) {
			*ret_at = i - 1;
			return true;
		}
	}
	return false;
}

/* How many segments from `at` on make a run of tier t: as many as may be, 0 when they are too few. */
static size_t run_length(const struct sdb *db, size_t at, unsigned t)
{
	uint64_t bytes = 0, largest = 0;
	size_t best = 0;
	for (size_t i = at; i < db->nseg && i - at < MERGE_RUN_MAX; i++) {
		const struct seg *g = db->seg[i];
		if (tier(g->size) > t || damaged(g) || (i > at && db->seg[i - 1]->hi + 1 != g->lo) || bytes + g->size > MERGE_BYTES_MAX)
			break;
		bytes += g->size;
		largest = g->size > largest ? g->size : largest;
		if (i - at + 1 >= MERGE_RUN_MIN && largest <= bytes - largest)
			best = i - at + 1;
	}
	return best;
}

/* The run [*ret_at, +*ret_n) to merge next. */
static bool choose(const struct sdb *db, size_t *ret_at, size_t *ret_n)
{
	for (unsigned t = 0; t <= tier(MERGE_BYTES_MAX); t++)
		for (size_t at = 0; at + MERGE_RUN_MIN <= db->nseg; at++) {
			size_t n = run_length(db, at, t);
			if (n > 0) {
				*ret_at = at;
				*ret_n = n;
				return true;
			}
		}
	*ret_n = 2;
	return choose_stale(db, ret_at);
}

bool merge_wanted(struct sdb *db)
{
	size_t at, n;
	return choose(db, &at, &n);
}

bool merge_worth_copying(const struct sdb *db, const struct bentry *e, struct pkey last)
{
	return e->count >= db->opt.block_points / 2 && !pkey_eq(bentry_last(e), last);
}

int merge_copy_block(struct segwriter *w, struct mslice *s, struct diag *d)
{
	struct span bytes = span_of(s->seg->map + s->whole->offset, s->whole->bytes);
	if (crc32c(0, bytes) != s->whole->crc) {
		atomic_store_explicit(&s->seg->damaged, true, memory_order_relaxed);
		return series_say_corrupt(d, s->seg->path, "block", s->whole->offset);
	}
	return segwriter_copy(w, s->whole, bytes, d);
}

static int merge_series(struct sdb *db, struct segwriter *w, struct seg **g, size_t n, series_id id, struct diag *d)
{
	const struct series_def *def = &sdb_series(db, id)->def;
	struct pkey last = {INT64_MIN, 0};
	uint64_t fresh = 0;
	struct mcur m;
	bool offer = true;
	int r = 0;
	mcur_init(&m, def, INT64_MIN, INT64_MAX, false, WANT_ALL);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct sentry *e = seg_find(g[i], id);
		if (!e)
			continue;
		fresh += e->fresh;
		if (pkey_less(last, sentry_last(e)))
			last = sentry_last(e);
		r = mcur_add_seg(&m, g[i], e);
	}
	if (r != 0)
		series_say_nomem(d);
	segwriter_begin(w, id, def, fresh);
	while (r == 0) {
		struct mslice s;
		r = mcur_next(&m, offer, &s, d);
		offer = true;
		if (r != 0)
			break;
		if (s.whole && merge_worth_copying(db, s.whole, last)) {
			r = merge_copy_block(w, &s, d);
			mcur_skip(&m);
		} else if (s.whole) {
			offer = false;
		} else if (s.c.n == 0) {
			break;
		} else {
			r = segwriter_add(w, &s.c, d);
		}
	}
	mcur_free(&m);
	return r != 0 ? r : segwriter_end(w, d);
}

int merge_some(struct sdb *db, struct seg **ret, struct diag *d)
{
	struct seg *g[MERGE_RUN_MAX];
	uint32_t pos[MERGE_RUN_MAX] = {0};
	size_t at, n;
	*ret = NULL;
	/* Only the maintenance thread changes the list, so it stands still here. */
	if (!choose(db, &at, &n))
		return 0;
	uint64_t upto = 0, points = 0;
	for (size_t i = 0; i < n; i++) {
		g[i] = db->seg[at + i];
		upto = g[i]->upto > upto ? g[i]->upto : upto;
	}
	struct segwriter_info info = {db->next_seg++, g[0]->lo, g[n - 1]->hi, upto, db->opt.block_points};
	struct segwriter *w = NULL;
	int r = segwriter_new(&w, db->vfs, db->path, &info, d);
	while (r == 0) {
		series_id id = UINT32_MAX;
		for (size_t i = 0; i < n; i++)
			if (pos[i] < g[i]->nseries && g[i]->series[pos[i]].id < id)
				id = g[i]->series[pos[i]].id;
		if (id == UINT32_MAX)
			break;
		r = merge_series(db, w, g, n, id, d);
		for (size_t i = 0; i < n; i++)
			if (pos[i] < g[i]->nseries && g[i]->series[pos[i]].id == id) {
				points += g[i]->series[pos[i]].points;
				pos[i]++;
			}
		/* What was read stays in the page cache, not with us. */
		for (size_t i = 0; points >= MERGE_COOL_POINTS && i < n; i++)
			vfs_cool(g[i]->f, g[i]->map, g[i]->size);
		if (points >= MERGE_COOL_POINTS)
			points = 0;
	}
	if (r == 0)
		r = segwriter_finish(w, d);
	segwriter_free(w);
	return r != 0 ? r : seg_open(ret, db->vfs, db->path, info.number, d);
}
