#include "cm.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/prng.h"

static void test_integers(void **state)
{
	(void)state;
	int64_t i = 0;
	uint64_t u = 0;
	assert_int_equal(num_i64(&i, SPAN_LIT("-9223372036854775808")), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(num_i64(&i, SPAN_LIT("+9223372036854775807")), 0);
	assert_true(i == INT64_MAX);
	assert_int_equal(num_i64(&i, SPAN_LIT("0000000000000000000000000012")), 0);
	assert_int_equal(i, 12);
	assert_int_equal(num_i64(&i, SPAN_LIT("9223372036854775808")), MO_ELIMIT);
	assert_int_equal(num_i64(&i, SPAN_LIT("-9223372036854775809")), MO_ELIMIT);
	assert_int_equal(i, 12);
	assert_int_equal(num_u64(&u, SPAN_LIT("18446744073709551615")), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(num_u64(&u, SPAN_LIT("18446744073709551616")), MO_ELIMIT);
	assert_int_equal(num_u64(&u, SPAN_LIT("99999999999999999999999")), MO_ELIMIT);
	assert_int_equal(num_u64(&u, SPAN_LIT("-1")), MO_ELIMIT);
	assert_int_equal(num_u64(&u, SPAN_LIT("-0")), 0);
	assert_int_equal(u, 0);
	static const char *const bad[] = {"", "+", "-", "--1", "+-1", "-+1", " 1", "1 ", "1.0", "0x1", "1e3", "1,000", "a",
		"99999999999999999999x"};
	for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
		assert_int_equal(num_i64(&i, span_str(bad[k])), MO_EINVAL);
		assert_int_equal(num_u64(&u, span_str(bad[k])), MO_EINVAL);
	}
	assert_int_equal(num_i64(&i, (struct span){0}), MO_EINVAL);
}

static void test_hard_reals(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double v;
	} t[] = {{"0", 0}, {"1", 1}, {"+1.5", 1.5}, {"-2.5e-3", -2.5e-3}, {"1E5", 1e5}, {"2.2250738585072012e-308", 0x1p-1022},
		{"2.2250738585072011e-308", 0x0.fffffffffffffp-1022}, {"9007199254740993", 0x1p53}, {"9007199254740993.0000000000000001", 0x1p53 + 2},
		{"9007199254740995", 0x1p53 + 4}, {"1.7976931348623157e308", DBL_MAX}, {"1.7976931348623158079e308", DBL_MAX},
		{"4.9406564584124654e-324", 0x1p-1074}, {"2.4703282292062327e-324", 0}, {"2.4703282292062328e-324", 0x1p-1074},
		{"1e-400", 0}, {"0e999999999999999999999", 0}, {"0.000e-5", 0}, {"123456789012345678901234567890", 123456789012345678901234567890.0},
		{"8.533e+68", 8.533e+68}, {"6.929001713869936e+236", 6.929001713869936e+236}, {"1e23", 1e23},
		{"1e22", 1e22}, {"0.1", 0.1}, {"0.30000000000000004", 0x1.3333333333334p-2}, {"100000000000000016777215", 1.0000000000000001e23},
		{"0.500000000000000166533453693773481063544750213623046875", 0x1.0000000000002p-1},
		{"3.518437208883201171875e13", 0x1.0000000000002p45}, {"62.5364939768271845828", 62.5364939768271845828}};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		double v = -7;
		assert_int_equal(num_f64(&v, span_str(t[i].text)), 0);
		if (v != t[i].v || strtod(t[i].text, NULL) != v)
			fail_msg("%s gave %a, not %a", t[i].text, v, t[i].v);
	}
	double v = 1;
	assert_int_equal(num_f64(&v, SPAN_LIT("-0")), 0);
	assert_true(v == 0 && signbit(v));
	assert_int_equal(num_f64(&v, SPAN_LIT("-1e-999")), 0);
	assert_true(v == 0 && signbit(v));
}

static void test_what_is_no_real(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "+", "-", ".", "1.", ".5", "e5", "1e", "1e+", "1e-", "--1", " 1", "1 ", "1,5", "inf", "nan", "NaN",
		"Infinity", "0x10", "1.5.2", "1e5.0", "1_000", "1e5x", "-.5"};
	double v = 42;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (num_f64(&v, span_str(bad[i])) != MO_EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	static const char *const big[] = {"1e309", "-1e309", "1.7976931348623159e308", "1e99999999999999999999", "179769313486231580793e289"};
	for (size_t i = 0; i < sizeof big / sizeof *big; i++)
		assert_int_equal(num_f64(&v, span_str(big[i])), MO_ELIMIT);
	assert_int_equal(num_f64(&v, (struct span){0}), MO_EINVAL);
	assert_true(v == 42);
}

/* More digits than any double needs, zeros far left and right, exponents that undo them. */
static void test_long_texts(void **state)
{
	(void)state;
	enum { N = 5000 };
	static char text[N + 32];
	double v;
	memset(text, '0', N);
	text[0] = '1';
	strcpy(text + N, "e-4999");
	assert_int_equal(num_f64(&v, span_str(text)), 0);
	assert_true(v == 1);
	memset(text, '0', N);
	text[1] = '.';
	text[N - 1] = '7';
	strcpy(text + N, "e4998");
	assert_int_equal(num_f64(&v, span_str(text)), 0);
	assert_true(v == 7);
	memset(text, '9', N);
	text[1] = '.';
	text[N] = '\0';
	assert_int_equal(num_f64(&v, span_str(text)), 0);
	assert_true(v == 10);
	/* A tie, then broken by the last of 5,000 digits. */
	memset(text, '0', N);
	memcpy(text, "9007199254740993.", 17);
	assert_int_equal(num_f64(&v, span_str(text)), 0);
	assert_true(v == 0x1p53);
	text[N - 1] = '1';
	assert_int_equal(num_f64(&v, span_str(text)), 0);
	assert_true(v == 0x1p53 + 2);
}

static void test_against_strtod(void **state)
{
	(void)state;
	struct prng r;
	prng_seed(&r, 11);
	for (int i = 0; i < 20000; i++) {
		char text[64];
		size_t n = 0, digits = 1 + prng_below(&r, 25), point = prng_below(&r, 26);
		for (size_t k = 0; k < digits; k++) {
			if (k == point && k)
				text[n++] = '.';
			text[n++] = (char)('0' + prng_below(&r, 10));
		}
		text[n++] = 'e';
		n += num_format_i64(text + n, (int64_t)prng_below(&r, 660) - 340);
		double want = strtod(text, NULL), got = 0;
		int err = num_f64(&got, span_of(text, n));
		if (isinf(want) ? err != MO_ELIMIT : err != 0 || got != want)
			fail_msg("%s gave %a, not %a", text, got, want);
	}
}

static void shows(double v, const char *want)
{
	char out[32];
	size_t n = num_format_f64(out, v);
	assert_string_equal(out, want);
	assert_int_equal(n, strlen(want));
}

static void test_formats(void **state)
{
	(void)state;
	shows(0, "0");
	shows(-0.0, "-0");
	shows(1, "1");
	shows(-1.5, "-1.5");
	shows(0.1, "0.1");
	shows(0.1 + 0.2, "0.30000000000000004");
	shows(100, "100");
	shows(123456.789, "123456.789");
	shows(1e20, "100000000000000000000");
	shows(123456789012345680000.0, "123456789012345680000");
	shows(1e21, "1e+21");
	shows(1e300, "1e+300");
	shows(1.5e300, "1.5e+300");
	shows(1e-6, "0.000001");
	shows(1.25e-6, "0.00000125");
	shows(1e-7, "1e-7");
	shows(-1.25e-7, "-1.25e-7");
	shows(DBL_MAX, "1.7976931348623157e+308");
	shows(-DBL_MIN, "-2.2250738585072014e-308");
	shows(0x1p-1074, "5e-324");
	shows(-0x1.fffffffffffffp-1, "-0.9999999999999999");
	shows(-1.2345678901234567e-6, "-0.0000012345678901234567");
	shows(9007199254740993.0, "9007199254740992");
	/* At a power of two the gap below is half the gap above: the nearest 16 digits miss, another 16 do not. */
	shows(0x1p-44, "5.684341886080802e-14");
	shows(9.5367431640625e-7, "9.5367431640625e-7");
	shows(5e-324 * 3, "1.5e-323");
	shows((double)INFINITY, "inf");
	shows(-(double)INFINITY, "-inf");
	shows((double)NAN, "nan");
	shows(-(double)NAN, "nan");
}

static void test_formats_integers(void **state)
{
	(void)state;
	char out[24];
	assert_int_equal(num_format_i64(out, INT64_MIN), 20);
	assert_string_equal(out, "-9223372036854775808");
	assert_int_equal(num_format_i64(out, 0), 1);
	assert_string_equal(out, "0");
	assert_int_equal(num_format_i64(out, INT64_MAX), 19);
	assert_string_equal(out, "9223372036854775807");
}

/* Every power of two, and its neighbours: where shortest forms are hardest. */
static void test_powers_of_two(void **state)
{
	(void)state;
	for (int e = -1074; e < 1024; e++)
		for (int k = -1; k <= 1; k++) {
			double v = ldexp(1, e), back = 0;
			char out[32];
			if (k)
				v = nextafter(v, k < 0 ? 0 : (double)INFINITY);
			size_t n = num_format_f64(out, v);
			if (num_f64(&back, span_of(out, n)) != 0 || back != v || strtod(out, NULL) != v)
				fail_msg("%a became %s", v, out);
		}
}

static void test_sizes(void **state)
{
	(void)state;
	size_t n = 0;
	assert_true(size_add(&n, SIZE_MAX - 1, 1));
	assert_false(size_add(&n, SIZE_MAX, 1));
	assert_true(size_mul(&n, SIZE_MAX / 2, 2));
	assert_false(size_mul(&n, SIZE_MAX / 2 + 1, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_hard_reals),
		cmocka_unit_test(test_what_is_no_real),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_against_strtod),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_formats_integers),
		cmocka_unit_test(test_powers_of_two),
		cmocka_unit_test(test_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
