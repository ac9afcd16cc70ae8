/* What open finds: manifest, catalogue, segments, log; in this order, each
 * checked before anything is believed (docs/formats/series.md). */
#include <stdio.h>
#include <stdlib.h>

#include "series/priv/catalogue.h"
#include "series/priv/sbatch.h"
#include "series/priv/sdb.h"

struct names {
	uint64_t *seg;
	size_t n, cap;
	char (*tmp)[FNAME_MAX + 8];
	size_t ntmp, tmp_cap;
	bool bad_manifest;
};

static int on_name(void *arg, const char *name)
{
	struct names *l = arg;
	uint64_t number;
	enum file_kind kind = fname_parse(name, &number);
	if (strcmp(name, "manifest.bad") == 0)
		l->bad_manifest = true;
	if (kind == FILE_SEG) {
		if (l->n == l->cap) {
			size_t cap = l->cap ? l->cap * 2 : 16;
			uint64_t *p = realloc(l->seg, cap * sizeof *p);
			if (!p)
				return MO_ENOMEM;
			l->seg = p;
			l->cap = cap;
		}
		l->seg[l->n++] = number;
	} else if (kind == FILE_NONE && fname_ends(name, ".tmp") && strlen(name) < sizeof l->tmp[0]) {
		if (l->ntmp == l->tmp_cap) {
			size_t cap = l->tmp_cap ? l->tmp_cap * 2 : 8;
			void *p = realloc(l->tmp, cap * sizeof l->tmp[0]);
			if (!p)
				return MO_ENOMEM;
			l->tmp = p;
			l->tmp_cap = cap;
		}
		snprintf(l->tmp[l->ntmp++], sizeof l->tmp[0], "%s", name);
	}
	return 0;
}

struct recovery {
	struct sdb *db;
	struct sdb_recovery *rec;
	struct names names;
	struct manifest man;
	bool rebuilt;       /* no usable manifest: made anew from what stands there */
	bool lost_manifest; /* there was one, and it failed its checks */
	bool write_manifest;
};

static int aside(struct recovery *v, enum file_kind kind, uint64_t number)
{
	struct sdb *db = v->db;
	char *path = fpath(db->path, kind, number);
	int r = path ? 0 : MO_ENOMEM;
	if (r == 0 && !db->opt.read_only)
		r = file_set_aside(db->vfs, db->path, path);
	if (r == MO_ENOENT)
		r = 0; /* it is already gone, and still to be reported */
	if (r == 0) {
		v->rec->set_aside++;
		fname_format(v->rec->set_aside_name, kind, number);
	}
	free(path);
	return r;
}

/* ---- the folder ---- */

static int make_folder(struct sdb *db, struct diag *d)
{
	struct vfs_stat st;
	char *man = fpath(db->path, FILE_MAN, 0);
	int r = man ? vfs_stat(db->vfs, man, &st) : series_say_nomem(d);
	free(man);
	if (r != MO_ENOENT)
		return r;
	if (db->opt.read_only)
		return vfs_stat(db->vfs, db->path, &st);
	r = vfs_mkdir(db->vfs, db->path, false);
	if (r != 0)
		return r;
	/* The folder's own name must last too; a start before this one may have failed between the two. */
	const char *slash = strrchr(db->path, '/');
	size_t n = !slash ? 1 : slash == db->path ? 1 : (size_t)(slash - db->path);
	char *parent = malloc(n + 1);
	if (!parent)
		return series_say_nomem(d);
	memcpy(parent, slash ? db->path : ".", n);
	parent[n] = 0;
	r = vfs_sync_dir(db->vfs, parent);
	free(parent);
	return r;
}

static int remove_tmp(struct recovery *v)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < v->names.ntmp && !v->db->opt.read_only; i++) {
		char *path = vfs_join(v->db->path, v->names.tmp[i]);
		r = path ? vfs_unlink(v->db->vfs, path) : MO_ENOMEM;
		if (r == MO_ENOENT)
			r = 0;
		free(path);
	}
	return r;
}

/* ---- manifest ---- */

static int load_manifest(struct recovery *v, struct diag *d)
{
	char *path = fpath(v->db->path, FILE_MAN, 0);
	int r = path ? manifest_read(&v->man, v->db->vfs, path, d) : series_say_nomem(d);
	free(path);
	if (r == MO_ECORRUPT) {
		v->lost_manifest = true;
		r = aside(v, FILE_MAN, 0);
	} else if (r == MO_ENOENT) {
		v->lost_manifest = v->names.bad_manifest;
		r = 0;
	} else {
		return r;
	}
	v->rebuilt = true;
	v->write_manifest = v->names.n > 0 || v->lost_manifest;
	return r;
}

/* ---- catalogue ---- */

static int on_def(void *arg, series_id id, const struct series_def *def)
{
	struct sdb *db = arg;
	series_id other;
	if (sdb_find(db, def->key, &other) == 0)
		return MO_ECORRUPT;
	return sdb_add_series(db, id, def);
}

static int catalogue_lost(const char *path, struct diag *d)
{
	int64_t at = d && d->msg == MSG_SERIES_FILE_CORRUPT ? d->arg[0].i : 0;
	diag_set(d, MO_ECORRUPT, MSG_SERIES_CATALOGUE_LOST);
	diag_file(d, path);
	diag_int(d, 0, at);
	return MO_ECORRUPT;
}

/* What no manifest vouches for may have been read from memory and never have reached the disk: written anew. */
static int rewrite_catalogue(struct recovery *v, struct diag *d)
{
	struct sdb *db = v->db;
	uint8_t *p = NULL;
	size_t n = 0;
	if (!v->rebuilt || db->cat_bytes == 0 || db->opt.read_only)
		return 0;
	char *path = fpath(db->path, FILE_CAT, 0);
	int r = path ? vfs_slurp(db->vfs, &p, &n, path, SIZE_MAX / 2, d) : series_say_nomem(d);
	if (r == 0)
		r = series_say_os(d, vfs_replace(db->vfs, path, span_of(p, db->cat_bytes < n ? (size_t)db->cat_bytes : n), false, d),
		        "replace", path);
	v->write_manifest = true;
	free(p);
	free(path);
	return r;
}

static int load_catalogue(struct recovery *v, struct diag *d)
{
	struct sdb *db = v->db;
	uint64_t trusted = v->rebuilt ? UINT64_MAX : v->man.cat_bytes, bytes = 0;
	if (trusted == 0)
		return 0;
	char *path = fpath(db->path, FILE_CAT, 0);
	int r = path ? cat_load(db->vfs, path, trusted, on_def, db, &bytes, d) : series_say_nomem(d);
	if (v->rebuilt && v->names.n == 0 && sdb_max_id(db) == 0 && (r == MO_ENOENT || (r == MO_ECORRUPT && !v->lost_manifest)))
		r = 0; /* before the first manifest nothing counts on it: the log holds all definitions */
	else if (r == MO_ENOENT || r == MO_ECORRUPT || (r == 0 && !v->rebuilt && sdb_max_id(db) != v->man.cat_series))
		r = catalogue_lost(path, d);
	else if (r == MO_ENOMEM)
		series_say_nomem(d);
	free(path);
	if (r == 0) {
		db->cat_bytes = bytes;
		db->cat_series = sdb_max_id(db);
	}
	return r;
}

/* ---- segments ---- */

static bool fits_catalogue(struct sdb *db, const struct seg *g)
{
	for (uint32_t i = 0; i < g->nseries; i++) {
		const struct sentry *e = &g->series[i];
		const struct series *s = sdb_series(db, e->id);
		if (!s || !uuid_eq(&s->def.uuid, &e->uuid) || e->type != (uint8_t)s->def.type || e->kind != (uint8_t)s->def.kind)
			return false;
	}
	return true;
}

static int by_range(const void *a, const void *b)
{
	const struct seg *x = *(struct seg *const *)a, *y = *(struct seg *const *)b;
	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	if (x->hi != y->hi)
		return x->hi > y->hi ? -1 : 1;
	return x->number > y->number ? -1 : x->number < y->number; /* the later is what a rule of retention left of the other */
}

static int load_segment(struct recovery *v, uint64_t number, const struct manifest_seg *m, struct diag *d)
{
	struct sdb *db = v->db;
	struct seg *g = NULL;
	int r = seg_open(&g, db->vfs, db->path, number, d);
	if (r == 0 &&
	        (!fits_catalogue(db, g) || (m && (m->size != g->size || m->dir_crc != g->dir_crc || m->lo != g->lo || m->hi != g->hi)))) {
		/* Without a manifest, a definition that the catalogue lacks means that the catalogue was cut. */
		bool cut = v->rebuilt && g->nseries > 0 && g->series[g->nseries - 1].id > sdb_max_id(db);
		seg_unref(g);
		if (cut) {
			char *path = fpath(db->path, FILE_CAT, 0);
			r = path ? catalogue_lost(path, d) : series_say_nomem(d);
			free(path);
			return r;
		}
		r = MO_ECORRUPT;
	} else if (r == 0) {
		r = seg_list_add(&db->seg, &db->nseg, &db->seg_cap, g);
		if (r != 0)
			seg_unref(g);
		return r;
	}
	if (r != MO_ECORRUPT && r != MO_ENOENT)
		return r;
	v->write_manifest = true;
	return aside(v, FILE_SEG, number);
}

static bool listed(const struct manifest *m, uint64_t number)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->seg[i].number == number)
			return true;
	return false;
}

static int remove_file(struct sdb *db, uint64_t number)
{
	if (db->opt.read_only)
		return 0;
	char *path = fpath(db->path, FILE_SEG, number);
	int r = path ? vfs_unlink(db->vfs, path) : MO_ENOMEM;
	free(path);
	return r;
}

/* Without a manifest: those that lie in another's range are its inputs. */
static int drop_contained(struct sdb *db)
{
	size_t n = 0;
	int r = 0;
	for (size_t i = 0; i < db->nseg; i++) {
		struct seg *g = db->seg[i];
		if (n > 0 && g->lo <= db->seg[n - 1]->hi) {
			if (r == 0)
				r = remove_file(db, g->number);
			seg_unref(g);
			continue;
		}
		db->seg[n++] = g;
	}
	db->nseg = n;
	return r;
}

static int load_segments(struct recovery *v, struct diag *d)
{
	struct sdb *db = v->db;
	int r = 0;
	if (v->rebuilt) {
		for (size_t i = 0; r == 0 && i < v->names.n; i++)
			r = load_segment(v, v->names.seg[i], NULL, d);
	} else {
		for (size_t i = 0; r == 0 && i < v->man.n; i++)
			r = load_segment(v, v->man.seg[i].number, &v->man.seg[i], d);
		for (size_t i = 0; r == 0 && i < v->names.n; i++)
			if (!listed(&v->man, v->names.seg[i]))
				r = remove_file(db, v->names.seg[i]);
	}
	if (r == 0 && db->nseg > 1)
		qsort(db->seg, db->nseg, sizeof(struct seg *), by_range);
	if (r == 0 && v->rebuilt)
		r = drop_contained(db);
	if (r != 0)
		return r;
	db->next_seg = v->man.next_seg ? v->man.next_seg : 1;
	db->next_flush = v->man.next_flush ? v->man.next_flush : 1;
	db->log_from = v->man.upto;
	for (size_t i = 0; i < v->names.n; i++)
		if (v->names.seg[i] >= db->next_seg)
			db->next_seg = v->names.seg[i] + 1;
	uint64_t flush = 1;
	for (size_t i = 0; i < db->nseg; i++) {
		const struct seg *g = db->seg[i];
		if (g->lo != flush)
			db->inexact = true;
		flush = g->hi + 1;
		if (v->rebuilt && g->upto > db->log_from)
			db->log_from = g->upto;
	}
	if (flush > db->next_flush)
		db->next_flush = flush;
	else if (flush < db->next_flush)
		db->inexact = true;
	return 0;
}

/* The last point of each series, from the directories; of strings from the last block. */
static int last_points(struct sdb *db)
{
	struct blockbuf buf = {0};
	int r = 0;
	for (size_t i = 0; r == 0 && i < db->nseg; i++) {
		struct seg *g = db->seg[i];
		for (uint32_t k = 0; r == 0 && k < g->nseries; k++) {
			const struct sentry *e = &g->series[k];
			struct series *s = sdb_series(db, e->id);
			if (s->has_last && pkey_less(sentry_last(e), s->last))
				continue;
			s->has_last = true;
			s->last = sentry_last(e);
			struct sdb_point p = {
			        .t_ns = e->t_last, .arrival_ns = e->last_arrival, .seq = e->seq_last, .quality = e->last_quality};
			p.type = s->def.type;
			if (p.type == SERIES_STR) {
				struct cols c;
				r = seg_decode(&c, &buf, g, e, e->blocks - 1, WANT_VALUES, NULL);
				if (r == MO_ENOMEM)
					break;
				if (r != 0) {
					r = 0; /* damaged: sdb_next tells; no last value until the next one comes */
					continue;
				}
				p.v.str = ((const struct span *)c.v)[c.n - 1];
			} else if (p.type == SERIES_BOOL) {
				p.v.b = (uint8_t)(e->last_value & 1);
			} else {
				memcpy(&p.v.i64, &e->last_value, 8);
			}
			sdb_publish(s, &p);
		}
	}
	blockbuf_free(&buf);
	return r;
}

/* ---- log ---- */

static int on_record(void *arg, uint8_t type, struct span payload)
{
	struct recovery *v = arg;
	struct sdb *db = v->db;
	if (type == WAL_DEFINE) {
		series_id id;
		struct series_def def;
		if (def_get(&id, &def, payload) != 0)
			return MO_ECORRUPT;
		struct series *s = sdb_series(db, id);
		if (s)
			return span_eq(s->def.key, def.key) && s->def.type == def.type && s->def.kind == def.kind &&
			                       uuid_eq(&s->def.uuid, &def.uuid)
			               ? 0
			               : MO_ECORRUPT;
		if (id != sdb_max_id(db) + 1)
			return MO_ECORRUPT;
		return on_def(db, id, &def);
	}
	if (type != WAL_BATCH || !batch_check(payload) || apply_check(db, payload, NULL) != 0)
		return MO_ECORRUPT;
	struct sdb_appended a = {0};
	int r = apply_batch(db, payload, NULL, &a, NULL);
	if (r == 0) {
		v->rec->batches++;
		v->rec->points += batch_points(payload);
	}
	return r;
}

int sdb_recover(struct sdb *db, struct sdb_recovery *rec, struct diag *d)
{
	struct recovery v = {.db = db, .rec = rec};
	int r = make_folder(db, d);
	if (r == 0)
		r = vfs_list(db->vfs, db->path, on_name, &v.names);
	if (r == 0)
		r = remove_tmp(&v);
	if (r == 0)
		r = load_manifest(&v, d);
	/* The names that were just believed must last before anything is removed because of them. */
	if (r == 0 && !db->opt.read_only)
		r = vfs_sync_dir(db->vfs, db->path);
	if (r == 0)
		r = load_catalogue(&v, d);
	if (r == 0)
		r = load_segments(&v, d);
	if (r == 0)
		r = rewrite_catalogue(&v, d); /* only now: no segment needs more than its valid prefix */
	if (r == 0)
		r = last_points(db);
	if (r == 0)
		r = wal_recover(&db->wal, db->log_from, db->opt.read_only, on_record, &v, rec, d);
	db->applied = db->wal.lsn;
	db->defs_pending = sdb_max_id(db) > db->cat_series;
	if (r == 0 && v.write_manifest && !db->opt.read_only)
		r = sdb_write_manifest(db, NULL, db->log_from, d);
	if (r == 0)
		diag_clear(d); /* what was set aside is in rec */
	else
		series_say_os(d, r, "open", db->path);
	free(v.names.seg);
	free(v.names.tmp);
	manifest_free(&v.man);
	return r;
}
