/* A vfs in front of another that swallows syncs, or writes a bit wrong: the planted mistake that the oracle must see. */
#ifndef MO_TESTS_NOSYNC_H
#define MO_TESTS_NOSYNC_H

#include "os/vfs.h"

struct nosync {
	struct vfs v;
	struct vfs *below;
	bool files, folders; /* which syncs are swallowed */
	bool flip;           /* the last bit of each write is turned */
	const char *only;    /* files whose path holds this; NULL: all */
};
void nosync_init(struct nosync *n, struct vfs *below);

#endif
