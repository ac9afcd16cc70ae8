#include "cm.h"

#include <stdlib.h>

#include "collect.h"

static void cells_as_they_read(void **state)
{
	(void)state;
	static const char text[] = "일시,온도(℃),상태,설비,켜짐,수량\n2021. 9. 6. 오전 10:05:03.5,\"1,395\",정상,A,true,9007199254740993\n\n"
		"2021. 9. 6. 오전 10:05:03.5,-,,B,maybe,2\n내일,x,정상,A,false,3\n2021. 9. 6. 오전 10:05:04.5,2,정상,A\n2021. 9. 6. 오전 10:05:04.5,2,정상,B,true,4\n";
	static const char *const want[] = {"2021-09-06 10:05:03.500", "1395", "정상", "A", "true", "9007199254740993", "2021-09-06 10:05:03.500", "–", "–", "B", "!", "2",
		"!", "!", "정상", "A", "false", "3", "2021-09-06 10:05:04.500", "2", "정상", "A", "–", "–"};
	struct arena a;
	struct zone *z;
	struct intake_plan p;
	struct intake_cell *cells;
	struct diag d;
	size_t n;
	arena_init(&a, 0);
	assert_int_equal(zone_fixed(&z, 9 * 3600), 0);
	assert_int_equal(intake_propose(&p, &a, span_of(text, sizeof(text) - 1), true, "x.csv", "ko", &d), 0);
	p.columns[0].use = USE_TIME;
	p.time_format = "YYYY. M. D. 오전 h:mm:ss";
	p.columns[1].type = SERIES_F64;
	p.columns[1].use = p.columns[2].use = p.columns[4].use = p.columns[5].use = USE_VALUE;
	p.columns[2].type = SERIES_STR;
	p.columns[3].use = USE_TAG;
	p.columns[4].type = SERIES_BOOL;
	p.columns[5].type = SERIES_I64;
	assert_int_equal(intake_preview(&cells, &n, &a, &p, z, span_of(text, sizeof(text) - 1), 4, &d), 0);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n * 6; i++) {
		bool ok = strcmp(want[i], "!") != 0;
		if (cells[i].ok != ok || (ok && strcmp(cells[i].reading, want[i])))
			fail_msg("cell %zu: '%s' %d", i, cells[i].reading, cells[i].ok);
	}
	assert_true(span_is(cells[1].text, "1,395"));
	assert_int_equal(intake_preview(&cells, &n, &a, &p, NULL, span_of(text, sizeof(text) - 1), 0, &d), 0);
	assert_int_equal(n, 0);
	assert_int_equal(intake_preview(&cells, &n, &a, &p, NULL, span_of(text, sizeof(text) - 1), 100, &d), 0);
	assert_int_equal(n, 5);
	p.columns[1].use = USE_TIME;
	assert_int_equal(intake_preview(&cells, &n, &a, &p, z, span_of(text, sizeof(text) - 1), 4, &d), MO_EINVAL);
	zone_free(z);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(cells_as_they_read)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
