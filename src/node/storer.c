/* See storer.h.
 *
 *   submit --> queue --> begin { savepoint run release|undo }* commit --> done
 *
 * When the commit fails every job of the round that had succeeded gets its error. */
#include "node/storer.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "os/thread.h"

#define STORER_ROUND_JOBS 128u

struct storer {
	struct store *store;
	struct bqueue *queue;
	pthread_t thread;
	bool started;
	_Atomic(struct clock *) clock;
	_Atomic int64_t busy_since_ns; /* the round under way; 0: none */
	void (*changed)(void *arg, int64_t number);
	void *arg;
	int64_t last;
};

static int run_one(struct store *s, struct sjob *j)
{
	int err = store_savepoint(s, j->d);
	if (err != 0)
		return err;
	err = j->run(j, s, j->d);
	if (err == 0)
		err = store_release(s, j->d);
	if (err != 0)
		store_undo(s);
	return err;
}

static void run_round(struct storer *st, struct sjob **jobs, size_t n)
{
	struct diag *d = calloc(1, sizeof *d);
	struct clock *clock = atomic_load(&st->clock);
	if (clock)
		store_time(st->store, clock_now(clock));
	int err = store_begin(st->store, d);
	for (size_t i = 0; i < n && err == 0; i++) {
		struct sjob *j = jobs[i];
		j->d = calloc(1, sizeof *j->d);
		j->err = j->d ? run_one(st->store, j) : MO_ENOMEM;
	}
	if (err == 0) {
		err = store_commit(st->store, d);
		if (err != 0)
			store_rollback(st->store);
	} else {
		for (size_t i = 0; i < n; i++) {
			jobs[i]->d = NULL;
			jobs[i]->err = 0;
		}
	}
	int64_t last = store_last_change(st->store);
	bool news = err == 0 && last != st->last;
	if (err == 0)
		st->last = last;
	/* The feed is told before the jobs' askers, so that who reads after an answer sees its change. */
	if (news && st->changed)
		st->changed(st->arg, last);
	for (size_t i = 0; i < n; i++) {
		struct sjob *j = jobs[i];
		struct diag *jd = j->d;
		if (j->err == 0 && err != 0)
			j->done(j, err, d);
		else
			j->done(j, j->err, jd);
		free(jd);
	}
	free(d);
}

static void *storer_loop(void *arg)
{
	struct storer *st = arg;
	void *jobs[STORER_ROUND_JOBS];
	size_t n;
	while (bqueue_pop_many(st->queue, jobs, STORER_ROUND_JOBS, &n, -1) == 0) {
		atomic_store(&st->busy_since_ns, mono_now());
		run_round(st, (struct sjob **)jobs, n);
		atomic_store(&st->busy_since_ns, 0);
	}
	return NULL;
}

int storer_new(struct storer **ret, struct store *s, size_t queue_max, void (*changed)(void *arg, int64_t number), void *arg)
{
	struct storer *st = calloc(1, sizeof *st);
	if (!st)
		return MO_ENOMEM;
	st->store = s;
	st->changed = changed;
	st->arg = arg;
	st->last = store_last_change(s);
	int err = bqueue_new(&st->queue, queue_max);
	if (err == 0 && (err = thread_start(&st->thread, "store", storer_loop, st)) == 0)
		st->started = true;
	if (err != 0) {
		storer_free(st);
		return err;
	}
	*ret = st;
	return 0;
}

void storer_clock(struct storer *st, struct clock *k) { atomic_store(&st->clock, k); }

int64_t storer_busy_since(struct storer *st) { return atomic_load(&st->busy_since_ns); }

void storer_stop(struct storer *st)
{
	if (!st)
		return;
	if (st->queue)
		bqueue_close(st->queue);
	if (st->started)
		thread_join(st->thread);
	st->started = false;
}

void storer_free(struct storer *st)
{
	if (!st)
		return;
	storer_stop(st);
	bqueue_free(st->queue);
	free(st);
}

int storer_submit(struct storer *st, struct sjob *j) { return bqueue_try_push(st->queue, j); }

struct waiting {
	struct sjob job;
	struct sjob *inner;
	int (*run)(struct sjob *j, struct store *s, struct diag *d);
	pthread_mutex_t mu;
	pthread_cond_t cond;
	bool over;
	int err;
	struct diag *d;
};

static int waiting_run(struct sjob *j, struct store *s, struct diag *d)
{
	struct waiting *q = (struct waiting *)j;
	return q->run(q->inner, s, d);
}

static void waiting_done(struct sjob *j, int err, const struct diag *d)
{
	struct waiting *q = (struct waiting *)j;
	pthread_mutex_lock(&q->mu);
	q->err = err;
	if (q->d && d && err != 0)
		*q->d = *d;
	if (q->d && err == MO_ENOMEM && q->d->err != err)
		diag_set(q->d, err, MSG_OUT_OF_MEMORY); /* there was none for words either */
	q->over = true;
	pthread_cond_signal(&q->cond);
	pthread_mutex_unlock(&q->mu);
}

int storer_run(struct storer *st, int (*run)(struct sjob *j, struct store *s, struct diag *d), struct sjob *j, struct diag *d)
{
	struct waiting q = {.job = {.run = waiting_run, .done = waiting_done}, .inner = j, .run = run, .d = d};
	pthread_mutex_init(&q.mu, NULL);
	pthread_cond_init(&q.cond, NULL);
	int err = bqueue_push(st->queue, &q.job, -1);
	if (err == 0) {
		pthread_mutex_lock(&q.mu);
		while (!q.over)
			pthread_cond_wait(&q.cond, &q.mu);
		pthread_mutex_unlock(&q.mu);
		err = q.err;
	}
	pthread_mutex_destroy(&q.mu);
	pthread_cond_destroy(&q.cond);
	return err;
}
