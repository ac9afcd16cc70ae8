/* A folder made again from a snapshot, and a snapshot read through without one
 * (docs/formats/backup.md, Restore).
 *
 * DIR/restoring is written first and names the snapshot; DIR/format comes when
 * all else is durable: a folder in between is no node, and the same call goes
 * through to the end. */
#ifndef MO_NODE_RESTORE_H
#define MO_NODE_RESTORE_H

#include "node/archive.h"

enum restore_as { RESTORE_MOVE, RESTORE_COPY };
struct restore_options {
	struct vfs *vfs;
	const char *source, *dir;
	const char *snapshot; /* NULL: the newest, or the one that was begun in dir */
	enum restore_as as;
	int64_t now_ns;
	bool (*stop)(void *arg); /* asked between pieces: true ends it with MO_ECANCELED; NULL: nobody does */
	void *stop_arg;
};
struct restore_report {
	char id[ARCHIVE_ID];  /* of the snapshot */
	int64_t t_ns;         /* when it was made */
	uint64_t files, bytes;
	struct uuid node;     /* whose folder it is now */
	bool new_key;         /* a signing key was made */
};
/* MO_ESTATE: dir is not empty, or half restored from another snapshot; MO_EEXIST: holds a node; MO_ENOENT, MO_ECORRUPT name what is missing or
 * damaged; MO_EVERSION: a newer program's. */
MO_MUST_USE int restore_run(const struct restore_options *o, struct restore_report *ret, struct diag *d);

/* Reads every piece of a snapshot (NULL: the newest); one diag per finding: MO_ENOENT or MO_ECORRUPT, file is the piece, {0} the
 * file of the node that needs it. 0 also when there were findings. */
MO_MUST_USE int restore_verify(struct vfs *vfs, const char *source, const char *snapshot, void (*found)(void *arg, const struct diag *d), void *arg,
	struct restore_report *ret, struct diag *d);

#endif
