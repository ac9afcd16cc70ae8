/* What the files of the file system for SQLite share: sqlitevfs.c files, their locks and pages; sqlitevfs_shm.c the index of the write-ahead log. */
#ifndef MO_STORE_PRIV_SQLITEVFS_H
#define MO_STORE_PRIV_SQLITEVFS_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "store/priv/logmend.h"
#include "store/sqlitevfs.h"

#define PATH_BYTES_MAX 4096
#define SECTOR_BYTES 4096
#define REWRITE_BYTES 65536u
#define SHM_WRITE_LOCK 0 /* the slots of the index: https://sqlite.org/walformat.html, 2.3 */
#define SHM_READ_LOCK 3 /* the first of the five read locks among the slots of the index */
#define SHM_REGIONS_MAX 4096u /* of 32 KiB: a WAL of some 16 million pages */

struct node {
	struct node *next;
	char *path;
	unsigned handles;
	bool failed;
	/* the five-level lock of "File Locking And Concurrency", 3 */
	unsigned shared;
	const struct file *reserved, *pending, *exclusive;
	/* WAL index */
	void *region[SHM_REGIONS_MAX];
	unsigned n_regions, mapped; /* mapped: handles that use it */
	unsigned shm_shared[SQLITE_SHM_NLOCK];
	const struct file *shm_exclusive[SQLITE_SHM_NLOCK];
	/* checksums */
	atomic_bool known, tails;   /* whether the pages have them */
	atomic_bool presumed;       /* page 1 was not written yet; one that says otherwise comes too late */
	struct log_damage log;
	uint64_t unsure_to;         /* the writer's */
	atomic_uint_fast64_t unsure_from; /* frames of the log from here on are of the open transaction, which writes them anew as it likes */
	struct sqlitevfs_damage damaged[SQLITEVFS_DAMAGE_MAX];
	size_t n_damaged;
};
struct sqlitevfs {
	sqlite3_vfs base; /* first: SQLite gives it back */
	struct vfs *vfs;
	sqlite3_vfs *os;  /* SQLite's own, for sleeping and the date */
	sqlite3_mutex *lock;
	struct node *nodes;
	unsigned users;
	char name[48];
};
struct file {
	sqlite3_file base; /* first */
	struct sqlitevfs *v;
	struct vfs_file *f;
	struct node *node;
	char *path;
	int level;         /* SQLITE_LOCK_* */
	uint16_t shm_shared, shm_exclusive; /* bits of slots this handle holds */
	bool mapped;
	bool sync_dir;     /* made by this handle: its name is synced with its first content */
	bool unlink_on_close;
	bool locks;        /* the main file: the one that is locked and has an index */
	struct file *of_log; /* this is the log; the main file of the same connection */
	struct file *log;    /* and the other way */
	bool in_checkpoint;
	bool wrote;          /* a page, by this handle */
	struct sqlitevfs_damage refused; /* page 0: none */
};

static inline bool node_failed(struct file *f)
{
	sqlite3_mutex_enter(f->v->lock);
	bool failed = f->node->failed;
	sqlite3_mutex_leave(f->v->lock);
	return failed;
}

/* Methods of an open file. */
int sqlitevfs_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret);
int sqlitevfs_shm_lock(sqlite3_file *base, int offset, int count, int flags);
void sqlitevfs_shm_barrier(sqlite3_file *base);
int sqlitevfs_shm_unmap(sqlite3_file *base, int erase);

#endif
