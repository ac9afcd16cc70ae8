#include "cm.h"

#include "../base/tzif.h"
#include "intake/priv/timeread.h"

static struct zone *seoul;

static int setup(void **state)
{
	(void)state;
	return zone_fixed(&seoul, 9 * 3600);
}
static int teardown(void **state)
{
	(void)state;
	zone_free(seoul);
	return 0;
}

static const struct {
	const char *form, *cell, *utc;
} taken[] = {
	{"YYYY-MM-DD hh:mm", "2021-09-06 10:05", "2021-09-06T01:05:00Z"}, {"YYYY-MM-DD hh:mm:ss", "2021-09-06 10:05:03", "2021-09-06T01:05:03Z"},
	{"YYYY-MM-DD hh:mm:ss", "2021-09-06T10:05:03.5", "2021-09-06T01:05:03.500Z"}, {"YYYY-MM-DD hh:mm:ss", "2021-09-06 10:05", "2021-09-06T01:05:00Z"},
	{"YYYY-MM-DD hh:mm:ssZ", "2021-09-06T10:05:03Z", "2021-09-06T10:05:03Z"}, {"YYYY-MM-DD hh:mm:ssZ", "2021-09-06 10:05:03.25+02:00", "2021-09-06T08:05:03.250Z"},
	{"YYYY-MM-DD hh:mm:ssZ", "2021-09-06 10:05:03 -0130", "2021-09-06T11:35:03Z"}, {"YYYY-MM-DD", "2018-01-01", "2017-12-31T15:00:00Z"},
	{"YYYY-MM-DD hh:mm", "2021-9-6 9:05", "2021-09-06T00:05:00Z"}, {"YYYY-MM-DD hh:mm", "2021-09-06 24:00", "2021-09-06T15:00:00Z"},
	{"YYYY/M/D h:mm", "2021/9/6 10:05", "2021-09-06T01:05:00Z"}, {"YYYY.M.D h:mm", "2021.09.06 10:05", "2021-09-06T01:05:00Z"},
	{"YYYY. M. D. 오전 h:mm:ss", "2021. 9. 6. 오전 10:05:03.5", "2021-09-06T01:05:03.500Z"}, {"YYYY. M. D. 오전 h:mm:ss", "2021. 9. 6. 오후 12:00:00", "2021-09-06T03:00:00Z"},
	{"YYYY. M. D. 오전 h:mm:ss", "2021. 9. 6. 오전 12:00:00", "2021-09-05T15:00:00Z"}, {"YYYY-MM-DD 오전 h:mm", "2021-09-06 오후 1:05", "2021-09-06T04:05:00Z"},
	{"YYYY-MM-DD h:mm AM", "2021-09-06 1:05 PM", "2021-09-06T04:05:00Z"}, {"M/D/YYYY h:mm:ss AM", "9/6/2021 10:05:03 am", "2021-09-06T01:05:03Z"},
	{"YYYY년 M월 D일 h시 m분 s초", "2021년 9월 6일 10시 5분 3초", "2021-09-06T01:05:03Z"}, {"YYYY년 M월 D일 h시 m분 s초", "2021년 9월 6일 오후 1시", "2021-09-06T04:00:00Z"},
	{"D/M/YYYY h:mm", "6/9/2021 10:05", "2021-09-06T01:05:00Z"}, {"M/D/YYYY h:mm", "9/6/2021 10:05", "2021-09-06T01:05:00Z"},
	{"D.M.YYYY h:mm", "06.09.2021 10:05", "2021-09-06T01:05:00Z"}, {"D-M-YYYY", "31-12-2018", "2018-12-30T15:00:00Z"}, {"YYYYMMDD", "20180101", "2017-12-31T15:00:00Z"},
	{"YYYYMMDDhhmmss", "20210906100503", "2021-09-06T01:05:03Z"}, {"YYYYMMDDhhmm", "202109061005", "2021-09-06T01:05:00Z"}, {"YYYYMMDDhh", "2021090624", "2021-09-06T15:00:00Z"},
	{"YYYYMMDD hh:mm", "20210906 10:05", "2021-09-06T01:05:00Z"}, {"YYYY.MM", "2005.01", "2004-12-31T15:00:00Z"}, {"YYYY-MM", "2005-01", "2004-12-31T15:00:00Z"},
	{"YYYYMM", "200501", "2004-12-31T15:00:00Z"}, {"YYYY", "2005", "2004-12-31T15:00:00Z"}, {"Excel serial", "44445.420173611", "2021-09-06T01:05:03Z"},
	{"Excel serial", "44445", "2021-09-05T15:00:00Z"}, {"epoch s", "1630890303", "2021-09-06T01:05:03Z"}, {"epoch s", "1630890303.25", "2021-09-06T01:05:03.250Z"},
	{"epoch ms", "1630890303250", "2021-09-06T01:05:03.250Z"}, {"YYYY-MM-DD h", "2021-09-06 9", "2021-09-06T00:00:00Z"},
};
static const struct {
	const char *form, *cell;
} refused[] = {
	{"YYYY-MM-DD", "2021-02-29"}, {"YYYY-MM-DD", "2021-13-01"}, {"YYYY-MM-DD", "21-09-06"}, {"YYYY-MM-DD", "2021-09-067"},
	{"YYYY-MM-DD hh:mm", "2021-09-06"}, {"YYYY-MM-DD hh:mm", "2021-09-06 24:01"}, {"YYYY-MM-DD hh:mm", "2021-09-06 10:60"}, {"YYYY-MM-DD hh:mm", "2021-09-06 10:5"},
	{"YYYY-MM-DD hh:mm", "2021-09-0610:05"}, {"YYYY-MM-DD hh:mm:ss", "2021-09-06 10:05:60"}, {"YYYY-MM-DD hh:mm:ss", "2021-09-06 10:05:03."},
	{"YYYY-MM-DD hh:mm:ssZ", "2021-09-06 10:05:03+19:00"}, {"YYYY-MM-DD 오전 h:mm", "2021-09-06 1:05"}, {"YYYY-MM-DD 오전 h:mm", "2021-09-06 오후 13:05"},
	{"D/M/YYYY h:mm", "9/16/2021 10:05"}, {"D/M/YYYY h:mm", "6/9/21 10:05"}, {"D/M/YYYY", "6/9/20211"}, {"YYYYMMDD", "2018010"}, {"YYYYMMDD", "201801011"},
	{"YYYYMMDDhhmmss", "2021090610050"}, {"YYYY.MM", "2005.13"}, {"YYYY.MM", "2005.1"}, {"YYYY.MM", "2023.06 p)"}, {"Excel serial", "-5"}, {"Excel serial", "60"},
	{"epoch s", "1e9"}, {"epoch s", "12.x"}, {"YYYY-MM-DD", ""}, {"YYYY년 M월 D일 h시 m분 s초", "2021년 9월 6일 25시"},
};

static void every_form_reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		const struct timeform *f = timeform_find(span_str(taken[i].form));
		struct time_parts p;
		int64_t want, got;
		assert_non_null(f);
		assert_int_equal(rfc3339_parse(&want, span_str(taken[i].utc)), 0);
		if (!timeform_parse(&p, f, span_str(taken[i].cell)) || time_parts_to_ns(&got, &p, seoul) || got != want)
			fail_msg("%s: %s", taken[i].form, taken[i].cell);
		/* and through the cache, twice, with a neighbour between */
		struct timeread c;
		timeread_init(&c, f, seoul);
		for (unsigned k = 0; k < 3; k++) {
			assert_int_equal(timeread(&c, &got, span_str(taken[i].cell)), 0);
			assert_true(got == want);
		}
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const struct timeform *f = timeform_find(span_str(refused[i].form));
		struct timeread c;
		int64_t t;
		assert_non_null(f);
		timeread_init(&c, f, seoul);
		if (timeread(&c, &t, span_str(refused[i].cell)) != MO_EINVAL)
			fail_msg("%s took %s", refused[i].form, refused[i].cell);
	}
}

/* Whatever stood above, a cell reads as it does alone. */
static void cache_changes_nothing(void **state)
{
	(void)state;
	static const char *const cells[] = {"1/1/2018 0:15", "1/1/2018 0:30", "1/1/2018 23:45", "1/1/2018 0:00", "2/1/2018 0:15", "12/1/2018 0:15", "1/12/2018 1:05:07",
		"1/1/20180 0:15", "1/1/2018 24:00", "1/1/2018 7:5", "1/1/2018", "1/1/2018  1:00", " 1/1/2018 1:00 ", "1/1/2018 1:00+09:00", "1/1/2018 1:00Z", "1/1/2018 1:00:00.5",
		"1/1/2018T1:00", "1/11/2018 0:15", "1/1/2018 0:15"};
	const size_t n = sizeof(cells) / sizeof(cells[0]);
	const struct timeform *f = timeform_find(SPAN_LIT("D/M/YYYY h:mm"));
	for (size_t a = 0; a < n; a++) {
		for (size_t b = 0; b < n; b++) {
			struct timeread fresh, used;
			int64_t alone = 0, after = 0, x;
			timeread_init(&fresh, f, seoul);
			timeread_init(&used, f, seoul);
			int e = timeread(&fresh, &alone, span_str(cells[b]));
			(void)!timeread(&used, &x, span_str(cells[a]));
			assert_int_equal(timeread(&used, &after, span_str(cells[b])), e);
			assert_true(alone == after);
		}
	}
}

static void days_with_a_gap(void **state)
{
	(void)state;
	/* Central Europe by its rule: summer time begins 2021-03-28 02:00. */
	static const int32_t offsets[] = {3600};
	const struct tzif_spec spec = {.version = '2', .offsets = offsets, .n_types = 1, .footer = "CET-1CEST,M3.5.0,M10.5.0/3"};
	struct buf tzif;
	buf_init(&tzif, 0);
	tzif_make(&tzif, &spec);
	struct zone *z;
	struct timeread c;
	int64_t t, want;
	assert_int_equal(zone_parse(&z, buf_span(&tzif)), 0);
	timeread_init(&c, timeform_find(SPAN_LIT("YYYY-MM-DD hh:mm")), z);
	static const char *const rows[][2] = {{"2021-03-28 01:30", "2021-03-28T00:30:00Z"}, {"2021-03-28 03:30", "2021-03-28T01:30:00Z"},
		{"2021-03-28 23:00", "2021-03-28T21:00:00Z"}, {"2021-03-29 00:00", "2021-03-28T22:00:00Z"}, {"2021-03-29 00:15", "2021-03-28T22:15:00Z"}};
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(timeread(&c, &t, span_str(rows[i][0])), 0);
		assert_int_equal(rfc3339_parse(&want, span_str(rows[i][1])), 0);
		assert_true(t == want);
	}
	zone_free(z);
	buf_free(&tzif);
}

static void dates_and_clocks_apart(void **state)
{
	(void)state;
	struct timeread c;
	int64_t t, want;
	timeread_init(&c, timeform_find(SPAN_LIT("YYYY-MM-DD hh:mm")), seoul);
	static const char *const rows[][3] = {{"2021-09-06", "10:05", "2021-09-06T01:05:00Z"}, {"2021-09-06", "10:06", "2021-09-06T01:06:00Z"},
		{"2021-09-06", "10:06:30.5", "2021-09-06T01:06:30.500Z"}, {"2021-09-07", "0:00", "2021-09-06T15:00:00Z"}, {" 2021-09-07 ", " 1:00 ", "2021-09-06T16:00:00Z"}};
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(timeread_pair(&c, &t, span_str(rows[i][0]), span_str(rows[i][1])), 0);
		assert_int_equal(rfc3339_parse(&want, span_str(rows[i][2])), 0);
		assert_true(t == want);
	}
	assert_int_equal(timeread_pair(&c, &t, SPAN_LIT("2021-09-07"), SPAN_LIT("")), MO_EINVAL);
	assert_int_equal(timeread_pair(&c, &t, SPAN_LIT(""), SPAN_LIT("10:05")), MO_EINVAL);
}

static void names(void **state)
{
	(void)state;
	const struct timeform *f;
	unsigned n = 0;
	for (; (f = timeform_at(n)); n++) {
		assert_ptr_equal(timeform_find(span_str(f->name)), f); /* no name twice */
		assert_ptr_equal(timeform_of(f->date, f->clock), f);
	}
	assert_true(n > 100);
	assert_null(timeform_find(SPAN_LIT("YY-MM-DD")));
	assert_string_equal(timeform_swap(timeform_find(SPAN_LIT("D/M/YYYY h:mm")))->name, "M/D/YYYY h:mm");
	assert_null(timeform_swap(timeform_find(SPAN_LIT("YYYY-MM-DD"))));
	assert_string_equal(timeform_refine(timeform_find(SPAN_LIT("YYYY.M.D h:mm")), SPAN_LIT("2021. 9. 6. 10:05:03"))->name, "YYYY. M. D. h:mm:ss");
	assert_string_equal(timeform_refine(timeform_find(SPAN_LIT("YYYY-MM-DD hh:mm")), SPAN_LIT("2021-09-06T10:05:03Z"))->name, "YYYY-MM-DD hh:mm:ssZ");
}

static void ends_of_time(void **state)
{
	(void)state;
	struct timeread c;
	int64_t t;
	timeread_init(&c, timeform_find(SPAN_LIT("YYYY-MM-DD")), seoul);
	assert_int_equal(timeread(&c, &t, SPAN_LIT("2300-01-01")), MO_ELIMIT);
	assert_int_equal(timeread(&c, &t, SPAN_LIT("1600-01-01")), MO_ELIMIT);
	timeread_init(&c, timeform_find(SPAN_LIT("epoch s")), seoul);
	assert_int_equal(timeread(&c, &t, SPAN_LIT("9223372036854775807")), MO_ELIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_form_reads), cmocka_unit_test(cache_changes_nothing), cmocka_unit_test(days_with_a_gap),
		cmocka_unit_test(dates_and_clocks_apart), cmocka_unit_test(names), cmocka_unit_test(ends_of_time)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
