/* Where a clock takes its time from, so that a test can turn it. */
#ifndef MO_OS_PRIV_CLOCK_H
#define MO_OS_PRIV_CLOCK_H

#include "os/clock.h"

struct clock_source {
	int64_t (*wall)(void *arg); /* ns UTC, may jump */
	int64_t (*mono)(void *arg); /* ns, never backwards */
	void *arg;
};
/* A REAL clock over src; clock_run() and the rest work as usual. */
MO_MUST_USE int clock_new_over(struct clock **ret, struct clock_source src);
/* A STEPPED clock over src. */
MO_MUST_USE int clock_new_stepped_over(struct clock **ret, int64_t start_ns, struct clock_source src);

#endif
