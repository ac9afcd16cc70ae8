/* Who reads files of blobs by a list made before (a backup, an export, a check)
 * holds them: none goes meanwhile. Any thread. */
#ifndef MO_NODE_FILEHOLD_H
#define MO_NODE_FILEHOLD_H

#include <stdbool.h>

#include "base/err.h"
#include "os/thread.h"

struct filehold {
	pthread_mutex_t mu;
	pthread_cond_t cond;
	unsigned holders;
	bool sweeping;
};
void filehold_init(struct filehold *h);
void filehold_destroy(struct filehold *h);
/* Waits for the end of a slice that is being swept: not on the loop's thread, nor the store's. */
void filehold_take(struct filehold *h);
void filehold_give(struct filehold *h);
/* MO_EBUSY: somebody holds them. One slice at a time. */
MO_MUST_USE int filehold_sweep_begin(struct filehold *h);
void filehold_sweep_end(struct filehold *h);

#endif
