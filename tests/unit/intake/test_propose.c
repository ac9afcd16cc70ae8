#include "cm.h"

#include <stdlib.h>

#include "collect.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}
static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* "use:type:name[unit]" a column, the format, the question. */
static void describe(struct buf *b, const struct intake_plan *p)
{
	static const char *const types[] = {"?", "f", "i", "b", "s"};
	buf_printf(b, "%u %s", p->header_lines, p->time_format ? p->time_format : "-");
	if (p->question)
		buf_printf(b, " ?%s", intake_question_name(p->question));
	for (size_t c = 0; c < p->n_columns; c++) {
		const struct intake_column *col = &p->columns[c];
		buf_printf(b, " | %s:%s:", intake_use_name(col->use), types[col->type]);
		buf_add(b, col->name);
		if (col->unit.n)
			buf_printf(b, "[%.*s]", SPAN_FMT(col->unit));
	}
}

static const struct {
	const char *text, *want;
} rows[] = {
	{"t,v\n2021-09-06 10:05,1\n2021-09-06 10:06,2.5\n", "1 YYYY-MM-DD hh:mm | time:s:t | value:f:v"},
	{"2021-09-06 10:05:03,1\n2021-09-06 10:06:03,2.5\n", "0 YYYY-MM-DD hh:mm:ss | time:s:열 1 | value:f:열 2"},
	{"\xEF\xBB\xBF일시;온도(℃);상태\n2021. 9. 6. 오전 10:05:03.5;1;정상\n2021. 9. 6. 오후 1:05:03.5;2;이상\n", "1 YYYY. M. D. 오전 h:mm:ss | time:s:일시 | value:f:온도[°C] | value:s:상태"},
	{"일자\t시각\t전력[kWh]\n2021-09-06\t10:05\t1,395\n2021-09-06\t10:06\t2\n", "1 YYYY-MM-DD hh:mm | date:s:일자 | clock:s:시각 | value:f:전력[kWh]"},
	{"date,time,v\n20210906,100503,1\n20210906,100603,2\n", "1 YYYYMMDDhhmmss | date:s:date | clock:s:time | value:f:v"},
	{"날짜,시간,v\n2021-09-06,1,5\n2021-09-06,24,6\n", "1 YYYY-MM-DD h | date:s:날짜 | clock:s:시간 | value:f:v"},
	{"시점,v\n2005.01,1\n2005.02,-\n", "1 YYYY.MM | time:s:시점 | value:f:v"},
	{"연월,v\n200501,1\n200502,2\n", "1 YYYYMM | time:s:연월 | value:f:v"},
	{"lot,v\n200501,1\n200502,2\n", "1 - | number:i:lot | value:f:v"},
	{"연도,v\n2005,1\n2006,2\n", "1 YYYY | time:s:연도 | value:f:v"},
	{"일시,v\n44445.420173611,1\n44445.4209,2\n", "1 Excel serial | time:s:일시 | value:f:v"},
	{"가동시간,v\n44445.42,1\n44445.43,2\n", "1 - | value:f:가동시간 | value:f:v"},
	{"ts,v\n1630890303,1\n1630890304,2\n", "1 epoch s | time:s:ts | value:f:v"}, {"ts,v\n1630890303250,1\n1630890304250,2\n", "1 epoch ms | time:s:ts | value:f:v"},
	/* day or month */
	{"d,v\n13/1/2021,1\n1/2/2021,2\n", "1 D/M/YYYY | time:s:d | value:f:v"}, {"d,v\n1/13/2021,1\n2/1/2021,2\n", "1 M/D/YYYY | time:s:d | value:f:v"},
	{"d,v\n1/2/2021 10:00,1\n2/2/2021 10:00,2\n", "1 D/M/YYYY h:mm ?month_or_day | time:s:d | value:f:v"},
	{"d,v\n1/11/2021,1\n1/12/2021,1\n2/1/2021,1\n2/2/2021,1\n", "1 M/D/YYYY ?month_or_day | time:s:d | value:f:v"},
	/* midnights */
	{"t,v\n2021-09-06 23:30,1\n2021-09-06 23:45,1\n2021-09-06 00:00,2\n2021-09-07 00:15,2\n", "1 YYYY-MM-DD hh:mm ?midnight | time:s:t | value:f:v"},
	{"t,v\n2021-09-06 23:30,1\n2021-09-06 23:45,1\n2021-09-07 00:00,2\n2021-09-07 00:15,2\n", "1 YYYY-MM-DD hh:mm | time:s:t | value:f:v"},
	/* types */
	{"t,code,ok,big,note\n2021-01-01,01,true,9007199254740993,a\n2021-01-02,02,FALSE,2,b\n",
		"1 YYYY-MM-DD | time:s:t | value:s:code | value:b:ok | value:i:big | value:s:note"},
	{"t,e,f\n2021-01-01,1e17,12345678901234567890\n2021-01-02,2e17,9007199254740993\n", "1 YYYY-MM-DD | time:s:t | value:f:e | value:f:f"},
	{"t,a,b\n2021-01-01,-,N/A\n2021-01-02,,#DIV/0!\n", "1 YYYY-MM-DD | time:s:t | value:f:a | value:f:b"},
	{"t,p\n2021-01-01,12%\n2021-01-02,13%\n", "1 YYYY-MM-DD | time:s:t | value:s:p"}, {"t;p\n2021-01-01;3,141\n2021-01-02;2,718\n", "1 YYYY-MM-DD | time:s:t | value:s:p"},
	{"t,v,\n2021-01-01,1,\n2021-01-02,2,\n", "1 YYYY-MM-DD | time:s:t | value:f:v | ignore:f:열 3"},
	/* texts that keep series apart */
	{"t,place,shift,v\n2021-01-01,A,주간,1\n2021-01-01,B,주간,2\n2021-01-02,A,야간,3\n2021-01-02,B,야간,4\n",
		"1 YYYY-MM-DD | time:s:t | tag:s:place | value:s:shift | value:f:v"},
	{"t,ch,v\n2021-01-01,1,5\n2021-01-01,2,6\n2021-01-02,1,7\n2021-01-02,2,8\n", "1 YYYY-MM-DD | time:s:t | tag:f:ch | value:f:v"},
	{"t,place,v\n2021-01-01,A,1\n2021-01-02,A,2\n2021-01-03,B,3\n2021-01-04,A,4\n", "1 YYYY-MM-DD | time:s:t | value:s:place | value:f:v"},
	/* names */
	{"t,온도(℃),온도(K),v,v\n2021-01-01,1,2,3,4\n", "1 YYYY-MM-DD | time:s:t | value:f:온도[°C] | value:f:온도(K)[K] | value:f:v | value:f:v 2"},
	{"t,\"two\nlines\"\n2021-01-01,1\n", "1 YYYY-MM-DD | time:s:t | value:f:two lines"},
	{"v\n1\n2\n", "1 - | value:f:v"}, {"1.5\n2\n", "0 - | value:f:열 1"}, {"id,v\n1,5\n2,6\n3,7\n", "1 - | number:i:id | value:f:v"},
	{"name,2019,2020\nA,1,2\nB,3,4\n", "1 - | value:s:name | value:f:2019 | value:f:2020"},
};

static void readings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct intake_plan p;
		struct diag d;
		struct buf b;
		buf_init(&b, 0);
		int e = intake_propose(&p, &arena, span_str(rows[i].text), true, "dir/데이터.csv", "ko", &d);
		if (e)
			fail_msg("%s: %s", rows[i].text, mo_err_name(e));
		describe(&b, &p);
		if (!span_is(buf_span(&b), rows[i].want))
			fail_msg("%s\n got %.*s\nwant %s", rows[i].text, SPAN_FMT(buf_span(&b)), rows[i].want);
		assert_true(span_is(p.asset, "데이터"));
		buf_free(&b);
	}
}

static void refusals(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t n;
		enum mo_msg msg;
	} files[] = {
#define F(s, m) {s, sizeof(s) - 1, m}
		F("", MSG_INTAKE_EMPTY), F("\n\n ,, \n", MSG_INTAKE_NO_TABLE), F("PK\x03\x04rest", MSG_INTAKE_XLSX), F("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", MSG_INTAKE_XLS),
		F("%PDF-1.4", MSG_INTAKE_OTHER_KIND), F("\x01\x02\x03\x04", MSG_TEXT_NOT_TEXT), F("t,v\n1,2\n\x00\x01", MSG_TEXT_NOT_TEXT), F("t,v\n", MSG_INTAKE_NO_ROWS),
		F("월간 보고서\n\nt,a,b\n2021-01-01,1,2\n2021-01-02,1,2\n", MSG_INTAKE_TITLE_LINES), F("보고서,,\nt,a,b\n2021-01-01,1,2\n2021-01-02,1,2\n", MSG_INTAKE_TITLE_LINES),
		F("t,온도,압력\n시각,℃,MPa\n2021-01-01,1,2\n2021-01-02,1,2\n", MSG_INTAKE_HEADER_LINES),
		F("Dear all,\nplease find, as we said, the file\nbest\nregards, me, and, you\nbye\n", MSG_INTAKE_NO_TABLE), F("just\nsome\nwords\n", MSG_INTAKE_NO_TABLE),
#undef F
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct intake_plan p;
		struct diag d;
		int e = intake_propose(&p, &arena, span_of(files[i].bytes, files[i].n), true, "x.csv", "en", &d);
		if (e != MO_EINVAL || d.msg != files[i].msg)
			fail_msg("%zu: %d, message %d instead of %d", i, e, (int)d.msg, (int)files[i].msg);
	}
}

static void encodings(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t n;
		enum text_encoding e;
	} files[] = {
#define F(s, e) {s, sizeof(s) - 1, e}
		F("\xbf\xc2\xb5\xb5(\xa1\xc9),v\n1,2\n", TEXT_CP949), /* 온도(℃) */
		F("\xff\xfet\0,\0v\0\n\0" "1\0,\0" "2\0\n\0", TEXT_UTF16LE), F("\xfe\xff\0t\0,\0v\0\n\0" "1\0,\0" "2\0\n", TEXT_UTF16BE), F("\xef\xbb\xbft,v\n1,2\n", TEXT_UTF8_BOM),
		F("t,v\n1,2\n", TEXT_UTF8),
#undef F
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct intake_plan p;
		assert_int_equal(intake_propose(&p, &arena, span_of(files[i].bytes, files[i].n), true, "x.csv", "en", NULL), 0);
		assert_int_equal(p.encoding, files[i].e);
		assert_int_equal(p.n_columns, 2);
		assert_int_equal(p.rows_seen, 1);
		if (i == 0)
			assert_true(span_is(p.columns[0].name, "온도") && span_is(p.columns[0].unit, "°C"));
	}
}

/* A head that ends within a row: that row is left out; what settles day and month may stand at its very end. */
static void cut_heads(void **state)
{
	(void)state;
	struct buf b;
	struct intake_plan p;
	buf_init(&b, 0);
	buf_adds(&b, "d,meter,v\n");
	for (unsigned i = 0; b.n < 3u << 20; i++)
		buf_printf(&b, "%u/%u/2021,M1,%u\n", i % 12 + 1, i / 12 % 12 + 1, i);
	assert_int_equal(intake_propose(&p, &arena, buf_span(&b), true, "x.csv", "en", NULL), 0);
	assert_int_equal(p.question, ASK_DAY_OR_MONTH);
	buf_adds(&b, "12/31/2021,M1,5\n1/1");
	assert_int_equal(intake_propose(&p, &arena, buf_span(&b), false, "x.csv", "en", NULL), 0);
	assert_int_equal(p.question, ASK_NOTHING);
	assert_string_equal(p.time_format, "M/D/YYYY");
	assert_int_equal(p.columns[1].use, USE_TAG); /* it never changed, and the file goes on */
	buf_reset(&b);
	while (b.n < INTAKE_HEAD_MAX)
		buf_adds(&b, "no line end, ");
	struct diag d;
	assert_int_equal(intake_propose(&p, &arena, buf_span(&b), false, "x.csv", "en", &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_CSV_TOO_MANY_FIELDS);
	buf_free(&b);
}

static void names_of_files(void **state)
{
	(void)state;
	static const char *const names[][2] = {{"a/b/c.d.csv", "c.d"}, {"C:\\x\\y.CSV", "y"}, {"plain", "plain"}, {".csv", ".csv"}, {"", "data"}, {"x/", "data"},
		/* the date is the file's, not the machine's */
		{"press1_20260101.csv", "press1"}, {"press1_2026-01-01.csv", "press1"}, {"press1 2026_01_31.csv", "press1"}, {"press1-2026.02.28.csv", "press1"},
		{"press1_2026-01.csv", "press1"}, {"press1.202612.csv", "press1"}, {"20260101_press1.csv", "press1"}, {"2026-01-01 press1.csv", "press1"},
		{"2026-01_press1.csv", "press1"}, {"press1_20240229.csv", "press1"}, {"press1__20260101.csv", "press1"}, {"설비 1_20260101.csv", "설비 1"},
		{"press1_20260101-20260131.csv", "press1"}, {"press1_20260101 (2).csv", "press1"}, {"press-1-2026-01-05.csv", "press-1"},
		/* what is none stays */
		{"20260101.csv", "20260101"}, {"2026-01-05.csv", "2026-01-05"}, {"2026-01.csv", "2026-01"}, {"20260101-20260131.csv", "20260101-20260131"},
		{"log 387.csv", "log 387"}, {"press1_20261301.csv", "press1_20261301"}, {"press1_20250229.csv", "press1_20250229"}, {"press1_202600.csv", "press1_202600"},
		{"press1_19891231.csv", "press1_19891231"}, {"press1_21000101.csv", "press1_21000101"}, {"press120260101.csv", "press120260101"},
		{"press1_2026-01-45.csv", "press1_2026-01-45"}, {"2026-01-45.csv", "2026-01-45"}, {"press (2).csv", "press (2)"}, {"press1_2026.csv", "press1_2026"},
		{"press1_2026-01_02.csv", "press1_2026-01_02"}, {"lot_120260101.csv", "lot_120260101"},
		{"\xe1\x84\x8b\xe1\x85\xa9\xe1\x86\xab.csv", "온"}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct intake_plan p;
		assert_int_equal(intake_propose(&p, &arena, SPAN_LIT("v\n1\n"), true, names[i][0], "en", NULL), 0);
		if (!span_is(p.asset, names[i][1]))
			fail_msg("%s: %.*s", names[i][0], SPAN_FMT(p.asset));
	}
	struct intake_plan p;
	assert_int_equal(intake_propose(&p, &arena, SPAN_LIT("1,2\n3,4\n"), true, "x", "en", NULL), 0);
	assert_true(span_is(p.columns[1].name, "column 2"));
	assert_string_equal(intake_time_format(0), "YYYY-MM-DD");
	assert_null(intake_time_format(100000));
}

static void too_wide(void **state)
{
	(void)state;
	struct buf b;
	struct intake_plan p;
	struct diag d;
	buf_init(&b, 0);
	for (unsigned r = 0; r < 3; r++) {
		for (unsigned i = 0; i <= INTAKE_COLUMNS_MAX; i++)
			buf_printf(&b, "%s%u", i ? "," : "", i + r);
		buf_adds(&b, "\n");
	}
	assert_int_equal(intake_propose(&p, &arena, buf_span(&b), true, "x", "en", &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_INTAKE_TOO_MANY_COLUMNS);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(readings), cmocka_unit_test(refusals), cmocka_unit_test(encodings), cmocka_unit_test(cut_heads),
		cmocka_unit_test(names_of_files), cmocka_unit_test(too_wide)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
