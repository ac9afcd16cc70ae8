/* What the files of the collectors share: device documents (device_doc.c) and
 * live tests (probe.c). */
#ifndef MO_NODE_PRIV_COLLECT_H
#define MO_NODE_PRIV_COLLECT_H

#include "node/collect.h"

/* The node's own part of a device document. */
struct device_doc {
	struct machine_info info;
	const struct driver_ops *ops; /* NULL: a machine that pushes */
	bool enabled;
};
/* MO_EINVAL: the diag names field, value, expected. MO_ENOMEM, MO_ELIMIT. Any thread. */
MO_MUST_USE int device_doc_read(struct device_doc *ret, struct span json, struct diag *d);

/* Live tests under way are in *list. Errors as collect_test(). Loop thread. */
struct probe;
MO_MUST_USE int probe_start(struct probe **list, struct loop *l, struct span json, void (*done)(void *arg, const struct device_test *t), void *arg,
	struct diag *d);
/* Ends them all now: each done() hears of the outcome so far. */
void probe_end_all(struct probe **list);

#endif
