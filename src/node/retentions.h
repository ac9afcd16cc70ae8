/* Applying the rules of retention beside the running node: once a night, at the
 * start when the last night was missed or a run was not finished, and when the
 * rules were changed.
 *
 *   IDLE --due--> RUNNING --done, failed--> IDLE
 *
 * A run is a row of turns of a worker, each of which has the flush thread write
 * at most one segment anew (sdb_drop), or the store thread take one slice of
 * cases, files or audit (priv/retention_sweep.h). Each that was whole writes an
 * audit entry for each class and a mark. One that ended early goes on in
 * RETENTIONS_RETRY_NS, or by the next start; so do files that a backup, an
 * export or a check held. Nothing is applied by a clock that has just leapt ahead:
 * where it is wrong, everything would look old. */
#ifndef MO_NODE_RETENTIONS_H
#define MO_NODE_RETENTIONS_H

#include "base/buf.h"
#include "node/retention.h"

#define RETENTIONS_DOC "retention"            /* the rules' document, of class setting */
#define RETENTIONS_MARK "retention_last"      /* mark of the store: the last application */
#define RETENTIONS_HOUR 3                     /* of the night, in the node's zone */
#define RETENTIONS_RETRY_NS (600 * NS_PER_S)

struct node;
struct store_reader;
struct retentions;
MO_MUST_USE int retentions_new(struct retentions **ret, struct node *n, struct store_reader *r);
/* Workers have ended. NULL is fine. */
void retentions_free(struct retentions *k);
/* Loop thread, once a second: begins what is due. */
void retentions_tick(struct retentions *k);
/* Any thread: the rules were stored; they are applied soon. MO_ENOMEM: with the next start. */
MO_MUST_USE int retentions_changed(struct retentions *k, struct span json, int64_t version);

struct retentions_state {
	bool running, waits; /* waits: for the clock to be believed */
	struct buf last;     /* the mark, JSON; empty: none yet. The caller frees */
};
void retentions_state(struct retentions *k, struct retentions_state *ret);

#endif
