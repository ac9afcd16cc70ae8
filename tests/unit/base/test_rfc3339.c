#include "cm.h"

#include "base/civil.h"

static void good(const char *text, const char *want)
{
	char out[32];
	int64_t t;
	if (rfc3339_parse(&t, span_str(text)) != 0)
		fail_msg("%s was refused", text);
	assert_int_equal(rfc3339_format(out, t), strlen(want));
	assert_string_equal(out, want);
}

static void test_reads(void **state)
{
	(void)state;
	good("2026-11-22T08:10:00.5+09:00", "2026-11-21T23:10:00.500Z");
	good("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520Z"); /* RFC 3339, 5.8 */
	good("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57Z");
	good("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870Z");
	good("2026-01-01 00:00:00z", "2026-01-01T00:00:00Z");
	good("2026-01-01t00:00:00-00:00", "2026-01-01T00:00:00Z");
	good("2026-01-01T00:00:00+0900", "2025-12-31T15:00:00Z");
	good("2026-01-01T00:00:00+09", "2025-12-31T15:00:00Z");
	good("2026-01-01T00:00:00,25Z", "2026-01-01T00:00:00.250Z");
	good("2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000001Z");
	good("2026-01-01T00:00:00.0000000019Z", "2026-01-01T00:00:00.000000001Z"); /* not later than written */
	good("2024-02-29T23:59:59.999999999Z", "2024-02-29T23:59:59.999999999Z");
	good("2262-04-12T08:47:16.854775807+09:00", "2262-04-11T23:47:16.854775807Z");
	good("1677-09-21T00:12:43.145224193Z", "1677-09-21T00:12:43.145224193Z");
}

static void test_refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "2026", "2026-11-22", "2026-11-22T08:10:00", "2026-11-22T08:10Z", "2026-11-22T08:10:60Z",
		"2026-11-22T24:00:00Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-22T08:10:00.Z", "2026-11-22T08:10:00+9:00",
		"2026-11-22T08:10:00+24:00", "2026-11-22T08:10:00+09:60", "2026-11-22T08:10:00+09:00x", "2026-11-22T08:10:00Zx",
		"2026/11/22T08:10:00Z", "2026-11-22_08:10:00Z", "+026-11-22T08:10:00Z", "2026-11-22T08-10-00Z", "2026-11-22T08:10:00 Z",
		"2026-11-22T08:10:00+", "2026-11-22T08:10:00.5"};
	int64_t t = 42;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (rfc3339_parse(&t, span_str(bad[i])) != MO_EINVAL)
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(rfc3339_parse(&t, SPAN_LIT("2262-04-11T23:47:16.854775808Z")), MO_ELIMIT);
	assert_int_equal(rfc3339_parse(&t, SPAN_LIT("1600-01-01T00:00:00Z")), MO_ELIMIT);
	assert_int_equal(t, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
