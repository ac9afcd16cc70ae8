/* Flush: heads -> segment -> manifest -> log files retired.
 *
 *   active heads --freeze--> frozen --write--> ready --manifest--> in the list
 *
 * A failure leaves the state it happened in, and the next call goes on from
 * there. Nothing is unlinked that a manifest on disk may still name: after a
 * failed replacement either the old or the new one may stand there. */
#include <stdlib.h>

#include "series/priv/catalogue.h"
#include "series/priv/sdb.h"

int seg_list_add(struct seg ***list, size_t *n, size_t *cap, struct seg *s)
{
	if (*n == *cap) {
		size_t c = *cap ? *cap * 2 : 16;
		struct seg **p = realloc(*list, c * sizeof(struct seg *));
		if (!p)
			return MO_ENOMEM;
		*list = p;
		*cap = c;
	}
	(*list)[(*n)++] = s;
	return 0;
}

bool seg_covers(const struct seg *a, const struct seg *b)
{
	return a->lo <= b->lo && b->hi <= a->hi;
}

static struct manifest_seg entry_of(const struct seg *g)
{
	return (struct manifest_seg){g->number, g->size, g->lo, g->hi, g->dir_crc};
}

int sdb_write_manifest(struct sdb *db, struct seg *add, uint64_t upto, struct diag *d)
{
	struct manifest m = {.upto = upto,
	        .next_seg = db->next_seg,
	        .next_flush = db->next_flush,
	        .cat_bytes = db->cat_bytes,
	        .cat_series = db->cat_series};
	char *path = fpath(db->path, FILE_MAN, 0);
	m.seg = calloc(db->nseg + 1, sizeof *m.seg);
	int r = path && m.seg ? 0 : series_say_nomem(d);
	/* Only this thread changes the list. */
	bool added = !add;
	for (size_t i = 0; r == 0 && i < db->nseg; i++) {
		struct seg *g = db->seg[i];
		if (add && seg_covers(add, g)) {
			if (!added)
				m.seg[m.n++] = entry_of(add);
			added = true;
			continue;
		}
		m.seg[m.n++] = entry_of(g);
	}
	if (r == 0 && !added)
		m.seg[m.n++] = entry_of(add);
	if (r == 0)
		r = series_say_os(d, manifest_write(&m, db->vfs, path, d), "replace", path);
	free(path);
	manifest_free(&m);
	return r;
}

/* ---- freeze ---- */

static int by_id(const void *a, const void *b)
{
	const struct frozen_head *x = a, *y = b;
	return x->s->id < y->s->id ? -1 : x->s->id > y->s->id;
}

static int freeze(struct sdb *db)
{
	pthread_mutex_lock(&db->mu);
	struct frozen_head *f = calloc(db->ndirty ? db->ndirty : 1, sizeof *f);
	if (!f) {
		pthread_mutex_unlock(&db->mu);
		return MO_ENOMEM;
	}
	size_t n = 0;
	for (size_t i = 0; i < db->ndirty; i++) {
		struct series *s = db->dirty[i];
		s->listed = false;
		if (s->head.n == 0)
			continue;
		f[n].s = s;
		f[n].h = s->head;
		s->head = (struct head){0};
		n++;
	}
	if (n > 1)
		qsort(f, n, sizeof *f, by_id);
	for (size_t i = 0; i < n; i++)
		f[i].s->frozen = &f[i].h;
	db->ndirty = 0;
	db->frozen = f;
	db->nfrozen = n;
	db->has_frozen = true;
	db->frozen_upto = db->applied;
	db->frozen_max_id = sdb_max_id(db);
	pthread_mutex_unlock(&db->mu);
	return 0;
}

/* ---- writing ---- */

static int write_catalogue(struct sdb *db, struct diag *d)
{
	if (db->cat_series >= db->frozen_max_id)
		return 0;
	struct buf b;
	uint64_t at = 0;
	buf_init(&b, 0);
	for (series_id id = db->cat_series + 1; id <= db->frozen_max_id; id++)
		cat_put(&b, db->cat_bytes ? db->cat_bytes : CAT_BEGIN, id, &sdb_series(db, id)->def);
	char *path = fpath(db->path, FILE_CAT, 0);
	int r = b.err || !path ? series_say_nomem(d) : cat_append(db->vfs, db->path, path, db->cat_bytes, buf_span(&b), &at, d);
	free(path);
	buf_free(&b);
	if (r == 0) {
		pthread_mutex_lock(&db->mu);
		db->cat_bytes = at;
		db->cat_series = db->frozen_max_id;
		pthread_mutex_unlock(&db->mu);
	}
	return r;
}

struct chunk_cols {
	int64_t arr[HEAD_CHUNK];
	struct span str[HEAD_CHUNK];
};

static int write_head(struct segwriter *w, const struct frozen_head *f, struct chunk_cols *k, struct diag *d)
{
	int r = 0;
	segwriter_begin(w, f->s->id, &f->s->def, f->h.fresh);
	for (uint32_t i = 0; r == 0 && i < f->h.n; i++) {
		const struct chunk *c = f->h.c[i];
		struct cols cols = {c->n, c->t, c->seq, c->v.any, c->q, k->arr};
		chunk_arrivals(c, k->arr);
		if (c->type == SERIES_STR) {
			for (uint32_t j = 0; j < c->n; j++)
				k->str[j] = span_of(c->v.str[j]->p, c->v.str[j]->n);
			cols.v = k->str;
		}
		r = segwriter_add(w, &cols, d);
	}
	return r != 0 ? r : segwriter_end(w, d);
}

static int write_segment(struct sdb *db, struct diag *d)
{
	struct segwriter *w = NULL;
	struct chunk_cols *k = malloc(sizeof *k);
	struct segwriter_info info = {db->next_seg++, db->next_flush, db->next_flush, db->frozen_upto, db->opt.block_points};
	int r = k ? segwriter_new(&w, db->vfs, db->path, &info, d) : series_say_nomem(d);
	for (size_t i = 0; r == 0 && i < db->nfrozen; i++)
		r = write_head(w, &db->frozen[i], k, d);
	if (r == 0)
		r = segwriter_finish(w, d);
	segwriter_free(w);
	free(k);
	if (r == 0)
		r = seg_open(&db->ready, db->vfs, db->path, info.number, d);
	if (r == 0)
		db->next_flush++;
	return r;
}

/* ---- commit ---- */

static void frozen_drop(struct sdb *db)
{
	for (size_t i = 0; i < db->nfrozen; i++)
		head_free(&db->frozen[i].h, &db->mem);
	free(db->frozen);
	db->frozen = NULL;
	db->nfrozen = 0;
	db->has_frozen = false;
}

/* mu held: `add` takes the place of what it covers; those go to the zombies. Room was made before. */
static void list_install(struct sdb *db, struct seg *add)
{
	size_t n = 0;
	bool added = false;
	for (size_t i = 0; i < db->nseg; i++) {
		struct seg *g = db->seg[i];
		if (!seg_covers(add, g)) {
			db->seg[n++] = g;
			continue;
		}
		lookup_forget(db, g);
		db->zombie[db->nzombie++] = g;
		if (!added)
			db->seg[n++] = add;
		added = true;
	}
	if (!added)
		db->seg[n++] = add;
	db->nseg = n;
}

static int install_room(struct sdb *db)
{
	if (db->nseg == db->seg_cap) {
		size_t cap = db->seg_cap ? db->seg_cap * 2 : 16;
		pthread_mutex_lock(&db->mu);
		struct seg **p = realloc(db->seg, cap * sizeof(struct seg *));
		if (p) {
			db->seg = p;
			db->seg_cap = cap;
		}
		pthread_mutex_unlock(&db->mu);
		if (!p)
			return MO_ENOMEM;
	}
	size_t need = db->nzombie + db->nseg;
	if (need > db->zombie_cap) {
		struct seg **p = realloc(db->zombie, need * sizeof(struct seg *));
		if (!p)
			return MO_ENOMEM;
		db->zombie = p;
		db->zombie_cap = need;
	}
	return 0;
}

/* Names db->ready in the manifest and lets everybody see it. */
static int commit(struct sdb *db, struct diag *d)
{
	uint64_t upto = db->ready_merge ? db->log_from : db->frozen_upto;
	pthread_mutex_lock(&db->files);
	int r = install_room(db);
	if (r != 0)
		series_say_nomem(d);
	else
		r = sdb_write_manifest(db, db->ready, upto, d);
	if (r != 0) {
		pthread_mutex_unlock(&db->files);
		return r;
	}
	pthread_mutex_lock(&db->mu);
	if (db->ready)
		list_install(db, db->ready);
	db->ready = NULL;
	db->log_from = upto;
	if (!db->ready_merge)
		for (size_t i = 0; i < db->nfrozen; i++) {
			db->frozen[i].s->frozen = NULL;
			db->points_head -= db->frozen[i].h.points;
		}
	pthread_mutex_unlock(&db->mu);
	pthread_mutex_unlock(&db->files);
	if (!db->ready_merge)
		frozen_drop(db);
	db->ready_merge = false;
	return 0;
}

static int flush(struct sdb *db, struct diag *d)
{
	int r = db->has_frozen ? 0 : freeze(db);
	if (r != 0)
		return series_say_nomem(d);
	r = write_catalogue(db, d);
	if (r == 0 && !db->ready && db->nfrozen > 0)
		r = write_segment(db, d);
	return r != 0 ? r : commit(db, d);
}

static int bury(struct sdb *db)
{
	size_t n = 0;
	int r = 0;
	pthread_mutex_lock(&db->files);
	for (size_t i = 0; i < db->nzombie; i++) {
		struct seg *g = db->zombie[i];
		if (r != 0 || atomic_load_explicit(&g->refs, memory_order_acquire) != 1) {
			db->zombie[n++] = g;
			continue;
		}
		r = vfs_unlink(db->vfs, g->path);
		if (r == 0 || r == MO_ENOENT) {
			r = 0;
			seg_unref(g);
		} else {
			db->zombie[n++] = g;
		}
	}
	db->nzombie = n;
	pthread_mutex_unlock(&db->files);
	return r;
}

int maintain_commit(struct sdb *db, struct seg *add, struct diag *d)
{
	int r = db->ready && db->ready_merge ? commit(db, d) : 0;
	if (r == 0 && db->has_frozen)
		r = flush(db, d);
	if (!add)
		return r;
	if (r != 0) {
		int left = vfs_unlink(db->vfs, add->path); /* no manifest names it: where this fails, the next start removes it */
		(void)left;
		seg_unref(add);
		return r;
	}
	db->ready = add;
	db->ready_merge = true;
	return commit(db, d);
}

int maintain_flush(struct sdb *db, struct diag *d)
{
	pthread_mutex_lock(&db->mu);
	bool unflushed = db->applied > db->log_from;
	pthread_mutex_unlock(&db->mu);
	return db->has_frozen || unflushed ? flush(db, d) : 0;
}

int maintain_tidy(struct sdb *db, struct diag *d)
{
	int r = bury(db), r2 = wal_retire(&db->wal, db->log_from);
	return series_say_os(d, r != 0 ? r : r2, "unlink", db->path);
}

static bool log_long(struct sdb *db)
{
	uint64_t limit = 4 * db->opt.head_budget_bytes;
	if (limit < 4 * db->opt.log_file_bytes)
		limit = 4 * db->opt.log_file_bytes;
	return wal_live_files(&db->wal) > 1 && (wal_live_bytes(&db->wal) > limit || wal_live_files(&db->wal) > LOG_FILES_WANTED);
}

static bool heads_over(struct sdb *db)
{
	return atomic_load_explicit(&db->mem.bytes, memory_order_relaxed) > db->opt.head_budget_bytes;
}

bool sdb_wants_maintain(struct sdb *db)
{
	if (db->opt.read_only || atomic_load(&db->failed))
		return false;
	pthread_mutex_lock(&db->mu);
	bool points = db->points_head > 0, unflushed = db->applied > db->log_from, merge = !atomic_load(&db->no_merging) && merge_wanted(db);
	pthread_mutex_unlock(&db->mu);
	return merge || (points && heads_over(db)) || (unflushed && log_long(db));
}

void sdb_set_merging(struct sdb *db, bool merging) { atomic_store(&db->no_merging, !merging); }

int sdb_maintain(struct sdb *db, bool all, struct diag *d)
{
	int r = 0;
	if (db->opt.read_only)
		return diag_set(d, MO_ESTATE, MSG_SERIES_READ_ONLY);
	if (atomic_load(&db->failed))
		return diag_set(d, MO_ESTATE, MSG_SERIES_FAILED);
	if (db->ready && db->ready_merge)
		r = commit(db, d);
	pthread_mutex_lock(&db->mu);
	bool unflushed = db->applied > db->log_from, points = db->points_head > 0;
	pthread_mutex_unlock(&db->mu);
	if (r == 0 && (db->has_frozen || (unflushed && all) || (points && heads_over(db)) || (unflushed && log_long(db))))
		r = flush(db, d);
	bool more = !atomic_load(&db->no_merging);
	while (r == 0 && more) {
		r = merge_some(db, &db->ready, d);
		more = r == 0 && db->ready;
		if (more) {
			db->ready_merge = true;
			r = commit(db, d);
		}
		more = more && all;
	}
	for (size_t i = 0; i < db->nseg; i++)
		vfs_cool(db->seg[i]->f, db->seg[i]->map, db->seg[i]->size);
	int r2 = bury(db), r3 = wal_retire(&db->wal, db->log_from);
	if (r == 0)
		r = series_say_os(d, r2 != 0 ? r2 : r3, "unlink", db->path);
	return r;
}
