/* Every named statement prepares, gives the columns its table says, and walks
 * an index: a scan is allowed only where it stands in the list below. */
#include <sqlite3.h>

#include "fixture.h"

#include "store/priv/db.h"
#include "store/priv/impl.h"

/* "statement: step" of EXPLAIN QUERY PLAN that read a whole table or index, and why they may. Prefixes. */
static const char *const allowed[] = {
	"counts: SCAN tally",    /* one row a noun */
	"states: SCAN a ",       /* all assets are asked for: then each one's states by its key */
	"search: SCAN search VIRTUAL TABLE", /* the full-text index itself */
	"lots: SCAN search VIRTUAL TABLE",
	"writer: SCAN search VIRTUAL TABLE INDEX 0:=", /* by rowid */
	"writer: SCAN CONSTANT ROW", /* no table at all */
	"sessions: SCAN session", /* all of them, once, at the start */
	"token_keys: SCAN token USING INDEX token_name", /* which holds those in use */
	/* An export wants whole tables; ranges of time use an index where there is one. */
	"export_assets: SCAN", "export_lots: SCAN l", "export_links: SCAN k", "export_characteristics: SCAN c", "export_states: SCAN s", "export_cases: SCAN k",
	"export_case_history: SCAN h", "export_blobs: SCAN b", "export_docs: SCAN d", "export_lots: SCAN json_each", "export_links: SCAN json_each",
	"export_operations: SCAN json_each", "export_events: SCAN json_each", "export_characteristics: SCAN json_each", "export_states: SCAN json_each",
	"export_cases: SCAN json_each", "export_case_history: SCAN json_each", "export_below: SCAN b",
	"writer: SCAN backup_target", /* a few paths */
	"writer: SCAN e USING INDEX erasure_open", /* which holds what a kill broke off */
	"files_gone: SCAN person_file USING INDEX person_file_gone", "writer: SCAN person_file USING INDEX person_file_gone", /* what a backup or a kill left */
	"outbox: SCAN o", /* some sinks */
	"imports_running: SCAN import USING INDEX import_running", /* which holds nothing else */
};

static bool is_allowed(const char *what)
{
	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
		if (strncmp(what, allowed[i], strlen(allowed[i])) == 0)
			return true;
	/* The rows of one arm's own subquery, already found by an index. */
	return strstr(what, ": SCAN (subquery") != NULL;
}

static int check_plan(struct db *db, const char *name, const char *sql)
{
	sqlite3_stmt *st = NULL;
	char text[8192], what[512];
	int bad = 0;
	snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql);
	assert_true(strlen(text) + 1 < sizeof text);
	if (sqlite3_prepare_v2(db->sq, text, -1, &st, NULL) != SQLITE_OK) {
		print_message("%s: %s\n", name, sqlite3_errmsg(db->sq));
		return 1;
	}
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(st, 3);
		snprintf(what, sizeof what, "%s: %s", name, step);
		bool scan = strncmp(step, "SCAN", 4) == 0 || strstr(step, "AUTOMATIC");
		if (getenv("PLANS"))
			print_message("%s\n", what);
		if (scan && !is_allowed(what)) {
			print_message("no index: %s\n", what);
			bad++;
		}
	}
	sqlite3_finalize(st);
	return bad;
}

static void test_plans(void **state)
{
	struct fixture *f = *state;
	struct db db;
	int bad = 0;
	OK(db_open(&db, f->vfs, DB_PATH, false, NULL, 0, &f->d));
	for (unsigned q = 0; q < STORE_QUERIES; q++)
		bad += check_plan(&db, store_query_def((enum store_query)q)->name, store_query_def((enum store_query)q)->sql);
	for (unsigned i = ST_NOTE; i < STATEMENTS; i++)
		bad += check_plan(&db, "writer", store_statements[i]);
	/* the test can fail */
	assert_int_equal(check_plan(&db, "planted", "SELECT * FROM event WHERE text='x'"), 1);
	db_close(&db);
	assert_int_equal(bad, 0);
}

static void test_table(void **state)
{
	struct fixture *f = *state;
	struct store_arg none[8] = {{0}};
	for (unsigned q = 0; q < STORE_QUERIES; q++) {
		const struct store_query_def *def = store_query_def((enum store_query)q);
		struct table_cursor *c = NULL;
		struct table_batch b;
		for (unsigned i = 0; i < def->n_args; i++)
			none[i] = sarg_null();
		if (def->n_args)
			none[def->n_args - 1] = sarg_i(5);
		assert_int_equal(store_select(f->r, &c, (enum store_query)q, none, def->n_args, &f->d), 0);
		assert_int_equal(c->n_cols, def->n_cols);
		if (table_next(c, &b, &f->d))
			fail_msg("%s: %s", def->name, f->d.arg[1].text);
		table_close(c);
		assert_int_equal(store_select(f->r, &c, (enum store_query)q, none, def->n_args + 1, &f->d), MO_EINVAL);
		assert_string_equal(f->d.value, def->name);
	}
	assert_null(store_query_def(STORE_QUERIES));
}

static void test_lots_paged(void **state)
{
	struct fixture *f = *state;
	enum store_did did;
	char number[32];
	OK(store_begin(f->s, &f->d));
	for (int i = 0; i < 3000; i++) {
		snprintf(number, sizeof number, "R-%05d-%s", i, i % 2 ? "A" : "B");
		struct record r = r_lot("F", number);
		r.lot.item = S(i % 3 ? "HLD-A" : "HLD-B");
		r.lot.has_state = true;
		r.lot.state = i == 1234 ? LOT_HOLD : LOT_OK;
		OK(put_at(f, &r, T0, &did));
	}
	OK(store_commit(f->s, &f->d));
	assert_string_equal(sel(f, SQ_LOTS, "number", A(NIL, NIL, NIL, NIL, sarg_i(2))), "R-02999-A\nR-02998-B\n");
	assert_string_equal(sel(f, SQ_LOTS, "number", A(NIL, TX("HLD-B"), NIL, sarg_i(2998), sarg_i(2))), "R-02994-B\nR-02991-A\n");
	assert_string_equal(sel(f, SQ_LOTS, "number", A(NIL, NIL, TX("on_hold"), NIL, sarg_i(9))), "R-01234-B\n");
	assert_string_equal(sel(f, SQ_LOTS, "number", A(NIL, TX("HLD-A"), TX("on_hold"), NIL, sarg_i(9))), "R-01234-B\n");
	assert_string_equal(sel(f, SQ_LOTS, "number", A(NIL, TX("HLD-B"), TX("on_hold"), NIL, sarg_i(9))), "");
	/* a prefix, a part, a tail, all of it, two parts */
	assert_string_equal(sel(f, SQ_LOTS, "number", A(TX("r-01234"), NIL, NIL, NIL, sarg_i(9))), "R-01234-B\n");
	assert_string_equal(sel(f, SQ_LOTS, "number", A(TX("1234"), NIL, NIL, NIL, sarg_i(9))), "R-01234-B\n");
	assert_string_equal(sel(f, SQ_LOTS, "number", A(TX("123"), TX("HLD-A"), TX("ok"), NIL, sarg_i(2))), "R-02123-A\nR-01238-B\n");
	assert_string_equal(sel(f, SQ_LOTS, "number", A(TX("1234-b"), NIL, NIL, NIL, sarg_i(9))), "R-01234-B\n");
	assert_string_equal(sel(f, SQ_LOTS, "number", A(TX("-"), NIL, NIL, NIL, sarg_i(9))), "");
	/* all of them, in batches, while another cursor of the same statement is open */
	struct table_cursor *a = NULL, *b = NULL;
	struct table_batch batch;
	struct store_arg args[] = {NIL, NIL, NIL, NIL, sarg_i(100000)};
	size_t n = 0;
	int64_t last = INT64_MAX;
	OK(store_select(f->r, &a, SQ_LOTS, args, 5, &f->d));
	OK(table_next(a, &batch, &f->d));
	OK(store_select(f->r, &b, SQ_LOTS, args, 5, &f->d));
	for (;;) {
		OK(table_next(b, &batch, &f->d));
		if (!batch.n_rows)
			break;
		assert_true(batch.n_rows <= TABLE_BATCH_ROWS);
		for (size_t i = 0; i < batch.n_rows; i++) {
			assert_true(batch.cols[0].i64[i] < last);
			last = batch.cols[0].i64[i];
			snprintf(number, sizeof number, "R-%05d-%s", (int)last - 1, (last - 1) % 2 ? "A" : "B");
			assert_true(span_is(batch.cols[2].str[i], number));
		}
		n += batch.n_rows;
	}
	OK(table_next(b, &batch, &f->d)); /* the end stays the end */
	assert_int_equal(batch.n_rows, 0);
	table_close(a);
	table_close(b);
	assert_int_equal(n, 3000);
}

/* A cursor sees one state, whatever is committed meanwhile. */
static void test_one_state(void **state)
{
	struct fixture *f = *state;
	struct table_cursor *c = NULL;
	struct table_batch b;
	enum store_did did;
	size_t n = 0;
	OK(store_begin(f->s, &f->d));
	for (int i = 0; i < 100; i++) {
		char code[16];
		snprintf(code, sizeof code, "A%03d", i);
		struct record r = r_asset(code, NULL, ASSET_MACHINE);
		OK(put_at(f, &r, T0, &did));
	}
	OK(store_commit(f->s, &f->d));
	OK(store_select(f->r, &c, SQ_ASSETS, A(NIL, NIL, sarg_i(1000)), &f->d));
	OK(table_next(c, &b, &f->d));
	n += b.n_rows;
	put1(f, r_asset("A999", NULL, ASSET_MACHINE));
	for (; b.n_rows; n += b.n_rows)
		OK(table_next(c, &b, &f->d));
	table_close(c);
	assert_int_equal(n, 100);
	assert_string_equal(sel(f, SQ_ASSETS, "code", A(NIL, TX("A098"), sarg_i(1000))), "A099\nA999\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {T(test_plans), T(test_table), T(test_lots_paged), T(test_one_state)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
