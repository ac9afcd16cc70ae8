/* Restore drills beside the running node: asked for by page or API, or due by
 * the settings (backup.drill) once the target holds a good backup; one at a time, on a thread of their own (a drill reads and writes as much as a whole
 * backup, and the workers are for those who wait).
 *
 *   IDLE --asked or due--> RUNNING --done, failed, given up--> IDLE
 *
 * The last result is a mark of the store and an audit entry. */
#ifndef MO_NODE_DRILLS_H
#define MO_NODE_DRILLS_H

#include "node/drill.h"
#include "node/node.h"

#define DRILLS_MARK "drill_last"
#define DRILLS_RETRY_NS (3600 * NS_PER_S) /* after a due one could not be made, as its share was away or the disk full */
#define DRILLS_LISTED_MAX 20u /* findings that are kept in words */

/* How one ended, for the mark and the audit. */
struct drills_outcome {
	struct span target, who, from; /* from: address; empty: this PC */
	int64_t t_ns, took_ms;
	int err;
	struct drill_report report;
	struct span findings;          /* JSON: the first ones as [{"code","ko","en"}…] */
	struct span why;               /* JSON {"code","ko","en"}; empty where it went through */
};
/* outcome: struct drills_outcome. Good is one that went through without a finding. */
MO_MUST_USE int drills_put_outcome(struct store *s, const void *outcome, int64_t now_ns, struct diag *d);

struct drills;
MO_MUST_USE int drills_new(struct drills **ret, struct node *n, struct store_reader *r);
/* Waits for the thread, which notices that the node ends. While the store thread still runs. */
void drills_stop(struct drills *q);
void drills_free(struct drills *q);
/* Loop thread, once a second: what a killed one left is removed, on a worker; begins what is due. */
void drills_tick(struct drills *q);
/* Loop thread. MO_EAGAIN: one runs, or a backup; MO_EINVAL: the settings name no target. */
MO_MUST_USE int drills_run(struct drills *q, struct span who, struct span from, struct diag *d);
bool drills_running(struct drills *q); /* any thread */
/* Any thread. last: the mark, JSON, empty: none; the caller frees. */
void drills_state(struct drills *q, bool *ret_running, int64_t *ret_last_ns, struct buf *last);

#endif
