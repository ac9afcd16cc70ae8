/* Answers by the letter of InfluxDB 1.8's documentation (data exploration:
 * SELECT, WHERE, GROUP BY, ORDER BY, LIMIT and OFFSET; the sample series h2o). */
#include "fixture.h"

#define MIN6 (360 * NS_PER_S)
#define COYOTE "h2o_feet,location=coyote_creek"
#define MONICA "h2o_feet,location=santa_monica"

static void water(struct rig *r)
{
	static const double coyote[] = {8.12, 8.005, 7.887}, monica[] = {2.064, 2.116, 2.028};
	for (int i = 0; i < 3; i++) {
		put_f(r, COYOTE " water_level", T2015 + i * MIN6, coyote[i]);
		put_s(r, COYOTE " level\\ description", T2015 + i * MIN6, i < 2 ? "between 6 and 9 feet" : "deep");
		put_f(r, MONICA " water_level", T2015 + i * MIN6, monica[i]);
	}
}

static void test_fields(void **state)
{
	struct rig *r = *state;
	water(r);
	ANSWER(r, "SELECT water_level FROM h2o_feet WHERE location = 'santa_monica'",
		SERIES("{\"name\":\"h2o_feet\",\"columns\":[\"time\",\"water_level\"],\"values\":[[\"2015-08-18T00:00:00Z\",2.064],"
		       "[\"2015-08-18T00:06:00Z\",2.116],[\"2015-08-18T00:12:00Z\",2.028]]}"));
	/* a tag beside a field; an alias; limits */
	ANSWER(r, "SELECT \"water_level\" AS l, \"location\"::tag FROM \"db\".\"autogen\".\"h2o_feet\" LIMIT 2 OFFSET 1",
		SERIES("{\"name\":\"h2o_feet\",\"columns\":[\"time\",\"l\",\"location\"],\"values\":[[\"2015-08-18T00:00:00Z\",2.064,\"santa_monica\"],"
		       "[\"2015-08-18T00:06:00Z\",8.005,\"coyote_creek\"]]}"));
	/* only tags, no such field, no such measurement: nothing */
	ANSWER(r, "SELECT location FROM h2o_feet", "");
	ANSWER(r, "SELECT nothing FROM h2o_feet", "");
	ANSWER(r, "SELECT * FROM nothing", "");
	ANSWER(r, "SELECT water_level, nothing FROM h2o_feet LIMIT 1",
		SERIES("{\"name\":\"h2o_feet\",\"columns\":[\"time\",\"water_level\",\"nothing\"],\"values\":[[\"2015-08-18T00:00:00Z\",8.12,null]]}"));
	ANSWER(r, "SELECT water_level, water_level FROM h2o_feet LIMIT 1",
		SERIES("{\"name\":\"h2o_feet\",\"columns\":[\"time\",\"water_level\",\"water_level_1\"],\"values\":[[\"2015-08-18T00:00:00Z\",8.12,8.12]]}"));
	ANSWER(r, "SELECT time, water_level FROM h2o_feet LIMIT 1",
		SERIES("{\"name\":\"h2o_feet\",\"columns\":[\"time\",\"water_level\"],\"values\":[[\"2015-08-18T00:00:00Z\",8.12]]}"));
}

static void test_star(void **state)
{
	struct rig *r = *state;
	water(r);
	ANSWER(r, "SELECT * FROM h2o_feet LIMIT 3",
		SERIES("{\"name\":\"h2o_feet\",\"columns\":[\"time\",\"level description\",\"location\",\"water_level\"],\"values\":["
		       "[\"2015-08-18T00:00:00Z\",\"between 6 and 9 feet\",\"coyote_creek\",8.12],[\"2015-08-18T00:00:00Z\",null,\"santa_monica\",2.064],"
		       "[\"2015-08-18T00:06:00Z\",\"between 6 and 9 feet\",\"coyote_creek\",8.005]]}"));
	ANSWER(r, "SELECT *::field FROM h2o_feet LIMIT 1",
		SERIES("{\"name\":\"h2o_feet\",\"columns\":[\"time\",\"level description\",\"water_level\"],\"values\":["
		       "[\"2015-08-18T00:00:00Z\",\"between 6 and 9 feet\",8.12]]}"));
	/* as tsbs asks for the last point of each */
	ANSWER(r, "SELECT * from h2o_feet group by \"location\" order by time desc limit 1",
		SERIES("{\"name\":\"h2o_feet\",\"tags\":{\"location\":\"santa_monica\"},\"columns\":[\"time\",\"level description\",\"water_level\"],"
		       "\"values\":[[\"2015-08-18T00:12:00Z\",null,2.028]]},"
		       "{\"name\":\"h2o_feet\",\"tags\":{\"location\":\"coyote_creek\"},\"columns\":[\"time\",\"level description\",\"water_level\"],"
		       "\"values\":[[\"2015-08-18T00:12:00Z\",\"deep\",7.887]]}"));
}

static void test_group(void **state)
{
	struct rig *r = *state;
	water(r);
	put_f(r, "h2o_feet water_level", T2015, 1);
	ANSWER(r, "SELECT water_level FROM h2o_feet GROUP BY * LIMIT 1",
		SERIES("{\"name\":\"h2o_feet\",\"tags\":{\"location\":\"\"},\"columns\":[\"time\",\"water_level\"],\"values\":[[\"2015-08-18T00:00:00Z\",1]]},"
		       "{\"name\":\"h2o_feet\",\"tags\":{\"location\":\"coyote_creek\"},\"columns\":[\"time\",\"water_level\"],\"values\":[[\"2015-08-18T00:00:00Z\",8.12]]},"
		       "{\"name\":\"h2o_feet\",\"tags\":{\"location\":\"santa_monica\"},\"columns\":[\"time\",\"water_level\"],\"values\":[[\"2015-08-18T00:00:00Z\",2.064]]}"));
	/* a tag that no series has is empty for all; the groups stand in order of their tags' names */
	ANSWER(r, "SELECT water_level FROM h2o_feet WHERE location != '' GROUP BY nothing, location LIMIT 5 OFFSET 2",
		SERIES("{\"name\":\"h2o_feet\",\"tags\":{\"location\":\"coyote_creek\",\"nothing\":\"\"},\"columns\":[\"time\",\"water_level\"],\"values\":[[\"2015-08-18T00:12:00Z\",7.887]]},"
		       "{\"name\":\"h2o_feet\",\"tags\":{\"location\":\"santa_monica\",\"nothing\":\"\"},\"columns\":[\"time\",\"water_level\"],\"values\":[[\"2015-08-18T00:12:00Z\",2.028]]}"));
}

static void test_time(void **state)
{
	struct rig *r = *state;
	water(r);
#define FROM(what, first) \
	ANSWER(r, "SELECT water_level FROM h2o_feet WHERE location = 'coyote_creek' AND time " what " LIMIT 1", \
		SERIES("{\"name\":\"h2o_feet\",\"columns\":[\"time\",\"water_level\"],\"values\":[" first "]}"))
#define A "[\"2015-08-18T00:00:00Z\",8.12]"
#define B "[\"2015-08-18T00:06:00Z\",8.005]"
#define C "[\"2015-08-18T00:12:00Z\",7.887]"
	FROM(">= '2015-08-18T00:06:00Z'", B);
	FROM("> '2015-08-18T00:06:00Z'", C);
	FROM("> '2015-08-18 00:06:00'", C);
	FROM("> '2015-08-18 00:05:59.999999999'", B);
	FROM(">= '2015-08-18'", A);
	FROM("> 1439856000000000000", B);
	FROM("> 1439856000000ms", B);
	FROM("> 1439856000000000u", B);
	FROM("> 1439856000s", B);
	FROM(">= 1439856000s + 6m", B);
	FROM(">= 1439856000s + 11m + 60s", C);
	FROM("> now()", B);
	FROM(">= now() - 1h", A);
	FROM(">= now() + 1w - 6d23h48m", C);
	FROM("> 23997600m", B);
	FROM("> 399960h", B);
	FROM("> 16665d", B);
	FROM("= '2015-08-18T00:12:00Z'", C);
	ANSWER(r, "SELECT water_level FROM h2o_feet WHERE location = 'coyote_creek' AND time < '2015-08-18T00:12:00Z' ORDER BY time DESC",
		SERIES("{\"name\":\"h2o_feet\",\"columns\":[\"time\",\"water_level\"],\"values\":[" B "," A "]}"));
	ANSWER(r, "SELECT water_level FROM h2o_feet WHERE time > now() AND time < now()", "");
	ANSWER(r, "SELECT water_level FROM h2o_feet WHERE time > 0 OR location = 'x'", ",\"error\":\"time cannot be combined with OR\"");
	ANSWER(r, "SELECT water_level FROM h2o_feet WHERE time != 0", ",\"error\":\"invalid time comparison operator: !=\"");
	r->opt.epoch_ns = NS_PER_MS;
	FROM("> 16665d", "[1439856360000,8.005]");
	r->opt.epoch_ns = 1;
	FROM("> 16665d", "[1439856360000000000,8.005]");
	r->opt.epoch_ns = 0;
	put_f(r, COYOTE " water_level", T2015 + 2 * MIN6 + 120000, 1);
	FROM("> '2015-08-18T00:12:00Z'", "[\"2015-08-18T00:12:00.00012Z\",1]");
}

static void test_where(void **state)
{
	struct rig *r = *state;
	put_f(r, "m,host=a,rack=1 f", 1, 10);
	put_i(r, "m,host=a,rack=1 i", 1, 5);
	put_b(r, "m,host=a,rack=1 ok", 1, true);
	put_s(r, "m,host=a,rack=1 s", 1, "it's");
	put_f(r, "m,host=b,rack=1 f", 2, 20);
	put_i(r, "m,host=b,rack=1 i", 2, -5);
	put_b(r, "m,host=b,rack=1 ok", 2, false);
	put_f(r, "m,host=c f", 3, 30);
	r->opt.epoch_ns = 1;
#define TIMES(where, times) \
	ANSWER(r, "SELECT f FROM m WHERE " where, SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"f\"],\"values\":[" times "]}"))
#define R1 "[1,10]"
#define R2 "[2,20]"
#define R3 "[3,30]"
	TIMES("f > 10", R2 "," R3);
	TIMES("f >= 10.0 AND f <= 20", R1 "," R2);
	TIMES("f = 20", R2);
	TIMES("f <> 20", R1 "," R3);
	TIMES("f != 20 AND host != 'c'", R1);
	TIMES("i < 0", R2);
	TIMES("i = -5", R2);
	TIMES("i > 4.5", R1);
	TIMES("ok = true", R1);
	TIMES("ok != true", R2);
	TIMES("s = 'it\\'s'", R1);
	TIMES("(host = 'a' or host = 'b') and f > 10", R2);
	TIMES("host = 'a' OR f > 20", R1 "," R3);
	TIMES("host = 'a' OR host = 'c' AND f > 20", R1 "," R3);
	TIMES("(host = 'a' OR host = 'c') AND (f > 20 OR s = 'it\\'s')", R1 "," R3);
	TIMES("rack = ''", R3);
	TIMES("rack != '1'", R3);
	TIMES("\"rack\"::tag = '1' AND \"f\"::field < 15", R1);
	TIMES("nowhere = ''", R1 "," R2 "," R3);
	/* values of another kind are neither equal nor unequal */
	ANSWER(r, "SELECT f FROM m WHERE f = 'x'", "");
	ANSWER(r, "SELECT f FROM m WHERE f != 'x'", "");
	ANSWER(r, "SELECT f FROM m WHERE nowhere = 'x'", "");
	ANSWER(r, "SELECT f FROM m WHERE host > 'a'", ",\"error\":\"tags are compared with = and != only\"");
	/* a field that is only asked about makes no rows */
	ANSWER(r, "SELECT s FROM m WHERE f > 0", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"s\"],\"values\":[[1,\"it's\"]]}"));
}

static void test_join(void **state)
{
	struct rig *r = *state;
	put_f(r, "m a", 1, 1);
	put_f(r, "m b", 2, 2);
	put_f(r, "m a", 3, 3);
	put_f(r, "m b", 3, 4);
	r->opt.epoch_ns = 1;
	ANSWER(r, "SELECT * FROM m", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"a\",\"b\"],\"values\":[[1,1,null],[2,null,2],[3,3,4]]}"));
	ANSWER(r, "SELECT * FROM m ORDER BY time DESC", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"a\",\"b\"],\"values\":[[3,3,4],[2,null,2],[1,1,null]]}"));
	ANSWER(r, "SELECT a FROM m WHERE b > 0", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"a\"],\"values\":[[3,3]]}"));
}

static void test_sequence(void **state)
{
	struct rig *r = *state;
	put_q(r, "mch force", 5, 1, 1.5);
	put_q(r, "mch force", 5, 2, 2.5);
	put_q(r, "mch way", 5, 2, 7);
	r->opt.epoch_ns = 1;
	ANSWER(r, "SELECT * FROM mch", SERIES("{\"name\":\"mch\",\"columns\":[\"time\",\"force\",\"way\"],\"values\":[[5,1.5,null],[5,2.5,7]]}"));
	ANSWER(r, "SELECT last(force) FROM mch", SERIES("{\"name\":\"mch\",\"columns\":[\"time\",\"last\"],\"values\":[[5,2.5]]}"));
}

static void test_bad_quality(void **state)
{
	struct rig *r = *state;
	put_f(r, "m a", 1, 1);
	rig_point(r, &(struct sbatch_point){.id = rig_series(r, "m a", SERIES_F64, SERIES_CLOCK), .type = SERIES_F64, .quality = Q_BAD_COMM, .t_ns = 2, .arrival_ns = T_NONE, .v = {.f64 = 0}});
	put_f(r, "m b", 2, 5);
	r->opt.epoch_ns = 1;
	ANSWER(r, "SELECT * FROM m", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"a\",\"b\"],\"values\":[[1,1,null],[2,null,5]]}"));
	ANSWER(r, "SELECT last(a) FROM m", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"last\"],\"values\":[[1,1]]}"));
}

static void test_last(void **state)
{
	struct rig *r = *state;
	put_f(r, "m,host=a f", 10, 1);
	put_f(r, "m,host=b f", 20, 3);
	put_f(r, "m,host=a f", 20, 2);
	put_f(r, "m,host=a g", 15, 7);
	r->opt.epoch_ns = 1;
	/* a single selector has its point's time; of equal times the greater value */
	ANSWER(r, "SELECT last(f) FROM m", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"last\"],\"values\":[[20,3]]}"));
	ANSWER(r, "SELECT LAST(\"f\") AS x FROM m WHERE time < 20", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"x\"],\"values\":[[10,1]]}"));
	ANSWER(r, "SELECT last(f), host FROM m", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"last\",\"host\"],\"values\":[[20,3,\"b\"]]}"));
	ANSWER(r, "SELECT last(f) FROM m GROUP BY host",
		SERIES("{\"name\":\"m\",\"tags\":{\"host\":\"a\"},\"columns\":[\"time\",\"last\"],\"values\":[[20,2]]},"
		       "{\"name\":\"m\",\"tags\":{\"host\":\"b\"},\"columns\":[\"time\",\"last\"],\"values\":[[20,3]]}"));
	ANSWER(r, "SELECT last(f) FROM m WHERE f < 2", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"last\"],\"values\":[[10,1]]}"));
	/* several have none: the lower bound, or 1970 */
	ANSWER(r, "SELECT last(f), last(g) FROM m", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"last\",\"last_1\"],\"values\":[[0,3,7]]}"));
	ANSWER(r, "SELECT last(f), last(g) FROM m WHERE time >= 12", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"last\",\"last_1\"],\"values\":[[12,3,7]]}"));
	ANSWER(r, "SELECT last(*) FROM m", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"last_f\",\"last_g\"],\"values\":[[0,3,7]]}"));
	ANSWER(r, "SELECT last(f), last(g), host FROM m", ",\"error\":\"mixing multiple selector functions with tags or fields is not supported\"");
	ANSWER(r, "SELECT last(f) FROM m OFFSET 1", "");
	ANSWER(r, "SELECT last(host) FROM m", "");
}

static void test_ties(void **state)
{
	struct rig *r = *state;
	put_f(r, "m,host=b f", 1, 1);
	put_f(r, "m,host=a f", 1, 2);
	r->opt.epoch_ns = 1;
	ANSWER(r, "SELECT f FROM m", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"f\"],\"values\":[[1,2],[1,1]]}"));
	ANSWER(r, "SELECT host, f FROM m ORDER BY time DESC", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"host\",\"f\"],\"values\":[[1,\"b\",1],[1,\"a\",2]]}"));
}

/* Names with every escape, and a tag of the same name as a field. */
static void test_names(void **state)
{
	struct rig *r = *state;
	put_f(r, "온\\ 도\\,1,ta\\=g=v\\ 1\\\\ fi\\=eld", 1, 1);
	put_f(r, "same,k=tag k", 1, 2);
	r->opt.epoch_ns = 1;
	ANSWER(r, "SELECT * FROM \"온 도,1\" WHERE \"ta=g\" = 'v 1\\\\'",
		SERIES("{\"name\":\"온 도,1\",\"columns\":[\"time\",\"fi=eld\",\"ta=g\"],\"values\":[[1,1,\"v 1\\\\\"]]}"));
	ANSWER(r, "SELECT * FROM same", SERIES("{\"name\":\"same\",\"columns\":[\"time\",\"k\",\"k_1\"],\"values\":[[1,2,\"tag\"]]}"));
	ANSWER(r, "SELECT k FROM same", SERIES("{\"name\":\"same\",\"columns\":[\"time\",\"k\"],\"values\":[[1,2]]}"));
}

static void test_numbers(void **state)
{
	struct rig *r = *state;
	put_f(r, "m f", 1, 1e21);
	put_f(r, "m f", 2, 1e-7);
	put_f(r, "m f", 3, 0.1);
	put_i(r, "m i", 3, INT64_MIN);
	put_b(r, "m b", 3, true);
	put_s(r, "m s", 3, "a\"\\\n한");
	r->opt.epoch_ns = 1;
	ANSWER(r, "SELECT f FROM m", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"f\"],\"values\":[[1,1e+21],[2,1e-7],[3,0.1]]}"));
	ANSWER(r, "SELECT b,i,s FROM m",
		SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"b\",\"i\",\"s\"],\"values\":[[3,true,-9223372036854775808,\"a\\\"\\\\\\n한\"]]}"));
}

static void test_databases(void **state)
{
	struct rig *r = *state;
	ANSWER(r, "show databases", SERIES("{\"name\":\"databases\",\"columns\":[\"name\"],\"values\":[[\"_internal\"],[\"telegraf\"]]}"));
	ANSWER(r, "CREATE DATABASE \"telegraf\"", "");
	assert_string_equal(rig_created, "telegraf");
	const char *s = ask(r, "CREATE DATABASE bench WITH DURATION 3d REPLICATION 1 SHARD DURATION 1h NAME \"x\"");
	assert_non_null(strstr(s, "\"messages\":[{\"level\":\"warning\",\"text\":\"WITH is ignored"));
	assert_string_equal(rig_created, "bench");
	assert_non_null(strstr(ask(r, "DROP DATABASE bench"), "{\"statement_id\":0,\"error\":\"DROP is refused: a query deletes nothing here\"}"));
}

static void test_several(void **state)
{
	struct rig *r = *state;
	put_f(r, "m f", 1, 1);
	r->opt.epoch_ns = 1;
	assert_string_equal(ask(r, "SELECT f FROM m; SHOW MEASUREMENTS WITH MEASUREMENT =~ /a;b/ ;; SELECT f FROM none;"),
		"{\"results\":[{\"statement_id\":0,\"series\":[{\"name\":\"m\",\"columns\":[\"time\",\"f\"],\"values\":[[1,1]]}]},"
		"{\"statement_id\":1,\"error\":\"SHOW MEASUREMENTS is not served by this version\"},{\"statement_id\":2}]}");
}

static void test_limits(void **state)
{
	struct rig *r = *state;
	for (int i = 0; i < 100; i++)
		put_s(r, "m s", i, "0123456789012345678901234567890123456789");
	struct buf small;
	buf_init(&small, 1000);
	OK(series_index_refresh(r->x));
	assert_int_equal(influxql_run(r->x, r->db, S("SELECT * FROM m"), NULL, &r->opt, &small, &r->d), MO_ELIMIT);
	assert_int_equal(r->d.msg, MSG_INFLUXQL_ANSWER);
	buf_free(&small);
	/* no databases given: none */
	buf_reset(&r->out);
	OK(influxql_run(r->x, r->db, S("SHOW DATABASES"), NULL, &r->opt, &r->out, &r->d));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {T(test_fields), T(test_star), T(test_group), T(test_time), T(test_where), T(test_join), T(test_sequence),
		T(test_bad_quality), T(test_last), T(test_ties), T(test_names), T(test_numbers), T(test_databases), T(test_several), T(test_limits)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
