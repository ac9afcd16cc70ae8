/* The keys of people's names between a node and the targets of its backups, and erasing a person (store/people.h, docs/people.md).
 *
 * A target holds the keys once, as they are now, and not in each snapshot: so what was erased stays so, whichever snapshot is restored. */
#ifndef MO_NODE_ERASE_H
#define MO_NODE_ERASE_H

#include "node/archive.h"
#include "node/folder.h"
#include "store/people.h"

/* What a target holds, by reading it. */
struct erase_target {
	struct people_key *keys; /* erase_target_free() */
	size_t n;
};
void erase_target_free(struct erase_target *t);

/* DIR/secrets/people.keys to an open target whose lock is held, and again as long as it changes meanwhile. A node that has no such file, or only a damaged
 * one set aside, leaves the target's as it is. */
MO_MUST_USE int erase_put_keys(struct archive *a, struct vfs *vfs, const struct folder *f, struct diag *d);
/* The keys that a target holds now; one without the file holds none. MO_ECORRUPT. */
MO_MUST_USE int erase_read_keys(struct erase_target *ret, struct archive *a, struct diag *d);
/* Takes the present keys to a target outside of a backup, and reads back what is there. MO_ENOENT: not connected; MO_EBUSY: a backup writes there now,
 * and takes them itself. */
MO_MUST_USE int erase_reach(struct erase_target *ret, struct vfs *vfs, const struct folder *f, const char *target, struct diag *d);
/* The target's keys into a folder that is being restored; nothing where the target has none. MO_ECORRUPT names the file. */
MO_MUST_USE int erase_restore_keys(struct archive *a, struct vfs *vfs, const char *dir, struct diag *d);

#endif
