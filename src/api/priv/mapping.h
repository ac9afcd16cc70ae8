/* What is remembered of files of one shape: how they are read, and whose they
 * are (docs/formats/csv.md). Kept in the store as DOC_MAPPING. */
#ifndef MO_API_PRIV_MAPPING_H
#define MO_API_PRIV_MAPPING_H

#include "intake/intake.h"
#include "node/node.h"

/* The proposal for a file of that head, or what was remembered for its shape. Errors as intake_propose() has them, and the store's; not all
 * of them have words. */
MO_MUST_USE int mapping_propose(struct intake_plan *plan, struct arena *a, struct node *n, struct store_reader *r, struct span head, bool whole, const char *name,
	struct diag *d);
/* The mapping to keep for this shape: the first reading of it, later what a person corrected. Nothing in out: the one that is there stays.
 * zone: the node's, which is not kept. */
MO_MUST_USE int mapping_remember(struct buf *out, struct store_reader *r, struct arena *a, const char *shape, const struct intake_plan *plan, struct span name,
	struct span zone, bool corrected);

#endif
