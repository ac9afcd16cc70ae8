/* Files of one vfs in another, synced: so that each pass of a sweep begins with the same folder. */
#ifndef MO_TESTS_COPYTREE_H
#define MO_TESTS_COPYTREE_H

#include "os/vfs.h"

/* The folder dir with all below it, under the same name. Fails the test where that does not go. */
void copy_tree(struct vfs *from, struct vfs *to, const char *dir);

#endif
