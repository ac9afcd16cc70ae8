/* Values that a rule of retention gives up: each segment that holds some is
 * written anew without them, and takes the old one's place in the manifest.
 *
 * Oldest segments first: where two hold the same key the newer one wins, so a
 * value that was replaced never comes back between two steps. Where a segment
 * had to be left as it is, entries of newer ones that replace something stay,
 * too. A segment that
 * nothing is left of stays as an empty one, so that the ranges of flushes have
 * no gap; merging takes it up. The newest time of each series stays in any
 * case, so that its last value is the same after a start. */
#include "series/priv/mcur.h"
#include "series/priv/sdb.h"

/* What goes from one series: before this, but for these numbers. */
struct cut {
	int64_t before;
	const struct sdb_numbers *keep;
	size_t n_keep;
};

static bool is_kept(const struct cut *k, uint64_t seq)
{
	size_t lo = 0, hi = k->n_keep;
	while (lo < hi) { /* first range that ends at or past seq */
		size_t mid = lo + (hi - lo) / 2;
		if (k->keep[mid].last < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < k->n_keep && k->keep[lo].first <= seq;
}

/* Points of c from i on that stay, all or none of them: their number. */
static size_t run_of(const struct cut *k, const struct cols *c, size_t i, bool *stay)
{
	size_t n = i;
	do {
		bool s = c->t[n] >= k->before || (c->seq && is_kept(k, c->seq[n]));
		if (n == i)
			*stay = s;
		else if (s != *stay)
			break;
	} while (++n < c->n);
	return n - i;
}

/* Nothing before goes into a cursor where numbers do not matter. */
static int64_t range_begin(const struct cut *k) { return k->n_keep ? INT64_MIN : k->before; }

static struct cut cut_of(const struct sdb *db, const struct sdb_drop *q, const struct sentry *e_of)
{
	series_id id = e_of->id;
	bool left = q->damaged + q->full > 0 && e_of->fresh != e_of->points;
	if (left || id > q->n_limits || q->limit[id - 1].before_ns == INT64_MIN)
		return (struct cut){.before = INT64_MIN};
	const struct sdb_limit *l = &q->limit[id - 1];
	int64_t newest = INT64_MIN;
	for (size_t i = 0; i < db->nseg; i++) {
		const struct sentry *e = seg_find(db->seg[i], id);
		if (e && e->t_last > newest)
			newest = e->t_last;
	}
	return (struct cut){l->before_ns < newest ? l->before_ns : newest, l->keep, l->n_keep};
}

/* Distinct points of the first n segments that stay. */
static int count_staying(struct sdb *db, size_t n, series_id id, const struct cut *k, uint64_t *ret, struct diag *d)
{
	struct mcur m;
	bool offer = true;
	int r = 0;
	*ret = 0;
	mcur_init(&m, &sdb_series(db, id)->def, range_begin(k), INT64_MAX, false, 0);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct sentry *e = seg_find(db->seg[i], id);
		if (e && mcur_add_seg(&m, db->seg[i], e) != 0)
			r = series_say_nomem(d);
	}
	while (r == 0) {
		struct mslice s;
		r = mcur_next(&m, offer, &s, d);
		offer = true;
		if (r != 0)
			break;
		if (s.whole && s.whole->t_first >= k->before) {
			*ret += s.whole->count;
			mcur_skip(&m);
		} else if (s.whole) {
			offer = false;
		} else if (s.c.n == 0) {
			break;
		} else {
			bool stay = false;
			for (size_t i = 0, more; i < s.c.n; i += more) {
				more = run_of(k, &s.c, i, &stay);
				*ret += stay ? more : 0;
			}
		}
	}
	mcur_free(&m);
	return r;
}

/* Whether something of the entry goes; looks into blocks only where numbers matter. */
static int wanted(struct seg *g, const struct sentry *e, const struct cut *k, bool *ret, struct diag *d)
{
	struct blockbuf buf = {0};
	int r = 0;
	*ret = e->t_first < k->before && k->n_keep == 0;
	for (uint32_t i = 0; r == 0 && !*ret && k->n_keep && i < e->blocks && seg_block(g, e, i)->t_first < k->before; i++) {
		struct cols c;
		bool stay = true;
		r = seg_decode(&c, &buf, g, e, i, 0, d);
		for (size_t at = 0; r == 0 && at < c.n && !*ret; at += run_of(k, &c, at, &stay))
			*ret = run_of(k, &c, at, &stay) > 0 && !stay;
	}
	blockbuf_free(&buf);
	return r;
}

/* What stays of one series of the segment at `at`. */
static int write_rest(struct sdb *db, struct segwriter *w, size_t at, const struct sentry *e, const struct cut *k, uint64_t *gone, struct diag *d)
{
	const struct series_def *def = &sdb_series(db, e->id)->def;
	uint64_t points = 0, fresh = 0, older = 0;
	struct mcur m;
	bool offer = true;
	mcur_init(&m, def, range_begin(k), INT64_MAX, false, WANT_ALL);
	int r = mcur_add_seg(&m, db->seg[at], e) == 0 ? 0 : series_say_nomem(d);
	segwriter_begin(w, e->id, def, e->fresh);
	while (r == 0) {
		struct mslice s;
		r = mcur_next(&m, offer, &s, d);
		offer = true;
		if (r != 0)
			break;
		if (s.whole && s.whole->t_first >= k->before && merge_worth_copying(db, s.whole, sentry_last(e))) {
			points += s.whole->count;
			r = merge_copy_block(w, &s, d);
			mcur_skip(&m);
		} else if (s.whole) {
			offer = false;
		} else if (s.c.n == 0) {
			break;
		} else {
			bool stay = false;
			for (size_t i = 0, n; r == 0 && i < s.c.n; i += n) {
				n = run_of(k, &s.c, i, &stay);
				struct cols c = cols_slice(&s.c, (uint8_t)def->type, i, n);
				if (stay) {
					points += n;
					r = segwriter_add(w, &c, d);
				}
			}
		}
	}
	mcur_free(&m);
	fresh = points;
	if (r == 0 && e->fresh != e->points) {
		/* Some replace points of older segments, which have given up theirs already. */
		r = count_staying(db, at + 1, e->id, k, &fresh, d);
		if (r == 0)
			r = count_staying(db, at, e->id, k, &older, d);
		fresh = fresh > older ? fresh - older : 0;
	}
	if (r != 0)
		return r;
	*gone += e->fresh > fresh ? e->fresh - fresh : 0;
	segwriter_set_fresh(w, fresh);
	return segwriter_end(w, d);
}

/* Writes the segment at `at` anew; *ret NULL: nothing of it goes. */
static int rewrite(struct sdb *db, struct sdb_drop *q, size_t at, struct seg **ret, struct diag *d)
{
	struct seg *g = db->seg[at];
	uint64_t gone = 0;
	bool any = false;
	int r = 0;
	*ret = NULL;
	for (uint32_t i = 0; r == 0 && !any && i < g->nseries; i++) {
		struct cut k = cut_of(db, q, &g->series[i]);
		r = wanted(g, &g->series[i], &k, &any, d);
	}
	if (r != 0 || !any)
		return r;
	struct segwriter_info info = {db->next_seg++, g->lo, g->hi, g->upto, db->opt.block_points};
	struct segwriter *w = NULL;
	r = segwriter_new(&w, db->vfs, db->path, &info, d);
	for (uint32_t i = 0; r == 0 && i < g->nseries; i++) {
		struct cut k = cut_of(db, q, &g->series[i]);
		r = write_rest(db, w, at, &g->series[i], &k, &gone, d);
	}
	if (r == 0)
		r = segwriter_finish(w, d);
	segwriter_free(w);
	if (r == 0)
		r = seg_open(ret, db->vfs, db->path, info.number, d);
	if (r == 0) {
		q->values += gone;
		q->segments++;
		q->bytes += g->size > (*ret)->size ? g->size - (*ret)->size : 0;
	}
	vfs_cool(g->f, g->map, g->size);
	return r;
}

static int begin(struct sdb *db, struct sdb_drop *q, struct diag *d)
{
	int r = maintain_flush(db, d);
	if (r != 0)
		return r;
	q->begun = true;
	q->done = 0;
	q->last = db->nseg ? db->seg[db->nseg - 1]->hi : 0;
	return 0;
}

int sdb_drop(struct sdb *db, struct sdb_drop *q, struct diag *d)
{
	if (db->opt.read_only)
		return diag_set(d, MO_ESTATE, MSG_SERIES_READ_ONLY);
	if (atomic_load(&db->failed))
		return diag_set(d, MO_ESTATE, MSG_SERIES_FAILED);
	int r = maintain_commit(db, NULL, d);
	if (r == 0 && !q->begun)
		r = begin(db, q, d);
	if (r != 0)
		return r;
	/* Only this thread changes the list. */
	for (size_t i = 0; i < db->nseg; i++) {
		struct seg *g = db->seg[i], *rest = NULL;
		uint64_t hi = g->hi;
		if (hi <= q->done || hi > q->last)
			continue;
		r = atomic_load_explicit(&g->damaged, memory_order_relaxed) ? MO_ECORRUPT : rewrite(db, q, i, &rest, d);
		if (r == MO_ECORRUPT || r == MO_EVERSION) {
			q->damaged++; /* it stays for as long as it must be shown */
			r = 0;
		} else if (r == MO_EFULL) {
			q->full++; /* others may make the room for it */
			r = 0;
		}
		if (r == 0 && rest)
			r = maintain_commit(db, rest, d);
		if (r != 0)
			return r;
		q->done = hi;
		if (rest)
			return maintain_tidy(db, d) == 0 ? MO_EAGAIN : d ? d->err : MO_EIO;
	}
	diag_clear(d);
	return 0;
}
