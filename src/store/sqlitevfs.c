/* See sqlitevfs.h. What SQLite expects of each method stands in its
 * documentation: "The OS Backend (VFS)", "Write-Ahead Logging", 4 (WAL index).
 *
 * One `node` stands for one database: its locks, its WAL index, and whether a
 * sync of any of its files (main, journal, WAL) has failed. */
#include "store/priv/sqlitevfs.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/crypto.h"
#include "store/priv/pages.h"

static int rc_of(int err, int otherwise)
{
	switch (err) {
	case 0:
		return SQLITE_OK;
	case MO_ENOMEM:
		return SQLITE_IOERR_NOMEM;
	case MO_EFULL:
		return SQLITE_FULL;
	default:
		return otherwise;
	}
}

/* The folder of a path into out; "." when it has none. */
static int folder_of(char *out, size_t size, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 1;
	if (slash == path)
		n = 1;
	if (n >= size)
		return MO_ELIMIT;
	memcpy(out, slash ? path : ".", n);
	out[n] = '\0';
	return 0;
}

static int sync_folder(struct sqlitevfs *v, const char *path)
{
	char dir[PATH_BYTES_MAX];
	int err = folder_of(dir, sizeof dir, path);
	return err ? err : vfs_sync_dir(v->vfs, dir);
}

/* ---- files ---- */

static void node_fail(struct file *f)
{
	sqlite3_mutex_enter(f->v->lock);
	f->node->failed = true;
	sqlite3_mutex_leave(f->v->lock);
}

static void node_drop(struct file *f)
{
	struct node *n = f->node;
	if (!n)
		return;
	sqlite3_mutex_enter(f->v->lock);
	if (--n->handles == 0) {
		struct node **at = &f->v->nodes;
		while (*at != n)
			at = &(*at)->next;
		*at = n->next;
		for (unsigned i = 0; i < n->n_regions; i++)
			free(n->region[i]);
		free(n->path);
		free(n);
	}
	sqlite3_mutex_leave(f->v->lock);
	f->node = NULL;
}

static struct node *node_of(struct sqlitevfs *v, const char *path)
{
	struct node *n = v->nodes;
	while (n && strcmp(n->path, path) != 0)
		n = n->next;
	return n;
}

static int node_take(struct file *f, const char *path)
{
	int err = 0;
	sqlite3_mutex_enter(f->v->lock);
	struct node *n = node_of(f->v, path);
	if (!n) {
		n = calloc(1, sizeof *n);
		if (n && !(n->path = strdup(path))) {
			free(n);
			n = NULL;
		}
		if (n) {
			atomic_init(&n->unsure_from, UINT64_MAX);
			n->next = f->v->nodes;
			f->v->nodes = n;
		} else {
			err = MO_ENOMEM;
		}
	}
	if (!err) {
		n->handles++;
		f->node = n;
	}
	sqlite3_mutex_leave(f->v->lock);
	return err;
}

static int file_unlock(sqlite3_file *base, int level);

static int file_close(sqlite3_file *base)
{
	struct file *f = (struct file *)base;
	int rc = SQLITE_OK;
	(void)sqlitevfs_shm_unmap(base, 0);
	(void)file_unlock(base, SQLITE_LOCK_NONE);
	if (f->of_log)
		f->of_log->log = NULL;
	node_drop(f);
	vfs_close(f->f);
	if (f->unlink_on_close && vfs_unlink(f->v->vfs, f->path) != 0)
		rc = SQLITE_IOERR_DELETE;
	free(f->path);
	f->base.pMethods = NULL;
	return rc;
}

/* ---- pages ---- */

/* Notes a page that is not what was written; gives what SQLite is told. */
static int refuse(struct file *f, uint32_t page)
{
	struct file *main = f->of_log ? f->of_log : f;
	struct node *n = f->node;
	main->refused = (struct sqlitevfs_damage){page, f->of_log != NULL};
	sqlite3_mutex_enter(f->v->lock);
	bool known = false;
	for (size_t i = 0; i < n->n_damaged && i < SQLITEVFS_DAMAGE_MAX && !known; i++)
		known = n->damaged[i].page == page;
	if (!known && n->n_damaged < SQLITEVFS_DAMAGE_MAX)
		n->damaged[n->n_damaged++] = main->refused;
	sqlite3_mutex_leave(f->v->lock);
	return SQLITEVFS_DAMAGED;
}

static uint32_t page_at(sqlite3_int64 offset) { return (uint32_t)(offset / PAGE_BYTES) + 1; }

/* What a page of the database file that was just read says of itself. */
static int look_at_page(struct file *f, const uint8_t *p, sqlite3_int64 offset)
{
	if (!atomic_load(&f->node->tails) || pages_is_whole(p, page_at(offset)))
		return SQLITE_OK;
	return refuse(f, page_at(offset));
}

static uint64_t frame_at(sqlite3_int64 offset) { return ((uint64_t)offset - WAL_HEADER) / WAL_FRAME; }

/* Whether a read of the log is one of a page: SQLite asks for whole frames only when it opens a log. */
static bool is_page_of_log(const struct file *f, int n, sqlite3_int64 offset)
{
	return f->of_log && n == PAGE_BYTES && offset >= WAL_HEADER + WAL_FRAME_HEADER && (offset - WAL_HEADER - WAL_FRAME_HEADER) % WAL_FRAME == 0;
}

static int look_at_frame(struct file *f, uint8_t *p, sqlite3_int64 offset)
{
	uint8_t before[8], header[WAL_FRAME_HEADER];
	uint64_t frame = frame_at(offset), at = (uint64_t)offset - WAL_FRAME_HEADER;
	if (frame >= atomic_load(&f->node->unsure_from))
		return SQLITE_OK;
	/* The checksum of the frame before ends its header, that of the first the log's. */
	int err = vfs_read_full(f->f, header, sizeof header, at);
	if (!err)
		err = vfs_read_full(f->f, before, sizeof before, frame ? at - WAL_FRAME + 16 : WAL_HEADER - 8);
	if (err)
		return rc_of(err, SQLITE_IOERR_READ);
	if (pages_frame_is_whole(before, header, p) && !pages_is_lost(p))
		return SQLITE_OK;
	int rc = refuse(f, (uint32_t)header[0] << 24 | (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 | header[3]);
	if (!f->of_log->in_checkpoint)
		return rc;
	pages_lose(p);
	return SQLITE_OK;
}

/* Whether the pages of a database that is there have tails; one that has no page yet will get some (db_open() asks SQLite for the room). */
static int learn_tails(struct file *f)
{
	uint8_t *p = malloc(PAGE_BYTES);
	size_t got = 0;
	int err = p ? vfs_pread(f->f, p, PAGE_BYTES, 0, &got) : MO_ENOMEM;
	if (!err) {
		atomic_store(&f->node->presumed, got == 0);
		atomic_store(&f->node->tails, got == 0 || (got == PAGE_BYTES && pages_has_tails(p)));
		atomic_store(&f->node->known, true);
	}
	free(p);
	return err;
}

static int file_read(sqlite3_file *base, void *p, int n, sqlite3_int64 offset)
{
	struct file *f = (struct file *)base;
	size_t got = 0;
	int err = vfs_pread(f->f, p, (size_t)n, (uint64_t)offset, &got);
	if (err)
		return rc_of(err, SQLITE_IOERR_READ);
	if (got < (size_t)n) {
		memset((uint8_t *)p + got, 0, (size_t)n - got); /* SQLite relies on it */
		return SQLITE_IOERR_SHORT_READ;
	}
	if (f->locks && n == PAGE_BYTES && offset % PAGE_BYTES == 0)
		return look_at_page(f, p, offset);
	return is_page_of_log(f, n, offset) ? look_at_frame(f, p, offset) : SQLITE_OK;
}

static int write_page(struct file *f, const uint8_t *p, sqlite3_int64 offset)
{
	uint8_t page[PAGE_BYTES]; /* SQLite's own is not ours to change */
	struct node *n = f->node;
	if (offset == 0) {
		bool tails = p[PAGE_TAIL_AT] == PAGE_TAIL;
		if (!tails && atomic_load(&n->presumed) && f->wrote)
			return MO_EBUG; /* pages lie in the file whose last bytes were not ours */
		atomic_store(&n->presumed, false);
		atomic_store(&n->tails, tails);
	}
	f->wrote = true;
	if (!atomic_load(&n->tails))
		return vfs_pwrite(f->f, p, PAGE_BYTES, (uint64_t)offset);
	memcpy(page, p, PAGE_BYTES);
	pages_seal(page, page_at(offset));
	return vfs_pwrite(f->f, page, PAGE_BYTES, (uint64_t)offset);
}

static int file_write(sqlite3_file *base, const void *p, int n, sqlite3_int64 offset)
{
	struct file *f = (struct file *)base;
	if (node_failed(f))
		return SQLITE_IOERR_WRITE;
	if (f->locks && n == PAGE_BYTES && offset % PAGE_BYTES == 0)
		return rc_of(write_page(f, p, offset), SQLITE_IOERR_WRITE);
	if (f->of_log) {
		/* One writes at a time, and none other reads what is not committed. */
		uint64_t frame = offset < WAL_HEADER ? 0 : frame_at(offset);
		if (frame < atomic_load(&f->node->unsure_from)) {
			atomic_store(&f->node->unsure_from, frame);
			f->node->unsure_to = frame;
		}
		if (frame + 1 > f->node->unsure_to)
			f->node->unsure_to = frame + 1;
	}
	return rc_of(vfs_pwrite(f->f, p, (size_t)n, (uint64_t)offset), SQLITE_IOERR_WRITE);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct file *f = (struct file *)base;
	if (node_failed(f))
		return SQLITE_IOERR_TRUNCATE;
	return rc_of(vfs_truncate(f->f, (uint64_t)size), SQLITE_IOERR_TRUNCATE);
}

static int file_sync(sqlite3_file *base, int flags)
{
	struct file *f = (struct file *)base;
	(void)flags; /* there is one kind of sync, the full one */
	if (node_failed(f))
		return SQLITE_IOERR_FSYNC;
	int err = vfs_sync(f->f);
	if (err) {
		node_fail(f);
		return rc_of(err, SQLITE_IOERR_FSYNC);
	}
	if (f->sync_dir) {
		if ((err = sync_folder(f->v, f->path)))
			return rc_of(err, SQLITE_IOERR_DIR_FSYNC);
		f->sync_dir = false;
	}
	return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret)
{
	uint64_t size = 0;
	int err = vfs_size(((struct file *)base)->f, &size);
	if (err)
		return rc_of(err, SQLITE_IOERR_FSTAT);
	*ret = (sqlite3_int64)size;
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
	struct file *f = (struct file *)base;
	struct node *n = f->node;
	int rc = SQLITE_OK;
	if (f->level >= level || !f->locks)
		return SQLITE_OK;
	sqlite3_mutex_enter(f->v->lock);
	bool others_write = (n->pending && n->pending != f) || (n->exclusive && n->exclusive != f);
	if (f->level == SQLITE_LOCK_NONE) {
		if (others_write) {
			rc = SQLITE_BUSY;
		} else {
			n->shared++;
			f->level = SQLITE_LOCK_SHARED;
		}
	}
	if (rc == SQLITE_OK && level >= SQLITE_LOCK_RESERVED) {
		if ((n->reserved && n->reserved != f) || others_write) {
			rc = SQLITE_BUSY;
		} else if (level == SQLITE_LOCK_RESERVED) {
			n->reserved = f;
			f->level = SQLITE_LOCK_RESERVED;
		} else {
			n->pending = f; /* keeps new readers out while the old ones leave */
			f->level = SQLITE_LOCK_PENDING;
			if (n->shared > 1) {
				rc = SQLITE_BUSY;
			} else {
				n->exclusive = f;
				f->level = SQLITE_LOCK_EXCLUSIVE;
			}
		}
	}
	sqlite3_mutex_leave(f->v->lock);
	return rc;
}

static int file_unlock(sqlite3_file *base, int level)
{
	struct file *f = (struct file *)base;
	struct node *n = f->node;
	if (f->level <= level || !f->locks)
		return SQLITE_OK;
	sqlite3_mutex_enter(f->v->lock);
	if (n->reserved == f)
		n->reserved = NULL;
	if (n->pending == f)
		n->pending = NULL;
	if (n->exclusive == f)
		n->exclusive = NULL;
	if (level == SQLITE_LOCK_NONE)
		n->shared--;
	f->level = level;
	sqlite3_mutex_leave(f->v->lock);
	return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *ret)
{
	struct file *f = (struct file *)base;
	struct node *n = f->node;
	*ret = 0;
	sqlite3_mutex_enter(f->v->lock);
	*ret = n->reserved || n->pending || n->exclusive;
	sqlite3_mutex_leave(f->v->lock);
	return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
	(void)arg;
	if (op == SQLITE_FCNTL_CKPT_START || op == SQLITE_FCNTL_CKPT_DONE)
		((struct file *)base)->in_checkpoint = op == SQLITE_FCNTL_CKPT_START;
	return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *base)
{
	(void)base;
	return SECTOR_BYTES;
}

static int file_traits(sqlite3_file *base)
{
	(void)base;
	/* A write that the power cut short harms no bytes beside it: journalling file systems, and the in-memory one, keep that. */
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods file_methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = sqlitevfs_shm_map,
	.xShmLock = sqlitevfs_shm_lock,
	.xShmBarrier = sqlitevfs_shm_barrier,
	.xShmUnmap = sqlitevfs_shm_unmap,
};

int sqlitevfs_reads_log(sqlite3 *sq, bool *ret)
{
	sqlite3_file *base = NULL;
	if (sqlite3_file_control(sq, "main", SQLITE_FCNTL_FILE_POINTER, &base) != SQLITE_OK || !base || base->pMethods != &file_methods)
		return MO_ESTATE;
	struct file *f = (struct file *)base;
	sqlite3_mutex_enter(f->v->lock);
	unsigned reads = f->shm_shared >> SHM_READ_LOCK;
	sqlite3_mutex_leave(f->v->lock);
	if (reads == 0)
		return MO_ESTATE;
	*ret = !(reads & 1u);
	return 0;
}

int sqlitevfs_refused(sqlite3 *sq, struct sqlitevfs_damage *ret)
{
	sqlite3_file *base = NULL;
	if (sqlite3_file_control(sq, "main", SQLITE_FCNTL_FILE_POINTER, &base) != SQLITE_OK || !base || base->pMethods != &file_methods)
		return MO_ENOENT;
	*ret = ((struct file *)base)->refused;
	return ret->page ? 0 : MO_ENOENT;
}

size_t sqlitevfs_damaged(struct sqlitevfs *v, const char *path, struct sqlitevfs_damage *ret, size_t max)
{
	sqlite3_mutex_enter(v->lock);
	const struct node *k = node_of(v, path);
	size_t n = k ? k->n_damaged : 0;
	if (n && max)
		memcpy(ret, k->damaged, (n < max ? n : max) * sizeof *ret);
	sqlite3_mutex_leave(v->lock);
	return n;
}

void sqlitevfs_log(struct sqlitevfs *v, const char *path, struct log_damage *ret)
{
	sqlite3_mutex_enter(v->lock);
	const struct node *n = node_of(v, path);
	*ret = n ? n->log : (struct log_damage){.damaged = false};
	sqlite3_mutex_leave(v->lock);
}

bool sqlitevfs_has_tails(struct sqlitevfs *v, const char *path)
{
	sqlite3_mutex_enter(v->lock);
	struct node *n = node_of(v, path);
	bool has = n && atomic_load(&n->tails);
	sqlite3_mutex_leave(v->lock);
	return has;
}

/* ---- the file system ---- */

/* Writes a WAL that was left behind once more, byte by byte as it reads, and syncs it. A sync that failed in the process before may have lost
 * what reads still show (the system takes such pages for written); brought into the database from there, it would stand beside the older WAL
 * that comes back when the power goes. */
static int rewrite(struct file *f)
{
	uint8_t *p = malloc(REWRITE_BYTES);
	size_t n = 1;
	int err = p ? 0 : MO_ENOMEM;
	for (uint64_t at = 0; !err && n > 0; at += n) {
		n = 0;
		err = vfs_pread(f->f, p, REWRITE_BYTES, at, &n);
		if (!err && n)
			err = vfs_pwrite(f->f, p, n, at);
		else if (!err && at)
			err = vfs_sync(f->f);
	}
	free(p);
	return err;
}

/* A log that was damaged while nobody had it open is set right before it is read. */
static int mend(struct file *f)
{
	struct log_damage now;
	int err = logmend_run(&now, f->v->vfs, f->path);
	sqlite3_mutex_enter(f->v->lock);
	if (now.damaged)
		f->node->log = now;
	sqlite3_mutex_leave(f->v->lock);
	if (err || !now.damaged)
		return err;
	vfs_close(f->f); /* another has its name now */
	f->f = NULL;
	return vfs_open(f->v->vfs, &f->f, f->path, VFS_READ | VFS_WRITE, NULL);
}

/* Whether this WAL's database is open by its own connection alone: it and its WAL. */
static bool is_alone(struct file *f)
{
	sqlite3_mutex_enter(f->v->lock);
	bool alone = f->node->handles == 2;
	sqlite3_mutex_leave(f->v->lock);
	return alone;
}

static int fs_open(sqlite3_vfs *base, sqlite3_filename path, sqlite3_file *out, int flags, int *ret_flags)
{
	struct sqlitevfs *v = (struct sqlitevfs *)base;
	struct file *f = (struct file *)out;
	unsigned mode = flags & SQLITE_OPEN_READWRITE ? VFS_READ | VFS_WRITE : VFS_READ;
	memset(f, 0, sizeof *f);
	f->v = v;
	if (!path)
		return SQLITE_CANTOPEN; /* temp_store=memory: nobody asks for a nameless file */
	if (flags & SQLITE_OPEN_CREATE)
		mode |= VFS_CREATE;
	if (flags & SQLITE_OPEN_EXCLUSIVE)
		mode |= VFS_EXCL;
	int err = 0;
	f->path = strdup(path);
	if (!f->path)
		err = MO_ENOMEM;
	if (!err)
		err = vfs_open(v->vfs, &f->f, path, mode, NULL);
	if (!err)
		err = node_take(f, flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL) ? sqlite3_filename_database(path) : path);
	f->locks = (flags & SQLITE_OPEN_MAIN_DB) != 0;
	if (!err && f->locks && !atomic_load(&f->node->known) && (err = learn_tails(f)))
		node_drop(f);
	if (!err && (flags & SQLITE_OPEN_WAL) && (mode & VFS_WRITE) && is_alone(f) && ((err = mend(f)) || (err = rewrite(f))))
		node_drop(f);
	if (!err && (flags & SQLITE_OPEN_WAL)) {
		sqlite3_file *main = sqlite3_database_file_object(path);
		if (main->pMethods == &file_methods) {
			f->of_log = (struct file *)main;
			f->of_log->log = f;
		}
	}
	if (err) {
		vfs_close(f->f);
		free(f->path);
		return err == MO_ENOMEM ? SQLITE_NOMEM : err == MO_EFULL ? SQLITE_FULL : err == MO_ECORRUPT ? SQLITEVFS_DAMAGED : SQLITE_CANTOPEN;
	}
	f->sync_dir = (flags & SQLITE_OPEN_CREATE) != 0;
	f->unlink_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
	f->base.pMethods = &file_methods;
	if (ret_flags)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int fs_delete(sqlite3_vfs *base, const char *path, int sync_dir)
{
	struct sqlitevfs *v = (struct sqlitevfs *)base;
	int err = vfs_unlink(v->vfs, path);
	if (err == MO_ENOENT)
		return SQLITE_IOERR_DELETE_NOENT;
	if (err)
		return rc_of(err, SQLITE_IOERR_DELETE);
	return sync_dir ? rc_of(sync_folder(v, path), SQLITE_IOERR_DIR_FSYNC) : SQLITE_OK;
}

static int fs_access(sqlite3_vfs *base, const char *path, int flags, int *ret)
{
	struct sqlitevfs *v = (struct sqlitevfs *)base;
	struct vfs_stat st;
	int err = vfs_stat(v->vfs, path, &st);
	if (err && err != MO_ENOENT)
		return rc_of(err, SQLITE_IOERR_ACCESS);
	/* An empty journal is no journal (os_unix.c holds the same view). */
	*ret = !err && (flags != SQLITE_ACCESS_EXISTS || st.size_bytes > 0);
	return SQLITE_OK;
}

static int fs_full_path(sqlite3_vfs *base, const char *path, int size, char *out)
{
	(void)base;
	size_t n = strlen(path);
	if (n >= (size_t)size)
		return SQLITE_CANTOPEN;
	memcpy(out, path, n + 1); /* struct vfs gives the paths their meaning */
	return SQLITE_OK;
}

static int fs_random(sqlite3_vfs *base, int n, char *out)
{
	(void)base;
	return os_random(out, (size_t)n) == 0 ? n : 0;
}

static int fs_sleep(sqlite3_vfs *base, int us)
{
	sqlite3_vfs *os = ((struct sqlitevfs *)base)->os;
	return os->xSleep(os, us);
}

static int fs_time(sqlite3_vfs *base, double *ret)
{
	sqlite3_vfs *os = ((struct sqlitevfs *)base)->os;
	return os->xCurrentTime(os, ret);
}

static int fs_time_i64(sqlite3_vfs *base, sqlite3_int64 *ret)
{
	sqlite3_vfs *os = ((struct sqlitevfs *)base)->os;
	return os->xCurrentTimeInt64(os, ret);
}

static int fs_last_error(sqlite3_vfs *base, int n, char *out)
{
	(void)base, (void)n, (void)out;
	return 0;
}

int sqlitevfs_use(struct sqlitevfs **ret, struct vfs *vfs)
{
	if (sqlite3_initialize() != SQLITE_OK)
		return MO_ENOMEM;
	char name[sizeof((struct sqlitevfs *)0)->name];
	snprintf(name, sizeof name, "moru-%p", (void *)vfs);
	/* SQLite's list of file systems is the register, its static mutex for applications guards finding and adding as one step. */
	sqlite3_mutex *guard = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
	struct sqlitevfs *v;
	int err = 0;
	sqlite3_mutex_enter(guard);
	v = (struct sqlitevfs *)sqlite3_vfs_find(name);
	if (v) {
		v->users++;
		goto out;
	}
	err = MO_ENOMEM;
	v = calloc(1, sizeof *v);
	if (!v)
		goto out;
	v->vfs = vfs;
	v->os = sqlite3_vfs_find(NULL);
	v->lock = sqlite3_mutex_alloc(SQLITE_MUTEX_FAST);
	v->users = 1;
	memcpy(v->name, name, sizeof name);
	v->base = (sqlite3_vfs){
		.iVersion = 2,
		.szOsFile = sizeof(struct file),
		.mxPathname = PATH_BYTES_MAX,
		.zName = v->name,
		.xOpen = fs_open,
		.xDelete = fs_delete,
		.xAccess = fs_access,
		.xFullPathname = fs_full_path,
		.xRandomness = fs_random,
		.xSleep = fs_sleep,
		.xCurrentTime = fs_time,
		.xGetLastError = fs_last_error,
		.xCurrentTimeInt64 = fs_time_i64,
	};
	if (!v->os)
		err = MO_EBUG;
	else if (v->lock && sqlite3_vfs_register(&v->base, 0) == SQLITE_OK)
		err = 0;
	if (err) {
		sqlite3_mutex_free(v->lock);
		free(v);
	}
out:
	sqlite3_mutex_leave(guard);
	if (!err)
		*ret = v;
	return err;
}

const char *sqlitevfs_name(const struct sqlitevfs *v) { return v->name; }

void sqlitevfs_release(struct sqlitevfs *v)
{
	if (!v)
		return;
	sqlite3_mutex *guard = sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1);
	sqlite3_mutex_enter(guard);
	if (--v->users == 0) {
		sqlite3_vfs_unregister(&v->base);
		sqlite3_mutex_free(v->lock);
		free(v);
	}
	sqlite3_mutex_leave(guard);
}
