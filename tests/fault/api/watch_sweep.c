/* The watched folder under faults: a good file and one that cannot be read are dropped and taken, into folders that are not there yet or that
 * hold files of the same names. Each file operation and each allocation fails once, in turn, or the power goes there. The oracle: no file
 * that was dropped or set aside ever vanishes; a good one is never refused, a bad one never taken as done; what lies in done/ is imported,
 * value for value, under the asset that a person gave its like before; what lies in refused/ has its reason beside it; errors are said in words; and the polls after that finish the work. */
#include <stdio.h>
#include <stdlib.h>


#include "plant.h"
#include "sweep.h"

#include "api/importer.h"
#include "node/watch.h"

#define INBOX PLANT "/inbox"
#define PASSES 40u /* a kind of fault and way takes at least so many, unless it takes all: over 500 in all */
#define ROWS 8u
#define POLLS 4u
#define FILES_MAX 32u

static const char good[] = "time,power\n2021-09-06 10:45,0\n2021-09-06 10:46,1\n2021-09-06 10:47,2\n2021-09-06 10:48,3\n2021-09-06 10:49,4\n"
						   "2021-09-06 10:50,5\n2021-09-06 10:51,6\n2021-09-06 10:52,7\n";
static const char bad[100] = "PK\003\004";
static const char old_good[] = "an earlier file of that name", old_reason[] = "a person's own words";
static unsigned finished; /* passes after whose fault the same node did the rest */

/* ---- what lies where ---- */
struct lies {
	unsigned good_inbox, good_done, bad_inbox, bad_refused, old, reasons, others;
};
struct names {
	char name[FILES_MAX][256];
	unsigned n;
};

static int on_name(void *arg, const char *name)
{
	struct names *l = arg;
	assert_true(l->n < FILES_MAX);
	snprintf(l->name[l->n++], sizeof l->name[0], "%s", name);
	return 0;
}

static bool is(struct span s, const char *p, size_t n) { return span_eq(s, span_of(p, n)); }

static bool has(const struct names *l, const char *name)
{
	for (unsigned i = 0; i < l->n; i++)
		if (strcmp(l->name[i], name) == 0)
			return true;
	return false;
}

static void say_reason(struct vfs *v, const char *dir, const char *name)
{
	uint8_t *p = NULL;
	size_t n = 0;
	char *path = vfs_join(dir, name);
	if (vfs_slurp(v, &p, &n, path, 1 << 20, NULL) == 0)
		print_message("%s: %.*s\n", path, (int)n, (const char *)p);
	free(p);
	free(path);
}

static void look(struct vfs *v, struct lies *ret)
{
	static const char *const dirs[] = {INBOX, INBOX "/done", INBOX "/refused"};
	*ret = (struct lies){0};
	for (unsigned k = 0; k < 3; k++) {
		struct names l = {.n = 0};
		int err = vfs_list(v, dirs[k], on_name, &l);
		assert_true(err == 0 || (k > 0 && err == MO_ENOENT));
		for (unsigned i = 0; i < l.n; i++) {
			uint8_t *p = NULL;
			size_t n = 0;
			char beside[300];
			char *path = vfs_join(dirs[k], l.name[i]);
			struct vfs_stat st;
			assert_int_equal(vfs_stat(v, path, &st), 0);
			if (!st.is_dir) {
				assert_int_equal(vfs_slurp(v, &p, &n, path, 1 << 20, NULL), 0);
				struct span s = span_of(p, n);
				snprintf(beside, sizeof beside, "%s.reason.txt", l.name[i]);
				if (is(s, good, sizeof good - 1)) {
					if (k == 2)
						say_reason(v, dirs[k], beside);
					assert_int_not_equal(k, 2); /* never refused */
					ret->good_inbox += k == 0;
					ret->good_done += k == 1;
				} else if (is(s, bad, sizeof bad)) {
					assert_int_not_equal(k, 1); /* never said to be in */
					ret->bad_inbox += k == 0;
					ret->bad_refused += k == 2;
					assert_true(k != 2 || has(&l, beside));
				} else if (is(s, old_good, sizeof old_good) || is(s, old_reason, sizeof old_reason)) {
					ret->old++;
				} else if (k == 2 && n > 4 && strstr(l.name[i], ".reason.txt") && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
					ret->reasons++;
				} else {
					print_message("%s: %zu bytes\n", path, n);
					ret->others++;
				}
			}
			free(p);
			free(path);
		}
	}
}

/* ---- a node that watches ---- */
struct at_work {
	struct node *n;
	struct watch *w;
	struct diag d;
	unsigned polls;
	int err; /* the last poll's */
};

static void open_node(struct at_work *a, struct vfs *v)
{
	struct node_options o = plant_options();
	memset(a, 0, sizeof *a);
	assert_int_equal(node_open(&a->n, v, &o, &a->d), 0);
	node_set_importer(a->n, import_watched, a->n);
	assert_int_equal(node_start(a->n, &a->d), 0);
	assert_int_equal(node_recovery(a->n)->set_aside, 0);
	assert_int_equal(watch_new(&a->w, a->n, NULL), 0);
}

static void close_node(struct at_work *a)
{
	watch_free(a->w);
	node_close(a->n);
}

static void polled(void *arg, int err)
{
	struct at_work *a = arg;
	a->err = err;
	a->polls++;
}

static void polls(struct at_work *a, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned want = a->polls + 1;
		int64_t until = mono_now() + 20 * NS_PER_S;
		watch_poll(a->w, polled, a);
		while (a->polls < want) {
			assert_true(mono_now() < until); /* everybody who waits is told */
			loop_drain(node_loop(a->n));
			if (a->polls < want)
				mono_sleep(NS_PER_MS / 10);
		}
	}
}

/* A person's correction of an earlier file of this name and shape: it belongs to another asset. */
static void correct(struct vfs *v, struct at_work *a)
{
	static const char first[] = "time,power\n2021-09-06 10:45,0\n";
	struct store_reader *r = NULL;
	struct import_file *f = NULL;
	struct table_cursor *cur = NULL;
	struct table_batch b;
	char id[UUID_TEXT], plan[4096];
	bool refused;
	assert_int_equal(store_reader_open(&r, v, PLANT "/store.db", NULL), 0);
	assert_int_equal(import_file_begin(&f, a->n, "meter.csv", NULL), 0);
	assert_int_equal(import_file_piece(f, span_str(first), NULL), 0);
	assert_int_equal(import_file_end(f, r, id, &refused, NULL), 0);
	struct store_arg arg[] = {sarg_s(span_str(id))};
	assert_int_equal(store_select(r, &cur, SQ_IMPORT, arg, 1, NULL), 0);
	assert_int_equal(table_next(cur, &b, NULL), 0);
	/* {"proposal":{...,"asset":"meter",...}} */
	struct span row = b.cols[3].str[0];
	snprintf(plan, sizeof plan, "%.*s", (int)(row.n - 13), (const char *)row.p + 12);
	char *asset = strstr(plan, "\"meter\"");
	assert_non_null(asset);
	memcpy(asset, "\"press\"", 7);
	table_close(cur);
	assert_int_equal(import_run(a->n, r, id, span_str(plan), SPAN_LIT("local"), NULL, &a->d), 0);
	store_reader_close(r);
}

static void values(struct node *n, bool again)
{
	series_id id;
	struct sdb_cursor *c = NULL;
	struct sdb_range all = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
	struct sdb_batch b;
	unsigned at = 0;
	assert_int_equal(sdb_find(node_sdb(n), span_str(again ? "press power" : "meter power"), &id), 0);
	assert_int_equal(sdb_read(node_sdb(n), &c, id, &all, NULL), 0);
	while (sdb_next(c, &b, NULL) == 0 && b.n)
		for (size_t i = 0; i < b.n; i++)
			assert_true(b.f64[i] == at++);
	sdb_cursor_close(c);
	assert_int_equal(at, ROWS);
}

/* ---- the sweep ---- */
static void put(struct vfs *v, const char *path, const char *p, size_t n) { assert_int_equal(vfs_replace(v, path, span_of(p, n), false, NULL), 0); }

static void drop(struct vfs *v, bool again)
{
	if (again) {
		assert_int_equal(vfs_mkdir(v, INBOX "/done", false), 0);
		assert_int_equal(vfs_mkdir(v, INBOX "/refused", false), 0);
		assert_int_equal(vfs_sync_dir(v, INBOX), 0);
		put(v, INBOX "/done/meter.csv", old_good, sizeof old_good);
		put(v, INBOX "/refused/book.xlsx.reason.txt", old_reason, sizeof old_reason);
	}
	put(v, INBOX "/meter.csv", good, sizeof good - 1);
	put(v, INBOX "/book.xlsx", bad, sizeof bad);
}

static const char *pass(void *arg, struct sweep_pass *p)
{
	bool again = *(bool *)arg, moment = p->kind == SWEEP_MEMORY || p->kind == SWEEP_ONCE, crashed = sweep_is_cut(p);
	struct vfs *v = plant_new(p->seed);
	struct at_work a;
	struct lies l;
	drop(v, again);
	open_node(&a, v);
	if (again)
		correct(v, &a);
	sweep_arm(p, v);
	polls(&a, POLLS);
	sweep_disarm(p);
	if (p->kind == SWEEP_EVER && p->fired)
		assert_int_not_equal(a.err, 0); /* not a word of "all is well" */
	if (moment) {
		mono_sleep(2 * NS_PER_MS); /* a name that is taken gets the time before it: another one now */
		polls(&a, POLLS); /* a moment's failure: the next polls do it, unless the engine has to be opened anew */
	}
	if (p->kind == SWEEP_MEMORY || !p->fired) {
		look(v, &l);
		/* Files of memory take memory: a write that fails for want of it ends the engine, which says so until it is opened anew. */
		bool ended = p->kind == SWEEP_MEMORY && a.err == MO_ESTATE;
		if (a.err != 0 && !ended)
			fail_msg("the next polls: %s", mo_err_name(a.err));
		assert_true(ended || l.good_inbox + l.bad_inbox == 0);
		finished += p->nth != SWEEP_NONE && !ended;
	}
	close_node(&a);
	sweep_cut(p, v);
	/* Nothing vanished. */
	look(v, &l);
	assert_true(l.good_inbox + l.good_done >= 1);
	assert_true(l.bad_inbox + l.bad_refused >= 1);
	assert_int_equal(l.old, again ? 2 : 0);
	open_node(&a, v);
	if (l.good_done)
		values(a.n, again);
	polls(&a, POLLS);
	assert_int_equal(a.err, 0);
	values(a.n, again);
	close_node(&a);
	look(v, &l);
	assert_int_equal(l.good_inbox + l.bad_inbox, 0);
	assert_true(crashed ? l.good_done >= 1 : l.good_done == 1); /* the power may leave a file under both names */
	assert_true(crashed ? l.bad_refused >= 1 : l.bad_refused == 1);
	assert_int_equal(l.old, again ? 2 : 0);
	if (moment)
		assert_int_equal(l.reasons, 1); /* and no litter */
	vfs_free(v);
	return NULL;
}

static void sweep(const char *name, bool again)
{
	struct sweep_did did = sweep_run(&(struct sweep){.name = name, .pass = pass, .arg = &again, .kinds = SWEEP_FILES, .least = PASSES});
	finished = 0;
	did = sweep_run(&(struct sweep){.name = name, .pass = pass, .arg = &again, .kinds = SWEEP_BIT(SWEEP_MEMORY), .least = PASSES});
	assert_true(!did.whole || finished >= did.passes - did.passes / 10);
}

static void into_new_folders(void **state)
{
	(void)state;
	sweep("watched folder, new", false);
}

static void beside_others(void **state)
{
	(void)state;
	sweep("watched folder, names taken", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {sweep_test(into_new_folders), sweep_test(beside_others)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
