/* Files behind a table of functions, so that a test can replay or break every
 * operation. Two kinds: the real one, and one in memory that forgets what was
 * not synced (os/memvfs.h). Durable code uses nothing else.
 *
 * Errors, the same for all kinds: MO_ENOENT (file or a folder on its path),
 * MO_EEXIST, MO_EFULL (no space, quota), MO_EDENIED (rights, read-only file
 * system), MO_EINVAL (path; not a regular file; a
 * rename across devices, or what a server does not know), MO_ESTATE (writing through a
 * read-only handle; rmdir or rename onto a folder that is not empty), MO_ELIMIT
 * (open files, largest file), MO_ENOMEM, MO_EIO (everything else).
 *
 * Semantics all kinds keep (and the in-memory one is strict about):
 *  - data written is durable only after vfs_sync() of that file returned 0;
 *  - a file's existence, a rename and an unlink are durable only after
 *    vfs_sync_dir() of the folder returned 0;
 *  - after a failed vfs_sync() the unsynced data of that file is in an
 *    unknown state for ever: never sync again and believe it.
 * A file may be used by several threads for pread; writers serialise. */
#ifndef MO_OS_VFS_H
#define MO_OS_VFS_H

#include "base/diag.h"
#include "base/err.h"
#include "base/span.h"

enum vfs_open_flags {
	VFS_READ = 1,
	VFS_WRITE = 2,  /* implies VFS_READ */
	VFS_CREATE = 4, /* make it when absent, mode 0640 */
	VFS_EXCL = 8,   /* with CREATE: MO_EEXIST when present */
	VFS_SECRET = 16, /* with CREATE: mode 0600 */
	VFS_NO_LINK = 32 /* MO_EINVAL when the path's last name is a symbolic link */
};
struct vfs_stat {
	uint64_t size_bytes;
	int64_t mtime_ns;
	bool is_dir;
	uint64_t device; /* files of one device share its room; in memory all do */
};
struct vfs_file;
struct vfs;

/* Sync covers the content and the size (fdatasync writes the metadata that is needed to read it back). */
struct vfs_file_ops {
	/* Short only at the end of the file. *ret_n <= n. */
	int (*pread)(struct vfs_file *f, void *p, size_t n, uint64_t offset, size_t *ret_n);
	/* All or an error (then any part of it may have been written); growing the file where needed. */
	int (*pwrite)(struct vfs_file *f, const void *p, size_t n, uint64_t offset);
	int (*sync)(struct vfs_file *f);
	int (*truncate)(struct vfs_file *f, uint64_t size_bytes);
	/* Reserves blocks up to size and grows the file with zeros. */
	int (*allocate)(struct vfs_file *f, uint64_t size_bytes);
	int (*size)(struct vfs_file *f, uint64_t *ret_bytes);
	/* Read-only view of the first n bytes, valid until unmap; the file must not be cut below n meanwhile, and whether
	 * later writes show in it is not defined (memory: a copy). MO_ECORRUPT when the file is shorter than n. The view may
	 * outlive nothing: unmap before close. */
	int (*map)(struct vfs_file *f, size_t n, const uint8_t **ret);
	void (*unmap)(struct vfs_file *f, const uint8_t *p, size_t n);
	void (*close)(struct vfs_file *f);
	/* These bytes of a view will hardly be touched again: their memory need not be kept (they are read anew when they are). NULL: nothing
	 * to gain. */
	void (*cool)(struct vfs_file *f, const uint8_t *p, size_t n);
};
struct vfs_file {
	const struct vfs_file_ops *ops;
};
struct vfs_ops {
	int (*open)(struct vfs *v, struct vfs_file **ret, const char *path, unsigned flags, struct diag *d);
	int (*unlink)(struct vfs *v, const char *path);
	int (*rename)(struct vfs *v, const char *from, const char *to); /* replaces `to` */
	int (*mkdir)(struct vfs *v, const char *path, bool secret);     /* 0 also when it exists; mode 0750, secret 0700 */
	int (*rmdir)(struct vfs *v, const char *path);
	int (*sync_dir)(struct vfs *v, const char *path);
	int (*stat)(struct vfs *v, const char *path, struct vfs_stat *ret);
	/* Calls fn with each name but "." and ".."; a non-zero answer ends it and is given back. Order not defined. */
	int (*list)(struct vfs *v, const char *path, int (*fn)(void *arg, const char *name), void *arg);
	/* Exclusive lock on a file for this process, made when absent, kept until vfs_close() or death. MO_EBUSY. *ret may be
	 * read and written. Never unlink a lock file. */
	int (*lock)(struct vfs *v, struct vfs_file **ret, const char *path);
	/* Bytes free to us on the file system of path, and its size. */
	int (*space)(struct vfs *v, const char *path, uint64_t *ret_free, uint64_t *ret_total);
	void (*free)(struct vfs *v);
};
struct vfs {
	const struct vfs_ops *ops;
};

/* The operating system's files. Owned by the caller; vfs_free(). */
MO_MUST_USE int vfs_real(struct vfs **ret);
static inline void vfs_free(struct vfs *v)
{
	if (v)
		v->ops->free(v);
}

/* Thin calls; where there is a d (may be NULL), every error sets it with operation and path. Output pointers are written
 * only on success. */
MO_MUST_USE int vfs_open(struct vfs *v, struct vfs_file **ret, const char *path, unsigned flags, struct diag *d);
void vfs_close(struct vfs_file *f); /* NULL is fine; never fails: sync first */
MO_MUST_USE int vfs_pread(struct vfs_file *f, void *p, size_t n, uint64_t offset, size_t *ret_n);
/* MO_ECORRUPT when the file ends before n bytes. */
MO_MUST_USE int vfs_read_full(struct vfs_file *f, void *p, size_t n, uint64_t offset);
MO_MUST_USE int vfs_pwrite(struct vfs_file *f, const void *p, size_t n, uint64_t offset);
MO_MUST_USE int vfs_sync(struct vfs_file *f);
MO_MUST_USE int vfs_truncate(struct vfs_file *f, uint64_t size_bytes);
MO_MUST_USE int vfs_allocate(struct vfs_file *f, uint64_t size_bytes);
MO_MUST_USE int vfs_size(struct vfs_file *f, uint64_t *ret_bytes);
MO_MUST_USE int vfs_map(struct vfs_file *f, size_t n, const uint8_t **ret);
void vfs_unmap(struct vfs_file *f, const uint8_t *p, size_t n); /* NULL is fine */
void vfs_cool(struct vfs_file *f, const uint8_t *p, size_t n);  /* part of a view */
MO_MUST_USE int vfs_unlink(struct vfs *v, const char *path);
MO_MUST_USE int vfs_rename(struct vfs *v, const char *from, const char *to);
MO_MUST_USE int vfs_mkdir(struct vfs *v, const char *path, bool secret);
MO_MUST_USE int vfs_rmdir(struct vfs *v, const char *path);
MO_MUST_USE int vfs_sync_dir(struct vfs *v, const char *path);
MO_MUST_USE int vfs_stat(struct vfs *v, const char *path, struct vfs_stat *ret);
MO_MUST_USE int vfs_list(struct vfs *v, const char *path, int (*fn)(void *, const char *), void *arg);
MO_MUST_USE int vfs_lock(struct vfs *v, struct vfs_file **ret, const char *path);
MO_MUST_USE int vfs_space(struct vfs *v, const char *path, uint64_t *ret_free, uint64_t *ret_total);
/* Whole file, at most limit bytes (MO_ELIMIT). *ret is malloc'ed, NUL after the end; the caller frees. */
MO_MUST_USE int vfs_slurp(struct vfs *v, uint8_t **ret, size_t *ret_n, const char *path, size_t limit_bytes, struct diag *d);
/* Writes path.tmp, syncs it, renames, syncs the folder: the old content or the new, never a mixture.
 * After an error it may be either. One caller at a time per path. */
MO_MUST_USE int vfs_replace(struct vfs *v, const char *path, struct span content, bool secret, struct diag *d);
/* "a/b" + "c" -> "a/b/c"; malloc'ed, NULL without memory. */
char *vfs_join(const char *dir, const char *name);
/* The folder of a path, for vfs_sync_dir(): "a/b" -> "a", "a" -> ".", "/a" -> "/"; malloc'ed, NULL without memory. */
char *vfs_parent(const char *path);

#endif
