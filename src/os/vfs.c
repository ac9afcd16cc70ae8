#include "os/vfs.h"

#include <errno.h>
#include <stdlib.h>

#include "os/priv/oserr.h"

int vfs_open(struct vfs *v, struct vfs_file **ret, const char *path, unsigned flags, struct diag *d)
{
	return v->ops->open(v, ret, path, flags, d);
}

void vfs_close(struct vfs_file *f)
{
	if (f)
		f->ops->close(f);
}

int vfs_pread(struct vfs_file *f, void *p, size_t n, uint64_t offset, size_t *ret_n) { return f->ops->pread(f, p, n, offset, ret_n); }

int vfs_read_full(struct vfs_file *f, void *p, size_t n, uint64_t offset)
{
	size_t got = 0;
	int r = f->ops->pread(f, p, n, offset, &got);
	if (r)
		return r;
	return got == n ? 0 : MO_ECORRUPT;
}

int vfs_pwrite(struct vfs_file *f, const void *p, size_t n, uint64_t offset) { return f->ops->pwrite(f, p, n, offset); }
int vfs_sync(struct vfs_file *f) { return f->ops->sync(f); }
int vfs_truncate(struct vfs_file *f, uint64_t size_bytes) { return f->ops->truncate(f, size_bytes); }
int vfs_allocate(struct vfs_file *f, uint64_t size_bytes) { return f->ops->allocate(f, size_bytes); }
int vfs_size(struct vfs_file *f, uint64_t *ret_bytes) { return f->ops->size(f, ret_bytes); }
int vfs_map(struct vfs_file *f, size_t n, const uint8_t **ret) { return f->ops->map(f, n, ret); }

void vfs_unmap(struct vfs_file *f, const uint8_t *p, size_t n)
{
	if (p)
		f->ops->unmap(f, p, n);
}

void vfs_cool(struct vfs_file *f, const uint8_t *p, size_t n)
{
	if (f->ops->cool && n)
		f->ops->cool(f, p, n);
}

int vfs_unlink(struct vfs *v, const char *path) { return v->ops->unlink(v, path); }
int vfs_rename(struct vfs *v, const char *from, const char *to) { return v->ops->rename(v, from, to); }
int vfs_mkdir(struct vfs *v, const char *path, bool secret) { return v->ops->mkdir(v, path, secret); }
int vfs_rmdir(struct vfs *v, const char *path) { return v->ops->rmdir(v, path); }
int vfs_sync_dir(struct vfs *v, const char *path) { return v->ops->sync_dir(v, path); }
int vfs_stat(struct vfs *v, const char *path, struct vfs_stat *ret) { return v->ops->stat(v, path, ret); }

int vfs_list(struct vfs *v, const char *path, int (*fn)(void *, const char *), void *arg) { return v->ops->list(v, path, fn, arg); }

int vfs_lock(struct vfs *v, struct vfs_file **ret, const char *path) { return v->ops->lock(v, ret, path); }

int vfs_space(struct vfs *v, const char *path, uint64_t *ret_free, uint64_t *ret_total)
{
	return v->ops->space(v, path, ret_free, ret_total);
}

char *vfs_join(const char *dir, const char *name)
{
	size_t nd = strlen(dir), nn = strlen(name);
	size_t slash = nd > 0 && dir[nd - 1] != '/' ? 1 : 0;
	if (nn > SIZE_MAX - 2 || nd > SIZE_MAX - 2 - nn)
		return NULL;
	char *s = malloc(nd + slash + nn + 1);
	if (!s)
		return NULL;
	memcpy(s, dir, nd);
	if (slash)
		s[nd] = '/';
	memcpy(s + nd + slash, name, nn + 1);
	return s;
}

char *vfs_parent(const char *path)
{
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	while (n > 1 && path[n - 1] == '/')
		n--;
	char *s = malloc(n ? n + 1 : 2);
	if (!s)
		return NULL;
	if (n == 0) {
		s[0] = '.';
		n = 1;
	} else {
		memcpy(s, path, n);
	}
	s[n] = 0;
	return s;
}

static void say(struct diag *d, int err, const char *operation, const char *path)
{
	(void)os_errno_diag(d, os_errno_for(err), operation, path);
	if (d)
		d->err = err;
}

/* Reads to the end of the file, whatever size it claims (files under /proc claim 0, others grow meanwhile). */
static int read_all(struct vfs_file *f, uint8_t **buf, size_t *ret_n, size_t limit, size_t hint)
{
	size_t cap = hint + 1, n = 0;
	uint8_t *p = malloc(cap + 1);
	int r = p ? 0 : MO_ENOMEM;
	while (!r) {
		size_t got = 0;
		r = vfs_pread(f, p + n, cap - n, n, &got);
		if (r)
			break;
		n += got;
		if (n > limit) {
			r = MO_ELIMIT;
			break;
		}
		if (n < cap)
			break; /* short: the end */
		/* n == cap <= limit, and limit + 2 does not wrap (vfs_slurp). */
		size_t more = cap <= limit / 2 ? cap * 2 : limit + 1;
		uint8_t *q = realloc(p, more + 1);
		if (!q) {
			r = MO_ENOMEM;
			break;
		}
		p = q;
		cap = more;
	}
	if (r) {
		free(p);
		return r;
	}
	p[n] = 0;
	*buf = p;
	*ret_n = n;
	return 0;
}

int vfs_slurp(struct vfs *v, uint8_t **ret, size_t *ret_n, const char *path, size_t limit_bytes, struct diag *d)
{
	struct vfs_file *f = NULL;
	uint64_t size = 0;
	if (limit_bytes > SIZE_MAX / 2)
		limit_bytes = SIZE_MAX / 2;
	int r = vfs_open(v, &f, path, VFS_READ, d);
	if (r)
		return r;
	r = vfs_size(f, &size);
	if (!r && size > limit_bytes)
		r = MO_ELIMIT;
	if (!r)
		r = read_all(f, ret, ret_n, limit_bytes, (size_t)size);
	if (r)
		say(d, r, "read", path);
	vfs_close(f);
	return r;
}

int vfs_replace(struct vfs *v, const char *path, struct span content, bool secret, struct diag *d)
{
	struct vfs_file *f = NULL;
	const char *operation = "open";
	bool made = false;
	int r = MO_ENOMEM;
	char *dir = vfs_parent(path), *tmp = NULL;
	size_t n = strlen(path);
	if (n < SIZE_MAX - 8)
		tmp = malloc(n + sizeof ".tmp");
	if (!tmp || !dir)
		goto out;
	memcpy(tmp, path, n);
	memcpy(tmp + n, ".tmp", sizeof ".tmp");

	/* What a crash left there may be longer, or have another mode. */
	operation = "unlink";
	r = vfs_unlink(v, tmp);
	if (r && r != MO_ENOENT)
		goto out;
	operation = "open";
	r = vfs_open(v, &f, tmp, VFS_WRITE | VFS_CREATE | VFS_EXCL | (secret ? VFS_SECRET : 0u), NULL);
	if (r)
		goto out;
	made = true;
	operation = "write";
	r = vfs_pwrite(f, content.p, content.n, 0);
	if (r)
		goto out;
	operation = "sync";
	r = vfs_sync(f);
	if (r)
		goto out;
	vfs_close(f);
	f = NULL;
	operation = "rename";
	r = vfs_rename(v, tmp, path);
	if (r)
		goto out;
	made = false;
	operation = "sync";
	r = vfs_sync_dir(v, dir);
out:
	if (r)
		say(d, r, operation, path);
	vfs_close(f);
	if (made && vfs_unlink(v, tmp) != 0) {
		/* The next call takes it away; nobody reads a .tmp. */
	}
	free(tmp);
	free(dir);
	return r;
}
