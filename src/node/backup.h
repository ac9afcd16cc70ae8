/* One backup of a folder into a target, in steps of one piece each, so that
 * whoever runs it (a worker of the node, a command) can do something else in
 * between. The order of what is taken, and why it is one point: docs/formats/backup.md.
 *
 *   SMALL -> STORE -> BLOBS -> SERIES -> COMMIT -> SWEEP -> DONE
 *
 * Nothing of the node waits: it reads, by a connection of its own and what the
 * engine holds for it. */
#ifndef MO_NODE_BACKUP_H
#define MO_NODE_BACKUP_H

#include "node/archive.h"
#include "node/folder.h"
#include "series/series.h"

#define BACKUP_CHUNK_BYTES (128u << 10)   /* of files that change in place or grow */
#define BACKUP_CHUNK_FIXED (1u << 20)     /* of files that never change */
#define BACKUP_HAS_STEP 64u               /* pieces looked for in one step */

struct backup_options {
	struct vfs *vfs;
	const struct folder *folder; /* borrowed, open */
	struct sdb *sdb;             /* of a folder that is served; NULL: this process holds its lock and nothing of it is open */
	const char *target;
	bool make;                   /* by hand: a target may be made */
	bool keys;                   /* secrets too */
	size_t keep;                 /* 0: nothing is removed */
	const char *program;         /* version */
	int64_t now_ns;              /* the PC's clock */
};
struct backup_report {
	char id[ARCHIVE_ID];         /* "" before there is a snapshot */
	int64_t t_ns;
	uint64_t files, bytes;       /* in the snapshot, or so far */
	uint64_t pieces, written;    /* new pieces; bytes written to the target */
};
struct backup;
MO_MUST_USE int backup_new(struct backup **ret, const struct backup_options *o, struct diag *d);
/* MO_EAGAIN: goes on with the next call; 0: done. Any other error is final; when report's id is set then, the backup itself is good and what
 * failed is the removal of older ones. Any thread, one at a time. */
MO_MUST_USE int backup_step(struct backup *b, struct diag *d);
void backup_report(const struct backup *b, struct backup_report *ret);
struct erase_target;
/* The keys of people that the target holds now (erase.h), for what waits to be erased there; while the target is still locked. */
MO_MUST_USE int backup_keys(struct backup *b, struct erase_target *ret);
void backup_free(struct backup *b);

#endif
