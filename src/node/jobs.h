/* What the node finds by itself: machine states and stops, level shifts,
 * missing and late data; one open case per asset and cause. Runs on a worker:
 * every node second in real life, after each step of a stepped clock. */
#ifndef MO_NODE_JOBS_H
#define MO_NODE_JOBS_H

#include "node/node.h"

struct jobs;
MO_MUST_USE int jobs_new(struct jobs **ret, struct node *n);
void jobs_free(struct jobs *j);
/* Asks for a run now; done(arg, err) on the loop when it is over and its findings are durable. */
void jobs_run(struct jobs *j, void (*done)(void *arg, int err), void *arg);

#endif
