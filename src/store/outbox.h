/* How far each sink has got in the change feed (node/outbox.h sends), and what
 * its receiver refused. All calls belong into the writer's transaction
 * (store/store.h); none of them is in the change feed itself. */
#ifndef MO_STORE_OUTBOX_H
#define MO_STORE_OUTBOX_H

#include "store/store.h"

#define OUTBOX_REASON_MAX 256u /* bytes kept of what a receiver said */

/* The row of a sink, made at `cursor` (the last change that it is not to get) where there is none; `node` is who sends from now on: a copy of
 * the folder is another node, and sends nothing until it was told to. */
MO_MUST_USE int store_outbox_put(struct store *s, struct span sink, const struct uuid *node, int64_t cursor, int64_t *ret_id, struct diag *d);
/* With all that was set aside. No row: nothing to do. */
MO_MUST_USE int store_outbox_drop(struct store *s, struct span sink, struct diag *d);
/* All changes up to `cursor` are done with, n of them by messages that arrived at now_ns (T_NONE: none was sent). MO_ENOENT: no such row, or it
 * is further already. */
MO_MUST_USE int store_outbox_sent(struct store *s, int64_t id, int64_t cursor, int64_t n, int64_t now_ns, struct diag *d);
/* The changes after the cursor up to `to` are left out: they join the gap that the receiver has not been told of yet. MO_ENOENT. */
MO_MUST_USE int store_outbox_gap(struct store *s, int64_t id, int64_t to, struct diag *d);
/* The receiver knows of the gap up to `to`. A gap that has grown since stays. */
MO_MUST_USE int store_outbox_told(struct store *s, int64_t id, int64_t to, int64_t now_ns, struct diag *d);
/* Change `number` was refused for good: set aside with the HTTP status and what was said (cut to OUTBOX_REASON_MAX), and the cursor moves to it
 * when it is behind. One that was set aside before and sent again stays, with the new reason. */
MO_MUST_USE int store_outbox_aside(struct store *s, int64_t id, int64_t number, int status, struct span reason, int64_t now_ns, struct diag *d);
/* A message that was set aside is sent again, or not at all. `aside` is its row of that sink. MO_ENOENT. */
MO_MUST_USE int store_outbox_again(struct store *s, struct span sink, int64_t aside, struct diag *d);
MO_MUST_USE int store_outbox_forget(struct store *s, struct span sink, int64_t aside, struct diag *d);
/* One that was sent again has arrived. */
MO_MUST_USE int store_outbox_arrived(struct store *s, int64_t id, int64_t number, int64_t now_ns, struct diag *d);

#endif
