/* Every allocation of one small life of the room fails once, in turn: a clean
 * error, nothing leaked, and the next try gives the whole answer. */
#include "fixture.h"

#include "faultalloc.h"

static const char *const questions[] = {"SELECT * FROM m; SELECT last(*) FROM m GROUP BY h; CREATE DATABASE \"a\\\\b\" WITH NAME x",
	"SELECT f, s AS \"te\\\"xt\", f, h FROM m WHERE (h = 'a b' OR f > 1) AND time > 0 GROUP BY *, other ORDER BY time DESC LIMIT 3; SHOW DATABASES; SHOW TAG KEYS",
	"SELECT last(s), f FROM m"};
static const char *const selects[] = {"SELECT * FROM lot", "SELECT s.*, v.*, c.mean FROM series s JOIN value v ON v.series = s.id JOIN chart c ON c.series = s.id AND c.n = 2 WHERE s.type = 'float'",
	"SELECT 1 AS a, 'x' AS b UNION ALL SELECT 'y', 2.5", "WITH a AS (SELECT key FROM series WHERE key = 'm,h=a\\ b f') SELECT * FROM a"};

static int life(struct rig *r, struct buf *out)
{
	struct influx_databases dbs = {no_list, note_create, rig_created};
	struct series_index *x = NULL;
	struct sqldb *q = NULL;
	struct buf one;
	buf_init(&one, 0);
	int err = series_index_new(&x, r->db);
	for (int k = 0; k < 2 && !err; k++) /* a refresh that failed goes on where it was */
		err = series_index_refresh(x);
	for (size_t i = 0; i < sizeof questions / sizeof *questions && !err; i++)
		err = influxql_run(x, r->db, S(questions[i]), &dbs, &r->opt, out, &r->d);
	if (!err)
		err = sqldb_open(&q, r->vfs, STORE_PATH, r->db, &r->d);
	for (size_t i = 0; i < sizeof selects / sizeof *selects && !err; i++) {
		err = sql_text(q, selects[i], &one, &r->d);
		buf_add(out, buf_span(&one));
	}
	sqldb_close(q);
	series_index_free(x);
	buf_free(&one);
	return err ? err : out->err;
}

static void test_sweep(void **state)
{
	struct rig *r = *state;
	struct buf whole, out;
	unsigned passes = 0, seen = 0;
	put_f(r, "m,h=a\\ b f", 1, 1);
	put_f(r, "m,h=a\\ b f", 2, 2);
	put_s(r, "m,h=a\\ b s", 2, "한글");
	put_f(r, "m,h=c f", 2, 3);
	enum store_did did;
	struct record rec = {.type = REC_LOT, .lot = {.key = {S("F"), S("L")}, .made_ns = T_NONE, .quantity = NAN}};
	OK(store_begin(r->store, &r->d));
	OK(store_put_record(r->store, &rec, 1, &did, &r->d));
	OK(store_commit(r->store, &r->d));
	buf_init(&whole, 1u << 20);
	OK(life(r, &whole));
	for (uint64_t at = 1;; at++, passes++) {
		buf_init(&out, 1u << 20);
		diag_clear(&r->d);
		faultalloc_arm(at);
		int err = life(r, &out);
		bool fired = faultalloc_fired();
		faultalloc_arm(0);
		/* what the store cannot open for want of memory may be told as something that could not be opened */
		if (err != 0 && err != MO_ENOMEM && err != MO_EIO)
			fail_msg("allocation %d gives %d", (int)at, err);
		seen += err != 0;
		if (err == 0 && !span_eq(buf_span(&out), buf_span(&whole)))
			fail_msg("allocation %d changes the answer: %.*s", (int)at, SPAN_FMT(buf_span(&out)));
		buf_free(&out);
		if (!fired)
			break;
	}
	printf("%u allocations failed, %u of them seen as errors\n", passes, seen);
	assert_true(passes > 100 && seen > passes / 2);
	buf_free(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_sweep, rig_setup, rig_teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
