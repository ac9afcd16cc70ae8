#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "collect.h"
#include "faultalloc.h"

static struct arena arena;
static struct zone *seoul;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return zone_fixed(&seoul, 9 * 3600);
}
static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	zone_free(seoul);
	return 0;
}

static void propose(struct intake_plan *p, struct span text)
{
	struct diag d;
	int e = intake_propose(p, &arena, text, true, "m.csv", "en", &d);
	if (e)
		fail_msg("%s: message %d", mo_err_name(e), (int)d.msg);
}

static void same(const struct buf *b, const char *want)
{
	if (!span_is(buf_span(b), want))
		fail_msg("\n got %.*s\nwant %s", SPAN_FMT(buf_span(b)), want);
}

/* Text, what is stored, what is refused ("LINE field|value"), counts: rows refused values missing. */
static const struct {
	const char *text, *stored, *refused;
	unsigned counts[4];
} rows[] = {
	{"t,v,s\n2021-09-06 10:05,1,a\n2021-09-06 10:06,2.5,b\n",
		"v 2021-09-06T01:05:00Z 1\nv 2021-09-06T01:06:00Z 2.5\ns 2021-09-06T01:05:00Z a\ns 2021-09-06T01:06:00Z b\n", "", {2, 0, 4, 0}},
	/* missing, blank rows, blanks, quotes, thousands */
	{"t,v,s\r\n2021-09-06 10:05,-,\"a \"\"x\"\", b\"\r\n\r\n,,\r\n 2021-09-06 10:06 ,\"1,395\",\r\n2021-09-06 10:07,.5,\"two\nlines\"",
		"v 2021-09-06T01:06:00Z 1395\nv 2021-09-06T01:07:00Z 0.5\ns 2021-09-06T01:05:00Z a \"x\", b\ns 2021-09-06T01:07:00Z two\nlines\n", "", {3, 0, 4, 2}},
	/* ragged */
	{"t,v,s\n2021-09-06 10:05,1\n2021-09-06 10:06,2,x,\n2021-09-06 10:07,3,y,z\n2021-09-06 10:08\n2021-09-06 10:09,5,x\n2021-09-06 10:10,6,x\n2021-09-06 10:11,7,x\n",
		"v 2021-09-06T01:05:00Z 1\nv 2021-09-06T01:06:00Z 2\nv 2021-09-06T01:09:00Z 5\nv 2021-09-06T01:10:00Z 6\nv 2021-09-06T01:11:00Z 7\n"
		"s 2021-09-06T01:06:00Z x\ns 2021-09-06T01:09:00Z x\ns 2021-09-06T01:10:00Z x\ns 2021-09-06T01:11:00Z x\n", "4 |\n", {7, 1, 9, 3}},
	/* wrong cells refuse their row and nothing else of it is kept */
	{"t,a,b\n2021-09-06 10:05,1,2\n2021-09-06 10:06,-,x\n2021-09-06 10:07,(5),6\n,7,8\nyesterday,9,9\n2021-09-06 10:08,-,3\n"
	 "2021-09-06 10:09,4,5\n2021-09-06 10:10,4,5\n2021-09-06 10:11,4,5\n2021-09-06 10:12,4,5\n2021-09-06 10:13,4,5\n2021-09-06 10:14,4,5\n2021-09-06 10:15,4,5\n"
	 "2021-09-06 10:16,4,5\n2021-09-06 10:17,4,5\n2021-09-06 10:18,4,5\n",
		NULL, "3 b|x\n4 a|(5)\n5 t|\n6 t|yesterday\n", {16, 4, 23, 1}},
	/* without times */
	{"name,v\nA,1\nB,x y\nC,3\n", NULL, "", {3, 0, 6, 0}},
	{"no,v\n5,1\n6,2\n7,4\n", "v 1970-01-01T00:00:00.000000005Z 1\nv 1970-01-01T00:00:00.000000006Z 2\nv 1970-01-01T00:00:00.000000007Z 4\n", "", {3, 0, 3, 0}},
	{"v\n1\n\n2\n", "v 1970-01-01T00:00:00.000000001Z 1\nv 1970-01-01T00:00:00.000000002Z 2\n", "", {2, 0, 2, 0}},
	/* tags */
	{"t,place,v\n2021-01-01,A,1\n2021-01-01,B,2\n2021-01-02,A,3\n2021-01-02,,4\n2021-01-03, B ,5\n2021-01-03,A,6\n",
		"v[place=A] 2020-12-31T15:00:00Z 1\nv[place=A] 2021-01-01T15:00:00Z 3\nv[place=A] 2021-01-02T15:00:00Z 6\nv[place=B] 2020-12-31T15:00:00Z 2\n"
		"v[place=B] 2021-01-02T15:00:00Z 5\nv 2021-01-01T15:00:00Z 4\n", "",
		{6, 0, 6, 0}},
	/* midnight is stored as it is written */
	{"t,v\n2021-09-06 23:30,1\n2021-09-06 23:45,2\n2021-09-06 00:00,3\n", "v 2021-09-06T14:30:00Z 1\nv 2021-09-06T14:45:00Z 2\nv 2021-09-05T15:00:00Z 3\n", "", {3, 0, 3, 0}},
	{"date,clock,v\n2021-09-06,10:05,1\n2021-09-06,,2\n", "v 2021-09-06T01:05:00Z 1\n", "3 clock|\n", {2, 1, 1, 0}},
	{"t,on\n2021-01-01,true\n2021-01-02,-\n2021-01-03,FALSE\n", "on 2020-12-31T15:00:00Z true\non 2021-01-02T15:00:00Z false\n", "", {3, 0, 2, 1}},
	{"t,n\n2021-01-01,9007199254740993\n2021-01-02,-1\n", "n 2020-12-31T15:00:00Z 9007199254740993i\nn 2021-01-01T15:00:00Z -1i\n", "", {2, 0, 2, 0}},
};

static void check_refused(const struct collect *c, const char *want)
{
	struct buf b;
	struct span s = buf_span(&c->refused);
	buf_init(&b, 0);
	for (size_t at = 0; at < s.n;) { /* without message numbers and what was expected */
		size_t end = span_find(s, at, '\n'), blank = span_find(s, at, ' '), name = span_find(s, blank + 1, ' '), bar = span_find(s, name, '|'), last = span_find(s, bar + 1, '|');
		buf_add(&b, span_sub(s, at, blank - at));
		buf_add(&b, span_sub(s, name, last - name));
		buf_adds(&b, "\n");
		at = end + 1;
	}
	if (!span_is(buf_span(&b), want))
		fail_msg("refused\n got %.*s\nwant %s", SPAN_FMT(buf_span(&b)), want);
	buf_free(&b);
}

static void tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct intake_plan p;
		struct span text = span_str(rows[i].text);
		propose(&p, text);
		for (size_t piece = 0; piece <= text.n; piece++) { /* at once, and cut at every size */
			struct collect c = {.times_as_utc = true};
			struct diag d;
			assert_int_equal(collect_read(&c, &p, seoul, text, piece, &d), 0);
			if (rows[i].stored)
				same(&c.out, rows[i].stored);
			check_refused(&c, rows[i].refused);
			assert_int_equal(c.counts.rows, rows[i].counts[0]);
			assert_int_equal(c.counts.refused, rows[i].counts[1]);
			assert_int_equal(c.counts.refused, c.refused_rows);
			assert_int_equal(c.counts.values, rows[i].counts[2]);
			assert_int_equal(c.counts.missing, rows[i].counts[3]);
			assert_int_equal(c.progress, text.n);
			collect_free(&c);
		}
	}
}

static void hostile_rows(void **state)
{
	(void)state;
	struct intake_plan p;
	struct collect c = {.times_as_utc = true};
	struct diag d;
	propose(&p, SPAN_LIT("t,v\n2021-01-01,1\n2021-01-02,2\n"));
	assert_int_equal(collect_read(&c, &p, seoul, SPAN_LIT("t,v\n2021-01-01,1\n2021-01-02,\"2\n2021-01-03,3\n2021-01-04,\"4\"x\n2021-01-05,5\n"), 3, &d), 0);
	same(&c.out, "v 2020-12-31T15:00:00Z 1\nv 2021-01-02T15:00:00Z 3\nv 2021-01-04T15:00:00Z 5\n");
	assert_int_equal(c.counts.rows, 5);
	assert_int_equal(c.counts.refused, 2);
	collect_free(&c);
	/* bytes that are not of the encoding are counted, not hidden */
	c = (struct collect){0};
	propose(&p, SPAN_LIT("t,s\n2021-01-01,a\n"));
	assert_int_equal(collect_read(&c, &p, seoul, SPAN_LIT("t,s\n2021-01-01,\xff\n"), 0, &d), 0);
	assert_int_equal(c.counts.bad_text, 1);
	assert_int_equal(c.counts.values, 1);
	collect_free(&c);
}

/* A line that does not end: refused once, memory bounded by the record limit, the next row read. */
static void endless_line(void **state)
{
	(void)state;
	static char piece[1 << 20];
	struct intake_plan p;
	struct collect c = {.times_as_utc = true};
	struct intake_reader *r;
	struct diag d;
	propose(&p, SPAN_LIT("t,v\n2021-01-01,1\n"));
	assert_int_equal(intake_open(&r, &p, seoul, &collect_sink, &c, &d), 0);
	assert_int_equal(intake_feed(r, SPAN_LIT("t,v\n2021-01-01,1\n"), &d), 0);
	memset(piece, '7', sizeof(piece));
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(intake_feed(r, span_of(piece, sizeof(piece)), &d), 0);
	assert_int_equal(intake_feed(r, SPAN_LIT("\n2021-01-02,2\n"), &d), 0);
	assert_int_equal(intake_end(r, &c.counts, &d), 0);
	assert_int_equal(intake_feed(r, SPAN_LIT("x"), &d), MO_ESTATE);
	assert_int_equal(intake_end(r, &c.counts, &d), MO_ESTATE);
	intake_close(r);
	same(&c.out, "v 2020-12-31T15:00:00Z 1\nv 2021-01-01T15:00:00Z 2\n");
	assert_int_equal(c.counts.rows, 3);
	assert_int_equal(c.counts.refused, 1);
	collect_free(&c);
}

/* More rows than a block and more machines than the memory holds blocks for. */
static void many_groups(void **state)
{
	(void)state;
	struct buf b;
	struct intake_plan p;
	struct diag d;
	buf_init(&b, 0);
	buf_adds(&b, "t,m,v,s\n");
	propose(&p, SPAN_LIT("t,m,v,s\n2021-01-01,A,1,x\n2021-01-01,B,1,y\n2021-01-02,A,1,x\n2021-01-02,B,1,y\n"));
	assert_int_equal(p.columns[1].use, USE_TAG);
	for (unsigned i = 0; i < 3000; i++)
		buf_printf(&b, "2021-01-01,M%u,%u,text number %u\n", i % 1500, i, i);
	struct collect c = {0};
	assert_int_equal(collect_read(&c, &p, seoul, buf_span(&b), 1000, &d), 0);
	assert_int_equal(c.counts.values, 6000);
	assert_int_equal(c.n_series, 3000);
	collect_free(&c);
	buf_reset(&b);
	buf_adds(&b, "t,m,v,s\n");
	for (unsigned i = 0; i < 10000; i++)
		buf_printf(&b, "2021-01-01,A,%u,%u\n", i, i);
	c = (struct collect){0};
	assert_int_equal(collect_read(&c, &p, seoul, buf_span(&b), 0, &d), 0);
	assert_int_equal(c.counts.values, 20000);
	assert_int_equal(c.runs, 6);
	collect_free(&c);
	buf_free(&b);
}

static void sinks_that_stop(void **state)
{
	(void)state;
	struct intake_plan p;
	struct diag d;
	propose(&p, SPAN_LIT("t,v\n2021-01-01,1\n"));
	struct collect c = {.fail_run = MO_EFULL};
	assert_int_equal(collect_read(&c, &p, seoul, SPAN_LIT("t,v\n2021-01-01,1\n"), 0, &d), MO_EFULL);
	collect_free(&c);
	c = (struct collect){.cancel = 1};
	assert_int_equal(collect_read(&c, &p, seoul, SPAN_LIT("t,v\n2021-01-01,1\n"), 0, &d), MO_ECANCELED);
	collect_free(&c);
}

static void wrong_plans(void **state)
{
	(void)state;
	struct intake_plan p;
	struct intake_reader *r;
	struct diag d;
	propose(&p, SPAN_LIT("t,v,w\n2021-01-01,1,2\n"));
	p.columns[1].use = p.columns[2].use = USE_IGNORE;
	assert_int_equal(intake_open(&r, &p, seoul, &collect_sink, NULL, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_INTAKE_PLAN_NO_VALUES);
	p.columns[1].use = p.columns[2].use = USE_VALUE;
	p.columns[2].signal = p.columns[1].signal;
	assert_int_equal(intake_open(&r, &p, seoul, &collect_sink, NULL, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_INTAKE_PLAN_SIGNAL_TWICE);
	p.columns[2].use = USE_TIME;
	assert_int_equal(intake_open(&r, &p, seoul, &collect_sink, NULL, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_INTAKE_PLAN_TIME_COLUMNS);
	p.columns[2].use = USE_CLOCK;
	p.columns[0].use = USE_DATE;
	assert_int_equal(intake_open(&r, &p, seoul, &collect_sink, NULL, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_INTAKE_PLAN_TIME_FORMAT);
	intake_close(NULL);
}

/* Every allocation fails once: a clean error, nothing leaks. */
static void without_memory(void **state)
{
	(void)state;
	static const char text[] = "t,place,s,v,b\n2021-01-01,A,\"x\"\"y\",1,true\n2021-01-01,B,y,-,\n2021-01-02,A,z,3,false\n2021-01-02,B,z,\"1,300\",true\nbad,A,z,3,\n"
		"2021-01-03,A,z,3,true\n2021-01-03,B,z,3,true\n2021-01-04,A,z,3,\n2021-01-04,B,z,4,\n2021-01-05,A,z,3,\n2021-01-05,B,z,3,\n";
	uint64_t n = 1;
	for (;; n++) {
		struct arena a;
		struct intake_plan p;
		struct intake_cell *cells;
		struct collect c = {0};
		struct diag d;
		size_t n_cells;
		char shape[65];
		arena_init(&a, 0);
		faultalloc_arm(n);
		int e = intake_propose(&p, &a, span_of(text, sizeof(text) - 1), true, "m.csv", "ko", &d);
		if (e == 0)
			e = intake_preview(&cells, &n_cells, &a, &p, seoul, span_of(text, sizeof(text) - 1), 5, &d);
		if (e == 0)
			e = intake_shape(shape, &p);
		/* As a plan goes to a person and comes back. */
		struct buf json;
		struct json_writer w;
		buf_init(&json, 0);
		json_writer_init(&w, &json);
		if (e == 0) {
			intake_plan_write(&w, &p);
			e = json.err;
		}
		if (e == 0)
			e = intake_plan_read(&p, &a, buf_span(&json), &d);
		uint64_t refused;
		if (e == 0)
			e = intake_refused_rows(&refused, &p, seoul, span_of(text, sizeof(text) - 1), &d);
		buf_free(&json);
		if (e == 0)
			e = collect_read(&c, &p, seoul, span_of(text, sizeof(text) - 1), 7, &d);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		if (e != (fired ? MO_ENOMEM : 0))
			fail_msg("allocation %u: %s", (unsigned)n, mo_err_name(e));
		if (e == 0) {
			assert_int_equal(c.counts.rows, 11);
			assert_int_equal(c.counts.refused, 1);
		}
		collect_free(&c);
		arena_free(&a);
		if (!fired)
			break;
	}
	print_message("%u allocations\n", (unsigned)n - 1);
	assert_true(n > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(tables), cmocka_unit_test(hostile_rows), cmocka_unit_test(endless_line), cmocka_unit_test(many_groups),
		cmocka_unit_test(sinks_that_stop), cmocka_unit_test(wrong_plans), cmocka_unit_test(without_memory)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
