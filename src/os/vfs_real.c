/* The operating system's files (Linux). A failed sync poisons the handle: the
 * kernel reports a lost write-back once and then calls the pages clean, so a
 * second fdatasync() that returns 0 proves nothing. */
#include "os/vfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/civil.h"
#include "os/priv/oserr.h"

#define ZEROS_BYTES 65536u

struct real_file {
	struct vfs_file f;
	int fd;
	atomic_bool sync_failed;
};
struct real_vfs {
	struct vfs v;
};

static struct real_file *real_of(struct vfs_file *f) { return (struct real_file *)f; }

/* n bytes at offset stay inside off_t. */
static bool in_range(uint64_t offset, size_t n) { return offset <= (uint64_t)INT64_MAX && n <= (uint64_t)INT64_MAX - offset; }

static const char *or_dot(const char *path) { return *path ? path : "."; }

static int open_fd(const char *path, int flags, mode_t mode)
{
	for (;;) {
		int fd = openat(AT_FDCWD, path, flags | O_CLOEXEC | O_NOCTTY, mode);
		if (fd >= 0 || errno != EINTR)
			return fd;
	}
}

static int real_pread(struct vfs_file *f, void *p, size_t n, uint64_t offset, size_t *ret_n)
{
	size_t done = 0;
	if (!in_range(offset, n))
		return MO_EINVAL;
	while (done < n) {
		ssize_t k = pread(real_of(f)->fd, (uint8_t *)p + done, n - done, (off_t)(offset + done));
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return os_errno(errno);
		if (k == 0)
			break;
		done += (size_t)k;
	}
	*ret_n = done;
	return 0;
}

static int real_pwrite(struct vfs_file *f, const void *p, size_t n, uint64_t offset)
{
	size_t done = 0;
	if (!in_range(offset, n))
		return MO_EINVAL;
	while (done < n) {
		ssize_t k = pwrite(real_of(f)->fd, (const uint8_t *)p + done, n - done, (off_t)(offset + done));
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? os_errno(errno) : MO_EIO;
		done += (size_t)k;
	}
	return 0;
}

static int real_sync(struct vfs_file *f)
{
	struct real_file *rf = real_of(f);
	if (atomic_load(&rf->sync_failed))
		return MO_EIO;
	int r;
	do
		r = fdatasync(rf->fd);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return 0;
	int err = os_errno(errno);
	atomic_store(&rf->sync_failed, true);
	return err;
}

static int real_truncate(struct vfs_file *f, uint64_t size_bytes)
{
	if (!in_range(size_bytes, 0))
		return MO_EINVAL;
	int r;
	do
		r = ftruncate(real_of(f)->fd, (off_t)size_bytes);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return 0;
	/* A read-only descriptor is EINVAL here and EBADF elsewhere. */
	int e = errno;
	if (e == EINVAL && (fcntl(real_of(f)->fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return MO_ESTATE;
	return os_errno(e);
}

static int real_size(struct vfs_file *f, uint64_t *ret_bytes)
{
	struct stat st;
	if (fstat(real_of(f)->fd, &st) != 0)
		return os_errno(errno);
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

static int real_allocate(struct vfs_file *f, uint64_t size_bytes)
{
	static const uint8_t zeros[ZEROS_BYTES];
	uint64_t size = 0;
	if (!in_range(size_bytes, 0))
		return MO_EINVAL;
	int r = real_size(f, &size);
	if (r || size_bytes == 0)
		return r;
	do
		r = fallocate(real_of(f)->fd, 0, 0, (off_t)size_bytes);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return os_errno(errno);
	/* A file system that cannot reserve: written zeros hold the blocks as well. */
	while (size < size_bytes) {
		uint64_t k = size_bytes - size < ZEROS_BYTES ? size_bytes - size : ZEROS_BYTES;
		r = real_pwrite(f, zeros, (size_t)k, size);
		if (r)
			return r;
		size += k;
	}
	return 0;
}

static int real_map(struct vfs_file *f, size_t n, const uint8_t **ret)
{
	static const uint8_t nothing;
	uint64_t size = 0;
	int r = real_size(f, &size);
	if (r)
		return r;
	/* A view past the end would be a SIGBUS later. */
	if (n > size)
		return MO_ECORRUPT;
	if (n == 0) {
		*ret = &nothing;
		return 0;
	}
	void *p = mmap(NULL, n, PROT_READ, MAP_SHARED, real_of(f)->fd, 0);
	if (p == MAP_FAILED)
		return os_errno(errno);
	*ret = p;
	return 0;
}

static void real_unmap(struct vfs_file *f, const uint8_t *p, size_t n)
{
	(void)f;
	if (n)
		(void)munmap((void *)(uintptr_t)p, n);
}

/* Pages of a shared file mapping: the file has them, and the page cache may. */
static void real_cool(struct vfs_file *f, const uint8_t *p, size_t n)
{
	(void)f;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)p + page - 1) / page * page, to = ((uintptr_t)p + n) / page * page;
	if (from < to)
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
}

static void real_close(struct vfs_file *f)
{
	/* Linux frees the descriptor even on EINTR; data is safe by sync, not by close. */
	(void)close(real_of(f)->fd);
	free(real_of(f));
}

static const struct vfs_file_ops real_file_ops = {real_pread, real_pwrite, real_sync, real_truncate, real_allocate, real_size, real_map,
	real_unmap, real_close, real_cool};

/* Takes fd, also on failure. */
static int make_file(struct vfs_file **ret, int fd)
{
	struct real_file *rf = calloc(1, sizeof *rf);
	if (!rf) {
		(void)close(fd);
		return MO_ENOMEM;
	}
	rf->f.ops = &real_file_ops;
	rf->fd = fd;
	atomic_init(&rf->sync_failed, false);
	*ret = &rf->f;
	return 0;
}

/* O_NONBLOCK: opening a FIFO that somebody put into a watched folder must not wait for its other end. */
static int open_regular(int *ret_errno, const char *path, unsigned flags)
{
	int oflags = (flags & VFS_WRITE ? O_RDWR : O_RDONLY) | O_NONBLOCK;
	struct stat st;
	if (flags & VFS_CREATE)
		oflags |= O_CREAT | (flags & VFS_EXCL ? O_EXCL : 0);
	if (flags & VFS_NO_LINK)
		oflags |= O_NOFOLLOW;
	int fd = open_fd(path, oflags, flags & VFS_SECRET ? 0600 : 0640);
	if (fd < 0) {
		*ret_errno = errno;
		return -1;
	}
	int e = fstat(fd, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : S_ISREG(st.st_mode) ? 0 : EINVAL;
	if (e) {
		(void)close(fd);
		*ret_errno = e;
		return -1;
	}
	return fd;
}

static int real_open(struct vfs *v, struct vfs_file **ret, const char *path, unsigned flags, struct diag *d)
{
	int e = 0;
	(void)v;
	int fd = open_regular(&e, path, flags);
	if (fd < 0)
		return os_errno_diag(d, e, "open", path);
	if (make_file(ret, fd) != 0)
		return os_errno_diag(d, ENOMEM, "open", path);
	return 0;
}

static int real_unlink(struct vfs *v, const char *path)
{
	(void)v;
	return unlink(path) == 0 ? 0 : os_errno(errno);
}

static int real_rename(struct vfs *v, const char *from, const char *to)
{
	(void)v;
	return rename(from, to) == 0 ? 0 : os_errno(errno);
}

static int real_mkdir(struct vfs *v, const char *path, bool secret)
{
	struct stat st;
	(void)v;
	if (mkdir(path, secret ? 0700 : 0750) == 0)
		return 0;
	int e = errno;
	if (e == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return os_errno(e);
}

static int real_rmdir(struct vfs *v, const char *path)
{
	(void)v;
	if (rmdir(path) == 0)
		return 0;
	/* POSIX leaves the choice between ENOTEMPTY and EEXIST. */
	return errno == EEXIST ? MO_ESTATE : os_errno(errno);
}

static int real_sync_dir(struct vfs *v, const char *path)
{
	(void)v;
	int fd = open_fd(or_dot(path), O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return os_errno(errno);
	int r;
	do
		r = fsync(fd);
	while (r < 0 && errno == EINTR);
	r = r < 0 ? os_errno(errno) : 0;
	(void)close(fd);
	return r;
}

static int real_stat(struct vfs *v, const char *path, struct vfs_stat *ret)
{
	struct stat st;
	(void)v;
	if (stat(or_dot(path), &st) != 0)
		return os_errno(errno);
	ret->size_bytes = S_ISDIR(st.st_mode) ? 0 : (uint64_t)st.st_size;
	ret->mtime_ns = (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
	ret->is_dir = S_ISDIR(st.st_mode);
	ret->device = (uint64_t)st.st_dev;
	return 0;
}

static int real_list(struct vfs *v, const char *path, int (*fn)(void *, const char *), void *arg)
{
	int r = 0;
	(void)v;
	DIR *dir = opendir(or_dot(path));
	if (!dir)
		return os_errno(errno);
	while (r == 0) {
		errno = 0;
		const struct dirent *e = readdir(dir);
		if (!e) {
			r = errno ? os_errno(errno) : 0;
			break;
		}
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = fn(arg, e->d_name);
	}
	(void)closedir(dir);
	return r;
}

/* An open-file-description lock: it conflicts inside this process too, and no
 * other descriptor of the same file drops it when closed. */
static int real_lock(struct vfs *v, struct vfs_file **ret, const char *path)
{
	int e = 0;
	(void)v;
	int fd = open_regular(&e, path, VFS_WRITE | VFS_CREATE);
	if (fd < 0)
		return os_errno(e);
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(fd, F_OFD_SETLK, &l) != 0) {
		e = errno;
		(void)close(fd);
		return e == EAGAIN || e == EACCES ? MO_EBUSY : os_errno(e);
	}
	return make_file(ret, fd);
}

static int real_space(struct vfs *v, const char *path, uint64_t *ret_free, uint64_t *ret_total)
{
	struct statvfs s;
	(void)v;
	if (statvfs(or_dot(path), &s) != 0)
		return os_errno(errno);
	if (s.f_frsize && (s.f_blocks > UINT64_MAX / s.f_frsize || s.f_bavail > UINT64_MAX / s.f_frsize))
		return MO_EIO;
	*ret_free = (uint64_t)s.f_bavail * s.f_frsize;
	*ret_total = (uint64_t)s.f_blocks * s.f_frsize;
	return 0;
}

static void real_free(struct vfs *v) { free((struct real_vfs *)v); }

static const struct vfs_ops real_ops = {real_open, real_unlink, real_rename, real_mkdir, real_rmdir, real_sync_dir, real_stat, real_list,
	real_lock, real_space, real_free};

int vfs_real(struct vfs **ret)
{
	struct real_vfs *v = calloc(1, sizeof *v);
	if (!v)
		return MO_ENOMEM;
	v->v.ops = &real_ops;
	*ret = &v->v;
	return 0;
}
