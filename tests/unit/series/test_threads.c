/* One writer, one maintainer, one who checks, two readers: every reader sees whole batches in
 * order, never fewer points than before, and each with its value. */
#include "cm.h"

#include <stdatomic.h>
#include <stdio.h>

#include "model.h"
#include "os/memvfs.h"
#include "os/thread.h"

#define N_SERIES 3u
#define BATCHES 500u
#define PER_BATCH 12u

static struct sdb *db;
static _Atomic bool done;
static _Atomic int failures;

static double value_at(int64_t t)
{
	return (double)(t / NS_PER_S % 997) * 0.5;
}

static void *writer(void *arg)
{
	(void)arg;
	struct sbatch *b;
	uint64_t offset;
	if (sbatch_new(&b) != 0) {
		failures++;
		return NULL;
	}
	for (unsigned k = 0; k < BATCHES; k++) {
		struct sdb_appended a;
		sbatch_reset(b);
		sbatch_set_arrival(b, (int64_t)(k + 1) * PER_BATCH * 2 * NS_PER_S);
		for (unsigned i = 0; i < PER_BATCH * N_SERIES; i++) {
			struct sbatch_point p = {.id = 1 + i % N_SERIES, .arrival_ns = T_NONE};
			/* Even seconds in order; an odd one far behind now and then; one again. */
			p.t_ns = (int64_t)(k * PER_BATCH + i / N_SERIES) * 2 * NS_PER_S + NS_PER_S;
			if (i % 7 == 3)
				p.t_ns = (p.t_ns / 3 / NS_PER_S) * NS_PER_S + 1;
			p.type = p.id == 3 ? SERIES_STR : SERIES_F64;
			char text[32];
			int n = snprintf(text, sizeof text, "%.1f", value_at(p.t_ns));
			if (p.id == 3)
				p.v.str = span_of(text, (size_t)n);
			else
				p.v.f64 = value_at(p.t_ns);
			if (sbatch_add(b, &p) != 0)
				failures++;
		}
		int r;
		while ((r = sdb_append(db, b, &a, NULL)) == MO_EAGAIN) {
		}
		if (r != 0 || (k % 8 == 0 && sdb_sync(db, &offset, NULL) != 0))
			failures++;
	}
	sbatch_free(b);
	atomic_store(&done, true);
	return NULL;
}

static void *maintainer(void *arg)
{
	(void)arg;
	unsigned n = 0;
	while (!atomic_load(&done))
		if (sdb_wants_maintain(db) || ++n % 64 == 0)
			if (sdb_maintain(db, n % 128 == 0, NULL) != 0)
				failures++;
	return NULL;
}

static size_t read_all(series_id id, bool desc)
{
	struct sdb_cursor *c;
	size_t n = 0;
	int64_t last = desc ? INT64_MAX : INT64_MIN;
	if (sdb_read(db, &c, id, &(struct sdb_range){INT64_MIN, INT64_MAX, desc, true}, NULL) != 0) {
		failures++;
		return 0;
	}
	for (;;) {
		struct sdb_batch b;
		if (sdb_next(c, &b, NULL) != 0)
			failures++;
		if (b.n == 0)
			break;
		for (size_t i = 0; i < b.n; i++) {
			char text[32];
			int len = snprintf(text, sizeof text, "%.1f", value_at(b.t_ns[i]));
			if (desc ? b.t_ns[i] >= last : b.t_ns[i] <= last)
				failures++;
			last = b.t_ns[i];
			if (id == 3 ? !span_eq(b.str[i], span_of(text, (size_t)len)) : b.f64[i] != value_at(b.t_ns[i]))
				failures++;
		}
		n += b.n;
	}
	sdb_cursor_close(c);
	return n;
}

static void *reader(void *arg)
{
	bool desc = arg != NULL;
	size_t seen[N_SERIES + 1] = {0};
	int64_t last[N_SERIES + 1] = {0};
	for (unsigned k = 0; !atomic_load(&done); k++) {
		series_id id = 1 + k % N_SERIES, found;
		struct sdb_point p;
		struct sdb_bin bins[9];
		struct sdb_extent x;
		char text[32];
		size_t n = read_all(id, desc);
		if (n < seen[id])
			failures++;
		seen[id] = n;
		if (sdb_extent(db, id, &x, NULL) != 0 || x.points < n)
			failures++;
		if (id != 3 && sdb_chart(db, id, 0, 20000 * NS_PER_S, 9, bins, NULL) != 0)
			failures++;
		for (int i = 0; i < 200; i++)
			if (sdb_last(db, id, &p) == 0) {
				int len = snprintf(text, sizeof text, "%.1f", value_at(p.t_ns));
				if (p.t_ns < last[id] ||
				        (id == 3 ? !span_eq(p.v.str, span_of(text, (size_t)len)) : p.v.f64 != value_at(p.t_ns)))
					failures++;
				last[id] = p.t_ns;
			}
		if (sdb_find(db, model_def(id, text).key, &found) != 0 && sdb_max_id(db) != N_SERIES)
			failures++;
		struct sdb_stats st;
		sdb_stats(db, &st);
	}
	return NULL;
}

static void *checker(void *arg)
{
	unsigned *n = arg;
	do {
		if (sdb_check_live(db, NULL, NULL, NULL, NULL) != 0)
			failures++;
		++*n;
	} while (!atomic_load(&done));
	return NULL;
}

static void test_together(void **state)
{
	(void)state;
	struct vfs *vfs;
	pthread_t t[5];
	unsigned checks = 0;
	uint64_t offset;
	static const struct sdb_options opt = {.head_budget_bytes = 60000, .log_file_bytes = 16384, .block_points = 64};
	assert_int_equal(memvfs_new(&vfs, 9), 0);
	assert_int_equal(sdb_open(&db, vfs, "s", &opt, NULL, NULL), 0);
	for (unsigned i = 1; i <= N_SERIES; i++) {
		char text[32];
		series_id id;
		struct series_def def = model_def(i, text);
		def.type = i == 3 ? SERIES_STR : SERIES_F64;
		def.kind = SERIES_CLOCK;
		assert_int_equal(sdb_define(db, &def, &id, NULL, NULL), 0);
	}
	assert_int_equal(thread_start(&t[0], "writer", writer, NULL), 0);
	assert_int_equal(thread_start(&t[1], "maintainer", maintainer, NULL), 0);
	assert_int_equal(thread_start(&t[2], "reader", reader, NULL), 0);
	assert_int_equal(thread_start(&t[3], "reader", reader, &t[3]), 0);
	assert_int_equal(thread_start(&t[4], "checker", checker, &checks), 0);
	for (int i = 0; i < 5; i++)
		thread_join(t[i]);
	assert_true(checks > 1);
	assert_int_equal(atomic_load(&failures), 0);
	assert_int_equal(sdb_sync(db, &offset, NULL), 0);
	size_t n[N_SERIES + 1];
	for (series_id id = 1; id <= N_SERIES; id++)
		n[id] = read_all(id, false);
	sdb_close(db);
	memvfs_crash(vfs, true);
	assert_int_equal(sdb_open(&db, vfs, "s", &opt, NULL, NULL), 0);
	for (series_id id = 1; id <= N_SERIES; id++) {
		assert_true(n[id] > BATCHES * PER_BATCH / 2);
		assert_int_equal(read_all(id, true), n[id]);
	}
	sdb_close(db);
	assert_int_equal(atomic_load(&failures), 0);
	vfs_free(vfs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_together)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
