/* Checksums of pages: what lies in the database file and in its log is what was
 * written, or it is not given out, and the page is named. */
#include <sqlite3.h>

#include "fixture.h"

#include "base/crc32c.h"

#include "store/priv/impl.h"
#include "store/priv/migrations.h"
#include "store/priv/pages.h"
#include "store/priv/tokenizer.h"

#define LOG DB_PATH "-wal"
#define LOTS 150

static void close_all(struct fixture *f)
{
	store_reader_close(f->r);
	store_close(f->s);
	f->r = NULL;
	f->s = NULL;
}

static void put_lots(struct fixture *f, const char *prefix, int n)
{
	enum store_did did;
	OK(store_begin(f->s, &f->d));
	for (int i = 0; i < n; i++) {
		char number[32];
		snprintf(number, sizeof number, "%s-%d", prefix, i);
		struct record r = r_lot("F", number);
		OK(put_at(f, &r, T0, &did));
	}
	OK(store_commit(f->s, &f->d));
}

static uint64_t size_of(struct fixture *f, const char *path)
{
	struct vfs_stat st;
	OK(vfs_stat(f->vfs, path, &st));
	return st.size_bytes;
}

static void read_at(struct fixture *f, const char *path, uint64_t at, void *p, size_t n)
{
	struct vfs_file *file = NULL;
	OK(vfs_open(f->vfs, &file, path, VFS_READ, &f->d));
	OK(vfs_read_full(file, p, n, at));
	vfs_close(file);
}

static void write_at(struct fixture *f, const char *path, uint64_t at, const void *p, size_t n)
{
	struct vfs_file *file = NULL;
	OK(vfs_open(f->vfs, &file, path, VFS_WRITE, &f->d));
	OK(vfs_pwrite(file, p, n, at));
	OK(vfs_sync(file));
	vfs_close(file);
}

static uint32_t pages_of(struct fixture *f, const char *path) { return (uint32_t)(size_of(f, path) / PAGE_BYTES); }

static void all_whole(struct fixture *f, const char *path)
{
	uint8_t page[PAGE_BYTES];
	assert_int_equal(size_of(f, path) % PAGE_BYTES, 0);
	for (uint32_t k = 1; k <= pages_of(f, path); k++) {
		read_at(f, path, (uint64_t)(k - 1) * PAGE_BYTES, page, sizeof page);
		if (!pages_is_whole(page, k))
			fail_msg("%s: page %u has no good checksum", path, k);
	}
}

/* A value by a connection that has read nothing yet: 0, or why not. */
static int value(struct fixture *f, const char *path, const char *sql, int64_t *ret)
{
	struct db db;
	int err = db_open(&db, f->vfs, path, false, NULL, 0, &f->d);
	if (!err)
		err = db_get_i64(&db, sql, ret, &f->d);
	db_close(&db);
	return err;
}

static int64_t number(struct fixture *f, const char *path, const char *sql)
{
	int64_t v = -1;
	OK(value(f, path, sql, &v));
	return v;
}

static void exec(struct fixture *f, const char *path, const char *sql)
{
	struct db db;
	OK(db_open(&db, f->vfs, path, true, NULL, 0, &f->d));
	OK(db_exec(&db, sql, &f->d));
	db_close(&db);
}

static void test_written(void **state)
{
	struct fixture *f = *state;
	put_lots(f, "A", LOTS);
	close_all(f);
	all_whole(f, DB_PATH);
	uint8_t page[PAGE_BYTES], reserved = 0;
	read_at(f, DB_PATH, PAGE_TAIL_AT, &reserved, 1);
	assert_int_equal(reserved, PAGE_TAIL);
	/* the words of docs/formats/store.md, by hand */
	read_at(f, DB_PATH, PAGE_BYTES, page, sizeof page);
	assert_memory_equal(page + 4088, "MoPg", 4);
	uint32_t sum = crc32c(crc32c(0, span_of("\2\0\0\0", 4)), span_of(page, 4092));
	const uint8_t stored[4] = {(uint8_t)sum, (uint8_t)(sum >> 8), (uint8_t)(sum >> 16), (uint8_t)(sum >> 24)};
	assert_memory_equal(page + 4092, stored, 4);
	/* each of the page's place, each of its bits: not whole */
	assert_true(pages_is_whole(page, 2) && !pages_is_whole(page, 3));
	for (size_t bit = 0; bit < PAGE_BYTES * 8; bit += 7) {
		page[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(pages_is_whole(page, 2));
		page[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	pages_lose(page);
	pages_seal(page, 2);
	assert_false(pages_is_whole(page, 2));
	fx_reopen(f);
	assert_int_equal(store_damage(f->s, 0, &f->d), 0);
}

/* ---- flips in the database file ---- */

struct findings {
	unsigned n, pages;
	uint32_t page; /* the last that was named */
};

static void say(void *arg, const struct diag *d)
{
	struct findings *x = arg;
	x->n++;
	if (d->msg == MSG_STORE_PAGE) {
		x->pages++;
		x->page = (uint32_t)d->arg[0].i;
		assert_string_equal(d->file, DB_PATH);
	}
}

/* What the store answers to a few questions: each as it was, or none. */
static const char *const asked[] = {"SELECT sum(length(number)) FROM lot", "SELECT sum(number*7) FROM change", "SELECT count(*) FROM change",
	"SELECT sum(length(key)) FROM change", "SELECT count(*) FROM search WHERE search MATCH 'a'", "SELECT value FROM meta", "SELECT count(*) FROM lot",
	"SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%state%'", "SELECT sum(n) FROM tally"};
#define ASKED (sizeof asked / sizeof *asked)

static void test_flips(void **state)
{
	static const uint32_t places[] = {0, 1, 3, 18, 20, 60, 99, 103, 110, 400, 1500, 3000, 4000, 4087, 4088, 4091, 4092, 4095};
	struct fixture *f = *state;
	int64_t truth[ASKED];
	unsigned refused = 0, named = 0;
	put_lots(f, "A", LOTS);
	close_all(f);
	for (size_t i = 0; i < ASKED; i++)
		truth[i] = number(f, DB_PATH, asked[i]);
	uint32_t pages = pages_of(f, DB_PATH);
	assert_true(pages > 40);
	for (uint32_t k = 1; k <= pages; k++) {
		for (size_t p = k == 1 ? 0 : k % 9; p < sizeof places / sizeof *places; p += k == 1 ? 1 : 9) {
			uint64_t bit = ((uint64_t)(k - 1) * PAGE_BYTES + places[p]) * 8 + (k + p) % 8;
			struct findings x = {0, 0, 0};
			struct store_reader *r = NULL;
			OK(memvfs_flip(f->vfs, DB_PATH, bit));
			for (size_t i = 0; i < ASKED; i++) {
				int64_t v = 0;
				int err = value(f, DB_PATH, asked[i], &v);
				if (err == 0 && v != truth[i])
					fail_msg("page %u byte %u: %s gives %lld", k, places[p], asked[i], (long long)v);
				if (err != 0 && (err != MO_ECORRUPT || f->d.msg != MSG_STORE_PAGE || f->d.arg[0].i != k))
					fail_msg("page %u byte %u: %s: error %d, message %d, page %lld", k, places[p], asked[i], err, (int)f->d.msg, (long long)f->d.arg[0].i);
				refused += err != 0;
			}
			/* the check names it, whoever asks for it */
			if (store_reader_open(&r, f->vfs, DB_PATH, &f->d) != 0)
				say(&x, &f->d);
			else
				OK(store_check(r, NULL, say, &x, &f->d));
			store_reader_close(r);
			if (x.pages != 1 || x.page != k)
				fail_msg("page %u byte %u: the check names %u pages, the last %u", k, places[p], x.pages, x.page);
			named++;
			OK(memvfs_flip(f->vfs, DB_PATH, bit));
		}
	}
	printf("%u flips, %u of %u questions refused\n", named, refused, named * (unsigned)ASKED);
	assert_true(refused > named / 2 && refused < named * (unsigned)ASKED);
	fx_reopen(f);
	assert_int_equal(number(f, DB_PATH, asked[0]), truth[0]);
}

/* A page in another's place has a good checksum of its own. */
static void test_misplaced(void **state)
{
	struct fixture *f = *state;
	uint8_t page[PAGE_BYTES];
	put_lots(f, "A", LOTS);
	close_all(f);
	struct findings x = {0, 0, 0};
	struct store_reader *r = NULL;
	uint32_t root = (uint32_t)number(f, DB_PATH, "SELECT rootpage FROM sqlite_schema WHERE name='lot'");
	uint32_t other = (uint32_t)number(f, DB_PATH, "SELECT rootpage FROM sqlite_schema WHERE name='change'");
	read_at(f, DB_PATH, (uint64_t)(other - 1) * PAGE_BYTES, page, sizeof page);
	write_at(f, DB_PATH, (uint64_t)(root - 1) * PAGE_BYTES, page, sizeof page);
	OK(store_reader_open(&r, f->vfs, DB_PATH, &f->d));
	OK(store_check(r, NULL, say, &x, &f->d));
	store_reader_close(r);
	assert_int_equal(x.page, root);
}

/* The rest is served while a page is damaged: reads and writes that do not touch it. */
static void test_served(void **state)
{
	struct fixture *f = *state;
	enum store_did did;
	put_lots(f, "A", LOTS);
	struct record e = r_event("e", "note", T0);
	e.event.asset = S("M");
	put1(f, e);
	close_all(f);
	uint32_t root = (uint32_t)number(f, DB_PATH, "SELECT rootpage FROM sqlite_schema WHERE name='event'");
	OK(memvfs_flip(f->vfs, DB_PATH, ((uint64_t)(root - 1) * PAGE_BYTES + 4000) * 8));
	fx_reopen(f);
	e.event.id = S("e2");
	for (int i = 0; i < 3; i++) {
		struct record l = r_lot("F", i == 0 ? "B0" : i == 1 ? "B1" : "B2");
		OK(store_begin(f->s, &f->d));
		assert_int_equal(put_at(f, &e, T0, &did), MO_ECORRUPT);
		assert_int_equal(f->d.msg, MSG_STORE_PAGE);
		assert_int_equal(f->d.arg[0].i, root);
		store_rollback(f->s);
		/* nor does it take along what others ask for in the same transaction */
		struct record l2 = r_lot("F", i == 0 ? "C0" : i == 1 ? "C1" : "C2");
		OK(store_begin(f->s, &f->d));
		OK(put_at(f, &l, T0, &did));
		OK(store_savepoint(f->s, &f->d));
		assert_int_equal(put_at(f, &e, T0, &did), MO_ECORRUPT);
		store_undo(f->s);
		OK(put_at(f, &l2, T0, &did));
		OK(store_commit(f->s, &f->d));
	}
	/* told once, by its number */
	struct diag d;
	assert_int_equal(store_damage(f->s, 0, &d), 1);
	assert_int_equal(d.msg, MSG_STORE_PAGE);
	assert_int_equal(d.arg[0].i, root);
	assert_int_equal(number(f, DB_PATH, "SELECT count(*) FROM lot"), LOTS + 6);
	assert_int_equal(number(f, DB_PATH, "SELECT n FROM tally WHERE noun='lot'"), LOTS + 6);
}

/* ---- flips in the log while it is used ---- */

static uint64_t frames(struct fixture *f) { return (size_of(f, LOG) - WAL_HEADER) / WAL_FRAME; }

static void test_log(void **state)
{
	struct fixture *f = *state;
	int64_t truth[ASKED];
	unsigned refused = 0, kept = 0;
	exec(f, DB_PATH, "PRAGMA wal_checkpoint(TRUNCATE)");
	put_lots(f, "A", 60);
	for (size_t i = 0; i < ASKED; i++)
		truth[i] = number(f, DB_PATH, asked[i]);
	assert_true(frames(f) > 10);
	for (uint64_t k = 0; k < frames(f); k++)
		for (uint64_t at = k % 3; at < WAL_FRAME; at += at < 20 ? 6 : 2030) {
			if (at >= 8 && at < 16)
				continue; /* salts: read by nobody while it is open */
			uint64_t bit = (WAL_HEADER + k * WAL_FRAME + at) * 8 + k % 8;
			uint8_t header[WAL_FRAME_HEADER];
			OK(memvfs_flip(f->vfs, LOG, bit));
			read_at(f, LOG, WAL_HEADER + k * WAL_FRAME, header, sizeof header);
			for (size_t i = 0; i < ASKED; i++) {
				int64_t v = 0;
				int err = value(f, DB_PATH, asked[i], &v);
				if (err == 0 && v != truth[i])
					fail_msg("frame %llu byte %llu: %s gives %lld", (unsigned long long)k, (unsigned long long)at, asked[i], (long long)v);
				if (err != 0)
					assert_int_equal(f->d.msg, MSG_STORE_PAGE_IN_LOG);
				refused += err != 0;
				kept += err == 0;
			}
			OK(memvfs_flip(f->vfs, LOG, bit));
		}
	printf("%u questions refused, %u answered\n", refused, kept);
	assert_true(refused > 20 && kept > 50);
	for (size_t i = 0; i < ASKED; i++)
		assert_int_equal(number(f, DB_PATH, asked[i]), truth[i]);
}

/* A checkpoint over a damaged frame brings the others into the database, and the page stays lost. */
static void test_checkpoint(void **state)
{
	struct fixture *f = *state;
	uint8_t header[WAL_FRAME_HEADER] = {0};
	exec(f, DB_PATH, "PRAGMA wal_checkpoint(TRUNCATE)");
	put_lots(f, "A", 60);
	uint32_t root = (uint32_t)number(f, DB_PATH, "SELECT rootpage FROM sqlite_schema WHERE name='tally'");
	uint64_t k = 0, at = 0;
	for (; k < frames(f); k++) {
		read_at(f, LOG, WAL_HEADER + k * WAL_FRAME, header, sizeof header);
		if (((uint32_t)header[2] << 8 | header[3]) == root)
			at = k + 1;
	}
	assert_true(at > 0);
	OK(memvfs_flip(f->vfs, LOG, (WAL_HEADER + (at - 1) * WAL_FRAME + 4110) * 8));
	exec(f, DB_PATH, "PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(size_of(f, LOG), 0);
	int64_t v;
	assert_int_equal(value(f, DB_PATH, "SELECT sum(n) FROM tally", &v), MO_ECORRUPT);
	assert_int_equal(f->d.msg, MSG_STORE_PAGE);
	assert_int_equal(f->d.arg[0].i, root);
	assert_int_equal(number(f, DB_PATH, "SELECT count(*) FROM lot"), 60);
	close_all(f);
	assert_int_equal(value(f, DB_PATH, "SELECT sum(n) FROM tally", &v), MO_ECORRUPT);
	assert_int_equal(number(f, DB_PATH, "SELECT count(*) FROM lot"), 60);
}

/* A transaction that outgrows the cache writes pages into the log before it commits, writes some anew and reads them back, and takes some back. */
static void test_spill(void **state)
{
	struct fixture *f = *state;
	struct db db;
	int64_t n;
	OK(db_open(&db, f->vfs, "node/spill.db", true, NULL, 0, &f->d));
	OK(db_exec(&db, "PRAGMA journal_mode=wal; PRAGMA cache_size=5; CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b);", &f->d));
	for (int round = 0; round < 4; round++) {
		OK(db_exec(&db, "BEGIN; INSERT INTO t(b) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n<400) SELECT hex(randomblob(200)) FROM c;"
			"UPDATE t SET b=lower(b) WHERE a%3=0; SAVEPOINT s; UPDATE t SET b='x'||b; DELETE FROM t WHERE a%5=0; ROLLBACK TO s; UPDATE t SET b=b||'y' WHERE a%7=0;", &f->d));
		OK(db_get_i64(&db, "SELECT sum(length(b)>=400) FROM t", &n, &f->d));
		OK(db_exec(&db, round % 2 ? "ROLLBACK" : "COMMIT", &f->d));
		assert_int_equal(number(f, "node/spill.db", "SELECT count(*) FROM t"), round < 2 ? 400 : 800);
		OK(db_get_i64(&db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check<>'ok'", &n, &f->d));
		assert_int_equal(n, 0);
	}
	db_close(&db);
	all_whole(f, "node/spill.db");
	/* and so does one that is not in a log: a copy is written page by page, the first last */
	OK(db_open(&db, f->vfs, "node/spill.db", false, NULL, 0, &f->d));
	OK(db_exec(&db, "PRAGMA cache_size=5; VACUUM INTO 'node/copy.db'", &f->d));
	db_close(&db);
	all_whole(f, "node/copy.db");
	assert_int_equal(number(f, "node/copy.db", "SELECT count(*) FROM t"), 800);
}

/* ---- from a store without ---- */

/* As programs of before made it: version 3, no room at the ends of pages. */
static void make_old(struct fixture *f, const char *path)
{
	struct sqlitevfs *fs = NULL;
	sqlite3 *sq = NULL;
	char sql[200];
	OK(sqlitevfs_use(&fs, f->vfs));
	OK(sqlite3_open_v2(path, &sq, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, sqlitevfs_name(fs)));
	OK(tokenizer_register(sq));
	OK(sqlite3_exec(sq, "PRAGMA temp_store=memory; PRAGMA journal_mode=wal", NULL, NULL, NULL));
	OK(sqlite3_exec(sq, store_schema_v1, NULL, NULL, NULL));
	OK(sqlite3_exec(sq, store_schema_v2, NULL, NULL, NULL));
	OK(sqlite3_exec(sq, store_schema_v3, NULL, NULL, NULL));
	OK(sqlite3_exec(sq, "INSERT INTO mark(name, value) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n<500) SELECT 'm'||n, zeroblob(n) FROM c",
		NULL, NULL, NULL));
	snprintf(sql, sizeof sql, "INSERT INTO meta VALUES('version', 3); PRAGMA application_id=%d; PRAGMA user_version=3", STORE_APPLICATION_ID);
	OK(sqlite3_exec(sq, sql, NULL, NULL, NULL));
	OK(sqlite3_close(sq));
	sqlitevfs_release(fs);
}

static void test_old(void **state)
{
	struct fixture *f = *state;
	struct store *s = NULL;
	struct vfs_stat st;
	uint8_t reserved = 1;
	make_old(f, "node/old.db");
	read_at(f, "node/old.db", PAGE_TAIL_AT, &reserved, 1);
	assert_int_equal(reserved, 0);
	OK(store_open(&s, f->vfs, "node/old.db", &f->d));
	assert_null(store_opened_damaged(s));
	store_close(s);
	all_whole(f, "node/old.db");
	assert_int_equal(number(f, "node/old.db", "PRAGMA user_version"), store_version());
	assert_int_equal(number(f, "node/old.db", "SELECT sum(length(value)) FROM mark"), 500 * 501 / 2);
	assert_int_equal(vfs_stat(f->vfs, "node/old.db.new", &st), MO_ENOENT);
	/* the copy from before is what it was, and migrates as well */
	read_at(f, "node/old.db.v3", PAGE_TAIL_AT, &reserved, 1);
	assert_int_equal(reserved, 0);
	OK(store_open(&s, f->vfs, "node/old.db.v3", &f->d));
	store_close(s);
	all_whole(f, "node/old.db.v3");
	/* no room: said before anything is done, in MB */
	make_old(f, "node/full.db");
	uint64_t size = size_of(f, "node/full.db"), space = 0, total = 0;
	memvfs_set_faults(f->vfs, &(struct memvfs_faults){.space_bytes = 1u << 30});
	OK(vfs_space(f->vfs, "node", &space, &total));
	memvfs_set_faults(f->vfs, &(struct memvfs_faults){.space_bytes = total - space + size + (4u << 20)});
	assert_int_equal(store_open(&s, f->vfs, "node/full.db", &f->d), MO_EFULL);
	assert_int_equal(f->d.msg, MSG_STORE_ROOM);
	assert_int_equal(f->d.arg[0].i, (2 * size >> 20) + 5);
	assert_int_equal(vfs_stat(f->vfs, "node/full.db.v3", &st), MO_ENOENT);
	memvfs_set_faults(f->vfs, &(struct memvfs_faults){0});
	OK(store_open(&s, f->vfs, "node/full.db", &f->d));
	store_close(s);
	all_whole(f, "node/full.db");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {T(test_written), T(test_flips), T(test_misplaced), T(test_served), T(test_log), T(test_checkpoint), T(test_spill), T(test_old)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
