/* How often somebody may try: failures by key (an account's name, an address),
 * with a back-off that doubles, in room of a fixed size. Pure. */
#ifndef MO_NODE_LIMITER_H
#define MO_NODE_LIMITER_H

#include <stdint.h>

#define LIMITER_SLOTS 512u
#define LIMITER_FIRST_NS INT64_C(1000000000)       /* the first wait past the free failures; the next ones double */
#define LIMITER_LONGEST_NS (INT64_C(60) * 1000000000)
#define LIMITER_FORGET_NS (INT64_C(3600) * 1000000000) /* after the last failure */

struct limiter_slot {
	uint64_t key;
	int64_t last_ns, until_ns;
	uint32_t failures; /* 0: a free slot */
};
/* Zeroed: empty. Who is pushed out when it is full: whoever failed the fewest times, of those the longest ago. So many names tried once each
 * push out each other, and not the one that is tried again and again. */
struct limiter {
	struct limiter_slot slots[LIMITER_SLOTS];
};
/* Nanoseconds until key may try again; 0: now. */
int64_t limiter_wait(const struct limiter *l, uint64_t key, int64_t now_ns);
/* Failures that are remembered of key. */
uint32_t limiter_failures(const struct limiter *l, uint64_t key, int64_t now_ns);
/* A try begins: counted as a failure until limiter_ok() or limiter_undo(), so that those under way count, too. `free` failures cost nothing. */
void limiter_try(struct limiter *l, uint64_t key, uint32_t free_tries, int64_t now_ns);
void limiter_ok(struct limiter *l, uint64_t key);
/* It came to nothing for a reason that was not the asker's. */
void limiter_undo(struct limiter *l, uint64_t key);

#endif
