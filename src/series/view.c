/* All series as they stood at one moment. Segments are referenced and chunks of
 * heads kept as a cursor keeps them; one hold of `mu` takes both, so that no
 * batch is in one series and not yet in another. */
#include <stdlib.h>

#include "base/num.h"
#include "series/priv/mcur.h"
#include "series/priv/sdb.h"
#include "series/priv/snapshot.h"

struct sdb_view {
	struct sdb *db;
	struct seg **seg;
	size_t nseg;
	struct mcur *head; /* per id from 1: frozen head and head of the series */
	uint32_t n;
};

/* mu held. */
static int take(struct sdb_view *v)
{
	struct sdb *db = v->db;
	size_t bytes;
	v->seg = db->nseg ? calloc(db->nseg, sizeof(struct seg *)) : NULL;
	if (db->nseg && !v->seg)
		return MO_ENOMEM;
	for (; v->nseg < db->nseg; v->nseg++) {
		v->seg[v->nseg] = db->seg[v->nseg];
		seg_ref(v->seg[v->nseg]);
	}
	uint32_t n = sdb_max_id(db);
	if (!size_mul(&bytes, n, sizeof *v->head))
		return MO_ENOMEM;
	v->head = n ? calloc(1, bytes) : NULL;
	if (n && !v->head)
		return MO_ENOMEM;
	int err = 0;
	for (; v->n < n && err == 0; v->n++) {
		struct series *s = sdb_series(db, v->n + 1);
		struct mcur *m = &v->head[v->n];
		mcur_init(m, &s->def, INT64_MIN, INT64_MAX, false, 0);
		if (s->frozen)
			err = mcur_add_head(m, s->frozen);
		if (err == 0)
			err = mcur_add_head(m, &s->head);
	}
	return err;
}

int sdb_view(struct sdb_view **ret, struct sdb *db, struct diag *d)
{
	struct sdb_view *v = calloc(1, sizeof *v);
	if (!v)
		return series_say_nomem(d);
	v->db = db;
	pthread_mutex_lock(&db->mu);
	int err = take(v);
	pthread_mutex_unlock(&db->mu);
	if (err != 0) {
		sdb_view_free(v);
		return series_say_nomem(d);
	}
	*ret = v;
	return 0;
}

void sdb_view_free(struct sdb_view *v)
{
	if (!v)
		return;
	for (uint32_t i = 0; i < v->n; i++)
		mcur_free(&v->head[i]);
	for (size_t i = 0; i < v->nseg; i++)
		seg_unref(v->seg[i]);
	free(v->head);
	free(v->seg);
	free(v);
}

struct sdb *sdb_view_engine(const struct sdb_view *v) { return v->db; }

series_id sdb_view_max_id(const struct sdb_view *v) { return v->n; }

int sdb_view_sources(const struct sdb_view *v, series_id id, struct mcur *m)
{
	int err = 0;
	for (size_t i = 0; err == 0 && i < v->nseg; i++) {
		const struct sentry *e = seg_find(v->seg[i], id);
		if (e)
			err = mcur_add_seg(m, v->seg[i], e);
	}
	for (size_t i = 0; err == 0 && i < v->head[id - 1].n; i++)
		err = mcur_add_chunks(m, v->head[id - 1].src[i].snap, v->head[id - 1].src[i].nsnap);
	return err;
}
