/* The log (docs/formats/series.md, Log): records in preallocated, recycled
 * files; the only thing between an append and its acknowledgement.
 *
 * One thread appends and syncs; another may retire files meanwhile (the lists
 * of files have a mutex of their own). States: OPEN -> FAILED (a failed write
 * or sync is final: what is in the file is unknown from then on). A new file
 * that cannot be made is an error of that call alone: nothing was written yet. */
#ifndef MO_SERIES_WAL_H
#define MO_SERIES_WAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "series/priv/format.h"
#include "series/series.h"

#define WAL_RECORD_HEAD 16u
#define WAL_PAYLOAD_MAX (SBATCH_BYTES_MAX + 65536u)
#define WAL_POOL_MAX 2u
#define WAL_FILE_MIN 4096u
#define WAL_WRITE_THROUGH (1u << 20) /* pending bytes past which they are written before the sync */
enum wal_type { WAL_DEFINE = 1, WAL_BATCH = 2 };

/* ---- reading one file ---- */
struct walscan {
	struct span file;
	uint64_t epoch, start;
	size_t at; /* offset of the next record */
};
struct walrec {
	uint8_t type;
	struct span payload;
	uint64_t end; /* log position behind it */
	size_t offset;
};
/* The header was checked by the caller. */
void walscan_init(struct walscan *s, struct span file, const struct fheader *h);
/* False at the end of the longest valid prefix. */
bool walscan_next(struct walscan *s, struct walrec *ret);
/* Bytes behind the prefix that this epoch has left there; 0: the file ends whole. */
uint64_t walscan_torn(const struct walscan *s);
static inline uint64_t walscan_position(const struct walscan *s)
{
	return s->start + (s->at - FHEADER_BYTES);
}

/* ---- the log ---- */
struct wal_file {
	uint64_t number, start, size;
};
struct wal_list {
	struct wal_file *f;
	size_t n, cap;
};
struct wal {
	struct vfs *vfs;
	const char *dir; /* borrowed */
	uint64_t file_bytes;
	struct vfs_file *f;
	uint64_t start, size, at, pending_at, lsn, number, next_number;
	struct buf pending;
	bool dirty, failed, first;
	char *sync_before; /* the last file of the run before: synced before anything follows it */
	_Atomic uint64_t synced, syncs;
	pthread_mutex_t mu; /* live, pool, pins */
	struct wal_list live, pool;
	unsigned pins; /* somebody reads the live files: none of them is pooled or unlinked */
};

void wal_init(struct wal *w, struct vfs *vfs, const char *dir, uint64_t file_bytes);
void wal_free(struct wal *w);
/* Reads what stands there, in order, records past `upto` only. apply: 0, MO_ECORRUPT (contradiction: ends the walk), or an error. */
MO_MUST_USE int wal_recover(struct wal *w, uint64_t upto, bool read_only, int (*apply)(void *arg, uint8_t type, struct span payload),
        void *arg, struct sdb_recovery *rec, struct diag *d);
/* Begins the file of this run now rather than with its first record. */
MO_MUST_USE int wal_begin(struct wal *w, struct diag *d);
/* Room for a payload of at most n bytes; *ret is where it goes, until wal_commit or the next call. */
MO_MUST_USE int wal_reserve(struct wal *w, size_t n, uint8_t **ret, struct diag *d);
void wal_commit(struct wal *w, uint8_t type, size_t n);
/* Takes back the last wal_commit; nothing else was called in between. */
void wal_rollback(struct wal *w, size_t n);
/* Writes early what has piled up. */
MO_MUST_USE int wal_write_through(struct wal *w, struct diag *d);
MO_MUST_USE int wal_sync(struct wal *w, struct diag *d);
/* Files that hold nothing past `upto` are pooled or unlinked. Another thread. */
MO_MUST_USE int wal_retire(struct wal *w, uint64_t upto);
/* The live files, in order; each stays what it is until wal_unpin(). The caller frees *ret. Any thread. */
MO_MUST_USE int wal_pin(struct wal *w, struct wal_file **ret, size_t *ret_n);
void wal_unpin(struct wal *w);
uint64_t wal_live_bytes(struct wal *w);
size_t wal_live_files(struct wal *w);

#endif
