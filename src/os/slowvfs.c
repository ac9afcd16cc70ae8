/* Another vfs with slower syncs. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/civil.h"
#include "os/clock.h"
#include "os/memvfs.h"

struct slow_vfs {
	struct vfs v;
	struct vfs *below;
	int64_t delay_ns;
};
struct slow_file {
	struct vfs_file f;
	struct vfs_file *below;
	int64_t delay_ns;
};

static struct slow_vfs *slow_of(struct vfs *v) { return (struct slow_vfs *)v; }
static struct vfs *below(struct vfs *v) { return slow_of(v)->below; }
static struct vfs_file *file_below(struct vfs_file *f) { return ((struct slow_file *)f)->below; }

static int slow_pread(struct vfs_file *f, void *p, size_t n, uint64_t offset, size_t *ret_n)
{
	return vfs_pread(file_below(f), p, n, offset, ret_n);
}
static int slow_pwrite(struct vfs_file *f, const void *p, size_t n, uint64_t offset) { return vfs_pwrite(file_below(f), p, n, offset); }
static int slow_truncate(struct vfs_file *f, uint64_t size_bytes) { return vfs_truncate(file_below(f), size_bytes); }
static int slow_allocate(struct vfs_file *f, uint64_t size_bytes) { return vfs_allocate(file_below(f), size_bytes); }
static int slow_size(struct vfs_file *f, uint64_t *ret_bytes) { return vfs_size(file_below(f), ret_bytes); }
static int slow_map(struct vfs_file *f, size_t n, const uint8_t **ret) { return vfs_map(file_below(f), n, ret); }
static void slow_unmap(struct vfs_file *f, const uint8_t *p, size_t n) { vfs_unmap(file_below(f), p, n); }
static void slow_cool(struct vfs_file *f, const uint8_t *p, size_t n) { vfs_cool(file_below(f), p, n); }

static int slow_sync(struct vfs_file *f)
{
	mono_sleep(((struct slow_file *)f)->delay_ns);
	return vfs_sync(file_below(f));
}

static void slow_close(struct vfs_file *f)
{
	vfs_close(file_below(f));
	free((struct slow_file *)f);
}

static const struct vfs_file_ops slow_file_ops = {slow_pread, slow_pwrite, slow_sync, slow_truncate, slow_allocate, slow_size, slow_map,
	slow_unmap, slow_close, slow_cool};

static int slow_open(struct vfs *v, struct vfs_file **ret, const char *path, unsigned flags, struct diag *d)
{
	struct slow_file *sf = calloc(1, sizeof *sf);
	if (!sf)
		return diag_errno(d, ENOMEM, "open", path);
	int r = vfs_open(below(v), &sf->below, path, flags, d);
	if (r) {
		free(sf);
		return r;
	}
	sf->f.ops = &slow_file_ops;
	sf->delay_ns = slow_of(v)->delay_ns;
	*ret = &sf->f;
	return 0;
}

/* A lock's file is never synced in earnest; it goes through as it is. */
static int slow_lock(struct vfs *v, struct vfs_file **ret, const char *path) { return vfs_lock(below(v), ret, path); }

static int slow_unlink(struct vfs *v, const char *path) { return vfs_unlink(below(v), path); }
static int slow_rename(struct vfs *v, const char *from, const char *to) { return vfs_rename(below(v), from, to); }
static int slow_mkdir(struct vfs *v, const char *path, bool secret) { return vfs_mkdir(below(v), path, secret); }
static int slow_rmdir(struct vfs *v, const char *path) { return vfs_rmdir(below(v), path); }
static int slow_stat(struct vfs *v, const char *path, struct vfs_stat *ret) { return vfs_stat(below(v), path, ret); }

static int slow_sync_dir(struct vfs *v, const char *path)
{
	mono_sleep(slow_of(v)->delay_ns);
	return vfs_sync_dir(below(v), path);
}

static int slow_list(struct vfs *v, const char *path, int (*fn)(void *, const char *), void *arg)
{
	return vfs_list(below(v), path, fn, arg);
}

static int slow_space(struct vfs *v, const char *path, uint64_t *ret_free, uint64_t *ret_total)
{
	return vfs_space(below(v), path, ret_free, ret_total);
}

static void slow_free(struct vfs *v) { free(slow_of(v)); }

static const struct vfs_ops slow_ops = {slow_open, slow_unlink, slow_rename, slow_mkdir, slow_rmdir, slow_sync_dir, slow_stat, slow_list,
	slow_lock, slow_space, slow_free};

int slowvfs_new(struct vfs **ret, struct vfs *v, int64_t sync_delay_ns)
{
	if (sync_delay_ns < 0)
		return MO_EINVAL;
	struct slow_vfs *s = calloc(1, sizeof *s);
	if (!s)
		return MO_ENOMEM;
	s->v.ops = &slow_ops;
	s->below = v;
	s->delay_ns = sync_delay_ns;
	*ret = &s->v;
	return 0;
}
