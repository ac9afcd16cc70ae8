/* Exports and restore drills under faults: each file operation and each allocation fails once, in turn, or the power goes there. The oracle: a file of
 * the name that was asked for is whole (the same bytes as without a fault), nothing else is left of a try that failed, the folder is unharmed, the next
 * try works; a drill leaves nothing but its result, and says "good" only when it looked at all. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cm.h"
#include "copytree.h"
#include "faultalloc.h"

#include "base/civil.h"
#include "node/backup.h"
#include "node/drill.h"
#include "node/export.h"
#include "os/memvfs.h"
#include "store/store.h"

#define DIR "plant"
#define OUT "out/o.zip"
#define TARGET "t"
#define PASSES 40u /* a kind of fault takes at least so many, unless it takes all */

static uint64_t offset;
static struct vfs *base;
static uint8_t *whole; /* the archive without a fault */
static size_t whole_n;
static const int64_t now_ns = INT64_C(1763770000) * NS_PER_S;
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
	struct folder_init init = {.lang = "ko", .name = "공장", .firm = "TST", .now_ns = now_ns};
	struct vfs *v = NULL;
	struct store *s = NULL;
	struct folder *f = NULL;
	struct backup *b = NULL;
	assert_int_equal(memvfs_new(&v, 1), 0);
	base = v;
	assert_int_equal(folder_init(v, DIR, &init, NULL), 0);
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

static struct vfs *plant(uint64_t seed)
{
	struct vfs *v = NULL;
	assert_int_equal(memvfs_new(&v, seed), 0);
	copy_tree(base, v, DIR);
	copy_tree(base, v, TARGET);
	copy_tree(base, v, "out");
	return v;
}

/* ---- faults ---- */

enum kind { FAIL_ONCE, FAIL_FULL, FAIL_EVER, SHORT, CRASH_PART, CRASH_ALL, MEMORY, KINDS };
static const char *const kind_names[KINDS] = {"fails once", "disk full", "fails for ever", "short write", "power, a part kept", "power, nothing kept", "memory"};

static void arm(struct vfs *v, enum kind kind, uint64_t nth)
{
	struct memvfs_faults f = {.fail_at = kind <= SHORT ? nth : 0, .err = kind == FAIL_FULL ? MO_EFULL : MO_EIO, .forever = kind == FAIL_EVER, .short_write = kind == SHORT,
		.crash_at = kind == CRASH_PART || kind == CRASH_ALL ? nth : 0};
	memvfs_set_faults(v, &f);
	if (kind == MEMORY)
		faultalloc_arm(nth);
}

static bool disarm(struct vfs *v, enum kind kind, uint64_t nth, uint64_t before, uint64_t *ops)
{
	*ops = kind == MEMORY ? faultalloc_count() : memvfs_ops(v) - before;
	bool fired = kind == MEMORY ? faultalloc_fired() != 0 : *ops >= nth;
	if (kind == MEMORY)
		faultalloc_arm(0);
	memvfs_set_faults(v, NULL);
	return fired;
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

static bool export_pass(enum kind kind, uint64_t nth, uint64_t *ops)
{
	static uint64_t seed;
	struct vfs *v = plant(++seed);
	struct sdb *db = engine(v, true);
	struct export_report r;
	struct diag d = {0};
	unsigned left = 0;
	uint64_t before = memvfs_ops(v);
	arm(v, kind, nth);
	int err = export_once(v, db, &r, &d);
	bool fired = disarm(v, kind, nth, before, ops);
	sdb_close(db);
	if (err != 0 && d.msg == MSG_NONE)
		fail_msg("%s, %llu: %s without words", kind_names[kind], (unsigned long long)nth, mo_err_name(err));
	if (!fired)
		assert_int_equal(err, 0);
	bool crashed = kind == CRASH_PART || kind == CRASH_ALL;
	if (crashed)
		memvfs_crash(v, kind == CRASH_ALL);
	/* A read that failed leaves a part out, and says so; anything else is whole or not there. */
	if (r.unreadable == 0 || err != 0) {
		bool there = is_whole(v);
		if (err == 0 && !there && !crashed)
			fail_msg("%s, %llu: done, and not there", kind_names[kind], (unsigned long long)nth);
	}
	assert_int_equal(vfs_list(v, "out", count_names, &left), 0);
	if (!crashed && kind != FAIL_EVER && err != 0 && left > 1)
		fail_msg("%s, %llu: %u files are left", kind_names[kind], (unsigned long long)nth, left);
	/* The next one. */
	int gone = vfs_unlink(v, OUT);
	assert_true(gone == 0 || gone == MO_ENOENT);
	db = engine(v, true);
	memset(&d, 0, sizeof d);
	if ((err = export_once(v, db, &r, &d)) != 0)
		fail_msg("%s, %llu: the next export: %s, message %d, %s", kind_names[kind], (unsigned long long)nth, mo_err_name(err), (int)d.msg, d.file);
	assert_int_equal(r.unreadable, 0);
	assert_true(is_whole(v));
	left = 0;
	assert_int_equal(vfs_list(v, "out", count_names, &left), 0);
	assert_int_equal(left, 1);
	sdb_close(db);
	assert_int_equal(sdb_check(v, DIR "/series", NULL, NULL, NULL), 0);
	vfs_free(v);
	return fired;
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

static bool drill_pass(enum kind kind, uint64_t nth, uint64_t *ops)
{
	static uint64_t seed;
	struct vfs *v = plant(++seed);
	struct sdb *db = engine(v, true);
	struct drill_report r = {.findings = 0};
	struct vfs_stat st;
	struct diag d = {0};
	uint64_t before = memvfs_ops(v);
	arm(v, kind, nth);
	int err = drill_once(v, db, &r, &d);
	bool fired = disarm(v, kind, nth, before, ops);
	sdb_close(db);
	if (err != 0 && d.msg == MSG_NONE)
		fail_msg("%s, %llu: %s without words", kind_names[kind], (unsigned long long)nth, mo_err_name(err));
	if (!fired && (err != 0 || r.findings != 0 || r.compared < 3 || r.lots != 1 || r.events != 1))
		fail_msg("without a fault: %s, %llu findings, %s", mo_err_name(err), (unsigned long long)r.findings, d.file);
	/* Good without having looked would be a lie. */
	if (err == 0 && r.findings == 0)
		assert_true(r.files > 0 && r.series == 3 && r.compared >= 3);
	if (kind == CRASH_PART || kind == CRASH_ALL)
		memvfs_crash(v, kind == CRASH_ALL);
	else if (err == 0)
		assert_int_equal(vfs_stat(v, DIR "/" DRILL_DIR, &st), MO_ENOENT);
	/* As the next start does. */
	assert_int_equal(drill_clear(v, DIR), 0);
	assert_int_equal(vfs_stat(v, DIR "/" DRILL_DIR, &st), MO_ENOENT);
	db = engine(v, true);
	memset(&d, 0, sizeof d);
	if ((err = drill_once(v, db, &r, &d)) != 0 || r.findings != 0)
		fail_msg("%s, %llu: the next drill: %s, %s", kind_names[kind], (unsigned long long)nth, mo_err_name(err), d.file);
	assert_int_equal(vfs_stat(v, DIR "/" DRILL_DIR, &st), MO_ENOENT);
	sdb_close(db);
	assert_int_equal(sdb_check(v, DIR "/series", NULL, NULL, NULL), 0);
	vfs_free(v);
	return fired;
}

static void sweep(const char *name, bool (*pass)(enum kind kind, uint64_t nth, uint64_t *ops), enum kind kind)
{
	uint64_t ops, did, taken = 0;
	bool all = getenv("MORU_SOAK") != NULL;
	assert_false(pass(kind, UINT64_MAX, &ops)); /* without a fault */
	uint64_t step = all || ops < PASSES ? 1 : ops / PASSES;
	for (uint64_t n = 1 + offset % step; n <= ops; n += step, taken++)
		(void)pass(kind, n, &did);
	printf("%s, %s: %llu of %llu\n", name, kind_names[kind], (unsigned long long)taken, (unsigned long long)ops);
	assert_true(taken >= (ops < PASSES ? ops : PASSES));
}

static void exports(void **state)
{
	(void)state;
	for (enum kind k = 0; k < KINDS; k++)
		sweep("export", export_pass, k);
}

static void drills(void **state)
{
	(void)state;
	for (enum kind k = 0; k < KINDS; k++)
		sweep("drill", drill_pass, k);
}

/* A drill that finds nothing where the node lost something would be none. */
static void a_loss_is_found(void **state)
{
	struct vfs *v = plant(1);
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(exports), cmocka_unit_test(drills), cmocka_unit_test(a_loss_is_found)};
	const char *first = getenv("MORU_SWEEP_OFFSET");
	offset = first ? strtoull(first, NULL, 10) : (uint64_t)time(NULL) / 7;
	printf("offset %llu\n", (unsigned long long)offset);
	make_base();
	struct vfs *v = plant(0);
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
