/* A long job beside the running node, in turns of a worker: a row of short
 * steps, and after each turn of them the worker takes whatever else waits. One
 * run at a time. Exports (exports.c) and backups (backups.c) are such jobs.
 *
 *   IDLE --turns_begin()--> RUNNING --the last step, an error, given up, the node stops--> ENDED --told()--> IDLE
 *                           RUNNING --rest()--> RESTING --TURNS_REST_NS--> RUNNING
 *                                               RESTING --turns_stop()--> ENDED
 *
 * A run is given up where its asker is gone or turns_give_up() was called: at the next step, with MO_ECANCELED. */
#ifndef MO_NODE_PRIV_TURNS_H
#define MO_NODE_PRIV_TURNS_H

#include <stdatomic.h>

#include "base/diag.h"
#include "http/loop.h"
#include "node/node.h"

#define TURNS_STEP_NS (20 * NS_PER_MS)  /* a turn, about */
#define TURNS_REST_NS (300 * NS_PER_MS) /* between two turns where the job has to give way */

enum turns_state { TURNS_IDLE, TURNS_RUNNING, TURNS_RESTING, TURNS_ENDED };

/* What a job does; arg is the job's own. All but told on a worker, never two at once. */
struct turns_kind {
	enum mo_msg busy, given_up; /* another one runs; it was given up */
	int (*begin)(void *arg, struct diag *d);
	/* MO_EAGAIN: there is more to do. 0: that was all. */
	int (*step)(void *arg, struct diag *d);
	/* After each turn: tells others how far it is; an error ends the run. */
	int (*turned)(void *arg, struct diag *d);
	/* After that: whether it gives way for TURNS_REST_NS. NULL: it never does. */
	bool (*rest)(void *arg);
	/* The run is over, also one that never began: closes it and keeps how it ended. d has words where err is not 0. Gives what
	 * told() is to be given. On the loop where a run that rested was stopped. */
	int (*end)(void *arg, int err, struct diag *d);
	/* Loop thread, last: another run may begin. */
	void (*told)(void *arg, int err, const struct diag *d);
};
struct turns {
	struct node *node;
	const struct turns_kind *kind;
	void *arg;
	struct work work;
	struct loop_post post;
	struct loop_timer *rest;
	_Atomic enum turns_state state; /* written by whoever has the run */
	bool begun;
	int err;
	struct diag *d;
	bool (*stop)(void *arg);
	void *stop_arg;
	atomic_bool given_up;
};
/* Borrows node, kind, arg. MO_ENOMEM. */
MO_MUST_USE int turns_init(struct turns *t, struct node *n, const struct turns_kind *kind, void *arg);
/* When no worker is there any more. The job closes what a run held. */
void turns_free(struct turns *t);

/* Loop thread. MO_EAGAIN, with words, unless it is idle. */
MO_MUST_USE int turns_idle(const struct turns *t, struct diag *d);
/* Loop thread. stop(stop_arg): asked on the worker before each step, true gives it up; NULL: nobody does. MO_EAGAIN: not idle, or the workers' queue is
 * full; MO_ECANCELED: the node stops; MO_ENOMEM. Nothing of the job is called then. */
MO_MUST_USE int turns_begin(struct turns *t, bool (*stop)(void *arg), void *stop_arg, struct diag *d);
/* Any thread. */
bool turns_running(const struct turns *t);
void turns_give_up(struct turns *t);
bool turns_given_up(const struct turns *t); /* or its asker is gone; for the job itself */
/* Loop thread, when the node closes, before the workers end: a run that rests is given up. */
void turns_stop(struct turns *t);

/* Whether what was done at last_ns (the PC's clock, T_NONE: never) is to be done again every so often. A time in the future is a clock that was set
 * back since: not waited for. Pure. */
bool turns_due(int64_t last_ns, int64_t every_ns, int64_t now_ns);

/* ---- how a job ended ---- */

/* The words of d as the page wants them, {"code","ko","en"}, into b, which the caller frees. Gives them; empty where there are none. */
struct span turns_why(struct node *n, struct buf *b, const struct diag *d);
/* put(store, outcome, node time) on the store thread: marks, audit. Waits for it; any thread but the store's. */
typedef int turns_put(struct store *s, const void *outcome, int64_t now_ns, struct diag *d);
MO_MUST_USE int turns_keep(struct node *n, turns_put *put, const void *outcome, struct diag *d);

#endif
