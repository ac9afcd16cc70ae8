/* Threads and the bounded queue between them. Mutexes and conditions are
 * POSIX ones, used directly. */
#ifndef MO_OS_THREAD_H
#define MO_OS_THREAD_H

#include <pthread.h>

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Signals are blocked in the new thread, but those it raises by its own fault (SIGSEGV ...); name shows in ps (15
 * characters). MO_ELIMIT: no more threads allowed; MO_ENOMEM. */
MO_MUST_USE int thread_start(pthread_t *ret, const char *name, void *(*fn)(void *), void *arg);
void thread_join(pthread_t t);

/* Who goes first when there are more threads than processors: a nice value for each (setpriority(2); on Linux of one thread). Threads and
 * programs started by a patient thread are patient too, those started by an urgent one are usual. */
enum thread_rank {
	THREAD_URGENT, /* others wait for it, and its steps are short: nice -5. Wants the right to (RLIMIT_NICE, root), and a process at nice 0 */
	THREAD_USUAL,  /* nice 0: whoever was urgent is as the others again */
	THREAD_PATIENT /* works for long, and may take longer: nice 5; no right wanted */
};
/* Ranks the calling thread; a wish. false: the system does not allow it, or the whole process was started at another nice value than 0, which
 * stays. */
bool thread_rank(enum thread_rank rank);

/* Bounded multi-producer multi-consumer queue of pointers. */
struct bqueue;
#define BQUEUE_CAPACITY_MAX ((size_t)1 << 20)
/* MO_EINVAL: capacity 0 or over the maximum. */
MO_MUST_USE int bqueue_new(struct bqueue **ret, size_t capacity);
/* Nobody waits in it any more. What is left inside stays the caller's. */
void bqueue_free(struct bqueue *q);
/* MO_EAGAIN when full, MO_ECANCELED after close. */
MO_MUST_USE int bqueue_try_push(struct bqueue *q, void *item);
/* All n of them, next to each other, or none. MO_EAGAIN when there is no room for all, MO_ECANCELED after close. */
MO_MUST_USE int bqueue_try_push_many(struct bqueue *q, void *const *items, size_t n);
/* Waits for room; timeout < 0 for ever. MO_ETIMEOUT, MO_ECANCELED. */
MO_MUST_USE int bqueue_push(struct bqueue *q, void *item, int64_t timeout_ns);
/* Waits for an item. MO_ETIMEOUT; MO_ECANCELED once closed and empty. */
MO_MUST_USE int bqueue_pop(struct bqueue *q, void **ret, int64_t timeout_ns);
/* Up to max items that are there now, waiting for the first; *ret_n >= 1 on success. */
MO_MUST_USE int bqueue_pop_many(struct bqueue *q, void **ret, size_t max, size_t *ret_n, int64_t timeout_ns);
/* No more pushes; what is inside is still popped. */
void bqueue_close(struct bqueue *q);
size_t bqueue_size(struct bqueue *q);

#endif
