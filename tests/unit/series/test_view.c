/* What sdb_view() holds does not change, whatever is written, replaced, flushed and merged beside it, and of a batch it has all or nothing. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "cm.h"

#include "base/civil.h"
#include "os/memvfs.h"
#include "series/series.h"

#define SERIES 4u
#define POINTS 100u

static const struct sdb_options options = {.log_file_bytes = 4096, .head_budget_bytes = 1 << 20, .block_points = 64};

static struct sdb *engine(struct vfs *v)
{
	struct sdb *db = NULL;
	assert_int_equal(sdb_open(&db, v, "s", &options, NULL, NULL), 0);
	return db;
}

static void define(struct sdb *db, series_id id[SERIES])
{
	static const char *const keys[SERIES] = {"M a", "M b", "M c", "M d"};
	for (unsigned i = 0; i < SERIES; i++) {
		struct series_def def = {.uuid = {{(uint8_t)(i + 1)}}, .type = SERIES_I64, .kind = SERIES_CLOCK, .key = span_str(keys[i]), .unit = SPAN_LIT("")};
		bool fresh;
		assert_int_equal(sdb_define(db, &def, &id[i], &fresh, NULL), 0);
	}
}

/* One batch: in every series values base + 0.. at times from `at`. */
static void append(struct sdb *db, const series_id id[SERIES], int64_t at, int64_t base, unsigned n)
{
	struct sbatch *b = NULL;
	struct sdb_appended did;
	uint64_t to;
	assert_int_equal(sbatch_new(&b), 0);
	for (unsigned s = 0; s < SERIES; s++)
		for (unsigned i = 0; i < n; i++) {
			struct sbatch_point p = {.id = id[s], .type = SERIES_I64, .t_ns = at + i, .arrival_ns = T_NONE, .v.i64 = base + i};
			assert_int_equal(sbatch_add(b, &p), 0);
		}
	assert_int_equal(sdb_append(db, b, &did, NULL), 0);
	assert_int_equal(sdb_sync(db, &to, NULL), 0);
	sbatch_free(b);
}

static unsigned count(const struct sdb_view *v, series_id id, int64_t from, int64_t to, int64_t base)
{
	struct sdb_range r = {.from_ns = from, .to_ns = to};
	struct sdb_cursor *c = NULL;
	struct sdb_batch b;
	unsigned n = 0;
	assert_int_equal(sdb_view_read(v, &c, id, &r, NULL), 0);
	while (sdb_next(c, &b, NULL) == 0 && b.n)
		for (size_t i = 0; i < b.n; i++, n++)
			assert_true(b.i64[i] == base + b.t_ns[i]);
	sdb_cursor_close(c);
	return n;
}

static void stays(void **state)
{
	struct vfs *v = NULL;
	struct sdb_view *view = NULL;
	struct sdb_cursor *c = NULL;
	struct sdb_range all = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
	struct sdb_batch b;
	series_id id[SERIES];
	(void)state;
	assert_int_equal(memvfs_new(&v, 1), 0);
	struct sdb *db = engine(v);
	define(db, id);
	append(db, id, 0, 0, POINTS);
	assert_int_equal(sdb_maintain(db, true, NULL), 0);
	append(db, id, POINTS, POINTS, POINTS); /* part in a segment, part in the heads */
	assert_int_equal(sdb_view(&view, db, NULL), 0);
	assert_int_equal(sdb_view_max_id(view), SERIES);
	append(db, id, 0, 7000, POINTS + 50); /* replaces */
	append(db, id, 5000, 1, POINTS);      /* adds */
	struct series_def late = {.uuid = {{9}}, .type = SERIES_I64, .kind = SERIES_CLOCK, .key = SPAN_LIT("M late"), .unit = SPAN_LIT("")};
	series_id more;
	bool fresh;
	assert_int_equal(sdb_define(db, &late, &more, &fresh, NULL), 0);
	assert_int_equal(sdb_maintain(db, true, NULL), 0);
	for (unsigned s = 0; s < SERIES; s++) {
		assert_int_equal(count(view, id[s], INT64_MIN, INT64_MAX, 0), 2 * POINTS);
		assert_int_equal(count(view, id[s], POINTS - 10, POINTS + 10, 0), 20);
		assert_int_equal(count(view, id[s], 5000, INT64_MAX, 0), 0);
	}
	assert_int_equal(sdb_view_read(view, &c, more, &all, NULL), MO_ENOENT);
	/* A cursor may outlive its view. */
	assert_int_equal(sdb_view_read(view, &c, id[0], &all, NULL), 0);
	sdb_view_free(view);
	assert_int_equal(sdb_next(c, &b, NULL), 0);
	assert_true(b.n > 0 && b.i64[0] == 0);
	sdb_cursor_close(c);
	sdb_view_free(NULL);
	sdb_close(db);
	vfs_free(v);
}

struct writing {
	struct sdb *db;
	const series_id *id;
	atomic_bool stop;
};

static void *write_on(void *arg)
{
	struct writing *w = arg;
	for (int64_t at = 0; at < 4000 && !atomic_load(&w->stop); at++)
		append(w->db, w->id, at, at, 1);
	return NULL;
}

/* Every batch has one value for each series: a view that has one more of one than of another was taken within a batch. */
static void whole_batches(void **state)
{
	struct vfs *v = NULL;
	series_id id[SERIES];
	pthread_t t;
	(void)state;
	assert_int_equal(memvfs_new(&v, 2), 0);
	struct sdb *db = engine(v);
	define(db, id);
	struct writing w = {.db = db, .id = id};
	assert_int_equal(pthread_create(&t, NULL, write_on, &w), 0);
	for (unsigned i = 0; i < 200; i++) {
		struct sdb_view *view = NULL;
		assert_int_equal(sdb_view(&view, db, NULL), 0);
		unsigned n = count(view, id[0], INT64_MIN, INT64_MAX, 0);
		for (unsigned s = 1; s < SERIES; s++)
			assert_int_equal(count(view, id[s], INT64_MIN, INT64_MAX, 0), n);
		sdb_view_free(view);
	}
	atomic_store(&w.stop, true);
	pthread_join(t, NULL);
	sdb_close(db);
	vfs_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(stays), cmocka_unit_test(whole_batches)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
