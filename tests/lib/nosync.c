#include "nosync.h"

#include <stdlib.h>

struct file {
	struct vfs_file f;
	struct vfs_file *below;
	bool swallow, flip;
};
static struct file *of(struct vfs_file *f)
{
	return (struct file *)f;
}
static struct nosync *to(struct vfs *v)
{
	return (struct nosync *)v;
}

static int f_pread(struct vfs_file *f, void *p, size_t n, uint64_t offset, size_t *ret_n)
{
	return of(f)->below->ops->pread(of(f)->below, p, n, offset, ret_n);
}
static int f_pwrite(struct vfs_file *f, const void *p, size_t n, uint64_t offset)
{
	if (!of(f)->flip || n == 0)
		return of(f)->below->ops->pwrite(of(f)->below, p, n, offset);
	uint8_t *wrong = malloc(n);
	if (!wrong)
		return MO_ENOMEM;
	memcpy(wrong, p, n);
	wrong[n - 1] ^= 1;
	int r = of(f)->below->ops->pwrite(of(f)->below, wrong, n, offset);
	free(wrong);
	return r;
}
static int f_sync(struct vfs_file *f)
{
	return of(f)->swallow ? 0 : of(f)->below->ops->sync(of(f)->below);
}
static int f_truncate(struct vfs_file *f, uint64_t n)
{
	return of(f)->below->ops->truncate(of(f)->below, n);
}
static int f_allocate(struct vfs_file *f, uint64_t n)
{
	return of(f)->below->ops->allocate(of(f)->below, n);
}
static int f_size(struct vfs_file *f, uint64_t *ret)
{
	return of(f)->below->ops->size(of(f)->below, ret);
}
static int f_map(struct vfs_file *f, size_t n, const uint8_t **ret)
{
	return of(f)->below->ops->map(of(f)->below, n, ret);
}
static void f_unmap(struct vfs_file *f, const uint8_t *p, size_t n)
{
	of(f)->below->ops->unmap(of(f)->below, p, n);
}
static void f_close(struct vfs_file *f)
{
	of(f)->below->ops->close(of(f)->below);
	free(f);
}
static const struct vfs_file_ops file_ops = {f_pread, f_pwrite, f_sync, f_truncate, f_allocate, f_size, f_map, f_unmap, f_close, NULL};

static int v_open(struct vfs *v, struct vfs_file **ret, const char *path, unsigned flags, struct diag *d)
{
	struct file *f = calloc(1, sizeof *f);
	if (!f)
		return MO_ENOMEM;
	f->f.ops = &file_ops;
	bool meant = !to(v)->only || strstr(path, to(v)->only);
	f->swallow = to(v)->files && meant;
	f->flip = to(v)->flip && meant;
	int r = to(v)->below->ops->open(to(v)->below, &f->below, path, flags, d);
	if (r != 0)
		free(f);
	else
		*ret = &f->f;
	return r;
}
static int v_unlink(struct vfs *v, const char *path)
{
	return to(v)->below->ops->unlink(to(v)->below, path);
}
static int v_rename(struct vfs *v, const char *from, const char *path)
{
	return to(v)->below->ops->rename(to(v)->below, from, path);
}
static int v_mkdir(struct vfs *v, const char *path, bool secret)
{
	return to(v)->below->ops->mkdir(to(v)->below, path, secret);
}
static int v_rmdir(struct vfs *v, const char *path)
{
	return to(v)->below->ops->rmdir(to(v)->below, path);
}
static int v_sync_dir(struct vfs *v, const char *path)
{
	return to(v)->folders ? 0 : to(v)->below->ops->sync_dir(to(v)->below, path);
}
static int v_stat(struct vfs *v, const char *path, struct vfs_stat *ret)
{
	return to(v)->below->ops->stat(to(v)->below, path, ret);
}
static int v_list(struct vfs *v, const char *path, int (*fn)(void *, const char *), void *arg)
{
	return to(v)->below->ops->list(to(v)->below, path, fn, arg);
}
static int v_lock(struct vfs *v, struct vfs_file **ret, const char *path)
{
	return to(v)->below->ops->lock(to(v)->below, ret, path);
}
static int v_space(struct vfs *v, const char *path, uint64_t *a, uint64_t *b)
{
	return to(v)->below->ops->space(to(v)->below, path, a, b);
}
static void v_free(struct vfs *v)
{
	(void)v;
}
static const struct vfs_ops ops = {v_open, v_unlink, v_rename, v_mkdir, v_rmdir, v_sync_dir, v_stat, v_list, v_lock, v_space, v_free};

void nosync_init(struct nosync *n, struct vfs *below)
{
	*n = (struct nosync){.v = {&ops}, .below = below};
}
