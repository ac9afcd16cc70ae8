/* The disk beside the running node: who looks and when, what is said when its
 * state changes, and what the device was made to write. */
#ifndef MO_NODE_DISKS_H
#define MO_NODE_DISKS_H

#include "node/disk.h"

struct node;
struct disks;
/* From the settings that hold; looks once. MO_ENOMEM. */
MO_MUST_USE int disks_new(struct disks **ret, struct node *n);
/* Workers have ended. NULL is fine. */
void disks_free(struct disks *k);
struct disk *disks_disk(struct disks *k);
/* Loop thread, once a second: has a worker look. */
void disks_tick(struct disks *k, int64_t mono_ns);

/* Bytes that the process made devices write, for bytes that it took in (docs/metrics.md), both since the start. */
struct disks_written {
	bool known; /* false: the kernel does not tell */
	uint64_t device_bytes, taken_bytes;
};
void disks_written(struct node *n, struct disks_written *ret); /* any thread */
double disks_ratio(const struct disks_written *w);              /* 0: nothing was taken in */

#endif
