/* How many connections the node takes, and what it does with their memory when
 * they are gone. */
#ifndef MO_NODE_CONNECTIONS_H
#define MO_NODE_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define CONNECTIONS_FILES_BESIDE 1024u /* open files that are no connections: log, segments, blobs, devices, pipes */
#define CONNECTIONS_LEFT_MIN 512u      /* fewer gone are not worth a trim */

struct node;
/* Loop thread, before it listens: raises the limit of open files so that `wanted` connections have room beside what else is open, and gives
 * how many have; fewer are told in the log. */
uint32_t connections_bound(struct node *n, int64_t wanted);

/* Free memory lies between what is still in use and does not go back by itself: when most of a crowd has left, and as many stay as did a
 * moment ago, it is given back. Zeroed: nobody was there. Pure. */
struct connections_trim {
	uint32_t most, before; /* open at most since the last trim; when last asked */
};
/* Once a second. */
bool connections_trim_due(struct connections_trim *t, uint32_t open);
/* Loop thread, once a second; the trim is a worker's. */
void connections_tick(struct node *n);

#endif
