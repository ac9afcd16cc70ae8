/* How the node's last run ended, and the traces of its crashes.
 *
 *   DIR/run/crash                        os/crash.h; there while a node runs, and after a run that had no orderly end
 *   DIR/crashes/000003-20261122T101500Z.txt   a trace of the same form: the third crash of this folder; the newest CRASHES_KEPT stay
 *   DIR/crashes/state                    "moru-crashes 1\nunclean N\nseen N\n": runs that ended without a word; the last crash that a person
 *                                        has dismissed
 *
 * The number of the newest trace is the count of crashes, so that nothing has
 * to be written in step with the move. Nothing of this keeps a node from
 * starting: what cannot be read or moved is said. */
#ifndef MO_NODE_CRASHES_H
#define MO_NODE_CRASHES_H

#include "base/diag.h"
#include "os/crash.h"
#include "os/vfs.h"

#define CRASHES_KEPT 20u
#define CRASHES_NAME_MAX 48u

struct crashes;
/* The folder is ours. Moves what the last run left, prunes, and says through `say` how it ended when that was not orderly. Borrows vfs. MO_ENOMEM. */
MO_MUST_USE int crashes_open(struct crashes **ret, struct vfs *vfs, const char *dir, void (*say)(void *arg, const char *level, const struct diag *d), void *arg);
void crashes_free(struct crashes *c);
/* Since the folder was made: as they stood at the start; of NULL: none, also of a c that is NULL. Any thread. */
void crashes_count(const struct crashes *c, uint64_t *ret_crashes, uint64_t *ret_unclean);
/* The newest crash that nobody has dismissed, and the name of its trace in DIR/crashes; both live as long as c. NULL: none, also of a c that is NULL. Any thread. */
const struct crash_report *crashes_shown(struct crashes *c, const char **ret_name);
/* A person has seen it; durable. Blocks. Any thread but the loop. MO_ENOENT: there is none. */
MO_MUST_USE int crashes_dismiss(struct crashes *c, struct diag *d);

#endif
