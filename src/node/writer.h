/* The log thread: the only one that appends to and syncs the series engine.
 * A commit starts as soon as the previous sync has returned and anything
 * waits; all jobs that wait share it. */
#ifndef MO_NODE_WRITER_H
#define MO_NODE_WRITER_H

#include "node/disk.h"
#include "series/series.h"

struct writer;
struct wjob {
	/* On the log thread: define, build batches, append (writer_append). An error fails this job alone. */
	int (*run)(struct wjob *j, struct writer *w, struct diag *d);
	/* On the log thread, after the sync that covers it (err 0), or with the reason it is not durable. The job's memory is the caller's again. */
	void (*done)(struct wjob *j, int err, const struct diag *d);
	bool from_file;      /* past values, which nobody awaited at their time: their taps are kept apart */
	struct wjob *next;   /* the writer's */
	int err;
	struct diag *d;      /* the writer's */
};
/* What changed since the jobs looked last, per series, from machines and from files each. */
struct tap {
	series_id id;
	bool from_file;
	int64_t t_min, t_max;             /* source times */
	int64_t arrival_min, arrival_max;
	uint64_t n;
};

MO_MUST_USE int writer_new(struct writer **ret, struct sdb *db, size_t queue_max);
/* Before the first job: what is called on the log thread after each sync that worked, before the jobs' done(). */
void writer_set_synced(struct writer *w, void (*fn)(void *arg), void *arg);
/* Before the first job: whose room is looked at with each round, and who refuses values (MO_EFULL). NULL: nobody. */
void writer_set_disk(struct writer *w, struct disk *k);
/* Finishes what is queued and ends the threads; submitting gives MO_ECANCELED from then on. NULL and twice are fine. */
void writer_stop(struct writer *w);
/* Stops first. */
void writer_free(struct writer *w);
/* Any thread. MO_EAGAIN: queue full (answer 503, or wait); MO_ECANCELED: stopped. */
MO_MUST_USE int writer_submit(struct writer *w, struct wjob *j);
/* All n (at most WRITER_TOGETHER) or none, so that one sync covers them. */
#define WRITER_TOGETHER 64u
MO_MUST_USE int writer_submit_many(struct writer *w, struct wjob *const *jobs, size_t n);
/* Any thread but the log's and the loop's: waits for room. */
MO_MUST_USE int writer_submit_wait(struct writer *w, struct wjob *j);
/* Any thread but the log's: submits and waits. */
MO_MUST_USE int writer_run(struct writer *w, int (*run)(struct wjob *j, struct writer *w, struct diag *d), struct wjob *j, struct diag *d);

/* Inside run(): */
struct sdb *writer_db(struct writer *w);
/* Appends and taps; waits for maintenance when the heads are full, and gives its error when it fails. MO_EFULL: the disk has no room for values. */
MO_MUST_USE int writer_append(struct writer *w, const struct sbatch *b, struct sdb_appended *ret, struct diag *d);

/* Any thread but the log's and flush's: calls fn on the flush thread, where sdb_maintain() and sdb_drop() may be called, and waits for its end.
 * Gives fn's error; MO_ECANCELED: stopped, fn was not called. */
MO_MUST_USE int writer_flush_call(struct writer *w, int (*fn)(void *arg, struct sdb *db, struct diag *d), void *arg, struct diag *d);

/* Any thread: gives what was made durable since the last call and empties it. *ret malloc'ed (NULL when n == 0). */
MO_MUST_USE int writer_taps(struct writer *w, struct tap **ret, size_t *ret_n);

struct writer_stats {
	uint64_t jobs, syncs, points, failed;
	uint64_t bytes; /* of the values, as a batch of the log holds them (docs/formats/series.md) */
	int64_t last_sync_ns, longest_sync_ns; /* durations */
	int64_t busy_ns;                       /* of all rounds so far */
};
void writer_stats(struct writer *w, struct writer_stats *ret);
/* The last failure of a sync or flush since this was asked; false: none. Any thread. */
bool writer_failure(struct writer *w, struct diag *ret);
/* Monotonic ns since when the log thread is at its round; 0: it waits for work. Any thread. */
int64_t writer_busy_since(struct writer *w);

#endif
