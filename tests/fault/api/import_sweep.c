/* An import under faults: a folder that holds a file's first month takes the file again, grown by a month, with a row told twice and one that
 * is refused. Each file operation and each allocation fails once, in turn, or the power goes there. The oracle: the first month is there
 * whatever happened; what an import was said to have done is there; nothing else ever is; errors are said in words; the next start works, and
 * the import given once more ends with exactly the file's content, every value of it. */
#include <stdio.h>


#include "copytree.h"
#include "plant.h"
#include "sweep.h"

#include "api/importer.h"

#define PASSES 75u /* a kind of fault takes at least so many, unless it takes all: over 500 in all */
#define FIRST 60u  /* rows of the first month */
#define ROWS 120u
#define T0 (INT64_C(1630892700) * NS_PER_S) /* 2021-09-06 01:45 UTC */

/* ---- the file ---- */
static double number_of(unsigned i) { return i * 0.25; }
static const char *text_of(unsigned i) { return i % 7 ? "run" : "idle, \"기동\""; }
static bool has_number(unsigned i) { return i % 10 != 3; }

static void file_make(struct buf *b, unsigned rows)
{
	buf_init(b, 0);
	buf_adds(b, "\xef\xbb\xbf시각,전력(kW),상태\r\n");
	for (unsigned i = 0; i < rows; i++) {
		unsigned minute = 45 + i;
		for (unsigned again = i == 5 ? 0 : 1; again < 2; again++) { /* row 5 stands there twice; the later stays */
			buf_printf(b, "2021-09-06 %02u:%02u,", 10 + minute / 60, minute % 60);
			if (!again)
				buf_adds(b, "999,wrong\r\n");
			else if (has_number(i))
				buf_printf(b, "%.2f,\"%s\"\r\n", number_of(i), i % 7 ? "run" : "idle, \"\"기동\"\"");
			else
				buf_printf(b, "-,\"%s\"\r\n", i % 7 ? "run" : "idle, \"\"기동\"\"");
		}
	}
	buf_adds(b, "내일,1,run\r\n");
	assert_int_equal(b->err, 0);
}

/* ---- a node that imports ---- */
/* MO_EBUG: it ended, and gave other counts than the file has. */
static int import(struct node *n, struct vfs *v, struct span file, unsigned rows, struct diag *d)
{
	struct store_reader *r = NULL;
	struct import_file *f = NULL;
	char id[UUID_TEXT] = "";
	bool refused = false;
	int err = store_reader_open(&r, v, PLANT "/store.db", d);
	if (err == 0)
		err = import_file_begin(&f, n, "meter.csv", d);
	for (size_t at = 0; err == 0 && at < file.n; at += 1000)
		err = import_file_piece(f, span_sub(file, at, 1000), d);
	if (err == 0) {
		err = import_file_end(f, r, id, &refused, d);
		f = NULL;
	}
	import_file_drop(f);
	if (err == 0)
		err = refused ? MO_EINVAL : import_run(n, r, id, span_of(NULL, 0), SPAN_LIT("local"), NULL, d);
	/* What it says it did is what the file holds. */
	if (err == 0) {
		struct table_cursor *cur = NULL;
		struct table_batch b;
		struct store_arg a[] = {sarg_s(span_str(id))};
		char want[64];
		int len = snprintf(want, sizeof want, "\"rows\":%u,", rows + 2);
		int got = store_select(r, &cur, SQ_IMPORT, a, 1, d);
		if (got == 0 && (got = table_next(cur, &b, d)) == 0 &&
			(b.n_rows != 1 || !span_is(b.cols[2].str[0], "done") || !memmem(b.cols[3].str[0].p, b.cols[3].str[0].n, want, (size_t)len) ||
				!memmem(b.cols[3].str[0].p, b.cols[3].str[0].n, "\"refused\":1,", 12)))
			err = MO_EBUG;
		table_close(cur);
	}
	store_reader_close(r);
	return err;
}

/* A start, an import, an end. */
static int import_alone(struct vfs *v, struct span file, unsigned rows, struct diag *d)
{
	struct node *n = NULL;
	struct node_options o = plant_options();
	int err = node_open(&n, v, &o, d);
	if (err == 0)
		err = node_start(n, d);
	if (err == 0)
		err = import(n, v, file, rows, d);
	node_close(n);
	return err;
}

/* ---- the oracle ---- */

/* Every value stands where the file has it; gives how many rows there are in order from the first. loose: row 5 may still be the earlier one. */
static unsigned rows_held(struct node *n, const char *key, bool loose)
{
	series_id id;
	struct sdb_cursor *c = NULL;
	struct sdb_range all = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
	struct sdb_batch b;
	unsigned at = 0;
	bool text = strcmp(key, "meter 상태") == 0;
	int64_t last = INT64_MIN;
	if (sdb_find(node_sdb(n), span_str(key), &id) != 0)
		return 0;
	assert_int_equal(sdb_read(node_sdb(n), &c, id, &all, NULL), 0);
	while (sdb_next(c, &b, NULL) == 0 && b.n)
		for (size_t k = 0; k < b.n; k++) {
			int64_t i = (b.t_ns[k] - T0) / (60 * NS_PER_S);
			assert_true(b.t_ns[k] > last && (b.t_ns[k] - T0) % (60 * NS_PER_S) == 0 && i >= 0 && i < ROWS);
			last = b.t_ns[k];
			bool early = loose && i == 5;
			if (text)
				assert_true(span_is(b.str[k], text_of((unsigned)i)) || (early && span_is(b.str[k], "wrong")));
			else
				assert_true(has_number((unsigned)i) && (b.f64[k] == number_of((unsigned)i) || (early && b.f64[k] == 999)));
			while (!text && at < (unsigned)i && !has_number(at))
				at++;
			if (at == (unsigned)i)
				at++;
		}
	sdb_cursor_close(c);
	while (!text && at < ROWS && !has_number(at))
		at++;
	return at;
}

static void holds(struct node *n, unsigned rows, bool loose)
{
	static const char *const keys[] = {"meter 전력", "meter 상태"};
	for (unsigned k = 0; k < 2; k++)
		assert_true(rows_held(n, keys[k], loose) >= rows);
}

static void found(void *arg, const struct diag *d)
{
	(void)arg;
	print_message("check: message %d, %s\n", (int)d->msg, d->file);
}

static void check(struct vfs *v, struct span file, int err)
{
	struct node *n = NULL;
	struct diag d = {0};
	plant_open(&n, v);
	holds(n, err == 0 ? ROWS : FIRST, err != 0);
	assert_int_equal(import(n, v, file, ROWS, &d), 0);
	node_close(n);
	plant_open(&n, v);
	holds(n, ROWS, false);
	node_close(n);
	assert_int_equal(sdb_check(v, PLANT "/series", found, NULL, NULL), 0);
}

/* ---- the sweep ---- */
static struct buf longer;
static struct vfs *base; /* a folder that holds the first month */

static const char *pass(void *arg, struct sweep_pass *p)
{
	struct vfs *v = plant_copy(base, p->seed);
	struct diag d = {0};
	(void)arg;
	sweep_arm(p, v);
	int err = import_alone(v, buf_span(&longer), ROWS, &d);
	sweep_disarm(p);
	assert_int_not_equal(err, MO_EBUG);
	sweep_clean_error(p, err, &d);
	sweep_cut(p, v);
	check(v, buf_span(&longer), err);
	vfs_free(v);
	return NULL;
}

static void importing(void **state)
{
	struct buf first;
	(void)state;
	file_make(&first, FIRST);
	file_make(&longer, ROWS);
	base = plant_new(1);
	assert_int_equal(import_alone(base, buf_span(&first), FIRST, NULL), 0);
	sweep_run(&(struct sweep){.name = "import", .pass = pass, .kinds = SWEEP_ALL, .least = PASSES});
	vfs_free(base);
	buf_free(&first);
	buf_free(&longer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {sweep_test(importing)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
