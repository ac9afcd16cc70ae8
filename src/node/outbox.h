/* The outbox: what leaves the node by itself. One target for each sink, fed by
 * the store's change feed in order; a durable cursor that moves after the
 * receiver's 2xx; so a receiver gets each message at least once, and exactly
 * once by its id (docs/outbox.md). Nothing is copied: a message is rendered from
 * the feed when its turn comes, and what waits costs no disk of its own.
 *
 * A target (src/node/outbox.c has the function of each arrow):
 *
 *   OFF --set--> IDLE --changed--> READING --messages--> SENDING --2xx--> KEEPING --> IDLE
 *                 ^                   |nothing to tell       |refused, no answer
 *                 |-------------------'                      v
 *                 '---------------- time ---------------- WAITING
 *   KEEPING, too many set aside --> STOPPED --a person--> IDLE
 *   any --switched off, removed, no token, a copy--> OFF */
#ifndef MO_NODE_OUTBOX_H
#define MO_NODE_OUTBOX_H

#include "node/node.h"
#include "node/sinks.h"

#define OUTBOX_BATCH_MAX 100u          /* messages of one request */
#define OUTBOX_BATCH_BYTES (512u << 10) /* and about so many bytes; one message may pass it alone */
#define OUTBOX_ASIDE_MAX 100u          /* set aside for one sink: with more of them something else is wrong, and it stops */
#define OUTBOX_TROUBLE_NS (2 * NS_PER_S) /* the store would not take the cursor: once more after so long */

enum outbox_state { OUTBOX_OFF, OUTBOX_IDLE, OUTBOX_READING, OUTBOX_SENDING, OUTBOX_KEEPING, OUTBOX_WAITING, OUTBOX_STOPPED, OUTBOX_STATES };
/* "off", "idle", "reading", "sending", "keeping", "waiting", "stopped" */
const char *outbox_state_name(enum outbox_state s);

struct outbox;
/* Before the storer. Reads and, where there is none, makes DIR/feed. */
MO_MUST_USE int outbox_new(struct outbox **ret, struct node *n, struct diag *d);
/* Loop thread: reads the sinks and begins. done (may be NULL) is called on the loop once what the store held at the call is in force: a sink that
 * was switched off or removed sends nothing any more. */
void outbox_reload(struct outbox *o, void (*done)(void *arg), void *arg);
/* Store thread: a commit made changes up to number. */
void outbox_changed(struct outbox *o, int64_t number);
/* Loop thread: breaks off what is under way; what has arrived is still kept. */
void outbox_stop(struct outbox *o);
void outbox_free(struct outbox *o);

struct outbox_status {
	enum outbox_state state;
	int64_t after;       /* the last change that is done with, or is not for this sink */
	int64_t pending;     /* changes behind it */
	int64_t oldest_ns;   /* node time of the oldest message of the turn under way; T_NONE: none */
	int64_t sent, skipped; /* since the sink was made */
	int64_t last_ns;     /* of the last message that arrived, node time; T_NONE */
	int64_t aside;
	uint64_t failures;   /* requests that did not go well, since the start */
	int64_t wait_ns;     /* WAITING: until the next try */
	struct diag trouble; /* MSG_NONE: none */
};
/* Any thread. MO_ENOENT: not known (yet). */
MO_MUST_USE int outbox_status(struct outbox *o, struct span name, struct outbox_status *ret);
/* Loop thread: fn for each sink; NULL has none. */
void outbox_each(struct outbox *o, void (*fn)(void *arg, const char *name, const struct outbox_status *s), void *arg);

struct outbox_test {
	bool ok;
	int status;          /* 0: no answer */
	int64_t took_ns;
	struct diag trouble;
};
/* Loop thread: sends a message that holds nothing, at once, and has a waiting target try again when it arrives. done: on the loop, once.
 * MO_ENOENT: no such sink; MO_ESTATE: its token is missing; MO_ENOMEM. */
MO_MUST_USE int outbox_try(struct outbox *o, struct span name, void (*done)(void *arg, const struct outbox_test *t), void *arg, struct diag *d);

#endif
