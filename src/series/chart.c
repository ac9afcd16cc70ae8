/* Envelopes and extents: a block that lies inside one bin is never decoded. */
#include <math.h>

#include "series/priv/snapshot.h"

struct bins {
	struct sdb_bin *bin;
	size_t n, at;
	int64_t from;
	unsigned __int128 width; /* of the whole range */
	int64_t end;             /* of bin `at`: the first time that belongs to the next */
	struct vstat s;
};

static int64_t bin_start(const struct bins *b, size_t i)
{
	return (int64_t)((uint64_t)b->from + (uint64_t)(b->width * i / b->n));
}

static void bin_close(struct bins *b)
{
	struct sdb_bin *o = &b->bin[b->at];
	const struct vstat *s = &b->s;
	*o = (struct sdb_bin){.count = s->good, .bad = s->bad};
	if (s->good == 0) {
		o->min = o->max = o->sum = o->first = o->last = NAN;
	} else {
		o->min = s->min;
		o->max = s->max;
		o->sum = s->sum;
		o->first = s->first;
		o->last = s->last;
		o->first_ns = s->first_ns;
		o->last_ns = s->last_ns;
	}
	b->s = (struct vstat){0};
	b->at++;
	if (b->at < b->n)
		b->end = bin_start(b, b->at + 1);
}

static void bins_until(struct bins *b, int64_t t)
{
	while (t >= b->end)
		bin_close(b);
}

static void add_points(struct bins *b, uint8_t type, const struct cols *c)
{
	for (size_t i = 0; i < c->n;) {
		bins_until(b, c->t[i]);
		size_t lo = i + 1, hi = c->n;
		if (c->t[hi - 1] < b->end)
			lo = hi;
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;
			if (c->t[mid] < b->end)
				lo = mid + 1;
			else
				hi = mid;
		}
		struct cols part = cols_slice(c, type, i, lo - i);
		vstat_add(&b->s, type, &part);
		i = lo;
	}
}

/* From the directory alone; false when values must be looked at. */
static bool add_block(struct bins *b, const struct bentry *e)
{
	bins_until(b, e->t_first);
	if (e->t_last >= b->end || (e->bad != 0 && e->bad != e->count))
		return false;
	struct vstat *s = &b->s;
	s->bad += e->bad;
	if (e->bad != 0)
		return true;
	if (s->good == 0) {
		s->min = e->min;
		s->max = e->max;
		s->first = e->first;
		s->first_ns = e->t_first;
	}
	s->min = e->min < s->min ? e->min : s->min;
	s->max = e->max > s->max ? e->max : s->max;
	s->sum += e->sum;
	s->last = e->last;
	s->last_ns = e->t_last;
	s->good += e->count;
	return true;
}

int sdb_chart(struct sdb *db, series_id id, int64_t from_ns, int64_t to_ns, size_t n, struct sdb_bin *bins, struct diag *d)
{
	struct series *s = sdb_series(db, id);
	if (!s)
		return sdb_say_unknown(d, id);
	if (s->def.type == SERIES_STR) {
		diag_set(d, MO_ESTATE, MSG_SERIES_CHART_TEXT);
		diag_field(d, s->def.key);
		return MO_ESTATE;
	}
	if (n == 0 || n > SDB_BINS_MAX || from_ns >= to_ns) {
		diag_set(d, MO_EINVAL, MSG_SERIES_RANGE_BAD);
		diag_field(d, n == 0 || n > SDB_BINS_MAX ? SPAN_LIT("bins") : SPAN_LIT("to"));
		diag_int(d, 0, n == 0 || n > SDB_BINS_MAX ? (int64_t)n : to_ns);
		diag_expected(d, n == 0 || n > SDB_BINS_MAX ? "1..10000" : "> from");
		return MO_EINVAL;
	}
	struct mcur m;
	struct bins b = {.bin = bins, .n = n, .from = from_ns, .width = (uint64_t)to_ns - (uint64_t)from_ns};
	b.end = bin_start(&b, 1);
	mcur_init(&m, &s->def, from_ns, to_ns, false, WANT_VALUES | WANT_QUALITY);
	int r = sdb_snapshot(db, s, &m), damage = 0;
	if (r != 0)
		series_say_nomem(d);
	bool offer = true;
	while (r == 0) {
		struct mslice slice;
		r = mcur_next(&m, offer, &slice, damage ? NULL : d);
		offer = true;
		if (r == MO_ECORRUPT || r == MO_EVERSION) {
			if (!damage)
				damage = r;
			r = 0;
		} else if (r == 0 && slice.whole) {
			if (add_block(&b, slice.whole))
				mcur_skip(&m);
			else
				offer = false; /* decode it */
		} else if (r == 0 && slice.c.n == 0) {
			break;
		} else if (r == 0) {
			add_points(&b, (uint8_t)s->def.type, &slice.c);
		}
	}
	while (r == 0 && b.at < n)
		bin_close(&b);
	mcur_free(&m);
	return r != 0 ? r : damage;
}

static int count_all(struct mcur *m, struct sdb_extent *x, struct diag *d)
{
	for (;;) {
		struct mslice slice;
		int r = mcur_next(m, true, &slice, d);
		if (r != 0)
			return r;
		if (slice.whole) {
			x->points += slice.whole->count;
			mcur_skip(m);
		} else if (slice.c.n == 0) {
			return 0;
		} else {
			x->points += slice.c.n;
		}
	}
}

static void extent_add(struct sdb_extent *x, bool *any, int64_t first, int64_t last)
{
	if (!*any || first < x->first_ns)
		x->first_ns = first;
	if (!*any || last > x->last_ns)
		x->last_ns = last;
	*any = true;
}

static void extent_head(struct sdb_extent *x, bool *any, const struct head *h)
{
	if (!h || h->n == 0)
		return;
	const struct chunk *c = h->c[h->n - 1];
	extent_add(x, any, h->c[0]->t[0], c->t[c->n - 1]);
	x->points += h->fresh;
}

int sdb_extent(struct sdb *db, series_id id, struct sdb_extent *ret, struct diag *d)
{
	struct series *s = sdb_series(db, id);
	if (!s)
		return sdb_say_unknown(d, id);
	struct sdb_extent x = {0, T_NONE, T_NONE};
	bool any = false;
	pthread_mutex_lock(&db->mu);
	bool inexact = db->inexact;
	for (size_t i = 0; i < db->nseg; i++) {
		const struct sentry *e = seg_find(db->seg[i], id);
		if (!e)
			continue;
		extent_add(&x, &any, e->t_first, e->t_last);
		x.points += e->fresh;
	}
	extent_head(&x, &any, s->frozen);
	extent_head(&x, &any, &s->head);
	pthread_mutex_unlock(&db->mu);
	if (inexact && any) {
		struct mcur m;
		x.points = 0;
		mcur_init(&m, &s->def, INT64_MIN, INT64_MAX, false, 0);
		int r = sdb_snapshot(db, s, &m);
		if (r != 0)
			series_say_nomem(d);
		else
			r = count_all(&m, &x, d);
		mcur_free(&m);
		if (r != 0)
			return r;
	}
	*ret = x;
	return 0;
}
