/* Log files, read: the longest valid prefix of each, in order of their numbers (docs/formats/series.md, Log). */
#include <stdlib.h>

#include "series/priv/walcrc.h"

void walscan_init(struct walscan *s, struct span file, const struct fheader *h)
{
	*s = (struct walscan){file, h->a, h->b, FHEADER_BYTES};
}

/* A whole record of this epoch at offset at? Its bytes with padding, or 0. */
static size_t record_at(const struct walscan *s, size_t at)
{
	size_t left = s->file.n - at;
	if (left < WAL_RECORD_HEAD)
		return 0;
	const uint8_t *p = s->file.p + at;
	size_t n = ld32(p);
	if (n == 0 || n > WAL_PAYLOAD_MAX || ld32(p + 8) != (uint32_t)s->epoch || !all_zero(p + 13, 3))
		return 0;
	size_t need = WAL_RECORD_HEAD + ((n + 7) & ~(size_t)7);
	if (need > left || ld32(p + 4) != wal_crc(s->epoch, at, p, n) || !all_zero(p + WAL_RECORD_HEAD + n, need - WAL_RECORD_HEAD - n))
		return 0;
	return need;
}

bool walscan_next(struct walscan *s, struct walrec *ret)
{
	if (s->at > s->file.n)
		return false;
	size_t need = record_at(s, s->at);
	if (need == 0)
		return false;
	const uint8_t *p = s->file.p + s->at;
	ret->type = p[12];
	ret->payload = span_of(p + WAL_RECORD_HEAD, ld32(p));
	ret->offset = s->at;
	s->at += need;
	ret->end = walscan_position(s);
	return true;
}

uint64_t walscan_torn(const struct walscan *s)
{
	size_t at = s->at, left = s->file.n - at;
	if (left < WAL_RECORD_HEAD)
		return 0;
	const uint8_t *p = s->file.p + at;
	if (all_zero(p, WAL_RECORD_HEAD))
		return 0; /* the end mark; a later write that lost its beginning was never acknowledged */
	size_t end = at + WAL_RECORD_HEAD, n = ld32(p);
	if (ld32(p + 8) == (uint32_t)s->epoch && n <= WAL_PAYLOAD_MAX && n <= left - WAL_RECORD_HEAD)
		end += n;
	for (size_t i = at + 8; i + WAL_RECORD_HEAD <= s->file.n; i += 8) {
		if (ld32(s->file.p + i + 8) != (uint32_t)s->epoch)
			continue;
		size_t need = record_at(s, i);
		if (need && i + need > end)
			end = i + need;
	}
	return end - at;
}

/* ---- recovery ---- */

struct found {
	uint64_t number, size;
	struct fheader h;
	bool ok; /* header whole and of this number */
};
struct foundlist {
	struct found *f;
	size_t n, cap;
};

static int on_name(void *arg, const char *name)
{
	struct foundlist *l = arg;
	uint64_t number;
	if (fname_parse(name, &number) != FILE_LOG)
		return 0;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 8;
		struct found *f = realloc(l->f, cap * sizeof *f);
		if (!f)
			return MO_ENOMEM;
		l->f = f;
		l->cap = cap;
	}
	l->f[l->n++] = (struct found){.number = number};
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int read_header(struct wal *w, struct found *f, struct diag *d)
{
	char *path = fpath(w->dir, FILE_LOG, f->number);
	struct vfs_file *file = NULL;
	uint8_t head[FHEADER_BYTES];
	size_t n = 0;
	int r = path ? vfs_open(w->vfs, &file, path, VFS_READ, d) : series_say_nomem(d);
	if (r == 0)
		r = vfs_size(file, &f->size);
	if (r == 0)
		r = vfs_pread(file, head, sizeof head, 0, &n);
	if (r == 0) {
		int h = fheader_check(&f->h, span_of(head, n), FILE_LOG, path, d);
		if (h == MO_EVERSION)
			r = h;
		else
			f->ok = h == 0 && f->h.a == f->number;
		if (h == 0 && f->h.a >= w->next_number)
			w->next_number = f->h.a + 1;
		if (f->number >= w->next_number)
			w->next_number = f->number + 1;
	}
	vfs_close(file);
	free(path);
	return r;
}

static int set_aside(struct wal *w, uint64_t number, bool read_only, struct sdb_recovery *rec)
{
	char *path = fpath(w->dir, FILE_LOG, number);
	int r = path ? 0 : MO_ENOMEM;
	if (r == 0 && !read_only)
		r = file_set_aside(w->vfs, w->dir, path);
	if (r == 0) {
		rec->set_aside++;
		fname_format(rec->set_aside_name, FILE_LOG, number);
	}
	free(path);
	return r;
}

struct replay {
	struct wal *w;
	uint64_t upto;
	int (*apply)(void *arg, uint8_t type, struct span payload);
	void *arg;
	struct sdb_recovery *rec;
	uint64_t torn; /* of the last file read */
};

/* Replays one file; *ret_end is the position behind its prefix, *ret_torn what is torn there. MO_ECORRUPT: a record contradicts. */
static int replay_file(struct replay *p, const struct found *f, uint64_t *ret_end, uint64_t *ret_torn, struct diag *d)
{
	char *path = fpath(p->w->dir, FILE_LOG, f->number);
	struct vfs_file *file = NULL;
	const uint8_t *m = NULL;
	size_t n = (size_t)f->size;
	int r = path ? vfs_open(p->w->vfs, &file, path, VFS_READ, d) : series_say_nomem(d);
	if (r == 0)
		r = file->ops->map(file, n, &m);
	if (r != 0)
		goto out;
	struct walscan s;
	struct walrec rec;
	walscan_init(&s, span_of(m, n), &f->h);
	*ret_end = walscan_position(&s);
	while (r == 0 && walscan_next(&s, &rec)) {
		if (rec.end > p->upto)
			r = p->apply(p->arg, rec.type, rec.payload);
		if (r == 0)
			*ret_end = rec.end;
		else
			s.at = rec.offset;
	}
	if (r == 0 || r == MO_ECORRUPT)
		*ret_torn = walscan_torn(&s);
	file->ops->unmap(file, m, n);
out:
	vfs_close(file);
	free(path);
	return r;
}

static bool retired(const struct foundlist *l, size_t i, uint64_t upto)
{
	for (size_t j = i + 1; j < l->n; j++)
		if (l->f[j].ok)
			return l->f[j].h.b <= upto;
	return false;
}

static int keep_retired(struct wal *w, const struct found *f, bool read_only)
{
	if (read_only)
		return 0;
	if (w->pool.n < WAL_POOL_MAX && f->size >= w->file_bytes)
		return wal_list_add(&w->pool, (struct wal_file){f->number, 0, f->size});
	char *path = fpath(w->dir, FILE_LOG, f->number);
	int r = path ? vfs_unlink(w->vfs, path) : MO_ENOMEM;
	free(path);
	return r;
}

static void tore(struct replay *p, uint64_t number, uint64_t bytes)
{
	if (bytes == 0)
		return;
	p->rec->torn_bytes += bytes;
	fname_format(p->rec->torn_name, FILE_LOG, number);
}

static int replay_all(struct replay *p, struct foundlist *l, bool read_only, struct diag *d)
{
	struct wal *w = p->w;
	uint64_t last = 0, known = p->upto;
	bool ended = false;
	int r = 0;
	for (size_t i = 0; r == 0 && i < l->n; i++) {
		struct found *f = &l->f[i];
		if (retired(l, i, p->upto)) {
			r = keep_retired(w, f, read_only);
			continue;
		}
		if (!f->ok || ended) {
			tore(p, f->number, f->ok ? f->size - FHEADER_BYTES : 0);
			r = set_aside(w, f->number, read_only, p->rec);
			continue;
		}
		uint64_t end = f->h.b, torn = 0;
		if (end > known && end - known > p->torn)
			tore(p, l->f[i ? i - 1 : i].number, end - known - p->torn);
		r = replay_file(p, f, &end, &torn, d);
		if (r == MO_ECORRUPT) {
			ended = true;
			r = 0;
		}
		tore(p, f->number, torn);
		p->torn = torn;
		known = end > p->upto ? end : p->upto;
		if (end > w->lsn)
			w->lsn = end;
		last = f->number;
		if (r == 0)
			r = wal_list_add(&w->live, (struct wal_file){f->number, f->h.b, f->size});
	}
	if (r == 0 && last && !read_only) {
		w->sync_before = fpath(w->dir, FILE_LOG, last);
		if (!w->sync_before)
			r = MO_ENOMEM;
	}
	return r;
}

int wal_recover(struct wal *w, uint64_t upto, bool read_only, int (*apply)(void *arg, uint8_t type, struct span payload), void *arg,
        struct sdb_recovery *rec, struct diag *d)
{
	struct foundlist l = {0};
	struct replay p = {w, upto, apply, arg, rec, 0};
	w->lsn = upto;
	int r = vfs_list(w->vfs, w->dir, on_name, &l);
	if (r == 0 && l.n > 0)
		qsort(l.f, l.n, sizeof *l.f, by_number);
	for (size_t i = 0; r == 0 && i < l.n; i++)
		r = read_header(w, &l.f[i], d);
	if (r == 0)
		r = replay_all(&p, &l, read_only, d);
	if (r == 0)
		diag_clear(d); /* what was said about headers is in rec now */
	else if (r == MO_ENOMEM)
		series_say_nomem(d);
	atomic_store_explicit(&w->synced, w->lsn, memory_order_release);
	/* The next file says where the whole records ended, so that what a kill left behind them is known for that (series_check). Where
	 * it cannot be made now (a full disk) the first record tries again. */
	if (r == 0 && !read_only && p.torn && wal_begin(w, d) != 0)
		diag_clear(d);
	free(l.f);
	return r;
}
