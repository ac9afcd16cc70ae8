/* Backup and restore under faults: each file operation and each allocation fails once, in turn, or the power goes there; of a folder that nobody
 * serves and of one that is open. The oracle: a snapshot that stands is whole, the newest good one is never lost, what was said to be backed up is
 * in it, the folder itself is unharmed, the next backup works; a restore that was broken off goes through when it is run again, and no half of one
 * passes for a node. Planted: syncs that are not done must be seen. */
#include <stdio.h>
#include <stdlib.h>

#include "copytree.h"
#include "nosync.h"
#include "plant.h"
#include "sweep.h"

#include "base/civil.h"
#include "node/backup.h"
#include "node/restore.h"
#include "store/people.h"
#include "store/store.h"

#define DIR PLANT
#define TARGET "t"
#define NEW_DIR "again"
#define PASSES 75u /* a kind of fault takes at least so many, unless it takes all: over 500 a scenario */
#define POINTS 300u
#define SEEDS 24u

static struct vfs *base; /* a folder of two generations, the first backed up */
static char first_id[ARCHIVE_ID];

static struct vfs *clone(uint64_t seed)
{
	struct vfs *v = NULL;
	assert_int_equal(memvfs_new(&v, seed), 0);
	copy_tree(base, v, DIR);
	copy_tree(base, v, TARGET);
	return v;
}

/* ---- a folder's content ---- */

static const struct sdb_options small = {.log_file_bytes = 4096, .head_budget_bytes = 1 << 20, .block_points = 64};

struct engines {
	struct store *store;
	struct sdb *sdb;
};

static void engines_open(struct engines *e, struct vfs *v, const char *dir)
{
	char path[64];
	struct diag d = {0};
	snprintf(path, sizeof path, "%s/store.db", dir);
	assert_int_equal(store_open(&e->store, v, path, &d), 0);
	snprintf(path, sizeof path, "%s/series", dir);
	assert_int_equal(sdb_open(&e->sdb, v, path, &small, NULL, &d), 0);
}

static void engines_close(struct engines *e)
{
	sdb_close(e->sdb);
	store_close(e->store);
	*e = (struct engines){NULL, NULL};
}

static void add_generation(struct engines *e, unsigned g, bool flush)
{
	struct series_def def = {.uuid = {{1, (uint8_t)(g + 1)}}, .type = SERIES_I64, .kind = SERIES_CLOCK, .unit = SPAN_LIT("")};
	char key[16], text[900];
	series_id id;
	bool fresh;
	uint8_t sha[32];
	struct sbatch *b = NULL;
	struct sdb_appended did;
	struct blob_writer *w = NULL;
	def.key = span_of(key, (size_t)snprintf(key, sizeof key, "M g%u", g));
	assert_int_equal(sdb_define(e->sdb, &def, &id, &fresh, NULL), 0);
	assert_int_equal(sbatch_new(&b), 0);
	for (unsigned i = 0; i < POINTS; i++) {
		struct sbatch_point p = {.id = id, .type = SERIES_I64, .t_ns = i * NS_PER_S, .arrival_ns = T_NONE, .v.i64 = (int64_t)g * 100000 + i * i};
		assert_int_equal(sbatch_add(b, &p), 0);
	}
	assert_int_equal(sdb_append(e->sdb, b, &did, NULL), 0);
	uint64_t to;
	assert_int_equal(sdb_sync(e->sdb, &to, NULL), 0);
	if (flush)
		assert_int_equal(sdb_maintain(e->sdb, true, NULL), 0);
	sbatch_free(b);
	memset(text, 'a' + (int)g, sizeof text);
	assert_int_equal(store_begin(e->store, NULL), 0);
	assert_int_equal(blob_begin(e->store, &w, NULL), 0);
	assert_int_equal(blob_write(w, span_of(text, sizeof text), NULL), 0);
	assert_int_equal(blob_end(w, e->store, SPAN_LIT("text/plain"), SPAN_LIT("f"), sha, NULL), 0);
	blob_abort(w);
	assert_int_equal(store_put_mark(e->store, def.key, SPAN_LIT("kept"), NULL), 0);
	char code[PSEUDONYM_TEXT];
	enum store_did made;
	assert_int_equal(store_person(e->store, def.key, code, &made, NULL), 0);
	assert_int_equal(store_commit(e->store, NULL), 0);
}

/* Generations 0..n-1 are there, whole, in store, blobs and series alike. */
static void check_content(struct vfs *v, const char *dir, unsigned n)
{
	struct engines e;
	struct store_reader *r = NULL;
	struct diag d = {0};
	struct buf b;
	char path[64];
	struct folder *f = NULL;
	buf_init(&b, 0);
	assert_int_equal(folder_open(&f, v, dir, true, &d), 0);
	engines_open(&e, v, dir);
	snprintf(path, sizeof path, "%s/store.db", dir);
	assert_int_equal(store_reader_open(&r, v, path, &d), 0);
	assert_int_equal(store_check(r, NULL, NULL, NULL, &d), 0);
	bool hurt = true;
	assert_true(people_keyless(store_people(e.store), &hurt) == 0 && !hurt); /* whoever is in the snapshot has a key */
	for (unsigned g = 0; g < n; g++) {
		char key[16];
		struct sdb_cursor *c = NULL;
		struct sdb_range all = {.from_ns = INT64_MIN, .to_ns = INT64_MAX};
		struct sdb_batch k;
		series_id id;
		unsigned at = 0;
		struct span name = span_of(key, (size_t)snprintf(key, sizeof key, "M g%u", g));
		buf_reset(&b);
		assert_int_equal(store_get_mark(r, name, &b, &d), 0);
		assert_true(span_is(buf_span(&b), "kept"));
		assert_int_equal(sdb_find(e.sdb, name, &id), 0);
		assert_int_equal(sdb_read(e.sdb, &c, id, &all, &d), 0);
		while (sdb_next(c, &k, &d) == 0 && k.n)
			for (size_t i = 0; i < k.n; i++, at++)
				assert_true(k.t_ns[i] == at * NS_PER_S && k.i64[i] == (int64_t)g * 100000 + (int64_t)at * at);
		assert_int_equal(at, POINTS);
		sdb_cursor_close(c);
	}
	store_reader_close(r);
	engines_close(&e);
	snprintf(path, sizeof path, "%s/series", dir);
	assert_int_equal(sdb_check(v, path, NULL, NULL, NULL), 0);
	folder_close(f);
	buf_free(&b);
}

/* ---- one backup ---- */

static int64_t now_ns = PLANT_NOW_NS;

static int back_up(struct vfs *v, struct sdb *sdb, size_t keep, struct backup_report *r, struct diag *d)
{
	struct folder *f = NULL;
	struct backup *b = NULL;
	memset(r, 0, sizeof *r);
	int err = folder_open(&f, v, DIR, false, d);
	struct backup_options o = {.vfs = v, .folder = f, .sdb = sdb, .target = TARGET, .make = true, .keys = true, .keep = keep, .program = "test", .now_ns = now_ns};
	if (err == 0)
		err = backup_new(&b, &o, d);
	if (err == 0)
		do
			err = backup_step(b, d);
		while (err == MO_EAGAIN);
	if (b)
		backup_report(b, r);
	backup_free(b);
	folder_close(f);
	return err;
}

static void make_base(void)
{
	struct engines e;
	struct backup_report r;
	struct diag d = {0};
	assert_int_equal(memvfs_new(&base, 1), 0);
	assert_int_equal(plant_init(base, &d), 0);
	engines_open(&e, base, DIR);
	add_generation(&e, 0, true);
	engines_close(&e);
	assert_int_equal(back_up(base, NULL, 0, &r, &d), 0);
	memcpy(first_id, r.id, sizeof first_id);
	engines_open(&e, base, DIR);
	add_generation(&e, 1, false);
	engines_close(&e);
}

static void found(void *arg, const struct diag *d)
{
	(void)d;
	(*(unsigned *)arg)++;
}

/* Every snapshot that stands is whole. *newest gets the id of the last. */
static unsigned findings(struct vfs *v, char newest[ARCHIVE_ID], size_t *ret_n)
{
	struct archive *a = NULL;
	char (*id)[ARCHIVE_ID] = NULL;
	struct diag d = {0};
	size_t n = 0;
	unsigned bad = 0;
	assert_int_equal(archive_open(&a, v, TARGET, ARCHIVE_READ, NULL, &d), 0);
	assert_int_equal(archive_list(a, &id, &n, &d), 0);
	for (size_t i = 0; i < n; i++) {
		struct restore_report r;
		int err = restore_verify(v, TARGET, id[i], found, &bad, &r, &d);
		bad += err != 0;
	}
	if (n)
		memcpy(newest, id[n - 1], ARCHIVE_ID);
	*ret_n = n;
	free(id);
	archive_close(a);
	return bad;
}

static void restore_and_check(struct vfs *v, const char *id, unsigned generations)
{
	struct restore_options o = {.vfs = v, .source = TARGET, .dir = NEW_DIR, .snapshot = id, .as = RESTORE_MOVE, .now_ns = now_ns};
	struct restore_report r;
	struct diag d = {0};
	assert_int_equal(restore_run(&o, &r, &d), 0);
	check_content(v, NEW_DIR, generations);
}

/* ---- faults ---- */

static const char *backup_pass(void *arg, struct sweep_pass *p)
{
	bool live = *(bool *)arg;
	struct vfs *v = clone(p->seed);
	struct engines e = {NULL, NULL};
	struct backup_report r, again;
	struct diag d = {0};
	char newest[ARCHIVE_ID] = "";
	size_t n = 0;
	if (live)
		engines_open(&e, v, DIR);
	sweep_arm(p, v);
	int err = back_up(v, e.sdb, 1, &r, &d);
	sweep_disarm(p);
	sweep_clean_error(p, err, &d);
	engines_close(&e); /* without power nothing of it reaches the disk */
	sweep_cut(p, v);
	unsigned bad = findings(v, newest, &n);
	if (bad || n == 0)
		fail_msg("%u findings in %zu snapshots", bad, n);
	if (r.id[0])
		assert_string_equal(newest, r.id);
	if (err == 0)
		assert_int_equal(n, 1);
	restore_and_check(v, newest, r.id[0] ? 2 : 1);
	check_content(v, DIR, 2);
	memset(&d, 0, sizeof d);
	if ((err = back_up(v, NULL, 1, &again, &d)) != 0)
		fail_msg("the next backup: %s, message %d, %s", mo_err_name(err), (int)d.msg, d.file);
	assert_int_equal(findings(v, newest, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(newest, again.id);
	vfs_free(v);
	return NULL;
}

static const char *restore_pass(void *arg, struct sweep_pass *p)
{
	struct vfs *v = clone(p->seed);
	struct restore_options o = {.vfs = v, .source = TARGET, .dir = NEW_DIR, .as = p->kind & 1 ? RESTORE_COPY : RESTORE_MOVE, .now_ns = now_ns};
	struct restore_report r;
	struct diag d = {0};
	char newest[ARCHIVE_ID] = "";
	size_t n = 0;
	(void)arg;
	sweep_arm(p, v);
	int err = restore_run(&o, &r, &d);
	sweep_disarm(p);
	sweep_clean_error(p, err, &d);
	sweep_cut(p, v);
	memset(&d, 0, sizeof d);
	int second = restore_run(&o, &r, &d);
	if (err == 0)
		assert_int_equal(second, MO_EEXIST);
	else if (second != 0 && second != MO_EEXIST)
		fail_msg("once more: %s, message %d, %s (%s)", mo_err_name(second), (int)d.msg, d.file, d.arg[0].text);
	check_content(v, NEW_DIR, 1);
	assert_int_equal(findings(v, newest, &n), 0);
	assert_string_equal(newest, first_id);
	vfs_free(v);
	return NULL;
}

/* Each kind of one or the other state; which one changes from run to run. */
static void backups(void **state)
{
	(void)state;
	for (unsigned live = 0; live < 2; live++) {
		unsigned kinds = 0;
		for (enum sweep_kind k = 0; k <= SWEEP_MEMORY; k++)
			kinds |= sweep_soaks() || (k + sweep_offset()) % 2 == live ? SWEEP_BIT(k) : 0;
		sweep_run(&(struct sweep){.name = live ? "backup, served" : "backup", .pass = backup_pass, .arg = &(bool){live}, .kinds = kinds, .least = PASSES});
	}
}

static void restores(void **state)
{
	(void)state;
	sweep_run(&(struct sweep){.name = "restore", .pass = restore_pass, .kinds = SWEEP_ALL, .least = PASSES});
}

/* ---- what the oracle must see ---- */

/* A backup whose syncs are swallowed, then the power: how many findings in snapshots that stand, over some seeds. */
static unsigned planted(bool files, bool folders, const char *only)
{
	unsigned seen = 0;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct vfs *v = clone(seed);
		struct nosync plant;
		struct backup_report r;
		struct diag d = {0};
		char newest[ARCHIVE_ID] = "";
		size_t n = 0;
		nosync_init(&plant, v);
		plant.files = files;
		plant.folders = folders;
		plant.only = only;
		assert_int_equal(back_up(&plant.v, NULL, 0, &r, &d), 0);
		memvfs_crash(v, false);
		unsigned bad = findings(v, newest, &n);
		seen += bad != 0 || strcmp(newest, r.id) != 0;
		vfs_free(v);
	}
	return seen;
}

static void missing_syncs_are_seen(void **state)
{
	(void)state;
	assert_int_equal(planted(false, false, NULL), 0);
	assert_true(planted(true, false, TARGET "/objects") > 0);
	assert_true(planted(true, false, TARGET "/snapshots") > 0);
	assert_true(planted(false, true, NULL) > 0);
}

/* A disk that does not keep what it was given: found before a manifest or a folder's format speaks of it. */
static void wrong_writes_are_seen(void **state)
{
	struct vfs *v = clone(1);
	struct nosync plant;
	struct backup_report r;
	struct restore_report rr;
	struct diag d = {0};
	struct vfs_stat st;
	char newest[ARCHIVE_ID] = "";
	size_t n = 0;
	(void)state;
	nosync_init(&plant, v);
	plant.flip = true;
	plant.only = TARGET "/objects";
	assert_int_equal(back_up(&plant.v, NULL, 0, &r, &d), MO_ECORRUPT);
	assert_int_equal(d.msg, MSG_BACKUP_READ_BACK);
	assert_non_null(strstr(d.file, TARGET "/objects"));
	assert_int_equal(findings(v, newest, &n), 0);
	assert_int_equal(n, 1);
	plant.only = NEW_DIR "/store.db";
	struct restore_options o = {.vfs = &plant.v, .source = TARGET, .dir = NEW_DIR, .as = RESTORE_MOVE, .now_ns = now_ns};
	assert_int_equal(restore_run(&o, &rr, &d), MO_ECORRUPT);
	assert_string_equal(d.file, NEW_DIR "/store.db");
	assert_int_equal(vfs_stat(v, NEW_DIR "/format", &st), MO_ENOENT);
	plant.flip = false;
	assert_int_equal(restore_run(&o, &rr, &d), 0);
	check_content(v, NEW_DIR, 1);
	vfs_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {sweep_test(backups), sweep_test(restores),
		cmocka_unit_test(missing_syncs_are_seen), cmocka_unit_test(wrong_writes_are_seen)};
	make_base();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	vfs_free(base);
	return failed;
}
