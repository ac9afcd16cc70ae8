/* sdb_check_live(): beside an engine that writes and maintains, it tells of what is hurt and of nothing else. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "model.h"
#include "os/memvfs.h"
#include "series/priv/sdb.h"

static struct vfs *vfs;
static struct sdb *db;
static struct diag d;
static int64_t now; /* time of the next point */

static struct {
	unsigned n, asked, act_at; /* findings; calls of stop; which of them acts */
	enum mo_msg first;
	char file[DIAG_FILE_MAX];
	void (*act)(void);
	bool cancel;
} told;

static void say(void *arg, const struct diag *x)
{
	(void)arg;
	if (told.n++ == 0) {
		told.first = x->msg;
		snprintf(told.file, sizeof told.file, "%s", x->file);
	}
}

static bool stop(void *arg)
{
	(void)arg;
	if (++told.asked >= told.act_at && told.act) {
		void (*act)(void) = told.act;
		told.act = NULL;
		act();
	}
	return told.cancel;
}

static void append(unsigned points)
{
	struct mbatch b = {.arr = now};
	struct sdb_appended a;
	for (unsigned i = 0; i < points; i++) {
		b.p[b.n++] = (struct mpoint){.id = 1 + i % 3, .t = now, .v = (uint64_t)now % 7, .seq = 0};
		now += NS_PER_S;
		if (b.n == MODEL_BATCH || i + 1 == points) {
			assert_int_equal(model_append(db, &b, &a, &d), 0);
			b.n = 0;
		}
	}
}

static void sync_all(void)
{
	uint64_t offset;
	assert_int_equal(sdb_sync(db, &offset, &d), 0);
}

/* Appends until one more segment stands. */
static void grow(void)
{
	uint64_t next = db->next_seg;
	while (db->next_seg == next) {
		append(MODEL_BATCH);
		sync_all();
		if (sdb_wants_maintain(db))
			assert_int_equal(sdb_maintain(db, false, &d), 0);
	}
}

static int setup(void **state)
{
	(void)state;
	diag_clear(&d);
	now = NS_PER_S;
	memset(&told, 0, sizeof told);
	if (memvfs_new(&vfs, 1) != 0 || sdb_open(&db, vfs, "s", &model_options, NULL, &d) != 0 || model_define(db) != 0)
		return -1;
	for (unsigned i = 0; i < 3; i++)
		grow();
	append(10);
	sync_all();
	return db->nseg == 3 ? 0 : -1;
}
static int teardown(void **state)
{
	(void)state;
	sdb_close(db);
	vfs_free(vfs);
	return 0;
}

static int check(void)
{
	uint64_t files;
	memset(&told, 0, sizeof told);
	return sdb_check_live(db, stop, say, NULL, &files);
}

static void finds(enum mo_msg msg, const char *file)
{
	assert_int_equal(check(), MO_ECORRUPT);
	assert_int_equal(told.first, msg);
	assert_string_equal(told.file, file);
}

static bool there(const char *name)
{
	struct vfs_stat st;
	return vfs_stat(vfs, name, &st) == 0;
}

static bool listed(const char *name)
{
	for (size_t i = 0; i < db->nseg; i++)
		if (strcmp(db->seg[i]->path, name) == 0)
			return true;
	return false;
}

static char *live_log(void)
{
	return fpath("s", FILE_LOG, db->wal.number);
}

static void test_quiet(void **state)
{
	(void)state;
	uint64_t live, alone;
	assert_int_equal(sdb_check_live(db, NULL, say, NULL, &live), 0);
	assert_int_equal(sdb_check(vfs, "s", say, NULL, &alone), 0);
	assert_int_equal(told.n, 0);
	assert_int_equal(live, alone);
	append(5); /* neither synced */
	assert_int_equal(check(), 0);
}

static void merge(void)
{
	grow();
	assert_int_equal(sdb_maintain(db, true, &d), 0);
	append(100); /* more than a log file */
	sync_all();
	append(9);
}

/* Whenever maintenance comes, all that the check still needs stands; it is gone by the next maintenance. */
static void test_beside_maintenance(void **state)
{
	(void)state;
	unsigned asked = 0;
	for (unsigned at = 1; at == 1 || asked >= at - 1; at += 1 + at / 4) {
		char name[3][64];
		uint64_t files;
		while (db->nseg < 3)
			grow();
		append(150);
		sync_all();
		assert_true(wal_live_files(&db->wal) > 1);
		for (size_t i = 0; i < 3; i++)
			snprintf(name[i], sizeof name[i], "%s", db->seg[i]->path);
		memset(&told, 0, sizeof told);
		told.act = merge;
		told.act_at = at;
		assert_int_equal(sdb_check_live(db, stop, say, NULL, &files), 0);
		assert_int_equal(told.n, 0);
		asked = told.asked;
		if (told.act)
			break; /* it was over before */
		if (at == 1)
			assert_true(there(name[2]) && !listed(name[2])); /* replaced, and yet it was there to be read */
		assert_int_equal(sdb_maintain(db, true, &d), 0);
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(there(name[i]), listed(name[i]));
		assert_int_equal(db->nzombie, 0);
		assert_true(wal_live_files(&db->wal) <= 2);
	}
	assert_true(asked > 20);
}

/* What stands behind the synced offset may be half written. */
static void test_tail(void **state)
{
	(void)state;
	struct vfs_file *f = NULL;
	char *path = live_log();
	uint64_t files, end = db->wal.pending_at;
	uint8_t half[16] = {40, 0, 0, 0, 1, 2, 3, 4};
	st32(half + 8, (uint32_t)db->wal.number);
	assert_int_equal(vfs_open(vfs, &f, path, VFS_WRITE, &d), 0);
	assert_int_equal(vfs_pwrite(f, half, sizeof half, end), 0);
	vfs_close(f);
	assert_int_equal(check(), 0);
	assert_int_equal(sdb_check(vfs, "s", say, NULL, &files), MO_ECORRUPT);
	assert_int_equal(told.first, MSG_SERIES_LOG_TORN);
	free(path);
}

static void test_hurt(void **state)
{
	(void)state;
	char *log = live_log();
	struct {
		const char *path;
		uint64_t byte;
		enum mo_msg msg;
	} hurt[] = {{db->seg[1]->path, 100, MSG_SERIES_FILE_CORRUPT}, {db->seg[2]->path, db->seg[2]->size - 30, MSG_SERIES_FILE_CORRUPT},
		{"s/manifest", 70, MSG_SERIES_FILE_CORRUPT}, {"s/catalogue", 80, MSG_SERIES_FILE_CORRUPT}, {log, db->wal.pending_at - 9, MSG_SERIES_LOG_TORN},
		{log, 20, MSG_SERIES_FILE_CORRUPT}};
	for (size_t i = 0; i < sizeof hurt / sizeof *hurt; i++) {
		assert_int_equal(memvfs_flip(vfs, hurt[i].path, 8 * hurt[i].byte), 0);
		assert_int_equal(check(), MO_ECORRUPT);
		if (strcmp(told.file, hurt[i].path) != 0 || (told.first != hurt[i].msg && i != 0))
			fail_msg("%s: %s, message %d", hurt[i].path, told.file, (int)told.first);
		assert_int_equal(memvfs_flip(vfs, hurt[i].path, 8 * hurt[i].byte), 0);
		assert_int_equal(check(), 0);
	}
	free(log);
}

static void test_missing_and_more(void **state)
{
	(void)state;
	char seg[64], *log = live_log();
	snprintf(seg, sizeof seg, "%s", db->seg[0]->path);
	assert_int_equal(vfs_replace(vfs, "s/note", SPAN_LIT("x"), false, NULL), 0);
	finds(MSG_SERIES_FILE_STRAY, "s/note");
	assert_int_equal(vfs_rename(vfs, "s/note", "s/seg-0000000000000009.bad"), 0);
	finds(MSG_SERIES_FILE_ASIDE, "s/seg-0000000000000009.bad");
	assert_int_equal(vfs_unlink(vfs, "s/seg-0000000000000009.bad"), 0);
	grow();
	assert_int_equal(sdb_maintain(db, true, &d), 0); /* the three are merged: their numbers are free */
	assert_int_equal(check(), 0);
	assert_int_equal(vfs_replace(vfs, seg, SPAN_LIT("x"), false, NULL), 0);
	finds(MSG_SERIES_FILE_STRAY, seg);
	assert_int_equal(vfs_unlink(vfs, seg), 0);
	snprintf(seg, sizeof seg, "%s", db->seg[0]->path);
	assert_int_equal(vfs_unlink(vfs, seg), 0);
	finds(MSG_SERIES_FILE_MISSING, seg);
	assert_int_equal(told.n, 1);
	free(log);
	log = live_log();
	assert_int_equal(vfs_unlink(vfs, log), 0);
	assert_int_equal(check(), MO_ECORRUPT);
	assert_int_equal(told.n, 2);
	free(log);
}

static void cancel(void) { told.cancel = true; }

/* A check that is stopped lets go of everything. */
static void test_stop(void **state)
{
	(void)state;
	uint64_t files = 77;
	for (unsigned at = 1; at < 30; at += 7) {
		memset(&told, 0, sizeof told);
		told.act = cancel;
		told.act_at = at;
		assert_int_equal(sdb_check_live(db, stop, say, NULL, &files), MO_ECANCELED);
		assert_int_equal(files, 77);
	}
	assert_int_equal(db->wal.pins, 0);
	for (size_t i = 0; i < db->nseg; i++)
		assert_int_equal(db->seg[i]->refs, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {T(test_quiet), T(test_beside_maintenance), T(test_tail), T(test_hurt), T(test_missing_and_more), T(test_stop)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
