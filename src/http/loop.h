/* The one event loop of the node (libevent below): timers, posts from other
 * threads, outgoing TCP streams for drivers. Everything here but loop_post()
 * and loop_stop() is for the loop's own thread. */
#ifndef MO_HTTP_LOOP_H
#define MO_HTTP_LOOP_H

#include "base/diag.h"
#include "base/err.h"
#include "base/span.h"

/* What libevent itself has to say (severity: its EVENT_LOG_*), which it would print on standard error. Process-wide, so for the program to
 * set, before the first loop. */
#define LOOP_LOG_WARN 2 /* EVENT_LOG_WARN */
void loop_set_log(void (*fn)(int severity, const char *text));

struct loop;
MO_MUST_USE int loop_new(struct loop **ret);
/* Everything on it must be freed before. */
void loop_free(struct loop *l);
/* Runs until loop_stop(); what was posted before that has run. A stop before the run ends it at once. SIGPIPE is blocked meanwhile. */
MO_MUST_USE int loop_run(struct loop *l);
void loop_stop(struct loop *l); /* any thread */
/* Any thread: fn(arg) runs on the loop soon, in order of posting. Never fails. What is posted after loop_run() ended is called by
 * loop_drain(), or not at all. */
struct loop_post {
	void (*fn)(void *arg);
	void *arg;
	struct loop_post *next; /* the loop's */
};
/* The post lives in the caller's memory until fn is called. */
void loop_post(struct loop *l, struct loop_post *p);
/* After loop_run(), on its thread: calls what was posted and what that posts, until nothing is left. Timers and sockets stand still. */
void loop_drain(struct loop *l);

/* One-shot timer, re-armed at will. */
struct loop_timer;
MO_MUST_USE int loop_timer_new(struct loop *l, struct loop_timer **ret, void (*fn)(void *arg), void *arg);
void loop_timer_set(struct loop_timer *t, int64_t delay_ns); /* from now, real; never early; < 0 disarms */
void loop_timer_free(struct loop_timer *t);

/* A readable file descriptor (signals). */
struct loop_fd;
MO_MUST_USE int loop_fd_new(struct loop *l, struct loop_fd **ret, int fd, void (*fn)(void *arg), void *arg);
void loop_fd_free(struct loop_fd *f);

/* Outgoing TCP stream. Its callbacks come from the loop, never from inside these functions, and may call tcp_free(). */
#define TCP_OUT_MAX_BYTES 1048576u /* unsent */
struct tcp_events {
	void (*connected)(void *arg);
	void (*input)(void *arg, struct span bytes);
	void (*writable)(void *arg); /* output drained */
	/* Once, also when connecting failed; after it only tcp_free(). 0: the peer ended; MO_EDENIED: nobody listens there; MO_ENOENT: no such
	 * host name; MO_ETIMEOUT; MO_EIO. */
	void (*closed)(void *arg, int err);
};
struct tcp;
/* host: an address or a name; timeout for looking it up and connecting. Borrows ev. MO_ENOMEM, MO_EINVAL (no host name). */
MO_MUST_USE int tcp_connect(struct loop *l, struct tcp **ret, const char *host, uint16_t port, int64_t timeout_ns,
        const struct tcp_events *ev, void *arg, struct diag *d);
/* All or nothing. MO_ESTATE: not connected; MO_EAGAIN: over TCP_OUT_MAX_BYTES would be unsent; MO_ENOMEM. */
MO_MUST_USE int tcp_write(struct tcp *t, struct span bytes);
void tcp_free(struct tcp *t); /* closes without a callback */

/* Watchdog: how long the loop's callbacks took. A callback over 2 ms is a violation. */
struct loop_stats {
	uint64_t callbacks, violations;
	int64_t longest_ns, total_ns;
	uint32_t delay_ms_histogram[16]; /* bucket i: < 2^i ms/8, the last: all above */
};
void loop_stats(const struct loop *l, struct loop_stats *ret); /* any thread; may be a moment old */

/* How long whoever comes to the loop waits for it: a probe is posted every so often from another thread, and its wait counted. Probes that
 * would have been posted while one waited are counted as if they had been, so that a long stand weighs as much as it lasted. */
#define LOOP_DELAY_BUCKETS 16u
struct loop_delays {
	uint64_t count[LOOP_DELAY_BUCKETS]; /* bucket i: up to loop_delay_edge_ns(i), the last: all above */
	uint64_t n;
	int64_t total_ns, longest_ns;
};
int64_t loop_delay_edge_ns(unsigned i); /* i < LOOP_DELAY_BUCKETS - 1 */
/* One thread other than the loop's, every every_ns; nothing while the last probe waits. */
void loop_probe(struct loop *l, int64_t every_ns);
void loop_delays(const struct loop *l, struct loop_delays *ret); /* any thread; may be a moment old */

#endif
