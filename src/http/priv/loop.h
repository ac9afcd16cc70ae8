/* What the files of this room see of the loop. Every callback that libevent
 * makes into this room runs between loop_begin() and loop_end(): the watchdog
 * measures there. */
#ifndef MO_HTTP_PRIV_LOOP_H
#define MO_HTTP_PRIV_LOOP_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "http/loop.h"

struct event_base *loop_base(struct loop *l);
/* Monotonic ns, for loop_end(). */
int64_t loop_begin(struct loop *l);
/* Gives the end, monotonic ns. */
int64_t loop_end(struct loop *l, int64_t begun_ns);

/* Work on other threads that will post to this loop: loop_free() waits for each, by wait(). Loop thread only. */
struct loop_held {
	struct loop_held *prev, *next;
	void (*wait)(struct loop_held *held);
};
void loop_hold(struct loop *l, struct loop_held *held);
void loop_let_go(struct loop *l, struct loop_held *held);

#endif
