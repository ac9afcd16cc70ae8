/* A write-ahead log that was damaged while nobody had it open: told, set aside,
 * set right; one that a power cut tore says nothing. */
#include <sqlite3.h>

#include "fixture.h"

#include "store/priv/impl.h"
#include "store/priv/logmend.h"
#include "store/priv/pages.h"

#define COPY "node/copy.db"
#define COMMITS 6

/* The files as a killed program leaves them. */
struct left {
	uint8_t *db, *log;
	size_t db_n, log_n;
	uint64_t frames;
	int64_t lots[16]; /* lots that there are with the first n commits */
	uint64_t end[16]; /* frames of the first n commits */
	int n;
};

static int64_t value(struct fixture *f, const char *path, const char *sql, int *err)
{
	struct db db;
	int64_t v = -1;
	*err = db_open(&db, f->vfs, path, false, NULL, 0, &f->d);
	if (!*err)
		*err = db_get_i64(&db, sql, &v, &f->d);
	db_close(&db);
	return v;
}

static uint64_t frames_of(struct fixture *f, const char *path)
{
	struct vfs_stat st;
	OK(vfs_stat(f->vfs, path, &st));
	return (st.size_bytes - WAL_HEADER) / WAL_FRAME;
}

static void leave(struct fixture *f, struct left *l)
{
	struct db db;
	int err;
	*l = (struct left){.n = 0};
	OK(db_open(&db, f->vfs, DB_PATH, false, NULL, 0, &f->d));
	OK(db_exec(&db, "PRAGMA wal_checkpoint(TRUNCATE)", &f->d));
	db_close(&db);
	for (int i = 0; i < COMMITS; i++) {
		char number[16];
		snprintf(number, sizeof number, "L%d", i);
		OK(store_begin(f->s, &f->d));
		struct record r = r_lot("F", number);
		enum store_did did;
		if (i % 2) /* the one touches pages that the other does not */
			OK(store_audit(f->s, T0, S("kim"), S("x"), S(number), S("{}"), &f->d));
		else
			OK(put_at(f, &r, T0, &did));
		OK(store_commit(f->s, &f->d));
		l->end[++l->n] = frames_of(f, DB_PATH "-wal");
		l->lots[l->n] = value(f, DB_PATH, "SELECT count(*) FROM lot", &err);
	}
	OK(vfs_slurp(f->vfs, &l->db, &l->db_n, DB_PATH, 1u << 24, &f->d));
	OK(vfs_slurp(f->vfs, &l->log, &l->log_n, DB_PATH "-wal", 1u << 24, &f->d));
	l->frames = (l->log_n - WAL_HEADER) / WAL_FRAME;
	assert_int_equal(l->end[l->n], l->frames);
}

static void put_file(struct fixture *f, const char *path, const uint8_t *p, size_t n)
{
	struct vfs_file *file = NULL;
	int err = vfs_unlink(f->vfs, path);
	assert_true(err == 0 || err == MO_ENOENT);
	OK(vfs_open(f->vfs, &file, path, VFS_WRITE | VFS_CREATE, &f->d));
	if (n)
		OK(vfs_pwrite(file, p, n, 0));
	OK(vfs_sync(file));
	vfs_close(file);
}

static void put_back(struct fixture *f, const struct left *l, size_t log_n)
{
	int err = vfs_unlink(f->vfs, COPY "-wal.bad");
	assert_true(err == 0 || err == MO_ENOENT);
	put_file(f, COPY, l->db, l->db_n);
	put_file(f, COPY "-wal", l->log, log_n);
}

static bool is_there(struct fixture *f, const char *path)
{
	struct vfs_stat st;
	return vfs_stat(f->vfs, path, &st) == 0;
}

static void free_left(struct left *l)
{
	free(l->db);
	free(l->log);
}

/* Opens the copy: what was told (MSG_NONE: nothing), or the error's message. */
static enum mo_msg opened(struct fixture *f, int *err)
{
	struct store *s = NULL;
	*err = store_open(&s, f->vfs, COPY, &f->d);
	enum mo_msg msg = *err ? f->d.msg : store_opened_damaged(s) ? store_opened_damaged(s)->msg : MSG_NONE;
	if (!*err && store_opened_damaged(s))
		f->d = *store_opened_damaged(s);
	store_close(s);
	return msg;
}

static const char *const asked[] = {"SELECT count(*) FROM lot", "SELECT sum(length(target)) FROM audit", "SELECT max(number) FROM change", "SELECT sum(n) FROM tally",
	"SELECT count(*) FROM search WHERE search MATCH 'l'"};
#define ASKED (sizeof asked / sizeof *asked)

/* One flipped bit in each frame, and in the log's header: told, the damaged log kept, no commit lost, no wrong value. */
static void test_flips(void **state)
{
	struct fixture *f = *state;
	struct left l;
	int64_t truth[ASKED];
	unsigned mended = 0, lost = 0, refused = 0;
	int err;
	leave(f, &l);
	for (size_t i = 0; i < ASKED; i++)
		truth[i] = value(f, DB_PATH, asked[i], &err);
	static const size_t places[] = {0, 3, 5, 9, 14, 17, 23, 24, 27, 150, 1301, 3003, 4095, 4111, 4119};
	size_t n_places = sizeof places / sizeof *places;
	for (size_t k = 0; k <= l.frames; k++)
		for (size_t p = k ? k % 4 : 0; p < (k ? n_places : WAL_HEADER); p += k ? 4 : 3) {
			size_t at = k ? WAL_HEADER + (k - 1) * WAL_FRAME + places[p] : p;
			uint8_t bit = (uint8_t)(1u << (k * 3 + p) % 8);
			l.log[at] ^= bit;
			put_back(f, &l, l.log_n);
			enum mo_msg msg = opened(f, &err);
			/* a store whose change feed cannot be read does not open, and says which page it is */
			bool shut = err == MO_ECORRUPT && msg == MSG_STORE_PAGE_IN_LOG;
			if (!shut && (err || (msg != MSG_STORE_LOG_MENDED && msg != MSG_STORE_LOG_LOST)))
				fail_msg("frame %zu byte %zu: error %d, message %d", k, k ? places[p] : p, err, (int)msg);
			if (!shut)
				assert_int_equal(f->d.arg[0].i, (int64_t)k);
			if (msg == MSG_STORE_LOG_MENDED)
				mended++;
			else
				lost++;
			for (size_t i = 0; i < ASKED; i++) {
				int64_t v = value(f, COPY, asked[i], &err);
				if (err == 0 && v != truth[i])
					fail_msg("frame %zu byte %zu: %s gives %lld", k, k ? places[p] : p, asked[i], (long long)v);
				if (err && (msg == MSG_STORE_LOG_MENDED || f->d.msg != MSG_STORE_PAGE))
					fail_msg("frame %zu byte %zu: %s: error %d, message %d", k, k ? places[p] : p, asked[i], err, (int)f->d.msg);
				refused += err != 0;
			}
			/* it is kept as it was, and not told again */
			uint8_t *bad = NULL;
			size_t n = 0;
			OK(vfs_slurp(f->vfs, &bad, &n, COPY "-wal.bad", 1u << 24, &f->d));
			assert_int_equal(n, l.log_n);
			assert_memory_equal(bad, l.log, n);
			free(bad);
			assert_false(is_there(f, COPY "-wal.mend"));
			if (opened(f, &err) != MSG_NONE && !(shut && f->d.msg == MSG_STORE_PAGE))
				fail_msg("frame %zu byte %zu: again: error %d, message %d", k, k ? places[p] : p, err, (int)f->d.msg);
			l.log[at] ^= bit;
		}
	printf("%u set right, %u with a page lost, %u questions refused\n", mended, lost, refused);
	assert_true(mended > 4 * lost);
	assert_true(mended > 50);
	free_left(&l);
}

/* A cut anywhere, as a kill leaves it, or the last transaction in part: no word, and all commits before it. */
static void test_torn(void **state)
{
	struct fixture *f = *state;
	struct left l;
	int err;
	leave(f, &l);
	for (int n = 0; n <= l.n; n++)
		for (size_t more = 0; more < (n < l.n ? (size_t)(l.end[n + 1] - l.end[n]) * WAL_FRAME : 1); more += 1373) {
			put_back(f, &l, WAL_HEADER + (size_t)l.end[n] * WAL_FRAME + more);
			assert_int_equal(opened(f, &err), MSG_NONE);
			OK(err);
			assert_int_equal(value(f, COPY, asked[0], &err), l.lots[n]);
			assert_false(is_there(f, COPY "-wal.bad"));
		}
	/* of the last transaction a middle part never came to the disk */
	assert_true(l.end[l.n] - l.end[l.n - 1] >= 2);
	memset(l.log + WAL_HEADER + (size_t)l.end[l.n - 1] * WAL_FRAME + 40, 0x5a, 512); /* what stood there before */
	put_back(f, &l, l.log_n);
	assert_int_equal(opened(f, &err), MSG_NONE);
	assert_int_equal(value(f, COPY, asked[0], &err), l.lots[l.n - 1]);
	assert_int_equal(value(f, COPY, "SELECT count(*) FROM audit", &err), COMMITS / 2 - 1); /* the last commit was one of these */
	assert_false(is_there(f, COPY "-wal.bad"));
	free_left(&l);
}

/* More than a bit: the page is lost where no later frame has it, the commits behind stay; where it is not known which page it was, it is said. */
static void test_more(void **state)
{
	struct fixture *f = *state;
	struct left l;
	unsigned lost = 0;
	int err;
	leave(f, &l);
	for (uint64_t k = 0; k < l.end[l.n - 1]; k++) {
		uint8_t *p = l.log + WAL_HEADER + k * WAL_FRAME, was[600];
		memcpy(was, p + 1000, sizeof was);
		memset(p + 1000, 0x5a, sizeof was);
		put_back(f, &l, l.log_n);
		enum mo_msg msg = opened(f, &err);
		bool shut = err == MO_ECORRUPT && msg == MSG_STORE_PAGE_IN_LOG;
		assert_true(shut || (!err && (msg == MSG_STORE_LOG_LOST || msg == MSG_STORE_LOG_MENDED)));
		lost += msg != MSG_STORE_LOG_MENDED;
		for (size_t i = 0; i < 3; i++) {
			int64_t v = value(f, COPY, asked[i], &err), truth;
			int other;
			truth = value(f, DB_PATH, asked[i], &other);
			assert_true(err ? msg != MSG_STORE_LOG_MENDED && f->d.msg == MSG_STORE_PAGE : v == truth);
		}
		memcpy(p + 1000, was, sizeof was);
	}
	printf("a page lost in %u of %llu\n", lost, (unsigned long long)l.end[l.n - 1]);
	assert_true(lost > 0 && lost < l.end[l.n - 1] / 2);
	memset(l.log + WAL_HEADER + WAL_FRAME, 0x5a, WAL_FRAME_HEADER);
	put_back(f, &l, l.log_n);
	assert_int_equal(opened(f, &err), MSG_STORE_LOG_BEYOND);
	assert_int_equal(err, MO_ECORRUPT);
	assert_int_equal(f->d.arg[0].i, 2);
	assert_true(is_there(f, COPY "-wal.bad") && is_there(f, COPY "-wal") && !is_there(f, COPY "-wal.mend"));
	free_left(&l);
}

/* A log that was copied while it was written to: early parts and late ones do not fit, which is no damage once it is said to be such a copy. */
static void test_copy(void **state)
{
	struct fixture *f = *state;
	struct left l;
	struct store *s = NULL;
	int err;
	leave(f, &l);
	for (int n = 0; n < l.n - 2; n++)
		for (size_t in = 0; in < WAL_FRAME; in += 1500) {
			uint8_t was[3000], *p = l.log + WAL_HEADER + (size_t)l.end[n] * WAL_FRAME + in;
			memcpy(was, p, sizeof was);
			memset(p, 0, sizeof was);
			put_back(f, &l, l.log_n);
			OK(store_copy_settle(f->vfs, COPY, &f->d));
			assert_int_equal(n ? frames_of(f, COPY "-wal") : 0, l.end[n]);
			OK(store_open(&s, f->vfs, COPY, &f->d));
			assert_null(store_opened_damaged(s));
			store_close(s);
			assert_int_equal(value(f, COPY, asked[0], &err), l.lots[n]);
			assert_false(is_there(f, COPY "-wal.bad"));
			memcpy(p, was, sizeof was);
		}
	put_back(f, &l, l.log_n);
	OK(store_copy_settle(f->vfs, COPY, &f->d));
	assert_int_equal(frames_of(f, COPY "-wal"), l.frames);
	OK(store_copy_settle(f->vfs, "node/none.db", &f->d));
	free_left(&l);
}

/* The check names the log that was set aside, until somebody takes it away. */
static void say(void *arg, const struct diag *d)
{
	*(int *)arg += d->msg == MSG_STORE_CHECK_LOG_ASIDE && strcmp(d->file, DB_PATH "-wal.bad") == 0;
}

static void test_check(void **state)
{
	struct fixture *f = *state;
	int n = 0;
	put_file(f, DB_PATH "-wal.bad", (const uint8_t *)"x", 1);
	OK(store_check(f->r, NULL, say, &n, &f->d));
	assert_int_equal(n, 1);
	OK(vfs_unlink(f->vfs, DB_PATH "-wal.bad"));
	OK(store_check(f->r, NULL, say, &n, &f->d));
	assert_int_equal(n, 1);
}

/* What was written and taken back does not stay behind the log's end, where it would look like a part that damage cut off. */
static void test_taken_back(void **state)
{
	struct fixture *f = *state;
	struct db db;
	OK(db_open(&db, f->vfs, DB_PATH, false, NULL, 0, &f->d));
	OK(db_exec(&db, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size=5", &f->d));
	put1(f, r_lot("F", "A"));
	uint64_t frames = frames_of(f, DB_PATH "-wal");
	OK(db_exec(&db, "BEGIN; INSERT INTO mark(name,value) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n<200) SELECT n, zeroblob(900) FROM c", &f->d));
	assert_true(frames_of(f, DB_PATH "-wal") > frames + 10);
	OK(db_exec(&db, "ROLLBACK", &f->d));
	assert_int_equal(frames_of(f, DB_PATH "-wal"), frames);
	put1(f, r_lot("F", "B"));
	db_close(&db);
	assert_string_equal(sel(f, SQ_LOTS, "number", A(NIL, NIL, NIL, NIL, sarg_i(9))), "B\nA\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {T(test_flips), T(test_torn), T(test_more), T(test_copy), T(test_check), T(test_taken_back)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
