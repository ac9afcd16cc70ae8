/* A node's folder in files of memory, for sweeps: made once, copied for each pass; and a node on it whose loop the test turns. */
#ifndef MO_TESTS_PLANT_H
#define MO_TESTS_PLANT_H

#include "cm.h"

#include "node/node.h"

#define PLANT "plant" /* the folder's name */
#define PLANT_NOW_NS (INT64_C(1763770000) * NS_PER_S)

/* Files of memory with Seoul's zone in them, read once from the machine's own, and nothing else. */
struct vfs *plant_files(uint64_t seed);
/* folder_init() with the settings of all these tests. */
int plant_init(struct vfs *v, struct diag *d);
/* plant_files() with the folder of a new node, the same in each. */
struct vfs *plant_new(uint64_t seed);
/* plant_files() with a copy of the folder in `base`. */
struct vfs *plant_copy(struct vfs *base, uint64_t seed);
/* Offline, not listening; every diag that is said must have words. */
struct node_options plant_options(void);
/* Opens and starts; asserts that this goes, and that nothing was set aside. */
void plant_open(struct node **ret, struct vfs *v);

/* The loop of a node that runs on the test's own thread. */
struct loopturn {
	struct loop *loop;
	struct loop_timer *timer;
};
void loopturn_init(struct loopturn *t, struct loop *loop);
/* Runs the loop for that long; 0: what is due. */
void loopturn_run(struct loopturn *t, int64_t ns);
void loopturn_free(struct loopturn *t);

#endif
