/* How full the file system of the node's folder is, and what is still taken.
 *
 *               disk.warn        disk.spare       disk.no_blobs       disk.no_values
 *   PLENTY <------------> WARN <----------> SPARE <-------------> NO_BLOBS <------------> NO_VALUES
 *
 *   PLENTY     everything
 *   WARN       everything; it is said
 *   SPARE      no optional work: segments are not merged, no scheduled backup onto the same file system
 *   NO_BLOBS   nor files: no upload, import, or file of the watched folder (it waits there)
 *   NO_VALUES  nor values and records
 *
 * Any state may follow any other: each look gives the worst whose mark is
 * passed. A mark is passed when so many percent are used, or when less than
 * 4, 3, 2, 1 times disk.reserve is free (WARN ... NO_VALUES), so that small
 * disks warn first, too. A state is left when both marks are passed back by
 * DISK_BACK_PERCENT and a quarter of the reserve. In every state the node
 * reads, starts, ends, syncs, flushes its heads, lets people log in, keeps
 * settings, cases and audit, and applies the rules of retention: the reserve is
 * for that. */
#ifndef MO_NODE_DISK_H
#define MO_NODE_DISK_H

#include "base/civil.h"
#include "base/diag.h"
#include "os/vfs.h"

enum disk_state { DISK_PLENTY, DISK_WARN, DISK_SPARE, DISK_NO_BLOBS, DISK_NO_VALUES, DISK_STATES };
enum disk_want { DISK_OPTIONAL, DISK_BLOBS, DISK_VALUES, DISK_WANTS };

#define DISK_LOOK_NS (200 * NS_PER_MS)  /* no more often than that, whoever asks */
#define DISK_EVERY_NS (2 * NS_PER_S)    /* by itself */
#define DISK_BACK_PERCENT 2

struct disk_marks {
	int64_t percent[DISK_STATES]; /* used; [DISK_PLENTY] means nothing */
	int64_t reserve_bytes;
};
const char *disk_state_name(enum disk_state s); /* "plenty", "warn", "spare", "no_blobs", "no_values" */
/* The state that follows `was`. A file system that tells no size (0) has plenty. */
enum disk_state disk_judge(const struct disk_marks *m, enum disk_state was, uint64_t free_bytes, uint64_t size_bytes);

struct disk;
/* Borrows vfs and path. said (may be NULL) is told of every change, on the thread that looked. */
MO_MUST_USE int disk_new(struct disk **ret, struct vfs *vfs, const char *path, const struct disk_marks *m,
	void (*said)(void *arg, enum disk_state from, enum disk_state to), void *arg);
void disk_free(struct disk *k);
void disk_set_marks(struct disk *k, const struct disk_marks *m);
/* Any thread that may wait for the disk; at once when the last look is younger than DISK_LOOK_NS. One that fails leaves all as it was: what
 * is wrong with the disk is said by whoever writes to it. */
void disk_look(struct disk *k, int64_t mono_ns);
enum disk_state disk_state(const struct disk *k); /* any thread; PLENTY of NULL */
/* 0, or MO_EFULL in words, counted. Any thread. NULL allows everything. */
MO_MUST_USE int disk_allows(struct disk *k, enum disk_want want, struct diag *d);
/* Bytes of files and records that were taken in. */
void disk_taken(struct disk *k, uint64_t bytes);
/* Values that were read from a machine and had no room: nobody can send them again. */
void disk_lost(struct disk *k, uint64_t values);

struct disk_now {
	enum disk_state state;
	bool known; /* looked at least once */
	uint64_t free_bytes, size_bytes;
	uint64_t refused[DISK_WANTS]; /* since the start */
	uint64_t lost;                /* values, since the start */
	uint64_t taken_bytes;         /* of files and records, since the start */
	struct disk_marks marks;
};
void disk_read(struct disk *k, struct disk_now *ret); /* any thread; of NULL: nothing known */

#endif
