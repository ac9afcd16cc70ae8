/* Opening: fresh, again, newer, older, foreign, damaged; migrations with their
 * snapshot; what never changes; the check. */
#include <sqlite3.h>
#include <stdio.h>

#include "fixture.h"

#include "store/accounts.h"
#include "store/priv/impl.h"
#include "store/priv/migrations.h"

static int exec(struct fixture *f, const char *path, const char *sql)
{
	struct db db;
	int err = db_open(&db, f->vfs, path, true, NULL, 0, &f->d);
	if (!err)
		err = db_exec(&db, sql, &f->d);
	db_close(&db);
	return err;
}

static void test_again(void **state)
{
	struct fixture *f = *state;
	put1(f, r_link("A", "B"));
	fx_reopen(f);
	assert_string_equal(sel(f, SQ_LOTS, "number", A(NIL, NIL, NIL, NIL, sarg_i(9))), "B\nA\n");
	assert_int_equal(store_version(), 7);
	struct store_reader *r = NULL;
	assert_int_equal(store_reader_open(&r, f->vfs, "node/other.db", &f->d), MO_ENOENT);
	assert_int_equal(exec(f, "node/empty.db", "CREATE TABLE x(y); DROP TABLE x;"), 0);
	assert_int_equal(store_reader_open(&r, f->vfs, "node/empty.db", &f->d), MO_ESTATE);
	assert_int_equal(f->d.msg, MSG_STORE_OLDER);
}

static void test_newer(void **state)
{
	struct fixture *f = *state;
	struct store *s = NULL;
	struct store_reader *r = NULL;
	store_reader_close(f->r);
	store_close(f->s);
	f->r = NULL;
	f->s = NULL;
	OK(exec(f, DB_PATH, "PRAGMA user_version=1000"));
	assert_int_equal(store_open(&s, f->vfs, DB_PATH, &f->d), MO_EVERSION);
	assert_int_equal(f->d.msg, MSG_STORE_NEWER);
	assert_int_equal(f->d.arg[0].i, 1000);
	assert_string_equal(f->d.file, DB_PATH);
	assert_int_equal(store_reader_open(&r, f->vfs, DB_PATH, &f->d), MO_EVERSION);
}

static void test_foreign(void **state)
{
	struct fixture *f = *state;
	struct store *s = NULL;
	OK(exec(f, "node/theirs.db", "CREATE TABLE t(a); INSERT INTO t VALUES(1);"));
	assert_int_equal(store_open(&s, f->vfs, "node/theirs.db", &f->d), MO_ECORRUPT);
	assert_int_equal(f->d.msg, MSG_STORE_NOT_OURS);
	struct vfs_file *file = NULL;
	OK(vfs_open(f->vfs, &file, "node/noise.db", VFS_WRITE | VFS_CREATE, &f->d));
	uint8_t noise[5000];
	memset(noise, 0x5a, sizeof noise);
	OK(vfs_pwrite(file, noise, sizeof noise, 0));
	vfs_close(file);
	assert_int_equal(store_open(&s, f->vfs, "node/noise.db", &f->d), MO_ECORRUPT);
	assert_int_equal(f->d.msg, MSG_STORE_CORRUPT);
	assert_int_equal(store_open(&s, f->vfs, "nowhere/x.db", &f->d), MO_EIO);
}

/* ---- a migration to come ---- */

/* The steps there are, and then these. */
#define STEPS_MAX 16u
static unsigned with_steps(struct migration to[STEPS_MAX], const char *one, const char *two)
{
	unsigned n = 0;
	for (; n < n_store_migrations; n++)
		to[n] = store_migrations[n];
	to[n++] = (struct migration){one};
	if (two)
		to[n++] = (struct migration){two};
	assert_true(n <= STEPS_MAX);
	return n;
}

static int64_t value(struct fixture *f, const char *path, const char *sql)
{
	struct db db;
	int64_t v = -1;
	OK(db_open(&db, f->vfs, path, false, NULL, 0, &f->d));
	OK(db_get_i64(&db, sql, &v, &f->d));
	db_close(&db);
	return v;
}

static void test_migration(void **state)
{
	struct fixture *f = *state;
	struct store *s = NULL;
	struct vfs_stat st;
	struct migration broken[STEPS_MAX], more[STEPS_MAX];
	const unsigned now = n_store_migrations, n_broken = with_steps(broken, "UPDATE lot SET state='scrapped'; SELECT nonsense(1);", NULL);
	const unsigned n = with_steps(more, "ALTER TABLE lot ADD COLUMN colour TEXT; UPDATE lot SET colour='grey';",
		"CREATE TABLE extra(a INTEGER) STRICT; INSERT INTO extra SELECT count(*) FROM lot;");
	char snapshot[40], tmp[48], next[40];
	snprintf(snapshot, sizeof snapshot, DB_PATH ".v%u", now);
	snprintf(tmp, sizeof tmp, DB_PATH ".v%u.tmp", now);
	snprintf(next, sizeof next, DB_PATH ".v%u", now + 1);
	put1(f, r_link("A", "B"));
	store_reader_close(f->r);
	store_close(f->s);
	f->r = NULL;
	f->s = NULL;
	/* one that fails leaves the old version whole, and its snapshot */
	assert_int_equal(store_open_with(&s, f->vfs, DB_PATH, broken, n_broken, &f->d), MO_EBUG);
	assert_int_equal(value(f, DB_PATH, "PRAGMA user_version"), now);
	assert_int_equal(value(f, DB_PATH, "SELECT count(*) FROM lot WHERE state='ok'"), 2);
	/* one that succeeds takes both steps */
	OK(store_open_with(&s, f->vfs, DB_PATH, more, n, &f->d));
	store_close(s);
	assert_int_equal(value(f, DB_PATH, "PRAGMA user_version"), n);
	assert_int_equal(value(f, DB_PATH, "SELECT value FROM meta WHERE name='version'"), n);
	assert_int_equal(value(f, DB_PATH, "SELECT count(*) FROM lot WHERE colour='grey'"), 2);
	assert_int_equal(value(f, DB_PATH, "SELECT a FROM extra"), 2);
	/* nothing to do the second time */
	OK(store_open_with(&s, f->vfs, DB_PATH, more, n, &f->d));
	store_close(s);
	assert_int_equal(value(f, DB_PATH, "SELECT count(*) FROM extra"), 1);
	/* the snapshot is a whole store of the version before */
	assert_int_equal(value(f, snapshot, "PRAGMA user_version"), now);
	assert_int_equal(vfs_stat(f->vfs, tmp, &st), MO_ENOENT);
	assert_int_equal(vfs_stat(f->vfs, next, &st), MO_ENOENT);
	OK(store_open(&s, f->vfs, snapshot, &f->d));
	store_close(s);
	assert_int_equal(value(f, snapshot, "SELECT count(*) FROM lot"), 2);
	/* a fresh store of the newest version needs none */
	OK(store_open_with(&s, f->vfs, "node/fresh.db", more, n, &f->d));
	store_close(s);
	assert_int_equal(vfs_stat(f->vfs, "node/fresh.db.v1", &st), MO_ENOENT);
}

/* The step that brought accounts: everything of version 1 stays, a copy of it too, which the older program can be given back. */
static void test_accounts_step(void **state)
{
	struct fixture *f = *state;
	struct store *s = NULL;
	enum store_did did;
	struct record r = r_link("A", "B");
	OK(store_open_with(&s, f->vfs, "node/old.db", store_migrations, 1, &f->d));
	OK(store_begin(s, &f->d));
	OK(store_put_record(s, &r, T0, &did, &f->d));
	OK(store_commit(s, &f->d));
	store_close(s);
	assert_int_equal(value(f, "node/old.db", "PRAGMA user_version"), 1);
	OK(store_open(&s, f->vfs, "node/old.db", &f->d));
	store_close(s);
	assert_int_equal(value(f, "node/old.db", "PRAGMA user_version"), store_version());
	assert_int_equal(value(f, "node/old.db", "SELECT count(*) FROM lot"), 2);
	assert_int_equal(value(f, "node/old.db", "SELECT count(*) FROM account") + value(f, "node/old.db", "SELECT count(*) FROM session") +
		value(f, "node/old.db", "SELECT count(*) FROM token"), 0);
	OK(store_open_with(&s, f->vfs, "node/old.db.v1", store_migrations, 1, &f->d));
	store_close(s);
	assert_int_equal(value(f, "node/old.db.v1", "SELECT count(*) FROM lot"), 2);
}

static void test_append_only(void **state)
{
	struct fixture *f = *state;
	struct record e = r_event("e", "note", T0);
	e.event.asset = S("M");
	put1(f, e);
	put1(f, r_characteristic("c", "L", "weight", 1));
	put1(f, r_operation("o", "M", T0, T_NONE));
	OK(store_begin(f->s, &f->d));
	OK(store_audit(f->s, T0, S("kim"), S("x"), S(""), S(""), &f->d));
	int64_t version;
	OK(store_put_doc(f->s, DOC_SHIFT, S("s"), S("{}"), -1, S("kim"), T0, &version, &f->d));
	struct store_case k = {.asset = S("M"), .cause = S("c"), .kind = S("k"), .begin_ns = T0, .end_ns = T_NONE, .raised_ns = T0};
	enum store_did did;
	static const uint8_t key[KEY_BYTES] = {1};
	const struct store_account_put account = {.name = S("kim"), .hash = S("$scrypt$"), .now_ns = T0};
	const struct store_token token = {.name = S("t"), .key = key, .permissions = permission_bit(PERMISSION_WRITE), .maker = S("kim"), .expires_ns = T_NONE};
	struct store_account_got got;
	OK(store_account_put(f->s, &account, &got, &f->d));
	OK(store_token_put(f->s, &token, &version, &f->d));
	OK(store_put_case(f->s, &k, &version, &did, &f->d));
	OK(store_commit(f->s, &f->d));
	static const char *const refused[] = {"UPDATE event SET text='x'", "DELETE FROM event", "UPDATE characteristic SET value=2",
		"DELETE FROM characteristic", "UPDATE audit SET who='x'", "DELETE FROM audit", "UPDATE doc_history SET json='{}'", "DELETE FROM doc_history",
		"UPDATE case_history SET note='x'", "DELETE FROM case_history", "UPDATE change SET key='x'", "UPDATE lot SET uuid=zeroblob(16)",
		"UPDATE lot SET number='x'", "UPDATE asset SET uuid=zeroblob(16)", "UPDATE operation SET ref='x'", "UPDATE cases SET uuid=zeroblob(16)",
		"UPDATE account SET name='x'", "UPDATE account SET uuid=zeroblob(16)", "DELETE FROM token", "UPDATE token SET permissions='sql'",
		"UPDATE account SET role='root'", "INSERT INTO token(name,digest,maker,made) VALUES('x',zeroblob(32),'x',0)", "DELETE FROM lot", "UPDATE lot SET state='lost'"};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		if (exec(f, DB_PATH, refused[i]) == 0)
			fail_msg("allowed: %s", refused[i]);
}

/* ---- the check ---- */

struct findings {
	unsigned n;
	enum mo_msg first;
};

static void say(void *arg, const struct diag *d)
{
	struct findings *x = arg;
	if (x->n++ == 0)
		x->first = d->msg;
}

static struct findings check(struct fixture *f)
{
	struct findings x = {0, MSG_NONE};
	struct store_reader *r = NULL;
	if (store_reader_open(&r, f->vfs, DB_PATH, &f->d) != 0)
		say(&x, &f->d);
	else
		OK(store_check(r, NULL, say, &x, &f->d));
	store_reader_close(r);
	return x;
}

static void test_check(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *sql, *back;
		enum mo_msg msg;
	} damage[] = {
		{"PRAGMA foreign_keys=off; UPDATE lot SET item=77 WHERE id=1", "UPDATE lot SET item=NULL WHERE id=1", MSG_STORE_CHECK_REFERENCE},
		{"UPDATE tally SET n=9 WHERE noun='lot'", "UPDATE tally SET n=2 WHERE noun='lot'", MSG_STORE_CHECK_COUNT},
		{"UPDATE state SET to_t=from_t+99 WHERE from_t=0", "UPDATE state SET to_t=10 WHERE from_t=0", MSG_STORE_CHECK_STATES},
		{"UPDATE doc SET json='{\"x\":1}'", "UPDATE doc SET json='{}'", MSG_STORE_CHECK_DOC},
		{"UPDATE search_content SET c2='C' WHERE c2='A'", "UPDATE search_content SET c2='A' WHERE c2='C'", MSG_STORE_CHECK_SEARCH},
		{"UPDATE search_content SET c3='zz' WHERE c2='A'", "INSERT INTO search(search) VALUES('rebuild')", MSG_STORE_CHECK_SEARCH},
		{"UPDATE search_docsize SET sz=x'00000002'", "INSERT INTO search(search) VALUES('rebuild')", MSG_STORE_CHECK_SEARCH},
		{"DELETE FROM search_docsize WHERE id=(SELECT max(id) FROM search_docsize)", "INSERT INTO search(search) VALUES('rebuild')", MSG_STORE_CHECK_SEARCH},
		{"UPDATE search_data SET block=x'0100000101' WHERE id=1", "INSERT INTO search(search) VALUES('rebuild')", MSG_STORE_CHECK_SEARCH},
		{"UPDATE search_data SET block=zeroblob(40) WHERE id>10", "INSERT INTO search(search) VALUES('rebuild')", MSG_STORE_CHECK_SEARCH},
		{"DELETE FROM search_content", "INSERT INTO search(search) VALUES('rebuild')", MSG_STORE_CHECK_SEARCH},
	};
	int64_t version;
	put1(f, r_link("A", "B"));
	OK(store_begin(f->s, &f->d));
	OK(store_put_doc(f->s, DOC_SHIFT, S("s"), S("{}"), -1, S("kim"), T0, &version, &f->d));
	OK(store_put_states(f->s, S("M"), 0, 30, (struct store_state[]){{0, 10, 1, 0}, {20, 30, 1, 0}}, 2, &f->d));
	OK(store_commit(f->s, &f->d));
	assert_int_equal(check(f).n, 0);
	for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
		OK(exec(f, DB_PATH, damage[i].sql));
		struct findings x = check(f);
		if (x.first != damage[i].msg)
			fail_msg("%s: %u findings, message %d", damage[i].sql, x.n, (int)x.first);
		OK(exec(f, DB_PATH, damage[i].back));
	}
}

/* The writer goes on while a check reads, whose findings are of the moment at which it began. */
struct beside {
	struct fixture *f;
	struct findings x; /* first: say() */
	unsigned asked, stop_at;
	int wrote;
};

static void say_beside(void *arg, const struct diag *d) { say(&((struct beside *)arg)->x, d); }

static bool write_beside(void *arg)
{
	struct beside *b = arg;
	char number[32];
	enum store_did did;
	snprintf(number, sizeof number, "BESIDE-%u", b->asked++);
	struct record r = r_lot("F", number);
	int err = store_begin(b->f->s, &b->f->d);
	if (!err)
		err = put_at(b->f, &r, T0, &did);
	if (!err)
		err = store_commit(b->f->s, &b->f->d);
	if (err)
		b->wrote = err;
	return b->stop_at && b->asked >= b->stop_at;
}

static void test_check_beside(void **state)
{
	struct fixture *f = *state;
	struct beside b = {.f = f};
	struct store_reader *r = NULL;
	uint8_t sha[32];
	enum store_did did;
	OK(store_begin(f->s, &f->d));
	for (int i = 0; i < 300; i++) {
		char number[32];
		snprintf(number, sizeof number, "LOT-%d", i);
		struct record rec = r_lot("F", number);
		OK(put_at(f, &rec, T0, &did));
	}
	struct blob_writer *w = NULL;
	OK(blob_begin(f->s, &w, &f->d));
	OK(blob_write(w, S("abc"), &f->d));
	OK(blob_end(w, f->s, S("text/plain"), S("abc"), sha, &f->d));
	OK(store_commit(f->s, &f->d));
	blob_abort(w);
	OK(store_reader_open(&r, f->vfs, DB_PATH, &f->d));
	OK(store_check(r, write_beside, say_beside, &b, &f->d));
	assert_int_equal(b.x.n, 0);
	assert_int_equal(b.wrote, 0);
	assert_true(b.asked > 10);
	/* Stopped, it lets go of what it saw: the write-ahead log can begin anew. */
	b.stop_at = b.asked + 5;
	assert_int_equal(store_check(r, write_beside, say_beside, &b, &f->d), MO_ECANCELED);
	OK(exec(f, DB_PATH, "PRAGMA busy_timeout=0; PRAGMA wal_checkpoint(TRUNCATE)"));
	struct vfs_stat st;
	OK(vfs_stat(f->vfs, DB_PATH "-wal", &st));
	assert_int_equal(st.size_bytes, 0);
	store_reader_close(r);
	assert_int_equal(check(f).n, 0);
}

static void test_flipped_bits(void **state)
{
	struct fixture *f = *state;
	enum store_did did;
	OK(store_begin(f->s, &f->d));
	for (int i = 0; i < 400; i++) {
		char number[32];
		snprintf(number, sizeof number, "LOT-%d", i);
		struct record r = r_lot("F", number);
		OK(put_at(f, &r, T0, &did));
	}
	OK(store_commit(f->s, &f->d));
	store_reader_close(f->r);
	store_close(f->s);
	f->r = NULL;
	f->s = NULL;
	/* in the middle of a b-tree page's header */
	OK(memvfs_flip(f->vfs, DB_PATH, 8 * 4096 * 20 + 3));
	OK(memvfs_flip(f->vfs, DB_PATH, 8 * (4096 * 20 + 3) + 6));
	int err = store_open(&f->s, f->vfs, DB_PATH, &f->d);
	if (err == 0)
		assert_true(check(f).n > 0);
	else
		assert_int_equal(err, MO_ECORRUPT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {T(test_again), T(test_newer), T(test_foreign), T(test_migration), T(test_accounts_step), T(test_append_only), T(test_check),
		T(test_check_beside), T(test_flipped_bits)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
