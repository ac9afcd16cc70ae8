/* Every checksum and invariant of every file of a folder. Reads only.
 *
 * Of a folder that is served, a view is taken first: manifest, list of files,
 * and what the engine holds then are read with `files` locked, so that they
 * fit; segments of the view are referenced and live log files pinned until
 * they were looked at. What the last log file holds behind the synced offset
 * may be half written: it is not read. */
#include <math.h>
#include <stdlib.h>

#include "series/priv/catalogue.h"
#include "series/priv/manifest.h"
#include "series/priv/sbatch.h"
#include "series/priv/sdb.h"

struct entry {
	char name[256];
	enum file_kind kind;
	uint64_t number;
};
struct check {
	struct vfs *vfs;
	const char *path;
	void (*say)(void *arg, const struct diag *d);
	void *arg;
	struct diag d;
	int worst;
	uint64_t files;
	struct entry *e;
	size_t n, cap;
	struct manifest man;
	bool has_man;
	struct series_def *def; /* text is not kept: types and uuids only */
	size_t ndef, def_cap;
	uint64_t log_at; /* where the log stood behind the last file */
	bool log_any;
	/* of a folder that is served */
	struct sdb *live; /* NULL: it is not */
	bool (*stop)(void *arg);
	uint64_t synced, cat_bytes;
	struct wal_file *log;
	struct seg **seg;
	size_t nlog, nseg;
	bool pinned;
};

static int stopped(struct check *c)
{
	return c->stop && c->stop(c->arg) ? MO_ECANCELED : 0;
}

static void said(struct check *c)
{
	if (c->worst == 0)
		c->worst = c->d.err;
	if (c->say)
		c->say(c->arg, &c->d);
	diag_clear(&c->d);
}

/* A finding, when r is one; else r (no memory, the disk does not answer). */
static int finding(struct check *c, int r)
{
	if (r == MO_ECORRUPT || r == MO_EVERSION) {
		said(c);
		return 0;
	}
	return r;
}

static void found(struct check *c, enum mo_msg msg, const char *path, int64_t a, int64_t b)
{
	diag_set(&c->d, MO_ECORRUPT, msg);
	diag_file(&c->d, path);
	diag_int(&c->d, 0, a);
	diag_int(&c->d, 1, b);
	said(c);
}

static int on_name(void *arg, const char *name)
{
	struct check *c = arg;
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 32;
		struct entry *e = realloc(c->e, cap * sizeof *e);
		if (!e)
			return MO_ENOMEM;
		c->e = e;
		c->cap = cap;
	}
	struct entry *e = &c->e[c->n];
	if (strlen(name) >= sizeof e->name)
		return 0;
	memcpy(e->name, name, strlen(name) + 1);
	e->kind = fname_parse(name, &e->number);
	c->n++;
	return 0;
}

static int by_kind(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* ---- catalogue ---- */

static int add_def(struct check *c, series_id id, const struct series_def *def)
{
	if (id <= c->ndef)
		return uuid_eq(&c->def[id - 1].uuid, &def->uuid) && c->def[id - 1].type == def->type ? 0 : MO_ECORRUPT;
	if (id != c->ndef + 1)
		return MO_ECORRUPT;
	if (c->ndef == c->def_cap) {
		size_t cap = c->def_cap ? c->def_cap * 2 : 64;
		struct series_def *p = realloc(c->def, cap * sizeof *p);
		if (!p)
			return MO_ENOMEM;
		c->def = p;
		c->def_cap = cap;
	}
	c->def[c->ndef++] = *def;
	return 0;
}

static int on_def(void *arg, series_id id, const struct series_def *def)
{
	return add_def(arg, id, def);
}

static int check_catalogue(struct check *c)
{
	uint64_t bytes;
	char *path = fpath(c->path, FILE_CAT, 0);
	uint64_t trusted = c->has_man ? c->man.cat_bytes : c->live ? c->cat_bytes : UINT64_MAX;
	int r = path ? 0 : MO_ENOMEM;
	if (r == 0 && trusted > 0)
		r = cat_load(c->vfs, path, trusted, on_def, c, &bytes, &c->d);
	if (r == MO_ENOENT && trusted == UINT64_MAX) {
		r = 0;
	} else if (r == MO_ENOENT) {
		found(c, MSG_SERIES_FILE_MISSING, path, 0, 0);
		r = 0;
	}
	if (r == 0 && c->has_man && c->ndef != c->man.cat_series)
		r = series_say_corrupt(&c->d, path, "series", 0);
	free(path);
	return finding(c, r);
}

/* ---- segments ---- */

static const struct manifest_seg *listed(const struct check *c, uint64_t number)
{
	for (size_t i = 0; i < c->man.n; i++)
		if (c->man.seg[i].number == number)
			return &c->man.seg[i];
	return NULL;
}

/* Of a folder that is served: one of the engine's when the view was taken. */
static bool held(const struct check *c, uint64_t number)
{
	for (size_t i = 0; i < c->nseg; i++)
		if (c->seg[i]->number == number)
			return true;
	return false;
}

/* The entry's statistics must be those of its values. */
static bool stats_hold(const struct sentry *e, const struct bentry *b, const struct cols *k)
{
	struct vstat s = {0};
	vstat_add(&s, e->type, k);
	if (s.bad != b->bad)
		return false;
	if (e->type == SERIES_STR || s.good == 0)
		return true;
	/* A sum depends on the order of adding, which the format leaves open. */
	double slack = 1e-9 * (double)s.good * fmax(fabs(s.min), fabs(s.max));
	bool sum = isfinite(s.sum) ? fabs(s.sum - b->sum) <= slack : !isfinite(b->sum);
	return sum && s.min == b->min && s.max == b->max && s.first == b->first && s.last == b->last;
}

static bool last_holds(const struct sentry *e, const struct cols *k)
{
	size_t i = k->n - 1;
	uint8_t q = k->q ? k->q[i] : Q_GOOD;
	if (q != e->last_quality || k->arr[i] != e->last_arrival)
		return false;
	if (e->type == SERIES_STR)
		return e->last_value == 0;
	uint64_t bits = 0;
	memcpy(&bits, (const uint8_t *)k->v + i * value_width(e->type), value_width(e->type));
	return bits == e->last_value;
}

static int check_blocks(struct check *c, struct seg *g)
{
	struct blockbuf buf = {0};
	int r = 0;
	for (uint32_t i = 0; r == 0 && i < g->nseries; i++) {
		const struct sentry *e = &g->series[i];
		if (e->id > c->ndef || !uuid_eq(&c->def[e->id - 1].uuid, &e->uuid) || (uint8_t)c->def[e->id - 1].type != e->type)
			r = finding(c, series_say_corrupt(&c->d, g->path, "uuid", (uint64_t)((const uint8_t *)e - g->map)));
		for (uint32_t k = 0; r == 0 && k < e->blocks && (r = stopped(c)) == 0; k++) {
			struct cols cols;
			const struct bentry *b = seg_block(g, e, k);
			r = seg_decode(&cols, &buf, g, e, k, WANT_ALL, &c->d);
			if (r == 0 && !stats_hold(e, b, &cols))
				r = series_say_corrupt(&c->d, g->path, "statistics", (uint64_t)((const uint8_t *)b - g->map));
			if (r == 0 && k + 1 == e->blocks && !last_holds(e, &cols))
				r = series_say_corrupt(&c->d, g->path, "last", (uint64_t)((const uint8_t *)e - g->map));
			r = finding(c, r);
		}
	}
	blockbuf_free(&buf);
	return r;
}

/* Bytes that no entry speaks for are zero. */
static bool gaps_zero(const struct seg *g)
{
	size_t at = FHEADER_BYTES, dir = (size_t)((const uint8_t *)(const void *)g->series - g->map);
	for (uint32_t i = 0; i < g->nblocks; i++) {
		const struct bentry *b = &g->block[i];
		if (b->offset < at || b->offset - at >= 8 || !all_zero(g->map + at, b->offset - at))
			return false;
		at = b->offset + b->bytes;
	}
	return at <= dir && dir - at < 8 && all_zero(g->map + at, dir - at);
}

static int check_segment(struct check *c, const struct entry *e)
{
	struct seg *g = NULL;
	const struct manifest_seg *m = listed(c, e->number);
	char *path = fpath(c->path, FILE_SEG, e->number);
	if (!path)
		return MO_ENOMEM;
	if (c->has_man && !m && !held(c, e->number)) { /* held: a manifest that could not be replaced may name others than the engine */
		found(c, MSG_SERIES_FILE_STRAY, path, 0, 0);
		free(path);
		return 0;
	}
	int r = seg_open(&g, c->vfs, c->path, e->number, &c->d);
	if (r == MO_ENOENT) { /* listed a moment ago: somebody removed it */
		found(c, MSG_SERIES_FILE_MISSING, path, 0, 0);
		free(path);
		return 0;
	}
	if (r == 0 && m && (m->size != g->size || m->dir_crc != g->dir_crc || m->lo != g->lo || m->hi != g->hi))
		r = series_say_corrupt(&c->d, path, "manifest", 0);
	else if (r == 0 && !gaps_zero(g))
		r = series_say_corrupt(&c->d, path, "padding", 0);
	r = r == 0 ? check_blocks(c, g) : finding(c, r);
	seg_unref(g);
	free(path);
	return r;
}

/* ---- log ---- */

static int check_record(struct check *c, const struct walrec *rec)
{
	if (rec->type == WAL_DEFINE) {
		series_id id;
		struct series_def def;
		int r = def_get(&id, &def, rec->payload);
		return r != 0 ? r : add_def(c, id, &def);
	}
	if (rec->type != WAL_BATCH || !batch_check(rec->payload))
		return MO_ECORRUPT;
	struct span s = span_sub(rec->payload, BATCH_HEAD, rec->payload.n);
	struct bgroup g;
	while (bgroup_next(&g, &s))
		if (g.id > c->ndef || g.type != (uint8_t)c->def[g.id - 1].type)
			return MO_ECORRUPT;
	return 0;
}

/* The walk ends at c->synced in the last file of a log that is being written: a whole record begins there or nothing does. */
static bool scan_more(const struct check *c, const struct walscan *s, uint64_t next)
{
	return !c->live || next != UINT64_MAX || walscan_position(s) < c->synced;
}

/* next: where the file behind this one begins; UINT64_MAX: none does. */
static int scan_log(struct check *c, const char *path, struct span file, const struct fheader *h, uint64_t next)
{
	struct walscan s;
	struct walrec rec;
	walscan_init(&s, file, h);
	if (h->b > c->log_at && (c->log_any || c->has_man))
		found(c, MSG_SERIES_LOG_GAP, path, (int64_t)(h->b - c->log_at), 0);
	while (scan_more(c, &s, next) && walscan_next(&s, &rec)) {
		int r = stopped(c);
		if (r != 0)
			return r;
		if (rec.end <= c->man.upto)
			continue;
		r = check_record(c, &rec);
		if (r == MO_ECORRUPT)
			return series_say_corrupt(&c->d, path, "record", rec.offset);
		if (r != 0)
			return r;
	}
	/* A later start went on at the end of the whole records: what a kill left behind them never counted, and is no finding any more. */
	uint64_t end = walscan_position(&s), torn;
	if (c->live && next == UINT64_MAX)
		torn = end < c->synced ? c->synced - end : 0;
	else
		torn = walscan_torn(&s);
	if (torn && next != end)
		found(c, MSG_SERIES_LOG_TORN, path, (int64_t)s.at, (int64_t)torn);
	c->log_at = end > c->log_at ? end : c->log_at;
	c->log_any = true;
	return 0;
}

static int read_log(
        struct check *c, const struct entry *e, const char *path, struct vfs_file **f, const uint8_t **m, uint64_t *size, struct fheader *h)
{
	int r = vfs_open(c->vfs, f, path, VFS_READ, &c->d);
	if (r == 0)
		r = vfs_size(*f, size);
	if (r == 0 && *size < FHEADER_BYTES)
		r = series_say_corrupt(&c->d, path, "size", *size);
	if (r == 0)
		r = (*f)->ops->map(*f, (size_t)*size, m);
	if (r == 0)
		r = fheader_check(h, span_of(*m, (size_t)*size), FILE_LOG, path, &c->d);
	if (r == 0 && h->a != e->number)
		r = series_say_corrupt(&c->d, path, "header", 16);
	return r;
}

/* Whether the file before the one whose header begins at `start` holds nothing that counts any more. */
static int next_log_start(struct check *c, size_t i, uint64_t *ret)
{
	*ret = UINT64_MAX;
	for (size_t j = 0; c->live && j < c->nlog; j++)
		if (c->log[j].number == c->e[i].number) {
			*ret = j + 1 < c->nlog ? c->log[j + 1].start : UINT64_MAX;
			return 0;
		}
	if (c->live) { /* kept to be used again, or just made: nothing that counts */
		*ret = 0;
		return 0;
	}
	for (size_t j = i + 1; j < c->n && c->e[j].kind == FILE_LOG; j++) {
		char *path = fpath(c->path, FILE_LOG, c->e[j].number);
		struct vfs_file *f = NULL;
		uint8_t head[FHEADER_BYTES];
		size_t n = 0;
		struct fheader h;
		int r = path ? vfs_open(c->vfs, &f, path, VFS_READ, NULL) : MO_ENOMEM;
		if (r == 0)
			r = vfs_pread(f, head, sizeof head, 0, &n);
		vfs_close(f);
		free(path);
		if (r != 0)
			return r;
		if (fheader_get(&h, span_of(head, n)) == 0 && h.kind == FILE_LOG && h.a == c->e[j].number) {
			*ret = h.b;
			return 0;
		}
	}
	return 0;
}

static int check_log(struct check *c, size_t i)
{
	struct vfs_file *f = NULL;
	const uint8_t *m = NULL;
	uint64_t size = 0, next;
	struct fheader h;
	int r = next_log_start(c, i, &next);
	if (r != 0 || next <= c->man.upto)
		return r; /* retired: what it holds does not matter */
	char *path = fpath(c->path, FILE_LOG, c->e[i].number);
	r = path ? read_log(c, &c->e[i], path, &f, &m, &size, &h) : MO_ENOMEM;
	if (r == 0)
		r = scan_log(c, path, span_of(m, (size_t)size), &h, next);
	if (m)
		f->ops->unmap(f, m, (size_t)size);
	vfs_close(f);
	free(path);
	return finding(c, r);
}

/* ---- all ---- */

static int check_manifest(struct check *c)
{
	char *path = fpath(c->path, FILE_MAN, 0);
	int r = path ? manifest_read(&c->man, c->vfs, path, &c->d) : MO_ENOMEM;
	free(path);
	if (r == MO_ENOENT)
		return 0;
	c->has_man = r == 0;
	return finding(c, r);
}

static int check_others(struct check *c)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < c->n; i++) {
		struct entry *e = &c->e[i];
		if (e->kind != FILE_NONE)
			continue;
		char *path = vfs_join(c->path, e->name);
		if (!path)
			return MO_ENOMEM;
		if (fname_ends(e->name, ".bad"))
			found(c, MSG_SERIES_FILE_ASIDE, path, 0, 0);
		else if (!fname_ends(e->name, ".tmp"))
			found(c, MSG_SERIES_FILE_STRAY, path, 0, 0);
		free(path);
	}
	for (size_t i = 0; r == 0 && i < c->man.n; i++) {
		bool there = false;
		for (size_t k = 0; k < c->n; k++)
			there |= c->e[k].kind == FILE_SEG && c->e[k].number == c->man.seg[i].number;
		if (there)
			continue;
		char *path = fpath(c->path, FILE_SEG, c->man.seg[i].number);
		if (!path)
			return MO_ENOMEM;
		found(c, MSG_SERIES_FILE_MISSING, path, 0, 0);
		free(path);
	}
	for (size_t i = 0; r == 0 && i < c->nlog; i++) {
		bool there = false;
		for (size_t k = 0; k < c->n; k++)
			there |= c->e[k].kind == FILE_LOG && c->e[k].number == c->log[i].number;
		char *path = there ? NULL : fpath(c->path, FILE_LOG, c->log[i].number);
		if (!there && !path)
			return MO_ENOMEM;
		if (!there)
			found(c, MSG_SERIES_FILE_MISSING, path, 0, 0);
		free(path);
	}
	return r;
}

/* ---- the view of a folder that is served ---- */

/* Whether a segment file is what maintenance has replaced, or has not named yet. */
static bool in_transit(const struct check *c, uint64_t number)
{
	const struct sdb *db = c->live;
	if (held(c, number))
		return false;
	if (!c->has_man || number >= c->man.next_seg)
		return true;
	for (size_t i = 0; i < db->nzombie; i++)
		if (db->zombie[i]->number == number)
			return true;
	return false;
}

static int view_segments(struct check *c)
{
	struct sdb *db = c->live;
	pthread_mutex_lock(&db->mu);
	c->seg = calloc(db->nseg ? db->nseg : 1, sizeof(struct seg *));
	for (size_t i = 0; c->seg && i < db->nseg; i++) {
		seg_ref(db->seg[i]);
		c->seg[c->nseg++] = db->seg[i];
	}
	c->cat_bytes = db->cat_bytes;
	pthread_mutex_unlock(&db->mu);
	return c->seg ? 0 : MO_ENOMEM;
}

static int look(struct check *c)
{
	int r = vfs_list(c->vfs, c->path, on_name, c);
	if (r == 0 && c->n > 1)
		qsort(c->e, c->n, sizeof *c->e, by_kind);
	return r == 0 ? check_manifest(c) : r;
}

/* Each of these before the next: what is synced lies in files that are live, and those stand in the folder. */
static int view_take(struct check *c)
{
	c->synced = sdb_synced_offset(c->live);
	int r = wal_pin(&c->live->wal, &c->log, &c->nlog);
	if (r != 0)
		return r;
	c->pinned = true;
	pthread_mutex_lock(&c->live->files);
	r = view_segments(c);
	if (r == 0)
		r = look(c);
	size_t n = 0;
	for (size_t i = 0; r == 0 && i < c->n; i++)
		if (c->e[i].kind != FILE_SEG || !in_transit(c, c->e[i].number))
			c->e[n++] = c->e[i];
	pthread_mutex_unlock(&c->live->files);
	if (r == 0)
		c->n = n;
	return r;
}

static void view_drop_log(struct check *c)
{
	if (c->pinned)
		wal_unpin(&c->live->wal);
	c->pinned = false;
}

/* number 0: all. */
static void view_drop_segment(struct check *c, uint64_t number)
{
	size_t n = 0;
	for (size_t i = 0; i < c->nseg; i++)
		if (number == 0 || c->seg[i]->number == number)
			seg_unref(c->seg[i]);
		else
			c->seg[n++] = c->seg[i];
	c->nseg = n;
}

static int check_all(struct check *c, uint64_t *ret_files)
{
	int r = c->live ? view_take(c) : look(c);
	if (r == 0)
		r = check_catalogue(c);
	c->log_at = c->man.upto;
	/* The log first: a segment may speak of series that only the log defines when no manifest was written yet. */
	for (size_t i = 0; r == 0 && i < c->n; i++)
		if (c->e[i].kind == FILE_LOG)
			r = check_log(c, i);
	view_drop_log(c);
	for (size_t i = 0; r == 0 && i < c->n; i++)
		if (c->e[i].kind == FILE_SEG) {
			r = check_segment(c, &c->e[i]);
			view_drop_segment(c, c->e[i].number);
		}
	if (r == 0)
		r = check_others(c);
	for (size_t i = 0; i < c->n; i++)
		c->files += c->e[i].kind != FILE_NONE;
	if (r == 0 && ret_files)
		*ret_files = c->files;
	if (r == 0)
		r = c->worst;
	view_drop_segment(c, 0);
	manifest_free(&c->man);
	free(c->seg);
	free(c->log);
	free(c->def);
	free(c->e);
	free(c);
	return r;
}

int sdb_check(struct vfs *vfs, const char *path, void (*say)(void *arg, const struct diag *d), void *arg, uint64_t *ret_files)
{
	return sdb_check_until(vfs, path, NULL, say, arg, ret_files);
}

int sdb_check_until(struct vfs *vfs, const char *path, bool (*stop)(void *arg), void (*say)(void *arg, const struct diag *d), void *arg, uint64_t *ret_files)
{
	struct check *c = calloc(1, sizeof *c);
	if (!c)
		return MO_ENOMEM;
	c->vfs = vfs;
	c->path = path;
	c->say = say;
	c->arg = arg;
	c->stop = stop;
	return check_all(c, ret_files);
}

int sdb_check_live(struct sdb *db, bool (*stop)(void *arg), void (*say)(void *arg, const struct diag *d), void *arg, uint64_t *ret_files)
{
	struct check *c = calloc(1, sizeof *c);
	if (!c)
		return MO_ENOMEM;
	c->vfs = db->vfs;
	c->path = db->path;
	c->say = say;
	c->arg = arg;
	c->live = db;
	c->stop = stop;
	return check_all(c, ret_files);
}
