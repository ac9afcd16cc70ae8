#include "cm.h"

#include <stdio.h>
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

static struct span written(const struct intake_plan *p)
{
	struct buf b;
	struct json_writer w;
	buf_init(&b, 0);
	json_writer_init(&w, &b);
	intake_plan_write(&w, p);
	assert_int_equal(b.err, 0);
	struct span s = arena_dup(&arena, buf_span(&b));
	buf_free(&b);
	return s;
}

static void as_the_contract_has_it(void **state)
{
	(void)state;
	struct intake_plan p, q;
	struct diag d;
	assert_int_equal(intake_propose(&p, &arena, SPAN_LIT("일시;온도(℃);설비\n1/2/2018 0:15;1;A\n1/2/2018 0:30;2;B\n"), true, "로그.csv", "ko", NULL), 0);
	p.zone = span_str("Asia/Seoul");
	struct span json = written(&p);
	static const char want[] = "{\"encoding\":\"UTF-8\",\"delimiter\":\";\",\"header_lines\":1,\"asset\":\"로그\","
		"\"time\":{\"columns\":[0],\"format\":\"D/M/YYYY h:mm\",\"zone\":\"Asia/Seoul\",\"question\":\"month_or_day\",\"midnight\":null},"
		"\"columns\":[{\"index\":0,\"name\":\"일시\",\"header\":\"일시\",\"unit\":\"\",\"use\":\"time\",\"type\":\"string\",\"signal\":\"일시\"},"
		"{\"index\":1,\"name\":\"온도\",\"header\":\"온도(℃)\",\"unit\":\"°C\",\"use\":\"value\",\"type\":\"float\",\"signal\":\"온도\"},"
		"{\"index\":2,\"name\":\"설비\",\"header\":\"설비\",\"unit\":\"\",\"use\":\"value\",\"type\":\"string\",\"signal\":\"설비\"}],"
		"\"rows_seen\":2,\"remembered\":false}";
	if (!span_is(json, want))
		fail_msg("%.*s", SPAN_FMT(json));
	assert_int_equal(intake_plan_read(&q, &arena, json, &d), 0);
	assert_true(span_eq(written(&q), json));
	/* without time */
	assert_int_equal(intake_propose(&p, &arena, SPAN_LIT("a,b\nx,1\ny,2\n"), true, "x.csv", "en", NULL), 0);
	json = written(&p);
	assert_non_null(memmem(json.p, json.n, "\"time\":{\"columns\":[],\"format\":null,\"zone\":null,\"question\":null,\"midnight\":null}", 79));
	assert_int_equal(intake_plan_read(&q, &arena, json, &d), 0);
	assert_null(q.time_format);
	assert_true(span_eq(written(&q), json));
}

static void a_midnight_is_kept(void **state)
{
	(void)state;
	struct intake_plan p, q;
	assert_int_equal(intake_propose(&p, &arena, SPAN_LIT("d,c,v\n2021-09-06,23:00,1\n2021-09-06,23:30,1\n2021-09-06,00:00,2\n2021-09-07,00:30,2\n2021-09-07,23:30,2\n"
		"2021-09-07,00:00,2\n"), true, "x.csv", "en", NULL), 0);
	assert_int_equal(p.question, ASK_MIDNIGHT);
	assert_true(p.midnight.line == 4 && span_is(p.midnight.before, "2021-09-06 23:30") && span_is(p.midnight.at, "2021-09-06 00:00"));
	struct span json = written(&p);
	static const char want[] = "\"question\":\"midnight\",\"midnight\":{\"before\":\"2021-09-06 23:30\",\"at\":\"2021-09-06 00:00\",\"line\":4}}";
	assert_non_null(memmem(json.p, json.n, want, sizeof want - 1));
	assert_int_equal(intake_plan_read(&q, &arena, json, NULL), 0);
	assert_true(span_eq(written(&q), json));
	/* Which day a date means is the first question; the midnight is told all the same. */
	assert_int_equal(intake_propose(&p, &arena, SPAN_LIT("t,v\n1/2/2021 23:30,1\n1/2/2021 0:00,2\n2/2/2021 0:30,2\n"), true, "x.csv", "en", NULL), 0);
	assert_int_equal(p.question, ASK_DAY_OR_MONTH);
	assert_true(p.midnight.line == 3 && span_is(p.midnight.at, "1/2/2021 0:00"));
	/* It only informs: what is not whole is not there. */
	static const char *const none[] = {"null", "5", "{}", "{\"before\":\"a\",\"at\":\"b\",\"line\":0}", "{\"before\":1,\"at\":\"b\",\"line\":3}"};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		char text[400];
		snprintf(text, sizeof text, "{\"encoding\":\"UTF-8\",\"delimiter\":\",\",\"header_lines\":1,\"asset\":\"x\",\"time\":{\"midnight\":%s},"
			"\"columns\":[{\"name\":\"v\",\"use\":\"value\",\"type\":\"float\"}]}", none[i]);
		assert_int_equal(intake_plan_read(&q, &arena, span_str(text), NULL), 0);
		assert_true(q.midnight.line == 0);
	}
}

#define COLUMN "{\"name\":\"v\",\"use\":\"value\",\"type\":\"float\"}"
#define PLAN(columns) "{\"encoding\":\"UTF-8\",\"delimiter\":\",\",\"header_lines\":1,\"asset\":\"x\",\"columns\":[" columns "]}"

static void corrections(void **state)
{
	(void)state;
	struct intake_plan p;
	struct diag d;
	assert_int_equal(intake_plan_read(&p, &arena, SPAN_LIT(PLAN(COLUMN)), &d), 0);
	assert_true(span_is(p.columns[0].signal, "v") && span_is(p.columns[0].unit, "") && p.columns[0].type == SERIES_F64);
	static const struct {
		const char *json, *field;
	} bad[] = {
		{"[]", "plan"}, {"{}", "encoding"}, {PLAN(""), "columns"}, {"{\"encoding\":\"EBCDIC\"}", "encoding"}, {"{\"encoding\":\"UTF-8\",\"delimiter\":\"x\"}", "delimiter"},
		{"{\"encoding\":\"UTF-8\",\"delimiter\":\",\",\"header_lines\":101}", "header_lines"}, {"{\"encoding\":\"UTF-8\",\"delimiter\":\",\",\"header_lines\":-1}", "header_lines"},
		{"{\"encoding\":\"UTF-8\",\"delimiter\":\",\",\"asset\":\"\"}", "asset"}, {"{\"encoding\":5}", "encoding"},
		{PLAN("{\"name\":\"v\",\"use\":\"what\",\"type\":\"float\"}"), "columns.use"}, {PLAN("{\"name\":\"v\",\"use\":\"value\",\"type\":\"real\"}"), "columns.type"},
		{PLAN("{\"name\":\"\",\"use\":\"value\",\"type\":\"float\"}"), "columns.name"}, {PLAN("5"), "columns"}, {PLAN(COLUMN "," COLUMN), "v"},
		{"{\"encoding\":\"UTF-8\",\"delimiter\":\",\",\"asset\":\"x\",\"time\":{\"format\":\"YYYY/DD\"}}", "time.format"},
		{"{\"encoding\":\"UTF-8\",\"delimiter\":\",\",\"asset\":\"x\",\"time\":5}", "time"}, {"{\"encoding\":\"UTF-8\",\"delimiter\":\",\",\"asset\":\"x\",\"columns\":{}}", "columns"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int e = intake_plan_read(&p, &arena, span_str(bad[i].json), &d);
		if (e != MO_EINVAL || strcmp(d.field, bad[i].field))
			fail_msg("%s: %d at '%s'", bad[i].json, e, d.field);
	}
	assert_int_equal(intake_plan_read(&p, &arena, SPAN_LIT(PLAN(COLUMN ",{\"name\":\"t\",\"use\":\"time\"}")), &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_INTAKE_PLAN_TIME_FORMAT);
	assert_int_equal(intake_plan_read(&p, &arena, SPAN_LIT("{\"encoding\""), &d), MO_EINVAL);
}

static void shapes(void **state)
{
	(void)state;
	static const char *const texts[] = {"t,v\n2021-01-01,1\n", "\xef\xbb\xbft,v\r\n2022-01-01,7\r\n2022-01-02,8\r\n", "t;v\n2021-01-01;1\n", "t,w\n2021-01-01,1\n",
		"t,v,w\n2021-01-01,1,2\n", "tv,\n1,2\n"};
	char first[65], other[65];
	struct intake_plan p;
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(intake_propose(&p, &arena, span_str(texts[i]), true, "x", "en", NULL), 0);
		assert_int_equal(intake_shape(i ? other : first, &p), 0);
		assert_int_equal(strlen(first), 64);
		if (i)
			assert_int_equal(strcmp(first, other) == 0, i == 1);
	}
	/* a plan read back recognises the same files */
	assert_int_equal(intake_propose(&p, &arena, span_str(texts[0]), true, "x", "en", NULL), 0);
	assert_int_equal(intake_plan_read(&p, &arena, written(&p), NULL), 0);
	assert_int_equal(intake_shape(other, &p), 0);
	assert_string_equal(first, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(as_the_contract_has_it), cmocka_unit_test(a_midnight_is_kept), cmocka_unit_test(corrections), cmocka_unit_test(shapes)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
