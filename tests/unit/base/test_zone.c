#include "cm.h"

#include <stdio.h>

#include "base/civil.h"
#include "tzif.h"

static struct zone *make(const struct tzif_spec *s)
{
	struct buf b;
	struct zone *z = NULL;
	buf_init(&b, 0);
	tzif_make(&b, s);
	assert_int_equal(zone_parse(&z, buf_span(&b)), 0);
	buf_free(&b);
	return z;
}

static struct zone *rule(const char *footer)
{
	static const int32_t types[] = {0};
	return make(&(struct tzif_spec){'3', NULL, 0, types, 1, footer});
}

/* Seoul, from the tz database: summer time of 1987 and 1988, two standard times before. */
static struct zone *seoul(void)
{
	static const int32_t types[] = {30472, 30600, 32400, 36000};
	static const struct tzif_time times[] = {{-1948782472, 1}, {-1830414600, 2}, {547578000, 3}, {560883600, 2}, {579027600, 3},
		{592333200, 2}};
	return make(&(struct tzif_spec){'2', times, 6, types, 4, "KST-9"});
}

static int64_t at(const char *utc)
{
	int64_t t;
	assert_int_equal(rfc3339_parse(&t, span_str(utc)), 0);
	return t;
}

static void local_is(const struct zone *z, const char *local, int kind, const char *utc)
{
	int y, mo, d, h, mi, s, k = -1;
	int64_t t = 0;
	char out[32];
	assert_int_equal(sscanf(local, "%d-%d-%d %d:%d:%d", &y, &mo, &d, &h, &mi, &s), 6);
	struct civil c = {y, (uint8_t)mo, (uint8_t)d, (uint8_t)h, (uint8_t)mi, (uint8_t)s, 0}, back;
	assert_int_equal(zone_to_ns(&t, &k, z, &c), 0);
	rfc3339_format(out, t);
	assert_string_equal(out, utc);
	assert_int_equal(k, kind);
	zone_local(&back, z, t);
	if (kind != 2)
		assert_true(back.year == y && back.month == mo && back.day == d && back.hour == h && back.minute == mi && back.second == s);
}

static void check_seoul(const struct zone *z)
{
	assert_int_equal(zone_offset(z, at("2026-11-22T00:00:00Z")), 32400);
	assert_int_equal(zone_offset(z, at("2261-01-01T00:00:00Z")), 32400);
	assert_int_equal(zone_offset(z, at("1987-05-09T16:59:59Z")), 32400);
	assert_int_equal(zone_offset(z, at("1987-05-09T17:00:00Z")), 36000);
	assert_int_equal(zone_offset(z, at("1988-10-08T16:59:59.999Z")), 36000);
	assert_int_equal(zone_offset(z, at("1988-10-08T17:00:00Z")), 32400);
	assert_int_equal(zone_offset(z, at("1910-01-01T00:00:00Z")), 30600);
	assert_int_equal(zone_offset(z, at("1900-01-01T00:00:00Z")), 30472);
	local_is(z, "2026-11-22 08:10:00", 0, "2026-11-21T23:10:00Z");
	local_is(z, "1988-07-01 12:00:00", 0, "1988-07-01T02:00:00Z");
	local_is(z, "1988-05-08 02:30:00", 2, "1988-05-07T17:00:00Z"); /* skipped: the end of the gap */
	local_is(z, "1988-05-08 03:00:00", 0, "1988-05-07T17:00:00Z");
	local_is(z, "1988-10-09 02:30:00", 1, "1988-10-08T16:30:00Z"); /* twice: the earlier */
	local_is(z, "1988-10-09 03:00:00", 0, "1988-10-08T18:00:00Z");
	local_is(z, "1988-10-09 01:59:59", 0, "1988-10-08T15:59:59Z");
}

static void test_seoul(void **state)
{
	(void)state;
	struct zone *z = seoul();
	check_seoul(z);
	zone_free(z);
	zone_free(NULL);
}

static void check_new_york(const struct zone *z)
{
	assert_int_equal(zone_offset(z, at("2100-01-15T00:00:00Z")), -18000);
	assert_int_equal(zone_offset(z, at("2100-07-15T00:00:00Z")), -14400);
	assert_int_equal(zone_offset(z, at("2026-03-08T06:59:59Z")), -18000);
	assert_int_equal(zone_offset(z, at("2026-03-08T07:00:00Z")), -14400);
	assert_int_equal(zone_offset(z, at("2026-11-01T05:59:59Z")), -14400);
	assert_int_equal(zone_offset(z, at("2026-11-01T06:00:00Z")), -18000);
	local_is(z, "2030-03-10 02:30:00", 2, "2030-03-10T07:00:00Z");
	local_is(z, "2030-11-03 01:30:00", 1, "2030-11-03T05:30:00Z");
	local_is(z, "2030-12-31 23:59:59", 0, "2031-01-01T04:59:59Z");
}

static void test_footer_rules(void **state)
{
	(void)state;
	struct zone *z = rule("EST5EDT,M3.2.0,M11.1.0");
	check_new_york(z);
	zone_free(z);

	z = rule("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"); /* Lord Howe: south of the equator, half an hour */
	assert_int_equal(zone_offset(z, at("2030-01-01T00:00:00Z")), 39600);
	assert_int_equal(zone_offset(z, at("2030-07-01T00:00:00Z")), 37800);
	local_is(z, "2030-10-06 02:15:00", 2, "2030-10-05T15:30:00Z");
	zone_free(z);

	z = rule("IST-1GMT0,M10.5.0,M3.5.0/1"); /* Dublin: the "summer" half is winter, and behind */
	assert_int_equal(zone_offset(z, at("2030-07-01T00:00:00Z")), 3600);
	assert_int_equal(zone_offset(z, at("2030-01-01T00:00:00Z")), 0);
	zone_free(z);

	z = rule("XXX3EDT4,0/0,J365/23"); /* RFC 8536, 3.3.1: summer time all year */
	for (int year = 2000; year < 2010; year++) {
		int64_t days;
		assert_int_equal(civil_days(&days, year, 1, 1), 0);
		for (int h = -30; h <= 30; h++)
			assert_int_equal(zone_offset(z, (days * 86400 + h * 3600) * NS_PER_S), -14400);
	}
	zone_free(z);

	z = rule("AAA-2BBB,J60/0,59/0"); /* J60 is 1 March always; 59 is 29 February in a leap year, else 1 March */
	assert_int_equal(zone_offset(z, at("2024-02-28T21:30:00Z")), 7200);
	assert_int_equal(zone_offset(z, at("2024-02-29T22:30:00Z")), 10800);
	zone_free(z);

	z = rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0"); /* Nuuk: before midnight of the day named */
	assert_int_equal(zone_offset(z, at("2030-03-31T00:59:59Z")), -7200);
	assert_int_equal(zone_offset(z, at("2030-03-31T01:00:00Z")), -3600);
	zone_free(z);

	z = rule("XXX3EDT4,0/4,J365/46"); /* each year's end falls behind the next year's start */
	assert_int_equal(zone_offset(z, at("2030-01-01T06:59:59Z")), -10800);
	assert_int_equal(zone_offset(z, at("2030-01-01T07:00:00Z")), -14400);
	assert_int_equal(zone_offset(z, at("2030-01-02T02:00:00Z")), -10800);
	zone_free(z);

	z = rule("<+00>0<+02>-2,M3.5.0/1,M10.5.0/3"); /* Troll: two hours */
	local_is(z, "2030-10-27 01:30:00", 1, "2030-10-26T23:30:00Z");
	zone_free(z);
}

static void test_version_1(void **state)
{
	(void)state;
	static const int32_t types[] = {0, 3600};
	static const struct tzif_time times[] = {{-100, 1}, {100, 0}};
	struct zone *z = make(&(struct tzif_spec){0, times, 2, types, 2, NULL});
	assert_int_equal(zone_offset(z, -101 * NS_PER_S), 0);
	assert_int_equal(zone_offset(z, -100 * NS_PER_S), 3600);
	assert_int_equal(zone_offset(z, -1), 3600);
	assert_int_equal(zone_offset(z, 100 * NS_PER_S - 1), 3600);
	assert_int_equal(zone_offset(z, 100 * NS_PER_S), 0);
	assert_int_equal(zone_offset(z, INT64_MAX), 0);
	assert_int_equal(zone_offset(z, INT64_MIN), 0);
	zone_free(z);
}

static void test_fixed(void **state)
{
	(void)state;
	struct zone *z = NULL;
	struct civil c;
	int64_t t;
	assert_int_equal(zone_fixed(&z, 64801), MO_EINVAL);
	assert_int_equal(zone_fixed(&z, INT32_MIN), MO_EINVAL);
	assert_null(z);
	assert_int_equal(zone_fixed(&z, -64800), 0);
	assert_int_equal(zone_offset(z, 0), -64800);
	zone_local(&c, z, INT64_MIN); /* a local time before the first instant still has fields */
	assert_int_equal(c.year, 1677);
	assert_int_equal(c.day, 20);
	c = (struct civil){2262, 4, 12, 0, 0, 0, 0};
	assert_int_equal(zone_to_ns(&t, NULL, z, &c), MO_ELIMIT);
	c = (struct civil){2262, 4, 11, 5, 0, 0, 7};
	assert_int_equal(zone_to_ns(&t, NULL, z, &c), 0);
	assert_int_equal(t % 1000, 7);
	c = (struct civil){INT32_MAX, 1, 1, 0, 0, 0, 0};
	assert_int_equal(zone_to_ns(&t, NULL, z, &c), MO_ELIMIT);
	c = (struct civil){2026, 2, 29, 0, 0, 0, 0};
	assert_int_equal(zone_to_ns(&t, NULL, z, &c), MO_EINVAL);
	zone_free(z);
}

static void test_refuses(void **state)
{
	(void)state;
	static const int32_t types[] = {0, 3600}, far[] = {94000};
	static const struct tzif_time back[] = {{100, 1}, {100, 0}}, index[] = {{100, 2}};
	static const struct tzif_spec bad[] = {{'2', back, 2, types, 2, ""}, {'2', index, 1, types, 2, ""}, {'2', NULL, 0, far, 1, ""},
		{'2', NULL, 0, types, 0, ""}};
	struct zone *z = NULL;
	struct buf b;
	buf_init(&b, 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		buf_reset(&b);
		tzif_make(&b, &bad[i]);
		assert_int_equal(zone_parse(&z, buf_span(&b)), MO_EINVAL);
	}
	static const char *const footers[] = {"K-9", "KST", "KST-25", "KST-9:60", "KST-9x", "EST5EDT", "EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M11.1.0",
		"EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0", "EST5EDT,J0,J1", "EST5EDT,J366,J1", "EST5EDT,366,1",
		"EST5EDT,M3.2.0/168,M11.1.0", "<KST-9", "<K>-9", "EST5EDT,M3.2.0,M11.1.0,", "EST99999999999", ":Asia/Seoul"};
	for (size_t i = 0; i < sizeof footers / sizeof *footers; i++) {
		buf_reset(&b);
		tzif_make(&b, &(struct tzif_spec){'2', NULL, 0, types, 1, footers[i]});
		if (zone_parse(&z, buf_span(&b)) != MO_EINVAL)
			fail_msg("rule %s was taken", footers[i]);
	}
	/* Cut anywhere, or of a version to come, or with leap seconds. */
	buf_reset(&b);
	tzif_make(&b, &(struct tzif_spec){'2', NULL, 0, types, 2, "KST-9"});
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(zone_parse(&z, span_of(b.p, n)), MO_EINVAL);
	b.p[4] = '9';
	assert_int_equal(zone_parse(&z, buf_span(&b)), MO_EVERSION);
	b.p[4] = '2';
	memset(b.p + 32, 0xff, 4); /* 4 G transitions */
	assert_int_equal(zone_parse(&z, buf_span(&b)), MO_ELIMIT);
	buf_reset(&b);
	tzif_make(&b, &(struct tzif_spec){0, NULL, 0, types, 2, NULL});
	b.p[31] = 1;
	buf_add(&b, SPAN_LIT("\0\0\0\1\0\0\0\1"));
	assert_int_equal(zone_parse(&z, buf_span(&b)), MO_EINVAL);
	assert_null(z);
	buf_free(&b);
}

/* The same facts from the machine's own files, where it has them. */
static void with_system_file(const char *path, void (*check)(const struct zone *))
{
	static uint8_t bytes[65536];
	FILE *f = fopen(path, "rb");
	if (!f)
		skip();
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	struct zone *z = NULL;
	assert_int_equal(zone_parse(&z, span_of(bytes, n)), 0);
	check(z);
	zone_free(z);
}

static void test_system_seoul(void **state)
{
	(void)state;
	with_system_file("/usr/share/zoneinfo/Asia/Seoul", check_seoul);
}

static void test_system_new_york(void **state)
{
	(void)state;
	with_system_file("/usr/share/zoneinfo/America/New_York", check_new_york);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seoul),
		cmocka_unit_test(test_footer_rules),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_system_seoul),
		cmocka_unit_test(test_system_new_york),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
