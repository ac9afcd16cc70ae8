/* Exports and restore drills under faults: each file operation and each allocation fails once, in turn, or the power goes there. The oracle: a file of
 * the name that was asked for is whole (the same bytes as without a fault), nothing else is left of a try that failed, the folder is unharmed, the next
 * try works; a drill leaves nothing but its result, and says "good" only when it looked at all. */
#include <stdio.h>
#include <stdlib.h>


#include "copytree.h"
#include "plant.h"
#include "sweep.h"

#include "base/civil.h"
#include "node/backup.h"
#include "node/drill.h"
#include "node/export.h"
#include "store/store.h"

#define DIR PLANT
#define OUT "out/o.zip"
#define TARGET "t"
#define PASSES 40u /* a kind of fault takes at least so many, unless it takes all */

static struct vfs *base;
static uint8_t *whole; /* the archive without a fault */
static size_t whole_n;
static const int64_t now_ns = PLANT_NOW_NS;
static const struct sdb_options small = {.log_file_bytes = 4096, .head_budget_bytes = 1 << 20, .block_points = 64};

/* ---- a folder ---- */

static void put(struct store *s, const struct record *r)
{
	enum store_did did;
	assert_int_equal(store_put_record(s, r, now_ns, &did, NULL), 0);
}

static void fill_store(struct store *s)
{
	struct blob_writer *w = NULL;
	uint8_t sha[32];
	int64_t version;
	struct record lot = {.type = REC_LOT, .lot = {.key = {SPAN_LIT("F"), SPAN_LIT("L-1")}, .made_ns = now_ns, .quantity = 2}};
	struct record event = {.type = REC_EVENT, .event = {.id = SPAN_LIT("e-1"), .kind = SPAN_LIT("note"), .t_ns = now_ns, .asset = SPAN_LIT("M"), .quantity = 1,
		.text = SPAN_LIT("=1+1")}};
	assert_int_equal(store_begin(s, NULL), 0);
	put(s, &lot);
	put(s, &event);
	assert_int_equal(blob_begin(s, &w, NULL), 0);
	assert_int_equal(blob_write(w, SPAN_LIT("some bytes"), NULL), 0);
	assert_int_equal(blob_end(w, s, SPAN_LIT("text/plain"), SPAN_LIT("f"), sha, NULL), 0);
	blob_abort(w);
	assert_int_equal(store_put_doc(s, DOC_DEVICE, SPAN_LIT("d"), SPAN_LIT("{\"host\":\"h\",\"password\":\"planted\"}"), -1, SPAN_LIT("kim"), now_ns, &version, NULL), 0);
	assert_int_equal(store_commit(s, NULL), 0);
}

static void fill_series(struct sdb *db)
{
	struct sbatch *b = NULL;
	struct sdb_appended did;
	uint64_t to;
	assert_int_equal(sbatch_new(&b), 0);
	for (unsigned k = 0; k < 3; k++) {
		char key[16];
		struct series_def def = {.uuid = {{1, (uint8_t)(k + 1)}}, .type = k ? SERIES_I64 : SERIES_STR, .kind = k == 2 ? SERIES_SEQUENCE : SERIES_CLOCK, .unit = SPAN_LIT("")};
		series_id id;
		bool fresh;
		def.key = span_of(key, (size_t)snprintf(key, sizeof key, "M s%u", k));
		assert_int_equal(sdb_define(db, &def, &id, &fresh, NULL), 0);
		for (unsigned i = 0; i < 100; i++) {
			struct sbatch_point p = {.id = id, .type = def.type, .t_ns = i * NS_PER_S, .seq = k == 2 ? i + 1 : 0, .arrival_ns = T_NONE};
			if (k)
				p.v.i64 = (int64_t)i * k;
			else
				p.v.str = SPAN_LIT("run");
			assert_int_equal(sbatch_add(b, &p), 0);
		}
		assert_int_equal(sdb_append(db, b, &did, NULL), 0);
		assert_int_equal(sdb_sync(db, &to, NULL), 0);
		sbatch_reset(b);
		if (k == 1)
			assert_int_equal(sdb_maintain(db, true, NULL), 0);
	}
	sbatch_free(b);
}

static struct sdb *engine(struct vfs *v, bool read_only)
{
	struct sdb_options o = small;
	struct sdb *db = NULL;
	o.read_only = read_only;
	assert_int_equal(sdb_open(&db, v, DIR "/series", &o, NULL, NULL), 0);
	return db;
}

static void make_base(void)
{
	struct vfs *v = NULL;
	struct store *s = NULL;
	struct folder *f = NULL;
	struct backup *b = NULL;
	assert_int_equal(memvfs_new(&v, 1), 0);
	base = v;
	assert_int_equal(plant_init(v, NULL), 0);
	assert_int_equal(store_open(&s, v, DIR "/store.db", NULL), 0);
	fill_store(s);
	store_close(s);
	struct sdb *db = engine(v, false);
	fill_series(db);
	sdb_close(db);
	assert_int_equal(folder_open(&f, v, DIR, true, NULL), 0);
	struct backup_options o = {.vfs = v, .folder = f, .target = TARGET, .make = true, .program = "test", .now_ns = now_ns};
	assert_int_equal(backup_new(&b, &o, NULL), 0);
	int err;
	do
		err = backup_step(b, NULL);
	while (err == MO_EAGAIN);
	assert_int_equal(err, 0);
	backup_free(b);
	folder_close(f);
	assert_int_equal(vfs_mkdir(v, "out", false), 0);
}

static struct vfs *clone(uint64_t seed)
{
	struct vfs *v = NULL;
	assert_int_equal(memvfs_new(&v, seed), 0);
	copy_tree(base, v, DIR);
	copy_tree(base, v, TARGET);
	copy_tree(base, v, "out");
	return v;
}

static int count_names(void *arg, const char *name)
{
	(void)name;
	(*(unsigned *)arg)++;
	return 0;
}

/* ---- exports ---- */

static int export_once(struct vfs *v, struct sdb *db, struct export_report *r, struct diag *d)
{
	struct folder *f = NULL;
	struct export *x = NULL;
	memset(r, 0, sizeof *r);
	int err = folder_open(&f, v, DIR, false, d);
	struct export_options o = {.vfs = v, .folder = f, .sdb = db, .path = OUT, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .program = "test", .readme_ko = SPAN_LIT("읽기"),
		.readme_en = SPAN_LIT("read")};
	if (err == 0)
		err = export_new(&x, &o, d);
	if (err == 0)
		do
			err = export_step(x, d);
		while (err == MO_EAGAIN);
	if (x)
		export_report(x, r);
	export_free(x);
	folder_close(f);
	return err;
}

/* The archive that stands is the one without a fault; whether there is one. */
static bool is_whole(struct vfs *v)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int err = vfs_slurp(v, &p, &n, OUT, 1u << 20, NULL);
	if (err == MO_ENOENT)
		return false;
	assert_int_equal(err, 0);
	assert_int_equal(n, whole_n);
	assert_memory_equal(p, whole, n);
	free(p);
	return true;
}

static const char *export_pass(void *arg, struct sweep_pass *p)
{
	struct vfs *v = clone(p->seed);
	struct sdb *db = engine(v, true);
	struct export_report r;
	struct diag d = {0};
	unsigned left = 0;
	bool crashed = sweep_is_cut(p);
	(void)arg;
	sweep_arm(p, v);
	int err = export_once(v, db, &r, &d);
	sweep_disarm(p);
	sdb_close(db);
	sweep_clean_error(p, err, &d);
	sweep_cut(p, v);
	/* A read that failed leaves a part out, and says so; anything else is whole or not there. */
	if (r.unreadable == 0 || err != 0) {
		bool there = is_whole(v);
		if (err == 0 && !there && !crashed)
			fail_msg("done, and not there");
	}
	assert_int_equal(vfs_list(v, "out", count_names, &left), 0);
	if (!crashed && p->kind != SWEEP_EVER && err != 0 && left > 1)
		fail_msg("%u files are left", left);
	/* The next one. */
	int gone = vfs_unlink(v, OUT);
	assert_true(gone == 0 || gone == MO_ENOENT);
	db = engine(v, true);
	memset(&d, 0, sizeof d);
	if ((err = export_once(v, db, &r, &d)) != 0)
		fail_msg("the next export: %s, message %d, %s", mo_err_name(err), (int)d.msg, d.file);
	assert_int_equal(r.unreadable, 0);
	assert_true(is_whole(v));
	left = 0;
	assert_int_equal(vfs_list(v, "out", count_names, &left), 0);
	assert_int_equal(left, 1);
	sdb_close(db);
	assert_int_equal(sdb_check(v, DIR "/series", NULL, NULL, NULL), 0);
	vfs_free(v);
	return NULL;
}

/* ---- drills ---- */

static int drill_once(struct vfs *v, struct sdb *db, struct drill_report *r, struct diag *d)
{
	struct folder *f = NULL;
	int err = folder_open(&f, v, DIR, false, d);
	if (err != 0)
		return err;
	struct drill_options o = {.vfs = v, .dir = DIR, .source = TARGET, .node = &f->id, .sdb = db, .now_ns = now_ns};
	err = drill_run(&o, r, d);
	folder_close(f);
	return err;
}

static const char *drill_pass(void *arg, struct sweep_pass *p)
{
	struct vfs *v = clone(p->seed);
	struct sdb *db = engine(v, true);
	struct drill_report r = {.findings = 0};
	struct vfs_stat st;
	struct diag d = {0};
	(void)arg;
	sweep_arm(p, v);
	int err = drill_once(v, db, &r, &d);
	sweep_disarm(p);
	sdb_close(db);
	sweep_clean_error(p, err, &d);
	if (!p->fired && (err != 0 || r.findings != 0 || r.compared < 3 || r.lots != 1 || r.events != 1))
		fail_msg("without a fault: %s, %llu findings, %s", mo_err_name(err), (unsigned long long)r.findings, d.file);
	/* Good without having looked would be a lie. */
	if (err == 0 && r.findings == 0)
		assert_true(r.files > 0 && r.series == 3 && r.compared >= 3);
	sweep_cut(p, v);
	if (!sweep_is_cut(p) && err == 0)
		assert_int_equal(vfs_stat(v, DIR "/" DRILL_DIR, &st), MO_ENOENT);
	/* As the next start does. */
	assert_int_equal(drill_clear(v, DIR), 0);
	assert_int_equal(vfs_stat(v, DIR "/" DRILL_DIR, &st), MO_ENOENT);
	db = engine(v, true);
	memset(&d, 0, sizeof d);
	if ((err = drill_once(v, db, &r, &d)) != 0 || r.findings != 0)
		fail_msg("the next drill: %s, %s", mo_err_name(err), d.file);
	assert_int_equal(vfs_stat(v, DIR "/" DRILL_DIR, &st), MO_ENOENT);
	sdb_close(db);
	assert_int_equal(sdb_check(v, DIR "/series", NULL, NULL, NULL), 0);
	vfs_free(v);
	return NULL;
}

static void exports(void **state)
{
	(void)state;
	sweep_run(&(struct sweep){.name = "export", .pass = export_pass, .kinds = SWEEP_ALL, .least = PASSES});
}

static void drills(void **state)
{
	(void)state;
	sweep_run(&(struct sweep){.name = "drill", .pass = drill_pass, .kinds = SWEEP_ALL, .least = PASSES});
}

/* A drill that finds nothing where the node lost something would be none. */
static void a_loss_is_found(void **state)
{
	struct vfs *v = clone(1);
	struct drill_report r;
	struct diag d = {0};
	struct sdb *db = NULL;
	(void)state;
	assert_int_equal(sdb_open(&db, v, "other", &small, NULL, NULL), 0); /* a node without a value */
	assert_int_equal(drill_once(v, db, &r, &d), 0);
	assert_int_equal(r.findings, 3);
	sdb_close(db);
	vfs_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {sweep_test(exports), sweep_test(drills), cmocka_unit_test(a_loss_is_found)};
	make_base();
	struct vfs *v = clone(0);
	struct sdb *db = engine(v, true);
	struct export_report r;
	if (export_once(v, db, &r, NULL) != 0 || vfs_slurp(v, &whole, &whole_n, OUT, 1u << 20, NULL) != 0)
		return 1;
	sdb_close(db);
	vfs_free(v);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(whole);
	vfs_free(base);
	return failed;
}
