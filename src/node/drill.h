/* A restore drill: the newest snapshot of a backup target restored as a copy
 * into DIR/drill, checked as `moru check` does, held against the node that
 * runs, and removed again. What is found is said, one diag each.
 *
 *   room enough? -> restore -> check -> compare -> remove
 *
 * A kill leaves DIR/drill, which the next start or drill removes. */
#ifndef MO_NODE_DRILL_H
#define MO_NODE_DRILL_H

#include "node/restore.h"
#include "series/series.h"

#define DRILL_DIR "drill"
#define DRILL_SPARE_BYTES (UINT64_C(64) << 20) /* that stay free beside the copy */
#define DRILL_SAMPLE_EVENTS 100
#define DRILL_SAMPLE_SERIES 100u
#define DRILL_DEPTH_MAX 8u                     /* folders within DIR/drill */

struct drill_options {
	struct vfs *vfs;
	const char *dir;             /* the node's folder */
	const char *source;          /* backup target */
	const struct uuid *node;     /* whose backup it must be */
	struct sdb *sdb;             /* the node's engine */
	int64_t now_ns;              /* the PC's clock */
	bool (*stop)(void *arg);     /* true ends it with MO_ECANCELED; NULL: nobody does */
	void (*found)(void *arg, const struct diag *d); /* any number of times; d is the call's */
	void *arg;
};
struct drill_report {
	char id[ARCHIVE_ID];         /* of the snapshot; "" where none could be read */
	int64_t made_ns, newest_ns;  /* of the snapshot; of the newest value in it, T_NONE: none */
	uint64_t files, bytes;       /* restored */
	uint64_t series, events, lots; /* in the copy */
	uint64_t compared, changed;  /* answers of the sample; of those, values that were replaced since */
	uint64_t findings;
};
/* 0 also where there were findings. MO_EFULL: not enough room, nothing was written; MO_ENOENT, MO_ECORRUPT, MO_EVERSION: the target, words name
 * the file; MO_EEXIST: another node's. The copy is removed in any case; where that fails the error is said. */
MO_MUST_USE int drill_run(const struct drill_options *o, struct drill_report *ret, struct diag *d);
/* Removes what a drill left in the folder. 0 also when there is nothing. */
MO_MUST_USE int drill_clear(struct vfs *vfs, const char *dir);

#endif
