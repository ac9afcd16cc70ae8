/* The store thread: the only one that writes the store; jobs that wait share
 * one transaction, each in a savepoint of its own. */
#ifndef MO_NODE_STORER_H
#define MO_NODE_STORER_H

#include "os/clock.h"
#include "store/store.h"

struct storer;
struct sjob {
	/* On the store thread, inside a transaction. An error undoes this job alone. */
	int (*run)(struct sjob *j, struct store *s, struct diag *d);
	/* On the store thread, after the commit (err 0) or with the reason. */
	void (*done)(struct sjob *j, int err, const struct diag *d);
	struct sjob *next;
	int err;
	struct diag *d;
};
/* changed(arg, last change number) is called on the store thread after each commit that changed something. */
MO_MUST_USE int storer_new(struct storer **ret, struct store *s, size_t queue_max, void (*changed)(void *arg, int64_t number), void *arg);
/* From now on the store is told this clock's time with each round. Borrows k, which outlives st. */
void storer_clock(struct storer *st, struct clock *k);
/* Finishes what is queued and ends the thread; submitting gives MO_ECANCELED from then on. NULL and twice are fine. */
void storer_stop(struct storer *st);
/* Stops first. */
void storer_free(struct storer *st);
/* Any thread. MO_EAGAIN: queue full; MO_ECANCELED: stopped. */
MO_MUST_USE int storer_submit(struct storer *st, struct sjob *j);
/* Any thread but the store's: submits and waits. Gives run's or the commit's error. */
MO_MUST_USE int storer_run(struct storer *st, int (*run)(struct sjob *j, struct store *s, struct diag *d), struct sjob *j, struct diag *d);

/* Monotonic ns since when the store thread is at its round; 0: it waits for work. Any thread. */
int64_t storer_busy_since(struct storer *st);

#endif
