#include "cm.h"

#include "intake/priv/number.h"

static const struct {
	const char *text;
	double v;
} taken[] = {
	{"0", 0}, {"3.17", 3.17}, {"-3.17", -3.17}, {"+4", 4}, {"1395", 1395}, {"1,395", 1395}, {"12,345,678.5", 12345678.5}, {"-1,395", -1395}, {"999,999", 999999},
	{".5", 0.5}, {"-.5", -0.5}, {"1.", 1}, {" 12 ", 12}, {"\xc2\xa0" "7.5\xc2\xa0", 7.5}, {"1e3", 1000}, {"1.5E-3", 0.0015}, {"\xe2\x88\x92" "3", -3},
	{"9007199254740993", 9007199254740992.0}, {"123456789012345678901234567890", 1.2345678901234568e29}, {"0.1", 0.1}, {"74.93588199999998", 74.93588199999998},
	{"00012", 12}, {"1.7976931348623157e308", 1.7976931348623157e308},
};
static const char *const missing[] = {"", " ", "-", "--", "N/A", "n/a", "#N/A", "#DIV/0!", "#VALUE!", "NaN", "null", "NULL", "None", "–", " - ", "…"};
static const char *const bad[] = {"(5)", "12%", "3개", "1,39", "1,3955", ",395", "1,,395", "12,34,567", "1,395,", "abc", "1.2.3", "1e", "0x10", "1 2", "--1", "1e999", "+-3",
	".", "-.", "5-", "inf", "INF"};

static void floats(void **state)
{
	(void)state;
	double v;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (number_f64(&v, span_str(taken[i].text), true) != CELL_OK || v != taken[i].v)
			fail_msg("%s read as %g", taken[i].text, v);
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		if (number_f64(&v, span_str(missing[i]), true) != CELL_MISSING)
			fail_msg("%s is not missing", missing[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (number_f64(&v, span_str(bad[i]), true) == CELL_OK)
			fail_msg("%s read as %g", bad[i], v);
}

static void commas_are_not_always_thousands(void **state)
{
	(void)state;
	double v;
	int64_t i;
	assert_int_equal(number_f64(&v, SPAN_LIT("3,141"), false), CELL_BAD);
	assert_int_equal(number_f64(&v, SPAN_LIT("3,14"), false), CELL_BAD);
	assert_int_equal(number_i64(&i, SPAN_LIT("3,141"), false), CELL_BAD);
	assert_int_equal(number_f64(&v, SPAN_LIT("3.14"), false), CELL_OK);
}

static void integers(void **state)
{
	(void)state;
	int64_t i;
	assert_int_equal(number_i64(&i, SPAN_LIT("-9223372036854775808"), true), CELL_OK);
	assert_true(i == INT64_MIN);
	assert_int_equal(number_i64(&i, SPAN_LIT(" 1,395 "), true), CELL_OK);
	assert_int_equal(i, 1395);
	assert_int_equal(number_i64(&i, SPAN_LIT("9223372036854775808"), true), CELL_BAD);
	assert_int_equal(number_i64(&i, SPAN_LIT("1.5"), true), CELL_BAD);
	assert_int_equal(number_i64(&i, SPAN_LIT("-"), true), CELL_MISSING);
	assert_int_equal(number_i64(&i, SPAN_LIT(""), true), CELL_MISSING);
}

static void booleans(void **state)
{
	(void)state;
	uint8_t b;
	static const char *const yes[] = {"true", "TRUE", "1", "Yes", "y", "ON", "T"}, *const no[] = {"false", "False", "0", "no", "N", "off", "f"};
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(number_bool(&b, span_str(yes[i])), CELL_OK);
		assert_int_equal(b, 1);
		assert_int_equal(number_bool(&b, span_str(no[i])), CELL_OK);
		assert_int_equal(b, 0);
	}
	assert_int_equal(number_bool(&b, SPAN_LIT("maybe")), CELL_BAD);
	assert_int_equal(number_bool(&b, SPAN_LIT("a long sentence")), CELL_BAD);
	assert_int_equal(number_bool(&b, SPAN_LIT(" ")), CELL_MISSING);
}

static void marks_and_codes(void **state)
{
	(void)state;
	assert_true(cell_is_missing(SPAN_LIT("#DIV/0!"), true));
	assert_true(cell_is_missing(SPAN_LIT("None"), false));
	assert_false(cell_is_missing(SPAN_LIT("None"), true)); /* "no defect" is a word */
	assert_false(cell_is_missing(SPAN_LIT("NA"), true));
	assert_true(number_is_code(SPAN_LIT("01")));
	assert_true(number_is_code(SPAN_LIT("-007")));
	assert_false(number_is_code(SPAN_LIT("0")));
	assert_false(number_is_code(SPAN_LIT("0.5")));
	assert_false(number_is_code(SPAN_LIT("10")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(floats), cmocka_unit_test(commas_are_not_always_thousands), cmocka_unit_test(integers),
		cmocka_unit_test(booleans), cmocka_unit_test(marks_and_codes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
