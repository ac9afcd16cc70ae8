/* Log files, written. Header 64 bytes; then records, each at a multiple of 8:
 *
 *   length:u32 | crc32c:u32 | epoch:u32 | type:u8 | 0 0 0 | payload | zeros to 8
 *
 * and 16 zero bytes as end mark (docs/formats/series.md, Log). */
#include "series/priv/wal.h"

#include <stdlib.h>

#include "base/crc32c.h"
#include "series/priv/walcrc.h"

void wal_init(struct wal *w, struct vfs *vfs, const char *dir, uint64_t file_bytes)
{
	*w = (struct wal){.vfs = vfs, .dir = dir, .file_bytes = file_bytes < WAL_FILE_MIN ? WAL_FILE_MIN : file_bytes, .next_number = 1};
	w->first = true;
	buf_init(&w->pending, 0);
	pthread_mutex_init(&w->mu, NULL);
}

void wal_free(struct wal *w)
{
	if (!w->vfs)
		return;
	vfs_close(w->f);
	buf_free(&w->pending);
	free(w->sync_before);
	free(w->live.f);
	free(w->pool.f);
	pthread_mutex_destroy(&w->mu);
	w->vfs = NULL;
}

static int list_room(struct wal_list *l)
{
	if (l->n < l->cap)
		return 0;
	size_t cap = l->cap ? l->cap * 2 : 8;
	struct wal_file *f = realloc(l->f, cap * sizeof *f);
	if (!f)
		return MO_ENOMEM;
	l->f = f;
	l->cap = cap;
	return 0;
}

int wal_list_add(struct wal_list *l, struct wal_file f)
{
	int r = list_room(l);
	if (r == 0)
		l->f[l->n++] = f;
	return r;
}

static void list_drop_first(struct wal_list *l)
{
	l->n--;
	memmove(l->f, l->f + 1, l->n * sizeof *l->f);
}

static int failed(struct wal *w, int r, const char *operation, struct diag *d)
{
	char *path = fpath(w->dir, FILE_LOG, w->number);
	w->failed = true;
	diag_clear(d);
	series_say_os(d, r, operation, path ? path : w->dir);
	free(path);
	return r;
}

static int state(const struct wal *w, struct diag *d)
{
	return w->failed ? diag_set(d, MO_ESTATE, MSG_SERIES_FAILED) : 0;
}

/* ---- writing ---- */

static int write_pending(struct wal *w, struct diag *d)
{
	if (w->pending.n == 0)
		return 0;
	size_t n = w->pending.n;
	if (w->pending_at + n + WAL_RECORD_HEAD <= w->size) {
		/* wal_reserve keeps room for the end mark. */
		memset(w->pending.p + n, 0, WAL_RECORD_HEAD);
		n += WAL_RECORD_HEAD;
	}
	int r = vfs_pwrite(w->f, w->pending.p, n, w->pending_at);
	if (r != 0)
		return failed(w, r, "pwrite", d);
	w->pending_at += w->pending.n;
	w->dirty = true;
	buf_reset(&w->pending);
	if (w->pending.cap > (size_t)2 * WAL_WRITE_THROUGH)
		buf_free(&w->pending);
	return 0;
}

int wal_write_through(struct wal *w, struct diag *d)
{
	int r = state(w, d);
	return r != 0 || w->pending.n < WAL_WRITE_THROUGH ? r : write_pending(w, d);
}

int wal_sync(struct wal *w, struct diag *d)
{
	int r = state(w, d);
	if (r == 0)
		r = write_pending(w, d);
	if (r != 0 || !w->dirty)
		return r;
	r = vfs_sync(w->f);
	if (r != 0)
		return failed(w, r, "sync", d);
	w->dirty = false;
	atomic_store_explicit(&w->synced, w->lsn, memory_order_release);
	atomic_fetch_add_explicit(&w->syncs, 1, memory_order_relaxed);
	return 0;
}

/* ---- a new file ---- */

static int put_header(struct wal *w, struct vfs_file *f, uint64_t number)
{
	uint8_t h[FHEADER_BYTES + WAL_RECORD_HEAD] = {0};
	fheader_put(h, &(struct fheader){FILE_LOG, FORMAT_VERSION, w->first ? FLAG_LOG_FIRST : 0, number, w->lsn, 0, 0});
	int r = vfs_pwrite(f, h, sizeof h, 0);
	return r != 0 ? r : vfs_sync(f);
}

/* Opens or makes a file of at least `size` bytes under the name *from. */
static int make_file(struct wal *w, uint64_t number, uint64_t *size, const char *path, struct vfs_file **ret, char **from, struct diag *d)
{
	struct wal_file old = {0, 0, 0};
	pthread_mutex_lock(&w->mu);
	while (w->pool.n > 0 && old.number == 0) {
		struct wal_file f = w->pool.f[--w->pool.n];
		if (f.size >= *size)
			old = f;
	}
	pthread_mutex_unlock(&w->mu);
	if (old.number) {
		*from = fpath(w->dir, FILE_LOG, old.number);
		if (!*from)
			return series_say_nomem(d);
		int r = vfs_open(w->vfs, ret, *from, VFS_WRITE, d);
		if (r == 0) {
			*size = old.size;
			return series_say_os(d, put_header(w, *ret, number), "write", *from);
		}
		return r;
	}
	*from = fpath_suffix(path, ".tmp");
	if (!*from)
		return series_say_nomem(d);
	int r = vfs_open(w->vfs, ret, *from, VFS_WRITE | VFS_CREATE, d);
	if (r != 0)
		return r;
	r = vfs_truncate(*ret, 0);
	if (r == 0)
		r = vfs_allocate(*ret, *size);
	if (r == 0)
		r = put_header(w, *ret, number);
	if (r != 0) {
		series_say_os(d, r, "allocate", *from);
		vfs_close(*ret);
		*ret = NULL;
		int r2 = vfs_unlink(w->vfs, *from); /* gives the space back; a .tmp is removed at the next start anyway */
		(void)r2;
	}
	return r;
}

static int sync_previous(struct wal *w, struct diag *d)
{
	if (!w->sync_before)
		return 0;
	struct vfs_file *f = NULL;
	int r = vfs_open(w->vfs, &f, w->sync_before, VFS_WRITE, d);
	if (r == 0) {
		r = series_say_os(d, vfs_sync(f), "sync", w->sync_before);
		vfs_close(f);
	}
	if (r == 0) {
		free(w->sync_before);
		w->sync_before = NULL;
	}
	return r;
}

static int rotate(struct wal *w, uint64_t need, struct diag *d)
{
	int r = w->f ? wal_sync(w, d) : sync_previous(w, d);
	if (r != 0)
		return r;
	uint64_t size = FHEADER_BYTES + need + WAL_RECORD_HEAD;
	size = size < w->file_bytes ? w->file_bytes : (size + 4095) & ~UINT64_C(4095);
	uint64_t number = w->next_number++;
	struct vfs_file *f = NULL;
	char *from = NULL, *path = fpath(w->dir, FILE_LOG, number);
	pthread_mutex_lock(&w->mu);
	r = path ? list_room(&w->live) : MO_ENOMEM;
	pthread_mutex_unlock(&w->mu);
	if (r != 0) {
		series_say_nomem(d);
		goto out;
	}
	r = make_file(w, number, &size, path, &f, &from, d);
	if (r == 0)
		r = series_say_os(d, vfs_rename(w->vfs, from, path), "rename", path);
	if (r == 0)
		r = series_say_os(d, vfs_sync_dir(w->vfs, w->dir), "sync", w->dir);
	if (r != 0)
		goto out;
	vfs_close(w->f);
	w->f = f;
	f = NULL;
	w->number = number;
	w->start = w->lsn;
	w->size = size;
	w->at = w->pending_at = FHEADER_BYTES;
	w->first = false;
	pthread_mutex_lock(&w->mu);
	w->live.f[w->live.n++] = (struct wal_file){number, w->start, size};
	pthread_mutex_unlock(&w->mu);
out:
	vfs_close(f);
	free(from);
	free(path);
	return r;
}

int wal_begin(struct wal *w, struct diag *d)
{
	int r = state(w, d);
	return r == 0 && !w->f ? rotate(w, 0, d) : r;
}

static size_t record_bytes(size_t payload)
{
	return WAL_RECORD_HEAD + ((payload + 7) & ~(size_t)7);
}

int wal_reserve(struct wal *w, size_t n, uint8_t **ret, struct diag *d)
{
	int r = state(w, d);
	if (r != 0)
		return r;
	if (n == 0 || n > WAL_PAYLOAD_MAX) {
		diag_set(d, MO_ELIMIT, MSG_SERIES_BATCH_BIG);
		diag_int(d, 0, (int64_t)n);
		diag_int(d, 1, (int64_t)WAL_PAYLOAD_MAX);
		return MO_ELIMIT;
	}
	size_t need = record_bytes(n);
	if (!w->f || w->at + need > w->size) {
		r = rotate(w, need, d);
		if (r != 0)
			return r;
	}
	uint8_t *p = buf_reserve(&w->pending, need + WAL_RECORD_HEAD);
	if (!p) {
		w->pending.err = 0;
		return series_say_nomem(d);
	}
	*ret = p + WAL_RECORD_HEAD;
	return 0;
}

void wal_commit(struct wal *w, uint8_t type, size_t n)
{
	uint8_t *p = w->pending.p + w->pending.n;
	size_t need = record_bytes(n);
	memset(p + WAL_RECORD_HEAD + n, 0, need - WAL_RECORD_HEAD - n);
	memset(p, 0, WAL_RECORD_HEAD);
	st32(p, (uint32_t)n);
	st32(p + 8, (uint32_t)w->number);
	p[12] = type;
	st32(p + 4, wal_crc(w->number, w->at, p, n));
	w->pending.n += need;
	w->at += need;
	w->lsn += need;
}

void wal_rollback(struct wal *w, size_t n)
{
	size_t need = record_bytes(n);
	w->pending.n -= need;
	w->at -= need;
	w->lsn -= need;
}

/* ---- the lists ---- */

int wal_retire(struct wal *w, uint64_t upto)
{
	int first_error = 0;
	for (;;) {
		struct wal_file gone = {0, 0, 0};
		pthread_mutex_lock(&w->mu);
		bool any = w->pins == 0 && w->live.n >= 2 && w->live.f[1].start <= upto;
		if (any) {
			gone = w->live.f[0];
			list_drop_first(&w->live);
			if (w->pool.n < WAL_POOL_MAX && gone.size >= w->file_bytes && wal_list_add(&w->pool, gone) == 0)
				gone.number = 0;
		}
		pthread_mutex_unlock(&w->mu);
		if (!any)
			return first_error;
		if (gone.number == 0)
			continue;
		char *path = fpath(w->dir, FILE_LOG, gone.number);
		int r = path ? vfs_unlink(w->vfs, path) : MO_ENOMEM; /* left behind, it is found retired at the next start */
		free(path);
		if (first_error == 0)
			first_error = r;
	}
}

int wal_pin(struct wal *w, struct wal_file **ret, size_t *ret_n)
{
	pthread_mutex_lock(&w->mu);
	size_t n = w->live.n;
	struct wal_file *f = calloc(n ? n : 1, sizeof *f);
	if (f) {
		if (n)
			memcpy(f, w->live.f, n * sizeof *f);
		w->pins++;
	}
	pthread_mutex_unlock(&w->mu);
	if (!f)
		return MO_ENOMEM;
	*ret = f;
	*ret_n = n;
	return 0;
}

void wal_unpin(struct wal *w)
{
	pthread_mutex_lock(&w->mu);
	w->pins--;
	pthread_mutex_unlock(&w->mu);
}

uint64_t wal_live_bytes(struct wal *w)
{
	uint64_t sum = 0;
	pthread_mutex_lock(&w->mu);
	for (size_t i = 0; i < w->live.n; i++)
		sum += w->live.f[i].size;
	pthread_mutex_unlock(&w->mu);
	return sum;
}

size_t wal_live_files(struct wal *w)
{
	pthread_mutex_lock(&w->mu);
	size_t n = w->live.n;
	pthread_mutex_unlock(&w->mu);
	return n;
}
