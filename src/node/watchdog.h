/* Notices a thread that no longer gets on: its work waits or has been under way
 * for longer than its limit. Says so once, and once when it goes on. It mends
 * nothing: what is acknowledged is durable, and a person has to look (a disk
 * that hangs, mostly). Runs on a thread of its own. */
#ifndef MO_NODE_WATCHDOG_H
#define MO_NODE_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WATCHDOG_ROWS_MAX 8u

struct watchdog_row {
	const char *name; /* of the thread, as ps shows it */
	int64_t limit_ns;
	/* Monotonic ns since when it has not got on; 0: it is idle, or did a moment ago. Called from the watchdog's thread. */
	int64_t (*since)(void *arg);
	void *arg;
};
struct watchdog;
/* Copies the rows; looks every period_ns, and calls beat() every beat_ns, which is less (NULL: does not). said(): a thread got stuck or goes on after `stood_ns`; called from the watchdog's thread.
 * MO_EINVAL: too many rows. */
MO_MUST_USE int watchdog_new(struct watchdog **ret, const struct watchdog_row *rows, unsigned n, int64_t period_ns,
	void (*beat)(void *arg, int64_t beat_ns), int64_t beat_ns, void (*said)(void *arg, const char *name, bool stuck, int64_t stood_ns), void *arg);
/* No more calls after it. */
void watchdog_free(struct watchdog *g);
/* Any thread: threads stuck now, and times one got stuck. */
void watchdog_stats(struct watchdog *g, unsigned *ret_stuck, uint64_t *ret_times);

#endif
