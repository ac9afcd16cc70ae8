/* Real files, read from MORU_SHARED/data or ../shared/data, never copied; skipped, and said so, where they are absent. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "collect.h"

struct file {
	const char *path, *format;
	enum intake_question question;
	enum text_encoding encoding;
	size_t columns;
	const char *time, *tags;  /* column names */
	const char *name, *unit;  /* one column's */
	enum series_type type;    /* and its type */
	uint64_t rows, refused, missing, series;
	const char *row;          /* one of the values */
};

static const struct file files[] = {
	{"steel_energy_gwangyang.csv", "D/M/YYYY h:mm", ASK_MIDNIGHT, TEXT_UTF8_BOM, 11, "date", "", "Usage", "kWh", SERIES_F64, 35040, 0, 0, 10,
		"Usage 2017-12-31T15:15:00Z 3.17\n"},
	{"ai4i2020.csv", NULL, ASK_NOTHING, TEXT_UTF8_BOM, 9, "", "", "Air temperature", "K", SERIES_F64, 10000, 0, 0, 8,
		"Torque 1970-01-01T00:00:00.000010Z 40.2\n"},
	{"nab_machine_temperature.csv", "YYYY-MM-DD hh:mm:ss", ASK_NOTHING, TEXT_UTF8, 2, "timestamp", "", "value", "", SERIES_F64, 22695, 0, 0, 1,
		"value 2013-12-02T12:15:00Z 73.96732207\n"},
	{"korea/messy/crime_in_Seoul.csv", NULL, ASK_NOTHING, TEXT_CP949, 11, "", "", "관서명", "", SERIES_STR, 31, 0, 0, 11,
		"절도 발생 1970-01-01T00:00:00.000000001Z 1395\n"},
	{"korea/messy/korea-thermal-power.csv", "YYYY-MM-DD", ASK_NOTHING, TEXT_CP949, 4, "거래일자", "지역,연료원,", "발전량", "MWh", SERIES_F64, 54330, 0, 0, 34,
		"발전량[지역=강원도,연료원=석탄] 2017-12-31T15:00:00Z 46702\n"},
	{"korea/messy/kosis-airline-company.csv", "YYYY.MM", ASK_NOTHING, TEXT_CP949, 6, "시점", "항공사별(1),도착출발별(1),", "화물", "t", SERIES_F64, 3696, 0, 0, 78,
		"여객[항공사별(1)=아시아나항공,도착출발별(1)=도착] 2004-12-31T15:00:00Z 791439\n"},
	{"korea/messy/kosis-economic-index.csv", "YYYY.MM", ASK_NOTHING, TEXT_CP949, 23, "시점", "", "선행종합지수(2020=100)", "", SERIES_F64, 644, 3, 7524, 22,
		"선행종합지수(2020=100) 1969-12-31T15:00:00Z 3.7\n"},
	{"korea/messy/seoul-air-2018.csv", "YYYYMMDD", ASK_NOTHING, TEXT_CP949, 8, "측정일시", "측정소명,", "미세먼지농도", "µg/m³", SERIES_F64, 14637, 0, 1982, 275,
		"초미세먼지농도[측정소명=강남대로] 2017-12-31T15:00:00Z 17\n"},
	{"korea/messy/special-days-api.csv", "YYYY-MM-DD", ASK_NOTHING, TEXT_UTF8, 5, "locdate", "", "dateKind", "", SERIES_STR, 207, 0, 0, 4,
		"dateKind 2011-12-31T15:00:00Z 01\n"},
};

static bool load(struct buf *b, const char *name)
{
	char path[1024];
	const char *shared = getenv("MORU_SHARED");
	int n = shared ? snprintf(path, sizeof(path), "%s/data/%s", shared, name) : snprintf(path, sizeof(path), "%s/../shared/data/%s", INTAKE_SOURCE_ROOT, name);
	FILE *f = n > 0 && n < (int)sizeof(path) ? fopen(path, "rb") : NULL;
	uint8_t *p;
	size_t got;
	if (!f) {
		print_message("skipped: %s is absent\n", path);
		return false;
	}
	while ((p = buf_reserve(b, 1 << 20)) && (got = fread(p, 1, 1 << 20, f)) > 0)
		b->n += got;
	fclose(f);
	assert_int_equal(b->err, 0);
	return true;
}

static void check_plan(const struct file *f, const struct intake_plan *p)
{
	struct buf tags;
	bool time = false, named = false;
	buf_init(&tags, 0);
	assert_int_equal(p->encoding, f->encoding);
	assert_int_equal(p->question, f->question);
	assert_int_equal(p->n_columns, f->columns);
	if (f->format)
		assert_string_equal(p->time_format, f->format);
	else
		assert_null(p->time_format);
	for (size_t c = 0; c < p->n_columns; c++) {
		const struct intake_column *col = &p->columns[c];
		if (col->use == USE_TIME)
			time = span_is(col->name, f->time);
		if (col->use == USE_TAG) {
			buf_add(&tags, col->name);
			buf_adds(&tags, ",");
		}
		if (span_is(col->name, f->name)) {
			named = true;
			assert_true(span_is(col->unit, f->unit));
			assert_int_equal(col->type, f->type);
			assert_int_equal(col->use, USE_VALUE);
		}
	}
	assert_true(named);
	assert_true(time == (f->format != NULL));
	if (!span_is(buf_span(&tags), f->tags))
		fail_msg("tags %.*s", SPAN_FMT(buf_span(&tags)));
	buf_free(&tags);
}

static void one(void **state)
{
	const struct file *f = *state;
	struct buf b;
	struct arena a;
	struct zone *seoul;
	struct intake_plan p;
	struct collect c = {.times_as_utc = true};
	struct diag d;
	buf_init(&b, 0);
	if (!load(&b, f->path)) {
		skip();
		return;
	}
	arena_init(&a, 0);
	assert_int_equal(zone_fixed(&seoul, 9 * 3600), 0);
	struct span head = span_sub(buf_span(&b), 0, INTAKE_HEAD_MAX);
	assert_int_equal(intake_propose(&p, &a, head, head.n == b.n, f->path, "ko", &d), 0);
	check_plan(f, &p);
	assert_int_equal(collect_read(&c, &p, seoul, buf_span(&b), 100000, &d), 0);
	assert_int_equal(c.counts.rows, f->rows);
	assert_int_equal(c.counts.refused, f->refused);
	assert_int_equal(c.counts.missing, f->missing);
	assert_int_equal(c.counts.bad_text, 0);
	assert_int_equal(c.n_series, f->series);
	assert_non_null(memmem(c.out.p, c.out.n, f->row, strlen(f->row)));
	collect_free(&c);
	zone_free(seoul);
	arena_free(&a);
	buf_free(&b);
}

static void workbook(void **state)
{
	(void)state;
	struct buf b;
	struct arena a;
	struct intake_plan p;
	struct diag d;
	buf_init(&b, 0);
	if (!load(&b, "korea/messy/population_in_Seoul.xls")) {
		skip();
		return;
	}
	arena_init(&a, 0);
	assert_int_equal(intake_propose(&p, &a, buf_span(&b), true, "population_in_Seoul.csv", "ko", &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_INTAKE_XLS);
	arena_free(&a);
	buf_free(&b);
}

int main(void)
{
	struct CMUnitTest tests[sizeof(files) / sizeof(files[0]) + 1];
	const size_t n = sizeof(files) / sizeof(files[0]);
	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){files[i].path, one, NULL, NULL, (void *)(uintptr_t)&files[i]};
	tests[n] = (struct CMUnitTest)cmocka_unit_test(workbook);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
