/* Rules of retention: what is one, and which holds. */
#include "cm.h"

#include <stdio.h>

#include "node/filehold.h"
#include "node/retention.h"

#define DAY NS_PER_DAY

static struct arena a;
static struct diag d;

static int read(struct retention *r, const char *json)
{
	diag_clear(&d);
	return retention_read(r, &a, span_str(json), &d);
}

static void test_which_holds(void **state)
{
	struct retention r;
	(void)state;
	arena_init(&a, 1u << 20);
	assert_int_equal(read(&r, "{\"rules\":[{\"class\":\"values\",\"asset\":\"P-1\",\"keep_days\":30},{\"class\":\"values\",\"keep_days\":400},"
				  "{\"class\":\"values\",\"asset\":\"P-2\",\"keep_days\":36500}]}"), 0);
	assert_int_equal(r.n, 3);
	assert_int_equal(retention_before(&r, RETENTION_VALUES, SPAN_LIT("P-1"), 1000 * DAY), 970 * DAY);
	assert_int_equal(retention_before(&r, RETENTION_VALUES, SPAN_LIT("P-2"), 1000 * DAY), -35500 * DAY);
	assert_int_equal(retention_before(&r, RETENTION_VALUES, SPAN_LIT("P-3"), 1000 * DAY), 600 * DAY);
	assert_int_equal(retention_before(&r, RETENTION_VALUES, SPAN_LIT("P"), 1000 * DAY), 600 * DAY);
	assert_int_equal(retention_before(&r, RETENTION_SEQUENCES, SPAN_LIT("P-1"), 1000 * DAY), INT64_MIN);
	assert_int_equal(retention_before(&r, RETENTION_VALUES, SPAN_LIT("P-3"), INT64_MIN + DAY), INT64_MIN);
	assert_int_equal(read(&r, "{\"rules\":[{\"class\":\"sequences\",\"asset\":\"P-1\",\"keep_days\":1}]}"), 0);
	assert_int_equal(retention_before(&r, RETENTION_SEQUENCES, SPAN_LIT("P-1"), 2 * DAY + 5), DAY + 5);
	assert_int_equal(retention_before(&r, RETENTION_SEQUENCES, SPAN_LIT("P-2"), 2 * DAY), INT64_MIN);
	assert_int_equal(retention_before(&r, RETENTION_VALUES, SPAN_LIT("P-1"), 2 * DAY), INT64_MIN);
	assert_int_equal(read(&r, "{\"rules\":[]}"), 0);
	assert_int_equal(r.n, 0);
	assert_int_equal(retention_before(&r, RETENTION_VALUES, SPAN_LIT("P-1"), 2 * DAY), INT64_MIN);
	arena_free(&a);
}

/* Classes of the store: no asset, a least number of days each, and none without a rule. */
static void test_of_the_store(void **state)
{
	static const struct {
		enum retention_class c;
		const char *name;
		int64_t least;
	} rows[] = {{RETENTION_FILES, "files", 7}, {RETENTION_CASES, "cases", 30}, {RETENTION_AUDIT, "audit", 365}};
	struct retention r;
	enum retention_class c;
	char json[96];
	(void)state;
	arena_init(&a, 1u << 20);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_string_equal(retention_class_name(rows[i].c), rows[i].name);
		assert_int_equal(retention_class_parse(&c, span_str(rows[i].name)), 0);
		assert_int_equal(c, rows[i].c);
		assert_false(retention_by_asset(rows[i].c));
		assert_int_equal(retention_days_min(rows[i].c), rows[i].least);
		snprintf(json, sizeof json, "{\"rules\":[{\"class\":\"%s\",\"keep_days\":%d}]}", rows[i].name, (int)rows[i].least);
		assert_int_equal(read(&r, json), 0);
		for (unsigned k = 0; k < RETENTION_CLASSES; k++)
			assert_int_equal(retention_before(&r, (enum retention_class)k, span_of(NULL, 0), 1000 * DAY), k == rows[i].c ? (1000 - rows[i].least) * DAY : INT64_MIN);
	}
	assert_int_equal(retention_class_parse(&c, SPAN_LIT("events")), MO_EINVAL);
	assert_true(retention_by_asset(RETENTION_VALUES) && retention_by_asset(RETENTION_SEQUENCES));
	assert_string_equal(retention_class_name(RETENTION_CLASSES), "?");
	arena_free(&a);
}

/* Who holds the files keeps them from being swept; one slice at a time. */
static void test_hold(void **state)
{
	struct filehold h;
	(void)state;
	filehold_init(&h);
	filehold_take(&h);
	filehold_take(&h);
	assert_int_equal(filehold_sweep_begin(&h), MO_EBUSY);
	filehold_give(&h);
	assert_int_equal(filehold_sweep_begin(&h), MO_EBUSY);
	filehold_give(&h);
	assert_int_equal(filehold_sweep_begin(&h), 0);
	assert_int_equal(filehold_sweep_begin(&h), MO_EBUSY);
	filehold_sweep_end(&h);
	filehold_take(&h);
	filehold_give(&h);
	filehold_destroy(&h);
}

static void test_refused(void **state)
{
	static const struct {
		const char *json, *field;
	} rows[] = {
		{"{}", "rules"},
		{"[]", "rules"},
		{"{\"rules\":{}}", "rules"},
		{"{\"rules\":[],\"x\":1}", "rules"},
		{"{\"rules\":[1]}", "rules"},
		{"{\"rules\":[{\"class\":\"values\",\"keep_days\":5,\"x\":1}]}", "rules"},
		{"{\"rules\":[{\"class\":\"events\",\"keep_days\":5}]}", "class"},
		{"{\"rules\":[{\"class\":\"cases\",\"keep_days\":29}]}", "keep_days"},
		{"{\"rules\":[{\"class\":\"files\",\"keep_days\":6}]}", "keep_days"},
		{"{\"rules\":[{\"class\":\"audit\",\"keep_days\":364}]}", "keep_days"},
		{"{\"rules\":[{\"class\":\"audit\",\"keep_days\":36501}]}", "keep_days"},
		{"{\"rules\":[{\"class\":\"files\",\"asset\":\"P-1\",\"keep_days\":90}]}", "asset"},
		{"{\"rules\":[{\"class\":\"cases\",\"keep_days\":90},{\"class\":\"cases\",\"keep_days\":91}]}", "class"},
		{"{\"rules\":[{\"keep_days\":5}]}", "class"},
		{"{\"rules\":[{\"class\":\"values\"}]}", "keep_days"},
		{"{\"rules\":[{\"class\":\"values\",\"keep_days\":0}]}", "keep_days"},
		{"{\"rules\":[{\"class\":\"values\",\"keep_days\":-1}]}", "keep_days"},
		{"{\"rules\":[{\"class\":\"values\",\"keep_days\":36501}]}", "keep_days"},
		{"{\"rules\":[{\"class\":\"values\",\"keep_days\":1.5}]}", "keep_days"},
		{"{\"rules\":[{\"class\":\"values\",\"asset\":\"\",\"keep_days\":5}]}", "asset"},
		{"{\"rules\":[{\"class\":\"values\",\"keep_days\":5},{\"class\":\"values\",\"keep_days\":6}]}", "class"},
		{"{\"rules\":[{\"class\":\"values\",\"asset\":\"A\",\"keep_days\":5},{\"class\":\"values\",\"asset\":\"A\",\"keep_days\":5}]}", "asset"},
	};
	struct retention r = {NULL, 77};
	(void)state;
	arena_init(&a, 1u << 20);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(read(&r, rows[i].json), MO_EINVAL);
		assert_string_equal(d.field, rows[i].field);
		assert_int_not_equal(d.msg, MSG_NONE);
		assert_int_equal(r.n, 77);
	}
	assert_int_equal(read(&r, "{\"rules\""), MO_EINVAL);
	struct buf many;
	buf_init(&many, 0);
	buf_adds(&many, "{\"rules\":[");
	for (unsigned i = 0; i <= RETENTION_RULES_MAX; i++)
		buf_printf(&many, "%s{\"class\":\"values\",\"asset\":\"%u\",\"keep_days\":9}", i ? "," : "", i);
	buf_adds(&many, "]}");
	assert_int_equal(retention_read(&r, &a, buf_span(&many), &d), MO_ELIMIT);
	buf_reset(&many);
	for (unsigned i = 0; i <= RETENTION_BYTES_MAX; i++)
		buf_addc(&many, ' ');
	assert_int_equal(retention_read(&r, &a, buf_span(&many), &d), MO_ELIMIT);
	buf_free(&many);
	arena_free(&a);
}

/* A clock that leaps ahead is not believed for a day, at a start or while running; one that goes back, or is slow, is. */
static void test_clock(void **state)
{
	struct retention_clock k;
	(void)state;
	retention_clock_begin(&k, T_NONE, 1000 * DAY, 5);
	assert_true(retention_trusts(&k, 1000 * DAY + NS_PER_S, NS_PER_S + 5));
	assert_true(retention_trusts(&k, 1030 * DAY, 2 * NS_PER_S)); /* a month: a PC that slept */
	assert_true(retention_trusts(&k, 900 * DAY, 3 * NS_PER_S));
	assert_false(retention_trusts(&k, 932 * DAY, 4 * NS_PER_S));
	assert_false(retention_trusts(&k, 932 * DAY + NS_PER_S, 5 * NS_PER_S));
	assert_false(retention_trusts(&k, 933 * DAY - NS_PER_S, DAY + 3 * NS_PER_S));
	assert_true(retention_trusts(&k, 933 * DAY, DAY + 4 * NS_PER_S));
	retention_clock_begin(&k, 1000 * DAY, 1031 * DAY, 5);
	assert_true(retention_trusts(&k, 1031 * DAY, 6));
	retention_clock_begin(&k, 1000 * DAY, 1031 * DAY + 1, 5);
	assert_false(retention_trusts(&k, 1031 * DAY, 6));
	assert_true(retention_trusts(&k, 1032 * DAY, DAY + 5));
	retention_clock_begin(&k, 1000 * DAY, 900 * DAY, 5);
	assert_true(retention_trusts(&k, 900 * DAY, 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_which_holds), cmocka_unit_test(test_of_the_store), cmocka_unit_test(test_hold), cmocka_unit_test(test_refused), cmocka_unit_test(test_clock)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
