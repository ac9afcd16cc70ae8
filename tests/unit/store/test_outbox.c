/* How far sinks have got: forward only, gaps that grow, what was set aside. */
#include "fixture.h"

#include "store/outbox.h"

static const struct uuid us = {{1}}, other = {{2}};

static int64_t made(struct fixture *f, const char *name, int64_t cursor)
{
	int64_t id = 0;
	OK(store_begin(f->s, &f->d));
	OK(store_outbox_put(f->s, span_str(name), &us, cursor, &id, &f->d));
	OK(store_commit(f->s, &f->d));
	return id;
}

#define DO(call)                            \
	do {                                    \
		OK(store_begin(f->s, &f->d));       \
		OK(call);                           \
		OK(store_commit(f->s, &f->d));      \
	} while (0)
#define REFUSED(call)                              \
	do {                                           \
		OK(store_begin(f->s, &f->d));              \
		assert_int_equal(call, MO_ENOENT);         \
		store_rollback(f->s);                      \
	} while (0)
#define ROWS(col) sel(f, SQ_OUTBOX, col, NULL, 0)

static void test_cursor(void **state)
{
	struct fixture *f = *state;
	int64_t id = made(f, "erp", 10);
	assert_string_equal(ROWS("cursor"), "10\n");
	DO(store_outbox_sent(f->s, id, 30, 5, T0, &f->d));
	assert_string_equal(ROWS("cursor"), "30\n");
	assert_string_equal(ROWS("sent"), "5\n");
	/* what was kept already, or a row that is not there */
	REFUSED(store_outbox_sent(f->s, id, 29, 1, T0, &f->d));
	REFUSED(store_outbox_sent(f->s, id + 1, 40, 1, T0, &f->d));
	DO(store_outbox_sent(f->s, id, 30, 0, T_NONE, &f->d));
	/* set again: it goes on, from this node */
	OK(store_begin(f->s, &f->d));
	OK(store_outbox_put(f->s, S("erp"), &other, 99, &id, &f->d));
	OK(store_commit(f->s, &f->d));
	assert_string_equal(ROWS("cursor"), "30\n");
	DO(store_outbox_drop(f->s, S("erp"), &f->d));
	DO(store_outbox_drop(f->s, S("erp"), &f->d));
	assert_string_equal(ROWS("cursor"), "");
	/* another of that name is another row: nobody's old turn can move it */
	assert_true(made(f, "erp", 0) > id);
	REFUSED(store_outbox_sent(f->s, id, 40, 1, T0, &f->d));
}

static void test_gap(void **state)
{
	struct fixture *f = *state;
	int64_t id = made(f, "erp", 10);
	DO(store_outbox_gap(f->s, id, 20, &f->d));
	assert_string_equal(ROWS("gap_from"), "11\n");
	assert_string_equal(ROWS("skipped"), "10\n");
	DO(store_outbox_gap(f->s, id, 35, &f->d)); /* grew before the receiver was told */
	assert_string_equal(ROWS("gap_from"), "11\n");
	assert_string_equal(ROWS("gap_to"), "35\n");
	assert_string_equal(ROWS("skipped"), "25\n");
	REFUSED(store_outbox_told(f->s, id, 20, T0, &f->d)); /* that was the smaller one */
	DO(store_outbox_told(f->s, id, 35, T0, &f->d));
	assert_string_equal(ROWS("gap_to"), "-\n");
	REFUSED(store_outbox_gap(f->s, id, 35, &f->d));
}

static void test_aside(void **state)
{
	struct fixture *f = *state;
	char reason[OUTBOX_REASON_MAX + 100];
	int64_t id = made(f, "erp", 10);
	memset(reason, 'x', sizeof reason);
	DO(store_outbox_aside(f->s, id, 11, 422, span_of(reason, sizeof reason), T0, &f->d));
	DO(store_outbox_aside(f->s, id, 12, 400, S("no"), T0, &f->d));
	assert_string_equal(ROWS("cursor"), "12\n");
	assert_string_equal(ROWS("aside"), "2\n");
	DO(store_outbox_sent(f->s, id, 20, 1, T0, &f->d));
	DO(store_outbox_again(f->s, S("erp"), 1, &f->d));
	assert_string_equal(sel(f, SQ_ASIDE_NEXT, "number", A(sarg_i(id))), "11\n");
	DO(store_outbox_aside(f->s, id, 11, 409, S("still no"), T0, &f->d)); /* refused again: one row, the cursor stays */
	assert_string_equal(sel(f, SQ_ASIDE, "reason", A(sarg_s(S("erp")), NIL, sarg_i(9))), "still no\nno\n");
	assert_string_equal(sel(f, SQ_ASIDE_NEXT, "number", A(sarg_i(id))), "");
	assert_string_equal(ROWS("cursor"), "20\n");
	DO(store_outbox_arrived(f->s, id, 11, T0, &f->d));
	assert_string_equal(ROWS("sent"), "2\n");
	/* those of one sink are no business of another's */
	(void)made(f, "other", 0);
	REFUSED(store_outbox_forget(f->s, S("other"), 2, &f->d));
	REFUSED(store_outbox_again(f->s, S("other"), 2, &f->d));
	DO(store_outbox_forget(f->s, S("erp"), 2, &f->d));
	REFUSED(store_outbox_forget(f->s, S("erp"), 2, &f->d));
	assert_string_equal(ROWS("aside"), "0\n0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_cursor, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_gap, fx_setup, fx_teardown), cmocka_unit_test_setup_teardown(test_aside, fx_setup, fx_teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
