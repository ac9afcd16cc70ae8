/* Log and store threads: rounds that share a sync or a commit, jobs that fail alone, failures that concern all, ends. */
#include "cm.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/storer.h"
#include "node/writer.h"
#include "os/clock.h"
#include "os/memvfs.h"
#include "os/thread.h"

static struct vfs *v;
static struct sdb *db;
static struct writer *w;
static struct store *st;
static struct storer *so;
static atomic_llong changed_to;

static void on_changed(void *arg, int64_t number)
{
	(void)arg;
	atomic_store(&changed_to, number);
}

static int setup(void **state)
{
	struct sdb_options o = {.head_budget_bytes = 1 << 20};
	(void)state;
	if (memvfs_new(&v, 7) != 0 || sdb_open(&db, v, "series", &o, NULL, NULL) != 0 || writer_new(&w, db, 512) != 0)
		return 1;
	return store_open(&st, v, "store.db", NULL) != 0 || storer_new(&so, st, 512, on_changed, NULL) != 0;
}

static int teardown(void **state)
{
	(void)state;
	writer_free(w);
	storer_free(so);
	sdb_close(db);
	store_close(st);
	vfs_free(v);
	return 0;
}

/* ---- jobs ---- */
struct job {
	struct wjob w;
	struct sjob s;
	unsigned i;
	int fail;            /* run() gives this after it did its work */
	int64_t sleep_ns;
	size_t values;
	_Atomic int err;     /* 1: not over */
	enum mo_msg msg;
	uint64_t synced;     /* syncs when done() was called */
};

static int run_w(struct wjob *j, struct writer *wr, struct diag *d)
{
	struct job *q = (struct job *)j;
	char key[32];
	struct series_def def = {.type = SERIES_I64, .kind = SERIES_CLOCK};
	struct sbatch *b = NULL;
	struct sdb_appended did;
	series_id id;
	bool is_new;
	mono_sleep(q->sleep_ns);
	def.key = span_of(key, (size_t)snprintf(key, sizeof key, "J%u n", q->i));
	def.uuid.b[15] = (uint8_t)q->i;
	def.uuid.b[14] = (uint8_t)(q->i >> 8);
	int err = sdb_define(writer_db(wr), &def, &id, &is_new, d);
	if (err == 0)
		err = sbatch_new(&b);
	for (size_t i = 0; i < q->values + 1 && err == 0; i++) {
		struct sbatch_point p = {.id = id, .type = SERIES_I64, .t_ns = (int64_t)(i + 1), .arrival_ns = T_NONE, .v.i64 = q->i};
		err = sbatch_add(b, &p);
	}
	if (err == 0)
		err = writer_append(wr, b, &did, d);
	sbatch_free(b);
	return err != 0 ? err : q->fail ? diag_set(d, q->fail, MSG_DEVICE_FIELD) : 0;
}

static void done_w(struct wjob *j, int err, const struct diag *d)
{
	struct job *q = (struct job *)j;
	q->msg = d ? d->msg : MSG_NONE;
	q->synced = sdb_sync_count(db);
	atomic_store(&q->err, err);
}

static int run_s(struct sjob *j, struct store *s, struct diag *d)
{
	struct job *q = (struct job *)((char *)j - offsetof(struct job, s));
	char code[32];
	enum store_did did;
	mono_sleep(q->sleep_ns);
	struct record r = {.type = REC_ASSET, .asset = {.code = span_of(code, (size_t)snprintf(code, sizeof code, "A%u", q->i)), .kind = ASSET_MACHINE}};
	int err = store_put_record(s, &r, NS_PER_S, &did, d);
	return err != 0 ? err : q->fail ? diag_set(d, q->fail, MSG_DEVICE_FIELD) : 0;
}

static void done_s(struct sjob *j, int err, const struct diag *d)
{
	struct job *q = (struct job *)((char *)j - offsetof(struct job, s));
	q->msg = d ? d->msg : MSG_NONE;
	atomic_store(&q->err, err);
}

static struct job *jobs_new(unsigned n)
{
	struct job *q = calloc(n, sizeof *q);
	for (unsigned i = 0; i < n; i++) {
		q[i].w = (struct wjob){.run = run_w, .done = done_w};
		q[i].s = (struct sjob){.run = run_s, .done = done_s};
		q[i].i = i;
		atomic_store(&q[i].err, 1);
	}
	return q;
}

static void wait_all(struct job *q, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < 10000 && atomic_load(&q[i].err) == 1; k++)
			mono_sleep(NS_PER_MS);
}

static bool has_series(unsigned i)
{
	char key[32];
	series_id id;
	struct sdb_point p;
	return sdb_find(db, span_of(key, (size_t)snprintf(key, sizeof key, "J%u n", i)), &id) == 0 && sdb_last(db, id, &p) == 0;
}

static bool has_asset(unsigned i)
{
	struct store_reader *r = NULL;
	struct table_cursor *c = NULL;
	struct table_batch b = {0};
	char code[32];
	struct store_arg a[] = {sarg_s(span_of(code, (size_t)snprintf(code, sizeof code, "A%u", i)))};
	assert_int_equal(store_reader_open(&r, v, "store.db", NULL), 0);
	assert_int_equal(store_select(r, &c, SQ_ASSET, a, 1, NULL), 0);
	bool is = table_next(c, &b, NULL) == 0 && b.n_rows;
	table_close(c);
	store_reader_close(r);
	return is;
}

/* ---- the log thread ---- */
static void jobs_that_wait_share_a_sync(void **state)
{
	(void)state;
	struct job *q = jobs_new(101);
	uint64_t before = sdb_sync_count(db);
	q[0].sleep_ns = 100 * NS_PER_MS; /* the others gather meanwhile */
	q[40].fail = MO_EINVAL;
	for (unsigned i = 0; i < 101; i++)
		assert_int_equal(writer_submit(w, &q[i].w), 0);
	wait_all(q, 101);
	for (unsigned i = 0; i < 101; i++) {
		assert_int_equal(atomic_load(&q[i].err), i == 40 ? MO_EINVAL : 0); /* alone */
		assert_true(q[i].synced > before); /* no end before the sync that covers it */
	}
	assert_int_equal(q[40].msg, MSG_DEVICE_FIELD);
	uint64_t syncs = sdb_sync_count(db) - before;
	assert_in_range(syncs, 1, 3);
	struct writer_stats s;
	writer_stats(w, &s);
	assert_int_equal(s.jobs, 101);
	assert_int_equal(s.points, 101);
	assert_int_equal(s.failed, 0);
	assert_int_equal(writer_busy_since(w), 0);
	/* What changed, per series, once. */
	struct tap *t;
	size_t n;
	assert_int_equal(writer_taps(w, &t, &n), 0);
	assert_int_equal(n, 101);
	free(t);
	assert_int_equal(writer_taps(w, &t, &n), 0);
	assert_int_equal(n, 0);
	free(q);
}

static void a_failed_sync_fails_all_that_it_covers(void **state)
{
	(void)state;
	struct job *q = jobs_new(4);
	struct diag d = {0};
	assert_int_equal(writer_submit(w, &q[0].w), 0);
	wait_all(q, 1);
	assert_int_equal(atomic_load(&q[0].err), 0);
	assert_false(writer_failure(w, &d));
	struct memvfs_faults f = {.fail_at = 1, .err = MO_EIO, .forever = true};
	q[1].sleep_ns = 50 * NS_PER_MS;
	assert_int_equal(writer_submit(w, &q[1].w), 0);
	assert_int_equal(writer_submit(w, &q[2].w), 0);
	memvfs_set_faults(v, &f);
	wait_all(q, 3);
	assert_true(atomic_load(&q[1].err) < 0);
	assert_true(atomic_load(&q[2].err) < 0);
	assert_true(writer_failure(w, &d)); /* to be said */
	assert_int_not_equal(d.msg, MSG_NONE);
	assert_false(writer_failure(w, &d)); /* once */
	memvfs_set_faults(v, NULL);
	/* What was acknowledged before is there after a restart; the engine is not believed again before. */
	assert_int_equal(writer_submit(w, &q[3].w), 0);
	wait_all(q, 4);
	assert_true(atomic_load(&q[3].err) < 0);
	writer_free(w);
	w = NULL;
	sdb_close(db);
	memvfs_crash(v, false);
	assert_int_equal(sdb_open(&db, v, "series", NULL, NULL, NULL), 0);
	assert_true(has_series(0));
	free(q);
}

/* Heads that are full wait for a flush; a flush that fails is the job's error and not a wait for ever. */
static void full_heads_wait_or_fail(void **state)
{
	(void)state;
	struct job *q = jobs_new(400);
	for (unsigned i = 0; i < 300; i++) {
		q[i].values = 1000;
		assert_int_equal(writer_submit_wait(w, &q[i].w), 0);
	}
	wait_all(q, 300);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(atomic_load(&q[i].err), 0); /* five times the budget went through */
	/* The log has its room already, a segment finds none. */
	struct memvfs_faults f = {.space_bytes = 1};
	unsigned failed = 0;
	memvfs_set_faults(v, &f);
	for (unsigned i = 300; i < 400; i++) {
		q[i].values = 1000;
		assert_int_equal(writer_submit_wait(w, &q[i].w), 0);
	}
	for (unsigned k = 0; k < 5000 && atomic_load(&q[399].err) == 1; k++)
		mono_sleep(NS_PER_MS);
	memvfs_set_faults(v, NULL);
	for (unsigned i = 300; i < 400; i++) {
		assert_int_not_equal(atomic_load(&q[i].err), 1);
		failed += atomic_load(&q[i].err) == MO_EFULL;
	}
	assert_true(failed > 0);
	struct diag d = {0};
	assert_true(writer_failure(w, &d));
	/* There is room again: it goes on. */
	struct job *more = jobs_new(1);
	more->i = 500;
	assert_int_equal(writer_submit_wait(w, &more->w), 0);
	wait_all(more, 1);
	assert_int_equal(atomic_load(&more->err), 0);
	free(more);
	free(q);
}

static void a_stopped_writer_finishes_and_refuses(void **state)
{
	(void)state;
	struct job *q = jobs_new(51);
	q[0].sleep_ns = 20 * NS_PER_MS;
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(writer_submit(w, &q[i].w), 0);
	writer_stop(w);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(atomic_load(&q[i].err), 0);
		assert_true(has_series(i));
	}
	assert_int_equal(writer_submit(w, &q[50].w), MO_ECANCELED);
	assert_int_equal(writer_submit_wait(w, &q[50].w), MO_ECANCELED);
	assert_int_equal(writer_run(w, run_w, &q[50].w, NULL), MO_ECANCELED);
	writer_stop(w);
	free(q);
}

/* ---- the store thread ---- */
static void rows_share_a_commit_and_fail_alone(void **state)
{
	(void)state;
	struct job *q = jobs_new(60);
	uint64_t before = memvfs_syncs(v);
	q[0].sleep_ns = 100 * NS_PER_MS;
	q[30].fail = MO_EINVAL;
	for (unsigned i = 0; i < 60; i++)
		assert_int_equal(storer_submit(so, &q[i].s), 0);
	wait_all(q, 60);
	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(atomic_load(&q[i].err), i == 30 ? MO_EINVAL : 0);
		assert_int_equal(has_asset(i), i != 30); /* what it had done is undone */
	}
	assert_true(memvfs_syncs(v) - before < 30);
	assert_true(atomic_load(&changed_to) >= 59);
	free(q);
}

static void a_failed_commit_fails_all(void **state)
{
	(void)state;
	struct job *q = jobs_new(8);
	struct memvfs_faults f = {.fail_at = 1, .err = MO_EIO, .forever = true};
	assert_int_equal(storer_run(so, run_s, &q[0].s, NULL), 0); /* not through done_s */
	long long number = atomic_load(&changed_to);
	q[1].sleep_ns = 50 * NS_PER_MS;
	q[2].fail = MO_EINVAL;
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(storer_submit(so, &q[i].s), 0);
	memvfs_set_faults(v, &f);
	wait_all(q + 1, 3);
	for (unsigned i = 1; i < 4; i++)
		assert_true(atomic_load(&q[i].err) < 0);
	assert_int_equal(atomic_load(&changed_to), number); /* nobody hears of what is not there */
	memvfs_set_faults(v, NULL);
	/* The disk is back: so is the store. */
	assert_int_equal(storer_run(so, run_s, &q[4].s, NULL), 0);
	assert_true(has_asset(0));
	assert_false(has_asset(1));
	assert_false(has_asset(3));
	assert_true(has_asset(4));
	free(q);
}

static void a_stopped_storer_finishes_and_refuses(void **state)
{
	(void)state;
	struct job *q = jobs_new(21);
	q[0].sleep_ns = 20 * NS_PER_MS;
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(storer_submit(so, &q[i].s), 0);
	storer_stop(so);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(atomic_load(&q[i].err), 0);
	assert_int_equal(storer_submit(so, &q[20].s), MO_ECANCELED);
	assert_int_equal(storer_run(so, run_s, &q[20].s, NULL), MO_ECANCELED);
	assert_int_equal(storer_busy_since(so), 0);
	storer_stop(so);
	free(q);
}

struct flusher {
	pthread_t thread;
	unsigned called;
	int err;
};
static atomic_int at_once;

static int flush_fn(void *arg, struct sdb *of, struct diag *d)
{
	struct flusher *f = arg;
	assert_ptr_equal(of, db);
	assert_int_equal(atomic_fetch_add(&at_once, 1), 0);
	mono_sleep(NS_PER_MS / 10);
	atomic_fetch_sub(&at_once, 1);
	return ++f->called % 5 == 0 ? diag_set(d, MO_EFULL, MSG_DEVICE_FIELD) : 0;
}

static void *flusher_loop(void *arg)
{
	struct flusher *f = arg;
	struct diag d;
	for (unsigned i = 1; i <= 20; i++) {
		diag_clear(&d);
		int err = writer_flush_call(w, flush_fn, f, &d);
		if (err != (i % 5 == 0 ? MO_EFULL : 0) || f->called != i || (err != 0 && d.msg != MSG_DEVICE_FIELD))
			f->err = -1;
	}
	return NULL;
}

/* Calls of several threads, one at a time, each with its own answer, while values are written. */
static void calls_run_on_the_flush_thread(void **state)
{
	struct flusher f[3] = {0};
	struct job *q = jobs_new(30);
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(thread_start(&f[i].thread, "asker", flusher_loop, &f[i]), 0);
	for (unsigned i = 0; i < 30; i++) {
		q[i].values = 3000;
		assert_int_equal(writer_submit_wait(w, &q[i].w), 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		thread_join(f[i].thread);
		assert_int_equal(f[i].err, 0);
		assert_int_equal(f[i].called, 20);
	}
	writer_stop(w);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(atomic_load(&q[i].err), 0);
	assert_int_equal(writer_flush_call(w, flush_fn, &f[0], NULL), MO_ECANCELED);
	assert_int_equal(f[0].called, 20);
	free(q);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(jobs_that_wait_share_a_sync), T(a_failed_sync_fails_all_that_it_covers), T(full_heads_wait_or_fail),
		T(a_stopped_writer_finishes_and_refuses), T(calls_run_on_the_flush_thread), T(rows_share_a_commit_and_fail_alone), T(a_failed_commit_fails_all), T(a_stopped_storer_finishes_and_refuses)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
