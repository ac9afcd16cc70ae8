/* Measurements for /metrics that need the store, which the loop
 * must not wait for: a worker takes them now and then. */
#ifndef MO_NODE_GAUGES_H
#define MO_NODE_GAUGES_H

#include "base/civil.h"
#include "base/err.h"

#define GAUGES_EVERY_NS (15 * NS_PER_S)
#define GAUGES_CASES_MAX 10000

struct node;
struct gauges;
struct gauges_now {
	bool taken; /* false: not yet */
	uint64_t cases_open; /* in state open, which nobody has looked at; counted up to GAUGES_CASES_MAX */
	uint64_t damaged_pages; /* of the store, different ones, since the start; always taken */
	uint64_t devices_online, devices_connecting, devices_offline; /* those that are not switched off */
};
MO_MUST_USE int gauges_new(struct gauges **ret, struct node *n);
/* Loop thread, once a second: says once in the log which pages of the store turned out to be damaged, and gives the work to a worker when it is time. */
void gauges_tick(struct gauges *g, int64_t mono_ns);
/* Workers have ended. NULL is fine. */
void gauges_free(struct gauges *g);
void gauges_read(const struct gauges *g, struct gauges_now *ret); /* any thread; each number for itself; of NULL: nothing taken */

#endif
