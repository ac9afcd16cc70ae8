/* libevent's base without locks: everything that comes from another thread
 * goes through one eventfd. Posts are pushed on an atomic stack; the push that
 * finds it empty wakes the loop, which takes the whole stack and reverses it.
 * The eventfd is read before the stack is taken, so no post is left behind. */
#include "http/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "http/priv/loop.h"
#include "os/clock.h"

#define LOOP_VIOLATION_NS (2 * NS_PER_MS)
#define LOOP_HISTOGRAM (sizeof(((struct loop_stats *)0)->delay_ms_histogram) / sizeof(uint32_t))
#define LOOP_BUCKET_NS (NS_PER_MS / 8)

#define LOOP_DELAY_MAX_NS (365 * NS_PER_DAY)
#define LOOP_DISARMED SIZE_MAX

struct loop {
	struct event_base *base;
	struct event wake, tick;
	bool wake_added, tick_added, ticking;
	/* Binary heap of armed timers, earliest first, with room for all there are: arming never allocates. */
	struct loop_timer **heap;
	size_t n_heap, n_timers, cap_heap;
	int64_t tick_due_ns; /* when tick is armed for; INT64_MAX: not */
	int wake_fd;
	_Atomic(struct loop_post *) posts;
	atomic_bool stop;
	struct loop_held *held;
	/* Written by the loop's thread only, so plain load-add-store is exact. */
	_Atomic uint64_t callbacks, violations;
	_Atomic int64_t longest_ns, total_ns;
	_Atomic uint32_t histogram[LOOP_HISTOGRAM];
	struct loop_post probe;
	int64_t probe_ns, probe_every_ns; /* the prober's until probing, then the loop's */
	atomic_bool probing;
	_Atomic uint64_t delays, delay[LOOP_DELAY_BUCKETS];
	_Atomic int64_t delay_total_ns, delay_longest_ns;
};

struct loop_timer {
	struct loop *l;
	size_t at; /* in the heap, or LOOP_DISARMED */
	int64_t due_ns;
	void (*fn)(void *arg);
	void *arg;
};

struct loop_fd {
	struct loop *l;
	struct event ev;
	void (*fn)(void *arg);
	void *arg;
};

_Static_assert(LOOP_LOG_WARN == EVENT_LOG_WARN, "as libevent counts");

void loop_set_log(void (*fn)(int severity, const char *text))
{
	event_set_log_callback(fn);
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

void loop_hold(struct loop *l, struct loop_held *held)
{
	held->prev = NULL;
	held->next = l->held;
	if (l->held)
		l->held->prev = held;
	l->held = held;
}

void loop_let_go(struct loop *l, struct loop_held *held)
{
	if (held->prev)
		held->prev->next = held->next;
	else
		l->held = held->next;
	if (held->next)
		held->next->prev = held->prev;
}

int64_t loop_begin(struct loop *l)
{
	(void)l;
	return mono_now();
}

int64_t loop_end(struct loop *l, int64_t begun_ns)
{
	int64_t now = mono_now(), took = now - begun_ns;
	size_t i = took < LOOP_BUCKET_NS ? 0 : 64 - (size_t)__builtin_clzll((uint64_t)(took / LOOP_BUCKET_NS));

	if (i >= LOOP_HISTOGRAM)
		i = LOOP_HISTOGRAM - 1;
	atomic_store_explicit(&l->callbacks, atomic_load_explicit(&l->callbacks, memory_order_relaxed) + 1, memory_order_relaxed);
	atomic_store_explicit(&l->histogram[i], atomic_load_explicit(&l->histogram[i], memory_order_relaxed) + 1, memory_order_relaxed);
	atomic_store_explicit(&l->total_ns, atomic_load_explicit(&l->total_ns, memory_order_relaxed) + took, memory_order_relaxed);
	if (took > LOOP_VIOLATION_NS)
		atomic_store_explicit(&l->violations, atomic_load_explicit(&l->violations, memory_order_relaxed) + 1, memory_order_relaxed);
	if (took > atomic_load_explicit(&l->longest_ns, memory_order_relaxed))
		atomic_store_explicit(&l->longest_ns, took, memory_order_relaxed);
	return now;
}

void loop_stats(const struct loop *l, struct loop_stats *ret)
{
	ret->callbacks = atomic_load_explicit(&l->callbacks, memory_order_relaxed);
	ret->violations = atomic_load_explicit(&l->violations, memory_order_relaxed);
	ret->longest_ns = atomic_load_explicit(&l->longest_ns, memory_order_relaxed);
	ret->total_ns = atomic_load_explicit(&l->total_ns, memory_order_relaxed);
	for (size_t i = 0; i < LOOP_HISTOGRAM; i++)
		ret->delay_ms_histogram[i] = atomic_load_explicit(&l->histogram[i], memory_order_relaxed);
}

int64_t loop_delay_edge_ns(unsigned i)
{
	/* Fine about 10 ms, which is what is promised of the 99th percentile. */
	static const int16_t tenths_ms[LOOP_DELAY_BUCKETS - 1] = {1, 3, 5, 10, 20, 30, 50, 70, 100, 150, 200, 500, 1000, 5000, 20000};

	return tenths_ms[i] * (NS_PER_MS / 10);
}

/* Written by the loop's thread only. */
static void add_u64(_Atomic uint64_t *at)
{
	atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + 1, memory_order_relaxed);
}

static void probed(void *arg)
{
	struct loop *l = arg;
	int64_t took = mono_now() - l->probe_ns, every = l->probe_every_ns;

	if (took > atomic_load_explicit(&l->delay_longest_ns, memory_order_relaxed))
		atomic_store_explicit(&l->delay_longest_ns, took, memory_order_relaxed);
	do {
		unsigned i = 0;

		while (i < LOOP_DELAY_BUCKETS - 1 && took > loop_delay_edge_ns(i))
			i++;
		add_u64(&l->delay[i]);
		add_u64(&l->delays);
		atomic_store_explicit(&l->delay_total_ns, atomic_load_explicit(&l->delay_total_ns, memory_order_relaxed) + took, memory_order_relaxed);
		took -= every;
	} while (took > 0);
	atomic_store_explicit(&l->probing, false, memory_order_release);
}

void loop_probe(struct loop *l, int64_t every_ns)
{
	if (atomic_load_explicit(&l->probing, memory_order_acquire))
		return;
	l->probe_every_ns = every_ns > NS_PER_MS ? every_ns : NS_PER_MS;
	l->probe = (struct loop_post){.fn = probed, .arg = l};
	l->probe_ns = mono_now();
	atomic_store_explicit(&l->probing, true, memory_order_relaxed);
	loop_post(l, &l->probe);
}

void loop_delays(const struct loop *l, struct loop_delays *ret)
{
	for (unsigned i = 0; i < LOOP_DELAY_BUCKETS; i++)
		ret->count[i] = atomic_load_explicit(&l->delay[i], memory_order_relaxed);
	ret->n = atomic_load_explicit(&l->delays, memory_order_relaxed);
	ret->total_ns = atomic_load_explicit(&l->delay_total_ns, memory_order_relaxed);
	ret->longest_ns = atomic_load_explicit(&l->delay_longest_ns, memory_order_relaxed);
}

static void wake_up(struct loop *l)
{
	uint64_t one = 1;

	/* Only a full counter (EAGAIN) can refuse, and then the loop is awake anyway. */
	while (write(l->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

void loop_post(struct loop *l, struct loop_post *p)
{
	struct loop_post *head = atomic_load_explicit(&l->posts, memory_order_relaxed);

	do
		p->next = head;
	while (!atomic_compare_exchange_weak_explicit(&l->posts, &head, p, memory_order_acq_rel, memory_order_relaxed));
	if (!head)
		wake_up(l);
}

void loop_stop(struct loop *l)
{
	atomic_store_explicit(&l->stop, true, memory_order_release);
	wake_up(l);
}

/* Runs what was posted so far, in order. false: there was nothing. */
static bool run_posts(struct loop *l)
{
	struct loop_post *p = atomic_exchange_explicit(&l->posts, NULL, memory_order_acq_rel), *next, *in_order = NULL;
	bool any = p != NULL;

	for (; p; p = next) {
		next = p->next;
		p->next = in_order;
		in_order = p;
	}
	for (p = in_order; p; p = next) {
		int64_t begun = loop_begin(l);

		next = p->next; /* fn may free p */
		p->fn(p->arg);
		loop_end(l, begun);
	}
	return any;
}

void loop_drain(struct loop *l)
{
	while (run_posts(l))
		;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	uint64_t n;

	(void)what;
	while (read(fd, &n, sizeof n) < 0 && errno == EINTR)
		;
	(void)run_posts(l);
	if (atomic_exchange_explicit(&l->stop, false, memory_order_acq_rel))
		event_base_loopbreak(l->base);
}

static void heap_put(struct loop *l, size_t i, struct loop_timer *t)
{
	l->heap[i] = t;
	t->at = i;
}

/* Moves t from the hole at i to where it belongs. */
static void heap_sift(struct loop *l, size_t i, struct loop_timer *t)
{
	while (i > 0 && l->heap[(i - 1) / 2]->due_ns > t->due_ns) {
		heap_put(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= l->n_heap)
			break;
		if (child + 1 < l->n_heap && l->heap[child + 1]->due_ns < l->heap[child]->due_ns)
			child++;
		if (l->heap[child]->due_ns >= t->due_ns)
			break;
		heap_put(l, i, l->heap[child]);
		i = child;
	}
	heap_put(l, i, t);
}

static void heap_remove(struct loop *l, struct loop_timer *t)
{
	struct loop_timer *last = l->heap[--l->n_heap];
	size_t at = t->at;

	if (last != t)
		heap_sift(l, at, last);
	t->at = LOOP_DISARMED;
}

/* Arms libevent's one timer for the earliest of ours. Its slot in libevent's heap was made in loop_new() and there is no other, so
 * adding cannot fail. */
static void tick_arm(struct loop *l)
{
	int64_t us;
	struct timeval tv;

	if (l->ticking || l->n_heap == 0 || l->heap[0]->due_ns >= l->tick_due_ns)
		return;
	l->tick_due_ns = l->heap[0]->due_ns;
	us = (l->tick_due_ns - mono_now() + NS_PER_US - 1) / NS_PER_US;
	if (us < 0)
		us = 0;
	tv = (struct timeval){.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
	(void)event_add(&l->tick, &tv);
}

/* libevent's clock is a coarse one, so this may come some ms early; timers never are. */
static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	int64_t now = mono_now();

	(void)fd;
	(void)what;
	l->tick_due_ns = INT64_MAX;
	l->ticking = true;
	while (l->n_heap > 0 && l->heap[0]->due_ns <= now) {
		struct loop_timer *t = l->heap[0];
		int64_t begun = loop_begin(l);

		heap_remove(l, t);
		t->fn(t->arg); /* may free t */
		loop_end(l, begun);
	}
	l->ticking = false;
	tick_arm(l);
}

int loop_new(struct loop **ret)
{
	struct loop *l = calloc(1, sizeof *l);
	struct event_config *cfg = NULL;
	const struct timeval day = {.tv_sec = 86400};
	int r = MO_ENOMEM;

	if (!l)
		return MO_ENOMEM;
	l->wake_fd = -1;
	l->tick_due_ns = INT64_MAX;
	cfg = event_config_new();
	if (!cfg)
		goto out;
	/* NO_CACHE_TIME: a timer set late in a long callback still counts from then. */
	if (event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV | EVENT_BASE_FLAG_NO_CACHE_TIME) < 0)
		goto out;
	l->base = event_base_new_with_config(cfg);
	if (!l->base)
		goto out;
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake_fd < 0) {
		r = MO_EIO;
		goto out;
	}
	if (event_assign(&l->wake, l->base, l->wake_fd, EV_READ | EV_PERSIST, on_wake, l) < 0 || event_add(&l->wake, NULL) < 0)
		goto out;
	l->wake_added = true;
	if (event_assign(&l->tick, l->base, -1, 0, on_tick, l) < 0 || event_add(&l->tick, &day) < 0)
		goto out;
	l->tick_added = true;
	*ret = l;
	l = NULL;
	r = 0;
out:
	if (cfg)
		event_config_free(cfg);
	loop_free(l);
	return r;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	while (l->held) {
		struct loop_held *held = l->held;

		loop_let_go(l, held);
		held->wait(held);
	}
	if (l->wake_added)
		event_del(&l->wake);
	if (l->tick_added)
		event_del(&l->tick);
	if (l->base)
		event_base_free(l->base);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	free(l->heap);
	free(l);
}

int loop_run(struct loop *l)
{
	sigset_t pipe, before;
	const struct timespec none = {0, 0};
	int r;

	/* libevent writes with writev(): a peer that left must be an error code, not a signal. */
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	r = event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
	if (!sigismember(&before, SIGPIPE)) {
		while (sigtimedwait(&pipe, NULL, &none) > 0)
			;
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	return r < 0 ? MO_EIO : 0;
}

int loop_timer_new(struct loop *l, struct loop_timer **ret, void (*fn)(void *arg), void *arg)
{
	struct loop_timer *t;

	if (l->n_timers == l->cap_heap) {
		size_t cap = l->cap_heap ? l->cap_heap * 2 : 16, bytes;
		struct loop_timer **heap;

		if (!size_mul(&bytes, cap, sizeof(struct loop_timer *)))
			return MO_ENOMEM;
		heap = realloc(l->heap, bytes);
		if (!heap)
			return MO_ENOMEM;
		l->heap = heap;
		l->cap_heap = cap;
	}
	t = calloc(1, sizeof *t);
	if (!t)
		return MO_ENOMEM;
	t->l = l;
	t->at = LOOP_DISARMED;
	t->fn = fn;
	t->arg = arg;
	l->n_timers++;
	*ret = t;
	return 0;
}

void loop_timer_set(struct loop_timer *t, int64_t delay_ns)
{
	struct loop *l = t->l;

	if (t->at != LOOP_DISARMED)
		heap_remove(l, t);
	if (delay_ns < 0)
		return;
	t->due_ns = mono_now() + (delay_ns > LOOP_DELAY_MAX_NS ? LOOP_DELAY_MAX_NS : delay_ns);
	l->n_heap++;
	heap_sift(l, l->n_heap - 1, t);
	tick_arm(l);
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	if (t->at != LOOP_DISARMED)
		heap_remove(t->l, t);
	t->l->n_timers--;
	free(t);
}

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
	struct loop_fd *f = arg;
	struct loop *l = f->l;
	int64_t begun = loop_begin(l);

	(void)fd;
	(void)what;
	f->fn(f->arg); /* may free f */
	loop_end(l, begun);
}

int loop_fd_new(struct loop *l, struct loop_fd **ret, int fd, void (*fn)(void *arg), void *arg)
{
	struct loop_fd *f = calloc(1, sizeof *f);

	if (!f)
		return MO_ENOMEM;
	f->l = l;
	f->fn = fn;
	f->arg = arg;
	if (event_assign(&f->ev, l->base, fd, EV_READ | EV_PERSIST, on_fd, f) < 0 || event_add(&f->ev, NULL) < 0) {
		free(f);
		return MO_EIO;
	}
	*ret = f;
	return 0;
}

void loop_fd_free(struct loop_fd *f)
{
	if (!f)
		return;
	event_del(&f->ev);
	free(f);
}
