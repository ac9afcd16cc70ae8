/* People's SQL over the store's tables and the engine's series. */
#include "fixture.h"

#include <pthread.h>

#define T0 (INT64_C(1795392000) * NS_PER_S) /* 2026-11-23T00:00:00Z */

static struct buf got;

static void put(struct rig *r, struct record rec)
{
	enum store_did did;
	OK(store_begin(r->store, &r->d));
	OK(store_put_record(r->store, &rec, T0, &did, &r->d));
	OK(store_commit(r->store, &r->d));
}

static struct lot_key lk(const char *number) { return (struct lot_key){S("MLD"), S(number)}; }

static void fill(struct rig *r)
{
	put(r, (struct record){.type = REC_ASSET, .asset = {.code = S("MLD-01"), .name = S("사출기 1호"), .kind = ASSET_MACHINE}});
	put(r, (struct record){.type = REC_ASSET, .asset = {.code = S("HOLDER"), .name = S("버스바 홀더"), .kind = ASSET_ITEM, .unit = S("개")}});
	put(r, (struct record){.type = REC_LOT, .lot = {.key = lk("L1"), .item = S("HOLDER"), .made_ns = T0, .quantity = 520, .unit = S("개")}});
	put(r, (struct record){.type = REC_LINK, .link = {.parent = lk("RESIN"), .child = lk("L1"), .quantity = 12.5, .unit = S("kg")}});
	put(r, (struct record){.type = REC_OPERATION,
		       .operation = {.id = S("op1"), .machine = S("MLD-01"), .lot = lk("L1"), .item = S("HOLDER"), .mould = S("MOULD-7"), .person = S("p7"), .start_ns = T0,
			       .end_ns = T0 + 60 * NS_PER_S, .good = 518, .rework = NAN, .scrap = 2, .concession = NAN}});
	put(r, (struct record){.type = REC_EVENT, .event = {.id = S("e1"), .kind = S("note"), .t_ns = T0, .asset = S("MLD-01"), .quantity = NAN, .text = S("점검"), .data = S("{\"a\":[1,2]}")}});
	put(r, (struct record){.type = REC_CHARACTERISTIC,
		       .characteristic = {.id = S("c1"), .lot = lk("L1"), .name = S("width"), .value = 12.01, .unit = S("mm"), .lower = 11.9, .upper = 12.1, .judged = 1, .t_ns = T0}});
	OK(store_begin(r->store, &r->d));
	OK(store_put_states(r->store, S("MLD-01"), T0, T0 + 100, (struct store_state[]){{T0, T0 + 100, MSTATE_RUNNING, 0}}, 1, &r->d));
	int64_t id;
	enum store_did did;
	struct store_case c = {.asset = S("MLD-01"), .cause = S("stop"), .kind = S("stop"), .begin_ns = T0, .end_ns = T_NONE, .raised_ns = T0 + 5, .evidence = S("{\"kind\":\"breakdown\"}")};
	OK(store_put_case(r->store, &c, &id, &did, &r->d));
	struct series_def def;
	series_id s = rig_series(r, "MLD-01 peak_pressure", SERIES_F64, SERIES_CLOCK);
	OK(sdb_get_def(r->db, s, &def));
	struct store_signal sig = {.series = def.uuid, .asset = S("MLD-01"), .name = S("peak_pressure"), .unit = S("bar"), .type = SERIES_F64, .kind = SERIES_CLOCK};
	OK(store_put_signal(r->store, &sig, &did, &r->d));
	OK(store_commit(r->store, &r->d));
	for (int i = 0; i < 10; i++)
		put_f(r, "MLD-01 peak_pressure", T0 + i, i * 1.5);
	put_i(r, "m,asset=MCH\\ 6 count", T0, 42);
	put_s(r, "m,asset=MCH\\ 6 note", T0, "한글");
	put_b(r, "m,asset=MCH\\ 6 ok", T0, true);
	put_q(r, "MCH-06 force", T0, 8123, 2.11);
	put_q(r, "MCH-06 force", T0, 8124, 2.12);
}

static struct sqldb *open_sql(struct rig *r)
{
	struct sqldb *q = NULL;
	OK(sqldb_open(&q, r->vfs, STORE_PATH, r->db, &r->d));
	return q;
}

static void expect(struct sqldb *q, const char *sql, const char *text)
{
	struct diag d = {0};
	int err = sql_text(q, sql, &got, &d);
	if (err || strcmp((char *)got.p, text) != 0)
		fail_msg("%s: %d %s %s\n%s", sql, err, d.value, d.arg[0].text, (char *)got.p);
}

static void test_tables(void **state)
{
	struct rig *r = *state;
	fill(r);
	struct sqldb *q = open_sql(r);
	expect(q, "SELECT code, name, kind FROM asset WHERE kind = 'machine'", "MLD-01|사출기 1호|machine\n");
	expect(q, "SELECT code, name, unit FROM item", "HOLDER|버스바 홀더|개\n");
	expect(q, "SELECT firm, number, item, item_name, state, time_text(made), quantity, unit, length(uuid) FROM lot WHERE number = 'L1'",
		"MLD|L1|HOLDER|버스바 홀더|ok|2026-11-23T00:00:00Z|520|개|36\n");
	expect(q, "SELECT parent_number, child_number, quantity, unit FROM lot_link", "RESIN|L1|12.5|kg\n");
	expect(q, "SELECT ref, machine, lot_number, item, mould, person GLOB 'P-[0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z]', (end - start) / 1000000000, good, rework, scrap FROM operation",
		"op1|MLD-01|L1|HOLDER|MOULD-7|1|60|518|-|2\n");
	expect(q, "SELECT kind, asset, text, data ->> '$.a[1]' FROM event", "note|MLD-01|점검|2\n");
	expect(q, "SELECT lot_number, name, value, unit, lower, upper, judged FROM characteristic", "L1|width|12.01|mm|11.9|12.1|1\n");
	expect(q, "SELECT asset, t_to - t_from, state, alarm FROM machine_state", "MLD-01|100|running|0\n");
	expect(q, "SELECT asset, cause, state, end, over, evidence ->> 'kind' FROM case_", "MLD-01|stop|open|-|0|breakdown\n");
	expect(q, "SELECT asset, name, unit, type, kind FROM signal", "MLD-01|peak_pressure|bar|float|clock\n");
	/* series by their signal, and lots with what was measured while they were made */
	expect(q, "SELECT count(*), max(v.value) FROM signal g JOIN series s ON s.uuid = g.series JOIN value v ON v.series = s.id WHERE g.name = 'peak_pressure'", "10|13.5\n");
	expect(q, "SELECT o.lot_number, avg(v.value) FROM operation o JOIN series s ON s.asset = o.machine JOIN value v ON v.series = s.id AND v.t >= o.start AND v.t < o.end GROUP BY 1",
		"L1|6.75\n");
	/* everything that WITH, windows, compounds and recursion bring */
	expect(q, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4), m AS (SELECT i FROM n) SELECT group_concat(i) FROM m", "1,2,3,4\n");
	expect(q, "SELECT t - time_ns('2026-11-23T00:00:00Z'), value - lag(value) OVER (ORDER BY t) FROM value WHERE series = 1 ORDER BY t LIMIT 2", "0|-\n1|1.5\n");
	expect(q, "VALUES (1, 'a'), (2, 'b') -- end\n;", "1|a\n2|b\n");
	expect(q, "SELECT value FROM json_each('[3,4]')", "3\n4\n");
	expect(q, "WITH a AS (SELECT 1) SELECT count(*) FROM a", "1\n");
	sqldb_close(q);
}

static void test_series(void **state)
{
	struct rig *r = *state;
	fill(r);
	struct sqldb *q = open_sql(r);
	expect(q, "SELECT id, key, asset, signal, type, kind, points, last - first FROM series",
		"1|MLD-01 peak_pressure|MLD-01|peak_pressure|float|clock|10|9\n"
		"2|m,asset=MCH\\ 6 count|MCH 6|count|integer|clock|1|0\n"
		"3|m,asset=MCH\\ 6 note|MCH 6|note|string|clock|1|0\n"
		"4|m,asset=MCH\\ 6 ok|MCH 6|ok|boolean|clock|1|0\n"
		"5|MCH-06 force|MCH-06|force|float|sequence|2|0\n");
	expect(q, "SELECT id FROM series WHERE id = 3", "3\n");
	expect(q, "SELECT id FROM series WHERE id = '3'", "3\n");
	expect(q, "SELECT id FROM series WHERE id IN (5, 1, 9, 1)", "1\n5\n");
	expect(q, "SELECT id FROM series WHERE key = 'MCH-06 force'", "5\n");
	expect(q, "SELECT b.id FROM series a JOIN series b ON b.uuid = a.uuid WHERE a.id = 2", "2\n");
	expect(q, "SELECT id FROM series WHERE uuid = 'MCH-06 force'", "");
	sqldb_close(q);
}

static void test_value(void **state)
{
	struct rig *r = *state;
	char sql[300];
	fill(r);
	struct sqldb *q = open_sql(r);
#define RANGE(what, text) \
	snprintf(sql, sizeof sql, "SELECT value FROM value WHERE series = 1 AND " what, (long long)T0 + 3); \
	expect(q, sql, text)
	RANGE("t = %lld", "4.5\n");
	RANGE("t < %lld", "0\n1.5\n3\n");
	RANGE("t <= %lld", "0\n1.5\n3\n4.5\n");
	RANGE("t > %lld AND t < 9e18 LIMIT 1", "6\n");
	RANGE("t >= %lld ORDER BY t LIMIT 2", "4.5\n6\n");
	RANGE("t >= %lld ORDER BY t DESC LIMIT 2", "13.5\n12\n");
	RANGE("t >= '%lld' ORDER BY t LIMIT 1", "4.5\n");
	RANGE("t BETWEEN %lld AND 'x' ORDER BY t LIMIT 1", "4.5\n");
	RANGE("t < %lld AND t < NULL", "");
	RANGE("(t < %lld OR t = 1795392000000000009) ORDER BY t DESC LIMIT 1", "13.5\n");
	expect(q, "SELECT count(*) FROM value WHERE (series = 1 AND t > 0) OR (series = 5 AND seq = 8124)", "11\n");
	expect(q, "SELECT series, t - 1795392000000000000, seq, value, quality, (arrival - t) / 1000000000 FROM value WHERE series = 5", "5|0|8123|2.11|0|1\n5|0|8124|2.12|0|1\n");
	expect(q, "SELECT value, seq, typeof(value) FROM value WHERE series = 2", "42|-|integer\n");
	expect(q, "SELECT value FROM value WHERE series = 3", "한글\n");
	expect(q, "SELECT value FROM value WHERE series = 4", "1\n");
	expect(q, "SELECT count(*) FROM value WHERE series = 'MLD-01 peak_pressure'", "10\n");
	expect(q, "SELECT count(*) FROM value WHERE series IN (1, 5)", "12\n");
	expect(q, "SELECT count(*) FROM value WHERE series = 99", "0\n");
	expect(q, "SELECT count(*) FROM value WHERE series IS NULL AND series = NULL", "0\n");
	assert_int_equal(sql_text(q, "SELECT * FROM value", &got, &r->d), MO_EINVAL);
	assert_int_equal(r->d.msg, MSG_SQL_VALUE_SERIES);
	sqldb_close(q);
	/* the same over segments */
	OK(sdb_sync(r->db, &(uint64_t){0}, &r->d));
	OK(sdb_maintain(r->db, true, &r->d));
	q = open_sql(r);
	RANGE("t >= %lld ORDER BY t DESC LIMIT 2", "13.5\n12\n");
	sqldb_close(q);
}

static void test_chart(void **state)
{
	struct rig *r = *state;
	fill(r);
	struct sqldb *q = open_sql(r);
	expect(q, "SELECT i, t - 1795392000000000000, count, min, max, mean, bad FROM chart(1, 1795392000000000000, 1795392000000000012, 3)",
		"0|0|4|0|4.5|2.25|0\n1|4|4|6|10.5|8.25|0\n2|8|2|12|13.5|12.75|0\n");
	expect(q, "SELECT sum(count), count(*) FROM chart WHERE series = 1", "10|100\n");
	expect(q, "SELECT count, min, mean FROM chart WHERE series = 1 AND n = 2 AND t_from = 0 AND t_to = 10", "0|-|-\n0|-|-\n");
	expect(q, "SELECT s.id, c.max FROM series s JOIN chart c ON c.series = s.id AND c.n = 1 WHERE s.type = 'float'", "1|13.5\n5|2.12\n");
	expect(q, "SELECT * FROM chart(77)", "");
	assert_int_equal(sql_text(q, "SELECT * FROM chart", &got, &r->d), MO_EINVAL);
	assert_int_equal(sql_text(q, "SELECT * FROM chart(1, 0, 10, 0)", &got, &r->d), MO_EINVAL);
	assert_int_equal(sql_text(q, "SELECT * FROM chart(1, 0, 10, 10001)", &got, &r->d), MO_EINVAL);
	assert_int_equal(r->d.msg, MSG_SQL_CHART_ARGS);
	assert_int_equal(sql_text(q, "SELECT * FROM chart(3)", &got, &r->d), MO_ESTATE);
	sqldb_close(q);
}

/* The names that a cursor gives its columns, and the types. */
static void test_columns(void **state)
{
	struct rig *r = *state;
	struct table_cursor *c = NULL;
	struct table_batch b;
	fill(r);
	struct sqldb *q = open_sql(r);
	OK(sqldb_select(q, &c, S("SELECT id, quantity AS \"수량\", number, made, x'00ff' AS raw, NULL AS n, (SELECT quantity FROM lot WHERE 0) AS none FROM lot WHERE number='L1'"), &r->d));
	static const enum col_type types[] = {COL_I64, COL_F64, COL_STR, COL_I64, COL_BYTES, COL_STR, COL_F64};
	assert_int_equal(c->n_cols, 7);
	assert_string_equal(c->cols[1].name, "수량");
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(c->cols[i].type, types[i]);
	OK(table_next(c, &b, &r->d));
	assert_int_equal(b.n_rows, 1);
	assert_true(span_eq(b.cols[4].str[0], span_of("\x00\xff", 2)));
	assert_int_equal(b.cols[3].i64[0], T0);
	OK(table_next(c, &b, &r->d));
	assert_int_equal(b.n_rows, 0);
	OK(table_next(c, &b, &r->d));
	assert_int_equal(b.n_rows, 0);
	table_close(c);
	/* no rows: as declared */
	OK(sqldb_select(q, &c, S("SELECT id, quantity, number FROM lot WHERE 0"), &r->d));
	assert_int_equal(c->cols[0].type, COL_I64);
	assert_int_equal(c->cols[1].type, COL_F64);
	assert_int_equal(c->cols[2].type, COL_STR);
	table_close(c);
	/* mixed: reals among integers, texts among numbers */
	expect(q, "SELECT x, y FROM (SELECT 1 AS x, 2 AS y UNION ALL SELECT 2.5, 'b')", "1|2\n2.5|b\n");
	/* a type that changes behind the first rows */
	static const char late[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000) SELECT CASE WHEN i<1500 THEN i ELSE 'x' END AS v FROM n";
	assert_int_equal(sql_text(q, late, &got, &r->d), MO_EINVAL);
	assert_int_equal(r->d.msg, MSG_SQL_COLUMN_TYPE);
	assert_string_equal(r->d.field, "v");
	/* many rows come in batches; two cursors at once */
	struct table_cursor *two = NULL;
	size_t rows = 0;
	OK(sqldb_select(q, &c, S("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<5000) SELECT i, 'row ' || i FROM n"), &r->d));
	OK(sqldb_select(q, &two, S("SELECT 1"), &r->d));
	do {
		OK(table_next(c, &b, &r->d));
		assert_true(b.n_rows <= TABLE_BATCH_ROWS);
		for (size_t i = 0; i < b.n_rows; i++) {
			char text[32];
			snprintf(text, sizeof text, "row %d", (int)(rows + i + 1));
			assert_true(b.cols[0].i64[i] == (int64_t)(rows + i + 1) && span_is(b.cols[1].str[i], text));
		}
		rows += b.n_rows;
	} while (b.n_rows);
	assert_int_equal(rows, 5000);
	table_close(two);
	table_close(c);
	sqldb_close(q);
}

static void test_syntax(void **state)
{
	struct rig *r = *state;
	struct sqldb *q = open_sql(r);
	assert_int_equal(sql_text(q, "SELECT '한글',\n  FRMO lot x y", &got, &r->d), MO_EINVAL);
	assert_int_equal(r->d.msg, MSG_SQL_SYNTAX);
	assert_int_equal(r->d.line, 2);
	assert_true(r->d.column > 2);
	assert_non_null(strstr(r->d.arg[0].text, "syntax error"));
	assert_int_equal(sql_text(q, "SELECT * FROM lots", &got, &r->d), MO_EINVAL);
	assert_non_null(strstr(r->d.expected, "lot_link"));
	assert_int_equal(sql_text(q, "SELECT \"no column\" FROM lot", &got, &r->d), MO_EINVAL);
	assert_int_equal(sql_text(q, "SELECT time_ns('yesterday')", &got, &r->d), MO_EINVAL);
	assert_int_equal(r->d.msg, MSG_SQL_ERROR);
	static const struct {
		const char *sql;
		enum mo_msg msg;
	} rows[] = {{"", MSG_SQL_EMPTY}, {" -- nothing", MSG_SQL_EMPTY}, {";", MSG_SQL_EMPTY}, {"SELECT 1; SELECT 2", MSG_SQL_ONE_STATEMENT}, {"SELECT 1; rubbish", MSG_SQL_ONE_STATEMENT},
		{"SELECT '\xff'", MSG_SQL_TEXT}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(sql_text(q, rows[i].sql, &got, &r->d), MO_EINVAL);
		assert_int_equal(r->d.msg, rows[i].msg);
	}
	struct table_cursor *c = NULL;
	assert_int_equal(sqldb_select(q, &c, span_of("SELECT 1\0", 9), &r->d), MO_EINVAL);
	/* and the connection still works */
	expect(q, "SELECT 1;;", "1\n");
	expect(q, "SELECT time_text(NULL), time_text('x'), time_ns(NULL)", "-|-|-\n");
	sqldb_close(q);
}

/* Without an engine there are no series; without a store there is nothing. */
static void test_open(void **state)
{
	struct rig *r = *state;
	struct sqldb *q = NULL;
	OK(sqldb_open(&q, r->vfs, STORE_PATH, NULL, &r->d));
	assert_int_equal(sql_text(q, "SELECT * FROM series", &got, &r->d), MO_EINVAL);
	expect(q, "SELECT count(*) FROM lot", "0\n");
	sqldb_close(q);
	q = NULL;
	assert_int_equal(sqldb_open(&q, r->vfs, "n/none.db", NULL, &r->d), MO_ENOENT);
	assert_null(q);
	sqldb_close(NULL);
}

/* A query beside the writer: sees whole transactions only. */
struct beside {
	struct rig *r;
	int bad;
};

static void *reads(void *arg)
{
	struct beside *b = arg;
	struct sqldb *q = NULL;
	struct buf text;
	struct diag d;
	buf_init(&text, 0);
	if (sqldb_open(&q, b->r->vfs, STORE_PATH, b->r->db, &d))
		b->bad++;
	for (int i = 0; q && i < 100; i++) {
		if (sql_text(q, "SELECT count(*) % 2 FROM lot", &text, &d) || strcmp((char *)text.p, "0\n") != 0)
			b->bad++;
		if (sql_text(q, "SELECT count(*) - max(value) FROM value WHERE series = 1", &text, &d) || strcmp((char *)text.p, "0\n") != 0)
			b->bad++;
	}
	sqldb_close(q);
	buf_free(&text);
	return NULL;
}

static void test_beside(void **state)
{
	struct rig *r = *state;
	struct beside b = {r, 0};
	pthread_t t;
	put_f(r, "m f", 0, 1);
	assert_int_equal(pthread_create(&t, NULL, reads, &b), 0);
	for (int i = 0; i < 50; i++) {
		char n[2][24];
		enum store_did did;
		OK(store_begin(r->store, &r->d));
		for (int k = 0; k < 2; k++) {
			snprintf(n[k], sizeof n[k], "N%d", 2 * i + k);
			struct record rec = {.type = REC_LOT, .lot = {.key = lk(n[k]), .made_ns = T_NONE, .quantity = NAN}};
			OK(store_put_record(r->store, &rec, T0, &did, &r->d));
		}
		OK(store_commit(r->store, &r->d));
		put_f(r, "m f", i + 1, i + 2);
	}
	pthread_join(t, NULL);
	assert_int_equal(b.bad, 0);
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
	const struct CMUnitTest tests[] = {T(test_tables), T(test_series), T(test_value), T(test_chart), T(test_columns), T(test_syntax), T(test_open), T(test_beside)};
	return cmocka_run_group_tests(tests, NULL, done);
}
