/* A ring under one mutex with two conditions on the monotonic clock. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/civil.h"
#include "os/clock.h"
#include "os/thread.h"

struct bqueue {
	pthread_mutex_t mutex;
	pthread_cond_t not_empty, not_full;
	size_t cap, first, n;
	bool closed;
	void *item[];
};

static int cond_init(pthread_cond_t *c)
{
	pthread_condattr_t a;
	if (pthread_condattr_init(&a) != 0)
		return MO_ENOMEM;
	int e = pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	if (!e)
		e = pthread_cond_init(c, &a);
	(void)pthread_condattr_destroy(&a);
	return e ? MO_ENOMEM : 0;
}

int bqueue_new(struct bqueue **ret, size_t capacity)
{
	if (capacity == 0 || capacity > BQUEUE_CAPACITY_MAX)
		return MO_EINVAL;
	struct bqueue *q = calloc(1, sizeof *q + capacity * sizeof q->item[0]);
	if (!q)
		return MO_ENOMEM;
	q->cap = capacity;
	if (pthread_mutex_init(&q->mutex, NULL) != 0)
		goto no_mutex;
	if (cond_init(&q->not_empty) != 0)
		goto no_empty;
	if (cond_init(&q->not_full) != 0)
		goto no_full;
	*ret = q;
	return 0;
no_full:
	pthread_cond_destroy(&q->not_empty);
no_empty:
	pthread_mutex_destroy(&q->mutex);
no_mutex:
	free(q);
	return MO_ENOMEM;
}

void bqueue_free(struct bqueue *q)
{
	if (!q)
		return;
	pthread_cond_destroy(&q->not_full);
	pthread_cond_destroy(&q->not_empty);
	pthread_mutex_destroy(&q->mutex);
	free(q);
}

/* The moment a wait of timeout_ns ends; unused when it is < 0. */
static struct timespec deadline(int64_t timeout_ns)
{
	int64_t t = 0;
	if (timeout_ns >= 0 && __builtin_add_overflow(mono_now(), timeout_ns, &t))
		t = INT64_MAX;
	return (struct timespec){.tv_sec = (time_t)(t / NS_PER_S), .tv_nsec = (long)(t % NS_PER_S)};
}

/* true: woken (perhaps for nothing); false: the time is over. */
static bool wait_for(pthread_cond_t *c, pthread_mutex_t *m, int64_t timeout_ns, const struct timespec *until)
{
	if (timeout_ns < 0)
		return pthread_cond_wait(c, m) == 0;
	return pthread_cond_timedwait(c, m, until) != ETIMEDOUT;
}

static void put(struct bqueue *q, void *item)
{
	q->item[(q->first + q->n) % q->cap] = item;
	q->n++;
	pthread_cond_signal(&q->not_empty);
}

int bqueue_try_push_many(struct bqueue *q, void *const *items, size_t n)
{
	pthread_mutex_lock(&q->mutex);
	int r = q->closed ? MO_ECANCELED : q->cap - q->n < n ? MO_EAGAIN : 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		put(q, items[i]);
	pthread_mutex_unlock(&q->mutex);
	return r;
}

int bqueue_try_push(struct bqueue *q, void *item) { return bqueue_try_push_many(q, &item, 1); }

int bqueue_push(struct bqueue *q, void *item, int64_t timeout_ns)
{
	int r = 0;
	struct timespec until = deadline(timeout_ns);
	pthread_mutex_lock(&q->mutex);
	bool in_time = true;
	while (!q->closed && q->n == q->cap && in_time)
		in_time = wait_for(&q->not_full, &q->mutex, timeout_ns, &until);
	if (q->closed)
		r = MO_ECANCELED;
	else if (q->n == q->cap)
		r = MO_ETIMEOUT;
	else
		put(q, item);
	pthread_mutex_unlock(&q->mutex);
	return r;
}

int bqueue_pop_many(struct bqueue *q, void **ret, size_t max, size_t *ret_n, int64_t timeout_ns)
{
	int r = 0;
	if (max == 0)
		return MO_EINVAL;
	struct timespec until = deadline(timeout_ns);
	pthread_mutex_lock(&q->mutex);
	bool in_time = true;
	while (q->n == 0 && !q->closed && in_time)
		in_time = wait_for(&q->not_empty, &q->mutex, timeout_ns, &until);
	if (q->n == 0) {
		r = q->closed ? MO_ECANCELED : MO_ETIMEOUT;
	} else {
		size_t k = q->n < max ? q->n : max;
		for (size_t i = 0; i < k; i++) {
			ret[i] = q->item[q->first];
			q->first = (q->first + 1) % q->cap;
		}
		q->n -= k;
		*ret_n = k;
		if (k == 1)
			pthread_cond_signal(&q->not_full);
		else
			pthread_cond_broadcast(&q->not_full);
	}
	pthread_mutex_unlock(&q->mutex);
	return r;
}

int bqueue_pop(struct bqueue *q, void **ret, int64_t timeout_ns)
{
	size_t n = 0;
	return bqueue_pop_many(q, ret, 1, &n, timeout_ns);
}

void bqueue_close(struct bqueue *q)
{
	pthread_mutex_lock(&q->mutex);
	q->closed = true;
	pthread_cond_broadcast(&q->not_empty);
	pthread_cond_broadcast(&q->not_full);
	pthread_mutex_unlock(&q->mutex);
}

size_t bqueue_size(struct bqueue *q)
{
	pthread_mutex_lock(&q->mutex);
	size_t n = q->n;
	pthread_mutex_unlock(&q->mutex);
	return n;
}
