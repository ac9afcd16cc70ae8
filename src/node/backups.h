/* Backups beside the running node: by the schedule (backup.target,
 * backup.every) or because somebody asked; and what became of the last one.
 *
 * A run goes in turns of a worker (priv/turns.h). While values come in fast
 * enough to keep the log busy, it rests after each: a backup has hours, a
 * machine's values have not. */
#ifndef MO_NODE_BACKUPS_H
#define MO_NODE_BACKUPS_H

#include "node/backup.h"
#include "node/erase.h"
#include "node/node.h"

#define BACKUPS_BUSY_PERCENT 20             /* of the time since the turn before: the log is busy */
#define BACKUPS_RETRY_NS (600 * NS_PER_S)   /* after a scheduled one failed */
#define BACKUPS_MARK_LAST "backup_last"     /* marks of the store: the last that ended, */
#define BACKUPS_MARK_GOOD "backup_good"     /* and the last good one */
#define BACKUPS_TARGET_MAX 512u

/* How one ended, for the marks and the audit. */
struct backups_outcome {
	struct span target;
	struct span who;             /* "local", "schedule" */
	int64_t t_ns;                /* when it began, the PC's clock */
	int err;
	struct backup_report report;
	struct span why;             /* JSON {"code","ko","en"}; empty where it went well */
	const struct erase_target *keys; /* what the target holds of people's keys, read after it ended; NULL: not known */
};
/* outcome: struct backups_outcome. Both marks as JSON, and an audit entry. A good snapshot whose clearing up failed is a good one, with a `why`. */
MO_MUST_USE int backups_put_outcome(struct store *s, const void *outcome, int64_t now_ns, struct diag *d);

struct backups;
MO_MUST_USE int backups_new(struct backups **ret, struct node *n, struct store_reader *r);
void backups_free(struct backups *b);
/* Loop thread, once a second: begins what is due. */
void backups_tick(struct backups *b);

/* Loop thread, when the node closes, before the workers end: a run that rests is given up. NULL is fine. */
void backups_stop(struct backups *b);
/* Whether a run rests whose last turn was that long ago, of which the log was busy so long. Pure. */
bool backups_gives_way(int64_t since_ns, int64_t log_busy_ns);

struct backups_ask {
	struct span target;
	struct span who;
	bool make, keys;
	size_t keep;
	/* Worker: true gives it up (MO_ECANCELED); NULL: nobody does. */
	bool (*stop)(void *arg);
	/* Loop thread, once. report.id is empty where there is no snapshot. */
	void (*done)(void *arg, int err, const struct backup_report *report, const struct diag *d);
	void *arg;
};
/* Loop thread. MO_EAGAIN: one runs. */
MO_MUST_USE int backups_run(struct backups *b, const struct backups_ask *ask, struct diag *d);

/* Whether the last good one is in that target. Any thread. */
bool backups_good(struct backups *b, const char *target);
/* For pages and measurements; any thread. */
struct backups_state {
	bool running;
	uint64_t files, bytes;        /* done so far */
	int64_t good_ns, last_ns;     /* T_NONE: none */
	bool last_failed;
	struct buf last, good;        /* the marks, JSON; empty: none. The caller frees */
};
void backups_state(struct backups *b, struct backups_state *ret);
void backups_state_free(struct backups_state *s);

#endif
