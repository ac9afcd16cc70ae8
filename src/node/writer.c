/* See writer.h. One queue, one thread, one sync for all that wait.
 *
 *   submit --> queue --> run (append) --> sync --> done
 *
 * A job that fails in run() fails alone; a failed sync fails every job of the
 * round and all later ones (the engine is then FAILED for good). */
#include "node/writer.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "os/clock.h"
#include "os/thread.h"

#define WRITER_ROUND_JOBS 256u

struct flush_call {
	int (*fn)(void *arg, struct sdb *db, struct diag *d);
	void *arg;
	struct diag *d;
	int err;
	bool over;
};
struct writer {
	struct sdb *db;
	pthread_t thread;
	bool started;
	struct bqueue *queue;
	void (*synced)(void *arg);
	void *synced_arg;
	struct disk *disk;
	_Atomic int64_t busy_since_ns; /* the round under way; 0: none */

	pthread_t maintainer;
	bool maintainer_started, maintain_stop, maintain_wanted;
	pthread_mutex_t mu; /* below */
	pthread_cond_t maintain_wake, maintained;
	uint64_t maintain_rounds;
	int maintain_err; /* of the last round */
	struct flush_call *call; /* what writer_flush_call() wants done; NULL: nothing */
	struct diag failure; /* the last one, until somebody asked */
	struct tap *taps; /* collected since writer_taps(); durable ones only */
	size_t n_taps, cap_taps;
	uint32_t *tap_of; /* 2 × series id + from file -> index + 1 into taps */
	size_t n_tap_of;
	struct writer_stats stats;

	/* of the round that runs; log thread only */
	bool from_file; /* of the job that runs */
	uint64_t round_bytes;
	struct tap *round;
	size_t n_round, cap_round;
};

static int grow(void **p, size_t *cap, size_t want, size_t size)
{
	if (want <= *cap)
		return 0;
	size_t n = *cap ? *cap : 64;
	while (n < want)
		n *= 2;
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes))
		return MO_ENOMEM;
	void *q = realloc(*p, bytes);
	if (!q)
		return MO_ENOMEM;
	*p = q;
	*cap = n;
	return 0;
}

static void tap_merge(struct tap *to, const struct tap *t)
{
	if (t->t_min < to->t_min)
		to->t_min = t->t_min;
	if (t->t_max > to->t_max)
		to->t_max = t->t_max;
	if (t->arrival_min < to->arrival_min)
		to->arrival_min = t->arrival_min;
	if (t->arrival_max > to->arrival_max)
		to->arrival_max = t->arrival_max;
	to->n += t->n;
}

/* The round is durable: its taps join those that wait. Without memory for them the detectors would miss values, so the
 * round's room was reserved before it was acknowledged. Called with mu held. */
static int tap_publish(struct writer *w)
{
	for (size_t i = 0; i < w->n_round; i++) {
		const struct tap *t = &w->round[i];
		size_t place = 2 * (size_t)t->id + t->from_file;
		w->stats.points += t->n;
		if (place >= w->n_tap_of) {
			size_t n = w->n_tap_of ? w->n_tap_of : 1024;
			while (n <= place)
				n *= 2;
			uint32_t *p = realloc(w->tap_of, n * sizeof *p);
			if (!p)
				return MO_ENOMEM;
			memset(p + w->n_tap_of, 0, (n - w->n_tap_of) * sizeof *p);
			w->tap_of = p;
			w->n_tap_of = n;
		}
		uint32_t at = w->tap_of[place];
		if (at) {
			tap_merge(&w->taps[at - 1], t);
			continue;
		}
		if (grow((void **)&w->taps, &w->cap_taps, w->n_taps + 1, sizeof *w->taps) != 0)
			return MO_ENOMEM;
		w->taps[w->n_taps++] = *t;
		w->tap_of[place] = (uint32_t)w->n_taps;
	}
	w->n_round = 0;
	return 0;
}

static int tap_batch(struct writer *w, const struct sbatch *b)
{
	struct sbatch_extent e;
	size_t pos = 0;
	while (sbatch_extents(b, &pos, &e)) {
		if (grow((void **)&w->round, &w->cap_round, w->n_round + 1, sizeof *w->round) != 0)
			return MO_ENOMEM;
		w->round[w->n_round++] = (struct tap){e.id, w->from_file, e.t_min, e.t_max, e.arrival_min, e.arrival_max, e.n};
	}
	return 0;
}

struct sdb *writer_db(struct writer *w) { return w->db; }

static void ask_maintain(struct writer *w)
{
	pthread_mutex_lock(&w->mu);
	w->maintain_wanted = true;
	pthread_cond_signal(&w->maintain_wake);
	pthread_mutex_unlock(&w->mu);
}

int writer_append(struct writer *w, const struct sbatch *b, struct sdb_appended *ret, struct diag *d)
{
	int full = disk_allows(w->disk, DISK_VALUES, d);
	if (full != 0)
		return full;
	for (;;) {
		int err = sdb_append(w->db, b, ret, d);
		if (err != MO_EAGAIN) {
			if (err == 0) {
				err = tap_batch(w, b);
				w->round_bytes += sbatch_bytes(b);
			}
			return err;
		}
		/* The heads are full: hold back until a flush made room, or could not. */
		pthread_mutex_lock(&w->mu);
		uint64_t round = w->maintain_rounds;
		w->maintain_wanted = true;
		pthread_cond_signal(&w->maintain_wake);
		while (w->maintain_rounds == round)
			pthread_cond_wait(&w->maintained, &w->mu);
		err = w->maintain_err;
		if (err != 0 && d)
			*d = w->failure;
		pthread_mutex_unlock(&w->mu);
		/* A segment that failed its checks is left out from now on: the next round may well make room. */
		if (err != 0 && err != MO_ECORRUPT)
			return d && d->err == err ? err : diag_set(d, err, MSG_LOG_FLUSH);
	}
}

/* With mu held. */
static void set_failure(struct writer *w, int err, const struct diag *d)
{
	if (d && d->err == err)
		w->failure = *d;
	else
		diag_set(&w->failure, err, MSG_LOG_FLUSH);
}

/* With mu held: a round of maintenance ended. */
static void maintained(struct writer *w, int err, const struct diag *d)
{
	w->maintain_rounds++;
	w->maintain_err = err;
	if (err != 0) {
		w->stats.failed++;
		set_failure(w, err, d);
	}
	pthread_cond_broadcast(&w->maintained);
}

/* With mu held, which is let go meanwhile. */
static void run_call(struct writer *w)
{
	struct flush_call *c = w->call;
	if (!c)
		return;
	pthread_mutex_unlock(&w->mu);
	int err = c->fn(c->arg, w->db, c->d);
	pthread_mutex_lock(&w->mu);
	w->call = NULL;
	c->err = err;
	c->over = true;
	pthread_cond_broadcast(&w->maintained);
}

static void *maintain_loop(void *arg)
{
	struct writer *w = arg;
	struct diag *d = calloc(1, sizeof *d);
	pthread_mutex_lock(&w->mu);
	while (!w->maintain_stop) {
		run_call(w);
		if (w->maintain_stop)
			break;
		if (w->call)
			continue;
		if (!w->maintain_wanted) {
			pthread_cond_wait(&w->maintain_wake, &w->mu);
			continue;
		}
		w->maintain_wanted = false;
		int err = 0;
		do {
			pthread_mutex_unlock(&w->mu);
			sdb_set_merging(w->db, disk_state(w->disk) < DISK_SPARE);
			if (sdb_wants_maintain(w->db))
				err = sdb_maintain(w->db, false, d);
			bool more = err == 0 && sdb_wants_maintain(w->db);
			pthread_mutex_lock(&w->mu);
			maintained(w, err, d);
			if (!more)
				break;
		} while (!w->maintain_stop);
	}
	if (w->call) {
		w->call->err = MO_ECANCELED;
		w->call->over = true;
		w->call = NULL;
	}
	pthread_cond_broadcast(&w->maintained);
	pthread_mutex_unlock(&w->mu);
	free(d);
	return NULL;
}

int writer_flush_call(struct writer *w, int (*fn)(void *arg, struct sdb *db, struct diag *d), void *arg, struct diag *d)
{
	struct flush_call c = {fn, arg, d, MO_ECANCELED, false};
	pthread_mutex_lock(&w->mu);
	while (w->call && !w->maintain_stop)
		pthread_cond_wait(&w->maintained, &w->mu);
	if (!w->maintain_stop) {
		w->call = &c;
		pthread_cond_signal(&w->maintain_wake);
		while (!c.over)
			pthread_cond_wait(&w->maintained, &w->mu);
	}
	pthread_mutex_unlock(&w->mu);
	return c.err;
}

static void run_round(struct writer *w, struct wjob **jobs, size_t n)
{
	struct diag *d = calloc(1, sizeof *d);
	w->n_round = 0;
	w->round_bytes = 0;
	if (w->disk)
		disk_look(w->disk, mono_now());
	sdb_set_merging(w->db, disk_state(w->disk) < DISK_SPARE);
	for (size_t i = 0; i < n; i++) {
		struct wjob *j = jobs[i];
		struct diag *jd = calloc(1, sizeof *jd);
		w->from_file = j->from_file;
		j->err = jd ? j->run(j, w, jd) : MO_ENOMEM;
		j->d = jd;
	}
	uint64_t offset;
	int64_t t0 = mono_now();
	int err = sdb_sync(w->db, &offset, d);
	int64_t took = mono_now() - t0;
	pthread_mutex_lock(&w->mu);
	if (err == 0)
		err = tap_publish(w);
	if (err == 0)
		w->stats.bytes += w->round_bytes;
	w->stats.syncs++;
	w->stats.jobs += n;
	w->stats.last_sync_ns = took;
	if (took > w->stats.longest_sync_ns)
		w->stats.longest_sync_ns = took;
	if (err != 0) {
		w->stats.failed++;
		if (d && d->err != err)
			diag_set(d, err, MSG_LOG_FLUSH);
		set_failure(w, err, d);
	}
	pthread_mutex_unlock(&w->mu);
	if (err == 0 && w->synced)
		w->synced(w->synced_arg);
	for (size_t i = 0; i < n; i++) {
		struct wjob *j = jobs[i];
		struct diag *jd = j->d;
		if (j->err == 0 && err != 0)
			j->done(j, err, d);
		else
			j->done(j, j->err, jd);
		free(jd);
	}
	free(d);
	if (sdb_wants_maintain(w->db))
		ask_maintain(w);
}

static void *writer_loop(void *arg)
{
	struct writer *w = arg;
	void *jobs[WRITER_ROUND_JOBS];
	size_t n;
	while (bqueue_pop_many(w->queue, jobs, WRITER_ROUND_JOBS, &n, -1) == 0) {
		atomic_store(&w->busy_since_ns, mono_now());
		run_round(w, (struct wjob **)jobs, n);
		int64_t took = mono_now() - atomic_load(&w->busy_since_ns);
		atomic_store(&w->busy_since_ns, 0);
		pthread_mutex_lock(&w->mu);
		w->stats.busy_ns += took;
		pthread_mutex_unlock(&w->mu);
	}
	return NULL;
}

int writer_new(struct writer **ret, struct sdb *db, size_t queue_max)
{
	struct writer *w = calloc(1, sizeof *w);
	if (!w)
		return MO_ENOMEM;
	w->db = db;
	pthread_mutex_init(&w->mu, NULL);
	pthread_cond_init(&w->maintain_wake, NULL);
	pthread_cond_init(&w->maintained, NULL);
	int err = bqueue_new(&w->queue, queue_max);
	if (err == 0 && (err = thread_start(&w->thread, "log", writer_loop, w)) == 0)
		w->started = true;
	if (err == 0 && (err = thread_start(&w->maintainer, "flush", maintain_loop, w)) == 0)
		w->maintainer_started = true;
	if (err != 0) {
		writer_free(w);
		return err;
	}
	*ret = w;
	return 0;
}

void writer_set_synced(struct writer *w, void (*fn)(void *arg), void *arg)
{
	w->synced = fn;
	w->synced_arg = arg;
}

void writer_set_disk(struct writer *w, struct disk *k) { w->disk = k; }

void writer_stop(struct writer *w)
{
	if (!w)
		return;
	if (w->queue)
		bqueue_close(w->queue);
	if (w->started)
		thread_join(w->thread);
	w->started = false;
	pthread_mutex_lock(&w->mu);
	w->maintain_stop = true;
	pthread_cond_broadcast(&w->maintain_wake);
	pthread_mutex_unlock(&w->mu);
	if (w->maintainer_started)
		thread_join(w->maintainer);
	w->maintainer_started = false;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	writer_stop(w);
	bqueue_free(w->queue);
	pthread_mutex_destroy(&w->mu);
	pthread_cond_destroy(&w->maintain_wake);
	pthread_cond_destroy(&w->maintained);
	free(w->taps);
	free(w->tap_of);
	free(w->round);
	free(w);
}

int writer_submit(struct writer *w, struct wjob *j) { return bqueue_try_push(w->queue, j); }
int writer_submit_many(struct writer *w, struct wjob *const *jobs, size_t n)
{
	void *items[WRITER_TOGETHER];
	if (n > WRITER_TOGETHER)
		return MO_EINVAL;
	for (size_t i = 0; i < n; i++)
		items[i] = jobs[i];
	return bqueue_try_push_many(w->queue, items, n);
}
int writer_submit_wait(struct writer *w, struct wjob *j) { return bqueue_push(w->queue, j, -1); }
int64_t writer_busy_since(struct writer *w) { return atomic_load(&w->busy_since_ns); }

bool writer_failure(struct writer *w, struct diag *ret)
{
	pthread_mutex_lock(&w->mu);
	bool any = w->failure.err != 0;
	if (any)
		*ret = w->failure;
	diag_clear(&w->failure);
	pthread_mutex_unlock(&w->mu);
	return any;
}

struct waiting {
	struct wjob job;
	struct wjob *inner;
	int (*run)(struct wjob *j, struct writer *w, struct diag *d);
	pthread_mutex_t mu;
	pthread_cond_t cond;
	bool over;
	int err;
	struct diag *d;
};

static int waiting_run(struct wjob *j, struct writer *w, struct diag *d)
{
	struct waiting *q = (struct waiting *)j;
	return q->run(q->inner, w, d);
}

static void waiting_done(struct wjob *j, int err, const struct diag *d)
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

int writer_run(struct writer *w, int (*run)(struct wjob *j, struct writer *w, struct diag *d), struct wjob *j, struct diag *d)
{
	struct waiting q = {.job = {.run = waiting_run, .done = waiting_done}, .inner = j, .run = run, .d = d};
	pthread_mutex_init(&q.mu, NULL);
	pthread_cond_init(&q.cond, NULL);
	int err = bqueue_push(w->queue, &q.job, -1);
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

int writer_taps(struct writer *w, struct tap **ret, size_t *ret_n)
{
	pthread_mutex_lock(&w->mu);
	*ret = w->taps;
	*ret_n = w->n_taps;
	for (size_t i = 0; i < w->n_taps; i++)
		w->tap_of[2 * (size_t)w->taps[i].id + w->taps[i].from_file] = 0;
	w->taps = NULL;
	w->n_taps = w->cap_taps = 0;
	pthread_mutex_unlock(&w->mu);
	return 0;
}

void writer_stats(struct writer *w, struct writer_stats *ret)
{
	pthread_mutex_lock(&w->mu);
	*ret = w->stats;
	pthread_mutex_unlock(&w->mu);
}
