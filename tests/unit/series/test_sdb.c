/* What series.h promises, one promise a test. */
#include "cm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model.h"
#include "os/memvfs.h"
#include "series/priv/format.h"

static struct vfs *vfs;
static struct sdb *db;
static struct diag d;

static int setup(void **state)
{
	(void)state;
	diag_clear(&d);
	return memvfs_new(&vfs, 1) != 0 || sdb_open(&db, vfs, "s", &model_options, NULL, &d) != 0;
}
static int teardown(void **state)
{
	(void)state;
	sdb_close(db);
	vfs_free(vfs);
	return 0;
}
static void reopen(struct sdb_recovery *rec)
{
	sdb_close(db);
	db = NULL;
	assert_int_equal(sdb_open(&db, vfs, "s", &model_options, rec, &d), 0);
}

static series_id define(const char *key, enum series_type type, enum series_kind kind)
{
	struct series_def def = {.type = type, .kind = kind, .key = span_str(key), .unit = SPAN_LIT("kW")};
	series_id id;
	def.uuid.b[3] = (uint8_t)key[0];
	def.uuid.b[4] = (uint8_t)strlen(key);
	assert_int_equal(sdb_define(db, &def, &id, NULL, &d), 0);
	return id;
}

static struct sdb_appended add(struct sbatch_point p, int want)
{
	struct sbatch *b;
	struct sdb_appended a = {0};
	assert_int_equal(sbatch_new(&b), 0);
	sbatch_set_arrival(b, p.t_ns);
	if (p.arrival_ns == 0)
		p.arrival_ns = T_NONE;
	assert_int_equal(sbatch_add(b, &p), 0);
	assert_int_equal(sdb_append(db, b, &a, &d), want);
	sbatch_free(b);
	return a;
}

static void add_f64(series_id id, int64_t t, double v, uint8_t q)
{
	add((struct sbatch_point){.id = id, .type = SERIES_F64, .t_ns = t, .quality = q, .v.f64 = v}, 0);
}

static void sync_all(void)
{
	uint64_t offset;
	assert_int_equal(sdb_sync(db, &offset, &d), 0);
	assert_int_equal(sdb_synced_offset(db), offset);
}

static void test_define(void **state)
{
	(void)state;
	series_id id = define("m v", SERIES_F64, SERIES_CLOCK), again;
	bool fresh = true;
	struct series_def def = {.type = SERIES_F64, .kind = SERIES_CLOCK, .key = SPAN_LIT("m v")}, got;
	assert_int_equal(sdb_define(db, &def, &again, &fresh, &d), 0);
	assert_int_equal(again, id);
	assert_false(fresh);
	def.type = SERIES_I64;
	assert_int_equal(sdb_define(db, &def, &again, &fresh, &d), MO_EEXIST);
	assert_string_equal(d.field, "m v");
	assert_string_equal(d.value, "i64");
	assert_string_equal(d.expected, "f64");
	def.key.n = 0;
	assert_int_equal(sdb_define(db, &def, &again, &fresh, &d), MO_EINVAL);
	static uint8_t longest[SERIES_KEY_MAX + 1] = "long";
	def.key = span_of(longest, SERIES_KEY_MAX + 1);
	assert_int_equal(sdb_define(db, &def, &again, &fresh, &d), MO_EINVAL);
	def.key.n--;
	assert_int_equal(sdb_define(db, &def, &again, &fresh, &d), 0);
	assert_true(fresh && again == 2 && sdb_max_id(db) == 2);
	assert_int_equal(sdb_get_def(db, 3, &got), MO_ENOENT);
	assert_int_equal(sdb_find(db, SPAN_LIT("none"), &again), MO_ENOENT);
	sync_all();
	reopen(NULL);
	assert_int_equal(sdb_find(db, SPAN_LIT("m v"), &again), 0);
	assert_int_equal(sdb_get_def(db, again, &got), 0);
	assert_true(span_is(got.unit, "kW") && got.type == SERIES_F64);
	assert_int_equal(sdb_find_uuid(db, &got.uuid, &again), 0);
	assert_int_equal(again, id);
}

static void test_batches(void **state)
{
	(void)state;
	series_id f = define("f", SERIES_F64, SERIES_CLOCK), b1 = define("bb", SERIES_BOOL, SERIES_CLOCK);
	struct sbatch *b;
	struct sdb_appended a;
	int64_t t[100];
	uint8_t v[100];
	assert_int_equal(sbatch_new(&b), 0);
	assert_int_equal(sdb_append(db, b, &a, &d), 0); /* nothing is nothing */
	assert_int_equal(a.taken, 0);
	for (int i = 0; i < 100; i++) {
		t[i] = i;
		v[i] = (uint8_t)(i % 3);
	}
	assert_int_equal(sbatch_add_run(b, b1, SERIES_BOOL, 100, t, v), 0);
	assert_int_equal(sbatch_add_run(b, f, SERIES_STR, 1, t, v), MO_EINVAL);
	struct sbatch_point p = {.id = f, .type = SERIES_F64, .t_ns = INT64_MIN, .arrival_ns = T_NONE};
	assert_int_equal(sbatch_add(b, &p), MO_EINVAL);
	p.t_ns = INT64_MAX;
	assert_int_equal(sbatch_add(b, &p), MO_EINVAL);
	p.t_ns = 1;
	assert_int_equal(sbatch_add(b, &p), 0);
	assert_int_equal(sbatch_points(b), 101);
	assert_int_equal(sdb_append(db, b, &a, &d), 0);
	assert_int_equal(a.taken, 101);
	/* One wrong point and nothing of the batch is there. */
	sbatch_reset(b);
	p.t_ns = 2;
	assert_int_equal(sbatch_add(b, &p), 0);
	p.id = 9;
	assert_int_equal(sbatch_add(b, &p), 0);
	assert_int_equal(sdb_append(db, b, &a, &d), MO_ENOENT);
	sbatch_reset(b);
	p.id = f;
	assert_int_equal(sbatch_add(b, &p), 0);
	p.id = b1;
	assert_int_equal(sbatch_add(b, &p), 0);
	assert_int_equal(sdb_append(db, b, &a, &d), MO_EINVAL);
	assert_string_equal(d.expected, "bool");
	sbatch_reset(b);
	p.id = f;
	p.seq = 4;
	assert_int_equal(sbatch_add(b, &p), 0);
	assert_int_equal(sdb_append(db, b, &a, &d), MO_EINVAL);
	struct sdb_extent x;
	assert_int_equal(sdb_extent(db, f, &x, &d), 0);
	assert_int_equal(x.points, 1);
	static uint8_t text[SERIES_STR_MAX + 1];
	struct sbatch_point s = {.id = f, .type = SERIES_STR, .t_ns = 1, .arrival_ns = T_NONE, .v.str = span_of(text, sizeof text)};
	assert_int_equal(sbatch_add(b, &s), MO_EINVAL);
	sbatch_reset(b);
	for (size_t i = 0; i < SBATCH_POINTS_MAX; i += 100)
		if (sbatch_add_run(b, b1, SERIES_BOOL, i + 100 > SBATCH_POINTS_MAX ? SBATCH_POINTS_MAX - i : 100, t, v) != 0)
			fail();
	p.seq = 0;
	assert_int_equal(sbatch_add(b, &p), MO_ELIMIT);
	assert_int_equal(sbatch_points(b), SBATCH_POINTS_MAX);
	sbatch_reset(b);
	s.v.str.n--;
	int r = 0;
	while (r == 0)
		r = sbatch_add(b, &s);
	assert_int_equal(r, MO_ELIMIT);
	assert_true(sbatch_bytes(b) <= SBATCH_BYTES_MAX + 16);
	sbatch_free(b);
}

static void test_sequence(void **state)
{
	(void)state;
	series_id id = define("cycle", SERIES_I64, SERIES_SEQUENCE);
	struct sbatch_point p = {.id = id, .type = SERIES_I64, .t_ns = 1000, .seq = 7, .v.i64 = 42};
	for (int stored = 0; stored < 2; stored++) {
		p.t_ns = 1000 + stored;
		assert_int_equal(add(p, 0).taken, 1);
		for (int k = 0; k < 2; k++) {
			assert_int_equal(add(p, 0).repeated, 1);
			p.v.i64 = 43;
			diag_clear(&d);
			assert_int_equal(add(p, 0).refused, 1);
			assert_int_equal(d.msg, MSG_SERIES_SEQ_REFUSED);
			assert_string_equal(d.field, "cycle");
			assert_int_equal(d.arg[0].i, 7);
			p.v.i64 = 42;
			assert_int_equal(sdb_maintain(db, true, &d), 0); /* the same against a segment */
		}
		p.seq = 8;
		assert_int_equal(add(p, 0).taken, 1);
		p.seq = 7;
	}
	struct sdb_point last;
	assert_int_equal(sdb_last(db, id, &last), 0);
	assert_true(last.t_ns == 1001 && last.seq == 8 && last.v.i64 == 42);
}

static void test_last_text(void **state)
{
	(void)state;
	series_id id = define("text", SERIES_STR, SERIES_CLOCK);
	struct sdb_point p;
	assert_int_equal(sdb_last(db, id, &p), MO_ENOENT);
	assert_int_equal(sdb_last(db, 99, &p), MO_ENOENT);
	/* 62 letters, then a letter of three bytes: 63 bytes fit, the letter does not. */
	char text[80];
	memset(text, 'a', 62);
	memcpy(text + 62, "\xea\xb0\x80zzz", 6);
	add((struct sbatch_point){.id = id, .type = SERIES_STR, .t_ns = 5, .v.str = span_of(text, 68)}, 0);
	for (int k = 0; k < 3; k++) {
		assert_int_equal(sdb_last(db, id, &p), 0);
		assert_int_equal(p.v.str.n, 62);
		assert_true(p.v.str.p == (const uint8_t *)p.str && p.t_ns == 5);
		if (k == 0)
			assert_int_equal(sdb_maintain(db, true, &d), 0);
		else
			reopen(NULL);
	}
	add((struct sbatch_point){.id = id, .type = SERIES_STR, .t_ns = 5, .v.str = SPAN_LIT("")}, 0); /* replaced in a segment */
	assert_int_equal(sdb_last(db, id, &p), 0);
	assert_int_equal(p.v.str.n, 0);
}

static void test_offsets(void **state)
{
	(void)state;
	series_id id = define("f", SERIES_F64, SERIES_CLOCK);
	sync_all();
	uint64_t syncs = sdb_sync_count(db), offset;
	struct sdb_appended a = add((struct sbatch_point){.id = id, .type = SERIES_F64, .t_ns = 5}, 0);
	assert_true(sdb_synced_offset(db) < a.offset);
	uint64_t below = memvfs_syncs(vfs);
	assert_int_equal(sdb_sync(db, &offset, &d), 0);
	assert_int_equal(memvfs_syncs(vfs), below + 1); /* one sync covers it */
	assert_true(offset >= a.offset && sdb_synced_offset(db) == offset && sdb_sync_count(db) == syncs + 1);
	assert_int_equal(sdb_sync(db, &offset, &d), 0);
	assert_int_equal(memvfs_syncs(vfs), below + 1); /* nothing new, nothing done */
}

static void test_failed(void **state)
{
	(void)state;
	series_id id = define("f", SERIES_F64, SERIES_CLOCK);
	uint64_t offset;
	sync_all();
	add_f64(id, 1, 1, 0);
	memvfs_set_faults(vfs, &(struct memvfs_faults){.fail_at = 2, .err = MO_EIO});
	assert_int_equal(sdb_sync(db, &offset, &d), MO_EIO);
	memvfs_set_faults(vfs, &(struct memvfs_faults){0});
	assert_int_equal(sdb_sync(db, &offset, &d), MO_ESTATE);
	assert_int_equal(d.msg, MSG_SERIES_FAILED);
	add((struct sbatch_point){.id = id, .type = SERIES_F64, .t_ns = 2}, MO_ESTATE);
	assert_int_equal(sdb_maintain(db, true, &d), MO_ESTATE);
	assert_false(sdb_wants_maintain(db));
	reopen(NULL);
	add_f64(id, 2, 1, 0);
	sync_all();
}

static void test_budget(void **state)
{
	(void)state;
	series_id id = define("f", SERIES_F64, SERIES_CLOCK);
	struct sdb_stats st;
	int64_t t = 0;
	struct sbatch *b;
	struct sdb_appended a;
	assert_int_equal(sbatch_new(&b), 0);
	int r = 0;
	while (r == 0) {
		sbatch_reset(b);
		for (int i = 0; i < 50; i++) {
			struct sbatch_point p = {.id = id, .type = SERIES_F64, .t_ns = ++t, .arrival_ns = T_NONE};
			assert_int_equal(sbatch_add(b, &p), 0);
		}
		r = sdb_append(db, b, &a, &d);
		sdb_stats(db, &st);
		assert_true(st.bytes_heads >= st.points_head * 16);
		if (st.bytes_heads > model_options.head_budget_bytes)
			assert_true(sdb_wants_maintain(db));
	}
	assert_int_equal(r, MO_EAGAIN);
	assert_int_equal(sdb_maintain(db, false, &d), 0);
	assert_int_equal(sdb_append(db, b, &a, &d), 0);
	sdb_stats(db, &st);
	assert_int_equal(st.points_head, 50);
	assert_int_equal(st.segments, 1);
	assert_int_equal(st.points_head + st.points_segments, (uint64_t)t);
	sbatch_free(b);
	/* Values replaced over and over fill the log, not the heads: that asks for a flush too. */
	assert_int_equal(sdb_maintain(db, true, &d), 0);
	for (int i = 0; i < 3000 && !sdb_wants_maintain(db); i++)
		add_f64(id, 7, i, 0);
	assert_true(sdb_wants_maintain(db));
	assert_int_equal(sdb_maintain(db, false, &d), 0);
	assert_false(sdb_wants_maintain(db));
	sdb_stats(db, &st);
	assert_true(st.bytes_log <= 2 * model_options.log_file_bytes);
}

static void test_read_only(void **state)
{
	(void)state;
	struct sdb *ro;
	struct sdb_options opt = model_options;
	struct sdb_point p;
	uint64_t offset;
	series_id id = define("f", SERIES_F64, SERIES_CLOCK);
	add_f64(id, 1, 8, 0);
	sync_all();
	opt.read_only = true;
	uint64_t ops = memvfs_syncs(vfs);
	assert_int_equal(sdb_open(&ro, vfs, "s", &opt, NULL, &d), 0);
	assert_int_equal(memvfs_syncs(vfs), ops);
	assert_int_equal(sdb_last(ro, id, &p), 0);
	assert_true(p.v.f64 == 8);
	assert_int_equal(sdb_sync(ro, &offset, &d), MO_ESTATE);
	assert_int_equal(d.msg, MSG_SERIES_READ_ONLY);
	assert_int_equal(sdb_maintain(ro, true, &d), MO_ESTATE);
	sdb_close(ro);
	assert_int_equal(sdb_open(&ro, vfs, "absent", &opt, NULL, &d), MO_ENOENT);
	assert_int_not_equal(d.msg, MSG_NONE);
}

static void test_cursor_survives(void **state)
{
	(void)state;
	series_id id = define("f", SERIES_F64, SERIES_CLOCK);
	for (int k = 0; k < 6; k++) {
		for (int i = 0; i < 100; i++)
			add_f64(id, k * 100 + i, k, 0);
		if (k < 5)
			assert_int_equal(sdb_maintain(db, k == 3, &d), 0);
	}
	struct sdb_cursor *c;
	struct sdb_batch b;
	assert_int_equal(sdb_read(db, &c, id, &(struct sdb_range){50, INT64_MAX, false, false}, &d), 0);
	for (int i = 0; i < 600; i++)
		add_f64(id, i, -1, 0); /* replaced behind its back */
	assert_int_equal(sdb_maintain(db, true, &d), 0);
	size_t n = 0;
	do {
		assert_int_equal(sdb_next(c, &b, &d), 0);
		for (size_t i = 0; i < b.n; i++, n++)
			assert_true(b.t_ns[i] == (int64_t)n + 50 && b.f64[i] == (double)((n + 50) / 100));
		assert_null(b.seq);
		assert_null(b.arrival_ns);
	} while (b.n > 0);
	assert_int_equal(n, 550);
	assert_int_equal(sdb_next(c, &b, &d), 0);
	assert_int_equal(b.n, 0);
	sdb_cursor_close(c);
	assert_int_equal(sdb_read(db, &c, id, &(struct sdb_range){60, 60, false, false}, &d), 0);
	assert_int_equal(sdb_next(c, &b, &d), 0);
	assert_int_equal(b.n, 0);
	sdb_cursor_close(c);
	assert_int_equal(sdb_read(db, &c, 44, &(struct sdb_range){0, 1, false, false}, &d), MO_ENOENT);
}

static void test_chart(void **state)
{
	(void)state;
	series_id id = define("f", SERIES_F64, SERIES_CLOCK), s = define("text", SERIES_STR, SERIES_CLOCK);
	struct sdb_bin b[4];
	for (int k = 0; k < 2; k++) {
		if (k == 0) {
			for (int i = 0; i < 64; i++)
				add_f64(id, i, i, i >= 16 && i < 32 ? Q_BAD : i == 40 ? Q_BAD : Q_GOOD);
			add_f64(id, 63, NAN, 0);
		} else {
			assert_int_equal(sdb_maintain(db, true, &d), 0); /* blocks of 16: one all bad, one mixed */
		}
		assert_int_equal(sdb_chart(db, id, 0, 64, 4, b, &d), 0);
		assert_true(b[0].count == 16 && b[0].bad == 0 && b[0].min == 0 && b[0].max == 15 && b[0].sum == 120 && b[0].last_ns == 15);
		assert_true(b[1].count == 0 && b[1].bad == 16 && isnan(b[1].min) && isnan(b[1].sum) && isnan(b[1].first));
		assert_true(b[2].count == 15 && b[2].bad == 1);
		assert_true(b[3].count == 15 && b[3].bad == 1 && b[3].last == 62);
		assert_int_equal(sdb_chart(db, id, INT64_MIN, INT64_MAX, 3, b, &d), 0);
		assert_true(b[0].count == 0 && b[1].count == 46 && b[1].bad == 18 && b[2].count == 0);
		assert_int_equal(sdb_chart(db, id, 10, 12, 4, b, &d), 0); /* more bins than times */
		assert_true(b[0].count == 0 && b[1].count == 1 && b[2].count == 0 && b[3].count == 1 && b[1].first == 10);
	}
	assert_int_equal(sdb_chart(db, s, 0, 1, 1, b, &d), MO_ESTATE);
	assert_int_equal(sdb_chart(db, id, 1, 1, 1, b, &d), MO_EINVAL);
	assert_int_equal(sdb_chart(db, id, 0, 1, 0, b, &d), MO_EINVAL);
	assert_int_equal(sdb_chart(db, id, 0, 1, SDB_BINS_MAX + 1, b, &d), MO_EINVAL);
	assert_int_equal(sdb_chart(db, 9, 0, 1, 1, b, &d), MO_ENOENT);
}

/* A file imported again goes into the segment that it replaces. */
static void test_again(void **state)
{
	(void)state;
	struct sdb_stats st;
	series_id id = define("f", SERIES_F64, SERIES_CLOCK);
	for (int k = 0; k < 2; k++) {
		for (int i = 0; i < 50; i++)
			add_f64(id, i, k, 0);
		assert_int_equal(sdb_maintain(db, true, &d), 0);
	}
	sdb_stats(db, &st);
	assert_int_equal(st.segments, 1);
	assert_int_equal(st.points_segments, 50);
	assert_false(sdb_wants_maintain(db));
}

/* A damaged segment is set aside for good; counts stay exact. */
static void test_set_aside(void **state)
{
	(void)state;
	struct sdb_recovery rec;
	struct sdb_extent x;
	series_id id = define("f", SERIES_F64, SERIES_CLOCK);
	for (int k = 0; k < 3; k++) {
		for (int i = 0; i < 50; i++)
			add_f64(id, k * 45 + i, k, 0); /* each a little over the one before */
		sync_all();
		assert_int_equal(sdb_maintain(db, true, &d), 0);
	}
	assert_int_equal(sdb_extent(db, id, &x, &d), 0);
	assert_int_equal(x.points, 140);
	struct vfs_stat st;
	assert_int_equal(vfs_stat(vfs, "s/seg-0000000000000002", &st), 0);
	assert_int_equal(memvfs_flip(vfs, "s/seg-0000000000000002", st.size_bytes * 8 - 100), 0);
	reopen(&rec);
	assert_int_equal(rec.set_aside, 1);
	assert_string_equal(rec.set_aside_name, "seg-0000000000000002");
	assert_int_equal(vfs_stat(vfs, "s/seg-0000000000000002.bad", &st), 0);
	for (int k = 0; k < 2; k++) {
		assert_int_equal(sdb_extent(db, id, &x, &d), 0);
		assert_int_equal(x.points, 100); /* 0..49 of the first, 90..139 of the last */
		assert_int_equal(sdb_maintain(db, true, &d), 0);
		reopen(&rec);
		assert_int_equal(rec.set_aside, 0);
	}
}

static size_t segments_after(series_id id, int64_t *t, int n)
{
	struct sdb_stats st;
	for (int i = 0; i < n; i++)
		add_f64(id, *t + i + 1, 1.0 / (double)(*t + i + 1), 0);
	*t += n;
	assert_int_equal(sdb_maintain(db, true, &d), 0);
	sdb_stats(db, &st);
	return (size_t)st.segments;
}

/* A large segment is not written again for a few small ones behind it; those are merged among themselves. */
static void test_merge_large(void **state)
{
	(void)state;
	series_id id = define("f", SERIES_F64, SERIES_CLOCK);
	struct sdb_extent x;
	int64_t t = 0;
	assert_int_equal(segments_after(id, &t, 1000), 1);
	assert_int_equal(segments_after(id, &t, 10), 2);
	assert_int_equal(segments_after(id, &t, 10), 3);
	assert_int_equal(segments_after(id, &t, 10), 4);
	assert_int_equal(segments_after(id, &t, 10), 2);
	assert_int_equal(segments_after(id, &t, 1000), 3);
	assert_int_equal(segments_after(id, &t, 1000), 1); /* none of the four is larger than the others together */
	assert_int_equal(sdb_extent(db, id, &x, &d), 0);
	assert_int_equal(x.points, (uint64_t)t);
}

/* The head holds a text once for all points in a row that have it. */
static void test_texts_shared(void **state)
{
	(void)state;
	struct sdb_stats st;
	series_id id = define("s", SERIES_STR, SERIES_CLOCK);
	struct sbatch_point p = {.id = id, .type = SERIES_STR, .arrival_ns = T_NONE};
	static char text[10000];
	struct sbatch *b;
	struct sdb_appended a;
	memset(text, 'x', sizeof text);
	p.v.str = span_of(text, sizeof text);
	assert_int_equal(sbatch_new(&b), 0);
	for (int k = 0; k < 3; k++) { /* the rows that begin a chunk, and those that follow in it */
		sbatch_reset(b);
		sbatch_set_arrival(b, 5000);
		for (int i = 0; i < 100; i++) {
			p.t_ns = k * 100 + i + 1;
			if (k == 1 && i == 50)
				text[0] = 'y';
			assert_int_equal(sbatch_add(b, &p), 0);
		}
		assert_int_equal(sdb_append(db, b, &a, &d), 0);
	}
	sbatch_free(b);
	sdb_stats(db, &st);
	assert_in_range(st.bytes_heads, 20000, 40000); /* two texts, 300 points */
	for (int round = 0; round < 2; round++) {
		struct sdb_range all = {INT64_MIN, INT64_MAX, false, false};
		struct sdb_cursor *c;
		struct sdb_batch got;
		uint64_t n = 0;
		assert_int_equal(sdb_read(db, &c, id, &all, &d), 0);
		while (sdb_next(c, &got, &d) == 0 && got.n)
			for (size_t i = 0; i < got.n; i++, n++) {
				assert_int_equal(got.str[i].n, sizeof text);
				assert_int_equal(got.str[i].p[0], n < 150 ? 'x' : 'y');
			}
		sdb_cursor_close(c);
		assert_int_equal(n, 300);
		assert_int_equal(sdb_maintain(db, true, &d), 0);
	}
	sdb_stats(db, &st);
	assert_true(st.bytes_segments < 300000); /* a table a block of 16 points, not 3 MB */
}

static void test_batch_extents(void **state)
{
	(void)state;
	static const int64_t t[] = {7, 3, 5};
	static const double v[] = {1, 2, 3};
	struct sbatch *b;
	struct sbatch_extent e;
	size_t pos = 0;
	assert_int_equal(sbatch_new(&b), 0);
	assert_false(sbatch_extents(b, &pos, &e));
	sbatch_set_arrival(b, 100);
	assert_int_equal(sbatch_add_run(b, 1, SERIES_F64, 3, t, v), 0);
	assert_int_equal(sbatch_add(b, &(struct sbatch_point){.id = 2, .type = SERIES_STR, .t_ns = 9, .arrival_ns = T_NONE, .v.str = SPAN_LIT("text")}), 0);
	for (int64_t k = 0; k < 2; k++)
		assert_int_equal(sbatch_add(b, &(struct sbatch_point){.id = 3, .type = SERIES_BOOL, .t_ns = 20 - k, .seq = 4, .quality = Q_BAD, .arrival_ns = 50 + k}), 0);
	const struct sbatch_extent want[] = {{1, 3, 3, 7, 100, 100}, {2, 1, 9, 9, 100, 100}, {3, 2, 19, 20, 50, 51}};
	for (size_t i = 0; i < 3; i++) {
		assert_true(sbatch_extents(b, &pos, &e));
		assert_int_equal(e.id, want[i].id);
		assert_int_equal(e.n, want[i].n);
		assert_int_equal(e.t_min, want[i].t_min);
		assert_int_equal(e.t_max, want[i].t_max);
		assert_int_equal(e.arrival_min, want[i].arrival_min);
		assert_int_equal(e.arrival_max, want[i].arrival_max);
	}
	assert_false(sbatch_extents(b, &pos, &e));
	sbatch_free(b);
}

static void test_manifest_lost(void **state)
{
	(void)state;
	struct sdb_recovery rec;
	struct sdb_extent x;
	struct sdb_stats st;
	series_id id = define("f", SERIES_F64, SERIES_CLOCK);
	for (int k = 0; k < 6; k++) { /* merged on the way */
		for (int i = 0; i < 20; i++)
			add_f64(id, k * 20 + i, k, 0);
		assert_int_equal(sdb_maintain(db, true, &d), 0);
	}
	add_f64(id, 500, 1, 0);
	sync_all();
	sdb_stats(db, &st);
	assert_true(st.segments < 6);
	assert_int_equal(memvfs_flip(vfs, "s/manifest", 700), 0);
	reopen(&rec);
	assert_int_equal(rec.set_aside, 1);
	assert_int_equal(sdb_extent(db, id, &x, &d), 0);
	assert_int_equal(x.points, 121);
	reopen(&rec);
	assert_int_equal(rec.set_aside, 0);
	assert_int_equal(sdb_extent(db, id, &x, &d), 0);
	assert_int_equal(x.points, 121);
}

static void test_newer(void **state)
{
	(void)state;
	uint8_t *p;
	size_t n;
	struct sdb *other;
	define("f", SERIES_F64, SERIES_CLOCK);
	assert_int_equal(sdb_maintain(db, true, &d), 0);
	assert_int_equal(vfs_slurp(vfs, &p, &n, "s/manifest", 1 << 20, NULL), 0);
	/* A header of version 2, with a true checksum. */
	p[8] = 2;
	uint32_t crc = 0;
	for (int i = 0; i < 60; i++) { /* CRC-32C, bit by bit */
		crc = i == 0 ? ~0u : crc;
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	st32(p + 60, ~crc);
	assert_int_equal(vfs_replace(vfs, "s/manifest", span_of(p, n), false, NULL), 0);
	free(p);
	assert_int_equal(sdb_open(&other, vfs, "s", &model_options, NULL, &d), MO_EVERSION);
	assert_int_equal(d.msg, MSG_SERIES_FILE_VERSION);
	assert_int_equal(d.arg[0].i, 2);
}

static unsigned said;
static void say(void *arg, const struct diag *x)
{
	(void)arg;
	(void)x;
	said++;
}

static void test_check_and_debug(void **state)
{
	(void)state;
	uint64_t files;
	struct buf out;
	series_id id = define("m,asset=A v", SERIES_F64, SERIES_CLOCK);
	add_f64(id, NS_PER_S, 2.5, Q_BAD);
	sync_all();
	assert_int_equal(sdb_maintain(db, true, &d), 0);
	add_f64(id, 2 * NS_PER_S, 3.5, 0);
	sync_all();
	assert_int_equal(sdb_check(vfs, "s", say, NULL, &files), 0);
	assert_int_equal(files, 4);
	assert_int_equal(said, 0);
	static const char *const has[][2] = {{"s/log-0000000000000001", "series 1 f64: 1 rows +quality, 1970-01-01T00:00:01Z"},
	        {"s/seg-0000000000000001", "1 points (1 of them new), 1970-01-01T00:00:01Z"}, {"s/catalogue", "key=m,asset=A v unit=kW"},
	        {"s/manifest", "seg-0000000000000001"}};
	for (size_t i = 0; i < 4; i++) {
		buf_init(&out, 0);
		assert_int_equal(series_debug_file(vfs, has[i][0], &out, &d), 0);
		buf_addc(&out, 0);
		if (!strstr((const char *)out.p, has[i][1]))
			fail_msg("%s: %s", has[i][0], (const char *)out.p);
		buf_free(&out);
	}
	buf_init(&out, 0);
	assert_int_equal(vfs_replace(vfs, "s/other", SPAN_LIT("not one of ours"), false, NULL), 0);
	assert_int_equal(series_debug_file(vfs, "s/other", &out, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_SERIES_NOT_OURS);
	assert_int_equal(series_debug_file(vfs, "s/none", &out, &d), MO_ENOENT);
	assert_int_equal(sdb_check(vfs, "s", say, NULL, &files), MO_ECORRUPT); /* a stray file is told of */
	assert_int_equal(said, 1);
	buf_free(&out);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {T(test_define), T(test_batches), T(test_sequence), T(test_last_text), T(test_offsets),
	        T(test_failed), T(test_budget), T(test_read_only), T(test_cursor_survives), T(test_chart), T(test_again), T(test_set_aside),
	        T(test_manifest_lost), T(test_batch_extents), T(test_merge_large), T(test_texts_shared), T(test_newer), T(test_check_and_debug)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
