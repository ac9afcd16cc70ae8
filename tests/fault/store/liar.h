/* A file system that lies: it says that something was synced and does not do
 * it. The oracle of a sweep that does not notice is worth nothing. */
#ifndef MO_TESTS_FAULT_LIAR_H
#define MO_TESTS_FAULT_LIAR_H

#include "os/vfs.h"

/* Borrows below. Syncs of files whose path ends with `suffix` are skipped; with suffix NULL, those of folders. */
int liar_new(struct vfs **ret, struct vfs *below, const char *suffix);

#endif
