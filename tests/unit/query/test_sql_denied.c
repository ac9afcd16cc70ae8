/* What SQL of people may not do, and how much: every way out is tried. */
#include "fixture.h"

static struct buf got;

static uint8_t *store_bytes(struct rig *r, size_t *n)
{
	uint8_t *p = NULL;
	OK(vfs_slurp(r->vfs, &p, n, STORE_PATH, 1u << 26, &r->d));
	return p;
}

static void test_denied(void **state)
{
	static const char *const rows[] = {"INSERT INTO lot(firm) VALUES('x')", "INSERT INTO main.lot(firm) VALUES('x')", "UPDATE main.lot SET state='ok'", "DELETE FROM main.lot",
		"REPLACE INTO main.meta VALUES('a', 1)", "WITH a AS (SELECT 1) INSERT INTO main.meta SELECT 'a', 1", "EXPLAIN DELETE FROM main.lot", "CREATE TABLE t(a)",
		"CREATE TEMP TABLE t(a)", "CREATE TEMP VIEW v AS SELECT 1", "CREATE VIRTUAL TABLE t USING fts5(a)", "CREATE INDEX main.i ON lot(firm)", "DROP TABLE main.lot", "DROP VIEW lot",
		"ALTER TABLE main.lot RENAME TO l", "ATTACH 'n/store.db' AS x", "ATTACH '/etc/passwd' AS x", "ATTACH ':memory:' AS x", "DETACH main", "VACUUM", "VACUUM INTO 'copy.db'", "REINDEX", "ANALYZE",
		"PRAGMA table_info(lot)", "PRAGMA journal_mode=delete", "PRAGMA query_only=0", "PRAGMA writable_schema=1", "PRAGMA wal_checkpoint", "BEGIN", "BEGIN IMMEDIATE", "COMMIT", "SAVEPOINT a",
		"SELECT * FROM pragma_table_info('lot')", "SELECT * FROM pragma_database_list", "SELECT count(*) FROM pragma_table_list", "SELECT * FROM sqlite_master",
		"SELECT count(*) FROM sqlite_schema", "SELECT * FROM sqlite_temp_master", "SELECT * FROM main.sqlite_schema", "SELECT * FROM dbstat", "SELECT * FROM sqlite_dbpage",
		"SELECT * FROM audit", "SELECT count(*) FROM audit", "SELECT 1 FROM main.audit", "SELECT * FROM doc", "SELECT * FROM doc_history", "SELECT * FROM mark", "SELECT * FROM idem", "SELECT * FROM meta",
		"SELECT * FROM blob", "SELECT * FROM import", "SELECT * FROM search", "SELECT * FROM search_data", "SELECT * FROM change",
		/* a table of the store by its own name, whatever a view over it is called */
		"SELECT * FROM main.person", "SELECT * FROM people", "SELECT sealed FROM main.people", "SELECT * FROM erasure", "SELECT code FROM person", "SELECT count(*) FROM main.person", "SELECT count(*) FROM person", "SELECT * FROM cases", "SELECT * FROM state",
		"SELECT * FROM main.lot", "SELECT count(*) FROM main.lot", "SELECT rowid FROM main.lot", "SELECT * FROM \"main\".lot", "SELECT * FROM [MAIN] /**/ . 'asset'", "SELECT uuid FROM main.signal",
		"SELECT count(*) FROM main.lot, lot", "SELECT count(*) FROM main.person, operation", "SELECT 1 FROM operation WHERE EXISTS (SELECT 1 FROM main.person)",
		"SELECT number, (SELECT max(code) FROM main.person p WHERE p.id = lot.id) FROM lot", "SELECT l.* FROM lot a JOIN main.lot l USING (id)", "SELECT * FROM (SELECT * FROM main.person) AS lot",
		"WITH lot AS (SELECT * FROM main.lot) SELECT * FROM lot", "WITH operation AS (SELECT code FROM main.person) SELECT * FROM operation", "WITH a AS (SELECT count(*) FROM main.person) SELECT * FROM a",
		"\xef\xbb\xbfWITH lot AS (SELECT * FROM main.lot) SELECT * FROM lot", "SELECT * FROM temp.sqlite_master",
		/* under a name that may be read */
		"WITH lot AS (SELECT * FROM audit) SELECT * FROM lot", "SELECT (SELECT max(t) FROM audit)", "SELECT * FROM lot WHERE id IN (SELECT id FROM audit)",
		"SELECT 1 UNION SELECT id FROM audit", "SELECT load_extension('x.so')", "SELECT load_extension('x.so', 'y')", "SELECT fts3_tokenizer('simple')", "SELECT randomblob(9)",
		"SELECT zeroblob(9)", "SELECT sqlite_version()", "SELECT last_insert_rowid()", "SELECT changes()", "SELECT sqlite_compileoption_get(1)", "SELECT search_match('x')",
		"EXPLAIN QUERY PLAN SELECT * FROM audit"};
	/* not there at all, which is as good */
	static const char *const absent[] = {"SELECT writefile('x', 'y')", "SELECT readfile('/etc/passwd')", "SELECT edit('x')", "SELECT * FROM fsdir('/')", ".import x y", "SELECT * FROM generate_series(1, 2)",
		"SELECT * FROM csv('x')"};
	struct rig *r = *state;
	struct sqldb *q = NULL;
	size_t n, after;
	OK(sqldb_open(&q, r->vfs, STORE_PATH, r->db, &r->d));
	uint8_t *before = store_bytes(r, &n);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		diag_clear(&r->d);
		int err = sql_text(q, rows[i], &got, &r->d);
		bool missing = err == MO_EINVAL && (strstr(r->d.arg[0].text, "no such") != NULL); /* what this SQLite was built without */
		if (!missing && (err != MO_EDENIED || r->d.msg == MSG_NONE || !r->d.value[0]))
			fail_msg("%s: %d %s", rows[i], err, r->d.arg[0].text);
	}
	for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
		assert_true(sql_text(q, absent[i], &got, &r->d) != 0);
	OK(sql_text(q, "EXPLAIN QUERY PLAN SELECT * FROM lot", &got, &r->d));
	OK(sql_text(q, "EXPLAIN SELECT * FROM lot", &got, &r->d));
	/* By its schema a view is what it is without. */
	OK(sql_text(q, "SELECT * FROM temp.lot", &got, &r->d));
	OK(sql_text(q, "SELECT count(*), max(main.state) FROM lot main", &got, &r->d));
	OK(sql_text(q, "WITH lot AS (SELECT 1 AS a) SELECT a FROM lot", &got, &r->d));
	OK(sql_text(q, "SELECT count(*) FROM operation a LEFT JOIN (SELECT id FROM lot) USING (id), event WHERE a.id IN (SELECT lot FROM characteristic)", &got, &r->d));
	/* The names of the connection's own views and of the store behind them cannot be written. */
	static const char *const own[] = {"SELECT * FROM \"\001lot\"", "SELECT * FROM \"\001main\".person", "SELECT 1 AS \"\001\"", "WITH \"\001lot\" AS (SELECT * FROM main.person) SELECT * FROM \"\001lot\""};
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		assert_int_equal(sql_text(q, own[i], &got, &r->d), MO_EINVAL);
		assert_int_equal(r->d.msg, MSG_SQL_TEXT);
	}
	sqldb_close(q);
	uint8_t *now = store_bytes(r, &after);
	assert_true(n == after && memcmp(before, now, n) == 0);
	free(before);
	free(now);
}

/* The messages name what was refused. */
static void test_words(void **state)
{
	struct rig *r = *state;
	struct sqldb *q = NULL;
	OK(sqldb_open(&q, r->vfs, STORE_PATH, r->db, &r->d));
	assert_int_equal(sql_text(q, "ATTACH 'x' AS y", &got, &r->d), MO_EDENIED);
	assert_int_equal(r->d.msg, MSG_SQL_DENIED);
	assert_string_equal(r->d.value, "ATTACH");
	assert_int_equal(sql_text(q, "SELECT * FROM audit", &got, &r->d), MO_EDENIED);
	assert_int_equal(r->d.msg, MSG_SQL_TABLE_DENIED);
	assert_string_equal(r->d.value, "audit");
	assert_non_null(strstr(r->d.expected, "machine_state"));
	assert_int_equal(sql_text(q, "SELECT * FROM main.person", &got, &r->d), MO_EDENIED);
	assert_int_equal(r->d.msg, MSG_SQL_TABLE_DENIED);
	assert_string_equal(r->d.value, "person");
	assert_int_equal(sql_text(q, "SELECT load_extension('x')", &got, &r->d), MO_EDENIED);
	assert_int_equal(r->d.msg, MSG_SQL_FUNCTION_DENIED);
	assert_string_equal(r->d.value, "load_extension");
	sqldb_close(q);
}

static bool third_time(void *arg)
{
	unsigned *n = arg;
	return ++*n == 3;
}

/* Endless, huge and deep ones end. */
static void test_bombs(void **state)
{
	struct rig *r = *state;
	struct sqldb *q = NULL;
	OK(sqldb_open(&q, r->vfs, STORE_PATH, r->db, &r->d));
	static const struct {
		const char *sql;
		uint64_t steps;
		enum mo_msg msg;
	} rows[] = {
		{"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n", 2000000, MSG_SQL_STEPS},
		{"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", 2000000, MSG_SQL_STEPS},
		{"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n ORDER BY -i", 2000000, MSG_SQL_STEPS},
		{"WITH RECURSIVE n(i) AS (SELECT printf('%.199999c', 'x') UNION ALL SELECT substr(i, 2) || 'y' FROM n) SELECT count(i) FROM n", 20000, MSG_SQL_STEPS},
		{"WITH RECURSIVE n(i) AS (SELECT 'x' UNION ALL SELECT i || i FROM n) SELECT count(i) FROM n", 0, MSG_SQL_TOO_LARGE},
		{"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(DISTINCT printf('%.250000c', 'x') || i) FROM n", 0, MSG_SQL_MEMORY},
		{"SELECT length(hex(printf('%.200000c', 'x')))", 0, MSG_SQL_TOO_LARGE},
		{"SELECT count(*) FROM json_each('[1,2,3]') a, json_each('[1,2,3]') b, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n)", 100000, MSG_SQL_STEPS},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		diag_clear(&r->d);
		sqldb_set_steps(q, rows[i].steps);
		int err = sql_text(q, rows[i].sql, &got, &r->d);
		if (err != MO_ELIMIT || r->d.msg != rows[i].msg)
			fail_msg("%s: %d, message %d %s", rows[i].sql, err, r->d.msg, r->d.arg[0].text);
	}
	/* by the caller's word */
	unsigned asked = 0;
	sqldb_set_steps(q, 0);
	sqldb_set_stop(q, third_time, &asked);
	assert_int_equal(sql_text(q, rows[0].sql, &got, &r->d), MO_ECANCELED);
	assert_int_equal(r->d.msg, MSG_SQL_STOPPED);
	assert_int_equal(asked, 3);
	sqldb_set_stop(q, NULL, NULL);
	sqldb_set_steps(q, 2000000);
	/* clauses that would double with each level: 2^30 copies in 1 kB of text */
	struct buf b;
	buf_init(&b, 0);
	buf_adds(&b, "WITH a0(x) AS (SELECT 1)");
	for (int i = 1; i < 30; i++)
		buf_printf(&b, ", \"a%d\" AS NOT MATERIALIZED (SELECT p.x FROM a%d p, 'a%d' q)", i, i - 1, i - 1);
	buf_adds(&b, " SELECT * FROM a29");
	buf_addc(&b, 0);
	assert_int_equal(sql_text(q, (char *)b.p, &got, &r->d), MO_ELIMIT);
	assert_int_equal(r->d.msg, MSG_SQL_NESTED);
	/* depth and length */
	buf_reset(&b);
	buf_adds(&b, "SELECT ");
	for (int i = 0; i < 5000; i++)
		buf_addc(&b, '(');
	buf_addc(&b, 0);
	assert_int_equal(sql_text(q, (char *)b.p, &got, &r->d), MO_EINVAL);
	buf_reset(&b);
	buf_adds(&b, "SELECT 1");
	while (b.n < 60000)
		buf_adds(&b, "+1");
	buf_addc(&b, 0);
	assert_true(sql_text(q, (char *)b.p, &got, &r->d) != 0);
	while (b.n <= SQL_TEXT_MAX)
		buf_addc(&b, ' ');
	struct table_cursor *c = NULL;
	assert_int_equal(sqldb_select(q, &c, buf_span(&b), &r->d), MO_ELIMIT);
	assert_int_equal(r->d.msg, MSG_SQL_TOO_LONG);
	buf_reset(&b);
	buf_adds(&b, "SELECT 1");
	for (int i = 0; i < 600; i++)
		buf_adds(&b, ", 1");
	buf_addc(&b, 0);
	assert_true(sql_text(q, (char *)b.p, &got, &r->d) != 0);
	buf_free(&b);
	/* after all that it works, and a query of a few thousand rows has its steps anew */
	for (int i = 0; i < 4; i++)
		OK(sql_text(q, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT max(i) FROM n", &got, &r->d));
	sqldb_close(q);
}

static int done(void **state)
{
	(void)state;
	buf_free(&got);
	return 0;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {T(test_denied), T(test_words), T(test_bombs)};
	return cmocka_run_group_tests(tests, NULL, done);
}
