/* What `moru serve` owes to whoever runs it: its log on standard error, limits,
 * a trace when it crashes, word to the service manager. One node a process, so
 * this holds the process's state (signal handlers have no other). */
#ifndef MO_CMD_OPERATE_H
#define MO_CMD_OPERATE_H

#include "cmd/cmd.h"
#include "node/node.h"

/* Before node_open(): limits, handlers, and what node_open() wants of them in *opt. Borrows c. MO_ENOMEM. */
MO_MUST_USE int operate_begin(struct cmd *c, struct node_options *opt);
/* The node accepts requests: from here on libevent's lines go to its log, and the service manager knows. */
void operate_ready(struct node *n);
/* Before node_close(): nothing goes to that node's log any more but from itself. */
void operate_end(void);
/* After it. */
void operate_free(void);

#endif
