/* Cursors: slices of the merge, gathered where they are short. */
#include <stdlib.h>

#include "series/priv/mcur.h"
#include "series/priv/sdb.h"
#include "series/priv/snapshot.h"

#define GATHER 1024u    /* points of a gathered batch */
#define SLICE_WHOLE 64u /* slices from here on go out uncopied */

struct sdb_cursor {
	struct mcur m;
	bool want_arrival;
	bool held; /* `slice` waits: what was gathered before it goes first */
	struct mslice slice;
	struct blockbuf out;
	bool any_q;
	size_t n;
};

int sdb_snapshot(struct sdb *db, struct series *s, struct mcur *m)
{
	int r = 0;
	pthread_mutex_lock(&db->mu);
	for (size_t i = 0; r == 0 && i < db->nseg; i++) {
		const struct sentry *e = seg_find(db->seg[i], s->id);
		if (e)
			r = mcur_add_seg(m, db->seg[i], e);
	}
	if (r == 0 && s->frozen)
		r = mcur_add_head(m, s->frozen);
	if (r == 0)
		r = mcur_add_head(m, &s->head);
	pthread_mutex_unlock(&db->mu);
	return r;
}

int sdb_say_unknown(struct diag *d, series_id id)
{
	diag_set(d, MO_ENOENT, MSG_SERIES_UNKNOWN_ID);
	diag_int(d, 0, id);
	return MO_ENOENT;
}

/* v: what it holds; NULL: what there is now. */
static int open_cursor(struct sdb_cursor **ret, struct sdb *db, const struct sdb_view *v, series_id id, const struct sdb_range *range, struct diag *d)
{
	struct series *s = sdb_series(db, id);
	if (!s || (v && id > sdb_view_max_id(v)))
		return sdb_say_unknown(d, id);
	struct sdb_cursor *c = calloc(1, sizeof *c);
	if (!c)
		return series_say_nomem(d);
	c->want_arrival = range->want_arrival;
	mcur_init(&c->m, &s->def, range->from_ns, range->to_ns, range->descending,
	        WANT_VALUES | WANT_QUALITY | (range->want_arrival ? WANT_ARRIVAL : 0));
	int r = range->from_ns >= range->to_ns ? 0 : v ? sdb_view_sources(v, id, &c->m) : sdb_snapshot(db, s, &c->m);
	if (r != 0) {
		sdb_cursor_close(c);
		return series_say_nomem(d);
	}
	*ret = c;
	return 0;
}

int sdb_read(struct sdb *db, struct sdb_cursor **ret, series_id id, const struct sdb_range *range, struct diag *d)
{
	return open_cursor(ret, db, NULL, id, range, d);
}

int sdb_view_read(const struct sdb_view *v, struct sdb_cursor **ret, series_id id, const struct sdb_range *range, struct diag *d)
{
	return open_cursor(ret, sdb_view_engine(v), v, id, range, d);
}

void sdb_cursor_close(struct sdb_cursor *c)
{
	if (!c)
		return;
	mcur_free(&c->m);
	blockbuf_free(&c->out);
	free(c);
}

static void give(const struct sdb_cursor *c, struct sdb_batch *ret, const struct cols *k)
{
	*ret = (struct sdb_batch){.n = k->n, .t_ns = k->t, .seq = k->seq, .quality = k->q};
	ret->arrival_ns = c->want_arrival ? k->arr : NULL;
	switch (c->m.type) {
	case SERIES_F64:
		ret->f64 = k->v;
		break;
	case SERIES_I64:
		ret->i64 = k->v;
		break;
	case SERIES_BOOL:
		ret->b = k->v;
		break;
	default:
		ret->str = k->v;
		break;
	}
}

static void gather(struct sdb_cursor *c, const struct cols *k)
{
	size_t w = value_width(c->m.type), at = c->n, n = k->n;
	struct blockbuf *o = &c->out;
	memcpy(o->t + at, k->t, n * sizeof *o->t);
	if (k->seq)
		memcpy(o->seq + at, k->seq, n * sizeof *o->seq);
	memcpy((uint8_t *)o->v + at * w, k->v, n * w);
	if (k->q) {
		if (!c->any_q)
			memset(o->q, Q_GOOD, at);
		c->any_q = true;
		memcpy(o->q + at, k->q, n);
	} else if (c->any_q) {
		memset(o->q + at, Q_GOOD, n);
	}
	if (k->arr)
		memcpy(o->arr + at, k->arr, n * sizeof *o->arr);
	c->n += n;
}

static void give_gathered(struct sdb_cursor *c, struct sdb_batch *ret)
{
	struct cols k = {c->n, c->out.t, c->m.seq ? c->out.seq : NULL, c->out.v, c->any_q ? c->out.q : NULL, c->out.arr};
	give(c, ret, &k);
	c->n = 0;
	c->any_q = false;
}

int sdb_next(struct sdb_cursor *c, struct sdb_batch *ret, struct diag *d)
{
	for (;;) {
		if (!c->held) {
			int r = mcur_next(&c->m, false, &c->slice, d);
			if (r != 0)
				return r; /* what was gathered so far waits for the next call */
			c->held = true;
		}
		struct cols *k = &c->slice.c;
		if (k->n == 0 || k->n >= SLICE_WHOLE || c->n + k->n > GATHER) {
			if (c->n > 0) {
				give_gathered(c, ret);
				return 0;
			}
			if (k->n != 0)
				c->held = false;
			give(c, ret, k);
			return 0;
		}
		int r = blockbuf_reserve(&c->out, c->m.type, GATHER);
		if (r != 0)
			return series_say_nomem(d);
		gather(c, k);
		c->held = false;
	}
}
