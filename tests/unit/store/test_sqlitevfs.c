/* SQLite over our files: syncs at commit, locks between connections, what a
 * failed sync does, several threads. */
#include <pthread.h>

#include "fixture.h"

#include "store/priv/db.h"

static void test_syncs(void **state)
{
	struct fixture *f = *state;
	put1(f, r_asset("A", NULL, ASSET_MACHINE)); /* the WAL's name is synced with the first */
	for (int i = 0; i < 5; i++) {
		uint64_t before = memvfs_syncs(f->vfs);
		char code[8];
		snprintf(code, sizeof code, "B%d", i);
		put1(f, r_asset(code, NULL, ASSET_MACHINE));
		assert_int_equal(memvfs_syncs(f->vfs), before + 1);
	}
	/* nothing to commit, nothing to sync */
	uint64_t before = memvfs_syncs(f->vfs);
	OK(store_begin(f->s, &f->d));
	OK(store_commit(f->s, &f->d));
	OK(store_begin(f->s, &f->d));
	store_rollback(f->s);
	assert_int_equal(memvfs_syncs(f->vfs), before);
}

static void test_two_writers(void **state)
{
	struct fixture *f = *state;
	struct db db;
	OK(db_open(&db, f->vfs, DB_PATH, false, NULL, 0, &f->d));
	OK(sqlite3_busy_timeout(db.sq, 0));
	OK(store_begin(f->s, &f->d));
	assert_int_equal(db_exec(&db, "BEGIN IMMEDIATE", &f->d), MO_EBUSY);
	store_rollback(f->s);
	OK(db_exec(&db, "BEGIN IMMEDIATE", &f->d));
	OK(db_exec(&db, "ROLLBACK", &f->d));
	/* a rollback journal needs the file alone: the others are in the way */
	assert_int_equal(db_exec(&db, "PRAGMA journal_mode=delete", &f->d), MO_EBUSY);
	db_close(&db);
	struct vfs_stat st;
	OK(vfs_stat(f->vfs, DB_PATH "-wal", &st));
	store_reader_close(f->r);
	store_close(f->s);
	f->r = NULL;
	f->s = NULL;
	/* the last one to leave takes the WAL along */
	assert_int_equal(vfs_stat(f->vfs, DB_PATH "-wal", &st), MO_ENOENT);
	assert_int_equal(vfs_stat(f->vfs, DB_PATH "-shm", &st), MO_ENOENT);
}

/* Rollback-journal mode takes the other half of the locks. */
static void test_journal_mode(void **state)
{
	struct fixture *f = *state;
	struct db a, b;
	OK(db_open(&a, f->vfs, "node/j.db", true, NULL, 0, &f->d));
	OK(db_exec(&a, "PRAGMA journal_mode=delete; CREATE TABLE t(a); INSERT INTO t VALUES(1);", &f->d));
	OK(db_open(&b, f->vfs, "node/j.db", true, NULL, 0, &f->d));
	OK(sqlite3_busy_timeout(a.sq, 0));
	OK(sqlite3_busy_timeout(b.sq, 0));
	OK(db_exec(&a, "BEGIN; SELECT * FROM t;", &f->d));
	OK(db_exec(&b, "BEGIN IMMEDIATE; INSERT INTO t VALUES(2);", &f->d));
	assert_int_equal(db_exec(&a, "UPDATE t SET a=3", &f->d), MO_EBUSY);
	assert_int_equal(db_exec(&b, "COMMIT", &f->d), MO_EBUSY); /* a still reads */
	OK(db_exec(&a, "COMMIT", &f->d));
	OK(db_exec(&b, "COMMIT", &f->d));
	int64_t n = 0;
	OK(db_get_i64(&a, "SELECT count(*) FROM t", &n, &f->d));
	assert_int_equal(n, 2);
	db_close(&a);
	db_close(&b);
}

static void test_failed_sync(void **state)
{
	struct fixture *f = *state;
	enum store_did did;
	put1(f, r_asset("A", NULL, ASSET_MACHINE));
	/* every later operation is tried in turn until the one that syncs */
	struct record r = r_asset("B", NULL, ASSET_MACHINE);
	uint64_t syncs = memvfs_syncs(f->vfs), at = 1;
	for (;; at++) {
		assert_true(at < 100);
		OK(store_begin(f->s, &f->d));
		memvfs_set_faults(f->vfs, &(struct memvfs_faults){.fail_at = at, .err = MO_EIO});
		int err = put_at(f, &r, T0, &did);
		if (!err)
			err = store_commit(f->s, &f->d);
		memvfs_set_faults(f->vfs, &(struct memvfs_faults){0});
		assert_int_equal(err, MO_EIO);
		store_rollback(f->s);
		/* was it the sync? then nothing is written any more */
		OK(store_begin(f->s, &f->d));
		if (put_at(f, &r, T0, &did) || store_commit(f->s, &f->d))
			break;
		OK(store_begin(f->s, &f->d));
		store_rollback(f->s);
		r.asset.unit = S(at % 2 ? "EA" : "kg");
	}
	assert_int_equal(f->d.err, MO_EIO);
	assert_true(memvfs_syncs(f->vfs) >= syncs);
	syncs = memvfs_syncs(f->vfs);
	for (int i = 0; i < 3; i++) {
		struct record c = r_asset("C", NULL, ASSET_MACHINE);
		OK(store_begin(f->s, &f->d));
		int err = put_at(f, &c, T0, &did);
		assert_int_equal(err ? err : store_commit(f->s, &f->d), MO_EIO);
		store_rollback(f->s);
	}
	assert_int_equal(memvfs_syncs(f->vfs), syncs); /* no sync is asked for that could lie */
	fx_reopen(f); /* all closed: a new beginning */
	put1(f, r_asset("D", NULL, ASSET_MACHINE));
	assert_string_equal(sel(f, SQ_ASSET, "code", A(TX("A"))), "A\n");
}

static void test_full_disk(void **state)
{
	struct fixture *f = *state;
	enum store_did did = STORE_SAME;
	int err = 0;
	put1(f, r_asset("A", NULL, ASSET_MACHINE));
	memvfs_set_faults(f->vfs, &(struct memvfs_faults){.space_bytes = 1});
	OK(store_begin(f->s, &f->d));
	for (int i = 0; i < 2000 && !err; i++) {
		char code[16];
		snprintf(code, sizeof code, "X%d", i);
		struct record r = r_asset(code, NULL, ASSET_MACHINE);
		err = put_at(f, &r, T0, &did);
	}
	if (!err)
		err = store_commit(f->s, &f->d);
	assert_int_equal(err, MO_EFULL);
	store_rollback(f->s);
	assert_string_equal(sel(f, SQ_ASSETS, "code", A(NIL, NIL, sarg_i(9))), "A\n");
	memvfs_set_faults(f->vfs, &(struct memvfs_faults){0});
	put1(f, r_asset("B", NULL, ASSET_MACHINE)); /* there is room again: it goes on without a restart */
	assert_string_equal(sel(f, SQ_ASSETS, "code", A(NIL, NIL, sarg_i(9))), "A\nB\n");
}

/* ---- one writer, three readers ---- */

#define BATCHES 60
#define PER_BATCH 10

struct reading {
	struct vfs *vfs;
	int err, bad, seen;
};

/* Whatever it sees is a whole number of batches, and never fewer than before. */
static void *read_thread(void *arg)
{
	struct reading *x = arg;
	struct store_reader *r = NULL;
	x->err = store_reader_open(&r, x->vfs, DB_PATH, NULL);
	for (int last = 0; !x->err && last < BATCHES * PER_BATCH;) {
		struct table_cursor *c = NULL;
		struct table_batch b = {0};
		int n = 0;
		struct store_arg args[] = {NIL, NIL, sarg_i(100000)};
		x->err = store_select(r, &c, SQ_ASSETS, args, 3, NULL);
		while (!x->err && !(x->err = table_next(c, &b, NULL)) && b.n_rows)
			n += (int)b.n_rows;
		table_close(c);
		if (n % PER_BATCH || n < last)
			x->bad++;
		last = n;
		x->seen++;
	}
	store_reader_close(r);
	return NULL;
}

static void test_threads(void **state)
{
	struct fixture *f = *state;
	struct reading x[3];
	pthread_t t[3];
	enum store_did did;
	for (int i = 0; i < 3; i++) {
		x[i] = (struct reading){.vfs = f->vfs};
		OK(pthread_create(&t[i], NULL, read_thread, &x[i]));
	}
	for (int b = 0; b < BATCHES; b++) {
		OK(store_begin(f->s, &f->d));
		for (int i = 0; i < PER_BATCH; i++) {
			char code[16];
			snprintf(code, sizeof code, "A%d-%d", b, i);
			struct record r = r_asset(code, NULL, ASSET_MACHINE);
			OK(put_at(f, &r, T0, &did));
		}
		OK(store_commit(f->s, &f->d));
	}
	for (int i = 0; i < 3; i++) {
		OK(pthread_join(t[i], NULL));
		assert_int_equal(x[i].err, 0);
		assert_int_equal(x[i].bad, 0);
		assert_true(x[i].seen > 0);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {T(test_syncs), T(test_two_writers), T(test_journal_mode), T(test_failed_sync), T(test_full_disk), T(test_threads)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
