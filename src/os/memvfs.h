/* Files in memory that forget what was not synced, and fail on order.
 * One mutex; safe from several threads. Paths are plain keys with '/' folders
 * ("/a", "a" and "./a" are one; ".." is MO_EINVAL); a folder must exist.
 *
 * What a power cut (memvfs_crash) may leave, all drawn from the seed:
 *  - of each 512-byte sector, the content after any one of its unsynced writes
 *    or none; within a sector a later write never stands without the earlier;
 *  - of the size, any value it had since the last sync, so that a grown part may be
 *    zeros. Cutting (truncate below the size) is one step: either it did not
 *    happen, and with it nothing that was written after it, or it did;
 *  - of each unsynced create, rename, unlink, mkdir and rmdir, kept or forgotten
 *    by itself. A rename within a folder is one step: its target is always the
 *    old file or the new. Between folders a file may stand under both names,
 *    never under none; it is durable under the new name by vfs_sync_dir() of
 *    the new folder, and gone from the old one when both are synced;
 *  - a folder whose own name is forgotten takes all that is in it along.
 * A sync that fails by a fault makes such a draw on the spot, and a later good
 * one does not cover what was lost then, although reads still show it.
 * Modes (secret) are not kept; mtime counts operations, a millisecond each.
 * Close every file before vfs_free(). A view by vfs_map() is a copy, and stays
 * readable over a crash until vfs_unmap(). */
#ifndef MO_OS_MEMVFS_H
#define MO_OS_MEMVFS_H

#include "os/vfs.h"

/* N counts from memvfs_set_faults(). Every operation that answers counts, reads and stat too; only close and unmap do not.
 * A failed one changes nothing but by short_write or a failed sync. One at which the power goes may have happened. */
struct memvfs_faults {
	uint64_t fail_at;   /* the Nth operation from now (1-based) fails with `err`; 0: none */
	int err;            /* MO_EIO or MO_EFULL */
	bool forever;       /* every operation after it fails too (a dead disk) */
	bool short_write;   /* a failing pwrite leaves a prefix behind */
	uint64_t crash_at;  /* at the Nth operation the power goes: it and all later ones fail with MO_EIO until memvfs_crash() */
	uint64_t space_bytes; /* sum of the sizes of all files; 0: endless; growing past it is MO_EFULL (space() tells) */
	int64_t sync_delay_ns;/* added to each sync */
};

/* Gives a vfs; it and its files live until vfs_free(). */
MO_MUST_USE int memvfs_new(struct vfs **ret, uint64_t seed);
/* Replaces what was set; NULL: none. Does not bring the power back. */
void memvfs_set_faults(struct vfs *v, const struct memvfs_faults *f);
/* Operations so far, failed ones included. */
uint64_t memvfs_ops(struct vfs *v);
uint64_t memvfs_syncs(struct vfs *v); /* successful file syncs */
/* The power fails now: all handles become dead, faults are cleared, each file
 * goes back to its synced content plus a random subset (by the seed) of its
 * unsynced writes in 512-byte sectors; unsynced names, renames and unlinks are
 * each kept or forgotten at random. `lose_all` forgets everything unsynced. */
void memvfs_crash(struct vfs *v, bool lose_all);
/* Flips one bit of a file's content, durable and seen; MO_ENOENT; MO_EINVAL past its durable end. No operation. */
MO_MUST_USE int memvfs_flip(struct vfs *v, const char *path, uint64_t bit);

/* A vfs in front of another that adds delay_ns to every sync (files and folders): for timed demos and benches. Borrows `below`. */
MO_MUST_USE int slowvfs_new(struct vfs **ret, struct vfs *below, int64_t sync_delay_ns);

#endif
