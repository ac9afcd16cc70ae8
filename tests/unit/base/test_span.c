#include "cm.h"

#include "base/span.h"

static const struct span none;

static void test_compare(void **state)
{
	(void)state;
	assert_int_equal(span_cmp(SPAN_LIT("a"), SPAN_LIT("b")), -1);
	assert_int_equal(span_cmp(SPAN_LIT("b"), SPAN_LIT("a")), 1);
	assert_int_equal(span_cmp(SPAN_LIT("a"), SPAN_LIT("ab")), -1);
	assert_int_equal(span_cmp(SPAN_LIT("ab"), SPAN_LIT("a")), 1);
	assert_int_equal(span_cmp(SPAN_LIT("ab"), SPAN_LIT("ab")), 0);
	assert_int_equal(span_cmp(none, SPAN_LIT("")), 0);
	assert_int_equal(span_cmp(SPAN_LIT("\x7f"), SPAN_LIT("\x80")), -1); /* bytes, not chars */
	assert_true(span_eq(none, SPAN_LIT("")));
	assert_true(span_is(SPAN_LIT("abc"), "abc"));
	assert_false(span_is(SPAN_LIT("abc"), "ab"));
}

static void test_parts(void **state)
{
	(void)state;
	struct span s = SPAN_LIT(" \t\r\nab c\n ");
	assert_true(span_is(span_trim(s), "ab c"));
	assert_int_equal(span_trim(SPAN_LIT(" \n ")).n, 0);
	assert_int_equal(span_trim(none).n, 0);
	assert_true(span_is(span_sub(SPAN_LIT("abcdef"), 2, 3), "cde"));
	assert_true(span_is(span_sub(SPAN_LIT("abcdef"), 4, SIZE_MAX), "ef"));
	assert_int_equal(span_sub(SPAN_LIT("abc"), 9, 1).n, 0);
	assert_null(span_sub(none, 1, 1).p);
}

static void test_find(void **state)
{
	(void)state;
	struct span s = SPAN_LIT("a,b,c");
	assert_int_equal(span_find(s, 0, ','), 1);
	assert_int_equal(span_find(s, 2, ','), 3);
	assert_int_equal(span_find(s, 4, ','), 5);
	assert_int_equal(span_find(s, 99, ','), 5);
	assert_int_equal(span_find(none, 0, ','), 0);
	assert_true(span_starts(s, "a,"));
	assert_true(span_starts(s, ""));
	assert_true(span_starts(none, ""));
	assert_false(span_starts(SPAN_LIT("a"), "a,"));
}

static void test_hash_spreads(void **state)
{
	(void)state;
	/* Keys of one table differ in a digit; their low bits must not. */
	unsigned hits[64] = {0};
	for (unsigned i = 0; i < 6400; i++) {
		char key[8] = {'t', 'a', 'g', (char)('0' + i / 1000), (char)('0' + i / 100 % 10), (char)('0' + i / 10 % 10), (char)('0' + i % 10)};
		hits[span_hash(span_of(key, 7)) & 63]++;
	}
	for (unsigned i = 0; i < 64; i++)
		assert_in_range(hits[i], 50, 160);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_hash_spreads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
