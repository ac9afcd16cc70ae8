/* The index of the write-ahead log and its locks, in this process's memory (https://sqlite.org/walformat.html, 2). */
#include "store/priv/sqlitevfs.h"

#include <stdlib.h>

#include "store/priv/pages.h"

#define SHM_FRAMES_AT 16 /* in its first region, 2.1.1: frames that are committed, in the machine's byte order */

int sqlitevfs_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret)
{
	struct file *f = (struct file *)base;
	struct node *n = f->node;
	int rc = SQLITE_OK;
	*ret = NULL;
	if (!f->locks || region < 0 || (unsigned)region >= SHM_REGIONS_MAX || size <= 0)
		return SQLITE_IOERR_SHMMAP;
	sqlite3_mutex_enter(f->v->lock);
	if (!f->mapped) {
		f->mapped = true;
		n->mapped++;
	}
	while (extend && n->n_regions <= (unsigned)region) {
		void *p = calloc(1, (size_t)size);
		if (!p) {
			rc = SQLITE_IOERR_NOMEM;
			break;
		}
		n->region[n->n_regions++] = p;
	}
	if (rc == SQLITE_OK && (unsigned)region < n->n_regions)
		*ret = n->region[region];
	sqlite3_mutex_leave(f->v->lock);
	return rc;
}

/* Frames that a writer wrote and did not commit go with it: left behind the end of the log, they would look like what a damaged frame cut off
 * (logmend.h). Where that cannot be done, the next transaction writes over them, as it always did. */
static void cut_log(struct file *f)
{
	uint32_t frames;
	if (!f->log || atomic_load(&f->node->unsure_from) == UINT64_MAX || node_failed(f))
		return;
	sqlite3_mutex_enter(f->v->lock);
	const uint8_t *index = f->node->n_regions ? f->node->region[0] : NULL;
	sqlite3_mutex_leave(f->v->lock);
	if (!index)
		return;
	memcpy(&frames, index + SHM_FRAMES_AT, sizeof frames); /* who holds the lock for writing alone changes it */
	if (f->node->unsure_to > frames)
		(void)!vfs_truncate(f->log->f, WAL_HEADER + (uint64_t)frames * WAL_FRAME);
}

int sqlitevfs_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
	struct file *f = (struct file *)base;
	struct node *n = f->node;
	int rc = SQLITE_OK;
	if ((flags & SQLITE_SHM_UNLOCK) && offset == SHM_WRITE_LOCK && (f->shm_exclusive & 1u << SHM_WRITE_LOCK))
		cut_log(f);
	sqlite3_mutex_enter(f->v->lock);
	for (int i = offset; i < offset + count && !(flags & SQLITE_SHM_UNLOCK); i++) {
		bool mine = (f->shm_shared >> i) & 1;
		if (n->shm_exclusive[i] && n->shm_exclusive[i] != f)
			rc = SQLITE_BUSY;
		if ((flags & SQLITE_SHM_EXCLUSIVE) && n->shm_shared[i] > (mine ? 1u : 0u))
			rc = SQLITE_BUSY;
	}
	for (int i = offset; i < offset + count && rc == SQLITE_OK; i++) {
		uint16_t bit = (uint16_t)(1u << i);
		if (flags & SQLITE_SHM_UNLOCK) {
			if (f->shm_exclusive & bit) {
				n->shm_exclusive[i] = NULL;
				if (i == SHM_WRITE_LOCK) /* what was written is committed, or nobody will read it */
					atomic_store(&n->unsure_from, UINT64_MAX);
			}
			if (f->shm_shared & bit)
				n->shm_shared[i]--;
			f->shm_exclusive = (uint16_t)(f->shm_exclusive & ~bit);
			f->shm_shared = (uint16_t)(f->shm_shared & ~bit);
		} else if (flags & SQLITE_SHM_SHARED) {
			if (!(f->shm_shared & bit))
				n->shm_shared[i]++;
			f->shm_shared |= bit;
		} else {
			n->shm_exclusive[i] = f;
			f->shm_exclusive |= bit;
		}
	}
	sqlite3_mutex_leave(f->v->lock);
	return rc;
}

void sqlitevfs_shm_barrier(sqlite3_file *base)
{
	struct file *f = (struct file *)base;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	sqlite3_mutex_enter(f->v->lock);
	sqlite3_mutex_leave(f->v->lock);
}

int sqlitevfs_shm_unmap(sqlite3_file *base, int erase)
{
	struct file *f = (struct file *)base;
	struct node *n = f->node;
	(void)erase; /* memory goes with its last user; the next one rebuilds it from the WAL */
	if (!f->mapped)
		return SQLITE_OK;
	(void)sqlitevfs_shm_lock(base, 0, SQLITE_SHM_NLOCK, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
	sqlite3_mutex_enter(f->v->lock);
	f->mapped = false;
	if (--n->mapped == 0) {
		for (unsigned i = 0; i < n->n_regions; i++)
			free(n->region[i]);
		n->n_regions = 0;
	}
	sqlite3_mutex_leave(f->v->lock);
	return SQLITE_OK;
}
