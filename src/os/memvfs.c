/* Files in memory that forget what was not synced (os/memvfs.h): the mutex, the
 * faults and the handles. Names: priv/memtree.h. Content: priv/memfile.h. */
#include "os/clock.h"
#include "os/memvfs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/civil.h"
#include "base/prng.h"
#include "os/priv/memtree.h"
#include "os/priv/oserr.h"

#define ENDLESS_BYTES (UINT64_C(1) << 50) /* what space() says without a limit */

struct handle {
	struct vfs_file f;
	struct memvfs *v;
	struct memnode *node; /* NULL: dead since a crash */
	struct handle *prev, *next;
	bool writable, holds_lock;
};
struct memvfs {
	struct vfs v;
	pthread_mutex_t mutex;
	struct prng prng;
	struct memtree tree;
	struct handle *handles;
	struct memvfs_faults faults;
	uint64_t ops, faults_from; /* faults count from there */
	uint64_t syncs;
	bool power_off, dead;
};

static struct memvfs *mem_of(struct vfs *v) { return (struct memvfs *)v; }
/* ---- faults ---- */

/* Counts an operation. An error: it fails; with *half (a power cut in the very
 * operation) it may still take effect before it fails. */
static int gate(struct memvfs *v, bool *half)
{
	const struct memvfs_faults *f = &v->faults;
	uint64_t n = ++v->ops - v->faults_from;
	v->tree.now_ns = (int64_t)v->ops * NS_PER_MS;
	*half = false;
	if (v->power_off)
		return MO_EIO;
	if (f->crash_at && n >= f->crash_at) {
		v->power_off = true;
		*half = prng_u64(&v->prng) & 1;
		return MO_EIO;
	}
	if (f->fail_at && n == f->fail_at)
		v->dead = f->forever;
	if (v->dead || (f->fail_at && n == f->fail_at))
		return f->err ? f->err : MO_EIO;
	return 0;
}

static int gate_handle(struct handle *h, bool *half)
{
	int r = gate(h->v, half);
	if (!h->node) {
		*half = false;
		return MO_EIO;
	}
	return r;
}

/* ---- files ---- */

static struct handle *handle_of(struct vfs_file *f) { return (struct handle *)f; }

static int mem_pread(struct vfs_file *f, void *p, size_t n, uint64_t offset, size_t *ret_n)
{
	struct handle *h = handle_of(f);
	bool half;
	pthread_mutex_lock(&h->v->mutex);
	int r = gate_handle(h, &half);
	if (!r)
		memfile_read(&h->node->file, p, n, offset, ret_n);
	pthread_mutex_unlock(&h->v->mutex);
	return r;
}

/* Whether the file may have this size; takes the space when it may and `take`. */
static int check_space(const struct memvfs *v, const struct memnode *n, uint64_t size)
{
	if (size <= n->file.size || v->faults.space_bytes == 0)
		return 0;
	uint64_t more = size - n->file.size;
	return v->tree.used_bytes <= v->faults.space_bytes && more <= v->faults.space_bytes - v->tree.used_bytes ? 0 : MO_EFULL;
}

static int write_node(struct memvfs *v, struct memnode *n, const void *p, size_t size, uint64_t offset)
{
	uint64_t before = n->file.size;
	int r = memfile_write(&n->file, p, size, offset);
	if (r)
		return r;
	memtree_resized(&v->tree, n, before);
	return 0;
}

static int mem_pwrite(struct vfs_file *f, const void *p, size_t n, uint64_t offset)
{
	struct handle *h = handle_of(f);
	struct memvfs *v = h->v;
	bool half;
	pthread_mutex_lock(&v->mutex);
	int r = gate_handle(h, &half);
	bool prefix = r && h->node && (half || (v->faults.short_write && !v->power_off));
	if (!r && !h->writable)
		r = MO_ESTATE;
	if (!r && (offset > MEMFILE_MAX_BYTES || n > MEMFILE_MAX_BYTES - offset))
		r = MO_ELIMIT;
	if (!r) {
		r = check_space(v, h->node, offset + n);
		prefix = r && v->faults.short_write;
	}
	if (!r)
		r = write_node(v, h->node, p, n, offset);
	else if (prefix && h->writable && n && offset <= MEMFILE_MAX_BYTES && n <= MEMFILE_MAX_BYTES - offset) {
		/* All of it only when the power went: then nobody heard of the success. */
		size_t k = (size_t)prng_below(&v->prng, half ? (uint64_t)n + 1 : n);
		if (check_space(v, h->node, offset + k) == 0 && write_node(v, h->node, p, k, offset) != 0) {
			/* Without memory no prefix is left. */
		}
	}
	pthread_mutex_unlock(&v->mutex);
	return r;
}

/* Covers what was written before the call and no more; the delay follows, so that the caller waits as for a disk. */
static int mem_sync(struct vfs_file *f)
{
	struct handle *h = handle_of(f);
	struct memvfs *v = h->v;
	bool half;
	pthread_mutex_lock(&v->mutex);
	int64_t wait_ns = v->faults.sync_delay_ns;
	int r = gate_handle(h, &half);
	if (!r) {
		memfile_sync(&h->node->file);
		v->syncs++;
	} else if (h->node && !v->power_off) {
		memfile_settle(&h->node->file, &v->prng);
	}
	pthread_mutex_unlock(&v->mutex);
	mono_sleep(wait_ns);
	return r;
}

static int resize(struct handle *h, uint64_t size, bool only_grow)
{
	struct memvfs *v = h->v;
	bool half;
	pthread_mutex_lock(&v->mutex);
	int r = gate_handle(h, &half);
	if ((!r || half) && !(only_grow && size <= h->node->file.size)) {
		struct memnode *n = h->node;
		uint64_t before = n->file.size;
		int e = h->writable ? check_space(v, n, size) : MO_ESTATE;
		if (!e)
			e = memfile_resize(&n->file, size);
		if (!e)
			memtree_resized(&v->tree, n, before);
		if (!r)
			r = e;
	} else if (!r && !h->writable) {
		r = MO_ESTATE;
	}
	pthread_mutex_unlock(&v->mutex);
	return r;
}

static int mem_truncate(struct vfs_file *f, uint64_t size_bytes) { return resize(handle_of(f), size_bytes, false); }
static int mem_allocate(struct vfs_file *f, uint64_t size_bytes) { return resize(handle_of(f), size_bytes, true); }

static int mem_size(struct vfs_file *f, uint64_t *ret_bytes)
{
	struct handle *h = handle_of(f);
	bool half;
	pthread_mutex_lock(&h->v->mutex);
	int r = gate_handle(h, &half);
	if (!r)
		*ret_bytes = h->node->file.size;
	pthread_mutex_unlock(&h->v->mutex);
	return r;
}

static int mem_map(struct vfs_file *f, size_t n, const uint8_t **ret)
{
	struct handle *h = handle_of(f);
	bool half;
	pthread_mutex_lock(&h->v->mutex);
	int r = gate_handle(h, &half);
	if (!r && n > h->node->file.size)
		r = MO_ECORRUPT;
	uint8_t *p = r ? NULL : malloc(n ? n : 1);
	if (p) {
		size_t got = 0;
		memfile_read(&h->node->file, p, n, 0, &got);
		*ret = p;
	} else if (!r) {
		r = MO_ENOMEM;
	}
	pthread_mutex_unlock(&h->v->mutex);
	return r;
}

static void mem_unmap(struct vfs_file *f, const uint8_t *p, size_t n)
{
	(void)f;
	(void)n;
	free((void *)(uintptr_t)p);
}

static void handle_kill(struct memvfs *v, struct handle *h)
{
	struct memnode *n = h->node;
	if (!n)
		return;
	if (h->holds_lock)
		n->locked = false;
	h->node = NULL;
	memtree_unuse(&v->tree, n);
}

static void mem_close(struct vfs_file *f)
{
	struct handle *h = handle_of(f);
	struct memvfs *v = h->v;
	pthread_mutex_lock(&v->mutex);
	handle_kill(v, h);
	if (h->prev)
		h->prev->next = h->next;
	else
		v->handles = h->next;
	if (h->next)
		h->next->prev = h->prev;
	pthread_mutex_unlock(&v->mutex);
	free(h);
}

static const struct vfs_file_ops mem_file_ops = {mem_pread, mem_pwrite, mem_sync, mem_truncate, mem_allocate, mem_size, mem_map, mem_unmap,
	mem_close, NULL};

/* ---- names ---- */

static int open_locked(struct memvfs *v, struct vfs_file **ret, const char *path, unsigned flags, bool lock)
{
	struct memnode *n = NULL;
	struct handle *h = calloc(1, sizeof *h);
	int r = h ? memtree_open(&v->tree, &n, path, flags & VFS_CREATE, flags & VFS_EXCL) : MO_ENOMEM;
	if (!r && lock && n->locked)
		r = MO_EBUSY;
	if (r) {
		free(h);
		return r;
	}
	memtree_use(&v->tree, n);
	if (lock)
		n->locked = true;
	h->f.ops = &mem_file_ops;
	h->v = v;
	h->node = n;
	h->writable = (flags & VFS_WRITE) != 0;
	h->holds_lock = lock;
	h->next = v->handles;
	if (h->next)
		h->next->prev = h;
	v->handles = h;
	*ret = &h->f;
	return 0;
}

static int mem_open_any(struct vfs *vf, struct vfs_file **ret, const char *path, unsigned flags, bool lock)
{
	struct memvfs *v = mem_of(vf);
	bool half;
	pthread_mutex_lock(&v->mutex);
	int r = gate(v, &half);
	struct memnode *made = NULL;
	if (!r)
		r = open_locked(v, ret, path, flags, lock);
	else if (half && (flags & VFS_CREATE) && memtree_open(&v->tree, &made, path, true, flags & VFS_EXCL) != 0) {
		/* Did not take effect, then. */
	}
	pthread_mutex_unlock(&v->mutex);
	return r;
}

static int mem_open(struct vfs *vf, struct vfs_file **ret, const char *path, unsigned flags, struct diag *d)
{
	int r = mem_open_any(vf, ret, path, flags, false);
	return r ? os_errno_diag(d, os_errno_for(r), "open", path) : 0;
}

static int mem_lock(struct vfs *vf, struct vfs_file **ret, const char *path)
{
	return mem_open_any(vf, ret, path, VFS_WRITE | VFS_CREATE, true);
}

static int mem_drop(struct vfs *vf, const char *path, bool is_dir)
{
	struct memvfs *v = mem_of(vf);
	bool half;
	pthread_mutex_lock(&v->mutex);
	int r = gate(v, &half);
	if (!r || half) {
		int e = memtree_drop(&v->tree, path, is_dir);
		r = r ? r : e;
	}
	pthread_mutex_unlock(&v->mutex);
	return r;
}

static int mem_unlink(struct vfs *vf, const char *path) { return mem_drop(vf, path, false); }
static int mem_rmdir(struct vfs *vf, const char *path) { return mem_drop(vf, path, true); }

static int mem_rename(struct vfs *vf, const char *from, const char *to)
{
	struct memvfs *v = mem_of(vf);
	bool half;
	pthread_mutex_lock(&v->mutex);
	int r = gate(v, &half);
	if (!r || half) {
		int e = memtree_rename(&v->tree, from, to);
		r = r ? r : e;
	}
	pthread_mutex_unlock(&v->mutex);
	return r;
}

static int mem_mkdir(struct vfs *vf, const char *path, bool secret)
{
	struct memvfs *v = mem_of(vf);
	bool half;
	(void)secret;
	pthread_mutex_lock(&v->mutex);
	int r = gate(v, &half);
	if (!r || half) {
		int e = memtree_mkdir(&v->tree, path);
		r = r ? r : e;
	}
	pthread_mutex_unlock(&v->mutex);
	return r;
}

/* Counts and finds a node that must be a folder (want_dir) or may be anything. */
static int gate_find(struct memvfs *v, struct memnode **ret, const char *path, bool want_dir)
{
	bool half;
	int r = gate(v, &half);
	if (!r)
		r = memtree_find(&v->tree, ret, path);
	if (!r && want_dir && !(*ret)->is_dir)
		r = MO_ENOENT;
	return r;
}

static int mem_sync_dir(struct vfs *vf, const char *path)
{
	struct memvfs *v = mem_of(vf);
	struct memnode *dir = NULL;
	pthread_mutex_lock(&v->mutex);
	int64_t wait_ns = v->faults.sync_delay_ns;
	int r = gate_find(v, &dir, path, true);
	if (!r)
		memtree_sync(&v->tree, dir);
	pthread_mutex_unlock(&v->mutex);
	mono_sleep(wait_ns);
	return r;
}

static int mem_stat(struct vfs *vf, const char *path, struct vfs_stat *ret)
{
	struct memvfs *v = mem_of(vf);
	struct memnode *n = NULL;
	pthread_mutex_lock(&v->mutex);
	int r = gate_find(v, &n, path, false);
	if (!r)
		*ret = (struct vfs_stat){.size_bytes = n->file.size, .mtime_ns = n->mtime_ns, .is_dir = n->is_dir};
	pthread_mutex_unlock(&v->mutex);
	return r;
}

static int mem_list(struct vfs *vf, const char *path, int (*fn)(void *, const char *), void *arg)
{
	struct memvfs *v = mem_of(vf);
	struct memnode *dir = NULL;
	char *names = NULL;
	size_t n = 0;
	pthread_mutex_lock(&v->mutex);
	int r = gate_find(v, &dir, path, true);
	if (!r)
		r = memtree_names(dir, &names, &n);
	pthread_mutex_unlock(&v->mutex);
	/* Without the mutex: fn may use the files. */
	for (size_t i = 0; !r && i < n; i += strlen(names + i) + 1)
		r = fn(arg, names + i);
	free(names);
	return r;
}

static int mem_space(struct vfs *vf, const char *path, uint64_t *ret_free, uint64_t *ret_total)
{
	struct memvfs *v = mem_of(vf);
	struct memnode *n = NULL;
	pthread_mutex_lock(&v->mutex);
	int r = gate_find(v, &n, path, false);
	if (!r) {
		uint64_t total = v->faults.space_bytes ? v->faults.space_bytes : ENDLESS_BYTES;
		*ret_free = total > v->tree.used_bytes ? total - v->tree.used_bytes : 0;
		*ret_total = total;
	}
	pthread_mutex_unlock(&v->mutex);
	return r;
}

static void mem_free(struct vfs *vf)
{
	struct memvfs *v = mem_of(vf);
	memtree_free(&v->tree);
	pthread_mutex_destroy(&v->mutex);
	free(v);
}

static const struct vfs_ops mem_ops = {mem_open, mem_unlink, mem_rename, mem_mkdir, mem_rmdir, mem_sync_dir, mem_stat, mem_list, mem_lock,
	mem_space, mem_free};

/* ---- control ---- */

int memvfs_new(struct vfs **ret, uint64_t seed)
{
	struct memvfs *v = calloc(1, sizeof *v);
	if (!v)
		return MO_ENOMEM;
	v->v.ops = &mem_ops;
	if (memtree_init(&v->tree) != 0 || pthread_mutex_init(&v->mutex, NULL) != 0) {
		memtree_free(&v->tree);
		free(v);
		return MO_ENOMEM;
	}
	prng_seed(&v->prng, seed);
	*ret = &v->v;
	return 0;
}

void memvfs_set_faults(struct vfs *vf, const struct memvfs_faults *f)
{
	struct memvfs *v = mem_of(vf);
	pthread_mutex_lock(&v->mutex);
	v->faults = f ? *f : (struct memvfs_faults){0};
	v->faults_from = v->ops;
	v->dead = false;
	pthread_mutex_unlock(&v->mutex);
}

uint64_t memvfs_ops(struct vfs *vf)
{
	struct memvfs *v = mem_of(vf);
	pthread_mutex_lock(&v->mutex);
	uint64_t n = v->ops;
	pthread_mutex_unlock(&v->mutex);
	return n;
}

uint64_t memvfs_syncs(struct vfs *vf)
{
	struct memvfs *v = mem_of(vf);
	pthread_mutex_lock(&v->mutex);
	uint64_t n = v->syncs;
	pthread_mutex_unlock(&v->mutex);
	return n;
}

void memvfs_crash(struct vfs *vf, bool lose_all)
{
	struct memvfs *v = mem_of(vf);
	pthread_mutex_lock(&v->mutex);
	for (struct handle *h = v->handles; h; h = h->next)
		handle_kill(v, h);
	memtree_crash(&v->tree, &v->prng, lose_all);
	v->faults = (struct memvfs_faults){0};
	v->power_off = v->dead = false;
	pthread_mutex_unlock(&v->mutex);
}

int memvfs_flip(struct vfs *vf, const char *path, uint64_t bit)
{
	struct memvfs *v = mem_of(vf);
	struct memnode *n = NULL;
	pthread_mutex_lock(&v->mutex);
	int r = memtree_find(&v->tree, &n, path);
	if (!r)
		r = n->is_dir ? MO_EINVAL : memfile_flip(&n->file, bit);
	pthread_mutex_unlock(&v->mutex);
	return r;
}
