/* A folder's files as they stood at one moment, for a copy of them.
 *
 * Of a folder that is served: log files are pinned, then manifest and segments
 * are taken with `files` locked, so that they fit, then the synced position is
 * read and the live log files (which now are all that hold what lies between
 * the manifest's position and that one) are listed again. The pin of the log
 * goes when its last file was read, a segment's reference with each segment. */
#include <stdio.h>
#include <stdlib.h>

#include "series/priv/manifest.h"
#include "series/priv/sdb.h"

struct held {
	struct sdb_held h;
	enum file_kind kind;
	struct seg *seg;    /* referenced: readable though it be unlinked */
	struct vfs_file *f; /* of another kind, while it is read */
};
struct sdb_hold {
	struct vfs *vfs;
	const char *path; /* owned by the caller of sdb_hold_folder(), or the engine */
	struct sdb *live; /* NULL: nobody serves the folder */
	bool pinned;
	uint8_t *man;     /* the manifest's bytes */
	size_t man_n;
	struct manifest m;
	bool has_man;
	struct held *file;
	size_t n, cap, logs_left;
};

static struct held *add(struct sdb_hold *h, enum file_kind kind, uint64_t number, uint64_t size)
{
	if (h->n == h->cap) {
		size_t cap = h->cap ? h->cap * 2 : 32;
		struct held *p = realloc(h->file, cap * sizeof *p);
		if (!p)
			return NULL;
		h->file = p;
		h->cap = cap;
	}
	struct held *f = &h->file[h->n++];
	*f = (struct held){.kind = kind, .h.size_bytes = size};
	fname_format(f->h.name, kind, number);
	return f;
}

static int read_manifest(struct sdb_hold *h, struct diag *d)
{
	char *path = fpath(h->path, FILE_MAN, 0);
	int r = path ? vfs_slurp(h->vfs, &h->man, &h->man_n, path, FHEADER_BYTES + 64 + (size_t)MANIFEST_SEGS_MAX * MANIFEST_ENTRY, NULL) : series_say_nomem(d);
	if (r == 0)
		r = manifest_parse(&h->m, span_of(h->man, h->man_n), path, d);
	else if (r == MO_ELIMIT)
		r = series_say_corrupt(d, path, "size", 0);
	else if (r != MO_ENOENT)
		series_say_os(d, r, "read", path);
	h->has_man = r == 0;
	free(path);
	return r == MO_ENOENT ? 0 : r;
}

/* Of what the manifest names all is needed: one that is not there is an error. */
static int add_segment(struct sdb_hold *h, const struct manifest_seg *m, struct diag *d)
{
	struct sdb *db = h->live;
	struct held *f = add(h, FILE_SEG, m->number, m->size);
	if (!f)
		return series_say_nomem(d);
	snprintf(f->h.key, sizeof f->h.key, "%016llx-%llx-%llx-%llx-%08x", (unsigned long long)m->number, (unsigned long long)m->size,
	        (unsigned long long)m->lo, (unsigned long long)m->hi, m->dir_crc);
	if (!db)
		return 0;
	pthread_mutex_lock(&db->mu);
	for (size_t i = 0; i < db->nseg && !f->seg; i++)
		if (db->seg[i]->number == m->number) {
			seg_ref(db->seg[i]);
			f->seg = db->seg[i];
		}
	pthread_mutex_unlock(&db->mu);
	/* A manifest whose replacement was not acknowledged may name others than the engine holds. */
	return f->seg ? 0 : seg_open(&f->seg, h->vfs, h->path, m->number, d);
}

static int add_named(struct sdb_hold *h, struct diag *d)
{
	int r = 0;
	if (!h->has_man)
		return 0;
	if (!add(h, FILE_MAN, 0, h->man_n) || (h->m.cat_bytes > 0 && !add(h, FILE_CAT, 0, h->m.cat_bytes)))
		return series_say_nomem(d);
	for (size_t i = 0; r == 0 && i < h->m.n; i++)
		r = add_segment(h, &h->m.seg[i], d);
	return r;
}

/* ---- of a folder that is served ---- */

/* Every file as far as it was synced; where one follows, that one's begin is the end. */
static int add_logs(struct sdb_hold *h, const struct wal_file *l, size_t n, uint64_t synced, struct diag *d)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t end = i + 1 < n && l[i + 1].start < synced ? l[i + 1].start : synced;
		if (l[i].start > synced)
			break;
		/* Behind a gap that a crash left the next file begins past this one's end. */
		uint64_t bytes = FHEADER_BYTES + (end - l[i].start);
		if (!add(h, FILE_LOG, l[i].number, bytes < l[i].size ? bytes : l[i].size))
			return series_say_nomem(d);
	}
	return 0;
}

static int take(struct sdb_hold *h, struct diag *d)
{
	struct sdb *db = h->live;
	struct wal_file *log = NULL;
	size_t n = 0;
	int r = wal_pin(&db->wal, &log, &n);
	free(log);
	log = NULL;
	if (r != 0)
		return series_say_nomem(d);
	h->pinned = true;
	pthread_mutex_lock(&db->files);
	r = read_manifest(h, d);
	if (r == 0)
		r = add_named(h, d);
	pthread_mutex_unlock(&db->files);
	uint64_t synced = sdb_synced_offset(db);
	if (r == 0 && (r = wal_pin(&db->wal, &log, &n)) == 0) {
		wal_unpin(&db->wal); /* the first pin is enough */
		r = add_logs(h, log, n, synced, d);
	} else if (r == MO_ENOMEM) {
		series_say_nomem(d);
	}
	free(log);
	return r;
}

/* ---- of one that nobody serves ---- */

struct found {
	uint64_t number, start;
	bool ok;
};
struct listing {
	struct found *log;
	size_t nlog, log_cap;
	uint64_t *seg;
	size_t nseg, seg_cap;
	bool catalogue;
};

static int on_name(void *arg, const char *name)
{
	struct listing *l = arg;
	uint64_t number = 0;
	enum file_kind kind = fname_parse(name, &number);
	if (kind == FILE_CAT)
		l->catalogue = true;
	if (kind == FILE_LOG) {
		if (l->nlog == l->log_cap) {
			size_t cap = l->log_cap ? l->log_cap * 2 : 8;
			struct found *p = realloc(l->log, cap * sizeof *p);
			if (!p)
				return MO_ENOMEM;
			l->log = p;
			l->log_cap = cap;
		}
		l->log[l->nlog++] = (struct found){.number = number};
	} else if (kind == FILE_SEG) {
		if (l->nseg == l->seg_cap) {
			size_t cap = l->seg_cap ? l->seg_cap * 2 : 16;
			uint64_t *p = realloc(l->seg, cap * sizeof *p);
			if (!p)
				return MO_ENOMEM;
			l->seg = p;
			l->seg_cap = cap;
		}
		l->seg[l->nseg++] = number;
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int look_at_log(struct sdb_hold *h, struct found *f, struct diag *d)
{
	struct vfs_file *file = NULL;
	struct fheader head;
	uint8_t p[FHEADER_BYTES];
	size_t n = 0;
	char *path = fpath(h->path, FILE_LOG, f->number);
	int r = path ? vfs_open(h->vfs, &file, path, VFS_READ, d) : series_say_nomem(d);
	if (r == 0 && (r = vfs_pread(file, p, sizeof p, 0, &n)) != 0)
		series_say_os(d, r, "read", path);
	if (r == 0 && fheader_get(&head, span_of(p, n)) == 0 && head.kind == FILE_LOG && head.a == f->number) {
		f->ok = true;
		f->start = head.b;
	}
	vfs_close(file);
	free(path);
	return r;
}

/* The longest prefix of whole records; all of a file whose header is not whole, so that the copy tells of it as the original would. */
static int log_bytes(struct sdb_hold *h, const struct found *f, uint64_t *ret, struct diag *d)
{
	struct vfs_file *file = NULL;
	const uint8_t *m = NULL;
	struct fheader head;
	struct walscan s;
	struct walrec rec;
	uint64_t size = 0;
	char *path = fpath(h->path, FILE_LOG, f->number);
	int r = path ? vfs_open(h->vfs, &file, path, VFS_READ, d) : series_say_nomem(d);
	if (r == 0 && ((r = vfs_size(file, &size)) != 0 || (f->ok && (r = vfs_map(file, (size_t)size, &m)) != 0)))
		series_say_os(d, r, "read", path);
	*ret = size;
	if (r == 0 && m && fheader_get(&head, span_of(m, (size_t)size)) == 0) {
		walscan_init(&s, span_of(m, (size_t)size), &head);
		while (walscan_next(&s, &rec))
			;
		*ret = s.at;
	}
	if (m)
		vfs_unmap(file, m, (size_t)size);
	vfs_close(file);
	free(path);
	return r;
}

/* What it holds was flushed: the next file begins at or before the manifest's position. */
static bool retired(const struct sdb_hold *h, const struct listing *l, size_t i)
{
	for (size_t j = i + 1; j < l->nlog; j++)
		if (l->log[j].ok)
			return l->log[j].start <= h->m.upto;
	return false;
}

/* Before the first manifest, and when it was lost: all there is. */
static int add_unnamed(struct sdb_hold *h, const struct listing *l, struct diag *d)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < l->nseg + l->catalogue; i++) {
		struct vfs_stat st;
		enum file_kind kind = i < l->nseg ? FILE_SEG : FILE_CAT;
		uint64_t number = i < l->nseg ? l->seg[i] : 0;
		char *path = fpath(h->path, kind, number);
		r = path ? vfs_stat(h->vfs, path, &st) : MO_ENOMEM;
		if (r == 0 && !add(h, kind, number, st.size_bytes))
			r = MO_ENOMEM;
		series_say_os(d, r, "stat", path ? path : h->path);
		free(path);
	}
	return r;
}

static int take_folder(struct sdb_hold *h, struct diag *d)
{
	struct listing l = {0};
	int r = vfs_list(h->vfs, h->path, on_name, &l);
	series_say_os(d, r, "list", h->path);
	if (r == 0)
		r = read_manifest(h, d);
	if (r == 0)
		r = h->has_man ? add_named(h, d) : add_unnamed(h, &l, d);
	if (l.nlog > 1)
		qsort(l.log, l.nlog, sizeof *l.log, by_number);
	for (size_t i = 0; r == 0 && i < l.nlog; i++)
		r = look_at_log(h, &l.log[i], d);
	for (size_t i = 0; r == 0 && i < l.nlog; i++) {
		uint64_t bytes = 0;
		if (h->has_man && retired(h, &l, i))
			continue;
		r = log_bytes(h, &l.log[i], &bytes, d);
		if (r == 0 && !add(h, FILE_LOG, l.log[i].number, bytes))
			r = series_say_nomem(d);
	}
	free(l.log);
	free(l.seg);
	return r;
}

/* ---- both ---- */

/* The log first, whose pin keeps files from being used again; segments by number. */
static int by_use(const void *a, const void *b)
{
	const struct held *x = a, *y = b;
	if (x->kind != y->kind)
		return x->kind == FILE_LOG ? -1 : y->kind == FILE_LOG ? 1 : x->kind == FILE_SEG ? 1 : y->kind == FILE_SEG ? -1 : 0;
	return strcmp(x->h.name, y->h.name);
}

static int hold(struct sdb_hold **ret, struct vfs *vfs, const char *path, struct sdb *live, struct diag *d)
{
	struct sdb_hold *h = calloc(1, sizeof *h);
	if (!h)
		return series_say_nomem(d);
	h->vfs = vfs;
	h->path = path;
	h->live = live;
	int r = live ? take(h, d) : take_folder(h, d);
	if (r != 0) {
		sdb_hold_free(h);
		return r;
	}
	if (h->n > 1)
		qsort(h->file, h->n, sizeof *h->file, by_use);
	for (size_t i = 0; i < h->n; i++)
		h->logs_left += h->file[i].kind == FILE_LOG;
	if (h->logs_left == 0 && h->pinned) {
		wal_unpin(&live->wal);
		h->pinned = false;
	}
	*ret = h;
	return 0;
}

int sdb_hold(struct sdb_hold **ret, struct sdb *db, struct diag *d)
{
	return hold(ret, db->vfs, db->path, db, d);
}

int sdb_hold_folder(struct sdb_hold **ret, struct vfs *vfs, const char *path, struct diag *d)
{
	return hold(ret, vfs, path, NULL, d);
}

size_t sdb_hold_count(const struct sdb_hold *h)
{
	return h->n;
}

const struct sdb_held *sdb_hold_file(const struct sdb_hold *h, size_t i)
{
	return &h->file[i].h;
}

int sdb_hold_read(struct sdb_hold *h, size_t i, uint64_t offset, uint8_t *p, size_t n, struct diag *d)
{
	struct held *f = &h->file[i];
	if (offset > f->h.size_bytes || n > f->h.size_bytes - offset)
		return diag_set(d, MO_EBUG, MSG_SERIES_FILE_CORRUPT);
	if (f->kind == FILE_MAN) {
		memcpy(p, h->man + offset, n);
		return 0;
	}
	char *path = vfs_join(h->path, f->h.name);
	int r = path ? 0 : series_say_nomem(d);
	if (r == 0 && !f->seg && !f->f)
		r = vfs_open(h->vfs, &f->f, path, VFS_READ, d);
	if (r == 0) {
		r = vfs_read_full(f->seg ? f->seg->f : f->f, p, n, offset);
		if (r == MO_ECORRUPT)
			series_say_corrupt(d, path, "size", offset);
		else
			series_say_os(d, r, "read", path);
	}
	free(path);
	return r;
}

void sdb_hold_done(struct sdb_hold *h, size_t i)
{
	struct held *f = &h->file[i];
	seg_unref(f->seg);
	vfs_close(f->f);
	f->seg = NULL;
	f->f = NULL;
	if (f->kind == FILE_LOG && h->logs_left > 0 && --h->logs_left == 0 && h->pinned) {
		wal_unpin(&h->live->wal);
		h->pinned = false;
	}
}

void sdb_hold_free(struct sdb_hold *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++) {
		seg_unref(h->file[i].seg);
		vfs_close(h->file[i].f);
	}
	if (h->pinned)
		wal_unpin(&h->live->wal);
	manifest_free(&h->m);
	free(h->man);
	free(h->file);
	free(h);
}
