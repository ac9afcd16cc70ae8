/* Lines by the rules of the public documentation of InfluxDB 1.8 ("Line
 * protocol reference": syntax, data types, special characters, quoting). */
#include "cm.h"

#include <stdio.h>

#include "base/buf.h"
#include "codec/lineproto.h"
#include "faultalloc.h"

static struct lineproto *parser;

static int setup(void **state)
{
	(void)state;
	return lineproto_new(&parser, 1);
}
static int teardown(void **state)
{
	(void)state;
	lineproto_free(parser);
	return 0;
}

static void eq(struct span s, const char *want)
{
	if (!span_is(s, want))
		fail_msg("'%.*s' is not '%s'", SPAN_FMT(s), want);
}

static void unescaped(struct span s, const char *want)
{
	struct buf b;
	buf_init(&b, 0);
	lineproto_unescape(&b, s);
	eq(buf_span(&b), want);
	buf_free(&b);
}

static void take(struct lineproto_line *l, const char *line)
{
	struct diag d;
	diag_clear(&d);
	int e = lineproto_parse(parser, span_str(line), l, &d);
	if (e)
		fail_msg("%s: %s at %u", line, mo_err_name(e), (unsigned)d.column);
}

static void whole_lines(void **state)
{
	(void)state;
	struct lineproto_line l;
	take(&l, "weather,location=us-midwest temperature=82 1465839830100400200");
	eq(l.measurement, "weather");
	eq(l.series, "weather,location=us-midwest");
	assert_int_equal(l.n_tags, 1);
	eq(l.tags[0].key, "location");
	eq(l.tags[0].value, "us-midwest");
	assert_int_equal(l.n_fields, 1);
	eq(l.fields[0].key, "temperature");
	assert_int_equal(l.fields[0].type, LP_F64);
	assert_true(l.fields[0].f64 == 82);
	assert_true(l.has_time);
	assert_int_equal(l.t_ns, 1465839830100400200);

	take(&l, "weather,location=us-midwest,season=summer temperature=82,humidity=71i");
	assert_int_equal(l.n_tags, 2);
	eq(l.tags[1].key, "season");
	assert_int_equal(l.n_fields, 2);
	assert_int_equal(l.fields[1].type, LP_I64);
	assert_int_equal(l.fields[1].i64, 71);
	assert_false(l.has_time);
	assert_int_equal(l.t_ns, T_NONE);

	take(&l, " \tweather  temperature=82   1465839830100400200  ");
	eq(l.series, "weather");
	assert_int_equal(l.n_tags, 0);
	assert_int_equal(l.t_ns, 1465839830100400200);
	take(&l, "weather temperature=82 -1");
	assert_int_equal(l.t_ns, -1);
	take(&l, "사출기,호기=1호기 금형온도=61.5,상태=\"정상\" 1");
	eq(l.tags[0].value, "1호기");
	eq(l.fields[1].str, "정상");
}

static void values(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double v;
	} floats[] = {
		{"82", 82}, {"-82.5", -82.5}, {"1.", 1}, {".5", 0.5}, {"-.5", -0.5}, {"-1234456e+78", -1234456e+78}, {"1e5", 1e5}, {"1.e3", 1e3}, {"1E-3", 1e-3},
		{"0.1", 0.1}, {"9007199254740993", 9007199254740992.0}, {"3.14159265358979323846264338327950288", 3.14159265358979323846}, {"-0", -0.0},
		{"74.93588199999998", 74.93588199999998}, {"1.7976931348623157e308", 1.7976931348623157e308}, {"00012.50", 12.5},
	};
	struct lineproto_line l;
	char line[128];
	for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++) {
		snprintf(line, sizeof(line), "m v=%s,w=1 5", floats[i].text);
		take(&l, line);
		assert_int_equal(l.n_fields, 2);
		assert_int_equal(l.fields[0].type, LP_F64);
		if (memcmp(&l.fields[0].f64, &floats[i].v, sizeof(double)))
			fail_msg("%s read as %.17g", floats[i].text, l.fields[0].f64);
		snprintf(line, sizeof(line), "m v=%s", floats[i].text);
		take(&l, line);
		assert_true(l.fields[0].f64 == floats[i].v);
	}
	static const struct {
		const char *text;
		int64_t v;
	} ints[] = {{"1i", 1}, {"-1i", -1}, {"0i", 0}, {"12485903i", 12485903}, {"9223372036854775807i", INT64_MAX}, {"-9223372036854775808i", INT64_MIN},
		{"999999999999999999i", 999999999999999999}, {"000000000000000000000007i", 7}};
	for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
		snprintf(line, sizeof(line), "m v=%s,w=1 5", ints[i].text);
		take(&l, line);
		assert_int_equal(l.fields[0].type, LP_I64);
		assert_int_equal(l.fields[0].i64, ints[i].v);
	}
	static const char *const bools[] = {"t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"};
	for (size_t i = 0; i < 10; i++) {
		snprintf(line, sizeof(line), "m v=%s,w=1i 5", bools[i]);
		take(&l, line);
		assert_int_equal(l.fields[0].type, LP_BOOL);
		assert_int_equal(l.fields[0].b, i < 5);
	}
}

static void strings(void **state)
{
	(void)state;
	static const struct {
		const char *text, *v;
	} rows[] = {
		{"\"\"", ""}, {"\"too warm\"", "too warm"}, {"\"a,b=c d\"", "a,b=c d"}, {"\"too \\\"hot\\\"\"", "too \"hot\""}, {"\"back\\\\slash\"", "back\\slash"},
		{"\"as \\is\"", "as \\is"}, {"\"\\\\\"", "\\"}, {"\"\\\\\\\"\"", "\\\""}, {"\"BBM-A-0172\"", "BBM-A-0172"},
	};
	struct lineproto_line l;
	char line[128];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(line, sizeof(line), "m a=%s,b=%s,c=.5,d=%s 7", rows[i].text, rows[i].text, rows[i].text);
		take(&l, line);
		assert_int_equal(l.n_fields, 4);
		for (size_t k = 0; k < 4; k++)
			if (k != 2)
				eq(l.fields[k].str, rows[i].v);
		assert_int_equal(l.t_ns, 7);
	}
}

static void escapes(void **state)
{
	(void)state;
	struct lineproto_line l;
	take(&l, "wea\\,ther,location=us\\,mid\\=west\\ 1,a\\ b=c temp\\=rature=82,\\,x=1");
	eq(l.measurement, "wea\\,ther");
	unescaped(l.measurement, "wea,ther");
	unescaped(l.tags[0].value, "us,mid=west 1");
	unescaped(l.tags[1].key, "a b");
	unescaped(l.fields[0].key, "temp=rature");
	unescaped(l.fields[1].key, ",x");
	take(&l, "wea\\\\ther,path=C:\\dir\\\\\\, v=1"); /* any other backslash stands for itself */
	unescaped(l.measurement, "wea\\\\ther");
	unescaped(l.tags[0].value, "C:\\dir\\\\,");
	take(&l, "\"weather\",\"location\"=\"us\" \"t\"=1"); /* quotes are part of names */
	eq(l.measurement, "\"weather\"");
	eq(l.tags[0].value, "\"us\"");
	eq(l.fields[0].key, "\"t\"");
	unescaped(SPAN_LIT("\\"), "\\");
	unescaped(SPAN_LIT(""), "");
	unescaped(SPAN_LIT("\\,\\ \\=\\x\\"), ", =\\x\\");
}

static void nothing(void **state)
{
	(void)state;
	static const char *const rows[] = {"", " ", "\t ", "# a comment", "  #x v=1"};
	struct lineproto_line l;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(lineproto_parse(parser, span_str(rows[i]), &l, NULL), MO_ENOENT);
}

static void refusals(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		int err;
		enum mo_msg msg;
		unsigned column;
	} rows[] = {
		{",a=b v=1", MO_EINVAL, MSG_LP_NO_MEASUREMENT, 1}, {"weather", MO_EINVAL, MSG_LP_NO_FIELDS, 8}, {"weather,a=b", MO_EINVAL, MSG_LP_NO_FIELDS, 12},
		{"weather,a=b ", MO_EINVAL, MSG_LP_NO_FIELDS, 13}, {"m,=b v=1", MO_EINVAL, MSG_LP_TAG_MISSING, 3}, {"m,a v=1", MO_EINVAL, MSG_LP_TAG_FORM, 4},
		{"m,a= v=1", MO_EINVAL, MSG_LP_TAG_FORM, 5}, {"m,a=b=c v=1", MO_EINVAL, MSG_LP_TAG_FORM, 6}, {"m,a=b, v=1", MO_EINVAL, MSG_LP_TAG_MISSING, 7},
		{"m,a=b,a=c v=1", MO_EINVAL, MSG_LP_TAG_TWICE, 7}, {"m v", MO_EINVAL, MSG_LP_FIELD_FORM, 4}, {"m v=", MO_EINVAL, MSG_LP_FIELD_FORM, 4},
		{"m =1", MO_EINVAL, MSG_LP_NO_FIELDS, 3}, {"m v=1,", MO_EINVAL, MSG_LP_FIELD_MISSING, 7}, {"m v=1,=2", MO_EINVAL, MSG_LP_FIELD_MISSING, 7},
		{"m v=,w=2", MO_EINVAL, MSG_LP_BAD_VALUE, 5}, {"m v=+2", MO_EINVAL, MSG_LP_BAD_VALUE, 5}, {"m v=+2i", MO_EINVAL, MSG_LP_BAD_VALUE, 5},
		{"m v=NaN", MO_EINVAL, MSG_LP_BAD_VALUE, 5}, {"m v=inf", MO_EINVAL, MSG_LP_BAD_VALUE, 5}, {"m v=-inf", MO_EINVAL, MSG_LP_BAD_VALUE, 5},
		{"m v=1u", MO_EINVAL, MSG_LP_BAD_VALUE, 5}, {"m v=1.5i", MO_EINVAL, MSG_LP_BAD_VALUE, 5}, {"m v=1e3i", MO_EINVAL, MSG_LP_BAD_VALUE, 5},
		{"m v=9223372036854775808i", MO_ELIMIT, MSG_LP_BAD_VALUE, 5}, {"m v=1e400", MO_ELIMIT, MSG_LP_BAD_VALUE, 5}, {"m v=1.1.1", MO_EINVAL, MSG_LP_BAD_VALUE, 5},
		{"m v=.", MO_EINVAL, MSG_LP_BAD_VALUE, 5}, {"m v=-", MO_EINVAL, MSG_LP_BAD_VALUE, 5}, {"m v=-i", MO_EINVAL, MSG_LP_BAD_VALUE, 5},
		{"m v=0x10", MO_EINVAL, MSG_LP_BAD_VALUE, 5}, {"m v=tRUE", MO_EINVAL, MSG_LP_BAD_VALUE, 5}, {"m v='a'", MO_EINVAL, MSG_LP_BAD_VALUE, 5},
		{"m v=\"open", MO_EAGAIN, MSG_LP_STRING_OPEN, 5}, {"m v=\"open\\\"", MO_EAGAIN, MSG_LP_STRING_OPEN, 5}, {"m v=\"a\"b 1", MO_EINVAL, MSG_LP_FIELD_FORM, 8},
		{"m v=1 1.5", MO_EINVAL, MSG_LP_BAD_TIME, 7}, {"m v=1 1465839830100400200\r", MO_EINVAL, MSG_LP_BAD_TIME, 7}, {"m v=1\r", MO_EINVAL, MSG_LP_BAD_VALUE, 5},
		{"m v=1 +5", MO_EINVAL, MSG_LP_BAD_TIME, 7}, {"m v=1 5 6", MO_EINVAL, MSG_LP_BAD_TIME, 9}, {"m v=1 w=2", MO_EINVAL, MSG_LP_BAD_TIME, 7},
		{"m v=1 9223372036854775807", MO_ELIMIT, MSG_LP_TIME_RANGE, 7}, {"m v=1 -9223372036854775808", MO_ELIMIT, MSG_LP_TIME_RANGE, 7},
		{"m v=1 99999999999999999999", MO_ELIMIT, MSG_LP_TIME_RANGE, 7}, {"온도 v=가 1", MO_EINVAL, MSG_LP_BAD_VALUE, 6},
	};
	struct lineproto_line l;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct diag d;
		diag_clear(&d);
		int e = lineproto_parse(parser, span_str(rows[i].line), &l, &d);
		if (e != rows[i].err || d.err != e || d.msg != rows[i].msg || d.column != rows[i].column)
			fail_msg("%s: %d, message %d, column %u", rows[i].line, e, (int)d.msg, (unsigned)d.column);
		assert_int_equal(lineproto_parse(parser, span_str(rows[i].line), &l, NULL), e);
	}
}

/* Strings that hold LFs. */
static void joined(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int err; /* without what follows */
		int last;
		size_t end; /* of what ends; else how far it was looked through */
	} rows[] = {
		{"m v=\"a\nb\"\nm v=1\n", 0, 0, 9}, {"m v=\"a\n\n\n\"\n", 0, 0, 10}, {"m v=\"a\nb\" 5\n", 0, 0, 11}, {"m v=\"a\nb\",w=\"c\nd\",x=1 5\n", 0, 0, 23},
		{"m v=\"a\nb\\\"c\"\n", 0, 0, 12}, {"m v=\"a\nb\\\\\"\n", 0, 0, 11}, {"m v=\"a\\\nb\"\n", 0, 0, 10}, {"m v=\"a\n\",k\\=\"w=1\nm", 0, 0, 16},
		{"m v=\"a\n\",k\\\\=\"w=1\nm", 0, 0, 17}, {"m v=\"a\n\",k\\\nm", 0, 0, 11},
		{"m v=\"a\nb\"", MO_EAGAIN, 0, 9}, {"m v=\"a\nb\" 5", MO_EAGAIN, 0, 11}, {"m v=\"a\nb\",w=\"\n", MO_EAGAIN, MO_EINVAL, 14}, {"m v=\"a\n", MO_EAGAIN, MO_EINVAL, 7},
		{"m v=\"a\nm w=\"b\"\n", MO_EINVAL, MO_EINVAL, 12}, {"m v=\"a\nb\"\"\n", MO_EINVAL, MO_EINVAL, 9},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span s = span_str(rows[i].text);
		size_t lf = span_find(s, 0, '\n'), end = 0;
		struct lineproto_line l;
		assert_int_equal(lineproto_parse(parser, span_sub(s, 0, lf), &l, NULL), MO_EAGAIN);
		for (int last = 0; last < 2; last++) {
			int e = lineproto_joined(&end, s, lf, last);
			if (e != (last ? rows[i].last : rows[i].err) || end != rows[i].end)
				fail_msg("%s: %d, to %zu", rows[i].text, e, end);
		}
	}
	struct lineproto_line l;
	take(&l, "m a=\"1\n2\\\"\n\",b=\"\n\" 7");
	eq(l.fields[0].str, "1\n2\"\n");
	eq(l.fields[1].str, "\n");
	assert_int_equal(l.t_ns, 7);

	struct buf b;
	size_t end = 0;
	buf_init(&b, 0);
	buf_adds(&b, "m v=\"\n");
	while (b.n < LINEPROTO_JOINED_MAX - 1)
		buf_addc(&b, 'x');
	buf_adds(&b, "\"\n");
	assert_int_equal(lineproto_joined(&end, buf_span(&b), 6, true), MO_EINVAL);
	assert_int_equal(end, LINEPROTO_JOINED_MAX);
	b.n = LINEPROTO_JOINED_MAX;
	assert_int_equal(lineproto_joined(&end, buf_span(&b), 6, true), 0);
	buf_free(&b);
}

static void precisions(void **state)
{
	(void)state;
	static const int64_t units[] = {1, NS_PER_US, NS_PER_MS, NS_PER_S, 60 * NS_PER_S, 3600 * NS_PER_S};
	struct lineproto *p;
	struct lineproto_line l;
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(lineproto_new(&p, units[i]), 0);
		assert_int_equal(lineproto_parse(p, SPAN_LIT("m v=1 407177"), &l, NULL), 0);
		assert_int_equal(l.t_ns, 407177 * units[i]);
		if (i)
			assert_int_equal(lineproto_parse(p, SPAN_LIT("m v=1 9223372036854775"), &l, NULL), i == 1 ? 0 : MO_ELIMIT);
		lineproto_free(p);
	}
	assert_int_equal(lineproto_new(&p, 0), MO_EINVAL);
	lineproto_free(NULL);
}

static void limits(void **state)
{
	(void)state;
	struct lineproto_line l;
	struct diag d;
	struct buf b;
	buf_init(&b, 0);
	for (unsigned over = 0; over < 2; over++) {
		buf_reset(&b);
		buf_adds(&b, "m");
		for (unsigned i = 0; i < LINEPROTO_TAGS_MAX + over; i++)
			buf_printf(&b, ",t%u=x", i);
		buf_adds(&b, " v=1");
		assert_int_equal(lineproto_parse(parser, buf_span(&b), &l, &d), over ? MO_ELIMIT : 0);
		buf_reset(&b);
		buf_adds(&b, "m ");
		for (unsigned i = 0; i < LINEPROTO_FIELDS_MAX + over; i++)
			buf_printf(&b, "%sf%u=%u", i ? "," : "", i, i);
		assert_int_equal(lineproto_parse(parser, buf_span(&b), &l, &d), over ? MO_ELIMIT : 0);
		if (!over)
			assert_true(l.n_fields == LINEPROTO_FIELDS_MAX && l.fields[1023].f64 == 1023);
		buf_reset(&b);
		buf_adds(&b, "m v=\"\\\"");
		while (b.n < LINEPROTO_LINE_MAX - 1 + over)
			buf_addc(&b, 'x');
		buf_addc(&b, '"');
		assert_int_equal(lineproto_parse(parser, buf_span(&b), &l, &d), over ? MO_ELIMIT : 0);
	}
	buf_free(&b);
}

static void without_memory(void **state)
{
	(void)state;
	for (uint64_t n = 1;; n++) {
		struct lineproto *p = NULL;
		struct lineproto_line l;
		faultalloc_arm(n);
		int e = lineproto_new(&p, 1);
		if (e == 0)
			e = lineproto_parse(p, SPAN_LIT("m a=\"x\\\"y\",b=1.,c=\"z\\\\\" 3"), &l, NULL);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		assert_int_equal(e, fired ? MO_ENOMEM : 0);
		if (!fired) {
			eq(l.fields[0].str, "x\"y");
			eq(l.fields[2].str, "z\\");
		}
		lineproto_free(p);
		if (!fired) {
			assert_int_equal(n, 3);
			return;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_lines), cmocka_unit_test(values), cmocka_unit_test(strings), cmocka_unit_test(escapes), cmocka_unit_test(nothing),
		cmocka_unit_test(refusals), cmocka_unit_test(joined), cmocka_unit_test(precisions), cmocka_unit_test(limits), cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
