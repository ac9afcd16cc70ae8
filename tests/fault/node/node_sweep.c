/* The node's folder and its writers under faults: making a folder; a node that opens, defines, appends, commits, flushes and closes. Each
 * file operation and each allocation fails once, in turn, or the power goes there. The oracle: what was acknowledged is there, values and
 * rows alike; errors are said; a folder that was not made whole is made whole by the next init; the next start works. */
#include <stdio.h>

#include "plant.h"
#include "sweep.h"

#define PASSES 75u /* a kind of fault takes at least so many, unless it takes all: over 500 a scenario */
#define ROUNDS 12u
#define VALUES 40u

struct world {
	struct vfs *mem;
	bool made;         /* init was acknowledged */
	unsigned points;   /* rounds of values acknowledged */
	unsigned marks;    /* rows acknowledged */
	int err;
	struct diag d;
};

/* ---- a node at work ---- */
struct values_job {
	struct wjob job;
	struct node *n;
	unsigned round;
};

static int values_run(struct wjob *j, struct writer *w, struct diag *d)
{
	struct values_job *q = (struct values_job *)j;
	struct point_key k[2] = {{.key = SPAN_LIT("M n"), .asset = SPAN_LIT("M"), .signal = SPAN_LIT("n"), .type = SERIES_I64, .kind = SERIES_SEQUENCE},
		{.key = SPAN_LIT("M text"), .asset = SPAN_LIT("M"), .signal = SPAN_LIT("text"), .type = SERIES_STR, .kind = SERIES_CLOCK}};
	struct sbatch *b = NULL;
	struct sdb_appended did;
	series_id id[2];
	int err = node_resolve(q->n, &k[0], &id[0], d);
	if (err == 0)
		err = node_resolve(q->n, &k[1], &id[1], d);
	if (err == 0)
		err = sbatch_new(&b);
	for (unsigned i = 0; i < VALUES && err == 0; i++) {
		struct sbatch_point p = {.id = id[0], .type = SERIES_I64, .t_ns = q->round * NS_PER_S + i, .seq = q->round * VALUES + i + 1, .arrival_ns = T_NONE,
			.v.i64 = q->round * 1000 + i};
		struct sbatch_point s = {.id = id[1], .type = SERIES_STR, .t_ns = q->round * NS_PER_S + i, .arrival_ns = T_NONE, .v.str = SPAN_LIT("시험")};
		err = sbatch_add(b, &p);
		if (err == 0)
			err = sbatch_add(b, &s);
	}
	if (err == 0)
		err = writer_append(w, b, &did, d);
	sbatch_free(b);
	return err;
}

struct row_job {
	struct sjob job;
	unsigned round;
};

static int row_run(struct sjob *j, struct store *s, struct diag *d)
{
	char key[32];
	int n = snprintf(key, sizeof key, "row%u", ((struct row_job *)j)->round);
	return store_put_mark(s, span_of(key, (size_t)n), SPAN_LIT("kept"), d);
}

/* Opens, works, closes; counts what it was told is durable. */
static void work(struct world *w)
{
	struct node *n = NULL;
	struct node_options o = plant_options();
	w->err = node_open(&n, w->mem, &o, &w->d);
	if (w->err == 0)
		w->err = node_start(n, &w->d);
	for (unsigned i = 0; i < ROUNDS && w->err == 0; i++) {
		struct values_job q = {.n = n, .round = i};
		struct row_job r = {.round = i};
		int err = writer_run(node_writer(n), values_run, &q.job, &w->d);
		if (err == 0 && w->points == i)
			w->points++;
		if (err != 0)
			w->err = err;
		err = storer_run(node_storer(n), row_run, &r.job, &w->d);
		if (err == 0 && w->marks == i)
			w->marks++;
		if (err != 0)
			w->err = err;
		if (i == ROUNDS / 2 && w->err == 0)
			w->err = sdb_maintain(node_sdb(n), true, &w->d);
	}
	node_close(n);
}

/* ---- the oracle ---- */
static void check(struct world *w)
{
	struct node *n = NULL;
	struct diag d = {0};
	int err = plant_init(w->mem, &d);
	if (w->made)
		assert_int_equal(err, MO_EEXIST);
	else
		assert_true(err == 0 || err == MO_EEXIST);
	plant_open(&n, w->mem);
	if (w->points) {
		static const char *const keys[] = {"M n", "M text"};
		for (unsigned k = 0; k < 2; k++) {
			series_id id;
			struct sdb_cursor *c = NULL;
			struct sdb_range all = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
			struct sdb_batch b;
			unsigned at = 0;
			assert_int_equal(sdb_find(node_sdb(n), span_str(keys[k]), &id), 0);
			assert_int_equal(sdb_read(node_sdb(n), &c, id, &all, &d), 0);
			while (sdb_next(c, &b, &d) == 0 && b.n)
				for (size_t i = 0; i < b.n; i++, at++) {
					assert_int_equal(b.t_ns[i], at / VALUES * NS_PER_S + at % VALUES);
					if (k == 0)
						assert_int_equal(b.i64[i], at / VALUES * 1000 + at % VALUES);
					else
						assert_true(span_is(b.str[i], "시험"));
				}
			sdb_cursor_close(c);
			assert_true(at >= w->points * VALUES); /* nothing acknowledged is missing, and there is no hole */
		}
	}
	node_close(n);
	if (w->marks) {
		struct store_reader *r = NULL;
		struct buf b;
		buf_init(&b, 0);
		assert_int_equal(store_reader_open(&r, w->mem, PLANT "/store.db", &d), 0);
		for (unsigned i = 0; i < w->marks; i++) {
			char key[32];
			int len = snprintf(key, sizeof key, "row%u", i);
			buf_reset(&b);
			assert_int_equal(store_get_mark(r, span_of(key, (size_t)len), &b, &d), 0);
			assert_true(span_is(buf_span(&b), "kept"));
		}
		store_reader_close(r);
		buf_free(&b);
	}
}

/* ---- the sweeps ---- */
static const char *end_pass(struct world *w, struct sweep_pass *p)
{
	sweep_disarm(p);
	sweep_clean_error(p, w->err, &w->d);
	sweep_cut(p, w->mem);
	check(w);
	vfs_free(w->mem);
	return NULL;
}

static const char *init_pass(void *arg, struct sweep_pass *p)
{
	struct world w = {.mem = plant_files(p->seed)};
	(void)arg;
	sweep_arm(p, w.mem);
	w.err = plant_init(w.mem, &w.d);
	w.made = w.err == 0;
	return end_pass(&w, p);
}

static const char *work_pass(void *arg, struct sweep_pass *p)
{
	struct world w = {.mem = plant_new(p->seed), .made = true};
	(void)arg;
	sweep_arm(p, w.mem);
	work(&w);
	return end_pass(&w, p);
}

static void making_a_folder(void **state)
{
	(void)state;
	sweep_run(&(struct sweep){.name = "init", .pass = init_pass, .kinds = SWEEP_ALL, .least = PASSES});
}

static void a_node_at_work(void **state)
{
	(void)state;
	sweep_run(&(struct sweep){.name = "work", .pass = work_pass, .kinds = SWEEP_ALL, .least = PASSES});
}

int main(void)
{
	const struct CMUnitTest tests[] = {sweep_test(making_a_folder), sweep_test(a_node_at_work)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
