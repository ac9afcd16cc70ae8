/* The watched folder: a file is taken when its size and time stood still for
 * two polls; names that begin with '.' or '~$' or end in .tmp, .part wait.
 * Taken files go to inbox/done/, refused ones to inbox/refused/ with a report; nothing that lies there is replaced, and one that changed while
 * it was read stays and is taken again. */
#ifndef MO_NODE_WATCH_H
#define MO_NODE_WATCH_H

#include "node/node.h"

struct watch;
MO_MUST_USE int watch_new(struct watch **ret, struct node *n);
void watch_free(struct watch *w);
/* Looks now; for the demo's steps and tests. done on the loop when the files found ready are imported; err: what kept the poll from looking,
 * or a file from being taken or put away, and may go better the next time (a refused file is none). */
void watch_poll(struct watch *w, void (*done)(void *arg, int err), void *arg);

#endif
