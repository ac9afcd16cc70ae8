/* What is InfluxQL but not served is said in its result; what is none is
 * refused as a whole, with its place. */
#include "fixture.h"

static void test_unserved(void **state)
{
	static const struct {
		const char *q, *why;
	} rows[] = {
		/* what the clients of influx-calls send */
		{"SELECT max(usage_user) from cpu where (hostname = 'a' or hostname='b') and time >= '2016-01-01T00:00:00Z' group by time(1m)", "max() is not served"},
		{"SELECT mean(f) from cpu group by time(1h),hostname", "mean() is not served"},
		{"SELECT f from cpu group by time(1h),hostname", "time() in GROUP BY is not served"},
		{"SELECT f FROM m WHERE (\"t\" =~ /^a|b;$/) AND time >= 1ms", "regular expressions are not served"},
		{"SELECT f FROM m WHERE time >= 1ms GROUP BY t fill(null)", "fill() is not served"},
		{"SELECT f FROM m LIMIT 1 tz('Asia/Seoul')", "tz() is not served"},
		{"SELECT f FROM m SLIMIT 1", "SLIMIT and SOFFSET are not served"},
		{"SELECT a + b FROM m", "arithmetic is not served"},
		{"SELECT f FROM m WHERE a + b > 1", "arithmetic is not served"},
		{"SELECT f FROM m WHERE a > 1 + 2", "arithmetic is not served"},
		{"SELECT f FROM m WHERE a > b", "comparing with anything but a literal"},
		{"SELECT 1 FROM m", "expressions are not served"},
		{"SELECT count(*) AS \"n\" FROM m", "count() is not served"},
		{"SELECT DISTINCT f FROM m", "DISTINCT is not served"},
		{"SELECT distinct(f) FROM m", "DISTINCT is not served"},
		{"SELECT /a/ FROM m", "regular expressions are not served"},
		{"SELECT last(/a/) FROM m", "regular expressions are not served"},
		{"SELECT last(mean(f)) FROM m", "nested functions are not served"},
		{"SELECT f FROM /m.*/", "regular expressions are not served"},
		{"SELECT f FROM (SELECT g FROM m)", "sub-queries are not served"},
		{"SELECT f FROM a, b", "several measurements in FROM are not served"},
		{"SELECT f INTO x FROM m", "INTO is not served"},
		{"SELECT f FROM m GROUP BY /a/", "regular expressions are not served"},
		{"SELECT f FROM m ORDER BY f", "only ORDER BY time supported at this time"},
		{"SELECT f::integer FROM m", "casting a field"},
		{"SHOW MEASUREMENTS", "SHOW MEASUREMENTS is not served"},
		{"SHOW measurements LIMIT 1", "SHOW measurements is not served"},
		{"SHOW RETENTION POLICIES on \"db\"", "SHOW RETENTION is not served"},
		{"SHOW FIELD KEYS FROM m", "SHOW FIELD is not served"},
		{"SHOW TAG VALUES FROM \"rp\".\"m\" WITH KEY = \"k\" WHERE x = 'y'", "SHOW TAG is not served"},
		{"DROP MEASUREMENT m", "DROP is refused"},
		{"DELETE FROM m WHERE time < now()", "DELETE is refused"},
		{"ALTER RETENTION POLICY a ON b DURATION 1d", "ALTER is not served"},
		{"CREATE RETENTION POLICY a ON b DURATION 1d REPLICATION 1", "CREATE is served for DATABASE only"},
		{"EXPLAIN SELECT f FROM m", "EXPLAIN is not served"},
		{"GRANT ALL TO x", "GRANT is not served"},
	};
	struct rig *r = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *s = ask(r, rows[i].q);
		if (!strstr(s, rows[i].why) || !strstr(s, "{\"results\":[{\"statement_id\":0,\"error\":\""))
			fail_msg("%s: %s", rows[i].q, s);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *q;
		unsigned line, column;
		const char *value, *expected;
	} rows[] = {
		{"SELECT FROM m", 1, 8, "FROM", "identifier"},
		{"SELECT f", 1, 9, "EOF", "FROM"},
		{"SELECT f\nFROM  ", 2, 7, "EOF", "identifier"},
		{"SELEC f", 1, 1, "SELEC", "SELECT, SHOW, CREATE"},
		{"SELECT f FROM m WHERE", 1, 22, "EOF", ""},
		{"SELECT f FROM m WHERE f", 1, 24, "EOF", "=, !=, <, <=, >, >="},
		{"SELECT f FROM m WHERE f >", 1, 26, "EOF", "string, number, true, false"},
		{"SELECT f FROM m WHERE (f > 1", 1, 29, "EOF", ")"},
		{"SELECT f FROM m WHERE time > 'yesterday'", 1, 30, "'yesterday'", "a time"},
		{"SELECT f FROM m WHERE time > '2015-13-01'", 1, 30, "'2015-13-01'", "a time"},
		{"SELECT f FROM m WHERE time > '2015-01-01T00:00:00'", 1, 30, "'2015-01-01T00:00:00'", "a time"},
		{"SELECT f FROM m LIMIT x", 1, 23, "x", "integer"},
		{"SELECT f FROM m 한글", 1, 17, "한글", ";"},
		{"SELECT f FROM m LIMIT 99999999999999999999", 1, 23, "99999999999999999999", "integer"},
		{"SELECT 'a", 1, 8, "'a", ""},
		{"SELECT f FROM m WHERE s = 'a\\q'", 1, 27, NULL, "string, number, true, false"},
		{"SELECT f FROM m WHERE t > 1x", 1, 27, NULL, "string, number, true, false"},
		{"SHOW MEASUREMENTS 'a", 1, 19, "'a", "identifier, string, number"},
		{"CREATE DATABASE", 1, 16, "EOF", "identifier"},
		{"CREATE DATABASE a b", 1, 19, "b", ";"},
		{"CREATE DATABASE a WITH", 1, 23, "EOF", "DURATION, NAME, REPLICATION, SHARD"},
		{"", 1, 1, "EOF", "SELECT, SHOW, CREATE"},
		{" ; ; -- nothing", 1, 16, "EOF", "SELECT, SHOW, CREATE"},
		{"SELECT f FROM m; nonsense", 1, 18, "nonsense", "SELECT, SHOW, CREATE"},
	};
	struct rig *r = *state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		diag_clear(&r->d);
		int err = rig_run(r, rows[i].q);
		bool says = *rows[i].expected != '\0';
		if (!says) /* either way of saying it will do */
			continue;
		if (err != MO_EINVAL || r->d.msg != MSG_INFLUXQL_SYNTAX || r->d.line != rows[i].line || r->d.column != rows[i].column ||
			(rows[i].value && strcmp(r->d.value, rows[i].value) != 0) || strcmp(r->d.expected, rows[i].expected) != 0)
			fail_msg("%s: %d at %d:%d '%s', expected '%s'", rows[i].q, err, (int)r->d.line, (int)r->d.column, r->d.value, r->d.expected);
	}
}

static void test_sizes(void **state)
{
	struct rig *r = *state;
	struct buf b;
	buf_init(&b, 0);
	buf_adds(&b, "SELECT f FROM m WHERE ");
	for (int i = 0; i < 200; i++)
		buf_adds(&b, "(");
	buf_adds(&b, "f > 1");
	buf_addc(&b, 0);
	assert_int_equal(rig_run(r, (char *)b.p), MO_ELIMIT);
	assert_int_equal(r->d.msg, MSG_INFLUXQL_DEPTH);
	buf_reset(&b);
	for (int i = 0; i < 65; i++)
		buf_adds(&b, "SHOW DATABASES;");
	buf_addc(&b, 0);
	assert_int_equal(rig_run(r, (char *)b.p), MO_ELIMIT);
	assert_int_equal(r->d.msg, MSG_INFLUXQL_STATEMENTS);
	buf_reset(&b);
	while (b.n <= INFLUXQL_TEXT_MAX)
		buf_addc(&b, ' ');
	buf_addc(&b, 0);
	assert_int_equal(rig_run(r, (char *)b.p), MO_ELIMIT);
	assert_int_equal(r->d.msg, MSG_INFLUXQL_TOO_LONG);
	/* as many conditions as fit, side by side */
	buf_reset(&b);
	buf_adds(&b, "SELECT f FROM m WHERE a='0'");
	for (int i = 1; i < 2048; i++)
		buf_adds(&b, " OR a='1'");
	size_t n = b.n;
	buf_addc(&b, 0);
	ANSWER(r, (char *)b.p, "");
	b.n = n;
	buf_adds(&b, " OR a='1'");
	buf_addc(&b, 0);
	ANSWER(r, (char *)b.p, ",\"error\":\"too many comparisons in WHERE\"");
	buf_free(&b);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {T(test_unserved), T(test_refused), T(test_sizes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
