/* Blocks, segments, catalogue, manifest: the files below the engine. */
#include "cm.h"

#include <math.h>
#include <stdlib.h>

#include "os/memvfs.h"
#include "series/priv/catalogue.h"
#include "series/priv/manifest.h"
#include "series/priv/segment.h"

static void test_stats(void **state)
{
	(void)state;
	double v[] = {3, NAN, -2, 8, 1};
	int64_t t[] = {1, 2, 3, 4, 5};
	uint8_t q[] = {0, 0, 0, Q_BAD, Q_UNCERTAIN};
	struct vstat s = {0};
	struct cols c = {5, t, NULL, v, q, NULL};
	vstat_add(&s, SERIES_F64, &c);
	assert_int_equal(s.good, 3);
	assert_int_equal(s.bad, 2);
	assert_true(s.min == -2 && s.max == 3 && s.sum == 2 && s.first == 3 && s.last == 1);
	assert_int_equal(s.last_ns, 5);
	/* The plain way and the careful way agree. */
	struct vstat a = {0}, b = {0};
	double w[37];
	int64_t u[37];
	uint8_t good[37] = {0};
	for (int i = 0; i < 37; i++) {
		w[i] = (i * 17 % 23) - 9;
		u[i] = i;
	}
	vstat_add(&a, SERIES_F64, &(struct cols){37, u, NULL, w, NULL, NULL});
	vstat_add(&b, SERIES_F64, &(struct cols){37, u, NULL, w, good, NULL});
	assert_memory_equal(&a, &b, sizeof a);
	w[3] = INFINITY;
	w[9] = -INFINITY;
	struct vstat i = {0};
	vstat_add(&i, SERIES_F64, &(struct cols){37, u, NULL, w, NULL, NULL});
	assert_true(isinf(i.min) && isinf(i.max) && isnan(i.sum) && i.good == 37);
}

static struct vfs *vfs;

static struct seg *write_segment(uint64_t number, unsigned block_points)
{
	struct segwriter *w;
	struct segwriter_info info = {number, 1, 1, 99, block_points};
	struct seg *g;
	int64_t t[100], arr[100];
	double v[100];
	struct span text[100];
	for (int i = 0; i < 100; i++) {
		t[i] = i * 10;
		arr[i] = i * 10 + 3;
		v[i] = i;
		text[i] = SPAN_LIT("hello");
	}
	struct series_def def = {.type = SERIES_F64, .kind = SERIES_CLOCK};
	assert_int_equal(segwriter_new(&w, vfs, "s", &info, NULL), 0);
	segwriter_begin(w, 3, &def, 40);
	assert_int_equal(segwriter_add(w, &(struct cols){60, t, NULL, v, NULL, arr}, NULL), 0);
	assert_int_equal(segwriter_add(w, &(struct cols){40, t + 60, NULL, v + 60, NULL, arr + 60}, NULL), 0);
	assert_int_equal(segwriter_end(w, NULL), 0);
	def.type = SERIES_STR;
	segwriter_begin(w, 7, &def, 100);
	assert_int_equal(segwriter_add(w, &(struct cols){100, t, NULL, text, NULL, arr}, NULL), 0);
	assert_int_equal(segwriter_end(w, NULL), 0);
	assert_int_equal(segwriter_points(w), 200);
	assert_int_equal(segwriter_finish(w, NULL), 0);
	segwriter_free(w);
	assert_int_equal(seg_open(&g, vfs, "s", number, NULL), 0);
	return g;
}

static void test_segment(void **state)
{
	(void)state;
	assert_int_equal(memvfs_new(&vfs, 1), 0);
	assert_int_equal(vfs_mkdir(vfs, "s", false), 0);
	struct seg *g = write_segment(5, 32);
	assert_int_equal(g->points, 200);
	assert_int_equal(g->upto, 99);
	const struct sentry *e = seg_find(g, 3);
	assert_non_null(e);
	assert_null(seg_find(g, 4));
	assert_int_equal(e->points, 100);
	assert_int_equal(e->fresh, 40);
	assert_int_equal(e->blocks, 4);
	assert_int_equal(e->last_arrival, 993);
	double last;
	memcpy(&last, &e->last_value, 8);
	assert_true(last == 99);
	assert_int_equal(seg_search(g, e, (struct pkey){310, 0}), 0);
	assert_int_equal(seg_search(g, e, (struct pkey){311, 0}), 1);
	assert_int_equal(seg_search(g, e, (struct pkey){991, 0}), 4);
	struct blockbuf buf = {0};
	struct cols c;
	assert_int_equal(seg_decode(&c, &buf, g, e, 1, WANT_ALL, NULL), 0);
	assert_int_equal(c.n, 32);
	assert_int_equal(c.t[0], 320);
	assert_int_equal(c.arr[0], 323);
	assert_true(((const double *)c.v)[0] == 32 && !c.q);
	assert_int_equal(seg_decode(&c, &buf, g, seg_find(g, 7), 3, WANT_VALUES, NULL), 0);
	assert_true(span_is(((const struct span *)c.v)[3], "hello"));
	blockbuf_free(&buf);
	seg_unref(g);
	struct seg *none = NULL;
	assert_int_equal(seg_open(&none, vfs, "s", 6, NULL), MO_ENOENT);
	vfs_free(vfs);
}

/* A codec that this program does not know is refused in words, not taken for damage. */
static void test_newer(void **state)
{
	(void)state;
	struct bentry e;
	struct buf out;
	struct blockbuf b = {0};
	struct cols c;
	int64_t t[] = {1, 2};
	double v[] = {1, 2};
	uint64_t scratch[2];
	int col = -1;
	buf_init(&out, 0);
	block_encode(&out, SERIES_F64, &(struct cols){2, t, NULL, v, NULL, t}, scratch, &e);
	e.codec[COL_V] = 9;
	assert_int_equal(block_decode(&c, &b, SERIES_F64, false, &e, buf_span(&out), WANT_ALL, &col), MO_EVERSION);
	assert_int_equal(col, COL_V);
	buf_free(&out);
	blockbuf_free(&b);

	uint8_t h[FHEADER_BYTES];
	struct fheader got;
	struct diag d = {0};
	fheader_put(h, &(struct fheader){FILE_SEG, 1, 0, 1, 2, 3, 4});
	assert_int_equal(fheader_check(&got, span_of(h, sizeof h), FILE_SEG, "x", &d), 0);
	assert_int_equal(got.d, 4);
	assert_int_equal(fheader_check(&got, span_of(h, sizeof h), FILE_LOG, "x", &d), MO_ECORRUPT);
	assert_int_equal(fheader_check(&got, span_of(h, 40), FILE_SEG, "x", &d), MO_ECORRUPT);
	h[8] = 2;
	assert_int_equal(fheader_get(&got, span_of(h, sizeof h)), MO_ECORRUPT); /* the checksum comes first */
	fheader_put(h, &(struct fheader){FILE_SEG, 1, 0, 1, 2, 3, 4});
	assert_int_equal(fheader_check(&got, SPAN_LIT("PK\3\4abcdefgh"), FILE_NONE, "x", &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_SERIES_NOT_OURS);
}

static unsigned defs;
static int on_def(void *arg, series_id id, const struct series_def *def)
{
	(void)arg;
	defs++;
	assert_int_equal(id, defs);
	assert_true(span_is(def->key, defs == 1 ? "m v" : "m w"));
	assert_true(span_is(def->unit, defs == 1 ? "" : "°C"));
	return 0;
}

static void test_catalogue(void **state)
{
	(void)state;
	struct buf b;
	uint64_t at, bytes;
	buf_init(&b, 0);
	assert_int_equal(memvfs_new(&vfs, 1), 0);
	struct series_def one = {.type = SERIES_I64, .kind = SERIES_SEQUENCE, .key = SPAN_LIT("m v")};
	struct series_def two = {.type = SERIES_STR, .kind = SERIES_CLOCK, .key = SPAN_LIT("m w"), .unit = SPAN_LIT("°C")};
	cat_put(&b, CAT_BEGIN, 1, &one);
	assert_int_equal(cat_append(vfs, ".", "c", 0, buf_span(&b), &at, NULL), 0);
	buf_reset(&b);
	cat_put(&b, at, 2, &two);
	uint64_t first = at;
	assert_int_equal(cat_append(vfs, ".", "c", at, buf_span(&b), &at, NULL), 0);
	assert_int_equal(cat_load(vfs, "c", at, on_def, NULL, &bytes, NULL), 0);
	assert_int_equal(defs, 2);
	assert_int_equal(bytes, at);
	defs = 0;
	assert_int_equal(cat_load(vfs, "c", first, on_def, NULL, &bytes, NULL), 0);
	assert_int_equal(defs, 1);
	/* What is trusted must be there; the longest prefix need not be all. */
	assert_int_equal(memvfs_flip(vfs, "c", (first + 10) * 8), 0);
	defs = 0;
	assert_int_equal(cat_load(vfs, "c", at, on_def, NULL, &bytes, NULL), MO_ECORRUPT);
	defs = 0;
	assert_int_equal(cat_load(vfs, "c", UINT64_MAX, on_def, NULL, &bytes, NULL), 0);
	assert_int_equal(bytes, first);
	assert_int_equal(cat_load(vfs, "c", at + 1, on_def, NULL, &bytes, NULL), MO_ECORRUPT);
	assert_int_equal(cat_load(vfs, "none", 1, on_def, NULL, &bytes, NULL), MO_ENOENT);
	buf_free(&b);
	vfs_free(vfs);
}

static void test_manifest(void **state)
{
	(void)state;
	struct manifest_seg segs[2] = {{4, 1000, 1, 3, 77}, {9, 500, 4, 4, 78}};
	struct manifest m = {123, 10, 5, 679, 12, 2, segs}, got;
	assert_int_equal(memvfs_new(&vfs, 1), 0);
	assert_int_equal(manifest_read(&got, vfs, "m", NULL), MO_ENOENT);
	assert_int_equal(manifest_write(&m, vfs, "m", NULL), 0);
	assert_int_equal(manifest_read(&got, vfs, "m", NULL), 0);
	assert_int_equal(got.n, 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(got.seg[i].number == segs[i].number && got.seg[i].size == segs[i].size && got.seg[i].lo == segs[i].lo &&
		            got.seg[i].hi == segs[i].hi && got.seg[i].dir_crc == segs[i].dir_crc);
	assert_true(got.upto == 123 && got.next_seg == 10 && got.next_flush == 5 && got.cat_bytes == 679 && got.cat_series == 12);
	manifest_free(&got);
	for (uint64_t bit = 0; bit < (64 + 40 + 80 + 4) * 8; bit += 5) {
		assert_int_equal(memvfs_flip(vfs, "m", bit), 0);
		assert_int_equal(manifest_read(&got, vfs, "m", NULL), MO_ECORRUPT);
		assert_int_equal(memvfs_flip(vfs, "m", bit), 0);
	}
	segs[1].lo = 3; /* ranges that overlap */
	assert_int_equal(manifest_write(&m, vfs, "m", NULL), 0);
	assert_int_equal(manifest_read(&got, vfs, "m", NULL), MO_ECORRUPT);
	vfs_free(vfs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_stats), cmocka_unit_test(test_segment), cmocka_unit_test(test_newer),
	        cmocka_unit_test(test_catalogue), cmocka_unit_test(test_manifest)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
