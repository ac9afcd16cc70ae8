/* The node's folder and its writers under faults: making a folder; a node that opens, defines, appends, commits, flushes and closes. Each
 * file operation and each allocation fails once, in turn, or the power goes there. The oracle: what was acknowledged is there, values and
 * rows alike; errors are said; a folder that was not made whole is made whole by the next init; the next start works. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cm.h"
#include "zonefile.h"
#include "faultalloc.h"

#include "node/node.h"
#include "os/memvfs.h"

#define DIR "plant"
#define PASSES 75u /* a kind of fault takes at least so many, unless it takes all: over 500 a scenario */
#define ROUNDS 12u
#define VALUES 40u

static uint64_t offset;
static struct zonefile zone;

struct world {
	struct vfs *mem;
	bool made;         /* init was acknowledged */
	unsigned points;   /* rounds of values acknowledged */
	unsigned marks;    /* rows acknowledged */
	int err;
	struct diag d;
};

static int init(struct vfs *v, struct diag *d)
{
	struct folder_init f = {.lang = "ko", .name = "공장", .firm = "TST", .now_ns = INT64_C(1763770000) * NS_PER_S};
	return folder_init(v, DIR, &f, d);
}

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

static void said(void *arg, const char *level, const struct diag *d)
{
	(void)arg;
	(void)level;
	assert_int_not_equal(d->msg, MSG_NONE);
}

static struct node_options options(void)
{
	return (struct node_options){.dir = DIR, .listen_port = -1, .version = "test", .log = said, .offline = true};
}

/* Opens, works, closes; counts what it was told is durable. */
static void work(struct world *w)
{
	struct node *n = NULL;
	struct node_options o = options();
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
	struct node_options o = options();
	struct diag d = {0};
	int err = init(w->mem, &d);
	if (w->made)
		assert_int_equal(err, MO_EEXIST);
	else
		assert_true(err == 0 || err == MO_EEXIST);
	err = node_open(&n, w->mem, &o, &d);
	if (err != 0)
		print_message("next start: %s, message %d, %s\n", mo_err_name(err), (int)d.msg, d.file);
	assert_int_equal(err, 0);
	assert_int_equal(node_start(n, &d), 0);
	assert_int_equal(node_recovery(n)->set_aside, 0);
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
		assert_int_equal(store_reader_open(&r, w->mem, DIR "/store.db", &d), 0);
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
enum kind { FAIL_ONCE, FAIL_FULL, FAIL_EVER, SHORT, CRASH_PART, CRASH_ALL, MEMORY, KINDS };
static const char *const kind_names[KINDS] = {"fails once", "disk full", "fails for ever", "short write", "power, a part kept", "power, nothing kept", "memory"};

static void world_new(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof *w);
	assert_int_equal(memvfs_new(&w->mem, seed), 0);
	zonefile_put(&zone, w->mem);
}

/* The scenario with the nth operation failing; the number of operations it took. */
static bool pass(bool whole, enum kind kind, uint64_t nth, uint64_t *ops)
{
	struct world w;
	world_new(&w, nth * 7 + kind);
	if (!whole) {
		assert_int_equal(init(w.mem, NULL), 0);
		w.made = true;
	}
	struct memvfs_faults f = {.fail_at = kind <= SHORT ? nth : 0,
		.err = kind == FAIL_FULL ? MO_EFULL : MO_EIO,
		.forever = kind == FAIL_EVER,
		.short_write = kind == SHORT,
		.crash_at = kind == CRASH_PART || kind == CRASH_ALL ? nth : 0};
	uint64_t before = memvfs_ops(w.mem);
	memvfs_set_faults(w.mem, &f);
	if (kind == MEMORY)
		faultalloc_arm(nth);
	if (whole) {
		w.err = init(w.mem, &w.d);
		w.made = w.err == 0;
	} else {
		work(&w);
	}
	bool fired = kind == MEMORY ? faultalloc_fired() != 0 : memvfs_ops(w.mem) - before >= nth;
	*ops = kind == MEMORY ? faultalloc_count() : memvfs_ops(w.mem) - before;
	if (kind == MEMORY)
		faultalloc_arm(0);
	if (w.err != 0 && w.d.msg == MSG_NONE)
		print_message("%s, %llu: %s without words\n", kind_names[kind], (unsigned long long)nth, mo_err_name(w.err));
	if (w.err != 0)
		assert_int_not_equal(w.d.msg, MSG_NONE); /* said in words */
	if (!fired)
		assert_int_equal(w.err, 0);
	memvfs_set_faults(w.mem, NULL);
	if (kind == CRASH_PART || kind == CRASH_ALL)
		memvfs_crash(w.mem, kind == CRASH_ALL);
	check(&w);
	vfs_free(w.mem);
	return fired;
}

static void sweep(bool whole, enum kind kind)
{
	uint64_t ops, taken = 0;
	bool all = getenv("MORU_SOAK") != NULL;
	assert_false(pass(whole, kind, UINT64_MAX, &ops)); /* without a fault */
	uint64_t step = all || ops < PASSES ? 1 : ops / PASSES;
	for (uint64_t n = 1 + offset % step; n <= ops; n += step, taken++) {
		uint64_t did;
		(void)pass(whole, kind, n, &did);
	}
	printf("%s, %s: %llu of %llu\n", whole ? "init" : "work", kind_names[kind], (unsigned long long)taken, (unsigned long long)ops);
	assert_true(taken >= (ops < PASSES ? ops : PASSES));
}

static void making_a_folder(void **state)
{
	(void)state;
	for (enum kind k = 0; k < KINDS; k++)
		sweep(true, k);
}

static void a_node_at_work(void **state)
{
	(void)state;
	const char *only = getenv("MORU_SWEEP_KIND");
	for (enum kind k = 0; k < KINDS; k++)
		if (!only || (enum kind)atoi(only) == k)
			sweep(false, k);
}

int main(void)
{
	const char *first = getenv("MORU_SWEEP_OFFSET");
	offset = first ? strtoull(first, NULL, 10) : (uint64_t)time(NULL) / 7;
	printf("offset %llu\n", (unsigned long long)offset);
	if (!zonefile_read(&zone))
		return 1;
	const struct CMUnitTest tests[] = {cmocka_unit_test(making_a_folder), cmocka_unit_test(a_node_at_work)};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(zone.bytes);
	return failed;
}
