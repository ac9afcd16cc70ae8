/* The machine temperature of the Numenta Anomaly Benchmark (22,695 means over five minutes, MIT licence), read where it
 * lies beside the project: what is found is printed and must stay few; the same at other scales. Skipped without the file. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "insight/level.h"

#define ROWS_MAX 30000u
#define SEC INT64_C(1000000000)

static struct level_sample rows[ROWS_MAX];
static size_t n_rows;

static bool load(const char *path)
{
	char line[128];
	FILE *f = fopen(path, "r");
	if (!f)
		return false;
	while (n_rows < ROWS_MAX && fgets(line, sizeof line, f)) {
		int y, mo, d, h, mi, s;
		double v;
		int64_t day;
		if (sscanf(line, "%d-%d-%d %d:%d:%d,%lf", &y, &mo, &d, &h, &mi, &s, &v) != 7 || civil_days(&day, y, mo, d) != 0)
			continue;
		int64_t t = (day * 86400 + h * 3600 + mi * 60 + s) * SEC;
		if (n_rows == 0 || t > rows[n_rows - 1].t_ns) /* an hour is repeated */
			rows[n_rows++] = (struct level_sample){t, 0, v};
	}
	fclose(f);
	return true;
}

static size_t find(double scale, struct level_finding *ret, size_t max)
{
	struct level_store st;
	struct level_finding f;
	size_t n = 0;
	level_init(&st);
	for (size_t i = 0; i < n_rows; i++) {
		struct level_sample x = rows[i];
		x.value *= scale;
		if (level_feed(&st, &x, &f) == LEVEL_SHIFTED && n < max)
			ret[n++] = f;
	}
	return n;
}

static void machine_temperature(void **state)
{
	(void)state;
	struct level_finding f[16], g[16];
	size_t n = find(1, f, 16);
	double days = (double)(rows[n_rows - 1].t_ns - rows[0].t_ns) / (86400.0 * 1e9);
	for (size_t i = 0; i < n; i++)
		printf("level %.1f -> %.1f from day %.2f\n", f[i].before, f[i].after,
		        (double)(f[i].begin_ns - rows[0].t_ns) / (86400.0 * 1e9));
	printf("%zu found in %.1f days\n", n, days);
	assert_true(n <= 4);
	assert_int_equal(find(0.01, g, 16), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(f[i].begin_ns, g[i].begin_ns);
	assert_int_equal(find(100, g, 16), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(f[i].begin_ns, g[i].begin_ns);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(machine_temperature)};
	const char *shared = getenv("MORU_SHARED");
	char path[4096];
	snprintf(path, sizeof path, "%s/data/nab_machine_temperature.csv", shared ? shared : argc > 1 ? argv[1] : ".");
	if (!load(path) || n_rows == 0) {
		printf("skipped: no %s\n", path);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
