/* What a run of the rules does in the store: cases, files, the audit (in this
 * order: what a case alone refers to goes with it), slice by slice, each a job
 * of the store thread of its own.
 *
 * What a slice took is added to a mark within its transaction, so that a kill
 * loses no count: the next run goes on with it and tells the audit of both. */
#ifndef MO_NODE_PRIV_RETENTION_SWEEP_H
#define MO_NODE_PRIV_RETENTION_SWEEP_H

#include "node/retention.h"
#include "store/sweep.h"

#define RETENTION_SWEPT_MARK "retention_swept" /* mark of the store: what no audit entry tells of yet */

struct node;
struct retention_sweep {
	struct node *node;
	int64_t now_ns, before_ns[RETENTION_CLASSES]; /* INT64_MIN: no rule */
	struct store_swept did[RETENTION_CLASSES];
	struct blob_marks *marks;
	bool held; /* files were held by somebody: they wait for the next run */
};
/* What is left from before a kill. */
MO_MUST_USE int retention_sweep_load(struct retention_sweep *w, struct node *n, struct store_reader *r);
/* A run begins. */
void retention_sweep_begin(struct retention_sweep *w, const struct retention *rules, int64_t now_ns);
/* Worker: a slice of the class. MO_EAGAIN: there is more. */
MO_MUST_USE int retention_sweep_step(struct retention_sweep *w, enum retention_class c, struct store_reader *r, struct diag *d);
/* The run has ended, however. */
void retention_sweep_end(struct retention_sweep *w);
/* Whether something was taken that the audit does not tell of. */
bool retention_sweep_owes(const struct retention_sweep *w);
/* Store thread: an entry for each class with a rule, or that something was taken of, and the mark is empty. */
MO_MUST_USE int retention_sweep_tell(const struct retention_sweep *w, struct store *s, int64_t version, struct diag *d);
/* Store thread's commit of that stands: nothing is owed any more. */
void retention_sweep_told(struct retention_sweep *w);

#endif
