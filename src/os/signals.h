/* Signals as something to read, for a daemon's event loop: a thread of its own
 * waits for them and writes their numbers into a pipe. No handler, no global
 * state. Make it in main before any other thread: the mask is inherited. */
#ifndef MO_OS_SIGNALS_H
#define MO_OS_SIGNALS_H

#include "base/err.h"

struct signals;

/* Blocks SIGTERM, SIGINT, SIGHUP (to be read) and SIGPIPE (a write gives EPIPE instead) in the calling thread and all it starts. */
MO_MUST_USE int signals_new(struct signals **ret);
/* Readable when a signal has come; non-blocking, owned by s. */
int signals_fd(const struct signals *s);
/* The next one (SIGTERM, SIGINT or SIGHUP); MO_EAGAIN: none. The same signal twice in a moment may come once. */
MO_MUST_USE int signals_read(struct signals *s, int *ret_signal);
/* Ends the thread, drops what was not read, gives the calling thread its old mask back. From the thread that made it. */
void signals_free(struct signals *s);

#endif
