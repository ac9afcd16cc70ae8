#include "liar.h"

#include <stdlib.h>

struct liar {
	struct vfs v;
	struct vfs *below;
	const char *suffix;
};
struct liar_file {
	struct vfs_file f;
	struct vfs_file *below;
	bool lies;
};

static struct vfs_file *fb(struct vfs_file *f) { return ((struct liar_file *)f)->below; }
static struct vfs *vb(struct vfs *v) { return ((struct liar *)v)->below; }

static int l_pread(struct vfs_file *f, void *p, size_t n, uint64_t at, size_t *ret) { return fb(f)->ops->pread(fb(f), p, n, at, ret); }
static int l_pwrite(struct vfs_file *f, const void *p, size_t n, uint64_t at) { return fb(f)->ops->pwrite(fb(f), p, n, at); }
static int l_sync(struct vfs_file *f) { return ((struct liar_file *)f)->lies ? 0 : fb(f)->ops->sync(fb(f)); }
static int l_truncate(struct vfs_file *f, uint64_t size) { return fb(f)->ops->truncate(fb(f), size); }
static int l_allocate(struct vfs_file *f, uint64_t size) { return fb(f)->ops->allocate(fb(f), size); }
static int l_size(struct vfs_file *f, uint64_t *ret) { return fb(f)->ops->size(fb(f), ret); }
static int l_map(struct vfs_file *f, size_t n, const uint8_t **ret) { return fb(f)->ops->map(fb(f), n, ret); }
static void l_unmap(struct vfs_file *f, const uint8_t *p, size_t n) { fb(f)->ops->unmap(fb(f), p, n); }
static void l_close(struct vfs_file *f)
{
	fb(f)->ops->close(fb(f));
	free(f);
}
static const struct vfs_file_ops file_ops = {l_pread, l_pwrite, l_sync, l_truncate, l_allocate, l_size, l_map, l_unmap, l_close, NULL};

static int l_open(struct vfs *v, struct vfs_file **ret, const char *path, unsigned flags, struct diag *d)
{
	struct liar *l = (struct liar *)v;
	struct liar_file *f = calloc(1, sizeof *f);
	if (!f)
		return MO_ENOMEM;
	int err = l->below->ops->open(l->below, &f->below, path, flags, d);
	if (err) {
		free(f);
		return err;
	}
	size_t n = strlen(path), k = l->suffix ? strlen(l->suffix) : 0;
	f->f.ops = &file_ops;
	f->lies = k && n >= k && strcmp(path + n - k, l->suffix) == 0;
	*ret = &f->f;
	return 0;
}
static int l_unlink(struct vfs *v, const char *path) { return vb(v)->ops->unlink(vb(v), path); }
static int l_rename(struct vfs *v, const char *a, const char *b) { return vb(v)->ops->rename(vb(v), a, b); }
static int l_mkdir(struct vfs *v, const char *path, bool secret) { return vb(v)->ops->mkdir(vb(v), path, secret); }
static int l_rmdir(struct vfs *v, const char *path) { return vb(v)->ops->rmdir(vb(v), path); }
static int l_sync_dir(struct vfs *v, const char *path) { return ((struct liar *)v)->suffix ? vb(v)->ops->sync_dir(vb(v), path) : 0; }
static int l_stat(struct vfs *v, const char *path, struct vfs_stat *ret) { return vb(v)->ops->stat(vb(v), path, ret); }
static int l_list(struct vfs *v, const char *path, int (*fn)(void *, const char *), void *arg) { return vb(v)->ops->list(vb(v), path, fn, arg); }
static int l_lock(struct vfs *v, struct vfs_file **ret, const char *path) { return vb(v)->ops->lock(vb(v), ret, path); }
static int l_space(struct vfs *v, const char *path, uint64_t *a, uint64_t *b) { return vb(v)->ops->space(vb(v), path, a, b); }
static void l_free(struct vfs *v) { free(v); }
static const struct vfs_ops vfs_ops = {l_open, l_unlink, l_rename, l_mkdir, l_rmdir, l_sync_dir, l_stat, l_list, l_lock, l_space, l_free};

int liar_new(struct vfs **ret, struct vfs *below, const char *suffix)
{
	struct liar *l = calloc(1, sizeof *l);
	if (!l)
		return MO_ENOMEM;
	*l = (struct liar){{&vfs_ops}, below, suffix};
	*ret = &l->v;
	return 0;
}
